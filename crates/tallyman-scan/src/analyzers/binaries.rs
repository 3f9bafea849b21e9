//! Programs that no package manager brought, known by the version that they say they have.
//!
//! A program is chosen by its file name, from the table in `binaries/table.rs`, and searched as a
//! stream for the texts that its version stands beside. What a version looks like is in
//! `binaries/version.rs`.

mod search;
mod table;
mod version;

use tallyman_model::inventory::Evidence;
use tallyman_model::limits::Limits;
use tallyman_model::package::{Ecosystem, Package};

use crate::analyzers::binaries::search::Search;
use crate::analyzers::binaries::table::{Program, programs};
use crate::analyzers::{
    Analyzer, Candidate, FileClass, Probe, ProgramPart, Reading, Report, executable,
};

pub(crate) const ANALYZER: Analyzer = Analyzer {
    id: "binaries",
    version: 1,
    class: FileClass::Executable(ProgramPart::Texts),
    wants,
    reading: Reading::Streamed(start),
};

fn wants(candidate: &Candidate<'_>) -> bool {
    candidate.size >= 64
        && (executable::may_be(candidate) || is_versioned(candidate.base))
        && is_known(candidate.base)
}

/// Tells whether files of this name are looked into, if they are programs or libraries.
pub(crate) fn is_known(base: &str) -> bool {
    programs(base).next().is_some()
}

/// Tells the same of a library with a version in its name, which else nobody wants.
pub(crate) fn is_known_library(base: &str) -> bool {
    is_versioned(base) && is_known(base)
}

fn is_versioned(base: &str) -> bool {
    base.starts_with("lib") && base.contains(".so.")
}

fn start(candidate: &Candidate<'_>, _limits: &Limits) -> Box<dyn Probe> {
    let searches = programs(candidate.base)
        .map(|program| (program, Search::new(program.signs, candidate.base)))
        .collect();
    Box::new(BinaryProbe { searches, tail: Vec::new(), is_first: true })
}

/// How much of a window is seen again in the next one: more than twice what a sign looks at on one
/// side of its text, so that there is always a window with both sides.
const OVERLAP_BYTES: usize = 256;

struct BinaryProbe {
    searches: Vec<(&'static Program, Search)>,
    /// The last bytes of what was seen.
    tail: Vec<u8>,
    /// Nothing is before them.
    is_first: bool,
}

/// A part of a program.
#[derive(Clone, Copy)]
struct Window<'a> {
    bytes: &'a [u8],
    /// Whether the program begins with it.
    is_first: bool,
    /// Whether the program ends with it.
    is_last: bool,
}

impl BinaryProbe {
    fn see(&mut self, window: Window<'_>) {
        self.searches.iter_mut().for_each(|(_, search)| search.see(window));
    }
}

impl Probe for BinaryProbe {
    fn feed(&mut self, piece: &[u8]) {
        let mut border = std::mem::take(&mut self.tail);
        let head = piece.get(..piece.len().min(OVERLAP_BYTES)).unwrap_or_default();
        border.extend_from_slice(head);
        self.see(Window { bytes: &border, is_first: self.is_first, is_last: false });
        if piece.len() > OVERLAP_BYTES {
            self.see(Window { bytes: piece, is_first: false, is_last: false });
            border.clear();
            border.extend_from_slice(piece);
        }
        let passed = border.len().saturating_sub(OVERLAP_BYTES);
        self.is_first &= passed == 0;
        border.drain(..passed);
        self.tail = border;
    }

    fn finish(mut self: Box<Self>) -> Report {
        let tail = std::mem::take(&mut self.tail);
        self.see(Window { bytes: &tail, is_first: self.is_first, is_last: true });
        let mut packages: Vec<Package> = self
            .searches
            .into_iter()
            .filter_map(|(program, search)| {
                Some(Package::new(Ecosystem::Generic, program.package, search.finish()?))
            })
            .collect();
        packages.sort_unstable();
        packages.dedup();
        let evidence = match packages.is_empty() {
            true => Vec::new(),
            false => vec![Evidence::Packages(packages)],
        };
        Report { evidence, faults: Vec::new() }
    }
}

#[cfg(test)]
mod tests;
