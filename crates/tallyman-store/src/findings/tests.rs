use tallyman_model::severity::Severity;

use crate::error::StoreError;
use crate::images::SeverityCounts;
use crate::jobs::JobChanges;
use crate::packages::ChangedKeys;
use crate::samples::{TemporaryStore, finding, job, key, none, package_id};

#[tokio::test]
async fn only_findings_that_differ_are_written_and_keep_their_date() {
    let store = TemporaryStore::new();
    store.image(1, &[1, 2]).await;
    let (a, b) = (finding("CVE-1", Severity::High), finding("CVE-2", Severity::Low));
    store.matched("r1", &[(1, &[a.clone(), b.clone()]), (2, std::slice::from_ref(&a))]).await;

    let mut worse = b.clone();
    worse.severity = Severity::Critical;
    let new = finding("CVE-3", Severity::Medium);
    let input =
        vec![(package_id(1), vec![worse.clone(), new.clone()]), (package_id(2), vec![a.clone()])];
    let changed = store.replace_findings("r1", input.clone(), none(), 5000).await.unwrap();
    assert_eq!(changed, [package_id(1)]);
    let found = store.list_findings(&[package_id(1)]).await.unwrap();
    let found: Vec<_> =
        found[&package_id(1)].iter().map(|f| (f.finding.clone(), f.first_seen_at)).collect();
    assert_eq!(found, [(worse, 2000), (new, 5000)]);

    let before = total_changes(&store).await;
    assert!(store.replace_findings("r1", input, none(), 6000).await.unwrap().is_empty());
    assert_eq!(total_changes(&store).await, before, "nothing is written where nothing changed");
    assert_eq!(store.package_versions_with("CVE-1", None, 10).await.unwrap(), [package_id(2)]);
}

async fn total_changes(store: &TemporaryStore) -> u64 {
    store.write(|connection| Ok(connection.total_changes())).await.unwrap()
}

#[tokio::test]
async fn findings_of_an_outdated_revision_are_refused() {
    let store = TemporaryStore::new();
    store.image(1, &[1]).await;
    store.set_advisory_revision("r2", ChangedKeys::All, none(), 10).await.unwrap();
    let findings = vec![(package_id(1), vec![finding("CVE-1", Severity::High)])];
    let error = store.replace_findings("r1", findings, none(), 20).await.unwrap_err();
    assert!(matches!(error, StoreError::OutdatedRevision { .. }), "{error}");
    assert_eq!(store.count_unmatched_package_versions().await.unwrap(), 1);
}

#[tokio::test]
async fn counters_follow_the_findings_of_the_images_packages() {
    let store = TemporaryStore::new();
    let both = store.image(1, &[1, 2]).await;
    let second = store.image(2, &[2]).await;
    let other = store.image(3, &[3]).await;
    let summary = |id| {
        let store = store.store.clone();
        async move { store.find_image(id).await.unwrap().unwrap().summary }
    };
    assert_eq!(summary(other).await.matched_revision, None);
    let shared = finding("CVE-1", Severity::Low);
    let worse = finding("CVE-1", Severity::High);
    store.matched("r1", &[(1, &[shared]), (2, &[worse, finding("CVE-2", Severity::Low)])]).await;

    let row = summary(both).await;
    assert_eq!(row.vul_count, 2, "a vulnerability of two packages counts once");
    assert_eq!(row.vul_by_severity, SeverityCounts([0, 0, 1, 0, 1, 0]));
    assert_eq!(row.vul_by_severity.worst(), Some(Severity::High));
    assert_eq!(row.matched_revision.as_deref(), Some("r1"));
    assert_eq!((summary(second).await.vul_count, summary(other).await.vul_count), (2, 0));
    assert_eq!(summary(other).await.matched_revision.as_deref(), Some("r1"));
    assert_eq!(store.images_with(&[package_id(1)]).await.unwrap(), [both]);

    // The next revision takes one away and says nothing new of the rest.
    let versions = (summary(both).await.row_version, summary(other).await.row_version);
    let keys = ChangedKeys::Keys(vec![key(1), key(3)]);
    store.set_advisory_revision("r2", keys, none(), 30).await.unwrap();
    let findings = vec![(package_id(1), vec![]), (package_id(3), vec![])];
    let jobs = JobChanges { enqueue: vec![job("resum", "r2")], finish: None };
    let changed = store.replace_findings("r2", findings, jobs, 30).await.unwrap();
    assert_eq!(changed, [package_id(1)]);
    assert!(store.find_job_by_key("resum", "r2").await.unwrap().is_some());
    let refreshed = store.refresh_stale_images().await.unwrap();
    assert_eq!(refreshed.counted, 1, "of one package nothing differs");
    assert!(refreshed.changed.is_empty(), "CVE-1 is still there by the other package");
    assert_eq!(
        (summary(both).await.row_version, summary(other).await.row_version),
        versions,
        "rows that say the same are not written"
    );
    assert_eq!(store.refresh_stale_images().await.unwrap().counted, 0);
}

#[tokio::test]
async fn an_image_of_known_packages_is_counted_as_it_is_stored() {
    let store = TemporaryStore::new();
    store.image(1, &[1]).await;
    store.matched("r1", &[(1, &[finding("CVE-1", Severity::High)])]).await;
    let known = store.image(2, &[1]).await;
    let summary = store.find_image(known).await.unwrap().unwrap().summary;
    assert_eq!((summary.vul_count, summary.matched_revision.as_deref()), (1, Some("r1")));
    let partly = store.image(3, &[1, 2]).await;
    let summary = store.find_image(partly).await.unwrap().unwrap().summary;
    assert_eq!((summary.vul_count, summary.matched_revision), (1, None));
}

#[tokio::test]
async fn images_without_packages_are_counted_with_the_first_revision() {
    let store = TemporaryStore::new();
    let empty = store.image(1, &[]).await;
    store.matched("r1", &[]).await;
    let summary = store.find_image(empty).await.unwrap().unwrap().summary;
    assert_eq!(summary.matched_revision.as_deref(), Some("r1"));
}
