//! The bytes of an index: a mapped file, or bytes in memory.

use std::fs::File;
use std::io;
use std::ops::Deref;
use std::path::Path;

use memmap2::Mmap;

#[derive(Debug)]
pub(super) enum IndexBytes {
    Mapped(Mmap),
    Owned(Vec<u8>),
}

impl IndexBytes {
    /// Maps a file, of which only what is used is read.
    pub(super) fn map(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        #[expect(
            unsafe_code,
            reason = "a mapped file can change under its reader, which Rust cannot rule out: \
                      docs/decisions/0015-the-index-is-mapped.md says why this one does not"
        )]
        // SAFETY: an index is never written under its own name. It is written under another one,
        // synchronised and renamed, and later unlinked, which leaves the mapped pages as they are.
        // The folder belongs to the program's user alone.
        let map = unsafe { Mmap::map(&file)? };
        Ok(IndexBytes::Mapped(map))
    }
}

impl Deref for IndexBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            IndexBytes::Mapped(map) => map,
            IndexBytes::Owned(bytes) => bytes,
        }
    }
}
