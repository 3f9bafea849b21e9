//! A stream in windows, for what searches it: every byte is looked at once as a beginning, together
//! with enough of what follows it, wherever the pieces of the stream end.

/// Cuts a stream into windows.
pub(crate) struct Lookahead {
    /// How many bytes after a beginning must be there, the beginning included.
    bytes: usize,
    /// What could not be looked at yet.
    left: Vec<u8>,
}

/// A part of the stream.
pub(crate) struct Window<'a> {
    /// The bytes.
    pub(crate) bytes: &'a [u8],
    /// How many of them are beginnings that no other window has.
    pub(crate) beginnings: usize,
    /// What follows in the same piece of the stream.
    pub(crate) rest: &'a [u8],
}

impl Window<'_> {
    /// Returns everything from a place in the window to the end of the piece.
    pub(crate) fn from(&self, at: usize) -> Vec<u8> {
        let mut bytes = self.bytes.get(at..).unwrap_or_default().to_vec();
        bytes.extend_from_slice(self.rest);
        bytes
    }
}

impl Lookahead {
    /// Starts at the first byte of a stream.
    pub(crate) fn new(bytes: usize) -> Self {
        Lookahead { bytes, left: Vec::new() }
    }

    /// Shows the windows that end in a piece, until `see` says to stop.
    pub(crate) fn feed(&mut self, piece: &[u8], mut see: impl FnMut(&Window<'_>) -> bool) {
        let (head, rest) = piece.split_at(piece.len().min(self.bytes));
        let mut border = std::mem::take(&mut self.left);
        let before = border.len();
        border.extend_from_slice(head);
        let is_short = rest.is_empty();
        let beginnings = match is_short {
            true => border.len().saturating_sub(self.bytes),
            false => before,
        };
        let goes_on = see(&Window { bytes: &border, beginnings, rest });
        if is_short {
            self.left = border.split_off(beginnings);
        } else if goes_on {
            let beginnings = piece.len().saturating_sub(self.bytes);
            see(&Window { bytes: piece, beginnings, rest: &[] });
            self.left = piece.get(beginnings..).unwrap_or_default().to_vec();
        }
    }

    /// Shows the last window, whose beginnings have less after them.
    pub(crate) fn finish(&mut self, see: impl FnOnce(&Window<'_>)) {
        let left = std::mem::take(&mut self.left);
        see(&Window { bytes: &left, beginnings: left.len(), rest: &[] });
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop, prop_assert_eq, proptest};

    use super::Lookahead;

    proptest! {
        #[test]
        fn every_byte_is_a_beginning_once_with_enough_after_it(
            stream in prop::collection::vec(any::<u8>(), 0..200),
            piece in 1_usize..70,
            ahead in 1_usize..20,
        ) {
            let mut seen: Vec<u8> = Vec::new();
            let mut lookahead = Lookahead::new(ahead);
            for piece in stream.chunks(piece) {
                lookahead.feed(piece, |window| {
                    let at = seen.len();
                    seen.extend(&window.bytes[..window.beginnings]);
                    for begin in 0..window.beginnings {
                        let expected = &stream[at + begin..(at + begin + ahead).min(stream.len())];
                        assert!(window.bytes[begin..].starts_with(expected));
                    }
                    true
                });
            }
            lookahead.finish(|window| seen.extend(window.bytes));
            prop_assert_eq!(seen, stream);
        }
    }
}
