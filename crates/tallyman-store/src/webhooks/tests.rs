use super::{DELIVERY_JOB, Delivery, NewWebhook, WebhookRow};
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
    assert_eq!(secret.expose(), "whsec_secret");
    let expected = WebhookRow {
        webhook_id: "a".to_owned(),
        url: "https://example.com/".to_owned(),
        events: vec!["image.worse".to_owned()],
        created_at: 5,
        last_success_at: None,
        last_failure_at: None,
        last_error: None,
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
    assert_eq!(store.find_webhook("a").await.unwrap().unwrap().1.expose(), "whsec_secret");
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
    store.record_delivery("a", None, 20).await.unwrap();
    let row = &store.list_webhooks().await.unwrap()[0];
    assert_eq!(
        (row.last_success_at, row.last_failure_at, &row.last_error),
        (Some(20), Some(10), &None)
    );
}
