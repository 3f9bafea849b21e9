//! The job that brings the feeds of advisories up to date, and the schedule that queues it.

use std::sync::Arc;
use std::time::Duration;

use tallyman_store::error::StoreError;
use tallyman_store::jobs::NewJob;
use tokio::sync::watch;

use super::{JobError, enqueue_match};
use crate::analysis::chain;
use crate::feed_updates::{FeedResult, Unwatched, Update, states, update};
use crate::installation::Installation;

pub(super) const NAME: &str = "update-feeds";

/// How often the schedule is looked at; an update is late by no more than this.
const LOOK: Duration = Duration::from_secs(30);

/// Queues an update; one that is queued already is not queued twice.
///
/// # Errors
///
/// A [`StoreError`].
pub async fn enqueue(installation: &Installation) -> Result<String, StoreError> {
    let now_ms = installation.clock().now_ms();
    let job = NewJob {
        kind: NAME.to_owned(),
        job_key: "all".to_owned(),
        payload: serde_json::json!({}),
        priority: 0,
        run_at: now_ms,
        max_attempts: 3,
    };
    installation.store().enqueue_job(job, now_ms).await
}

pub(super) async fn run(
    installation: &Installation,
    settings: Option<&Update>,
) -> Result<(), JobError> {
    // It was queued by a server that was configured to; this one is not.
    let Some(settings) = settings else { return Ok(()) };
    let outcomes = update(installation, settings, Arc::new(Unwatched))
        .await
        .map_err(|error| JobError::Transient(chain(&error)))?;
    for outcome in &outcomes {
        if let FeedResult::Failed { reason, next_step, .. } = &outcome.result {
            let feed = &outcome.feed;
            tracing::warn!(
                feed,
                "the feed {feed} could not be updated: failed to {reason}; {next_step}"
            );
        }
    }
    let changed = outcomes.iter().filter(|outcome| outcome.result.is_change()).count();
    let received_bytes: u64 = outcomes.iter().map(|outcome| outcome.received_bytes).sum();
    tracing::info!(
        feeds = outcomes.len(),
        feeds.changed = changed,
        received_bytes,
        "updated the feeds of advisories"
    );
    if changed > 0 {
        enqueue_match(installation).await?;
    }
    Ok(())
}

/// Queues an update each time that so long has passed since the feeds were last asked, until told to
/// stop. The time is that of the feeds' own records, so that a restart neither hastens nor delays one.
pub async fn schedule(
    installation: Arc<Installation>,
    settings: Update,
    interval_ms: i64,
    mut stop: watch::Receiver<bool>,
) {
    let mut last_queued_ms = None;
    loop {
        let now_ms = installation.clock().now_ms();
        let last_ms = last_asked_ms(&installation, &settings).max(last_queued_ms);
        if is_due(last_ms, now_ms, interval_ms) {
            match enqueue(&installation).await {
                Ok(_) => last_queued_ms = Some(now_ms),
                Err(error) => tracing::error!(%error, "an update of the feeds could not be queued"),
            }
        }
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}

/// When the feed that was not asked for longest was asked; never, if one never was.
fn last_asked_ms(installation: &Installation, settings: &Update) -> Option<i64> {
    let states = states(installation);
    let asked = settings.feeds.iter().map(|feed| {
        let state = states.iter().find(|(known, _)| known.name == feed.name);
        state.and_then(|(_, state)| state.checked_ms.max(state.failed_ms))
    });
    asked.min().flatten()
}

fn is_due(last_ms: Option<i64>, now_ms: i64, interval_ms: i64) -> bool {
    // A clock that was set back must not stop the updates for as long as it was wrong.
    last_ms.is_none_or(|last| last > now_ms || now_ms.saturating_sub(last) >= interval_ms)
}

#[cfg(test)]
mod tests {
    use super::is_due;

    #[test]
    fn an_update_is_due_when_the_interval_has_passed() {
        assert!(is_due(None, 1_000, 100));
        assert!(!is_due(Some(950), 1_000, 100));
        assert!(is_due(Some(900), 1_000, 100));
        assert!(is_due(Some(2_000), 1_000, 100), "the clock was set back");
    }
}
