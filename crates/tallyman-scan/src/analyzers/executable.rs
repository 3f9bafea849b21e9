//! What counts as a program or library.
//!
//! A file is looked into if it has an executable bit, no extension, or ends in `.so` or `.exe`,
//! and begins with the magic number of ELF, PE or thin Mach-O. It is then streamed through the
//! analyzers of programs, of any size up to `Limits::executable_bytes` and never held as a whole.
//! Versioned libraries (`libx.so.1`) are left out, except those that `binaries.rs` knows: neither
//! Go nor cargo builds them.

use crate::analyzers::Candidate;

/// Tells from name and mode whether a file may be a program or library.
pub(crate) fn wants(candidate: &Candidate<'_>) -> bool {
    // 64 bytes is the ELF header of a 64-bit program alone.
    candidate.size >= 64 && may_be(candidate)
}

/// Tells the same without the size.
pub(crate) fn may_be(candidate: &Candidate<'_>) -> bool {
    candidate.mode & 0o111 != 0
        || match candidate.base.rsplit_once('.') {
            None => true,
            Some((_, extension)) => matches!(extension, "so" | "exe"),
        }
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
