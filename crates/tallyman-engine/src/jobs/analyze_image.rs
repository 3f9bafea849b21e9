//! The job that reads an image where it is and stores what it holds, on our own account.
//!
//! Each layer is stored as soon as it is read, so that a job that is cut off goes on where it was.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tallyman_model::platform::Platform;
use tallyman_source::location::Location;
use tallyman_source::open::Sources;
use tallyman_store::error::StoreError;
use tallyman_store::jobs::{ClaimedJob, JobChanges, NewJob};

use super::JobError;
use crate::analysis::{AnalysisProgress, analyzer_fingerprint, chain};
use crate::images::{record_failure, record_image};
use crate::installation::Installation;
use crate::scan::{ScanError, ScannedLayers, read_layers};

pub(super) const NAME: &str = "analyze-image";

const MAX_ATTEMPTS: u32 = 10;

#[derive(Debug, Serialize, Deserialize)]
struct Payload {
    location: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    platform: Option<Platform>,
}

/// Queues the analysis of an image; an image that is queued already is not queued twice.
///
/// # Errors
///
/// A [`StoreError`].
pub async fn enqueue(
    installation: &Installation,
    location: &Location,
    platform: Option<&Platform>,
) -> Result<String, StoreError> {
    let now_ms = installation.clock().now_ms();
    let payload = Payload { location: location.to_string(), platform: platform.cloned() };
    let job_key = match platform {
        Some(platform) => format!("{location} {platform}"),
        None => location.to_string(),
    };
    let job = NewJob {
        kind: NAME.to_owned(),
        job_key,
        payload: serde_json::to_value(payload)?,
        priority: 10,
        run_at: now_ms,
        max_attempts: MAX_ATTEMPTS,
    };
    installation.store().enqueue_job(job, now_ms).await
}

pub(super) async fn run(
    installation: &Installation,
    sources: &Sources,
    job: &ClaimedJob,
) -> Result<(), JobError> {
    let payload: Payload = serde_json::from_value(job.payload.clone())
        .map_err(|error| JobError::Permanent(format!("the job's payload is malformed: {error}")))?;
    let location = Location::parse(&payload.location).map_err(|error| source_error(&error))?;
    let opened = match &payload.platform {
        Some(platform) => sources.open_for(&location, platform).await,
        None => sources.open(&location).await,
    };
    let open = Arc::new(opened.map_err(|error| source_error(&error))?);
    let progress = Arc::new(AnalysisProgress::default());
    let layers =
        read_layers(installation, Arc::clone(&open), progress).await.map_err(scan_error)?;
    let fingerprint = analyzer_fingerprint(installation.limits());
    let jobs = JobChanges::default();
    let recorded = match layers {
        ScannedLayers::Complete(layers) => {
            record_image(installation, open.image(), layers, &fingerprint, jobs).await
        }
        ScannedLayers::Broken(error) => {
            let reason = chain(&error);
            record_failure(installation, open.image(), &reason, &fingerprint, jobs).await
        }
    };
    recorded.map(|_| ()).map_err(|error| JobError::Transient(chain(&error)))
}

fn source_error(error: &tallyman_source::error::SourceError) -> JobError {
    let reason = format!("failed to {}", chain(error));
    if error.is_transient() { JobError::Transient(reason) } else { JobError::Permanent(reason) }
}

fn scan_error(error: ScanError) -> JobError {
    let reason = chain(&error);
    if error.is_transient() { JobError::Transient(reason) } else { JobError::Permanent(reason) }
}
