//! What of programs is fetched. An analyzer of programs names the part in which it finds what it
//! looks for, so that of a program in several chunks only those are needed that hold its beginning
//! and such a part: often none, at most a few.
//!
//! Only what is certain saves anything. A program of another format than ELF, without a table of
//! sections, or with one that is not understood is fetched as a whole.

use std::iter;
use std::ops::Range;

use crate::analyzers::{self, ProgramPart, Selection, Want};
use crate::error::LayerError;
use crate::toc::document::{Toc, TocEntry};
use crate::toc::elf::{self, Sections};
use crate::toc::parts::{Fetcher, Part};

/// A larger table of sections, or of their names, is not understood.
const TABLE_BYTES_MAX: u64 = 128 << 10;

/// So many programs at most are looked into at a time, and so many bytes of them: what is fetched
/// of them is kept until it is known what is needed.
const BATCH_PROGRAMS: usize = 1000;
const BATCH_BYTES: u64 = 8 << 20;

/// Less than this behind the last section is no appendix: tools that change programs leave a few bytes,
/// patchelf up to nine.
const APPENDIX_BYTES_MIN: u64 = 64;

/// What is known of a program so far.
enum Knowledge {
    /// Nothing.
    Place,
    /// Its header says where its table of sections is.
    Header(elf::Header),
    /// Its table says where the names are.
    Table(Sections),
    /// What is needed of it.
    Needed(Vec<Range<u64>>),
}

struct Program {
    entry: usize,
    size: u64,
    analyzers: Selection,
    knowledge: Knowledge,
}

/// Takes the chunks of programs that nobody looks at off the list of what is fetched.
pub(crate) fn narrow(toc: &mut Toc, fetcher: &mut Fetcher<'_>) -> Result<(), LayerError> {
    let mut next = 0;
    loop {
        let mut programs = take_batch(toc, &mut next);
        if programs.is_empty() {
            return Ok(());
        }
        // The header, the table, the names.
        for _ in 0..3 {
            learn(toc, fetcher, &mut programs)?;
        }
        fetcher.settle(
            toc,
            programs.iter().filter_map(|program| match &program.knowledge {
                Knowledge::Needed(ranges) => Some((program.entry, &ranges[..])),
                Knowledge::Place | Knowledge::Header(_) | Knowledge::Table(_) => None,
            }),
        );
    }
}

/// Returns the next of the files in several chunks that may be programs.
fn take_batch(toc: &Toc, next: &mut usize) -> Vec<Program> {
    let mut programs = Vec::new();
    let mut bytes = 0_u64;
    while let Some(entry) = toc.entries.get(*next)
        && programs.len() < BATCH_PROGRAMS
        && bytes < BATCH_BYTES
    {
        if let Some((analyzers, chunk_bytes)) = may_be_program(toc, entry) {
            let (entry, size) = (*next, entry.size);
            programs.push(Program { entry, size, analyzers, knowledge: Knowledge::Place });
            // Most often two chunks are fetched, the first and the last.
            bytes = bytes.saturating_add(chunk_bytes.saturating_mul(2));
        }
        *next = next.saturating_add(1);
    }
    programs
}

/// Returns who looks at a file in several chunks if it is a program, and the size of its first chunk.
fn may_be_program(toc: &Toc, entry: &TocEntry) -> Option<(Selection, u64)> {
    let first = toc.chunks.get(entry.first_chunk?)?;
    match entry.want {
        Want::Program(analyzers) if first.size < entry.size => Some((analyzers, first.size)),
        Want::Program(_) | Want::Content | Want::Nothing => None,
    }
}

/// Fetches of each program what the last step named, and takes the next step.
fn learn(
    toc: &mut Toc,
    fetcher: &mut Fetcher<'_>,
    programs: &mut [Program],
) -> Result<(), LayerError> {
    let (mut open, mut parts) = (Vec::new(), Vec::new());
    for program in programs {
        if let Some(range) = program.next_range() {
            parts.push(Part { entry: program.entry, range });
            open.push(program);
        }
    }
    fetcher.fetch(toc, &parts, |index, bytes| {
        if let Some(program) = open.get_mut(index) {
            program.learn(bytes);
        }
    })
}

impl Program {
    fn next_range(&self) -> Option<Range<u64>> {
        match &self.knowledge {
            Knowledge::Place => Some(0..elf::HEADER_BYTES),
            Knowledge::Header(header) => Some(header.table.clone()),
            Knowledge::Table(sections) => Some(sections.names.clone()),
            Knowledge::Needed(_) => None,
        }
    }

    fn learn(&mut self, bytes: &[u8]) {
        let next = match &self.knowledge {
            Knowledge::Place if !analyzers::has_magic(bytes) => Some(Knowledge::Needed(Vec::new())),
            Knowledge::Place => elf::parse_header(bytes)
                .filter(|header| is_readable(&header.table, self.size))
                .map(Knowledge::Header),
            Knowledge::Header(header) => elf::parse_table(header, bytes)
                .filter(|sections| is_readable(&sections.names, self.size))
                .map(Knowledge::Table),
            Knowledge::Table(sections) => self.needed(sections, bytes).map(Knowledge::Needed),
            Knowledge::Needed(_) => return,
        };
        self.knowledge =
            next.unwrap_or_else(|| Knowledge::Needed(iter::once(0..self.size).collect()));
    }

    fn has_appendix(&self, sections: &Sections) -> bool {
        self.size.saturating_sub(sections.end) >= APPENDIX_BYTES_MIN
    }

    /// Returns what is needed of a program with these sections; `None` is all of it.
    fn needed(&self, sections: &Sections, names: &[u8]) -> Option<Vec<Range<u64>>> {
        let mut needed = Vec::new();
        for part in self.analyzers.program_parts() {
            match part {
                ProgramPart::Section(name) => {
                    let named = sections.named(names, name)?;
                    if named.iter().any(needs_rest) {
                        return None;
                    }
                    needed.extend(named);
                }
                ProgramPart::Texts => needed.extend(sections.with_texts(names)?),
                ProgramPart::Appendix if self.has_appendix(sections) => return None,
                ProgramPart::Appendix => {}
            }
        }
        if needed.iter().any(|range| range.end > self.size) {
            return None;
        }
        if !needed.is_empty() {
            // The analyzers look at nothing that does not begin like a program.
            needed.push(0..elf::HEADER_BYTES);
        }
        Some(needed)
    }
}

fn is_readable(table: &Range<u64>, size: u64) -> bool {
    let bytes = table.end.saturating_sub(table.start);
    bytes > 0 && bytes <= TABLE_BYTES_MAX && table.end <= size
}

/// Before Go 1.18 the section held no more than two pointers to anywhere in the program.
fn needs_rest(range: &Range<u64>) -> bool {
    range.end.saturating_sub(range.start) <= 32
}
