//! Brings the advisories up to date: feeds are downloaded side by side and taken one after the other.
//!
//! Each feed stands for itself: one that fails keeps what was known of it, and the others go on. A
//! file is removed only after its records are in the database and its version is noted, so whoever
//! is killed at any moment goes on from there.

mod changes;
pub mod offline;
mod state;

use std::fs::{File, TryLockError};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;
use tallyman_match::database::{ImportReport, Publication};
use tallyman_match::feed::Progress;
use tallyman_model::advisory::Whole;
use tallyman_model::digest::Digest;
use tallyman_source::download::{DownloadPath, Downloader, Outcome, Wanted, address_of};
use tallyman_source::error::SourceError;
use tallyman_source::feeds::{FeedFile, FeedSource, Mirrors, resolve};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::advisories::AdvisoriesError;
use crate::analysis::chain;
use crate::installation::Installation;

use crate::feed_updates::changes::Changed;
pub use crate::feed_updates::state::FeedState;
use crate::feed_updates::state::{KnownFile, States};

/// Publishers are asked for a few files at once, however many feeds there are.
const DOWNLOADS: usize = 4;

/// So many refused records are named in an outcome.
const NAMED_REFUSALS: usize = 20;

/// Why no feed was updated at all.
#[derive(Debug, thiserror::Error)]
pub enum UpdateError {
    /// Another process is at it.
    #[error("another update of {path} is running{holder}; wait for its end", path = path.display())]
    Busy {
        /// The directory of advisories.
        path: PathBuf,
        /// What is known of the other.
        holder: String,
    },
    /// The directory cannot be used.
    #[error("use {path}", path = path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// The database cannot be used.
    #[error(transparent)]
    Advisories(#[from] AdvisoriesError),
}

/// What is to be updated, and how.
#[derive(Clone)]
pub struct Update {
    /// The feeds.
    pub feeds: Vec<&'static FeedSource>,
    /// Where they are fetched from.
    pub mirrors: Mirrors,
    /// What fetches.
    pub downloader: Arc<Downloader>,
    /// Whether what is known counts for nothing: everything is fetched again.
    pub is_forced: bool,
}

/// Told as an update goes on.
pub trait Watcher: Send + Sync {
    /// So many bytes of a feed are there, and of how many.
    fn downloaded(&self, feed: &str, bytes: u64, total: Option<u64>);
    /// A feed's records are taken.
    fn takes(&self, feed: &str, records: u64);
    /// A feed is done.
    fn finished(&self, outcome: &FeedOutcome);
}

/// Nobody is told.
pub struct Unwatched;

impl Watcher for Unwatched {
    fn downloaded(&self, _: &str, _: u64, _: Option<u64>) {}
    fn takes(&self, _: &str, _: u64) {}
    fn finished(&self, _: &FeedOutcome) {}
}

/// What became of a feed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FeedOutcome {
    /// The feed.
    pub feed: String,
    /// What became of it.
    #[serde(flatten)]
    pub result: FeedResult,
    /// The bytes that were sent.
    pub received_bytes: u64,
}

/// How the update of a feed ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "result", rename_all = "kebab-case")]
pub enum FeedResult {
    /// Its publisher has nothing new.
    Unchanged,
    /// It was taken.
    Updated(Taken),
    /// What was known before stays.
    Failed {
        /// What went wrong.
        reason: String,
        /// What can be done about it.
        next_step: String,
        /// What was taken all the same, of files that are good.
        taken: Taken,
    },
}

impl FeedResult {
    /// Tells whether anything is different now.
    pub fn is_change(&self) -> bool {
        match self {
            FeedResult::Unchanged => false,
            FeedResult::Updated(taken) | FeedResult::Failed { taken, .. } => taken.is_change(),
        }
    }
}

/// What was taken of a feed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Taken {
    /// Records that were not there.
    pub added: u64,
    /// Records that say something else now.
    pub changed: u64,
    /// Records that are no longer so.
    pub withdrawn: u64,
    /// Records that say what they said.
    pub unchanged: u64,
    /// Records that were refused as malformed.
    pub refused: u64,
    /// The first of them, each with the reason.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub refused_records: Vec<String>,
}

impl Taken {
    fn add(&mut self, other: &Taken) {
        self.added += other.added;
        self.changed += other.changed;
        self.withdrawn += other.withdrawn;
        self.unchanged += other.unchanged;
        self.refused += other.refused;
        self.refused_records.extend(other.refused_records.iter().cloned());
        self.refused_records.truncate(NAMED_REFUSALS);
    }

    fn is_change(&self) -> bool {
        self.added + self.changed + self.withdrawn > 0
    }

    fn of(report: &ImportReport) -> Self {
        let named = report.refused.iter().take(NAMED_REFUSALS);
        let named = named.map(|record| format!("{}: {}", record.name, record.reason));
        let mut taken = Taken {
            refused: report.refused_count,
            refused_records: named.collect(),
            ..Taken::default()
        };
        for feed in report.feeds.values() {
            taken.added += feed.added;
            taken.changed += feed.updated;
            taken.withdrawn += feed.withdrawn;
            taken.unchanged += feed.unchanged;
        }
        taken
    }
}

/// Updates feeds. The index in memory is the new one afterwards; matching is left to the caller.
///
/// # Errors
///
/// An [`UpdateError`], if nothing could be done at all. What went wrong with a feed is in its outcome.
pub async fn update(
    installation: &Installation,
    update: &Update,
    watcher: Arc<dyn Watcher>,
) -> Result<Vec<FeedOutcome>, UpdateError> {
    let folder = installation.advisories().sources_folder();
    let _lock = lock(&folder, installation.clock().now_ms())?;
    let states = States::new(folder.clone());
    let permits = Arc::new(Semaphore::new(DOWNLOADS));
    let mut downloads = JoinSet::new();
    for feed in &update.feeds {
        let state = if update.is_forced { FeedState::default() } else { states.read(feed.name) };
        let work = Download {
            feed,
            state,
            folder: folder.clone(),
            update: update.clone(),
            watcher: Arc::clone(&watcher),
        };
        let permits = Arc::clone(&permits);
        downloads.spawn(async move {
            let _permit = permits.acquire_owned().await;
            work.run().await
        });
    }
    let mut outcomes = Vec::new();
    let mut is_changed = false;
    while let Some(ended) = downloads.join_next().await {
        let Ok(fetched) = ended else { continue };
        let outcome = take(installation, &states, fetched, &watcher).await?;
        is_changed |= outcome.result.is_change();
        watcher.finished(&outcome);
        outcomes.push(outcome);
    }
    if is_changed {
        installation.advisories().reload().await?;
    }
    outcomes.sort_by(|a, b| a.feed.cmp(&b.feed));
    Ok(outcomes)
}

/// A feed that is to be downloaded.
struct Download {
    feed: &'static FeedSource,
    state: FeedState,
    folder: PathBuf,
    update: Update,
    watcher: Arc<dyn Watcher>,
}

/// A feed whose files are there, those that are new.
struct Fetched {
    feed: &'static FeedSource,
    state: FeedState,
    received_bytes: u64,
    files: Vec<FetchedFile>,
    /// What is missing: the whole feed, or some of its files.
    errors: Vec<SourceError>,
    /// What changed since the archive.
    changed: Changed,
    is_forced: bool,
}

/// A file of a feed.
struct FetchedFile {
    known: KnownFile,
    /// Where it is, if its records are not in the database yet.
    path: Option<DownloadPath>,
}

impl Download {
    async fn run(self) -> Fetched {
        let Update { mirrors, downloader, .. } = &self.update;
        let (mut files, mut errors, mut received_bytes) = (Vec::new(), Vec::new(), 0);
        match resolve(self.feed, mirrors, downloader).await {
            Ok(found) => {
                for (at, file) in found.iter().enumerate() {
                    match self.fetch(at, file.clone(), true, &mut received_bytes).await {
                        Ok(file) => files.push((at, file)),
                        Err(error) => errors.push(error),
                    }
                }
                if self.needs_all(&files) && errors.is_empty() {
                    for (at, known) in files.iter_mut().filter(|(_, file)| file.path.is_none()) {
                        let Some(file) = found.get(*at).cloned() else { continue };
                        match self.fetch(*at, file, false, &mut received_bytes).await {
                            Ok(file) => *known = file,
                            Err(error) => errors.push(error),
                        }
                    }
                }
            }
            Err(error) => errors.push(error),
        }
        let files: Vec<FetchedFile> = files.into_iter().map(|(_, file)| file).collect();
        let changed = self.changed_since(&files, &mut received_bytes).await;
        let Download { feed, state, update, .. } = self;
        let is_forced = update.is_forced;
        Fetched { feed, state, received_bytes, files, errors, changed, is_forced }
    }

    /// Where all files together are the feed and one is new, what is gone shows only in all of them.
    fn needs_all(&self, files: &[(usize, FetchedFile)]) -> bool {
        self.feed.whole == Some(Whole::Feed) && files.iter().any(|(_, file)| file.path.is_some())
    }

    /// Fetches a file; `may_skip` tells whether one whose records are known need not come again.
    async fn fetch(
        &self,
        at: usize,
        file: FeedFile,
        may_skip: bool,
        received: &mut u64,
    ) -> Result<FetchedFile, SourceError> {
        let name = format!("{}.{at}", self.feed.file_name());
        let path = DownloadPath::new(self.folder.join(name));
        let address = address_of(&file.url);
        if self.update.is_forced {
            path.remove_all().await;
        }
        // A file that is there was downloaded by somebody who did not live to take it.
        let staged = path.find().await.filter(|staged| staged.url == address);
        let staged = staged.filter(|staged| fits(&file.digest, &staged.digest));
        let known = self.state.files.iter().find(|known| known.url == address && may_skip);
        // An archive whose digest is published and known need not be asked for.
        if let (Some(known), true, None) = (known, file.digest.is_some(), &staged)
            && fits(&file.digest, &known.digest)
        {
            return Ok(FetchedFile { known: known.clone(), path: None });
        }
        let version = staged.as_ref().map(|staged| &staged.validators);
        let wanted = Wanted {
            url: file.url,
            path: path.clone(),
            known: version.or(known.map(|known| &known.validators)).cloned(),
            digest: file.digest,
            size_bytes: file.size_bytes,
        };
        let watch = |bytes, total| self.watcher.downloaded(self.feed.name, bytes, total);
        let outcome = self.update.downloader.fetch(&wanted, received, &watch).await?;
        Ok(match (outcome, staged, known) {
            (Outcome::New(new), ..) | (Outcome::Unchanged, Some(new), _) => {
                // Some servers send the same again: what is known need not be read.
                let path = known.is_none_or(|known| known.digest != new.digest).then_some(path);
                FetchedFile { known: new.into(), path }
            }
            (Outcome::Unchanged, None, Some(known)) => {
                FetchedFile { known: known.clone(), path: None }
            }
            (Outcome::Unchanged, None, None) => {
                return Err(SourceError::Unsupported {
                    subject: address,
                    reason: "it is said to be unchanged, but was never fetched".to_owned(),
                });
            }
        })
    }
}

fn fits(published: &Option<Digest>, own: &Digest) -> bool {
    published
        .as_ref()
        .is_none_or(|published| published.algorithm() != own.algorithm() || published == own)
}

/// Takes what was fetched of a feed into the database.
async fn take(
    installation: &Installation,
    states: &States,
    fetched: Fetched,
    watcher: &Arc<dyn Watcher>,
) -> Result<FeedOutcome, UpdateError> {
    let Fetched { feed, mut state, received_bytes, files, errors, changed, is_forced } = fetched;
    let paths = files.iter().filter_map(|file| file.path.as_ref());
    let paths: Vec<PathBuf> = paths.map(|path| path.file().to_owned()).collect();
    let publication = publication(feed, is_forced).filter(|_| errors.is_empty());
    let mut result = take_files(installation, feed.name, paths, publication, watcher).await?;
    if !matches!(result, FeedResult::Failed { .. }) {
        for file in &files {
            state.files.retain(|known| known.url != file.known.url);
            state.files.push(file.known.clone());
        }
        result = changed.take(installation, feed, &mut state, result, watcher).await?;
    }
    if let Some(error) = errors.first() {
        result = not_fetched(error, errors.len(), files.len(), result);
    }
    state.note(&result, installation.clock().now_ms());
    states.write(feed.name, &state)?;
    // Only now, so that who is killed before takes them again. One that is no good is fetched anew
    // the next time.
    for path in files.iter().filter_map(|file| file.path.as_ref()) {
        path.remove().await;
    }
    Ok(FeedOutcome { feed: feed.name.to_owned(), result, received_bytes })
}

/// A feed of which something could not be fetched has failed, also if the rest was taken.
fn not_fetched(error: &SourceError, missing: usize, there: usize, rest: FeedResult) -> FeedResult {
    let reason = match there {
        0 => chain(error),
        _ => format!("get {missing} of {} files, one of them: {}", missing + there, chain(error)),
    };
    let taken = match rest {
        FeedResult::Unchanged => Taken::default(),
        FeedResult::Updated(taken) | FeedResult::Failed { taken, .. } => taken,
    };
    FeedResult::Failed { reason, next_step: next_step_after(error), taken }
}

/// Returns what a feed's files are together.
fn publication(feed: &FeedSource, allows_shrinking: bool) -> Option<Publication<'static>> {
    feed.whole.map(|whole| Publication { feed: feed.records, whole, allows_shrinking })
}

/// Takes files.
async fn take_files(
    installation: &Installation,
    feed: &'static str,
    paths: Vec<PathBuf>,
    publication: Option<Publication<'static>>,
    watcher: &Arc<dyn Watcher>,
) -> Result<FeedResult, UpdateError> {
    if paths.is_empty() {
        return Ok(FeedResult::Unchanged);
    }
    let watching = Arc::clone(watcher);
    let progress = move |at: &Progress| watching.takes(feed, at.records);
    let report = installation.advisories().take(paths, publication, progress).await?;
    Ok(judge(&report))
}

/// Tells what an import means for a feed.
fn judge(report: &ImportReport) -> FeedResult {
    let taken = Taken::of(report);
    if let Some(failed) = report.failed.first() {
        return FeedResult::Failed {
            taken,
            reason: format!("read its file: {}", failed.reason),
            next_step: "what was known stays; try again later, and tell the publisher if it lasts"
                .to_owned(),
        };
    }
    if report.feeds.is_empty() {
        return FeedResult::Failed {
            taken,
            reason: match report.refused.first() {
                Some(refused) => {
                    format!("read any of its records, such as {}: {}", refused.name, refused.reason)
                }
                None => "find a record in it that is known here".to_owned(),
            },
            next_step: "what was known stays; a newer version of the program may be needed"
                .to_owned(),
        };
    }
    let missing: u64 = report.feeds.values().map(|feed| feed.missing).sum();
    if missing > 0 {
        return FeedResult::Failed {
            taken,
            reason: format!("believe that {missing} records, more than half, are gone at once"),
            next_step: "they stay; try again later, or use --force if that is right".to_owned(),
        };
    }
    if taken.added + taken.changed + taken.withdrawn + taken.refused == 0 {
        return FeedResult::Unchanged;
    }
    FeedResult::Updated(taken)
}

fn next_step_after(error: &SourceError) -> String {
    let step = match error {
        SourceError::NotFound { .. } => {
            "check the mirror, or whether a newer version knows the new address"
        }
        SourceError::Unauthorized { .. } => "check the mirror's credentials, or the proxy's rules",
        SourceError::UntrustedCertificate { .. } => "add the authority by --ca-file",
        SourceError::ForbiddenRedirect { .. } | SourceError::ForbiddenAddress { .. } => {
            "give the place as a --mirror if it is right"
        }
        SourceError::DigestMismatch { .. } | SourceError::Malformed { .. } => {
            "try again later; the publisher may be in the middle of a change"
        }
        SourceError::LimitExceeded { .. } => "raise the limit if the size is right",
        SourceError::Io { .. } => "look for room and permissions in the data directory",
        _ => "try again later, or check network, --proxy and --mirror",
    };
    format!("what was known stays; {step}")
}

/// Keeps a second update out; the lock ends with the process, however it ends.
fn lock(folder: &Path, now_ms: i64) -> Result<File, UpdateError> {
    let io_error = |path: &Path, source| UpdateError::Io { path: path.to_owned(), source };
    std::fs::create_dir_all(folder).map_err(|error| io_error(folder, error))?;
    let path = folder.join("lock");
    let opened = File::options().create(true).truncate(false).read(true).write(true).open(&path);
    let mut file = opened.map_err(|error| io_error(&path, error))?;
    match file.try_lock() {
        Ok(()) => {
            let since = tallyman_model::clock::format_utc(now_ms);
            let text = format!("process {}, since {since}\n", std::process::id());
            let written = file.set_len(0).and_then(|()| file.write_all(text.as_bytes()));
            written.map_err(|error| io_error(&path, error))?;
            Ok(file)
        }
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            // Only for the message.
            let _ = file.take(200).read_to_string(&mut holder);
            let holder = holder.trim();
            let holder = if holder.is_empty() { String::new() } else { format!(" ({holder})") };
            Err(UpdateError::Busy { path: folder.to_owned(), holder })
        }
        Err(TryLockError::Error(error)) => Err(io_error(&path, error)),
    }
}

/// Reads what is known of each feed's last update.
pub fn states(installation: &Installation) -> Vec<(&'static FeedSource, FeedState)> {
    let states = States::new(installation.advisories().sources_folder());
    let all = tallyman_source::feeds::FEEDS.iter();
    all.map(|feed| (feed, states.read(feed.name)))
        .filter(|(_, state)| *state != FeedState::default())
        .collect()
}

/// Returns when the advisories were last brought up to date: when a publisher was asked with success,
/// or the newest date in the data, whichever is later.
pub fn last_known_ms(installation: &Installation) -> Option<i64> {
    let asked = states(installation).into_iter().filter_map(|(_, state)| state.checked_ms).max();
    let index = installation.advisories().current();
    asked.max(index.feeds().iter().filter_map(|feed| feed.data_ms).max())
}

/// Forgets which versions are in the database, so that everything is fetched again.
pub(crate) fn forget(sources: &Path) {
    let entries = sources.read_dir().into_iter().flatten().filter_map(Result::ok);
    for entry in entries.filter(|e| e.path().extension().is_some_and(|end| end == "state")) {
        // What stays makes an update believe that it has what it has not; so it is told.
        if let Err(error) = std::fs::remove_file(entry.path()) {
            tracing::warn!(%error, file = %entry.path().display(), "could not be removed; use `db update --force`");
        }
    }
}
