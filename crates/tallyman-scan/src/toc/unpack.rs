//! Unpacks one chunk at a time and checks that it is what the table of contents says.

use std::io;

use flate2::{Decompress, FlushDecompress, Status};
use ring::digest::{Context, SHA256};
use zstd::stream::raw::{DParameter, Decoder, Operation};

use crate::decompress::ZSTD_WINDOW_LOG_MAX;
use crate::error::LayerError;
use crate::toc::document::Chunk;
use crate::toc::spans::SpanReader;

const WINDOW_BITS: u8 = 15;

/// How the chunks of a layer are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Packing {
    Gzip,
    Zstd,
}

/// Unpacks chunks.
pub(crate) struct Unpacker {
    inflater: Inflater,
    current: Option<Current>,
}

enum Inflater {
    Gzip(Decompress),
    Zstd(Box<Decoder<'static>>),
}

struct Current {
    /// The bytes that are still to come.
    left: u64,
    /// The stored bytes that may still be read.
    stored_left: u64,
    expected: [u8; 32],
    hash: Context,
}

/// Why a chunk gives no bytes.
pub(crate) enum ChunkError {
    /// The layer does not hold what its table of contents says.
    Mismatch(&'static str),
    /// The bytes could not be had.
    Read(io::Error),
}

impl ChunkError {
    /// Says whose chunk it is.
    pub(crate) fn of(self, path: &str) -> LayerError {
        match self {
            ChunkError::Read(error) => LayerError::Read(error),
            ChunkError::Mismatch(reason) => {
                LayerError::ContentMismatch { path: path.chars().take(200).collect(), reason }
            }
        }
    }
}

impl Unpacker {
    pub(crate) fn new(packing: Packing) -> io::Result<Self> {
        let inflater = match packing {
            Packing::Gzip => Inflater::Gzip(Decompress::new_gzip(WINDOW_BITS)),
            Packing::Zstd => {
                let mut decoder = Decoder::new()?;
                decoder.set_parameter(DParameter::WindowLogMax(ZSTD_WINDOW_LOG_MAX))?;
                Inflater::Zstd(Box::new(decoder))
            }
        };
        Ok(Unpacker { inflater, current: None })
    }

    /// Starts with a chunk.
    pub(crate) fn start(&mut self, chunk: &Chunk, stored: &mut SpanReader<'_>) -> io::Result<()> {
        if !chunk.is_missing() {
            return Ok(());
        }
        stored.seek(chunk.start)?;
        match &mut self.inflater {
            Inflater::Gzip(inflate) => *inflate = Decompress::new_gzip(WINDOW_BITS),
            Inflater::Zstd(decoder) => decoder.reinit()?,
        }
        let stored_left = chunk.end.saturating_sub(chunk.start);
        let hash = Context::new(&SHA256);
        self.current =
            Some(Current { left: chunk.size, stored_left, expected: chunk.digest, hash });
        Ok(())
    }

    /// Unpacks further bytes of the chunk, none after its last one, which is given out only if all
    /// are right.
    pub(crate) fn read(
        &mut self,
        stored: &mut SpanReader<'_>,
        out: &mut [u8],
    ) -> Result<usize, ChunkError> {
        let Some(current) = &mut self.current else { return Ok(0) };
        let wanted = out.len().min(usize::try_from(current.left).unwrap_or(usize::MAX));
        let out = out.get_mut(..wanted).unwrap_or_default();
        let mut filled = 0;
        while let Some(free) = out.get_mut(filled..).filter(|free| !free.is_empty()) {
            let input = stored.fill_buf().map_err(ChunkError::Read)?;
            let allowed = usize::try_from(current.stored_left).unwrap_or(usize::MAX);
            let input = input.get(..input.len().min(allowed)).unwrap_or_default();
            let step = self.inflater.step(input, free).map_err(ChunkError::Mismatch)?;
            let is_stuck = step.consumed == 0 && step.produced == 0;
            stored.consume(step.consumed);
            current.stored_left = current.stored_left.saturating_sub(step.consumed as u64);
            filled = filled.saturating_add(step.produced);
            if filled < wanted && (step.has_ended || is_stuck) {
                return Err(ChunkError::Mismatch("it ends too early"));
            }
        }
        current.hash.update(out);
        current.left = current.left.saturating_sub(wanted as u64);
        if current.left == 0
            && let Some(current) = self.current.take()
            && current.hash.finish().as_ref() != current.expected
        {
            return Err(ChunkError::Mismatch("its digest is another"));
        }
        Ok(wanted)
    }
}

struct Step {
    consumed: usize,
    produced: usize,
    has_ended: bool,
}

impl Inflater {
    fn step(&mut self, input: &[u8], out: &mut [u8]) -> Result<Step, &'static str> {
        match self {
            Inflater::Gzip(inflate) => {
                let (in_before, out_before) = (inflate.total_in(), inflate.total_out());
                let status = inflate
                    .decompress(input, out, FlushDecompress::None)
                    .map_err(|_| "it is no gzip")?;
                let delta = |after: u64, before: u64| {
                    usize::try_from(after.saturating_sub(before)).unwrap_or(usize::MAX)
                };
                Ok(Step {
                    consumed: delta(inflate.total_in(), in_before),
                    produced: delta(inflate.total_out(), out_before),
                    has_ended: status == Status::StreamEnd,
                })
            }
            Inflater::Zstd(decoder) => {
                let status = decoder.run_on_buffers(input, out).map_err(|_| "it is no zstd")?;
                Ok(Step {
                    consumed: status.bytes_read,
                    produced: status.bytes_written,
                    has_ended: status.remaining == 0,
                })
            }
        }
    }
}
