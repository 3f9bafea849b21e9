//! A bounded streaming tar reader: ustar, GNU long names, PAX headers, sparse files.
//!
//! It reads an archive as the container engines read it, since their view is what runs: where
//! readers of tar disagree, a layer must not show us one file and the engine another. Formats:
//! POSIX.1-2017 pax, "ustar Interchange Format" and "pax Header Block"; GNU tar manual, "Basic Tar
//! Format" and "Sparse Formats". Blocks are parsed in `header.rs`, extended headers in `pax.rs`.

pub(crate) mod header;
mod pax;

use std::io::BufRead;

use crate::error::LayerError;
use crate::tar::header::{BLOCK_BYTES, Block, Header};
use crate::tar::pax::Records;

/// The size from which an extended header or long name is refused, as engines do. Its bytes are
/// kept in memory, so what a header claims must be bounded.
const EXTENSION_BYTES_MAX: u64 = 1 << 20;

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EntryKind {
    /// A regular file, or a type that POSIX says to treat as one.
    Regular,
    /// A directory.
    Directory,
    /// A further name of a file of the same archive.
    HardLink,
    /// A symbolic link.
    Symlink,
    /// A device or a FIFO.
    Special,
}

/// One entry; its buffers are reused for the next one.
#[derive(Debug)]
pub(crate) struct Entry {
    /// The path as it stands in the archive.
    pub(crate) path: Vec<u8>,
    /// The target of a link.
    pub(crate) link: Vec<u8>,
    /// What it is.
    pub(crate) kind: EntryKind,
    /// The bytes of content in the archive.
    pub(crate) size: u64,
    /// The permission bits.
    pub(crate) mode: u32,
    /// Tells whether the content in the archive is not the content of the file.
    pub(crate) sparse: bool,
}

/// Reads the entries of a tar one after the other.
pub(crate) struct TarReader<R> {
    input: Input<R>,
    entry: Entry,
    extensions: Extensions,
    scratch: Vec<u8>,
    ended: bool,
}

/// The content of the current entry, as far as it has not been read.
pub(crate) struct Content<'a, R> {
    input: &'a mut Input<R>,
}

/// What the entry's extended headers said, until the entry itself comes.
#[derive(Default)]
struct Extensions {
    any: bool,
    records: Records,
    long_name: Option<Vec<u8>>,
    long_link: Option<Vec<u8>>,
}

struct Input<R> {
    reader: R,
    offset: u64,
    /// The content bytes of the current entry that are left.
    remaining: u64,
    /// The bytes from the end of that content to the block boundary.
    padding: u64,
}

impl<R: BufRead> TarReader<R> {
    /// Starts at the first block.
    pub(crate) fn new(reader: R) -> Self {
        TarReader {
            input: Input { reader, offset: 0, remaining: 0, padding: 0 },
            entry: Entry {
                path: Vec::new(),
                link: Vec::new(),
                kind: EntryKind::Regular,
                size: 0,
                mode: 0,
                sparse: false,
            },
            extensions: Extensions::default(),
            scratch: Vec::new(),
            ended: false,
        }
    }

    /// Returns the next entry and its content, or `None` at the end of the archive: two blocks of
    /// zeros, or the end of the input on a block boundary.
    pub(crate) fn next(&mut self) -> Result<Option<(&Entry, Content<'_, R>)>, LayerError> {
        if self.ended {
            return Ok(None);
        }
        self.input.finish_entry()?;
        loop {
            let Some(block) = self.next_header()? else {
                self.ended = true;
                return match self.extensions.any {
                    true => Err(self.input.error("an extended header without an entry")),
                    false => Ok(None),
                };
            };
            let header = block.parse().map_err(|reason| self.input.error(reason))?;
            match header.type_flag {
                b'x' => {
                    self.read_extension(header.size)?;
                    let records = Records::parse(&self.scratch);
                    self.extensions.records = records.map_err(|what| self.input.error(what))?;
                }
                b'g' => {
                    self.read_extension(header.size)?;
                    pax::check_global(&self.scratch).map_err(|what| self.input.error(what))?;
                    continue;
                }
                b'L' => self.extensions.long_name = Some(self.read_long_name(header.size)?),
                b'K' => self.extensions.long_link = Some(self.read_long_name(header.size)?),
                // A volume label names no file (GNU tar manual, "Including a Label").
                b'V' => {
                    self.input.start_entry(header.size)?;
                    self.input.finish_entry()?;
                    continue;
                }
                _ => {
                    self.start_entry(&block, &header)?;
                    return Ok(Some((&self.entry, Content { input: &mut self.input })));
                }
            }
            self.extensions.any = true;
        }
    }

    fn next_header(&mut self) -> Result<Option<Block>, LayerError> {
        let mut block = Block::zeroed();
        if !self.input.read_block(&mut block)? {
            return Ok(None);
        }
        if !block.is_zero() {
            return Ok(Some(block));
        }
        if !self.input.read_block(&mut block)? || block.is_zero() {
            return Ok(None);
        }
        Err(self.input.error("a block of zeros inside the archive"))
    }

    /// Reads the content of an extended header into `scratch`.
    fn read_extension(&mut self, size: u64) -> Result<(), LayerError> {
        if size > EXTENSION_BYTES_MAX {
            return Err(self.input.error("an extended header of more than 1 MiB"));
        }
        self.input.start_entry(size)?;
        self.scratch.clear();
        let scratch = &mut self.scratch;
        self.input.visit(size, &mut |piece| scratch.extend_from_slice(piece))?;
        self.input.finish_entry()
    }

    fn read_long_name(&mut self, size: u64) -> Result<Vec<u8>, LayerError> {
        self.read_extension(size)?;
        Ok(header::until_nul(&self.scratch).to_vec())
    }

    fn start_entry(&mut self, block: &Block, header: &Header) -> Result<(), LayerError> {
        let extensions = std::mem::take(&mut self.extensions);
        let records = &extensions.records;
        let entry = &mut self.entry;
        block.write_path(header.format, &mut entry.path);
        entry.link.clear();
        entry.link.extend_from_slice(block.link_name());
        // The order in which later names win is the engines': PAX, GNU long names, PAX sparse.
        for name in [&records.path, &extensions.long_name, &records.sparse_name] {
            replace(&mut entry.path, name.as_deref());
        }
        for name in [&records.link_path, &extensions.long_link] {
            replace(&mut entry.link, name.as_deref());
        }
        entry.kind = match header.type_flag {
            0 if entry.path.last() == Some(&b'/') => EntryKind::Directory,
            // `D` is GNU tar's directory with a list of names as its content.
            b'5' | b'D' => EntryKind::Directory,
            b'1' => EntryKind::HardLink,
            b'2' => EntryKind::Symlink,
            b'3' | b'4' | b'6' => EntryKind::Special,
            _ => EntryKind::Regular,
        };
        entry.mode = header.mode;
        entry.sparse = header.type_flag == b'S' || records.sparse;
        // Engines read no content for what can have none, whatever the size field says.
        let without_content = matches!(header.type_flag, b'1'..=b'6');
        let size = records.size.unwrap_or(header.size);
        entry.size = if without_content { 0 } else { size };
        if header.type_flag == b'S' {
            self.skip_sparse_map(block)?;
        }
        self.input.start_entry(self.entry.size)
    }

    /// The old GNU format continues its map in blocks between the header and the content.
    fn skip_sparse_map(&mut self, block: &Block) -> Result<(), LayerError> {
        let mut extended = block.sparse_map_is_extended();
        let mut next = Block::zeroed();
        while extended {
            if !self.input.read_block(&mut next)? {
                return Err(self.input.error("truncated in a sparse map"));
            }
            extended = next.sparse_extension_is_extended();
        }
        Ok(())
    }
}

/// Tells whether the first block of a stream is a header or zeros.
pub(crate) fn begins_like_tar(head: &[u8]) -> bool {
    let mut block = Block::zeroed();
    let Some(first) = head.get(..block.bytes_mut().len()) else {
        return false;
    };
    block.bytes_mut().copy_from_slice(first);
    block.is_zero() || block.parse().is_ok()
}

fn replace(name: &mut Vec<u8>, better: Option<&[u8]>) {
    if let Some(better) = better.filter(|better| !better.is_empty()) {
        name.clear();
        name.extend_from_slice(better);
    }
}

impl<R: BufRead> Content<'_, R> {
    /// Appends up to `max` further bytes of the content to `out`.
    pub(crate) fn append(&mut self, out: &mut Vec<u8>, max: u64) -> Result<(), LayerError> {
        let mut take = |piece: &[u8]| out.extend_from_slice(piece);
        self.input.visit(max, &mut take)
    }

    /// Shows what is left of the content, piece by piece and without copying it.
    pub(crate) fn visit(&mut self, mut show: impl FnMut(&[u8])) -> Result<(), LayerError> {
        self.input.visit(u64::MAX, &mut show)
    }
}

impl<R: BufRead> Input<R> {
    fn error(&self, reason: &'static str) -> LayerError {
        LayerError::Tar { offset: self.offset, reason }
    }

    fn consume(&mut self, count: usize) {
        self.reader.consume(count);
        self.offset = self.offset.saturating_add(count as u64);
    }

    fn start_entry(&mut self, size: u64) -> Result<(), LayerError> {
        let padding = size % BLOCK_BYTES;
        self.remaining = size;
        self.padding = if padding == 0 { 0 } else { BLOCK_BYTES - padding };
        match size.checked_add(self.padding) {
            Some(_) => Ok(()),
            None => Err(self.error("a size beyond 64 bits")),
        }
    }

    /// Skips what is left of the content and the padding. Padding that is missing altogether is
    /// accepted, as a missing end of the archive is.
    fn finish_entry(&mut self) -> Result<(), LayerError> {
        let content = std::mem::take(&mut self.remaining);
        if self.skip(content)? < content {
            return Err(self.error("truncated in the content of an entry"));
        }
        let padding = std::mem::take(&mut self.padding);
        let skipped = self.skip(padding)?;
        if skipped != 0 && skipped < padding {
            return Err(self.error("truncated in the padding of an entry"));
        }
        Ok(())
    }

    /// Skips `count` bytes without copying them; returns how many there were.
    fn skip(&mut self, count: u64) -> Result<u64, LayerError> {
        let mut left = count;
        while left > 0 {
            let available = self.reader.fill_buf()?.len();
            if available == 0 {
                break;
            }
            let step = usize::try_from(left).unwrap_or(usize::MAX).min(available);
            self.consume(step);
            left = left.saturating_sub(step as u64);
        }
        Ok(count.saturating_sub(left))
    }

    fn visit(&mut self, max: u64, show: &mut dyn FnMut(&[u8])) -> Result<(), LayerError> {
        let mut wanted = max.min(self.remaining);
        while wanted > 0 {
            let available = self.reader.fill_buf()?;
            if available.is_empty() {
                return Err(self.error("truncated in the content of an entry"));
            }
            let step = usize::try_from(wanted).unwrap_or(usize::MAX).min(available.len());
            show(available.get(..step).unwrap_or_default());
            self.consume(step);
            wanted = wanted.saturating_sub(step as u64);
            self.remaining = self.remaining.saturating_sub(step as u64);
        }
        Ok(())
    }

    /// Reads one block; `false` at the end of the input.
    fn read_block(&mut self, block: &mut Block) -> Result<bool, LayerError> {
        let mut filled = 0;
        while let Some(free) = block.bytes_mut().get_mut(filled..).filter(|free| !free.is_empty()) {
            let available = self.reader.fill_buf()?;
            if available.is_empty() {
                if filled == 0 {
                    return Ok(false);
                }
                return Err(self.error("truncated in a block"));
            }
            let step = available.len().min(free.len());
            free[..step].copy_from_slice(&available[..step]);
            self.consume(step);
            filled = filled.saturating_add(step);
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests;
