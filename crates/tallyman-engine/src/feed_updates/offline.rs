//! The same update from a directory that somebody carried here: files as they were downloaded, one
//! file or folder a feed, or a mirror of hosts and paths.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tallyman_match::database::ImportReport;
use tallyman_source::feeds::{FeedSource, addresses};

use super::state::States;
use super::{
    FeedOutcome, FeedResult, Taken, Update, UpdateError, Watcher, judge, lock, publication,
    take_files,
};
use crate::installation::Installation;

/// The name of the outcome of files that belong to no feed by their names.
const REST: &str = "files";

/// Updates feeds from a file or a directory. In a directory where no feed has its place, all files
/// are taken for what they hold.
///
/// # Errors
///
/// An [`UpdateError`], if nothing could be done at all. What went wrong with a feed is in its outcome.
pub async fn update_offline(
    installation: &Installation,
    update: &Update,
    place: &Path,
    watcher: Arc<dyn Watcher>,
) -> Result<Vec<FeedOutcome>, UpdateError> {
    let folder = installation.advisories().sources_folder();
    let _lock = lock(&folder, installation.clock().now_ms())?;
    let states = States::new(folder);
    let mut outcomes = Vec::new();
    for &feed in &update.feeds {
        let paths = find(feed, place);
        if paths.is_empty() {
            continue;
        }
        let publication = publication(feed, update.is_forced).filter(|_| is_all(feed, &paths));
        let result = take_files(installation, feed.name, paths, publication, &watcher).await?;
        let mut state = states.read(feed.name);
        // The publisher's version of these files is not known.
        state.files.clear();
        state.note(&result, installation.clock().now_ms());
        states.write(feed.name, &state)?;
        outcomes.push(FeedOutcome { feed: feed.name.to_owned(), result, received_bytes: 0 });
    }
    if outcomes.is_empty() {
        outcomes = take_rest(installation, place, &watcher).await?;
    }
    outcomes.iter().for_each(|outcome| watcher.finished(outcome));
    if outcomes.iter().any(|outcome| outcome.result.is_change()) {
        installation.advisories().reload().await?;
    }
    Ok(outcomes)
}

async fn take_rest(
    installation: &Installation,
    place: &Path,
    watcher: &Arc<dyn Watcher>,
) -> Result<Vec<FeedOutcome>, UpdateError> {
    let watching = Arc::clone(watcher);
    let report = installation
        .advisories()
        .take(vec![place.to_owned()], None, move |at| watching.takes(REST, at.records))
        .await?;
    let mut outcomes = outcomes_of(&report);
    let whole = judge(&report);
    if matches!(whole, FeedResult::Failed { .. }) {
        outcomes.push(outcome(REST, whole));
    }
    Ok(outcomes)
}

/// Tells whether paths are all that a feed consists of: as many files as are published, or a folder
/// that is the feed's.
fn is_all(feed: &FeedSource, paths: &[PathBuf]) -> bool {
    paths.len() == addresses(feed).len().max(1) || paths.iter().any(|path| path.is_dir())
}

fn outcome(feed: &str, result: FeedResult) -> FeedOutcome {
    FeedOutcome { feed: feed.to_owned(), result, received_bytes: 0 }
}

/// Tells what was taken, by feed.
pub fn outcomes_of(report: &ImportReport) -> Vec<FeedOutcome> {
    let mut outcomes: Vec<FeedOutcome> = Vec::new();
    for (feed, counts) in &report.feeds {
        let taken = Taken {
            added: counts.added,
            changed: counts.updated,
            withdrawn: counts.withdrawn,
            unchanged: counts.unchanged,
            ..Taken::default()
        };
        let result = match taken.is_change() {
            true => FeedResult::Updated(taken),
            false => FeedResult::Unchanged,
        };
        outcomes.push(outcome(feed, result));
    }
    outcomes
}

/// Finds a feed's files: `DIR/osv/PyPI`, `DIR/osv-PyPI`, `DIR/osv-PyPI.zip`, or `DIR/HOST/PATH`.
fn find(feed: &FeedSource, place: &Path) -> Vec<PathBuf> {
    let by_name = [feed.name.to_owned(), feed.file_name()];
    if let Some(path) = by_name.iter().map(|name| place.join(name)).find(|path| path.exists()) {
        return vec![path];
    }
    let start = format!("{}.", feed.file_name());
    let entries = place.read_dir().into_iter().flatten().filter_map(Result::ok);
    let named = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(&start));
    let mut named: Vec<PathBuf> = named.map(|entry| entry.path()).collect();
    if !named.is_empty() {
        named.sort();
        return named;
    }
    let mirrored = addresses(feed).into_iter().filter_map(|url| {
        let host = url.host_str()?.to_owned();
        let decoded = url.path().trim_start_matches('/').replace("%20", " ");
        Some(
            [url.path().trim_start_matches('/').to_owned(), decoded]
                .map(|path| place.join(&host).join(path)),
        )
    });
    mirrored.filter_map(|paths| paths.into_iter().find(|path| path.is_file())).collect()
}
