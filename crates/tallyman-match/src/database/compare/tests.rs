use std::fs;
use std::path::PathBuf;

use tallyman_model::limits::Limits;

use super::{DatabaseDifference, FeedState};
use crate::database::AdvisoryDatabase;
use crate::database::difference::{Aspect, ChangedRecord, RecordChange};

struct Fixture {
    folder: tempfile::TempDir,
    database: AdvisoryDatabase,
}

impl Fixture {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("advisories");
        let database = AdvisoryDatabase::open(&path, Limits::default()).unwrap();
        Fixture { folder, database }
    }

    fn import(&self, id: &str, version: &str, now_ms: i64) {
        let text = format!(
            r#"{{"id": "{id}", "modified": "2024-01-{version}T00:00:00Z", "affected": [{{
                "package": {{"ecosystem": "npm", "name": "a"}}, "versions": ["{version}"]}}]}}"#
        );
        let path = self.folder.path().join("feed.json");
        fs::write(&path, text).unwrap();
        self.database.import(&[path], now_ms, &mut |_| {}).unwrap();
    }

    fn bundle(&self, name: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        self.database.export(fs::File::create(&path).unwrap()).unwrap();
        path
    }

    fn last(&self) -> Option<DatabaseDifference> {
        self.database.last_change().unwrap()
    }
}

fn records(difference: &DatabaseDifference) -> Vec<(RecordChange, &str, &[Aspect])> {
    let records = difference.feeds.values().flat_map(|feed| &feed.records);
    records.map(|ChangedRecord { change, id, what }| (*change, id.as_str(), &what[..])).collect()
}

const CHANGED_RANGES: (RecordChange, &str, &[Aspect]) =
    (RecordChange::Changed, "A", &[Aspect::Ranges]);

#[test]
fn the_last_change_is_known_with_its_revisions() {
    let fixture = Fixture::new();
    assert_eq!(fixture.last(), None);
    fixture.import("A", "01", 10);
    let first = fixture.database.open_index().unwrap().revision().to_owned();
    fixture.import("A", "02", 20);
    let second = fixture.database.open_index().unwrap().revision().to_owned();
    fixture.import("A", "02", 30);
    let last = fixture.last().unwrap();
    assert_eq!(last.revision_before, Some(first));
    assert_eq!(last.revision_after, Some(second));
    assert_eq!(last.changed_ms, Some(20), "an import of the same is no change");
    assert_eq!(records(&last), [CHANGED_RANGES]);
}

#[test]
fn an_entry_that_never_came_about_is_not_believed() {
    let fixture = Fixture::new();
    fixture.import("A", "01", 10);
    let manifest = fixture.folder.path().join("advisories/advisories.json");
    let before = fs::read(&manifest).unwrap();
    fixture.import("B", "02", 20);
    // As if the process had died before it replaced the manifest.
    fs::write(&manifest, before).unwrap();
    assert_eq!(records(&fixture.last().unwrap()), [(RecordChange::Added, "A", &[][..])]);
    fixture.database.import(&[], 25, &mut |_| {}).unwrap();
    fs::remove_file(fixture.folder.path().join("advisories/journal.json")).unwrap();
    assert_eq!(fixture.last(), None);
}

#[test]
fn bundles_and_databases_are_compared_in_any_pair() {
    let (old, new) = (Fixture::new(), Fixture::new());
    old.import("A", "01", 10);
    new.import("A", "02", 10);
    let limits = Limits::default();
    let sides = |fixture: &Fixture| {
        let root = fixture.folder.path().to_owned();
        [fixture.bundle("all.zst"), root.join("advisories"), root]
    };
    for old in sides(&old) {
        for new in sides(&new) {
            let open = |path| FeedState::open(path, &limits).unwrap();
            let difference = open(&old).compare(open(&new)).unwrap();
            assert_eq!(records(&difference), [CHANGED_RANGES]);
            assert!(open(&old).compare(open(&old)).unwrap().is_empty());
        }
    }
}

#[test]
fn what_holds_no_feeds_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x");
    fs::write(&file, "x").unwrap();
    for path in [folder.path(), &file, &folder.path().join("missing")] {
        assert!(FeedState::open(path, &Limits::default()).is_err());
    }
    assert_eq!(folder.path().read_dir().unwrap().count(), 1, "nothing was made");
}
