//! Documents that changed since a provider packed its archive, fetched one by one: so a verdict of
//! today is known today, although the archive comes once a week.

use std::path::PathBuf;
use std::sync::Arc;

use tallyman_source::error::SourceError;
use tallyman_source::feeds::{Changes, FeedSource, changes, packed_ms};

use super::{
    Download, FeedResult, FeedState, FetchedFile, Taken, UpdateError, Watcher, next_step_after,
    take_files,
};
use crate::analysis::chain;
use crate::installation::Installation;

/// So many documents are fetched in one update; the next one goes on from there.
const MOST: usize = 5_000;

/// What was fetched of the changes.
#[derive(Default)]
pub(super) struct Changed {
    /// Where the documents are.
    folder: Option<PathBuf>,
    changes: Changes,
    error: Option<SourceError>,
}

impl Download {
    /// Fetches what changed since the archive that is known, or was just fetched, and since the last
    /// time that was asked.
    pub(super) async fn changed_since(&self, files: &[FetchedFile], received: &mut u64) -> Changed {
        let [archive] = files else { return Changed::default() };
        let Some(packed_ms) = packed_ms(&archive.known.url) else { return Changed::default() };
        let known_ms = self.state.changed_ms.filter(|_| archive.path.is_none());
        let since_ms = known_ms.map_or(packed_ms, |known| known.max(packed_ms));
        let (mirrors, downloader) = (&self.update.mirrors, &self.update.downloader);
        let changes = match changes(self.feed, mirrors, downloader, since_ms, MOST).await {
            Ok(Some(changes)) => changes,
            Ok(None) => return Changed::default(),
            Err(error) => return Changed { error: Some(error), ..Changed::default() },
        };
        let folder = self.folder.join(format!("{}.changes", self.feed.file_name()));
        match changes.fetch(&folder, downloader).await {
            Ok(bytes) => {
                *received += bytes;
                Changed { folder: Some(folder), changes, error: None }
            }
            Err(error) => {
                Changed { folder: Some(folder), error: Some(error), ..Changed::default() }
            }
        }
    }
}

impl Changed {
    /// Takes the documents, and withdraws those that are gone.
    pub(super) async fn take(
        self,
        installation: &Installation,
        feed: &'static FeedSource,
        state: &mut FeedState,
        archive: FeedResult,
        watcher: &Arc<dyn Watcher>,
    ) -> Result<FeedResult, UpdateError> {
        let Changed { folder, changes, error } = self;
        let mut taken = match &archive {
            FeedResult::Updated(taken) => taken.clone(),
            FeedResult::Unchanged | FeedResult::Failed { .. } => Taken::default(),
        };
        if let Some(error) = error {
            remove(folder);
            let (reason, next_step) = (chain(&error), next_step_after(&error));
            return Ok(FeedResult::Failed { reason, next_step, taken });
        }
        if changes == Changes::default() {
            return Ok(archive);
        }
        let paths = folder.clone().filter(|_| !changes.documents.is_empty()).into_iter().collect();
        let result = take_files(installation, feed.name, paths, None, watcher).await?;
        remove(folder);
        match result {
            FeedResult::Unchanged => {}
            FeedResult::Updated(more) => taken.add(&more),
            failed @ FeedResult::Failed { .. } => return Ok(failed),
        }
        let report = installation.advisories().withdraw(feed.records, changes.deleted).await?;
        taken.add(&Taken::of(&report));
        state.changed_ms = Some(changes.until_ms);
        Ok(if taken.is_change() { FeedResult::Updated(taken) } else { archive })
    }
}

/// What cannot be removed now is written over the next time.
fn remove(folder: Option<PathBuf>) {
    if let Some(folder) = folder {
        drop(std::fs::remove_dir_all(folder));
    }
}
