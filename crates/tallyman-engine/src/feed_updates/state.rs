//! What is remembered of each feed: which versions of its files are in the database, and how its last
//! update went. One small file a feed, beside the advisories, so that whoever removes these forgets
//! that too.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use tallyman_model::digest::Digest;
use tallyman_source::download::{Downloaded, Validators};

use super::{FeedResult, UpdateError};

/// A file whose records are in the database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownFile {
    /// Where it was fetched from.
    pub url: String,
    /// Its version.
    pub validators: Validators,
    /// Its size.
    pub size_bytes: u64,
    /// Its SHA-256.
    pub digest: Digest,
}

impl From<Downloaded> for KnownFile {
    fn from(downloaded: Downloaded) -> Self {
        let Downloaded { url, validators, size_bytes, digest } = downloaded;
        KnownFile { url, validators, size_bytes, digest }
    }
}

/// What is remembered of a feed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FeedState {
    /// When its publisher was last asked with success.
    pub checked_ms: Option<i64>,
    /// When it last brought something new.
    pub updated_ms: Option<i64>,
    /// Why the last try failed, if it did.
    pub failure: Option<String>,
    /// When that was.
    pub failed_ms: Option<i64>,
    /// Its files.
    pub files: Vec<KnownFile>,
    /// Up to when its changes since the archive are in the database.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changed_ms: Option<i64>,
}

impl FeedState {
    pub(super) fn note(&mut self, result: &FeedResult, now_ms: i64) {
        if let FeedResult::Failed { reason, .. } = result {
            self.failure = Some(reason.clone());
            self.failed_ms = Some(now_ms);
            return;
        }
        self.failure = None;
        self.failed_ms = None;
        self.checked_ms = Some(now_ms);
        if matches!(result, FeedResult::Updated(_)) || self.updated_ms.is_none() {
            self.updated_ms = Some(now_ms);
        }
    }
}

/// The files of what is remembered.
pub(super) struct States {
    folder: PathBuf,
}

impl States {
    pub(super) fn new(folder: PathBuf) -> Self {
        States { folder }
    }

    fn path(&self, feed: &str) -> PathBuf {
        self.folder.join(format!("{}.state", feed.replace(['/', ' '], "-")))
    }

    /// Reads what is remembered; of what cannot be read nothing is, so that it is fetched again.
    pub(super) fn read(&self, feed: &str) -> FeedState {
        let text = std::fs::read(self.path(feed)).unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }

    pub(super) fn write(&self, feed: &str, state: &FeedState) -> Result<(), UpdateError> {
        let path = self.path(feed);
        let temporary = path.with_extension("state.tmp");
        let written = serde_json::to_vec_pretty(state)
            .map_err(std::io::Error::from)
            .and_then(|bytes| std::fs::write(&temporary, bytes))
            .and_then(|()| std::fs::rename(&temporary, &path));
        written.map_err(|source| UpdateError::Io { path, source })
    }
}
