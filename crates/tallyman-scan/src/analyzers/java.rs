//! Java archives: the libraries in a jar, in the jars within it, and itself.
//!
//! A file is known by its extension and read as a stream of any size; what of it is looked at stands
//! in `archive.rs`, what a jar is in `identity.rs`. Nested archives are read up to
//! `Limits::archive_depth`, and all that is inflated is paid for by the bytes of the file.

mod archive;
mod content;
mod file_name;
mod groups;
mod identity;
mod manifest;
mod properties;

use tallyman_model::limits::Limits;

use crate::analyzers::java::archive::{Archive, Shared};
use crate::analyzers::{Analyzer, Candidate, FileClass, Probe, Reading, Report};
use crate::zip::Budget;

pub(crate) const ANALYZER: Analyzer = Analyzer {
    id: "java",
    version: 4,
    class: FileClass::Archive,
    wants,
    reading: Reading::Streamed(start),
};

/// The extensions of archives of Java classes: libraries, web and enterprise applications, those of
/// JBoss, NiFi, Karaf and Liferay, resource adapters, plugins of Jenkins.
const EXTENSIONS: [&str; 11] =
    ["jar", "war", "ear", "par", "sar", "nar", "kar", "rar", "lpkg", "jpi", "hpi"];

/// So much may come out of the smallest file.
const INFLATED_BYTES_MIN: u64 = 1 << 20;

fn wants(candidate: &Candidate<'_>) -> bool {
    // The end of an archive has 22 bytes (APPNOTE.TXT 6.3.10, section 4.3.16).
    candidate.size >= 22
        && candidate.base.rsplit_once('.').is_some_and(|(_, extension)| is_archive(extension))
}

fn is_archive(extension: &str) -> bool {
    EXTENSIONS.iter().any(|known| known.eq_ignore_ascii_case(extension))
}

fn extension_of(base: &[u8]) -> Option<&[u8]> {
    let dot = memchr::memrchr(b'.', base)?;
    base.get(dot.checked_add(1)?..)
}

fn start(candidate: &Candidate<'_>, limits: &Limits) -> Box<dyn Probe> {
    let budget = Budget { entries: limits.archive_entries, inflated_bytes: INFLATED_BYTES_MIN };
    Box::new(JavaProbe {
        archive: Archive::new(candidate.base),
        shared: Shared::new(limits.clone(), budget),
        grantable_bytes: limits.archive_bytes,
    })
}

struct JavaProbe {
    archive: Archive,
    shared: Shared,
    /// How much more may be inflated at most, whatever the size of the file.
    grantable_bytes: u64,
}

impl Probe for JavaProbe {
    fn feed(&mut self, piece: &[u8]) {
        let ratio = self.shared.limits.expansion_ratio;
        let granted = (piece.len() as u64).saturating_mul(ratio).min(self.grantable_bytes);
        self.grantable_bytes = self.grantable_bytes.saturating_sub(granted);
        let budget = &mut self.shared.budget;
        budget.inflated_bytes = budget.inflated_bytes.saturating_add(granted);
        self.archive.feed(piece, &mut self.shared);
    }

    fn finish(mut self: Box<Self>) -> Report {
        self.archive.finish(&mut self.shared);
        self.shared.finish()
    }
}

#[cfg(test)]
mod tests;
