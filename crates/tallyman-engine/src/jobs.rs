//! The work that a server does by itself: claimed with a lease, done so that doing it twice does
//! no harm, and given up only after it was tried often enough.

mod analyze_image;
mod deliver_webhook;
mod match_packages;
pub mod update_feeds;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tallyman_source::open::Sources;
use tallyman_store::error::StoreError;
use tallyman_store::jobs::{ClaimedJob, FailedJob, JobFilter, JobState};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::feed_updates::Update;
use crate::installation::Installation;

pub use crate::jobs::analyze_image::enqueue as enqueue_analysis;
pub(crate) use crate::jobs::match_packages::at as match_at;
pub use crate::jobs::match_packages::enqueue as enqueue_match;

/// How long a claimed job is left alone. A worker that lives renews it three times as often.
const LEASE_MS: i64 = 30_000;
const HEARTBEAT: Duration = Duration::from_secs(10);
/// How long an idle worker waits before it looks for work again.
const IDLE: Duration = Duration::from_millis(200);
/// The waits between attempts: they double from the first to the last.
const FIRST_RETRY_MS: i64 = 2_000;
const LAST_RETRY_MS: i64 = 600_000;

/// Lets go of every job under way. Only for who knows that no worker is alive: jobs that a killed
/// process held need not wait for their lease to end.
///
/// # Errors
///
/// A [`StoreError`].
pub async fn release_all(installation: &Installation) -> Result<(), StoreError> {
    let store = installation.store();
    let running = JobFilter { kind: None, state: Some(JobState::Running) };
    loop {
        let jobs = store.list_jobs(&running, None, 100).await?;
        let owners: BTreeSet<String> = jobs.into_iter().filter_map(|job| job.owner).collect();
        if owners.is_empty() {
            return Ok(());
        }
        for owner in owners {
            store.release_jobs(&owner).await?;
        }
    }
}

/// How a job ended.
#[derive(Debug)]
enum JobError {
    /// It may succeed later.
    Transient(String),
    /// It may succeed, but not before a time that the other side named.
    Postponed {
        /// Why it did not.
        reason: String,
        /// The time.
        not_before: i64,
    },
    /// It never will.
    Permanent(String),
}

impl From<StoreError> for JobError {
    fn from(error: StoreError) -> Self {
        JobError::Transient(crate::analysis::chain(&error))
    }
}

/// One kind of job. To add one, write its file and name it in [`KINDS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    AnalyzeImage,
    DeliverWebhook,
    MatchPackages,
    UpdateFeeds,
}

const KINDS: [(&str, Kind); 4] = [
    (analyze_image::NAME, Kind::AnalyzeImage),
    (update_feeds::NAME, Kind::UpdateFeeds),
    (deliver_webhook::NAME, Kind::DeliverWebhook),
    (match_packages::NAME, Kind::MatchPackages),
];

/// Does jobs until told to stop; then lets go of those under way, for another to take.
#[derive(Clone)]
pub struct Worker {
    installation: Arc<Installation>,
    sources: Sources,
    updates: Option<Update>,
    owner: String,
}

impl Worker {
    /// Makes a worker with a name of its own.
    pub fn new(installation: Arc<Installation>, sources: Sources) -> Self {
        let owner = format!("worker-{}", uuid::Uuid::new_v4().simple());
        Worker { installation, sources, updates: None, owner }
    }

    /// Makes it update feeds of advisories so.
    pub fn with_updates(self, updates: Option<Update>) -> Self {
        Worker { updates, ..self }
    }

    /// Works until `stop` becomes true.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let mut running = JoinSet::new();
        let names = KINDS.map(|(name, _)| name);
        let width = u32::try_from(crate::blocking::width()).unwrap_or(1);
        loop {
            while running.try_join_next().is_some() {}
            let free = width.saturating_sub(u32::try_from(running.len()).unwrap_or(width));
            let claimed = match free {
                0 => Vec::new(),
                free => self.claim(&names, free).await,
            };
            for job in claimed {
                let worker = self.clone();
                running.spawn(async move { worker.work(job).await });
            }
            let stopped = tokio::select! {
                _ = stop.wait_for(|stop| *stop) => true,
                Some(_) = running.join_next() => false,
                () = tokio::time::sleep(IDLE) => false,
            };
            if stopped {
                running.shutdown().await;
                if let Err(error) = self.installation.store().release_jobs(&self.owner).await {
                    tracing::warn!(%error, "jobs under way wait for their lease to end");
                }
                return;
            }
        }
    }

    async fn claim(&self, names: &[&str], limit: u32) -> Vec<ClaimedJob> {
        let now_ms = self.installation.clock().now_ms();
        let store = self.installation.store();
        match store.claim_jobs(&self.owner, names, now_ms, LEASE_MS, limit).await {
            Ok(jobs) => jobs,
            Err(error) => {
                tracing::error!(%error, "jobs could not be claimed");
                Vec::new()
            }
        }
    }

    async fn work(&self, job: ClaimedJob) {
        let result = tokio::select! {
            result = self.perform(&job) => result,
            // Somebody else has the job now: what was done here is theirs to finish.
            () = self.hold(&job) => return,
        };
        let store = self.installation.store();
        let now_ms = self.installation.clock().now_ms();
        let ended = match result {
            Ok(()) => store.finish_job(&job.lease, now_ms).await.map(|()| FailedJob::Queued),
            Err(JobError::Transient(reason)) => {
                tracing::warn!(job.kind, job.key = job.job_key, reason, "a job failed for now");
                let run_at = now_ms + retry_wait_ms(job.lease.attempt, random_byte());
                store.retry_job(&job.lease, &reason, run_at).await
            }
            Err(JobError::Postponed { reason, not_before }) => {
                tracing::warn!(job.kind, job.key = job.job_key, reason, "a job has to wait");
                let run_at = now_ms + retry_wait_ms(job.lease.attempt, random_byte());
                store.retry_job(&job.lease, &reason, run_at.max(not_before)).await
            }
            Err(JobError::Permanent(reason)) => {
                tracing::error!(job.kind, job.key = job.job_key, reason, "a job failed for good");
                store.fail_job(&job.lease, &reason).await
            }
        };
        if let Err(error) = ended {
            tracing::warn!(%error, job.kind, "the end of a job could not be stored; it runs again");
        }
    }

    async fn perform(&self, job: &ClaimedJob) -> Result<(), JobError> {
        let kind = KINDS.iter().find(|(name, _)| *name == job.kind).map(|(_, kind)| *kind);
        match kind {
            Some(Kind::AnalyzeImage) => {
                analyze_image::run(&self.installation, &self.sources, job).await
            }
            Some(Kind::DeliverWebhook) => {
                deliver_webhook::run(&self.installation, &self.sources, job).await
            }
            Some(Kind::MatchPackages) => match_packages::run(&self.installation).await,
            Some(Kind::UpdateFeeds) => {
                update_feeds::run(&self.installation, self.updates.as_ref()).await
            }
            None => Err(JobError::Permanent(format!("there is no job kind {}", job.kind))),
        }
    }

    /// Renews the lease for as long as it can; returns when it is lost.
    async fn hold(&self, job: &ClaimedJob) {
        let store = self.installation.store();
        loop {
            tokio::time::sleep(HEARTBEAT).await;
            let now_ms = self.installation.clock().now_ms();
            match store.heartbeat_job(&job.lease, None, now_ms, LEASE_MS).await {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => tracing::warn!(%error, job.kind, "a lease could not be renewed"),
            }
        }
    }
}

/// Doubles from attempt to attempt, with up to a quarter more, so that jobs that failed together
/// do not come back together.
fn retry_wait_ms(attempt: u32, spread: u8) -> i64 {
    let doubled = FIRST_RETRY_MS.saturating_mul(1_i64 << attempt.saturating_sub(1).min(16));
    let wait = doubled.min(LAST_RETRY_MS);
    wait + wait / 4 * i64::from(spread) / 255
}

fn random_byte() -> u8 {
    uuid::Uuid::new_v4().as_bytes()[0]
}

#[cfg(test)]
mod tests {
    #[test]
    fn waits_grow_up_to_a_bound() {
        for (attempt, least, most) in [(1, 2_000, 2_500), (2, 4_000, 5_000), (40, 600_000, 750_000)]
        {
            assert_eq!(super::retry_wait_ms(attempt, 0), least);
            assert_eq!(super::retry_wait_ms(attempt, u8::MAX), most);
        }
    }
}
