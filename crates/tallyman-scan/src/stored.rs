//! The stored bytes of a layer on their way in: hashed, counted and bounded, whoever reads them.

use std::io::{self, BufRead, Read};

use ring::digest::{Context, SHA256, SHA512};
use tallyman_model::digest::{Algorithm, Digest};

use crate::error::LayerError;

/// Large enough that calls do not show, small enough to stay in the second-level cache.
const BUFFER_BYTES: usize = 128 << 10;

/// Reads a layer's stored bytes; every byte that leaves the source is hashed.
pub(crate) struct StoredReader<'a> {
    source: &'a mut dyn Read,
    progress: &'a dyn Fn(u64),
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    hash: Context,
    algorithm: Algorithm,
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
        let hash = Context::new(match algorithm {
            Algorithm::Sha256 => &SHA256,
            Algorithm::Sha512 => &SHA512,
        });
        let buffer = vec![0; BUFFER_BYTES].into_boxed_slice();
        let (start, end, total) = (0, 0, 0);
        StoredReader {
            source,
            progress,
            buffer,
            start,
            end,
            hash,
            algorithm,
            total,
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
        let found = self.hash.finish();
        match self.algorithm {
            Algorithm::Sha256 => found.as_ref().try_into().map(Digest::from_sha256),
            Algorithm::Sha512 => found.as_ref().try_into().map(Digest::from_sha512),
        }
        .map_err(|_| LayerError::Read(io::Error::other("the hash has an unexpected length")))
    }

    /// Fills the whole buffer, so that a first look always sees a complete magic number.
    fn fill(&mut self) -> Result<(), LayerError> {
        self.start = 0;
        self.end = 0;
        while let Some(free) = self.buffer.get_mut(self.end..).filter(|free| !free.is_empty()) {
            match self.source.read(free) {
                Ok(0) => break,
                Ok(count) => self.end = self.end.saturating_add(count).min(BUFFER_BYTES),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(LayerError::Read(error)),
            }
        }
        let filled = self.buffer.get(..self.end).unwrap_or_default();
        self.hash.update(filled);
        self.total = self.total.saturating_add(filled.len() as u64);
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
        let available = self.fill_buf()?;
        let count = available.len().min(out.len());
        out[..count].copy_from_slice(&available[..count]);
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for StoredReader<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.start >= self.end {
            self.fill()?;
        }
        Ok(self.buffer.get(self.start..self.end).unwrap_or_default())
    }

    fn consume(&mut self, count: usize) {
        self.start = self.start.saturating_add(count).min(self.end);
    }
}
