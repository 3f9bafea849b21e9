use tallyman_model::coverage::AnalysisState;
use tallyman_model::severity::Severity;

use crate::counters::Refreshed;
use crate::ids::ImageId;
use crate::images::ImageSummary;
use crate::packages::ChangedKeys;
use crate::samples::{TemporaryStore, finding, key, none, package_id, uuid};

async fn total_changes(store: &TemporaryStore) -> u64 {
    store.write(|connection| Ok(connection.total_changes())).await.unwrap()
}

async fn summary(store: &TemporaryStore, id: ImageId) -> ImageSummary {
    store.find_image(id).await.unwrap().unwrap().summary
}

#[tokio::test]
async fn images_that_show_the_same_are_counted_once_and_all_have_the_new_answer() {
    let store = TemporaryStore::new();
    let mut ids = Vec::new();
    for number in 1..=20 {
        ids.push(store.image(number, &[1, 2]).await);
    }
    store.report(1, &[(ids[0], "a:1"), (ids[1], "b:1")], 10).await;
    let other = store.image(99, &[2]).await;
    store.matched("r1", &[]).await;
    let before = total_changes(&store).await;

    let keys = ChangedKeys::Keys(vec![key(1)]);
    store.set_advisory_revision("r2", keys, none(), 20).await.unwrap();
    let found = vec![(package_id(1), vec![finding("CVE-1", Severity::High)])];
    store.replace_findings("r2", found, none(), 20).await.unwrap();
    let refreshed = store.refresh_stale_images().await.unwrap();
    assert_eq!((refreshed.counted, refreshed.changed.len(), refreshed.changed_images), (1, 1, 20));
    for id in &ids {
        assert_eq!(summary(&store, *id).await.vul_count, 1);
    }
    assert_eq!(summary(&store, other).await.vul_count, 0);
    assert_eq!(store.find_server(&uuid(1)).await.unwrap().unwrap().vul_count, 2);
    // The package version, marked and matched; the finding and the note of it; the set's mark, set
    // and removed; the list; the server; the revision and its number; and the epochs.
    assert_eq!(total_changes(&store).await - before, 14);
}

#[tokio::test]
async fn a_revision_that_says_the_same_writes_itself_and_nothing_else() {
    let store = TemporaryStore::new();
    store.image(1, &[1, 2]).await;
    store.matched("r1", &[(1, &[finding("CVE-1", Severity::High)])]).await;
    let before = total_changes(&store).await;
    assert_eq!(store.refresh_stale_images().await.unwrap(), Refreshed::default());
    let unknown = ChangedKeys::Keys(vec![key(77)]);
    store.set_advisory_revision("r1", unknown.clone(), none(), 20).await.unwrap();
    assert_eq!(total_changes(&store).await, before);
    store.set_advisory_revision("r2", unknown, none(), 20).await.unwrap();
    assert_eq!(store.refresh_stale_images().await.unwrap(), Refreshed::default());
    assert_eq!(total_changes(&store).await - before, 3, "the revision, its number and its epoch");
}

#[tokio::test]
async fn a_set_that_is_marked_while_its_lists_are_counted_stays_marked() {
    let store = TemporaryStore::new();
    store.image(1, &[1]).await;
    store.matched("r1", &[]).await;
    let find = |id: &str| vec![(package_id(1), vec![finding(id, Severity::High)])];
    store.replace_findings("r1", find("CVE-1"), none(), 20).await.unwrap();
    let (marks, lists) = store.read_snapshot(super::stale_lists).await.unwrap();
    assert_eq!((marks.len(), lists.len()), (1, 1));
    store.replace_findings("r1", find("CVE-2"), none(), 30).await.unwrap();
    store.write(move |connection| super::unmark(connection, &marks)).await.unwrap();
    assert_eq!(store.refresh_stale_images().await.unwrap().counted, 1);
}

#[tokio::test]
async fn remembered_counts_are_forgotten_when_a_finding_changes() {
    let store = TemporaryStore::new();
    let id = store.image(1, &[1]).await;
    store.matched("r1", &[]).await;
    let (_, lists) = {
        let found = vec![(package_id(1), vec![finding("CVE-1", Severity::High)])];
        store.replace_findings("r1", found, none(), 20).await.unwrap();
        store.read_snapshot(super::stale_lists).await.unwrap()
    };
    let mut counts = super::SetCounts::default();
    let count = |counts: super::SetCounts| {
        let lists = lists.clone();
        let store = store.store.clone();
        async move {
            let refresh = move |connection: &rusqlite::Connection| {
                let mut counts = counts;
                super::refresh(connection, &lists, &mut counts).map(|_| counts)
            };
            store.write(refresh).await.unwrap()
        }
    };
    counts = count(counts).await;
    assert_eq!(summary(&store, id).await.vul_count, 1);
    store.replace_findings("r1", vec![(package_id(1), vec![])], none(), 30).await.unwrap();
    count(counts).await;
    assert_eq!(summary(&store, id).await.vul_count, 0);
}

#[tokio::test]
async fn a_state_of_a_list_is_that_of_its_images_unless_they_failed() {
    let store = TemporaryStore::new();
    let (one, failed) = (store.image(1, &[1]).await, store.image(2, &[1]).await);
    let reason = AnalysisState::Failed { reason: "broken".to_owned() };
    store.set_image_states(vec![(failed, reason.clone())]).await.unwrap();
    let lists = store.list_package_list_kinds_after(None, 10).await.unwrap();
    assert_eq!((lists.len(), lists[0].kinds.len()), (1, 1));
    let state = AnalysisState::Unsupported { reason: "no feed".to_owned() };
    let states = vec![(lists[0].id, state.clone())];
    assert_eq!(store.set_list_states(states.clone()).await.unwrap(), [one]);
    assert!(store.set_list_states(states).await.unwrap().is_empty());
    assert_eq!(summary(&store, one).await.state, state);
    assert_eq!(summary(&store, failed).await.state, reason);
}
