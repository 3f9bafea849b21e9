//! Feeds that are imported as they are published: what they no longer say is gone.

use std::path::PathBuf;

use tallyman_model::advisory::Whole;
use tallyman_model::coverage::CoverageGap;
use tallyman_model::distribution::DistributionRelease;
use tallyman_model::limits::Limits;
use tallyman_model::package::Ecosystem;

use super::{AdvisoryDatabase, FeedReport, ImportReport, Publication};

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

    fn file(&self, text: &str) -> Vec<PathBuf> {
        let path = self.folder.path().join("feed");
        std::fs::write(&path, text).unwrap();
        vec![path]
    }

    fn import(&self, text: &str) -> ImportReport {
        self.database.import(&self.file(text), NOW_MS, &mut |_| {}).unwrap()
    }

    fn publish(&self, publication: &Publication<'_>, text: &str) -> ImportReport {
        let paths = self.file(text);
        self.database.import_publication(&paths, publication, NOW_MS, &mut |_| {}).unwrap()
    }

    fn count(&self) -> u64 {
        self.database.info().unwrap()[0].advisories
    }
}

const NPM: Publication<'_> =
    Publication { feed: "osv/npm", whole: Whole::Feed, allows_shrinking: false };

/// Writes records one a line.
fn records(numbers: impl IntoIterator<Item = usize>, day: u32) -> String {
    let line = |n| {
        format!(
            r#"{{"id": "A-{n}", "modified": "2024-01-{day:02}T00:00:00Z", "affected": [{{"package": {{"ecosystem": "npm", "name": "a"}}, "versions": ["1.0.{n}"]}}]}}"#
        )
    };
    let lines: Vec<String> = numbers.into_iter().map(line).collect();
    lines.join("\n")
}

fn counts(report: &ImportReport, feed: &str) -> [u64; 5] {
    let FeedReport { added, updated, unchanged, withdrawn, missing, .. } = report.feeds[feed];
    [added, updated, unchanged, withdrawn, missing]
}

#[test]
fn what_is_gone_from_a_publication_is_withdrawn_and_from_other_files_is_not() {
    let fixture = Fixture::new();
    fixture.publish(&NPM, &records(0..4, 1));
    assert_eq!(counts(&fixture.import(&records(0..2, 1)), "osv/npm"), [0, 0, 2, 0, 0]);
    let report = fixture.publish(&NPM, &records(1..5, 1));
    assert_eq!(counts(&report, "osv/npm"), [1, 0, 3, 1, 0]);
    assert_eq!(fixture.count(), 4);
    // Another feed's records, which one of its records brings along, are no whole.
    let other = Publication { feed: "osv/PyPI", ..NPM };
    assert_eq!(counts(&fixture.publish(&other, &records(1..2, 1)), "osv/npm"), [0, 0, 1, 0, 0]);
    assert_eq!(fixture.count(), 4);
}

#[test]
fn what_is_newer_than_all_that_came_was_published_since() {
    let fixture = Fixture::new();
    fixture.import(&records(0..1, 3));
    fixture.import(&records(1..2, 1));
    let report = fixture.publish(&NPM, &records(5..7, 2));
    assert_eq!(counts(&report, "osv/npm"), [2, 0, 0, 1, 0]);
}

#[test]
fn nothing_is_gone_where_anything_was_refused() {
    let fixture = Fixture::new();
    fixture.publish(&NPM, &records(0..4, 1));
    let broken = format!("{}\n{{\"id\": \"A-3\", \"affected\": 5}}\n", records(1..3, 1));
    let report = fixture.publish(&NPM, &broken);
    assert_eq!((counts(&report, "osv/npm"), report.refused_count), ([0, 0, 2, 0, 0], 1));
}

#[test]
fn most_of_a_feed_is_not_gone_at_once_unless_that_is_allowed() {
    let fixture = Fixture::new();
    fixture.publish(&NPM, &records(0..60, 1));
    let rest = records(50..61, 1);
    assert_eq!(counts(&fixture.publish(&NPM, &rest), "osv/npm"), [1, 0, 10, 0, 50]);
    assert_eq!(fixture.count(), 61);
    let allowed = Publication { allows_shrinking: true, ..NPM };
    assert_eq!(counts(&fixture.publish(&allowed, &rest), "osv/npm"), [0, 0, 11, 50, 0]);
    assert_eq!(fixture.count(), 11);
}

#[test]
fn a_repository_is_a_whole_beside_others_of_its_feed() {
    let list = |collection: &str, ids: &[&str]| {
        let updates: Vec<String> = ids
            .iter()
            .map(|id| {
                format!(
                    r#"<update type="security"><id>{id}</id><references><reference id="CVE-2024-1"/></references>
                    <pkglist><collection short="{collection}"><package name="a" version="1" release="1.amzn2" arch="x86_64"/></collection></pkglist></update>"#
                )
            })
            .collect();
        format!("<updates>{}</updates>", updates.concat())
    };
    let amazon = Publication { feed: "amazon", whole: Whole::Parts, allows_shrinking: false };
    let fixture = Fixture::new();
    fixture.publish(&amazon, &list("core", &["ALAS2-2024-1", "ALAS2-2024-2"]));
    fixture.import(&list("extra", &["ALAS2-2024-3"]));
    let report = fixture.publish(&amazon, &list("core", &["ALAS2-2024-2"]));
    assert_eq!(counts(&report, "amazon"), [0, 0, 1, 1, 0]);
    assert_eq!(fixture.count(), 2);
}

#[test]
fn a_release_of_which_all_was_read_is_judged_although_no_record_speaks_of_it() {
    let fixture = Fixture::new();
    let gap = |release: &str| CoverageGap {
        ecosystem: Ecosystem::Apk,
        release: Some(DistributionRelease::from_stored(release)),
    };
    fixture.import(r#"{"distroversion": "v3.99", "reponame": "main", "packages": []}"#);
    let index = fixture.database.open_index().unwrap();
    assert!(index.covers(&gap("alpine:3.99")) && !index.covers(&gap("alpine:3.98")));
    fixture.publish(&NPM, &records(0..1, 1));
    let info = fixture.database.info().unwrap();
    let complete = info.iter().map(|feed| feed.complete.len()).collect::<Vec<_>>();
    assert_eq!(complete, [1, 1]);
}
