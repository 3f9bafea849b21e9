use std::collections::BTreeSet;

use tallyman_model::coverage::AnalysisState;
use tallyman_model::severity::Severity;

use crate::counters::Refreshed;
use crate::ids::{ImageId, PackageSetId};
use crate::images::ImageSummary;
use crate::packages::ChangedKeys;
use crate::samples::{TemporaryStore, finding, key, none, package_id, uuid};
use crate::statement::steps;

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

/// Returns the rows and the steps that it takes until the answer of `affected` images, each with a
/// list of its own, is another, while there are `others` with findings of their own.
async fn cost_of_a_change(affected: u32, others: u32) -> (u64, i64) {
    let store = TemporaryStore::new();
    for number in 0..affected + others {
        // Package 0 is in the affected ones; which of the next ten are there tells lists apart.
        let mut packages: Vec<u32> = (1..=10).filter(|bit| number >> (bit - 1) & 1 == 1).collect();
        packages.push(if number < affected { 0 } else { 11 });
        let id = store.image(number, &packages).await;
        store.report(number, &[(id, "a:1")], 10).await;
    }
    let known = [finding("CVE-9", Severity::Low)];
    store.matched("r1", &[(1, &known), (11, &known)]).await;
    let (rows, steps) = (total_changes(&store).await, steps::taken(&path(&store)));

    let keys = ChangedKeys::Keys(vec![key(0)]);
    assert_eq!(store.set_advisory_revision("r2", keys, none(), 20).await.unwrap(), 1);
    let batch = store.list_unmatched_package_versions(10).await.unwrap();
    let found = batch.into_iter().map(|(id, _)| (id, vec![finding("CVE-1", Severity::High)]));
    store.replace_findings("r2", found.collect(), none(), 20).await.unwrap();
    let refreshed = store.refresh_stale_images().await.unwrap();
    assert_eq!(refreshed.changed_images, u64::from(affected));
    let settled = store.settle_changes(20).await.unwrap();
    assert_eq!(settled.changes, affected as usize);
    let steps = steps::taken(&path(&store)) - steps;
    (total_changes(&store).await - rows, steps)
}

fn path(store: &TemporaryStore) -> String {
    store.path().to_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_change_costs_what_it_changes_however_many_images_there_are_besides() {
    let (rows, steps) = cost_of_a_change(8, 40).await;
    assert_eq!(cost_of_a_change(8, 400).await, (rows, steps));
    let (more_rows, more_steps) = cost_of_a_change(16, 40).await;
    // The list, the set's mark, set and removed, the server, and what is told of it.
    assert_eq!(more_rows - rows, 8 * 5);
    assert!(more_steps < 2 * steps, "{more_steps} for twice as many as took {steps}");
}

#[tokio::test]
async fn what_is_known_of_many_sets_is_what_is_known_of_each() {
    let store = TemporaryStore::new();
    for (number, packages) in [[1, 2, 3], [2, 3, 4], [3, 4, 5], [5, 6, 7]].iter().enumerate() {
        store.image(u32::try_from(number).unwrap(), packages).await;
    }
    let known = [finding("CVE-1", Severity::Low)];
    store.matched("r1", &[(1, &known), (4, &known)]).await;
    store.image(9, &[4, 8]).await;
    let (each, many) = store
        .read(|connection| {
            let sql = "SELECT DISTINCT set_id FROM package_list_set";
            let sets: BTreeSet<PackageSetId> = connection
                .prepare(sql)?
                .query_map([], |row| Ok(PackageSetId(row.get(0)?)))?
                .collect::<Result<_, _>>()?;
            let each = super::versions_of(connection, &sets)?;
            Ok((each, super::judged_versions_of(connection, sets)?))
        })
        .await
        .unwrap();
    // With a finding, or not matched yet.
    let told = [package_id(1), package_id(4), package_id(8)];
    assert_eq!((each.len(), many.len()), (5, 5));
    for (set, mut versions) in each {
        versions.retain(|version| told.contains(version));
        let mut of_many = many[&set].clone();
        versions.sort_unstable();
        of_many.sort_unstable();
        assert_eq!(versions, of_many);
    }
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
