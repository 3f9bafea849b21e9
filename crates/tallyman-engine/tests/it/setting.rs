//! An installation in a directory of its own, with advisories for two packages.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tallyman_engine::images::{MatchOutcome, match_pending};
use tallyman_engine::installation::Installation;
use tallyman_model::limits::Limits;
use tallyman_source::open::Sources;
use tallyman_source::options::SourceOptions;
use tallyman_testkit::clock::ManualClock;

/// 2026-11-24, in milliseconds.
pub(crate) const NOW_MS: i64 = 1_795_478_400_000;

pub(crate) struct Setting {
    pub(crate) root: tempfile::TempDir,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) installation: Arc<Installation>,
    pub(crate) sources: Sources,
}

impl Setting {
    pub(crate) async fn new() -> Self {
        Setting::within(Limits::default()).await
    }

    pub(crate) async fn within(limits: Limits) -> Self {
        let root = tempfile::tempdir().expect("a directory");
        let clock = Arc::new(ManualClock::new(NOW_MS));
        let data = root.path().join("data");
        let installation =
            Installation::open(&data, clock.clone(), limits).await.expect("an installation");
        let sources = Sources::new(SourceOptions::default()).expect("sources");
        Setting { root, clock, installation: Arc::new(installation), sources }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// Imports an OSV record that says a Python package is affected below a version.
    pub(crate) async fn affect(
        &self,
        id: &str,
        package: &str,
        fixed: &str,
        modified: &str,
    ) -> MatchOutcome {
        let record = serde_json::json!({
            "schema_version": "1.6.0", "id": id, "modified": modified,
            "affected": [{
                "package": {"ecosystem": "PyPI", "name": package},
                "ranges": [{
                    "type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": fixed}],
                }],
            }],
        });
        self.import(&format!("{id}.json"), &record.to_string()).await
    }

    pub(crate) async fn import(&self, name: &str, text: &str) -> MatchOutcome {
        let path = self.path(name);
        write(&path, text);
        let advisories = self.installation.advisories();
        let report = advisories.import(vec![path], |_| {}).await.expect("an import");
        assert!(report.failed.is_empty() && report.refused.is_empty(), "{report:?}");
        match_pending(&self.installation).await.expect("a match")
    }
}

fn write(path: &Path, text: &str) {
    fs::write(path, text).expect("a file");
}
