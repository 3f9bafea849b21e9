//! The SHA-1 of an archive's bytes, by which an index may know what it is.
//!
//! Most archives say it themselves, but seldom at their beginning: their bytes are kept until it is
//! known whether they have to be hashed. One that holds archives is hashed as it passes by, so that
//! of a file and all archives in it no more than one is kept at a time.

use ring::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY};

/// Larger archives are not looked up in an index.
const BYTES_MAX: usize = 2 << 20;

/// The bytes of an archive up to here.
pub(super) struct Content {
    /// How many there were.
    bytes: usize,
    state: State,
}

enum State {
    Kept(Vec<u8>),
    Hashed(Context),
    TooLarge,
}

impl Content {
    pub(super) fn new() -> Self {
        Content { bytes: 0, state: State::Kept(Vec::new()) }
    }

    /// Takes the next bytes.
    pub(super) fn add(&mut self, piece: &[u8]) {
        self.bytes = self.bytes.saturating_add(piece.len());
        if self.bytes > BYTES_MAX {
            self.state = State::TooLarge;
        }
        match &mut self.state {
            State::Kept(kept) => kept.extend_from_slice(piece),
            State::Hashed(context) => context.update(piece),
            State::TooLarge => {}
        }
    }

    /// Keeps nothing from here on.
    pub(super) fn keep_nothing(&mut self) {
        if let State::Kept(kept) = &self.state {
            self.state = State::Hashed(hash(kept));
        }
    }

    /// Returns the SHA-1 of all bytes in hexadecimal digits, unless there were too many.
    pub(super) fn sha1(self) -> Option<String> {
        let context = match self.state {
            State::Kept(kept) => hash(&kept),
            State::Hashed(context) => context,
            State::TooLarge => return None,
        };
        Some(hex::encode(context.finish()))
    }
}

fn hash(bytes: &[u8]) -> Context {
    let mut context = Context::new(&SHA1_FOR_LEGACY_USE_ONLY);
    context.update(bytes);
    context
}

#[cfg(test)]
mod tests {
    use super::{BYTES_MAX, Content, State};

    /// That of nothing is in every table.
    const OF_NOTHING: &str = "da39a3ee5e6b4b0d3255bfef95601890afd80709";

    /// FIPS 180-1, appendix A.
    const OF_ABC: &str = "a9993e364706816aba3e25717850c26c9cd0d89d";

    #[test]
    fn all_bytes_count_whether_they_are_kept_or_not() {
        assert_eq!(Content::new().sha1().as_deref(), Some(OF_NOTHING));
        for at in 0..4 {
            let mut content = Content::new();
            for (place, piece) in [b"a", b"b", b"c"].into_iter().enumerate() {
                if place == at {
                    content.keep_nothing();
                    content.keep_nothing();
                }
                content.add(piece);
            }
            assert_eq!(content.sha1().as_deref(), Some(OF_ABC), "{at}");
        }
    }

    #[test]
    fn one_byte_too_many_is_no_digest_and_nothing_is_kept() {
        for keeps_nothing in [false, true] {
            let mut content = Content::new();
            content.add(&[0; 1000]);
            if keeps_nothing {
                content.keep_nothing();
            }
            content.add(&vec![0; BYTES_MAX - 1000]);
            assert!(!matches!(content.state, State::TooLarge));
            content.add(&[0]);
            assert!(matches!(content.state, State::TooLarge));
            content.add(&[0]);
            assert_eq!(content.sha1(), None);
        }
    }
}
