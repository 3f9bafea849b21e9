//! The comparison of an archive's central directory with the local headers that were read.
//!
//! The Java runtime opens an archive from the directory at its end, and we read it from its
//! beginning. An archive whose two lists differ must not hide an entry from us.

use ring::digest::{Context, SHA256};

use crate::zip::record::{DirectoryHeader, End};

type Key = [u8; 16];

/// What is wrong with an archive as a whole.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Problem {
    #[error("it is not a zip archive")]
    NoArchive,
    #[error("it is cut off")]
    CutOff,
    #[error("its directory is not where its end says")]
    Misplaced,
    #[error("its directory lists {0}, which is not there or another")]
    Missing(String),
}

/// What is known of both lists so far.
#[derive(Debug, Default)]
pub(super) struct Directory {
    /// The wanted entries by their offset, with a key of what the directory must say of them.
    seen: Vec<(u64, Key)>,
    /// Where the first local header is: offsets count from there or from the very beginning.
    first: Option<u64>,
    /// From where to where the directory was.
    span: Option<(u64, u64)>,
    /// The first entry that is only in the directory, as offsets count from the very beginning and
    /// from the first local header.
    missing: [Option<String>; 2],
    zip64_end: Option<(u64, End)>,
    /// There are headers behind the last end.
    is_open: bool,
    is_ended: bool,
    problem: Option<Problem>,
}

impl Directory {
    /// Notes a local header.
    pub(super) fn begin_entry(&mut self, offset: u64) {
        self.is_open = true;
        self.first.get_or_insert(offset);
    }

    /// Notes the content of a wanted entry. Entries come in the order of their offsets.
    pub(super) fn note(&mut self, offset: u64, name: &[u8], method: u16, packed_bytes: u64) {
        self.seen.push((offset, key(name, method, packed_bytes)));
    }

    /// Notes a header of the directory.
    pub(super) fn add(&mut self, header: &DirectoryHeader<'_>, start: u64, end: u64, wanted: bool) {
        self.is_open = true;
        match &mut self.span {
            Some((_, known_end)) if *known_end == start => *known_end = end,
            span => *span = Some((start, end)),
        }
        if !wanted {
            return;
        }
        let key = key(header.name, header.method, header.packed_bytes);
        let first = self.first.unwrap_or_default();
        let [from_start, from_first] = &mut self.missing;
        for (base, missing) in [(0, from_start), (first, from_first)] {
            let offset = header.offset.checked_add(base);
            let is_seen = offset.is_some_and(|offset| {
                let at = self.seen.binary_search_by_key(&offset, |(offset, _)| *offset);
                at.is_ok_and(|at| self.seen.get(at).is_some_and(|(_, seen)| *seen == key))
            });
            if !is_seen && missing.is_none() {
                *missing = Some(String::from_utf8_lossy(header.name).into_owned());
            }
        }
    }

    pub(super) fn add_zip64_end(&mut self, at: u64, end: End) {
        self.is_open = true;
        self.zip64_end = Some((at, end));
    }

    /// Notes the end of the archive, and compares. Further archives may follow.
    pub(super) fn end(&mut self, at: u64, end: End) {
        let done = std::mem::take(self);
        let (at, end) = match done.zip64_end {
            Some(zip64_end) if end.is_in_zip64 => zip64_end,
            _ => (at, end),
        };
        let problem = done.compare(at, end);
        *self =
            Directory { is_ended: true, problem: done.problem.or(problem), ..Directory::default() };
    }

    fn compare(&self, at: u64, end: End) -> Option<Problem> {
        let start = at.checked_sub(end.directory_bytes);
        let base = start.and_then(|start| start.checked_sub(end.directory_offset));
        let (Some(start), Some(base)) = (start, base) else {
            return Some(Problem::Misplaced);
        };
        let [from_start, from_first] = &self.missing;
        let missing = match self.first {
            _ if base == 0 => from_start,
            Some(first) if base == first => from_first,
            Some(_) | None => return Some(Problem::Misplaced),
        };
        if self.span.unwrap_or((at, at)) != (start, at) {
            return Some(Problem::Misplaced);
        }
        missing.clone().map(Problem::Missing)
    }

    /// Says what is wrong with the archive as a whole, once it is complete.
    pub(super) fn finish(self) -> Result<(), Problem> {
        match self.problem {
            Some(problem) => Err(problem),
            None if self.is_open => Err(Problem::CutOff),
            None if !self.is_ended => Err(Problem::NoArchive),
            None => Ok(()),
        }
    }
}

/// What a local header must have in common with its header in the directory. A hash that can be
/// made to collide would let one name stand for another.
fn key(name: &[u8], method: u16, packed_bytes: u64) -> Key {
    let mut context = Context::new(&SHA256);
    context.update(&method.to_le_bytes());
    context.update(&packed_bytes.to_le_bytes());
    context.update(name);
    let hash = context.finish();
    hash.as_ref().first_chunk().copied().unwrap_or_default()
}
