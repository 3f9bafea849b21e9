//! The layer's tar, made again from its table of contents: headers from the entries, content from
//! the chunks. The content of files that nobody reads is zeros of the right length, which are
//! skipped and never looked at.

use std::io::{self, BufRead, Read};

use crate::buffered;
use crate::error::LayerError;
use crate::tar::EntryKind;
use crate::tar::header::{BLOCK_BYTES, Block, NAME_BYTES};
use crate::toc::document::{ChunkContent, Toc, TocEntry};
use crate::toc::spans::SpanReader;
use crate::toc::unpack::{ChunkError, Packing, Unpacker};

const BUFFER_BYTES: usize = 256 << 10;

static ZEROS: [u8; 64 << 10] = [0; 64 << 10];

/// Gives the tar out piece by piece.
pub(crate) struct TocTar<'a> {
    toc: &'a Toc,
    stored: SpanReader<'a>,
    unpacker: Unpacker,
    next_entry: usize,
    /// The chunk that comes next, and the bytes of its file that are left.
    content: Option<(usize, u64)>,
    /// What is given out next: the buffer, then the zeros.
    buffer: Vec<u8>,
    start: usize,
    zeros: u64,
    total: u64,
    has_ended: bool,
}

impl<'a> TocTar<'a> {
    pub(crate) fn new(toc: &'a Toc, packing: Packing, stored: SpanReader<'a>) -> io::Result<Self> {
        Ok(TocTar {
            toc,
            stored,
            unpacker: Unpacker::new(packing)?,
            next_entry: 0,
            content: None,
            buffer: Vec::with_capacity(BUFFER_BYTES),
            start: 0,
            zeros: 0,
            total: 0,
            has_ended: false,
        })
    }

    /// Returns the bytes that were given out so far.
    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    /// Puts further bytes into the buffer or the zeros, unless the tar is at its end.
    fn advance(&mut self) -> Result<(), LayerError> {
        self.buffer.clear();
        self.start = 0;
        if let Some((chunk, left)) = self.content {
            return self.read_chunk(chunk, left);
        }
        let Some(entry) = self.toc.entries.get(self.next_entry) else {
            self.zeros = if self.has_ended { 0 } else { 2 * BLOCK_BYTES };
            self.has_ended = true;
            return Ok(());
        };
        self.next_entry = self.next_entry.saturating_add(1);
        write_headers(entry, &mut self.buffer);
        match entry.first_chunk {
            Some(first) => self.start_chunk(first, entry.size)?,
            None => self.zeros = entry.size.saturating_add(padding(entry.size)),
        }
        Ok(())
    }

    fn start_chunk(&mut self, index: usize, left: u64) -> Result<(), LayerError> {
        self.content = Some((index, left));
        let chunk = self.toc.chunks.get(index).ok_or_else(|| self.mismatch("it has no chunk"))?;
        self.unpacker.start(chunk, &mut self.stored).map_err(LayerError::Read)
    }

    fn read_chunk(&mut self, index: usize, left: u64) -> Result<(), LayerError> {
        let chunk = self.toc.chunks.get(index).ok_or_else(|| self.mismatch("it has no chunk"))?;
        let count = match &chunk.content {
            ChunkContent::Zeros => {
                self.zeros = chunk.size;
                chunk.size
            }
            ChunkContent::Kept(bytes) => {
                self.buffer.extend_from_slice(bytes);
                self.zeros = chunk.size.saturating_sub(bytes.len() as u64);
                chunk.size
            }
            ChunkContent::Missing => self.unpack()?,
        };
        let left = left.saturating_sub(count);
        self.content = Some((index, left));
        if left == 0 {
            self.content = None;
            self.zeros = self.zeros.saturating_add(self.padding_of_last_entry());
        } else if count == 0 || !chunk.is_missing() {
            self.start_chunk(index.saturating_add(1), left)?;
        }
        Ok(())
    }

    fn unpack(&mut self) -> Result<u64, LayerError> {
        self.buffer.resize(BUFFER_BYTES, 0);
        match self.unpacker.read(&mut self.stored, &mut self.buffer) {
            Ok(count) => {
                self.buffer.truncate(count);
                Ok(count as u64)
            }
            Err(error) => Err(error.of(self.path())),
        }
    }

    fn path(&self) -> &str {
        self.last_entry().map_or("", |entry| &entry.path)
    }

    fn last_entry(&self) -> Option<&TocEntry> {
        self.toc.entries.get(self.next_entry.saturating_sub(1))
    }

    fn padding_of_last_entry(&self) -> u64 {
        self.last_entry().map_or(0, |entry| padding(entry.size))
    }

    fn mismatch(&self, reason: &'static str) -> LayerError {
        ChunkError::Mismatch(reason).of(self.path())
    }
}

fn padding(size: u64) -> u64 {
    size.next_multiple_of(BLOCK_BYTES).saturating_sub(size)
}

/// Names that do not fit a block come before it in blocks of their own (GNU tar manual, "Basic Tar
/// Format").
fn write_headers(entry: &TocEntry, out: &mut Vec<u8>) {
    for (type_flag, name) in [(b'L', &entry.path), (b'K', &entry.link)] {
        if name.len() > NAME_BYTES {
            let size = (name.len() as u64).saturating_add(1);
            out.extend_from_slice(Block::new(type_flag, "././@LongLink", "", 0, size).bytes());
            out.extend_from_slice(name.as_bytes());
            let padded = size.saturating_add(padding(size)).saturating_sub(name.len() as u64);
            out.extend(std::iter::repeat_n(0, usize::try_from(padded).unwrap_or(0)));
        }
    }
    let type_flag = match entry.kind {
        EntryKind::Regular => b'0',
        EntryKind::HardLink => b'1',
        EntryKind::Symlink => b'2',
        EntryKind::Directory => b'5',
        EntryKind::Special => b'6',
    };
    let block = Block::new(type_flag, &entry.path, &entry.link, entry.mode, entry.size);
    out.extend_from_slice(block.bytes());
}

impl Read for TocTar<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        buffered::read(self, out)
    }
}

impl BufRead for TocTar<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.start >= self.buffer.len() && self.zeros == 0 {
            self.advance()?;
            if self.has_ended && self.zeros == 0 {
                break;
            }
        }
        match self.buffer.get(self.start..).filter(|rest| !rest.is_empty()) {
            Some(rest) => Ok(rest),
            None => {
                let count = usize::try_from(self.zeros).unwrap_or(usize::MAX).min(ZEROS.len());
                Ok(ZEROS.get(..count).unwrap_or_default())
            }
        }
    }

    fn consume(&mut self, count: usize) {
        self.total = self.total.saturating_add(count as u64);
        if self.start < self.buffer.len() {
            self.start = self.start.saturating_add(count);
        } else {
            self.zeros = self.zeros.saturating_sub(count as u64);
        }
    }
}
