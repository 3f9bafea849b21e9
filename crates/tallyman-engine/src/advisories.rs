//! The advisories of an installation: the database on disk and the index in memory.
//!
//! Readers hold an index for as long as they like; a new one takes its place for those who ask
//! after it. An installation without any advisories gets those that the program ships.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use tallyman_match::database::compare::{DatabaseDifference, FeedState};
use tallyman_match::database::exchange::{BundleError, Exported, Imported, Since, Trust};
use tallyman_match::database::{AdvisoryDatabase, DatabaseError, ImportReport, Publication};
use tallyman_match::feed::Progress;
use tallyman_match::index::AdvisoryIndex;
use tallyman_match::signing::SigningKey;
use tallyman_match::snapshot::shipped_bundle;
use tallyman_model::advisory::FeedInfo;
use tallyman_model::clock::Clock;
use tallyman_model::limits::Limits;

use crate::blocking;

/// Why advisories cannot be read or changed.
#[derive(Debug, thiserror::Error)]
#[error("use the advisories")]
pub struct AdvisoriesError(#[from] DatabaseError);

/// Compares two states of the feeds: bundles, or data directories of installations.
///
/// # Errors
///
/// An [`AdvisoriesError`].
pub async fn compare(
    old: PathBuf,
    new: PathBuf,
    limits: Limits,
) -> Result<DatabaseDifference, AdvisoriesError> {
    let difference = blocking::run(move || {
        FeedState::open(&old, &limits)?.compare(FeedState::open(&new, &limits)?)
    });
    Ok(difference.await?)
}

/// The advisories of an installation.
pub struct Advisories {
    database: Arc<AdvisoryDatabase>,
    index: RwLock<Arc<AdvisoryIndex>>,
    /// Whether the feeds on disk changed under the index in memory.
    is_outdated: AtomicBool,
    clock: Arc<dyn Clock>,
}

impl Advisories {
    /// Opens the advisories of a directory; an empty one is filled with the shipped snapshot.
    ///
    /// # Errors
    ///
    /// An [`AdvisoriesError`].
    pub async fn open(
        directory: PathBuf,
        limits: Limits,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, AdvisoriesError> {
        let now_ms = clock.now_ms();
        let (database, index) = blocking::run(move || {
            let database = AdvisoryDatabase::open(&directory, limits)?;
            if database.info()?.is_empty() {
                database.install_bundle(shipped_bundle(), now_ms)?;
            }
            let index = database.open_index()?;
            Ok::<_, DatabaseError>((Arc::new(database), index))
        })
        .await?;
        let index = RwLock::new(index);
        Ok(Advisories { database, index, is_outdated: AtomicBool::new(false), clock })
    }

    /// Returns the index as it is now.
    pub fn current(&self) -> Arc<AdvisoryIndex> {
        Arc::clone(&self.index.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Tells whether an import changed the feeds since the index was taken from the disk.
    pub fn is_outdated(&self) -> bool {
        self.is_outdated.load(Ordering::Acquire)
    }

    /// Takes the index from the disk, where another process may have put a newer one, and reads all
    /// of it: what the store keeps is judged with it.
    ///
    /// # Errors
    ///
    /// An [`AdvisoriesError`]; the index in memory stays.
    pub async fn reload(&self) -> Result<(), AdvisoriesError> {
        let database = Arc::clone(&self.database);
        let index = blocking::run(move || database.open_verified_index()).await?;
        self.is_outdated.store(false, Ordering::Release);
        *self.index.write().unwrap_or_else(PoisonError::into_inner) = index;
        Ok(())
    }

    /// Opens the index of a revision, where its file is still there.
    ///
    /// # Errors
    ///
    /// An [`AdvisoriesError`].
    pub async fn find_revision(
        &self,
        revision: Option<&str>,
    ) -> Result<Option<Arc<AdvisoryIndex>>, AdvisoriesError> {
        let Some(revision) = revision.map(str::to_owned) else { return Ok(None) };
        let current = self.current();
        if current.revision() == revision {
            return Ok(Some(current));
        }
        let database = Arc::clone(&self.database);
        Ok(blocking::run(move || database.find_revision(&revision)).await?.map(Arc::new))
    }

    /// Imports files, directories and archives, and bundles that were exported. The index in
    /// memory stays until [`Advisories::reload`].
    ///
    /// # Errors
    ///
    /// An [`AdvisoriesError`]. What is wrong with the files is in the report.
    pub async fn import(
        &self,
        paths: Vec<PathBuf>,
        mut progress: impl FnMut(&Progress) + Send + 'static,
    ) -> Result<ImportReport, AdvisoriesError> {
        let (database, now_ms) = (Arc::clone(&self.database), self.clock.now_ms());
        let report = blocking::run(move || database.import(&paths, now_ms, &mut progress)).await?;
        self.reload().await?;
        Ok(report)
    }

    /// Takes files into the database, as the whole of a publication if they are that. The index
    /// stays as it is, on disk and in memory, until [`Advisories::reload`], so that many can be
    /// taken one after the other.
    ///
    /// # Errors
    ///
    /// An [`AdvisoriesError`]. What is wrong with the files is in the report.
    pub async fn take(
        &self,
        paths: Vec<PathBuf>,
        publication: Option<Publication<'static>>,
        mut progress: impl FnMut(&Progress) + Send + 'static,
    ) -> Result<ImportReport, AdvisoriesError> {
        let (database, now_ms) = (Arc::clone(&self.database), self.clock.now_ms());
        let report = blocking::run(move || match publication {
            Some(publication) => {
                database.import_publication(&paths, &publication, now_ms, &mut progress)
            }
            None => database.import(&paths, now_ms, &mut progress),
        });
        Ok(report.await?)
    }

    /// Withdraws records of a feed by their ids; the index stays as with [`Advisories::take`].
    ///
    /// # Errors
    ///
    /// An [`AdvisoriesError`].
    pub async fn withdraw(
        &self,
        feed: &'static str,
        ids: Vec<String>,
    ) -> Result<ImportReport, AdvisoriesError> {
        let (database, now_ms) = (Arc::clone(&self.database), self.clock.now_ms());
        Ok(blocking::run(move || database.withdraw(feed, &ids, now_ms)).await?)
    }

    /// Returns the folder for what belongs to the sources of the feeds: files on their way, and
    /// which versions are known.
    pub fn sources_folder(&self) -> PathBuf {
        self.database.folder().join("sources")
    }

    /// Writes a bundle for other installations.
    ///
    /// # Errors
    ///
    /// A [`BundleError`].
    pub async fn export_bundle(
        &self,
        path: PathBuf,
        since: Option<Since>,
        key: Option<SigningKey>,
    ) -> Result<Exported, BundleError> {
        let (database, now_ms) = (Arc::clone(&self.database), self.clock.now_ms());
        blocking::run(move || database.export_bundle(&path, since.as_ref(), key.as_ref(), now_ms))
            .await
    }

    /// Takes a bundle in place of what is there. The index in memory is the new one afterwards.
    ///
    /// # Errors
    ///
    /// A [`BundleError`]; nothing is changed then.
    pub async fn import_bundle(
        &self,
        path: PathBuf,
        trust: Trust,
    ) -> Result<Imported, BundleError> {
        let (database, now_ms) = (Arc::clone(&self.database), self.clock.now_ms());
        let sources = self.sources_folder();
        let imported = blocking::run(move || {
            let imported = database.import_bundle_file(&path, &trust, now_ms)?;
            // What the publishers' versions were does not hold for these records.
            crate::feed_updates::forget(&sources);
            Ok::<_, BundleError>(imported)
        })
        .await?;
        self.reload().await.map_err(|AdvisoriesError(error)| error)?;
        Ok(imported)
    }

    /// Returns what the last change of the feeds was, where that was written down.
    ///
    /// # Errors
    ///
    /// An [`AdvisoriesError`].
    pub async fn last_change(&self) -> Result<Option<DatabaseDifference>, AdvisoriesError> {
        let database = Arc::clone(&self.database);
        Ok(blocking::run(move || database.last_change()).await?)
    }

    /// Describes the feeds.
    ///
    /// # Errors
    ///
    /// An [`AdvisoriesError`].
    pub async fn feeds(&self) -> Result<Vec<FeedInfo>, AdvisoriesError> {
        let database = Arc::clone(&self.database);
        Ok(blocking::run(move || database.info()).await?)
    }
}
