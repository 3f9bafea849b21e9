use super::{DELIVERY_JOB, Delivery, NewWebhook, Undelivered, WebhookRow};
use crate::jobs::{JobFilter, JobRow};
use crate::samples::{TemporaryStore, finding};
use crate::secret::Secret;
use tallyman_model::severity::Severity;

fn webhook(id: &str) -> NewWebhook {
    NewWebhook {
        webhook_id: id.to_owned(),
        url: "https://example.com/".to_owned(),
        events: vec!["image.worse".to_owned()],
        secret: Secret::new("whsec_secret"),
        created_at: 5,
    }
}

async fn jobs(store: &TemporaryStore) -> Vec<JobRow> {
    store.list_jobs(&JobFilter::default(), None, 100).await.unwrap()
}

async fn change(store: &TemporaryStore) {
    store.image(1, &[1]).await;
    store.matched("r1", &[]).await;
    store.matched("r2", &[(1, &[finding("CVE-1", Severity::High)])]).await;
}

#[tokio::test]
async fn a_webhook_comes_back_as_it_went_in_and_its_secret_is_sealed() {
    let store = TemporaryStore::new();
    store.insert_webhook(webhook("a")).await.unwrap();
    let (row, secret) = store.find_webhook("a").await.unwrap().unwrap();
    assert_eq!((secret.current.expose(), secret.old), ("whsec_secret", None));
    let expected = WebhookRow {
        webhook_id: "a".to_owned(),
        url: "https://example.com/".to_owned(),
        events: vec!["image.worse".to_owned()],
        created_at: 5,
        last_success_at: None,
        last_failure_at: None,
        last_error: None,
        disabled_at: None,
        paused_until: None,
        old_secret_until: None,
    };
    assert_eq!(row, expected);
    assert_eq!(store.list_webhooks().await.unwrap(), [expected]);
    let sealed: Vec<u8> = store
        .read(|connection| {
            let sql = "SELECT secret_sealed FROM webhook WHERE webhook_id = 'a'";
            Ok(connection.query_row(sql, [], |row| row.get(0))?)
        })
        .await
        .unwrap();
    assert!(!sealed.windows(6).any(|part| part == b"secret"));
    assert_eq!(store.reseal_access_keys().await.unwrap(), 1);
    let (_, secrets) = store.find_webhook("a").await.unwrap().unwrap();
    assert_eq!(secrets.current.expose(), "whsec_secret");
}

#[tokio::test]
async fn the_secret_before_is_kept_with_its_time_and_sealed_too() {
    let store = TemporaryStore::new();
    store.insert_webhook(webhook("a")).await.unwrap();
    let other = Secret::new("whsec_other");
    assert!(!store.rotate_webhook_secret("b", &other, 9).await.unwrap());
    assert!(store.rotate_webhook_secret("a", &other, 9).await.unwrap());
    assert_eq!(store.reseal_access_keys().await.unwrap(), 1);
    let (row, secrets) = store.find_webhook("a").await.unwrap().unwrap();
    assert_eq!(row.old_secret_until, Some(9));
    assert_eq!(secrets.current, other);
    assert_eq!(secrets.old.map(|it| it.expose().to_owned()).as_deref(), Some("whsec_secret"));
}

#[tokio::test]
async fn a_webhook_that_is_disabled_is_told_nothing_until_it_is_enabled() {
    let store = TemporaryStore::new();
    for id in ["a", "b"] {
        store.insert_webhook(webhook(id)).await.unwrap();
    }
    store.pause_webhook("a", 70).await.unwrap();
    store.disable_webhook("a", 50).await.unwrap();
    store.disable_webhook("a", 60).await.unwrap();
    let row = store.list_webhooks().await.unwrap().remove(0);
    assert_eq!((row.disabled_at, row.paused_until), (Some(50), Some(70)));
    change(&store).await;
    assert_eq!(store.settle_changes(3000).await.unwrap().deliveries, 1);
    assert_eq!(jobs(&store).await[0].job_key, "b/2/1");
    assert!(store.enable_webhook("a").await.unwrap());
    assert!(!store.enable_webhook("c").await.unwrap());
    let row = store.list_webhooks().await.unwrap().remove(0);
    assert_eq!((row.disabled_at, row.paused_until), (None, None));
    store.matched("r3", &[]).await;
    assert_eq!(store.settle_changes(4000).await.unwrap().deliveries, 2);
}

#[tokio::test]
async fn deliveries_that_were_given_up_are_counted_and_queued_again_for_one_webhook() {
    let store = TemporaryStore::new();
    for id in ["a", "ab"] {
        store.insert_webhook(webhook(id)).await.unwrap();
    }
    change(&store).await;
    store.settle_changes(3000).await.unwrap();
    store.matched("r3", &[]).await;
    store.settle_changes(3000).await.unwrap();
    let second = store.find_job_by_key(DELIVERY_JOB, "a/3/2").await.unwrap().unwrap();
    let delivery: Delivery = serde_json::from_value(second.payload).unwrap();
    assert_eq!((delivery.after_sequence, delivery.through_sequence), (1, 2), "only what is new");
    let claimed = store.claim_jobs("me", &[DELIVERY_JOB], 3000, 10_000, 9).await.unwrap();
    assert_eq!(claimed.len(), 4);
    for job in claimed.iter().filter(|job| job.job_key != "a/3/2") {
        store.fail_job(&job.lease, "gone").await.unwrap();
    }
    let count = |waiting, dead| Undelivered { waiting, dead };
    let expected = [("a".to_owned(), count(1, 1)), ("ab".to_owned(), count(0, 2))];
    assert_eq!(store.count_undelivered().await.unwrap(), expected.into());
    assert_eq!(store.revive_deliveries("ab", 4000).await.unwrap(), 2);
    let expected = [("a".to_owned(), count(1, 1)), ("ab".to_owned(), count(2, 0))];
    assert_eq!(store.count_undelivered().await.unwrap(), expected.into());
    assert_eq!(store.revive_deliveries("ab", 4000).await.unwrap(), 0);
    assert_eq!(store.claim_jobs("me", &[DELIVERY_JOB], 3999, 10, 9).await.unwrap().len(), 0);
    assert_eq!(store.claim_jobs("me", &[DELIVERY_JOB], 4000, 10, 9).await.unwrap().len(), 2);
}

#[tokio::test]
async fn one_delivery_for_each_webhook_is_queued_with_the_changes() {
    let store = TemporaryStore::new();
    for id in ["a", "b"] {
        store.insert_webhook(webhook(id)).await.unwrap();
    }
    change(&store).await;
    assert_eq!(store.settle_changes(3000).await.unwrap().deliveries, 2);
    assert_eq!(store.settle_changes(3000).await.unwrap().deliveries, 0);
    let mut jobs = jobs(&store).await;
    jobs.sort_by(|a, b| a.job_key.cmp(&b.job_key));
    let keys: Vec<&str> = jobs.iter().map(|job| job.job_key.as_str()).collect();
    assert_eq!(keys, ["a/2/1", "b/2/1"]);
    let delivery: Delivery = serde_json::from_value(jobs[0].payload.clone()).unwrap();
    let expected = Delivery {
        webhook_id: "a".to_owned(),
        revision_number: 2,
        after_sequence: 0,
        through_sequence: 1,
    };
    assert_eq!((jobs[0].kind.as_str(), delivery), (DELIVERY_JOB, expected));
}

#[tokio::test]
async fn a_deleted_webhook_takes_its_own_deliveries_along() {
    let store = TemporaryStore::new();
    for id in ["a", "ab"] {
        store.insert_webhook(webhook(id)).await.unwrap();
    }
    change(&store).await;
    store.settle_changes(3000).await.unwrap();
    assert!(store.delete_webhook("a").await.unwrap());
    assert!(!store.delete_webhook("a").await.unwrap());
    let left: Vec<String> = jobs(&store).await.into_iter().map(|job| job.job_key).collect();
    assert_eq!(left, ["ab/2/1"]);
    assert!(store.find_webhook("a").await.unwrap().is_none());
}

#[tokio::test]
async fn the_last_success_and_the_last_failure_are_kept() {
    let store = TemporaryStore::new();
    store.insert_webhook(webhook("a")).await.unwrap();
    store.record_delivery("a", Some("busy"), 10).await.unwrap();
    let row = &store.list_webhooks().await.unwrap()[0];
    assert_eq!((row.last_failure_at, row.last_error.as_deref()), (Some(10), Some("busy")));
    store.pause_webhook("a", 30).await.unwrap();
    store.record_delivery("a", None, 20).await.unwrap();
    let row = &store.list_webhooks().await.unwrap()[0];
    assert_eq!(
        (row.last_success_at, row.last_failure_at, &row.last_error),
        (Some(20), Some(10), &None)
    );
    assert_eq!(row.paused_until, None, "it takes messages");
}
