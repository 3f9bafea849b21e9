//! The feeds about vulnerabilities, from their files to findings and to what has changed.

use std::path::PathBuf;

use tallyman_model::limits::Limits;
use tallyman_model::package::{Ecosystem, Package, PackageVersion};
use tallyman_model::severity::Severity;

use super::{AdvisoryDatabase, ImportReport};
use crate::matcher::{find_vulnerabilities, package_key};

const NOW_MS: i64 = 2_000_000_000_000;

const ADVISORY: &str = r#"{"id": "GHSA-1", "aliases": ["CVE-2024-0012"],
    "modified": "2024-01-01T00:00:00Z",
    "affected": [{"package": {"ecosystem": "npm", "name": "a"}, "versions": ["1.0.0"]}]}"#;

const CVE: &str = r#"{"dataType": "CVE_RECORD", "cveMetadata": {"cveId": "CVE-2024-0012",
    "state": "PUBLISHED", "dateUpdated": "2024-08-01T00:00:00Z"}, "containers": {"cna": {"metrics":
    [{"cvssV3_1": {"vectorString": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"}}]}}}"#;

fn epss(date: &str, rows: &str) -> String {
    format!("#model_version:v1,score_date:{date}T00:00:00+0000\ncve,epss,percentile\n{rows}")
}

struct Fixture {
    folder: tempfile::TempDir,
    database: AdvisoryDatabase,
}

impl Fixture {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("db");
        let database = AdvisoryDatabase::open(&path, Limits::default()).unwrap();
        Fixture { folder, database }
    }

    fn import(&self, bytes: impl AsRef<[u8]>) -> ImportReport {
        let path: PathBuf = self.folder.path().join("feed");
        std::fs::write(&path, bytes).unwrap();
        self.database.import(&[path], NOW_MS, &mut |_| {}).unwrap()
    }

    /// Returns how likely exploitation is, in steps.
    fn epss(&self, id: &str) -> Option<u32> {
        let index = self.database.open_index().unwrap();
        let facts = index.vulnerability(id.parse().unwrap()).unwrap()?;
        facts.epss.map(|epss| epss.probability.steps())
    }
}

fn package() -> PackageVersion {
    PackageVersion { package: Package::new(Ecosystem::Npm, "a", "1.0.0"), release: None }
}

#[test]
fn a_cve_record_rates_what_no_advisory_rates_and_that_is_a_change() {
    let fixture = Fixture::new();
    fixture.import(ADVISORY);
    let severity = || {
        let index = fixture.database.open_index().unwrap();
        let found = find_vulnerabilities(&index, &package()).unwrap().findings;
        (found[0].severity, found[0].score, index)
    };
    let (unrated, _, before) = severity();
    assert_eq!(unrated, Severity::Unknown);
    fixture.import(CVE);
    let (rated, score, after) = severity();
    assert_eq!((rated, score), (Severity::High, Some(7.5)));
    assert_eq!(after.changed_keys(&before).unwrap(), [package_key(&package())]);
    assert_eq!(before.changed_keys(&after).unwrap(), [package_key(&package())]);
    fixture.import(CVE.replace("A:H", "A:L").replace("08-01", "09-01"));
    let (medium, _, last) = severity();
    assert_eq!(medium, Severity::Medium);
    assert_eq!(last.changed_keys(&after).unwrap(), [package_key(&package())]);
    let withdrawn = CVE.replace("PUBLISHED", "REJECTED").replace("08-01", "10-01");
    fixture.import(withdrawn);
    assert_eq!(severity().0, Severity::Unknown);
}

#[test]
fn an_advisory_that_rates_is_not_changed_by_a_cve_record() {
    let fixture = Fixture::new();
    let vector = "CVSS:3.1/AV:L/AC:H/PR:L/UI:R/S:U/C:L/I:N/A:N";
    let severity =
        format!(r#""severity": [{{"type": "CVSS_V3", "score": "{vector}"}}], "affected""#);
    fixture.import(ADVISORY.replacen(r#""affected""#, &severity, 1));
    let before = fixture.database.open_index().unwrap();
    fixture.import(CVE);
    let after = fixture.database.open_index().unwrap();
    let found = find_vulnerabilities(&after, &package()).unwrap().findings;
    assert_eq!(found[0].vector.as_deref(), Some(vector));
    assert_eq!(after.changed_keys(&before).unwrap(), []);
}

#[test]
fn another_likelihood_of_exploitation_changes_no_key() {
    let fixture = Fixture::new();
    fixture.import(ADVISORY);
    fixture.import(CVE);
    fixture.import(epss("2026-08-16", "CVE-2024-0012,0.5,0.9\nCVE-2024-0013,0.1,0.2\n"));
    let before = fixture.database.open_index().unwrap();
    assert_eq!(fixture.epss("CVE-2024-0012"), Some(50_000));
    fixture.import(epss("2026-08-17", "CVE-2024-0012,0.6,0.9\n"));
    let after = fixture.database.open_index().unwrap();
    assert_ne!(after.revision(), before.revision());
    assert_eq!(after.changed_keys(&before).unwrap(), []);
    assert_eq!(fixture.epss("CVE-2024-0012"), Some(60_000));
    assert_eq!(fixture.epss("CVE-2024-0013"), None, "what a whole table no longer says is gone");
}

#[test]
fn an_older_table_and_one_that_is_cut_change_nothing() {
    let fixture = Fixture::new();
    let table = epss("2026-08-16", "CVE-2024-0012,0.5,0.9\n");
    fixture.import(&table);
    let older = fixture.import(epss("2026-08-15", "CVE-2024-0013,0.1,0.2\n"));
    assert!(!older.is_changed());
    assert_eq!(older.feeds["epss"].unchanged, 1);
    let newer = epss("2026-08-17", &"CVE-2024-0014,0.1,0.2\n".repeat(1_000));
    let packed = zstd::encode_all(newer.as_bytes(), 1).unwrap();
    for cut in [&packed[..packed.len() - 2], &newer.as_bytes()[..newer.len() - 3]] {
        let report = fixture.import(cut);
        assert_eq!((report.failed.len(), report.is_changed()), (1, false));
    }
    assert_eq!(fixture.epss("CVE-2024-0012"), Some(50_000));
    assert_eq!(fixture.epss("CVE-2024-0014"), None);
}

#[test]
fn a_bundle_carries_them_and_an_older_one_takes_nothing_back() {
    let source = Fixture::new();
    source.import(CVE);
    source.import(epss("2026-08-16", "CVE-2024-0012,0.5,0.9\n"));
    let mut bundle = Vec::new();
    source.database.export(&mut bundle).unwrap();
    let target = Fixture::new();
    target.import(&bundle);
    assert_eq!(target.epss("CVE-2024-0012"), Some(50_000));
    target.import(epss("2026-08-17", "CVE-2024-0012,0.6,0.9\n"));
    target.import(&bundle);
    assert_eq!(target.epss("CVE-2024-0012"), Some(60_000));
    let infos = target.database.info().unwrap();
    let names: Vec<&str> = infos.iter().map(|info| info.name.as_str()).collect();
    assert_eq!(names, ["cve", "epss"]);
    assert!(infos.iter().all(|info| !info.attribution.is_empty() && info.data_ms.is_some()));
}
