//! The job that matches what is not matched by the current advisories.

use tallyman_store::error::StoreError;
use tallyman_store::jobs::NewJob;

use super::JobError;
use crate::analysis::chain;
use crate::images::match_pending;
use crate::installation::Installation;

pub(super) const NAME: &str = "match-packages";

/// Queues a match of everything that is to be matched.
///
/// # Errors
///
/// A [`StoreError`].
pub async fn enqueue(installation: &Installation) -> Result<String, StoreError> {
    let now_ms = installation.clock().now_ms();
    installation.store().enqueue_job(at("all", now_ms), now_ms).await
}

/// Makes a match for a later time, which stands beside others by its key.
pub(crate) fn at(key: &str, run_at: i64) -> NewJob {
    NewJob {
        kind: NAME.to_owned(),
        job_key: key.to_owned(),
        payload: serde_json::json!({}),
        priority: 0,
        run_at,
        max_attempts: 20,
    }
}

pub(super) async fn run(installation: &Installation) -> Result<(), JobError> {
    let outcome =
        match_pending(installation).await.map_err(|error| JobError::Transient(chain(&error)))?;
    tracing::info!(
        matched = outcome.matched,
        changed.versions = outcome.changed_versions,
        changed.images = outcome.changed_images,
        "matched package versions"
    );
    Ok(())
}
