//! What could not be read of a directory. The number is bounded; what does not fit is counted.

use tallyman_model::inventory::{Diagnostic, DiagnosticKind};

#[derive(Debug)]
pub(super) struct Problems {
    kept: Vec<Diagnostic>,
    maximum: usize,
    dropped: u64,
    dropped_kind: Option<DiagnosticKind>,
}

impl Problems {
    pub(super) fn new(maximum: usize) -> Self {
        Problems { kept: Vec::new(), maximum, dropped: 0, dropped_kind: None }
    }

    pub(super) fn add(&mut self, path: &str, kind: DiagnosticKind, reason: &str) {
        if self.kept.len() >= self.maximum {
            self.dropped = self.dropped.saturating_add(1);
            self.dropped_kind = self.dropped_kind.max(Some(kind));
            return;
        }
        let reason = crate::error::quoted(reason);
        self.kept.push(Diagnostic { path: path.to_owned(), kind, reason });
    }

    pub(super) fn into_diagnostics(mut self) -> Vec<Diagnostic> {
        if let Some(kind) = self.dropped_kind {
            let reason = format!("{} further diagnostics were dropped", self.dropped);
            self.kept.push(Diagnostic { path: String::new(), kind, reason });
        }
        self.kept.sort();
        self.kept
    }
}
