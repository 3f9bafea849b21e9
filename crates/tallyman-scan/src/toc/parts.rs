//! Parts of files, which are fetched before it is known what of the files is needed.

use std::io::{self, Read};
use std::ops::Range;

use crate::error::LayerError;
use crate::toc::ReadRanges;
use crate::toc::document::{Chunk, ChunkContent, Toc};
use crate::toc::spans::{SpanReader, plan};
use crate::toc::unpack::{ChunkError, Packing, Unpacker};

/// So much of what was fetched is kept, so that it need not be fetched again.
const KEPT_BYTES: u64 = 16 << 20;

/// Of that, so much stays until the layer is read.
const SETTLED_BYTES: u64 = 8 << 20;

const BUFFER_BYTES: usize = 64 << 10;

/// A part of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    /// The index of the file among the entries.
    pub(crate) entry: usize,
    /// Bytes of its content.
    pub(crate) range: Range<u64>,
}

/// Fetches parts.
pub(crate) struct Fetcher<'a> {
    read: &'a ReadRanges<'a>,
    packing: Packing,
    /// The bytes that are kept of files of which it is not known what is needed.
    open_bytes: u64,
    /// The bytes that are kept of others.
    settled_bytes: u64,
}

/// A chunk that holds some of a part.
struct Piece {
    chunk: usize,
    /// What of the part it holds, seen from its own first byte.
    range: Range<u64>,
}

impl<'a> Fetcher<'a> {
    pub(crate) fn new(read: &'a ReadRanges<'a>, packing: Packing) -> Self {
        Fetcher { read, packing, open_bytes: 0, settled_bytes: 0 }
    }

    /// Fetches parts of different files, which come in the order of the entries, and shows each to
    /// `see` with its place among them.
    pub(crate) fn fetch(
        &mut self,
        toc: &mut Toc,
        parts: &[Part],
        mut see: impl FnMut(usize, &[u8]),
    ) -> Result<(), LayerError> {
        let pieces: Vec<Vec<Piece>> = parts.iter().map(|part| pieces_of(toc, part)).collect();
        let spans = {
            let chunks = pieces.iter().flatten().filter_map(|piece| toc.chunks.get(piece.chunk));
            plan(chunks)
        };
        let stream: Box<dyn Read> = match spans.is_empty() {
            true => Box::new(io::empty()),
            false => (self.read)(&spans).map_err(LayerError::Read)?,
        };
        let mut stored = SpanReader::new(stream, spans);
        let mut unpacker = Unpacker::new(self.packing).map_err(LayerError::Read)?;
        let mut content = Vec::new();
        for (index, (part, pieces)) in parts.iter().zip(&pieces).enumerate() {
            content.clear();
            for piece in pieces {
                let path = toc.entries.get(part.entry).map_or("", |entry| &*entry.path);
                let Some(chunk) = toc.chunks.get_mut(piece.chunk) else { continue };
                self.read_piece(chunk, piece, &mut unpacker, &mut stored, &mut content)
                    .map_err(|error| error.of(path))?;
            }
            see(index, &content);
        }
        Ok(())
    }

    fn read_piece(
        &mut self,
        chunk: &mut Chunk,
        piece: &Piece,
        unpacker: &mut Unpacker,
        stored: &mut SpanReader<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), ChunkError> {
        if chunk.is_missing() {
            let kept_bytes = self.open_bytes.saturating_add(self.settled_bytes);
            if kept_bytes.saturating_add(chunk.size) > KEPT_BYTES {
                out.extend(unpack(chunk, unpacker, stored, &piece.range)?);
                return Ok(());
            }
            self.open_bytes = self.open_bytes.saturating_add(chunk.size);
            let bytes = unpack(chunk, unpacker, stored, &(0..chunk.size))?;
            chunk.content = ChunkContent::Kept(bytes.into_boxed_slice());
        }
        match &chunk.content {
            ChunkContent::Kept(bytes) => out.extend_from_slice(part_of(bytes, 0, &piece.range)),
            ChunkContent::Missing | ChunkContent::Zeros => {
                let count = piece.range.end.saturating_sub(piece.range.start);
                out.extend(std::iter::repeat_n(0, usize::try_from(count).unwrap_or(0)));
            }
        }
        Ok(())
    }

    /// Keeps what is needed of files whose parts were fetched, as far as there is room for it. The
    /// next parts are of other files.
    pub(crate) fn settle<'n>(
        &mut self,
        toc: &mut Toc,
        needed: impl Iterator<Item = (usize, &'n [Range<u64>])>,
    ) {
        for (entry, needed) in needed {
            let Some(entry) = toc.entries.get(entry) else { continue };
            let mut start = 0_u64;
            for chunk in toc.chunks.iter_mut().skip(entry.first_chunk.unwrap_or(usize::MAX)) {
                if start >= entry.size {
                    break;
                }
                let end = start.saturating_add(chunk.size);
                let here = needed.iter().filter(|range| range.start < end && start < range.end);
                let last = here.map(|range| range.end.min(end).saturating_sub(start)).max();
                self.settle_chunk(chunk, last);
                start = end;
            }
        }
        self.open_bytes = 0;
    }

    /// Settles a chunk of which nothing is needed, or nothing from a place on.
    fn settle_chunk(&mut self, chunk: &mut Chunk, end: Option<u64>) {
        let Some(end) = end else {
            chunk.content = ChunkContent::Zeros;
            return;
        };
        if let ChunkContent::Kept(bytes) = &chunk.content {
            let bytes = part_of(bytes, 0, &(0..end));
            let settled_bytes = self.settled_bytes.saturating_add(bytes.len() as u64);
            chunk.content = match settled_bytes <= SETTLED_BYTES {
                true => {
                    self.settled_bytes = settled_bytes;
                    ChunkContent::Kept(bytes.into())
                }
                false => ChunkContent::Missing,
            };
        }
    }
}

/// Returns the chunks that hold a part of a file.
fn pieces_of(toc: &Toc, part: &Part) -> Vec<Piece> {
    let first = toc.entries.get(part.entry).and_then(|entry| entry.first_chunk);
    let Some(first) = first else { return Vec::new() };
    let mut pieces = Vec::new();
    let mut start = 0_u64;
    for (index, chunk) in toc.chunks.iter().enumerate().skip(first) {
        let end = start.saturating_add(chunk.size);
        let range = part.range.start.max(start)..part.range.end.min(end);
        if !range.is_empty() {
            let range = range.start.saturating_sub(start)..range.end.saturating_sub(start);
            pieces.push(Piece { chunk: index, range });
        }
        if end >= part.range.end {
            break;
        }
        start = end;
    }
    pieces
}

/// Unpacks a chunk to its end, which verifies it, and returns a range of it.
fn unpack(
    chunk: &Chunk,
    unpacker: &mut Unpacker,
    stored: &mut SpanReader<'_>,
    range: &Range<u64>,
) -> Result<Vec<u8>, ChunkError> {
    unpacker.start(chunk, stored).map_err(ChunkError::Read)?;
    let mut buffer = vec![0; BUFFER_BYTES];
    let (mut bytes, mut start) = (Vec::new(), 0);
    loop {
        let count = unpacker.read(stored, &mut buffer)?;
        if count == 0 {
            return Ok(bytes);
        }
        let piece = buffer.get(..count).unwrap_or_default();
        bytes.extend_from_slice(part_of(piece, start, range));
        start = start.saturating_add(count as u64);
    }
}

/// Returns what of a range lies in a piece that begins at `start`.
fn part_of<'b>(piece: &'b [u8], start: u64, range: &Range<u64>) -> &'b [u8] {
    let place =
        |at: u64| usize::try_from(at.saturating_sub(start)).unwrap_or(usize::MAX).min(piece.len());
    piece.get(place(range.start)..place(range.end)).unwrap_or_default()
}
