//! A streaming reader of zip archives (PKWARE APPNOTE.TXT 6.3.10, section 4.3): entries in the
//! order in which they are stored, from bytes that come piece by piece and are never kept.
//!
//! What nobody wants is passed over without inflating it. Entries are found by their local headers;
//! the directory at the end is compared with them in `directory.rs`, the end of content without a
//! size is found in `descriptor.rs`, and records are parsed in `record.rs`. Anything may stand
//! before, between and behind the records.

mod descriptor;
mod directory;
mod record;

use flate2::{Decompress, FlushDecompress, Status};
use memchr::memmem::Finder;

use crate::zip::descriptor::{DOUBTFUL_BYTES, EndSearch};
use crate::zip::directory::Directory;
pub(crate) use crate::zip::directory::Problem;
use crate::zip::record::{DirectoryHeader, End, Kind, LocalHeader};

/// How much is inflated, or copied where content has to be held back, at a time.
const STEP_BYTES: usize = 32 << 10;

/// Section 4.4.5.
const STORED: u16 = 0;
const DEFLATED: u16 = 8;

/// What an archive, and the archives in it, may still cost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Budget {
    /// Entries of any kind.
    pub(crate) entries: u64,
    /// Bytes that are inflated.
    pub(crate) inflated_bytes: u64,
}

/// What has come along in the stream.
#[derive(Debug)]
pub(crate) enum Event<'a> {
    /// Everything that was given has been looked at.
    NeedsMore,
    /// A wanted entry of this name begins.
    Begin(&'a [u8]),
    /// A part of its content.
    Content(&'a [u8]),
    /// It is complete, or the rest of it cannot be read.
    End(Result<(), &'static str>),
    /// The budget is used up; nothing more comes.
    Exhausted(&'static str),
}

/// Reads one archive.
pub(crate) struct ZipStream {
    is_wanted: fn(&[u8]) -> bool,
    /// How much of the stream is behind.
    position: u64,
    state: State,
    /// The record, or the part of a signature, that is being collected.
    record: Vec<u8>,
    entry: Entry,
    inflate: Option<Decompress>,
    /// Content that does not lie in what was given.
    content: Vec<u8>,
    directory: Directory,
    pk: Finder<'static>,
}

#[derive(Debug)]
enum State {
    /// Looks for the next signature.
    Search,
    /// Collects a record of so many bytes.
    Record(Kind, usize),
    Skip(u64),
    Stored(u64),
    /// Inflates; how much packed content is left is not always known.
    Inflate(Option<u64>),
    /// Looks for the end of content; it is wanted or passed over.
    Unsized(EndSearch, bool),
    EndOfEntry(Result<(), &'static str>, Rest),
    Exhausted(&'static str),
}

/// What is left of an entry that nobody wants any more.
#[derive(Clone, Copy, Debug)]
enum Rest {
    Known(u64),
    /// So much of it is behind.
    Unknown(u64),
}

/// The entry that is being read.
#[derive(Debug, Default)]
struct Entry {
    offset: u64,
    name: Vec<u8>,
    method: u16,
    is_wanted: bool,
}

/// What a step came to; content is described, since it cannot be borrowed while the state changes.
enum Outcome {
    GoOn,
    NeedsMore,
    Begin,
    /// The bytes that were consumed are content.
    Consumed,
    /// The content is in the buffer.
    Buffered,
    End(Result<(), &'static str>),
    Exhausted(&'static str),
}

impl ZipStream {
    /// Starts at the first byte of an archive, of which entries with certain names are wanted.
    pub(crate) fn new(is_wanted: fn(&[u8]) -> bool) -> Self {
        ZipStream {
            is_wanted,
            position: 0,
            state: State::Search,
            record: Vec::new(),
            entry: Entry::default(),
            inflate: None,
            content: Vec::new(),
            directory: Directory::default(),
            pk: Finder::new(b"PK"),
        }
    }

    /// Returns how many bytes have been looked at.
    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    /// Looks at what comes next, and returns how much of it is behind and what it was.
    pub(crate) fn step<'a>(
        &'a mut self,
        piece: &'a [u8],
        budget: &mut Budget,
    ) -> (usize, Event<'a>) {
        let mut consumed = 0;
        loop {
            let rest = piece.get(consumed..).unwrap_or_default();
            let (count, outcome) = self.advance(rest, budget);
            consumed = consumed.saturating_add(count);
            self.position = self.position.saturating_add(count as u64);
            let event = match outcome {
                Outcome::GoOn => continue,
                Outcome::NeedsMore => Event::NeedsMore,
                Outcome::Begin => Event::Begin(&self.entry.name),
                Outcome::Consumed => Event::Content(rest.get(..count).unwrap_or_default()),
                Outcome::Buffered => Event::Content(&self.content),
                Outcome::End(result) => Event::End(result),
                Outcome::Exhausted(what) => Event::Exhausted(what),
            };
            return (consumed, event);
        }
    }

    /// Leaves out what is left of the current entry; its end is not told.
    pub(crate) fn skip_entry(&mut self) {
        let state = std::mem::replace(&mut self.state, State::Search);
        self.state = match state {
            State::Stored(left) | State::Inflate(Some(left)) => State::Skip(left),
            State::Inflate(None) => {
                let behind = self.inflate.as_ref().map_or(0, Decompress::total_in);
                State::Unsized(EndSearch::new(behind), false)
            }
            State::Unsized(search, _) => State::Unsized(search, false),
            State::EndOfEntry(_, rest) => rest.passed_over(),
            other => other,
        };
    }

    /// Says what is wrong with the archive as a whole, once the stream is at its end.
    pub(crate) fn finish(self) -> Result<(), Problem> {
        self.directory.finish()
    }

    fn advance(&mut self, piece: &[u8], budget: &mut Budget) -> (usize, Outcome) {
        match &mut self.state {
            State::Search => self.search(piece),
            State::Record(kind, bytes) => {
                let (kind, bytes) = (*kind, *bytes);
                self.collect(kind, bytes, piece, budget)
            }
            State::Skip(left) => {
                let count = min_bytes(*left, piece);
                *left = left.saturating_sub(count as u64);
                let outcome = match *left {
                    0 => {
                        self.state = State::Search;
                        Outcome::GoOn
                    }
                    _ => Outcome::NeedsMore,
                };
                (count, outcome)
            }
            State::Stored(left) => {
                let count = min_bytes(*left, piece);
                *left = left.saturating_sub(count as u64);
                let outcome = match (count, *left) {
                    (0, 0) => {
                        self.state = State::EndOfEntry(Ok(()), Rest::Known(0));
                        Outcome::GoOn
                    }
                    (0, _) => Outcome::NeedsMore,
                    (_, _) => Outcome::Consumed,
                };
                (count, outcome)
            }
            State::Inflate(left) => {
                let left = *left;
                self.inflate(left, piece, budget)
            }
            State::Unsized(..) => self.find_end(piece),
            State::EndOfEntry(result, rest) => {
                let (result, rest) = (*result, *rest);
                self.state = rest.passed_over();
                (0, Outcome::End(result))
            }
            State::Exhausted(what) => (piece.len(), Outcome::Exhausted(what)),
        }
    }

    fn search(&mut self, piece: &[u8]) -> (usize, Outcome) {
        let Some(first) = piece.first() else {
            return (0, Outcome::NeedsMore);
        };
        if !self.record.is_empty() {
            self.record.push(*first);
            self.recognise();
            return (1, Outcome::GoOn);
        }
        match self.pk.find(piece) {
            Some(at) => {
                self.record.extend_from_slice(b"PK");
                (at.saturating_add(2), Outcome::GoOn)
            }
            None => {
                self.record.extend(piece.last().filter(|byte| **byte == b'P'));
                (piece.len(), Outcome::NeedsMore)
            }
        }
    }

    /// Looks whether what has been collected is a signature, or may become one.
    fn recognise(&mut self) {
        while !self.record.is_empty() && !Kind::may_begin_with(&self.record) {
            self.record.remove(0);
        }
        if let Some(kind) = Kind::of(&self.record) {
            self.state = State::Record(kind, kind.fixed_bytes());
        }
    }

    fn collect(
        &mut self,
        kind: Kind,
        bytes: usize,
        piece: &[u8],
        budget: &mut Budget,
    ) -> (usize, Outcome) {
        let missing = bytes.saturating_sub(self.record.len());
        let taken = piece.get(..missing.min(piece.len())).unwrap_or_default();
        self.record.extend_from_slice(taken);
        if self.record.len() < bytes {
            return (taken.len(), Outcome::NeedsMore);
        }
        let all_bytes = match kind {
            Kind::Local => LocalHeader::bytes(&self.record),
            Kind::Directory => DirectoryHeader::bytes(&self.record),
            Kind::Zip64End | Kind::End => bytes,
        };
        if self.record.len() < all_bytes {
            self.state = State::Record(kind, all_bytes);
            return (taken.len(), Outcome::GoOn);
        }
        let end = self.position.saturating_add(taken.len() as u64);
        let start = end.saturating_sub(all_bytes as u64);
        let record = std::mem::take(&mut self.record);
        self.state = State::Search;
        let outcome = match kind {
            Kind::Local => self.begin_entry(&LocalHeader::parse(&record), start, budget),
            Kind::Directory => {
                let header = DirectoryHeader::parse(&record);
                let wanted = (self.is_wanted)(header.name);
                let end = end.saturating_add(header.comment_bytes);
                self.directory.add(&header, start, end, wanted);
                self.state = State::Skip(header.comment_bytes);
                Outcome::GoOn
            }
            Kind::Zip64End => {
                self.directory.add_zip64_end(start, End::parse_zip64(&record));
                Outcome::GoOn
            }
            Kind::End => {
                self.directory.end(start, End::parse(&record));
                Outcome::GoOn
            }
        };
        self.record = record;
        self.record.clear();
        (taken.len(), outcome)
    }

    fn begin_entry(
        &mut self,
        header: &LocalHeader<'_>,
        offset: u64,
        budget: &mut Budget,
    ) -> Outcome {
        let Some(entries) = budget.entries.checked_sub(1) else {
            self.state = State::Exhausted("it has too many entries (limit archive-entries)");
            return Outcome::GoOn;
        };
        budget.entries = entries;
        self.directory.begin_entry(offset);
        let size = header.packed_bytes();
        self.entry.is_wanted = (self.is_wanted)(header.name);
        let rest = size.map_or(Rest::Unknown(0), Rest::Known);
        if !self.entry.is_wanted {
            self.state = rest.passed_over();
            return Outcome::GoOn;
        }
        self.entry.offset = offset;
        self.entry.method = header.method;
        self.entry.name.clear();
        self.entry.name.extend_from_slice(header.name);
        if let Some(size) = size {
            self.note_entry(size);
        }
        self.state = match (header.method, size) {
            _ if header.is_encrypted() => State::EndOfEntry(Err("it is encrypted"), rest),
            (STORED, Some(size)) => State::Stored(size),
            (STORED, None) => State::Unsized(EndSearch::new(0), true),
            (DEFLATED, size) => {
                self.inflate.get_or_insert_with(|| Decompress::new(false)).reset(false);
                State::Inflate(size)
            }
            _ => State::EndOfEntry(Err("it is packed by a method that Java does not know"), rest),
        };
        Outcome::Begin
    }

    fn note_entry(&mut self, packed_bytes: u64) {
        let Entry { offset, name, method, is_wanted } = &self.entry;
        if *is_wanted {
            self.directory.note(*offset, name, *method, packed_bytes);
        }
    }

    fn inflate(
        &mut self,
        left: Option<u64>,
        piece: &[u8],
        budget: &mut Budget,
    ) -> (usize, Outcome) {
        let inflate = self.inflate.get_or_insert_with(|| Decompress::new(false));
        let input = piece.get(..left.map_or(piece.len(), |left| min_bytes(left, piece)));
        let input = input.unwrap_or_default();
        let (in_before, out_before) = (inflate.total_in(), inflate.total_out());
        self.content.clear();
        self.content.reserve_exact(STEP_BYTES);
        let status = inflate.decompress_vec(input, &mut self.content, FlushDecompress::None);
        let consumed = delta(inflate.total_in(), in_before);
        let behind = inflate.total_in();
        let produced = inflate.total_out().saturating_sub(out_before);
        let left = left.map(|left| left.saturating_sub(consumed as u64));
        let rest = left.map_or(Rest::Unknown(behind), Rest::Known);
        let Some(budget_left) = budget.inflated_bytes.checked_sub(produced) else {
            self.state = State::Exhausted(
                "what it holds is too large unpacked (limits expansion-ratio, archive-bytes)",
            );
            return (0, Outcome::GoOn);
        };
        budget.inflated_bytes = budget_left;
        self.state = match status {
            Err(_) => State::EndOfEntry(Err("its packed content is corrupt"), rest),
            Ok(Status::StreamEnd) => {
                if left.is_none() {
                    self.note_entry(behind);
                }
                State::EndOfEntry(Ok(()), Rest::Known(left.unwrap_or_default()))
            }
            Ok(Status::Ok | Status::BufError) if consumed == 0 && produced == 0 => {
                if left != Some(0) && input.is_empty() {
                    return (0, Outcome::NeedsMore);
                }
                State::EndOfEntry(Err("its packed content is cut off"), rest)
            }
            Ok(Status::Ok | Status::BufError) => State::Inflate(left),
        };
        (consumed, if produced == 0 { Outcome::GoOn } else { Outcome::Buffered })
    }

    fn find_end(&mut self, piece: &[u8]) -> (usize, Outcome) {
        let State::Unsized(search, is_wanted) = &mut self.state else {
            return (0, Outcome::GoOn);
        };
        let is_wanted = *is_wanted;
        if piece.is_empty() {
            return (0, Outcome::NeedsMore);
        }
        // Content that is held back has to be put together with what follows it.
        let step = if is_wanted { STEP_BYTES } else { usize::MAX };
        let piece = piece.get(..piece.len().min(step)).unwrap_or_default();
        let tail_bytes = search.tail().len();
        let found = search.find(piece, &self.pk);
        self.content.clear();
        if is_wanted {
            self.content.extend_from_slice(search.tail());
            self.content.extend_from_slice(piece);
            let sure = self.content.len().saturating_sub(DOUBTFUL_BYTES);
            self.content.truncate(found.map_or(sure, |found| found.content));
        }
        let consumed = match found {
            None => {
                search.pass(piece);
                piece.len()
            }
            Some(found) => {
                let size = search.size_at(found.content);
                // The next signature may have begun before this piece.
                self.record.extend(search.tail().get(found.next..).unwrap_or_default());
                self.note_entry(size);
                self.state = match is_wanted {
                    true => State::EndOfEntry(Ok(()), Rest::Known(0)),
                    false => State::Search,
                };
                found.next.saturating_sub(tail_bytes)
            }
        };
        (consumed, if self.content.is_empty() { Outcome::GoOn } else { Outcome::Buffered })
    }
}

impl Rest {
    fn passed_over(self) -> State {
        match self {
            Rest::Known(left) => State::Skip(left),
            Rest::Unknown(behind) => State::Unsized(EndSearch::new(behind), false),
        }
    }
}

fn min_bytes(left: u64, piece: &[u8]) -> usize {
    usize::try_from(left).unwrap_or(usize::MAX).min(piece.len())
}

fn delta(after: u64, before: u64) -> usize {
    usize::try_from(after.saturating_sub(before)).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests;
