//! The tar stream of a layer: the stored bytes decompressed, with the limits on what comes out.

mod gzip;

use std::io::{self, BufRead, Read};

use tallyman_model::image::Compression;
use tallyman_model::limits::Limits;

use crate::budget::Budget;
use crate::buffered;
use crate::decompress::gzip::GzipReader;
use crate::error::LayerError;
use crate::stored::StoredReader;
use crate::tar;

const BUFFER_BYTES: usize = 256 << 10;

/// Below this size no expansion is suspicious: a small layer of zeros is legitimate.
const RATIO_FLOOR_BYTES: u64 = 64 << 20;

/// 128 MiB, the reference decoder's own default: a frame may not make it allocate more.
pub(crate) const ZSTD_WINDOW_LOG_MAX: u32 = 27;

/// Decompresses a layer in place of the tar reader's input.
pub(crate) struct TarStream<'r, 's> {
    source: Source<'r, 's>,
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    total: u64,
    budget: &'r Budget,
}

enum Source<'r, 's> {
    Plain(&'r mut StoredReader<'s>),
    Gzip(GzipReader<&'r mut StoredReader<'s>>),
    Zstd(Box<zstd::Decoder<'static, &'r mut StoredReader<'s>>>),
}

impl<'r, 's> TarStream<'r, 's> {
    /// Looks at the first bytes and starts the decompressor that they ask for. Engines do the
    /// same and ignore the media type, so a wrong one must not hide a layer from us.
    pub(crate) fn open(
        stored: &'r mut StoredReader<'s>,
        declared: Compression,
        budget: &'r Budget,
    ) -> Result<Self, LayerError> {
        let source = match sniff(stored.fill_buf()?).unwrap_or(declared) {
            Compression::None => Source::Plain(stored),
            Compression::Gzip => Source::Gzip(GzipReader::new(stored)),
            Compression::Zstd => {
                let failed =
                    |source| LayerError::Decompress { compression: Compression::Zstd, source };
                let mut decoder = zstd::Decoder::with_buffer(stored).map_err(failed)?;
                decoder.window_log_max(ZSTD_WINDOW_LOG_MAX).map_err(failed)?;
                Source::Zstd(Box::new(decoder))
            }
        };
        Ok(TarStream {
            source,
            buffer: vec![0; BUFFER_BYTES].into_boxed_slice(),
            start: 0,
            end: 0,
            total: 0,
            budget,
        })
    }

    /// Returns the bytes that came out so far.
    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    /// Decompresses what is left after the end of the tar, so that a truncated or corrupt rest is
    /// noticed.
    pub(crate) fn drain(&mut self) -> Result<(), LayerError> {
        loop {
            let available = self.fill_buf()?.len();
            if available == 0 {
                return Ok(());
            }
            self.consume(available);
        }
    }

    /// Tells whether bytes that belong to no gzip member follow the last one.
    pub(crate) fn has_trailing_garbage(&self) -> bool {
        match &self.source {
            Source::Gzip(gzip) => gzip.has_trailing_garbage(),
            Source::Plain(_) | Source::Zstd(_) => false,
        }
    }

    fn fill(&mut self) -> Result<(), LayerError> {
        let (result, stored_bytes, compression) = match &mut self.source {
            Source::Plain(stored) => {
                (stored.read(&mut self.buffer), stored.total(), Compression::None)
            }
            Source::Gzip(gzip) => {
                (gzip.read(&mut self.buffer), gzip.get_ref().total(), Compression::Gzip)
            }
            Source::Zstd(zstd) => {
                (zstd.read(&mut self.buffer), zstd.get_ref().total(), Compression::Zstd)
            }
        };
        let count = result.map_err(|error| match error.downcast::<LayerError>() {
            Ok(error) => error,
            Err(source) => LayerError::Decompress { compression, source },
        })?;
        self.start = 0;
        self.end = count.min(BUFFER_BYTES);
        self.total = self.total.saturating_add(count as u64);
        check_size(self.total, stored_bytes, self.budget.limits())?;
        self.budget.take_uncompressed(count as u64)
    }
}

/// Checks the size of a tar that comes out of so many stored bytes.
pub(crate) fn check_size(total: u64, stored_bytes: u64, limits: &Limits) -> Result<(), LayerError> {
    if total > limits.layer_uncompressed_bytes {
        let (limit, value) = ("layer-uncompressed-bytes", limits.layer_uncompressed_bytes);
        return Err(LayerError::LimitExceeded { limit, value });
    }
    let allowed = stored_bytes.saturating_mul(limits.expansion_ratio).max(RATIO_FLOOR_BYTES);
    if total > allowed {
        let (limit, value) = ("expansion-ratio", limits.expansion_ratio);
        return Err(LayerError::LimitExceeded { limit, value });
    }
    Ok(())
}

impl Read for TarStream<'_, '_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        buffered::read(self, out)
    }
}

impl BufRead for TarStream<'_, '_> {
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

/// RFC 1952, section 2.3.1; RFC 8878, sections 3.1.1 and 3.1.2 (skippable frames).
fn sniff(head: &[u8]) -> Option<Compression> {
    match head {
        [0x1f, 0x8b, ..] => Some(Compression::Gzip),
        [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => {
            Some(Compression::Zstd)
        }
        _ if tar::begins_like_tar(head) => Some(Compression::None),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
