//! What counts as a program or library.
//!
//! A file is looked into if it has an executable bit, no extension, or ends in `.so` or `.exe`, if it
//! has no name that texts have, and begins with the magic number of ELF, PE or thin Mach-O. It is then streamed through the
//! analyzers of programs, of any size up to `Limits::executable_bytes` and never held as a whole.
//! Versioned libraries (`libx.so.1`) are left out, except those that `binaries.rs` knows: neither
//! Go nor cargo builds them.

use crate::analyzers::Candidate;

/// Files without an extension that lie beside most packages. To see that one of them is no program, it
/// would have to be fetched.
const TEXTS: [&str; 12] = [
    "LICENSE",
    "LICENCE",
    "COPYING",
    "NOTICE",
    "README",
    "AUTHORS",
    "CHANGELOG",
    "copyright",
    "RECORD",
    "WHEEL",
    "INSTALLER",
    "REQUESTED",
];

/// Tells from name and mode whether a file may be a program or library.
pub(crate) fn wants(candidate: &Candidate<'_>) -> bool {
    // 64 bytes is the ELF header of a 64-bit program alone.
    candidate.size >= 64 && may_be(candidate)
}

/// Tells the same without the size.
pub(crate) fn may_be(candidate: &Candidate<'_>) -> bool {
    candidate.mode & 0o111 != 0
        || match candidate.base.rsplit_once('.') {
            None => !is_text(candidate.base),
            Some((_, extension)) => matches!(extension, "so" | "exe"),
        }
}

fn is_text(base: &str) -> bool {
    let rest = TEXTS.iter().find_map(|text| base.strip_prefix(text));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

/// Tells whether content begins like a program or library.
pub(crate) fn has_magic(content: &[u8]) -> bool {
    matches!(
        content,
        [0x7f, b'E', b'L', b'F', ..]
            | [b'M', b'Z', ..]
            | [0xfe, 0xed, 0xfa, 0xce | 0xcf, ..]
            | [0xce | 0xcf, 0xfa, 0xed, 0xfe, ..]
    )
}

#[cfg(test)]
mod tests {
    use super::wants;
    use crate::analyzers::Candidate;

    #[test]
    fn a_file_with_the_name_of_a_text_is_a_program_only_if_it_can_be_executed() {
        for (path, mode, expected) in [
            ("a/LICENSE", 0o644, false),
            ("a/LICENSE-MIT", 0o644, false),
            ("a/LICENSE", 0o755, true),
            ("a/LICENSER", 0o644, true),
            ("a/tool", 0o644, true),
            ("a/RECORD", 0o644, false),
            ("a/tool.txt", 0o644, false),
            ("a/tool.so", 0o644, true),
        ] {
            assert_eq!(wants(&Candidate::new(path, 100, mode)), expected, "{path} {mode:o}");
        }
    }
}
