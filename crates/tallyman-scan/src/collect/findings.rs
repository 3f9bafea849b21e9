//! What has been found in a layer so far, by path: a later entry of the same path replaces it.
//!
//! All that is kept is charged against the limits, so that no layer makes an inventory larger than
//! its reader expects.

use std::collections::{BTreeMap, HashSet};
use std::mem::size_of;

use tallyman_model::inventory::{
    Diagnostic, DiagnosticKind, Evidence, EvidenceFile, ancestor_keys, path_key,
};
use tallyman_model::limits::Limits;
use tallyman_model::package::Package;

use crate::analyzers::{ANALYZERS, Candidate};
use crate::error::LayerError;
use crate::tar::EntryKind;

/// Packages take this many bytes of text on average at most, their paths included; real ones take
/// about a hundred.
const TEXT_BYTES_PER_PACKAGE: u64 = 512;

/// The evidence and diagnostics of a layer.
pub(crate) struct Findings<'a> {
    limits: &'a Limits,
    files: BTreeMap<String, Found>,
    /// The keys of all paths in `files` and of their ancestors: most entries are told apart by it.
    known: HashSet<u64>,
    packages: usize,
    text_bytes: u64,
    diagnostics: usize,
    dropped: u64,
    dropped_kind: Option<DiagnosticKind>,
}

/// What is known of one path.
#[derive(Default)]
struct Found {
    size: u64,
    mode: u32,
    /// With the index of the analyzer.
    evidence: Vec<(usize, Evidence)>,
    diagnostics: Vec<(DiagnosticKind, String)>,
}

impl<'a> Findings<'a> {
    pub(crate) fn new(limits: &'a Limits) -> Self {
        Findings {
            limits,
            files: BTreeMap::new(),
            known: HashSet::new(),
            packages: 0,
            text_bytes: 0,
            diagnostics: 0,
            dropped: 0,
            dropped_kind: None,
        }
    }

    /// Forgets what an entry takes the place of: a file of the same path, and everything beneath
    /// it if the entry is no directory.
    pub(crate) fn replace(&mut self, path: &str, key: u64, kind: EntryKind) {
        if !self.known.contains(&key) {
            return;
        }
        self.remove(path);
        if kind == EntryKind::Directory {
            return;
        }
        let prefix = format!("{path}/");
        let beneath: Vec<String> = self
            .files
            .range(prefix.clone()..)
            .map(|(path, _)| path)
            .take_while(|path| path.starts_with(&prefix))
            .cloned()
            .collect();
        for path in beneath {
            self.remove(&path);
        }
    }

    fn remove(&mut self, path: &str) {
        if let Some(found) = self.files.remove(path) {
            self.diagnostics = self.diagnostics.saturating_sub(found.diagnostics.len());
        }
    }

    /// Returns size and mode of a file that has evidence.
    pub(crate) fn size_and_mode(&self, path: &str, key: u64) -> Option<(u64, u32)> {
        let found = self.known.contains(&key).then(|| self.files.get(path)).flatten()?;
        (!found.evidence.is_empty()).then_some((found.size, found.mode))
    }

    /// Returns a copy of what one analyzer found in a file.
    pub(crate) fn evidence_of(&self, path: &str, key: u64, analyzer: usize) -> Vec<Evidence> {
        let found = self.known.contains(&key).then(|| self.files.get(path)).flatten();
        let evidence = found.map_or(&[][..], |found| &found.evidence);
        evidence.iter().filter(|(by, _)| *by == analyzer).map(|(_, it)| it.clone()).collect()
    }

    pub(crate) fn add_evidence(
        &mut self,
        candidate: &Candidate<'_>,
        analyzer: usize,
        evidence: Evidence,
    ) -> Result<(), LayerError> {
        let (packages, text_bytes) = match &evidence {
            Evidence::Packages(packages) => (packages.len(), packages.iter().map(text_of).sum()),
            Evidence::Nested { path, packages } => {
                let text_bytes: u64 = packages.iter().map(text_of).sum();
                (packages.len(), text_bytes.saturating_add(path.len() as u64))
            }
            Evidence::Archive { path, sha1, guess } => {
                let text_bytes = guess.as_ref().map_or(0, text_of);
                let path_bytes = path.len().saturating_add(sha1.len()) as u64;
                (1, text_bytes.saturating_add(path_bytes))
            }
            Evidence::OwnedFiles(keys) => (0, (keys.len() as u64).saturating_mul(8)),
            Evidence::Distribution(_) | Evidence::Alert(_) => (1, 0),
        };
        self.packages = self.packages.saturating_add(packages);
        self.text_bytes = self.text_bytes.saturating_add(text_bytes);
        self.note_path(candidate.path);
        self.check_limits()?;
        let found = self.files.entry(candidate.path.to_owned()).or_default();
        (found.size, found.mode) = (candidate.size, candidate.mode);
        found.evidence.push((analyzer, evidence));
        Ok(())
    }

    pub(crate) fn add_diagnostic(&mut self, path: &str, kind: DiagnosticKind, reason: &str) {
        let is_same = |(known_kind, known_reason): &(DiagnosticKind, String)| {
            *known_kind == kind && known_reason == reason
        };
        if self.files.get(path).is_some_and(|found| found.diagnostics.iter().any(is_same)) {
            return;
        }
        if self.diagnostics >= self.limits.diagnostics {
            self.dropped = self.dropped.saturating_add(1);
            self.dropped_kind = self.dropped_kind.max(Some(kind));
            return;
        }
        self.diagnostics = self.diagnostics.saturating_add(1);
        self.note_path(path);
        let reason = reason.chars().filter(|c| !c.is_control()).take(500).collect();
        self.files.entry(path.to_owned()).or_default().diagnostics.push((kind, reason));
    }

    /// Returns everything, ordered.
    pub(crate) fn finish(self) -> (Vec<EvidenceFile>, Vec<Diagnostic>) {
        let mut files = Vec::new();
        let mut diagnostics = Vec::new();
        for (path, found) in self.files {
            for (kind, reason) in found.diagnostics {
                diagnostics.push(Diagnostic { path: path.clone(), kind, reason });
            }
            for (analyzer, evidence) in found.evidence {
                let analyzer = ANALYZERS.get(analyzer).map_or("", |analyzer| analyzer.id);
                files.push(EvidenceFile {
                    path: path.clone(),
                    analyzer: analyzer.to_owned(),
                    evidence,
                });
            }
        }
        if let Some(kind) = self.dropped_kind {
            let reason = format!("{} further diagnostics were dropped", self.dropped);
            diagnostics.push(Diagnostic { path: String::new(), kind, reason });
        }
        files.sort_by(|a, b| (&a.path, &a.analyzer).cmp(&(&b.path, &b.analyzer)));
        diagnostics.sort();
        (files, diagnostics)
    }

    fn note_path(&mut self, path: &str) {
        if self.files.contains_key(path) {
            return;
        }
        self.text_bytes = self.text_bytes.saturating_add(path.len() as u64);
        self.known.insert(path_key(path));
        let ancestors: Vec<u64> = ancestor_keys(path).collect();
        for key in ancestors.into_iter().rev() {
            // The ancestors of a known directory are known.
            if !self.known.insert(key) {
                break;
            }
            self.text_bytes = self.text_bytes.saturating_add(2 * size_of::<u64>() as u64);
        }
    }

    fn check_limits(&self) -> Result<(), LayerError> {
        let max_packages = self.limits.layer_packages;
        let max_bytes = (max_packages as u64).saturating_mul(TEXT_BYTES_PER_PACKAGE);
        if self.packages <= max_packages && self.text_bytes <= max_bytes {
            return Ok(());
        }
        Err(LayerError::LimitExceeded { limit: "layer-packages", value: max_packages as u64 })
    }
}

fn text_of(package: &Package) -> u64 {
    let source = package.source.as_ref();
    let source = source.map_or(0, |source| source.name.len().saturating_add(source.version.len()));
    let architecture = package.architecture.as_ref().map_or(0, String::len);
    [package.name.len(), package.version.len(), architecture, source]
        .into_iter()
        .fold(0, |sum: u64, len| sum.saturating_add(len as u64))
}
