use tallyman_model::coverage::AnalysisState;
use tallyman_model::severity::Severity;

use super::{ChangeCursor, ChangeFilter, Direction, RiskChange, Settled};
use crate::ids::ImageId;
use crate::images::SeverityCounts;
use crate::samples::{TemporaryStore, finding, package, uuid};

const HIGH: Severity = Severity::High;
const LOW: Severity = Severity::Low;

async fn changes(store: &TemporaryStore) -> Vec<RiskChange> {
    store.list_risk_changes(&ChangeFilter::default(), None, 100).await.unwrap()
}

fn words(change: &RiskChange) -> Vec<(&str, Option<Severity>, Option<Severity>)> {
    let all = change.vulnerabilities.iter();
    all.map(|it| (it.vulnerability.as_str(), it.before, it.after)).collect()
}

fn counts(of: &[Severity]) -> SeverityCounts {
    let number = |severity| of.iter().filter(|it| **it == severity).count() as u64;
    SeverityCounts(Severity::ALL.map(number))
}

async fn rows_written(store: &TemporaryStore) -> u64 {
    store.write(|connection| Ok(connection.total_changes())).await.unwrap()
}

#[tokio::test]
async fn what_came_and_went_is_told_with_package_record_and_counters() {
    let store = TemporaryStore::new();
    let image = store.image(1, &[1, 2]).await;
    store.report(1, &[(image, "a:1")], 10).await;
    store.matched("r1", &[(1, &[finding("CVE-1", HIGH), finding("CVE-2", LOW)])]).await;
    assert_eq!(store.settle_changes(3000).await.unwrap(), Settled::default(), "the first count");

    let after = [finding("CVE-2", HIGH), finding("CVE-3", LOW)];
    store.matched("r2", &[(1, &after[..1]), (2, &after[1..])]).await;
    assert_eq!(store.settle_changes(3000).await.unwrap().changes, 1);
    let found = changes(&store).await;
    let [change] = &found[..] else { panic!("{found:?}") };
    assert_eq!(change.image.image_id, image);
    assert_eq!((change.revision.as_deref(), change.revision_number), (Some("r2"), 2));
    assert_eq!(change.direction, Direction::Both);
    assert_eq!(change.before.vul_by_severity, counts(&[HIGH, LOW]));
    assert_eq!(change.after.vul_by_severity, counts(&[HIGH, LOW]));
    let expected =
        [("CVE-1", Some(HIGH), None), ("CVE-2", Some(LOW), Some(HIGH)), ("CVE-3", None, Some(LOW))];
    assert_eq!(words(change), expected);
    let rated = change.vulnerabilities[1].record.as_ref().unwrap();
    assert_eq!(rated.severity, HIGH, "the record that says so now");
    let came = &change.vulnerabilities[2];
    assert_eq!(came.package.as_ref().unwrap().name, package(2).package.name);
    let record = came.record.as_ref().unwrap();
    assert_eq!((record.advisory.as_str(), record.feed.as_str()), ("GHSA-CVE-3", "osv/PyPI"));
    assert_eq!((change.server_count, &change.servers[0].server_uuid), (1, &uuid(1)));
}

#[tokio::test]
async fn no_change_writes_no_row() {
    let store = TemporaryStore::new();
    store.image(1, &[1]).await;
    let found = finding("CVE-1", HIGH);
    store.matched("r1", &[(1, std::slice::from_ref(&found))]).await;
    store.matched("r2", &[(1, std::slice::from_ref(&found))]).await;
    let before = rows_written(&store).await;
    assert_eq!(store.settle_changes(3000).await.unwrap(), Settled::default());
    assert_eq!(rows_written(&store).await, before);
    store.matched("r3", &[]).await;
    assert_eq!(store.settle_changes(3000).await.unwrap().changes, 1);
    let before = rows_written(&store).await;
    assert_eq!(store.settle_changes(3000).await.unwrap(), Settled::default(), "once is enough");
    assert_eq!(rows_written(&store).await, before);
}

#[tokio::test]
async fn what_does_not_change_the_answer_is_not_noted() {
    let store = TemporaryStore::new();
    store.image(1, &[1]).await;
    let found = finding("CVE-1", HIGH);
    store.matched("r1", &[(1, std::slice::from_ref(&found))]).await;
    let other = tallyman_model::finding::Finding { fixed_version: None, ..found };
    store.matched("r2", &[(1, &[other])]).await;
    let notes = "SELECT COUNT(*) FROM finding_change";
    let noted: i64 = store
        .read(|connection| Ok(connection.query_row(notes, [], |row| row.get(0))?))
        .await
        .unwrap();
    assert_eq!(noted, 0);
    assert_eq!(store.settle_changes(3000).await.unwrap(), Settled::default());
}

#[tokio::test]
async fn a_vulnerability_that_only_moves_between_packages_is_no_change() {
    let store = TemporaryStore::new();
    store.image(1, &[1, 2]).await;
    let found = finding("CVE-1", HIGH);
    store.matched("r1", &[(1, std::slice::from_ref(&found))]).await;
    store.matched("r2", &[(2, std::slice::from_ref(&found))]).await;
    assert_eq!(store.settle_changes(3000).await.unwrap().changes, 0);
    assert!(changes(&store).await.is_empty());
}

#[tokio::test]
async fn a_vulnerability_in_several_packages_is_as_severe_as_in_the_worst() {
    let store = TemporaryStore::new();
    store.image(1, &[1, 2]).await;
    let (low, high) = (finding("CVE-1", LOW), finding("CVE-1", HIGH));
    for number in [1, 2] {
        let other = 3 - number;
        store.matched(&format!("a{number}"), &[]).await;
        let both = [(number, std::slice::from_ref(&low)), (other, std::slice::from_ref(&high))];
        store.matched(&format!("b{number}"), &both).await;
        store.settle_changes(3000).await.unwrap();
        store.matched(&format!("c{number}"), &both[..1]).await;
        store.settle_changes(3000).await.unwrap();
        let newest = changes(&store).await.remove(0);
        assert_eq!(words(&newest), [("CVE-1", Some(HIGH), Some(LOW))]);
        assert_eq!(newest.direction, Direction::Better);
        assert_eq!(newest.before.vul_by_severity, counts(&[HIGH]));
    }
}

#[tokio::test]
async fn only_images_whose_answer_changed_have_a_row() {
    let store = TemporaryStore::new();
    let (with, _without) = (store.image(1, &[1]).await, store.image(2, &[2]).await);
    let twin = store.image(3, &[1]).await;
    store.matched("r1", &[]).await;
    store.matched("r2", &[(1, &[finding("CVE-1", HIGH)])]).await;
    let settled = store.settle_changes(3000).await.unwrap();
    assert_eq!(settled.changes, 1, "images that show the same packages share a row");
    let mut images: Vec<ImageId> =
        changes(&store).await.iter().map(|change| change.image.image_id).collect();
    images.sort_unstable();
    let mut expected = [with, twin];
    expected.sort_unstable();
    assert_eq!(images, expected);
    let found = changes(&store).await;
    assert_eq!(found[0].direction, Direction::Worse);
    assert_eq!(found[0].before.vul_by_severity, counts(&[]));
}

#[tokio::test]
async fn an_image_that_came_later_had_no_other_answer_before() {
    let store = TemporaryStore::new();
    store.image(1, &[1]).await;
    store.matched("r1", &[]).await;
    store.matched("r2", &[(1, &[finding("CVE-1", HIGH)])]).await;
    let twin = crate::samples::new_image(2, &[1]);
    store.insert_image(twin, crate::samples::none(), 2001).await.unwrap();
    store.settle_changes(3000).await.unwrap();
    assert_eq!(changes(&store).await.len(), 1);
}

#[tokio::test]
async fn changes_before_the_counters_follow_wait_and_are_told_once() {
    let store = TemporaryStore::new();
    store.image(1, &[1]).await;
    store.matched("r1", &[]).await;
    let all = crate::packages::ChangedKeys::All;
    let none = crate::samples::none;
    store.set_advisory_revision("r2", all, none(), 2000).await.unwrap();
    let found = vec![(crate::samples::package_id(1), vec![finding("CVE-1", LOW)])];
    store.replace_findings("r2", found, none(), 2000).await.unwrap();
    assert_eq!(store.settle_changes(3000).await.unwrap(), Settled::default());
    store.matched("r3", &[(1, &[finding("CVE-1", HIGH)])]).await;
    store.settle_changes(3000).await.unwrap();
    let found = changes(&store).await;
    assert_eq!(found.iter().map(words).collect::<Vec<_>>(), [[("CVE-1", None, Some(HIGH))]]);
    assert_eq!(found[0].before.vul_by_severity, counts(&[]));
}

#[tokio::test]
async fn an_image_that_is_no_longer_judged_is_worse() {
    let store = TemporaryStore::new();
    let image = store.image(1, &[1]).await;
    store.matched("r1", &[]).await;
    let unsupported = AnalysisState::Unsupported { reason: "no feed".to_owned() };
    store.set_image_states(vec![(image, unsupported.clone())]).await.unwrap();
    store.settle_changes(3000).await.unwrap();
    store.set_image_states(vec![(image, AnalysisState::Analyzed)]).await.unwrap();
    store.settle_changes(4000).await.unwrap();
    let found = changes(&store).await;
    let states: Vec<_> =
        found.iter().map(|it| (it.direction, &it.before.state, &it.after.state)).collect();
    let expected = [
        (Direction::Better, &unsupported, &AnalysisState::Analyzed),
        (Direction::Worse, &AnalysisState::Analyzed, &unsupported),
    ];
    assert_eq!(states, expected);
}

#[tokio::test]
async fn changes_are_filtered_and_paged() {
    let store = TemporaryStore::new();
    let (one, two) = (store.image(1, &[1]).await, store.image(2, &[2]).await);
    store.report(1, &[(one, "a:1")], 10).await;
    store.report(2, &[(two, "b:1")], 10).await;
    store.matched("r1", &[(2, &[finding("CVE-2", LOW)])]).await;
    store.matched("r2", &[(1, &[finding("CVE-1", HIGH)])]).await;
    store.settle_changes(3000).await.unwrap();
    let list = async |filter: ChangeFilter| {
        let found = store.list_risk_changes(&filter, None, 100).await.unwrap();
        found.iter().map(|change| change.image.image_id).collect::<Vec<_>>()
    };
    let direction = |direction| ChangeFilter { direction: Some(direction), ..Default::default() };
    assert_eq!(list(direction(Direction::Worse)).await, [one]);
    assert_eq!(list(direction(Direction::Better)).await, [two]);
    let servers = Some(vec![uuid(2)]);
    assert_eq!(list(ChangeFilter { servers, ..Default::default() }).await, [two]);
    let number = store.find_revision_number("2").await.unwrap();
    assert_eq!(number, Some(2));
    assert_eq!(list(ChangeFilter { after_revision: number, ..Default::default() }).await, []);
    let both = ChangeFilter {
        after_revision: number,
        servers: Some(vec![uuid(1), uuid(2)]),
        ..Default::default()
    };
    assert_eq!(list(both).await, []);
    assert_eq!(list(ChangeFilter { since: Some(2001), ..Default::default() }).await, []);

    let filter = ChangeFilter::default();
    let first = store.list_risk_changes(&filter, None, 1).await.unwrap();
    let second = store.list_risk_changes(&filter, Some(first[0].cursor()), 5).await.unwrap();
    assert_eq!((first.len(), second.len()), (1, 1));
    assert!(first[0].sequence > second[0].sequence);
    let start = ChangeCursor { sequence: 0, image_id: ImageId(i64::MAX) };
    let through = first[0].sequence;
    let in_order = store.list_risk_changes_between(start, through, 5).await.unwrap();
    assert_eq!(in_order, [second[0].clone(), first[0].clone()]);
}

#[tokio::test]
async fn revisions_are_found_by_how_they_begin() {
    let store = TemporaryStore::new();
    for revision in ["0123456789", "abcdefghij"] {
        store.matched(revision, &[]).await;
    }
    for (text, expected) in [
        ("1", Some(1)),
        ("abcdefgh", Some(2)),
        ("0123456789", Some(1)),
        ("abcdefg", None),
        ("%bcdefghi", None),
        ("3", None),
    ] {
        assert_eq!(store.find_revision_number(text).await.unwrap(), expected, "{text}");
    }
}

#[tokio::test]
async fn old_changes_are_forgotten() {
    let store = TemporaryStore::new();
    store.image(1, &[1]).await;
    store.matched("r1", &[]).await;
    store.matched("r2", &[(1, &[finding("CVE-1", HIGH)])]).await;
    store.settle_changes(3000).await.unwrap();
    store
        .write(|connection| {
            connection.execute("UPDATE risk_change SET changed_at = 5", [])?;
            Ok(connection.execute("UPDATE finding_change SET changed_at = 5", [])?)
        })
        .await
        .unwrap();
    store.matched("r3", &[]).await;
    store.settle_changes(2000 + super::settle::KEPT_MS).await.unwrap();
    let found = changes(&store).await;
    assert_eq!(found.iter().map(words).collect::<Vec<_>>(), [[("CVE-1", Some(HIGH), None)]]);
    let counted = "SELECT COUNT(*) FROM finding_change";
    let notes: i64 = store
        .read(|connection| Ok(connection.query_row(counted, [], |row| row.get(0))?))
        .await
        .unwrap();
    assert_eq!(notes, 1);
}
