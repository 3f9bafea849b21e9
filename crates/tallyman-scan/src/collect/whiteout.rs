//! Whiteouts: entries that remove files of lower layers (OCI image-spec, layer.md, "Whiteouts").

use crate::path::split;

const PREFIX: &str = ".wh.";

/// Of the names with this prefix only the opaque mark means anything; the others are AUFS's own.
const META_PREFIX: &str = ".wh..wh.";

const OPAQUE: &str = ".wh..wh..opq";

/// What an entry's name means to lower layers.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Whiteout<'a> {
    /// An ordinary entry.
    None,
    /// Removes a path and what is beneath it.
    Of(String),
    /// Hides what is beneath a directory.
    Opaque(&'a str),
    /// Bookkeeping of AUFS.
    Ignored,
    /// Names no sibling; engines refuse it.
    Invalid,
}

impl<'a> Whiteout<'a> {
    /// Reads a normalised path.
    pub(crate) fn parse(path: &'a str) -> Self {
        let (directory, base) = split(path);
        let Some(name) = base.strip_prefix(PREFIX) else {
            return Whiteout::None;
        };
        if base == OPAQUE {
            return Whiteout::Opaque(directory);
        }
        if base.starts_with(META_PREFIX) {
            return Whiteout::Ignored;
        }
        match (name, directory) {
            ("" | "." | "..", _) => Whiteout::Invalid,
            (name, "") => Whiteout::Of(name.to_owned()),
            (name, directory) => Whiteout::Of(format!("{directory}/{name}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Whiteout;

    #[test]
    fn names_are_read_as_the_specification_says() {
        assert_eq!(Whiteout::parse("a/b"), Whiteout::None);
        assert_eq!(Whiteout::parse("a/x.wh.b"), Whiteout::None);
        assert_eq!(Whiteout::parse("a/.wh.b"), Whiteout::Of("a/b".to_owned()));
        assert_eq!(Whiteout::parse(".wh.b"), Whiteout::Of("b".to_owned()));
        assert_eq!(Whiteout::parse("a/.wh..hidden"), Whiteout::Of("a/.hidden".to_owned()));
        assert_eq!(Whiteout::parse("a/.wh..wh..opq"), Whiteout::Opaque("a"));
        assert_eq!(Whiteout::parse(".wh..wh..opq"), Whiteout::Opaque(""));
        assert_eq!(Whiteout::parse(".wh..wh.plnk"), Whiteout::Ignored);
        for invalid in ["a/.wh.", "a/.wh..", "a/.wh..."] {
            assert_eq!(Whiteout::parse(invalid), Whiteout::Invalid, "{invalid}");
        }
    }
}
