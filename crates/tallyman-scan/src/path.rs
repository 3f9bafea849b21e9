//! Paths of tar entries, brought into the one form that inventories use: relative to the root,
//! without `.`, `..`, empty components and a trailing slash.

use std::borrow::Cow;

/// Why a path names nothing inside the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PathError {
    /// It climbs above the root.
    #[error("the path leaves the root of the image")]
    Escapes,
    /// It holds a NUL, which no file system accepts.
    #[error("the path holds a NUL byte")]
    Nul,
}

/// Writes the normalised form of `raw` to `out`; the root is the empty string.
///
/// `..` is resolved by the text alone, as engines do before they write a file: ignoring such
/// entries would let an image hide them from us. Bytes that are not UTF-8 become U+FFFD, always in
/// the same way.
pub(crate) fn normalize(raw: &[u8], out: &mut String) -> Result<(), PathError> {
    out.clear();
    let text = match std::str::from_utf8(raw) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => String::from_utf8_lossy(raw),
    };
    if memchr::memchr(0, text.as_bytes()).is_some() {
        return Err(PathError::Nul);
    }
    for component in text.split('/') {
        match component {
            "" | "." => {}
            ".." if out.is_empty() => return Err(PathError::Escapes),
            ".." => out.truncate(out.rfind('/').unwrap_or(0)),
            name => {
                if !out.is_empty() {
                    out.push('/');
                }
                out.push_str(name);
            }
        }
    }
    Ok(())
}

/// Returns the directory and the base name of a normalised path.
pub(crate) fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

#[cfg(test)]
mod tests {
    use super::{PathError, normalize, split};

    fn normalized(raw: &[u8]) -> Result<String, PathError> {
        let mut out = String::from("left over");
        normalize(raw, &mut out).map(|()| out)
    }

    #[test]
    fn every_spelling_of_a_path_becomes_one() {
        for raw in ["a/b", "/a/b", "./a/b", "a//b/", "a/./b", "x/../a/b", "/./a/x/../b/."] {
            assert_eq!(normalized(raw.as_bytes()).as_deref(), Ok("a/b"), "{raw}");
        }
        for raw in ["", "/", "./", ".", "a/..", "//"] {
            assert_eq!(normalized(raw.as_bytes()).as_deref(), Ok(""), "{raw}");
        }
    }

    #[test]
    fn a_path_that_leaves_the_root_is_refused() {
        for raw in ["..", "../a", "a/../../b", "/../etc/passwd"] {
            assert_eq!(normalized(raw.as_bytes()), Err(PathError::Escapes), "{raw}");
        }
        assert_eq!(normalized(b"a\0b"), Err(PathError::Nul));
    }

    #[test]
    fn bytes_that_are_not_utf8_are_replaced() {
        assert_eq!(normalized(b"a/\xff\xfe/b").as_deref(), Ok("a/\u{fffd}\u{fffd}/b"));
    }

    #[test]
    fn the_base_name_follows_the_last_slash() {
        assert_eq!(split("a/b/c"), ("a/b", "c"));
        assert_eq!(split("c"), ("", "c"));
    }
}
