//! How far an answer can be trusted: failed and unsupported are never clean.

use serde::{Deserialize, Serialize};

use crate::advisory::PackageKey;
use crate::distribution::DistributionRelease;
use crate::inventory::{DiagnosticKind, InventoryDiagnostic};
use crate::package::Ecosystem;

/// Something the image holds that no loaded feed speaks of.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CoverageGap {
    /// The ecosystem of the packages.
    pub ecosystem: Ecosystem,
    /// Their release, for distributions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<DistributionRelease>,
}

impl CoverageGap {
    /// Returns the gap that `key` would fall into.
    pub fn of(key: &PackageKey) -> Self {
        CoverageGap { ecosystem: key.ecosystem, release: key.release.clone() }
    }

    /// Names the release, or the ecosystem where there are none.
    pub fn name(&self) -> String {
        match &self.release {
            Some(release) => release.to_string(),
            None => self.ecosystem.to_string(),
        }
    }

    /// Says it in words.
    pub fn describe(&self) -> String {
        match &self.release {
            Some(release) => format!("no advisories are loaded for {release}"),
            None => format!("no advisories are loaded for {} packages", self.ecosystem),
        }
    }
}

/// The state of an image's analysis.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum AnalysisState {
    /// Everything was read, and feeds speak of everything found.
    Analyzed,
    /// It was read, but something it holds cannot be judged.
    Unsupported {
        /// What cannot be judged, in words.
        reason: String,
    },
    /// It could not be read.
    Failed {
        /// What went wrong, in words.
        reason: String,
    },
}

impl AnalysisState {
    /// Decides the state of an image that was read: by what could not be read, the number of its
    /// packages and what no feed speaks of.
    pub fn decide(
        diagnostics: &[InventoryDiagnostic],
        packages: usize,
        gaps: &[CoverageGap],
    ) -> Self {
        let failed = diagnostics.iter().find(|item| item.diagnostic.kind == DiagnosticKind::Failed);
        if let Some(item) = failed {
            let diagnostic = &item.diagnostic;
            let reason =
                format!("layer {}: {}: {}", item.layer, diagnostic.path, diagnostic.reason);
            return AnalysisState::Failed { reason };
        }
        AnalysisState::judge(packages, gaps)
    }

    /// Decides the state of an image that was read without a failure, by what it holds.
    pub fn judge(packages: usize, gaps: &[CoverageGap]) -> Self {
        if !gaps.is_empty() {
            let reason = gaps.iter().map(CoverageGap::describe).collect::<Vec<_>>().join("; ");
            return AnalysisState::Unsupported { reason };
        }
        if packages == 0 {
            let reason = "no package was recognised in the image".to_owned();
            return AnalysisState::Unsupported { reason };
        }
        AnalysisState::Analyzed
    }
}
