use serde_json::json;

use super::{ClaimedJob, FailedJob, JobFilter, JobState};
use crate::error::StoreError;
use crate::samples::{TemporaryStore, job};

async fn claim(store: &TemporaryStore, owner: &str, now_ms: i64) -> Vec<ClaimedJob> {
    store.claim_jobs(owner, &["scan"], now_ms, 100, 10).await.unwrap()
}

fn keys(jobs: &[ClaimedJob]) -> Vec<&str> {
    jobs.iter().map(|job| job.job_key.as_str()).collect()
}

#[tokio::test]
async fn due_jobs_are_claimed_by_priority_and_age() {
    let store = TemporaryStore::new();
    for (key, priority, run_at) in
        [("old", 0, 1), ("urgent", 5, 3), ("later", 9, 50), ("new", 0, 2)]
    {
        let mut new = job("scan", key);
        (new.priority, new.run_at) = (priority, run_at);
        store.enqueue_job(new, 0).await.unwrap();
    }
    store.enqueue_job(job("other", "x"), 0).await.unwrap();
    let claimed = store.claim_jobs("w1", &["scan", "match"], 10, 100, 2).await.unwrap();
    assert_eq!(keys(&claimed), ["urgent", "old"]);
    assert_eq!(claimed[0].payload, json!({ "of": "urgent" }));
    assert_eq!((claimed[0].lease.attempt, claimed[0].max_attempts), (1, 3));
    assert_eq!(keys(&claim(&store, "w2", 10).await), ["new"]);
    assert!(claim(&store, "w2", 10).await.is_empty());
    assert_eq!(keys(&claim(&store, "w2", 50).await), ["later"]);
}

#[tokio::test]
async fn a_waiting_job_takes_the_new_payload_the_earlier_time_and_the_higher_priority() {
    let store = TemporaryStore::new();
    let mut first = job("scan", "a");
    (first.priority, first.run_at) = (5, 50);
    let id = store.enqueue_job(first, 0).await.unwrap();
    let mut second = job("scan", "a");
    (second.payload, second.run_at) = (json!(2), 10);
    assert_eq!(store.enqueue_job(second, 1).await.unwrap(), id);
    let row = store.find_job(&id).await.unwrap().unwrap();
    assert_eq!((row.payload, row.run_at, row.priority), (json!(2), 10, 5));
    assert_eq!(row.state, JobState::Queued);
}

#[tokio::test]
async fn a_lease_that_ran_out_is_taken_over_and_its_first_owner_is_fenced() {
    let store = TemporaryStore::new();
    let id = store.enqueue_job(job("scan", "a"), 0).await.unwrap();
    let first = claim(&store, "w1", 0).await.remove(0).lease;
    assert!(claim(&store, "w2", 99).await.is_empty());
    assert!(store.heartbeat_job(&first, Some(json!(50)), 90, 100).await.unwrap());
    assert!(claim(&store, "w2", 189).await.is_empty());
    let second = claim(&store, "w2", 190).await.remove(0);
    assert_eq!((second.lease.attempt, second.progress.clone()), (2, Some(json!(50))));

    assert!(!store.heartbeat_job(&first, None, 191, 100).await.unwrap());
    let late = store.finish_job(&first, 191).await.unwrap_err();
    assert!(matches!(late, StoreError::LeaseLost { .. }), "{late}");
    assert_eq!(store.retry_job(&first, "x", 0).await.unwrap(), FailedJob::LeaseLost);
    assert_eq!(store.fail_job(&first, "x").await.unwrap(), FailedJob::LeaseLost);
    store.finish_job(&second.lease, 192).await.unwrap();
    assert_eq!(store.find_job(&id).await.unwrap(), None);
}

#[tokio::test]
async fn the_same_owner_with_an_old_attempt_is_fenced_too() {
    let store = TemporaryStore::new();
    store.enqueue_job(job("scan", "a"), 0).await.unwrap();
    let first = claim(&store, "w1", 0).await.remove(0).lease;
    let second = claim(&store, "w1", 100).await.remove(0).lease;
    assert!(store.finish_job(&first, 101).await.is_err());
    store.finish_job(&second, 101).await.unwrap();
}

#[tokio::test]
async fn a_job_that_stops_its_worker_each_time_dies() {
    let store = TemporaryStore::new();
    let id = store.enqueue_job(job("scan", "a"), 0).await.unwrap();
    for now in [0, 100, 200] {
        assert_eq!(claim(&store, "w1", now).await.len(), 1);
    }
    assert!(claim(&store, "w1", 300).await.is_empty());
    let row = store.find_job(&id).await.unwrap().unwrap();
    assert_eq!(row.state, JobState::Dead);
    assert_eq!(row.last_error.as_deref(), Some("the worker w1 stopped without a word"));
}

#[tokio::test]
async fn a_failed_job_waits_and_dies_after_its_last_attempt() {
    let store = TemporaryStore::new();
    let id = store.enqueue_job(job("scan", "a"), 0).await.unwrap();
    for (now, expected) in [(0, FailedJob::Queued), (10, FailedJob::Queued), (20, FailedJob::Dead)]
    {
        let lease = claim(&store, "w1", now).await.remove(0).lease;
        let run_at = now + 10;
        assert_eq!(store.retry_job(&lease, "no route", run_at).await.unwrap(), expected);
        assert!(claim(&store, "w1", run_at - 1).await.is_empty());
    }
    let row = store.find_job(&id).await.unwrap().unwrap();
    assert_eq!((row.state, row.last_error.as_deref()), (JobState::Dead, Some("no route")));
    assert!(claim(&store, "w1", 1000).await.is_empty());

    assert!(store.revive_job(&id, 2000).await.unwrap());
    assert!(!store.revive_job(&id, 2000).await.unwrap());
    let lease = claim(&store, "w1", 2000).await.remove(0).lease;
    assert_eq!(lease.attempt, 1);
    assert_eq!(store.fail_job(&lease, "never").await.unwrap(), FailedJob::Dead);
    assert_eq!(store.revive_jobs("scan", 3000).await.unwrap(), 1);
    assert_eq!(keys(&claim(&store, "w1", 3000).await), ["a"]);
}

#[tokio::test]
async fn a_running_job_that_is_asked_for_again_runs_again() {
    let store = TemporaryStore::new();
    let id = store.enqueue_job(job("scan", "a"), 0).await.unwrap();
    let lease = claim(&store, "w1", 0).await.remove(0).lease;
    let mut again = job("scan", "a");
    again.payload = json!("newer");
    assert_eq!(store.enqueue_job(again, 5).await.unwrap(), id);
    assert!(claim(&store, "w2", 5).await.is_empty(), "it is running");
    store.finish_job(&lease, 6).await.unwrap();
    let second = claim(&store, "w2", 6).await.remove(0);
    assert_eq!((second.payload, second.lease.attempt), (json!("newer"), 1));
    store.finish_job(&second.lease, 7).await.unwrap();
    assert_eq!(store.find_job(&id).await.unwrap(), None);
}

#[tokio::test]
async fn a_dead_job_that_is_asked_for_again_is_revived() {
    let store = TemporaryStore::new();
    let id = store.enqueue_job(job("scan", "a"), 0).await.unwrap();
    let lease = claim(&store, "w1", 0).await.remove(0).lease;
    store.fail_job(&lease, "never").await.unwrap();
    assert_eq!(store.enqueue_job(job("scan", "a"), 5).await.unwrap(), id);
    assert_eq!(claim(&store, "w1", 5).await[0].lease.attempt, 1);
}

#[tokio::test]
async fn released_jobs_are_as_if_they_had_not_begun() {
    let store = TemporaryStore::new();
    store.enqueue_job(job("scan", "a"), 0).await.unwrap();
    store.enqueue_job(job("scan", "b"), 0).await.unwrap();
    claim(&store, "w1", 0).await;
    assert_eq!(store.release_jobs("w2").await.unwrap(), 0);
    assert_eq!(store.release_jobs("w1").await.unwrap(), 2);
    assert_eq!(claim(&store, "w2", 1).await[0].lease.attempt, 1);
}

#[tokio::test]
async fn jobs_are_listed_counted_and_deleted() {
    let store = TemporaryStore::new();
    let a = store.enqueue_job(job("scan", "a"), 1000).await.unwrap();
    let b = store.enqueue_job(job("match", "b"), 2000).await.unwrap();
    assert!(a < b, "ids sort by time");
    let list = |filter: JobFilter, after: Option<String>| {
        let store = store.store.clone();
        async move {
            let rows = store.list_jobs(&filter, after.as_deref(), 10).await.unwrap();
            rows.into_iter().map(|row| row.job_id).collect::<Vec<_>>()
        }
    };
    let all = JobFilter::default();
    assert_eq!(list(all.clone(), None).await, [a.clone(), b.clone()]);
    assert_eq!(list(all, Some(a.clone())).await, std::slice::from_ref(&b));
    let only = JobFilter { kind: Some("scan".to_owned()), state: Some(JobState::Queued) };
    assert_eq!(list(only, None).await, [a]);
    let lease = claim(&store, "w1", 3000).await.remove(0).lease;
    assert_eq!(
        store.count_jobs().await.unwrap(),
        [("match".to_owned(), JobState::Queued, 1), ("scan".to_owned(), JobState::Running, 1)]
    );
    assert!(!store.delete_job(&lease.job_id).await.unwrap(), "it is running");
    assert!(store.delete_job(&b).await.unwrap());
}

#[tokio::test]
async fn a_queue_with_nothing_due_is_not_written_to() {
    let store = TemporaryStore::new();
    let mut later = job("scan", "a");
    later.run_at = 50;
    store.enqueue_job(later, 0).await.unwrap();
    let before = store.write(|connection| Ok(connection.total_changes())).await.unwrap();
    assert!(claim(&store, "w1", 49).await.is_empty());
    let after = store.write(|connection| Ok(connection.total_changes())).await.unwrap();
    assert_eq!(before, after);
}
