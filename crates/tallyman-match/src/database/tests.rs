use std::io::Cursor;
use std::path::{Path, PathBuf};

use tallyman_model::advisory::PackageKey;
use tallyman_model::distribution::DistributionRelease;
use tallyman_model::limits::Limits;
use tallyman_model::package::Ecosystem;

use super::{AdvisoryDatabase, DatabaseError, FeedReport, ImportReport};
use crate::index::AdvisoryIndex;

const NOW_MS: i64 = 2_000_000_000_000;

struct Fixture {
    folder: tempfile::TempDir,
    database: AdvisoryDatabase,
}

impl Fixture {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database =
            AdvisoryDatabase::open(&folder.path().join("db"), Limits::default()).unwrap();
        Fixture { folder, database }
    }

    fn import(&self, text: &str) -> ImportReport {
        self.import_bytes(text.as_bytes())
    }

    fn import_bytes(&self, bytes: &[u8]) -> ImportReport {
        let path = self.folder.path().join("feed");
        std::fs::write(&path, bytes).unwrap();
        self.database.import(&[path], NOW_MS, &mut |_| {}).unwrap()
    }

    fn files(&self) -> Vec<String> {
        let entries = self.folder.path().join("db").read_dir().unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> =
            names.filter(|name| name != "lock" && name != "journal.json").collect();
        names.sort();
        names
    }

    fn file(&self, end: &str) -> PathBuf {
        let name = self.files().into_iter().find(|name| name.ends_with(end)).unwrap();
        self.folder.path().join("db").join(name)
    }
}

fn record(id: &str, modified: &str, tail: &str) -> String {
    format!(
        r#"{{"id": "{id}", "modified": "{modified}T00:00:00Z", "affected": [{{"package": {{"ecosystem": "npm", "name": "a"}}, "versions": ["1.0.0"]}}]{tail}}}"#
    )
}

fn ids(index: &AdvisoryIndex) -> Vec<String> {
    let key = PackageKey { ecosystem: Ecosystem::Npm, release: None, name: "a".to_owned() };
    index.find(&key).unwrap().into_iter().map(|advisory| advisory.id).collect()
}

/// Returns added, updated, unchanged and withdrawn.
fn counts(report: &ImportReport, feed: &str) -> (u64, u64, u64, u64) {
    let FeedReport { added, updated, unchanged, withdrawn, .. } = report.feeds[feed];
    (added, updated, unchanged, withdrawn)
}

#[test]
fn the_newer_record_stays() {
    let fixture = Fixture::new();
    assert_eq!(counts(&fixture.import(&record("A", "2024-01-02", "")), "osv/npm"), (1, 0, 0, 0));
    let again = fixture.import(&record("A", "2024-01-02", ""));
    assert_eq!(counts(&again, "osv/npm"), (0, 0, 1, 0));
    assert!(!again.is_changed());
    let older = record("A", "2024-01-01", r#", "aliases": ["OLD"]"#);
    assert_eq!(counts(&fixture.import(&older), "osv/npm"), (0, 0, 1, 0));
    let newer = record("A", "2024-01-03", r#", "aliases": ["NEW"]"#);
    assert_eq!(counts(&fixture.import(&newer), "osv/npm"), (0, 1, 0, 0));
    let info = &fixture.database.info().unwrap()[0];
    assert_eq!((info.name.as_str(), info.advisories, info.affected), ("osv/npm", 1, 1));
    assert_eq!(info.data_ms, tallyman_model::clock::parse_rfc3339("2024-01-03T00:00:00Z"));
    assert_eq!(info.imported_ms, Some(NOW_MS));
}

#[test]
fn a_withdrawn_record_is_gone_and_stays_gone() {
    let fixture = Fixture::new();
    fixture.import(&record("A", "2024-01-01", ""));
    let withdrawn = record("A", "2024-01-02", r#", "withdrawn": "2024-01-02T00:00:00Z""#);
    assert_eq!(counts(&fixture.import(&withdrawn), "osv/npm"), (0, 0, 0, 1));
    assert_eq!(ids(&fixture.database.open_index().unwrap()), [""; 0]);
    assert_eq!(counts(&fixture.import(&record("A", "2024-01-01", "")), "osv/npm"), (0, 0, 1, 0));
    assert_eq!(ids(&fixture.database.open_index().unwrap()), [""; 0]);
    assert_eq!(fixture.database.info().unwrap()[0].advisories, 0);
}

#[test]
fn what_a_whole_feed_no_longer_says_is_withdrawn() {
    let fixture = Fixture::new();
    let secdb = |repository: &str, ids: &str| {
        format!(
            r#"{{"distroversion": "v3.20", "reponame": "{repository}", "packages": [{{"pkg": {{"name": "a", "secfixes": {{"1-r0": [{ids}]}}}}}}]}}"#
        )
    };
    fixture.import(&secdb("main", r#""CVE-2020-1", "CVE-2020-2""#));
    fixture.import(&secdb("community", r#""CVE-2020-3""#));
    let report = fixture.import(&secdb("main", r#""CVE-2020-2""#));
    assert_eq!(counts(&report, "alpine"), (0, 0, 1, 1));
    let index = fixture.database.open_index().unwrap();
    let release = Some(DistributionRelease::from_stored("alpine:3.20"));
    let key = PackageKey { ecosystem: Ecosystem::Apk, release, name: "a".to_owned() };
    let found: Vec<String> = index.find(&key).unwrap().into_iter().map(|a| a.id).collect();
    // Repositories are wholes of their own.
    assert_eq!(found, ["CVE-2020-3", "CVE-2020-2"]);
}

#[test]
fn a_broken_file_changes_nothing_and_is_named() {
    let fixture = Fixture::new();
    fixture.import(&record("A", "2024-01-01", ""));
    let before = fixture.database.open_index().unwrap();
    let packed = zstd::encode_all(Cursor::new(record("B", "2024-01-01", "")), 1).unwrap();
    let report = fixture.import_bytes(&packed[..packed.len() - 2]);
    assert_eq!(report.failed.len(), 1);
    assert!(report.failed[0].name.ends_with("feed"));
    assert!(!report.is_changed());
    let after = fixture.database.open_index().unwrap();
    assert_eq!(after.revision(), before.revision());
    assert_eq!(ids(&after), ["A"]);
}

#[test]
fn the_index_is_compiled_when_the_feeds_have_changed() {
    let fixture = Fixture::new();
    fixture.import(&record("A", "2024-01-01", ""));
    let first = fixture.database.open_index().unwrap();
    let file = fixture.file(".tix");
    assert!(file.to_string_lossy().ends_with(&format!("index-{}.tix", first.revision())));
    fixture.import(&record("B", "2024-01-01", ""));
    let second = fixture.database.open_index().unwrap();
    assert_ne!(first.revision(), second.revision());
    assert_eq!((ids(&first), ids(&second)), (vec!["A".into()], vec!["A".into(), "B".into()]));
    let kept = fixture.database.find_revision(first.revision()).unwrap().unwrap();
    let changed = second.changed_keys(&kept).unwrap();
    assert_eq!(changed.len(), 1, "what was matched with the old one can be told what changed");
    for id in ["C", "D"] {
        fixture.import(&record(id, "2024-01-01", ""));
        fixture.database.open_index().unwrap();
    }
    // The oldest goes on answering, though its file is gone.
    assert!(!file.exists());
    assert!(fixture.database.find_revision(first.revision()).unwrap().is_none());
    assert_eq!(ids(&first), ["A"]);
    assert_eq!(fixture.files().len(), 5);
}

#[test]
fn a_damaged_index_is_compiled_anew() {
    let fixture = Fixture::new();
    fixture.import(&record("A", "2024-01-01", ""));
    let revision = fixture.database.open_index().unwrap().revision().to_owned();
    let path = fixture.file(".tix");
    for damaged in [&b""[..], b"TALLYTIX", &[0; 1000]] {
        std::fs::write(&path, damaged).unwrap();
        assert!(AdvisoryIndex::open(&path).is_err());
        assert_eq!(fixture.database.open_index().unwrap().revision(), revision);
        assert!(AdvisoryIndex::open(&path).is_ok());
    }
    std::fs::remove_file(&path).unwrap();
    assert_eq!(ids(&fixture.database.open_index().unwrap()), ["A"]);
}

#[test]
fn a_bit_that_rots_is_found_by_those_who_read_all() {
    let fixture = Fixture::new();
    fixture.import(&record("A", "2024-01-01", ""));
    let revision = fixture.database.open_index().unwrap().revision().to_owned();
    let path = fixture.file(".tix");
    let mut bytes = std::fs::read(&path).unwrap();
    let at = bytes.len() / 2;
    bytes[at] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let index = fixture.database.open_verified_index().unwrap();
    assert_eq!((index.revision(), index.verify().is_ok()), (revision.as_str(), true));
}

#[test]
fn feeds_that_did_not_change_are_not_read_again() {
    let fixture = Fixture::new();
    fixture.import(&record("A", "2024-01-01", ""));
    fixture.database.open_index().unwrap();
    // The facts of one feed are gone; nobody needs them for the index of another one's change.
    let facts = fixture.file(".facts");
    let kept = std::fs::read(&facts).unwrap();
    let other = r#"{"id": "B", "modified": "2024-01-01T00:00:00Z", "affected": [{"package":
        {"ecosystem": "PyPI", "name": "b"}, "versions": ["1.0"]}]}"#;
    fixture.import(other);
    std::fs::write(&facts, b"gone").unwrap();
    let quick = fixture.database.open_index().unwrap();
    assert_eq!(ids(&quick), ["A"]);
    std::fs::write(&facts, kept).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let whole = AdvisoryDatabase::open(folder.path(), Limits::default()).unwrap();
    for (name, text) in [("a", record("A", "2024-01-01", "")), ("b", other.to_owned())] {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        whole.import(&[path], 0, &mut |_| {}).unwrap();
    }
    let whole = whole.open_index().unwrap();
    assert_eq!(whole.changed_keys(&quick).unwrap(), []);
}

#[test]
fn damaged_facts_are_an_error_that_names_the_file() {
    let fixture = Fixture::new();
    fixture.import(&record("A", "2024-01-01", ""));
    let path = fixture.file(".facts");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[10] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let error = fixture.database.open_index().unwrap_err();
    assert!(matches!(&error, DatabaseError::Damaged { path: named, .. } if *named == path));
}

#[test]
fn what_a_killed_process_left_behind_does_not_count() {
    let fixture = Fixture::new();
    fixture.import(&record("A", "2024-01-01", ""));
    let folder = fixture.folder.path().join("db");
    for name in ["advisories.json.tmp", "osv-npm-0123.facts", "index-0123.tix"] {
        std::fs::write(folder.join(name), b"half").unwrap();
    }
    let database = AdvisoryDatabase::open(&folder, Limits::default()).unwrap();
    assert_eq!(ids(&database.open_index().unwrap()), ["A"]);
    assert_eq!(fixture.files().len(), 3);
}

#[test]
fn a_bundle_brings_everything_over() {
    let source = Fixture::new();
    source.import(&record("A", "2024-01-01", ""));
    source.import(&record("B", "2024-01-01", "").replace("npm", "PyPI"));
    let mut bundle = Vec::new();
    source.database.export(&mut bundle).unwrap();
    let target = Fixture::new();
    let report = target.database.install_bundle(&bundle, NOW_MS + 1).unwrap();
    assert_eq!(counts(&report, "osv/npm"), (1, 0, 0, 0));
    let info = target.database.info().unwrap();
    assert_eq!(info[1].name, "osv/npm");
    assert_eq!(info[1].data_ms, source.database.info().unwrap()[1].data_ms);
    assert_eq!(info[1].imported_ms, Some(NOW_MS + 1));
    let revisions = [&source, &target]
        .map(|fixture| fixture.database.open_index().unwrap().revision().to_owned());
    assert_eq!(revisions[0], revisions[1]);
    assert!(!target.database.install_bundle(&bundle, NOW_MS + 2).unwrap().is_changed());
}

#[test]
fn an_import_takes_a_bundle_beside_other_files() {
    let source = Fixture::new();
    source.import(&record("A", "2024-01-01", ""));
    let folder = tempfile::tempdir().unwrap();
    let (bundle, cut) = (folder.path().join("all.bundle"), folder.path().join("cut.bundle"));
    source.database.export(std::fs::File::create(&bundle).unwrap()).unwrap();
    let bytes = std::fs::read(&bundle).unwrap();
    std::fs::write(&cut, &bytes[..bytes.len() - 5]).unwrap();
    let single = folder.path().join("b.json");
    std::fs::write(&single, record("B", "2024-01-01", "")).unwrap();
    let target = Fixture::new();
    let report = target.database.import(&[bundle, cut, single], NOW_MS, &mut |_| {}).unwrap();
    assert_eq!(ids(&target.database.open_index().unwrap()), ["A", "B"]);
    assert_eq!(report.failed.len(), 1);
}

#[test]
fn a_bundle_that_is_not_whole_changes_nothing() {
    let source = Fixture::new();
    source.import(&record("A", "2024-01-01", ""));
    let mut bundle = Vec::new();
    source.database.export(&mut bundle).unwrap();
    let target = Fixture::new();
    for length in 0..bundle.len() {
        assert!(target.database.install_bundle(&bundle[..length], 0).is_err(), "{length} bytes");
    }
    for at in 0..bundle.len() {
        let mut damaged = bundle.clone();
        damaged[at] ^= 0x10;
        // A flag of zstd's header that nobody reads may be flipped; nothing else may come of it.
        if target.database.install_bundle(&damaged, 0).is_ok() {
            assert_eq!(ids(&target.database.open_index().unwrap()), ["A"]);
        }
    }
    assert!(target.database.install_bundle(b"", 0).is_err());
}

#[test]
fn an_empty_database_has_an_index_of_nothing() {
    let fixture = Fixture::new();
    assert_eq!(fixture.database.info().unwrap(), []);
    assert_eq!(fixture.database.open_index().unwrap().key_count(), 0);
    assert_eq!(fixture.import("no feed").failed.len(), 1);
    assert!(AdvisoryDatabase::open(Path::new("/dev/null/x"), Limits::default()).is_err());
}

#[test]
fn the_shipped_bundle_names_its_sources() {
    let fixture = Fixture::new();
    let bundle = crate::snapshot::shipped_bundle();
    assert!(bundle.len() < 8 << 20);
    fixture.database.install_bundle(bundle, NOW_MS).unwrap();
    let feeds = fixture.database.info().unwrap();
    let names: Vec<&str> = feeds.iter().map(|feed| feed.name.as_str()).collect();
    assert_eq!(
        names,
        ["debian-changelog", "nodejs-wg", "osv/Go", "osv/PyPI", "osv/crates.io", "osv/npm"]
    );
    for feed in &feeds {
        assert!(!feed.attribution.is_empty() && !feed.attribution.contains("other"), "{feed:?}");
        assert!(feed.advisories > 0 && feed.data_ms.is_some(), "{feed:?}");
    }
}
