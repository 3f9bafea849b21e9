//! Walks the entries of a layer, hands files to the analyzers and notes what the layer hides.
//!
//! Whiteouts and hiding follow the OCI image-spec, layer.md, "Applying Changesets" and
//! "Whiteouts". What was found is kept in `findings.rs`.

mod findings;
mod hides;
mod whiteout;

use std::collections::HashSet;
use std::io::BufRead;

use tallyman_model::inventory::{Diagnostic, DiagnosticKind, LayerInventory, path_key};
use tallyman_model::limits::{Limits, Over};

use crate::analyzers::{self, Analyzer, Candidate, FileClass, Probe, Reading, Selection};
use crate::budget::Budget;
use crate::collect::findings::Findings;
use crate::collect::hides::Hides;
use crate::collect::whiteout::Whiteout;
use crate::error::LayerError;
use crate::path::{normalize, split};
use crate::tar::{Content, Entry, EntryKind, TarReader};

/// A buffer that grew beyond this is not kept for the next file.
const KEPT_BUFFER_BYTES: usize = 8 << 20;

/// How many entries are counted for the image in one go.
const ENTRIES_COUNTED: u64 = 1024;

/// The longest magic number of a program.
const MAGIC_BYTES: u64 = 4;

/// Reads a tar to its end mark and returns what it holds.
pub(crate) fn read_tar<R: BufRead>(
    reader: R,
    budget: &Budget,
) -> Result<LayerInventory, LayerError> {
    let mut tar = TarReader::new(reader);
    let mut collector = Collector::new(budget);
    let mut path = String::new();
    while let Some((entry, content)) = tar.next()? {
        collector.visit(entry, content, &mut path)?;
    }
    budget.take_entries(collector.entries % ENTRIES_COUNTED)?;
    Ok(collector.finish())
}

/// Notes that bytes follow the compressed data, which no decompressor makes a file of.
pub(crate) fn add_garbage_diagnostic(inventory: &mut LayerInventory) {
    inventory.diagnostics.push(Diagnostic {
        path: String::new(),
        kind: DiagnosticKind::Skipped,
        reason: "bytes that are not gzip follow the layer's data".to_owned(),
    });
    inventory.diagnostics.sort();
}

/// An analyzer that reads the current file piece by piece.
struct Started {
    index: usize,
    probe: Box<dyn Probe>,
}

struct Collector<'a> {
    budget: &'a Budget,
    limits: &'a Limits,
    findings: Findings<'a>,
    hides: Hides,
    /// Which analyzer has read which file, for hard links to it; a bounded number, after which
    /// files count as not read.
    read: HashSet<(u64, usize)>,
    buffer: Vec<u8>,
    entries: u64,
}

impl<'a> Collector<'a> {
    fn new(budget: &'a Budget) -> Self {
        let limits = budget.limits();
        Collector {
            budget,
            limits,
            findings: Findings::new(limits),
            hides: Hides::new(limits),
            read: HashSet::new(),
            buffer: Vec::new(),
            entries: 0,
        }
    }

    fn finish(self) -> LayerInventory {
        let hidden = self.hides.finish();
        let (files, mut diagnostics) = self.findings.finish();
        if hidden.dropped > 0 {
            let dropped = hidden.dropped;
            let over = Over { limit: "layer-packages", value: self.limits.layer_packages as u64 };
            let reason =
                format!("{dropped} files that it hides of lower layers still count: {over}");
            diagnostics.push(Diagnostic {
                path: String::new(),
                kind: DiagnosticKind::Skipped,
                reason,
            });
            diagnostics.sort();
        }
        LayerInventory {
            files,
            hides: hidden.hides,
            opaque: hidden.opaque,
            diagnostics,
            entries: self.entries,
            uncompressed_bytes: 0,
        }
    }

    fn visit<R: BufRead>(
        &mut self,
        entry: &Entry,
        content: Content<'_, R>,
        path: &mut String,
    ) -> Result<(), LayerError> {
        self.entries = self.entries.saturating_add(1);
        if self.entries > self.limits.layer_entries {
            let (limit, value) = ("layer-entries", self.limits.layer_entries);
            return Err(LayerError::LimitExceeded { limit, value });
        }
        if self.entries.is_multiple_of(ENTRIES_COUNTED) {
            self.budget.take_entries(ENTRIES_COUNTED)?;
        }
        if !self.read_path(&entry.path, path) || path.is_empty() {
            return Ok(());
        }
        match Whiteout::parse(path) {
            Whiteout::None => {}
            Whiteout::Opaque(directory) => {
                self.hides.make_opaque(path_key(directory));
                return Ok(());
            }
            Whiteout::Of(target) => {
                self.hides.remove(path_key(&target));
                return Ok(());
            }
            Whiteout::Ignored => return Ok(()),
            Whiteout::Invalid => {
                self.findings.add_diagnostic(path, DiagnosticKind::Skipped, "an invalid whiteout");
                return Ok(());
            }
        }
        let key = path_key(path);
        self.findings.replace(path, key, entry.kind);
        match entry.kind {
            EntryKind::Directory => Ok(()),
            EntryKind::Regular => self.visit_file(entry, content, path, key),
            EntryKind::HardLink => {
                self.hides.replace(key);
                self.visit_hard_link(entry, path, key)
            }
            EntryKind::Symlink | EntryKind::Special => {
                self.hides.replace(key);
                self.visit_special(path);
                Ok(())
            }
        }
    }

    /// Normalises a path of the archive; `false` if it names nothing, which is noted.
    fn read_path(&mut self, raw: &[u8], path: &mut String) -> bool {
        let reason = if raw.len() > self.limits.path_bytes {
            let (limit, value) = ("path-bytes", self.limits.path_bytes as u64);
            format!("the path has {} bytes, {}", raw.len(), Over { limit, value })
        } else {
            match normalize(raw, path) {
                Ok(()) => return true,
                Err(error) => error.to_string(),
            }
        };
        let shown = raw.get(..raw.len().min(256)).unwrap_or_default();
        let shown = String::from_utf8_lossy(shown);
        self.findings.add_diagnostic(&shown, DiagnosticKind::Skipped, &reason);
        false
    }

    fn visit_file<R: BufRead>(
        &mut self,
        entry: &Entry,
        mut content: Content<'_, R>,
        path: &str,
        key: u64,
    ) -> Result<(), LayerError> {
        let candidate = Candidate::new(path, entry.size, entry.mode);
        let selection = analyzers::select(&candidate);
        if takes_the_place_of_evidence(&candidate, selection) {
            self.hides.replace(key);
        }
        if selection.is_empty() {
            return Ok(());
        }
        if entry.sparse {
            for (_, analyzer) in selection.iter() {
                self.findings.add_diagnostic(path, analyzer.class.loss(), "it is stored sparse");
            }
            return Ok(());
        }
        let is_whole = |(_, analyzer): (usize, &Analyzer)| analyzer.holds(&candidate, self.limits);
        let budget = self.budget;
        let _room = selection.iter().any(is_whole).then(|| budget.hold(candidate.size));
        let started = self.read_content(&candidate, selection, &mut content)?;
        let analyzed = self.report(&candidate, selection, started, key);
        if self.buffer.capacity() > KEPT_BUFFER_BYTES {
            self.buffer = Vec::new();
        }
        analyzed
    }

    /// Shows the content to those analyzers that stream it, and keeps it in the buffer if another
    /// one wants it; where no one does, only the magic number is read.
    fn read_content<R: BufRead>(
        &mut self,
        candidate: &Candidate<'_>,
        selection: Selection,
        content: &mut Content<'_, R>,
    ) -> Result<Vec<Started>, LayerError> {
        self.buffer.clear();
        content.append(&mut self.buffer, MAGIC_BYTES)?;
        let has_magic = analyzers::has_magic(&self.buffer);
        let mut started = Vec::new();
        let mut is_kept = false;
        for (index, analyzer) in selection.iter() {
            let is_right = !analyzer.class.is_program() || has_magic;
            if !is_right || candidate.size > analyzer.max_bytes(self.limits).value {
                continue;
            }
            match analyzer.reading {
                Reading::Whole(_) => is_kept = true,
                Reading::Streamed(start) => {
                    started.push(Started { index, probe: start(candidate, self.limits) });
                }
            }
        }
        for it in &mut started {
            it.probe.feed(&self.buffer);
        }
        if is_kept {
            let size = usize::try_from(candidate.size).unwrap_or(usize::MAX);
            // The pages of what a header only claims to have are never touched.
            self.buffer.reserve_exact(size.saturating_sub(self.buffer.len()));
        }
        if is_kept || !started.is_empty() {
            content.visit(|piece| {
                if is_kept {
                    self.buffer.extend_from_slice(piece);
                }
                started.iter_mut().for_each(|it| it.probe.feed(piece));
            })?;
        }
        Ok(started)
    }

    /// Takes down what the analyzers say of a file that was read.
    fn report(
        &mut self,
        candidate: &Candidate<'_>,
        selection: Selection,
        mut started: Vec<Started>,
        key: u64,
    ) -> Result<(), LayerError> {
        let has_magic = analyzers::has_magic(&self.buffer);
        for (index, analyzer) in selection.iter() {
            let over = analyzer.max_bytes(self.limits);
            if analyzer.class.is_program() && !has_magic {
                continue;
            }
            if analyzer.class.is_known_by_path() {
                self.note_read(key, index);
            }
            let kind = analyzer.class.loss();
            if candidate.size > over.value {
                let reason = format!("it has {} bytes, {over}", candidate.size);
                self.findings.add_diagnostic(candidate.path, kind, &reason);
                continue;
            }
            let report = match started.iter().position(|it| it.index == index) {
                Some(at) => started.swap_remove(at).probe.finish(),
                None => analyzers::read_whole(analyzer, candidate.path, &self.buffer, self.limits),
            };
            for evidence in report.evidence {
                self.findings.add_evidence(candidate, index, evidence)?;
            }
            for fault in report.faults {
                self.findings.add_diagnostic(candidate.path, kind, &fault.reason);
            }
        }
        Ok(())
    }

    fn note_read(&mut self, key: u64, analyzer: usize) {
        if self.read.len() < self.limits.layer_packages {
            self.read.insert((key, analyzer));
        }
    }

    /// A hard link shows its target's evidence under its own name: an upper layer may remove the
    /// one and leave the other.
    fn visit_hard_link(&mut self, entry: &Entry, path: &str, key: u64) -> Result<(), LayerError> {
        let mut target = String::new();
        if !self.read_path(&entry.link, &mut target) || target == path {
            return Ok(());
        }
        let target_key = path_key(&target);
        let (size, mode) = self.findings.size_and_mode(&target, target_key).unwrap_or((0, 0));
        let candidate = Candidate::new(path, size, mode);
        for (index, analyzer) in analyzers::select(&candidate).iter() {
            let is_read = self.read.contains(&(target_key, index));
            if analyzer.class.is_known_by_path() && !is_read {
                let reason = format!("it is a hard link to {target}, which is not read");
                self.findings.add_diagnostic(path, analyzer.class.loss(), &reason);
                continue;
            }
            if is_read {
                self.note_read(key, index);
            }
            for evidence in self.findings.evidence_of(&target, target_key, index) {
                self.findings.add_evidence(&candidate, index, evidence)?;
            }
        }
        Ok(())
    }

    /// A database behind a symbolic link is not read, so the image must not look empty. Other
    /// files are found under the name that the link points to.
    fn visit_special(&mut self, path: &str) {
        for (_, analyzer) in analyzers::select(&Candidate::new(path, 0, 0)).iter() {
            if analyzer.class == FileClass::Database {
                let reason = "it is not a regular file, and links are not followed";
                self.findings.add_diagnostic(path, analyzer.class.loss(), reason);
            }
        }
    }
}

/// Tells whether a regular file may replace one that an analyzer read in a lower layer. Most files
/// cannot, and are not noted: the list is kept with every layer.
fn takes_the_place_of_evidence(candidate: &Candidate<'_>, selection: Selection) -> bool {
    let directory = split(split(candidate.path).0).1;
    matches!(directory, "bin" | "sbin")
        || analyzers::may_be_program(candidate)
        || selection.iter().any(|(_, analyzer)| analyzer.class.is_known_by_path())
}

#[cfg(test)]
mod tests;
