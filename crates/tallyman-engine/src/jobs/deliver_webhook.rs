//! The job that tells a webhook what changed, page by page.

use tallyman_source::open::Sources;
use tallyman_store::jobs::ClaimedJob;
use tallyman_store::webhooks::{DELIVERY_JOB, Delivery};

use super::{JobError, LEASE_MS};
use crate::analysis::chain;
use crate::installation::Installation;
use crate::webhooks::{DeliveryProgress, WebhookError, deliver_page};

pub(super) const NAME: &str = DELIVERY_JOB;

pub(super) async fn run(
    installation: &Installation,
    sources: &Sources,
    job: &ClaimedJob,
) -> Result<(), JobError> {
    let malformed = |error| JobError::Permanent(format!("the job's payload is malformed: {error}"));
    let delivery: Delivery = serde_json::from_value(job.payload.clone()).map_err(malformed)?;
    let begun = job.progress.clone().and_then(|value| serde_json::from_value(value).ok());
    let mut progress = begun.unwrap_or_else(|| DeliveryProgress::start(&delivery));
    let client = sources.webhooks().map_err(|error| JobError::Permanent(chain(&error)))?;
    let (store, clock) = (installation.store(), installation.clock());
    loop {
        let sent = deliver_page(store, client, &delivery, progress, clock.now_ms()).await;
        let Some(next) = sent.map_err(|error| failure(&error, clock.now_ms()))? else {
            return Ok(());
        };
        progress = next;
        let written = serde_json::to_value(progress).map_err(malformed)?;
        let now_ms = clock.now_ms();
        if !store.heartbeat_job(&job.lease, Some(written), now_ms, LEASE_MS).await? {
            return Err(JobError::Transient("another worker has the job".to_owned()));
        }
    }
}

fn failure(error: &WebhookError, now_ms: i64) -> JobError {
    let reason = format!("failed to {}", chain(error));
    match error.not_before(now_ms) {
        Some(not_before) => JobError::Postponed { reason, not_before },
        None if error.is_permanent() => JobError::Permanent(reason),
        None => JobError::Transient(reason),
    }
}
