//! The stored bytes of a layer on their way in: hashed, counted and bounded, whoever reads them.
//!
//! Of a layer that is not small, the hash is computed on a thread of its own while the bytes are
//! decompressed on the reader's: in an image with one dominant layer nothing else could use the
//! second processor.

mod hash;

use std::io::{self, BufRead, Read};
use std::sync::Arc;

use tallyman_model::digest::{Algorithm, Digest};

use crate::buffered;
use crate::error::LayerError;
use crate::stored::hash::Hash;

/// Large enough that calls do not show, small enough to stay in the second-level cache.
const BUFFER_BYTES: usize = 128 << 10;

/// How many blocks may wait for their hash while the next one is read.
const BLOCKS: usize = 4;

/// Reads a layer's stored bytes; every byte that leaves the source is hashed.
pub(crate) struct StoredReader<'a> {
    source: &'a mut dyn Read,
    progress: &'a dyn Fn(u64),
    /// Blocks of bytes, filled in turn; the hash shares those that it has not come to yet.
    blocks: [Arc<Vec<u8>>; BLOCKS],
    current: usize,
    start: usize,
    end: usize,
    hash: Hash,
    total: u64,
    max_bytes: u64,
    size_bytes: Option<u64>,
}

impl<'a> StoredReader<'a> {
    /// Starts reading; `size_bytes` is the size that the manifest announces.
    pub(crate) fn new(
        source: &'a mut dyn Read,
        progress: &'a dyn Fn(u64),
        algorithm: Algorithm,
        max_bytes: u64,
        size_bytes: Option<u64>,
    ) -> Self {
        StoredReader {
            source,
            progress,
            blocks: std::array::from_fn(|_| Arc::new(Vec::new())),
            current: 0,
            start: 0,
            end: 0,
            hash: Hash::new(algorithm),
            total: 0,
            max_bytes,
            size_bytes,
        }
    }

    /// Returns how many bytes the source gave so far.
    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    /// Reads what is left and returns the digest of all bytes.
    pub(crate) fn finish(mut self) -> Result<Digest, LayerError> {
        loop {
            let available = self.fill_buf()?.len();
            if available == 0 {
                break;
            }
            self.consume(available);
        }
        if let Some(expected) = self.size_bytes
            && expected != self.total
        {
            return Err(LayerError::SizeMismatch { expected, found: self.total });
        }
        self.hash.finish()
    }

    /// Fills a whole block, so that a first look always sees a complete magic number.
    fn fill(&mut self) -> Result<(), LayerError> {
        self.start = 0;
        self.end = 0;
        self.current = self.current.saturating_add(1) % BLOCKS;
        self.hash.wait_for_less_than(BLOCKS);
        let shared = self.blocks.get_mut(self.current).expect("the index is below the length");
        // The hash is done with it, so that it is not copied.
        let block = Arc::make_mut(shared);
        block.resize(BUFFER_BYTES, 0);
        while let Some(free) = block.get_mut(self.end..).filter(|free| !free.is_empty()) {
            match self.source.read(free) {
                Ok(0) => break,
                Ok(count) => self.end = self.end.saturating_add(count).min(BUFFER_BYTES),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(LayerError::Read(error)),
            }
        }
        block.truncate(self.end);
        if self.end > 0 {
            self.hash.update(shared);
        }
        self.total = self.total.saturating_add(self.end as u64);
        (self.progress)(self.total);
        self.check_size()
    }

    fn check_size(&self) -> Result<(), LayerError> {
        if let Some(expected) = self.size_bytes.filter(|size| self.total > *size) {
            return Err(LayerError::SizeMismatch { expected, found: self.total });
        }
        if self.total > self.max_bytes {
            return Err(LayerError::LimitExceeded { limit: "layer-bytes", value: self.max_bytes });
        }
        Ok(())
    }
}

impl Read for StoredReader<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        buffered::read(self, out)
    }
}

impl BufRead for StoredReader<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.start >= self.end {
            self.fill()?;
        }
        let block = self.blocks.get(self.current).map_or(&[][..], |block| block.as_slice());
        Ok(block.get(self.start..self.end).unwrap_or_default())
    }

    fn consume(&mut self, count: usize) {
        self.start = self.start.saturating_add(count).min(self.end);
    }
}
