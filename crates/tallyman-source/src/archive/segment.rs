//! A piece of a file: the bytes of one archive entry.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

/// A piece of a file. Clones read on their own: the position is not the file's.
#[derive(Clone, Debug)]
pub(crate) struct Segment {
    file: Arc<File>,
    offset: u64,
    left: u64,
}

impl Segment {
    pub(crate) fn new(file: Arc<File>, offset: u64, size: u64) -> Self {
        Segment { file, offset, left: size }
    }

    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    pub(crate) fn size_bytes(&self) -> u64 {
        self.left
    }

    /// Reads everything; the caller has compared the size with a limit.
    pub(crate) fn read_all(mut self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

impl Read for Segment {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let wanted = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        if wanted == 0 {
            return Ok(0);
        }
        let read = self.file.read_at(&mut buffer[..wanted], self.offset)?;
        if read == 0 {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "the file became shorter while it was read",
            ));
        }
        let advance = u64::try_from(read).unwrap_or(u64::MAX);
        self.offset = self.offset.saturating_add(advance);
        self.left = self.left.saturating_sub(advance);
        Ok(read)
    }
}
