//! The advisories of an installation: a folder with one facts file for each feed, a manifest that
//! names the files that count, and the compiled index.
//!
//! Files are named after their content and never changed. A change writes new files, then replaces
//! the manifest by a rename, then removes what nothing names any more. So a process that is killed
//! at any moment leaves either the old state or the new one.

pub(crate) mod bundle;
pub mod compare;
pub mod difference;
pub mod exchange;
mod facts;
mod journal;
mod manifest;
mod merge;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tallyman_model::advisory::{FeedInfo, Whole};
use tallyman_model::limits::Limits;

use crate::container::{Reader, describe};
use crate::feed::{Progress, Refusal, SkipReason};
use crate::index::compile::{compile, depends_on};
use crate::index::{AdvisoryIndex, IndexError};
use crate::record::{FeedContent, StoredRecord};
use journal::{Journal, Notes};
use manifest::{FeedFile, Manifest};
use merge::{Incoming, merge};

/// Refused records are named up to this number, and counted beyond it.
const NAMED_REFUSALS: usize = 1_000;

/// Why the advisory database cannot be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// A file of the database cannot be read or written.
    #[error("the advisory file {path} cannot be used")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file of the database is not what was written.
    #[error("the advisory file {path} is damaged: {reason}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A bundle cannot be read; nothing of it was taken.
    #[error("the advisory bundle cannot be read: {0}")]
    Bundle(String),
    /// The index cannot be compiled.
    #[error(transparent)]
    Index(#[from] IndexError),
}

/// What an import did to one feed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FeedReport {
    /// Records that were not there.
    pub added: u64,
    /// Records that say something else now.
    pub updated: u64,
    /// Records that say what they said, or are older than what is known.
    pub unchanged: u64,
    /// Records that were withdrawn, or are gone from a feed that is published as a whole.
    pub withdrawn: u64,
    /// Records that a feed no longer has, but which are so many that they stay.
    pub missing: u64,
    /// What was left out, by reason.
    pub skipped: BTreeMap<SkipReason, u64>,
}

/// What the files of an import are together.
#[derive(Clone, Copy, Debug)]
pub struct Publication<'a> {
    /// The feed.
    pub feed: &'a str,
    /// What of it they are the whole of.
    pub whole: Whole,
    /// Whether most of what was known may be gone at once.
    pub allows_shrinking: bool,
}

/// What an import did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportReport {
    /// By feed.
    pub feeds: BTreeMap<String, FeedReport>,
    /// What was left out before a feed could be told, by reason.
    pub skipped: BTreeMap<SkipReason, u64>,
    /// Malformed records, up to a thousand; the others were taken.
    pub refused: Vec<Refusal>,
    /// The number of malformed records.
    pub refused_count: u64,
    /// Files of which nothing was taken; what was known before stays.
    pub failed: Vec<Refusal>,
}

impl ImportReport {
    /// Tells whether any advisory is different now.
    pub fn is_changed(&self) -> bool {
        self.feeds.values().any(|feed| feed.added + feed.updated + feed.withdrawn > 0)
    }
}

/// The advisory database in a folder.
#[derive(Debug)]
pub struct AdvisoryDatabase {
    folder: PathBuf,
    limits: Limits,
}

impl AdvisoryDatabase {
    /// Opens the database in a folder, which is made if it is not there.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn open(folder: &Path, limits: Limits) -> Result<Self, DatabaseError> {
        std::fs::create_dir_all(folder).map_err(|source| io_error(folder, source))?;
        Ok(AdvisoryDatabase { folder: folder.to_owned(), limits })
    }

    /// Returns the folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Imports feeds from files, archives and folders of any of the known formats, and bundles.
    /// Records are
    /// merged by their ids and the newer one stays.
    ///
    /// # Errors
    /// When the database itself cannot be read or written. What is wrong with the files is in the
    /// report.
    pub fn import(
        &self,
        paths: &[PathBuf],
        now_ms: i64,
        progress: &mut dyn FnMut(&Progress),
    ) -> Result<ImportReport, DatabaseError> {
        self.import_as(paths, None, now_ms, progress)
    }

    /// Imports the files in which a feed is published: what they no longer say is withdrawn, unless
    /// anything of them was refused, in which case nobody knows what that was.
    ///
    /// # Errors
    /// As [`AdvisoryDatabase::import`].
    pub fn import_publication(
        &self,
        paths: &[PathBuf],
        publication: &Publication<'_>,
        now_ms: i64,
        progress: &mut dyn FnMut(&Progress),
    ) -> Result<ImportReport, DatabaseError> {
        self.import_as(paths, Some(publication), now_ms, progress)
    }

    fn import_as(
        &self,
        paths: &[PathBuf],
        publication: Option<&Publication<'_>>,
        now_ms: i64,
        progress: &mut dyn FnMut(&Progress),
    ) -> Result<ImportReport, DatabaseError> {
        let mut report = ImportReport::default();
        let (bundles, feeds): (Vec<&PathBuf>, Vec<&PathBuf>) =
            paths.iter().partition(|path| bundle::is_bundle(path));
        for path in bundles {
            self.import_bundle(path, now_ms, &mut report)?;
        }
        let mut reader = Reader::new(&self.limits, &self.folder, progress);
        feeds.iter().for_each(|path| reader.read_path(path));
        let Reader { harvest, failed, .. } = reader;
        for (name, error) in failed {
            report.failed.push(Refusal { name, reason: describe(&error) });
        }
        report.refused_count = u64::try_from(harvest.refused.len()).unwrap_or(u64::MAX);
        report.refused = harvest.refused.iter().take(NAMED_REFUSALS).cloned().collect();
        for ((feed, reason), count) in &harvest.skipped {
            let counts = match feed.as_str() {
                "" => &mut report.skipped,
                feed => &mut report.feeds.entry(feed.to_owned()).or_default().skipped,
            };
            *counts.entry(*reason).or_default() += count;
        }
        let is_sound = report.failed.is_empty() && report.refused_count == 0;
        let mut incoming = Incoming::of_harvest(harvest);
        if let Some(publication) = publication.filter(|_| is_sound)
            && let Some(incoming) = incoming.get_mut(publication.feed)
        {
            incoming.set_whole(publication);
        }
        self.merge_all(incoming, now_ms, &mut report)?;
        Ok(report)
    }

    /// Withdraws records whose publisher says that they are gone, by their ids in whatever letters.
    ///
    /// # Errors
    /// When the database cannot be read or written.
    pub fn withdraw(
        &self,
        feed: &str,
        ids: &[String],
        now_ms: i64,
    ) -> Result<ImportReport, DatabaseError> {
        let mut report = ImportReport::default();
        let ids: BTreeSet<String> = ids.iter().map(|id| id.to_ascii_lowercase()).collect();
        let incoming = Incoming { gone: ids, ..Incoming::default() };
        if !incoming.gone.is_empty() && self.info()?.iter().any(|info| info.name == feed) {
            self.merge_all(BTreeMap::from([(feed.to_owned(), incoming)]), now_ms, &mut report)?;
        }
        Ok(report)
    }

    /// A bundle that is not whole is one file that failed.
    fn import_bundle(
        &self,
        path: &Path,
        now_ms: i64,
        report: &mut ImportReport,
    ) -> Result<(), DatabaseError> {
        let bytes = std::fs::read(path).map_err(|source| io_error(path, source))?;
        match bundle::read(&bytes, &self.limits) {
            Ok(incoming) => self.merge_all(incoming, now_ms, report),
            Err(error) => {
                let (name, reason) = (path.display().to_string(), error.to_string());
                report.failed.push(Refusal { name, reason });
                Ok(())
            }
        }
    }

    /// Installs the bundle that comes with the program, which [`AdvisoryDatabase::export`] wrote. It
    /// is merged like an import.
    ///
    /// # Errors
    /// When the bundle cannot be read as a whole, or the database cannot be read or written.
    pub fn install_bundle(&self, bytes: &[u8], now_ms: i64) -> Result<ImportReport, DatabaseError> {
        // It comes with the program, so limits on what comes from outside are not for it.
        let incoming = bundle::read(bytes, &Limits::default())?;
        let mut report = ImportReport::default();
        self.merge_all(incoming, now_ms, &mut report)?;
        Ok(report)
    }

    /// Writes all feeds as one bundle of facts.
    ///
    /// # Errors
    /// When a feed cannot be read or the bundle cannot be written.
    pub fn export(&self, writer: impl Write) -> Result<(), DatabaseError> {
        let feeds = self.read_feeds(&self.manifest()?)?;
        bundle::write(&feeds, writer).map_err(|source| io_error(Path::new("bundle"), source))
    }

    /// Returns the feeds, sorted by name.
    ///
    /// # Errors
    /// When the manifest cannot be read.
    pub fn info(&self) -> Result<Vec<FeedInfo>, DatabaseError> {
        Ok(self.manifest()?.feeds.into_iter().map(|feed| feed.info).collect())
    }

    /// Opens the compiled index, which is compiled first where the feeds have changed since or the
    /// file is not whole. Its content is read only as it is used.
    ///
    /// # Errors
    /// When the feeds cannot be read, or the index cannot be written.
    pub fn open_index(&self) -> Result<Arc<AdvisoryIndex>, DatabaseError> {
        match self.find_index(&self.manifest()?) {
            Some(index) => Ok(Arc::new(index)),
            None => self.compile_unless(|_| true),
        }
    }

    /// Opens the compiled index as [`AdvisoryDatabase::open_index`] does, and reads all of it: one
    /// that is damaged anywhere is compiled anew. For those who judge much with it.
    ///
    /// # Errors
    /// When the feeds cannot be read, or the index cannot be written.
    pub fn open_verified_index(&self) -> Result<Arc<AdvisoryIndex>, DatabaseError> {
        let is_whole = |index: &AdvisoryIndex| index.verify().is_ok();
        match self.find_index(&self.manifest()?).filter(is_whole) {
            Some(index) => Ok(Arc::new(index)),
            None => self.compile_unless(is_whole),
        }
    }

    fn compile_unless(
        &self,
        is_good: impl Fn(&AdvisoryIndex) -> bool,
    ) -> Result<Arc<AdvisoryIndex>, DatabaseError> {
        let _lock = self.lock()?;
        let mut manifest = self.manifest()?;
        // Another process may have been faster.
        if let Some(index) = self.find_index(&manifest).filter(is_good) {
            return Ok(Arc::new(index));
        }
        let bytes = compile(&mut self.contents(&manifest)?)?;
        let revision = AdvisoryIndex::from_bytes(bytes.clone())?.revision().to_owned();
        self.write(&index_file(&revision), &bytes)?;
        drop(bytes);
        manifest.set_index(&revision);
        self.commit(&manifest)?;
        Ok(Arc::new(AdvisoryIndex::open(&self.folder.join(index_file(&revision)))?))
    }

    /// Returns all feeds for compiling: those that are as they were when the last index was compiled
    /// are taken from it, which is much quicker than reading their facts.
    fn contents(&self, manifest: &Manifest) -> Result<Vec<FeedContent>, DatabaseError> {
        let mut known = self.known_records(manifest).unwrap_or_default();
        let contents = manifest.feeds.iter().map(|file| match known.remove(&file.info.name) {
            Some(records) if !records.is_empty() => {
                Ok(FeedContent { info: file.info.clone(), records })
            }
            _ => self.read_feed(file),
        });
        contents.collect()
    }

    /// Returns the records of unchanged feeds from the last index, if it is there and whole.
    fn known_records(&self, manifest: &Manifest) -> Option<BTreeMap<String, Vec<StoredRecord>>> {
        let compiled = manifest.compiled.as_ref()?;
        let index = AdvisoryIndex::open(&self.folder.join(index_file(&compiled.revision))).ok()?;
        index.verify().ok().filter(|()| index.revision() == compiled.revision)?;
        let is_current = |name: &str| {
            let file = manifest.feeds.iter().find(|file| file.info.name == name);
            file.is_some_and(|file| compiled.is_current(file))
        };
        let now = manifest.feeds.iter().map(|file| file.info.name.as_str());
        let changed: Vec<&str> =
            now.chain(compiled.feeds()).filter(|name| !is_current(name)).collect();
        let mut records = index.records().ok()?;
        records.retain(|name, _| {
            is_current(name) && !changed.iter().any(|other| depends_on(name, other))
        });
        Some(records)
    }

    /// Opens the index of a revision, where its file is still there: what was matched with it need
    /// only be matched again where a newer one says something else.
    ///
    /// # Errors
    /// When the manifest cannot be read.
    pub fn find_revision(&self, revision: &str) -> Result<Option<AdvisoryIndex>, DatabaseError> {
        let manifest = self.manifest()?;
        if !manifest.names(&index_file(revision)) {
            return Ok(None);
        }
        let index = AdvisoryIndex::open(&self.folder.join(index_file(revision))).ok();
        Ok(index.filter(|index| index.revision() == revision))
    }

    fn find_index(&self, manifest: &Manifest) -> Option<AdvisoryIndex> {
        let revision = manifest.index.as_deref()?;
        // A damaged index is compiled anew, which is all that could be done about it.
        let index = AdvisoryIndex::open(&self.folder.join(index_file(revision))).ok()?;
        (index.revision() == revision).then_some(index)
    }

    fn merge_all(
        &self,
        incoming: BTreeMap<String, Incoming>,
        now_ms: i64,
        report: &mut ImportReport,
    ) -> Result<(), DatabaseError> {
        let _lock = self.lock()?;
        let mut manifest = self.manifest()?;
        let before = manifest.clone();
        let mut notes = Notes::default();
        let mut is_changed = false;
        for (name, incoming) in incoming {
            let known = match manifest.feeds.iter().find(|feed| feed.info.name == name) {
                Some(file) => Some(self.read_feed(file)?),
                None => None,
            };
            let feed_report = report.feeds.entry(name.clone()).or_default();
            let content = merge(&name, known.as_ref(), incoming, now_ms, feed_report);
            let is_same = known.as_ref().is_some_and(|known| known.records == content.records);
            let file = if is_same {
                // The index has the dates of the feeds, so that its revision depends on them.
                is_changed |= known.is_some_and(|known| {
                    known.info.data_ms != content.info.data_ms
                        || known.info.attribution != content.info.attribution
                        || known.info.complete != content.info.complete
                });
                let file = manifest.feeds.iter().find(|feed| feed.info.name == name);
                file.map(|file| FeedFile { info: content.info, ..file.clone() })
            } else {
                is_changed = true;
                notes.add(known.as_ref(), &content);
                Some(self.write_feed(&content)?)
            };
            manifest.feeds.retain(|feed| feed.info.name != name);
            manifest.feeds.extend(file);
        }
        manifest.feeds.sort_by(|a, b| a.info.name.cmp(&b.info.name));
        if is_changed {
            self.note(notes, &before, &manifest, now_ms)?;
            manifest.outdate_index();
        }
        self.commit(&manifest)
    }

    fn write_feed(&self, content: &FeedContent) -> Result<FeedFile, DatabaseError> {
        let bytes = facts::write(content).map_err(|source| io_error(&self.folder, source))?;
        let sha256 = hex::encode(ring::digest::digest(&ring::digest::SHA256, &bytes));
        let short = sha256.get(..16).unwrap_or(&sha256);
        let file = format!("{}-{short}.facts", content.info.name.replace('/', "-"));
        self.write(&file, &bytes)?;
        Ok(FeedFile { file, sha256, info: content.info.clone() })
    }

    fn read_feeds(&self, manifest: &Manifest) -> Result<Vec<FeedContent>, DatabaseError> {
        manifest.feeds.iter().map(|file| self.read_feed(file)).collect()
    }

    fn read_feed(&self, file: &FeedFile) -> Result<FeedContent, DatabaseError> {
        let path = self.folder.join(&file.file);
        let bytes = std::fs::read(&path).map_err(|source| io_error(&path, source))?;
        let sha256 = hex::encode(ring::digest::digest(&ring::digest::SHA256, &bytes));
        let damaged = |reason: String| DatabaseError::Damaged { path: path.clone(), reason };
        if sha256 != file.sha256 {
            return Err(damaged("its content is not what its hash says".to_owned()));
        }
        let records = facts::read(&bytes).map_err(|error| damaged(error.to_string()))?;
        Ok(FeedContent { info: file.info.clone(), records })
    }

    /// Writes down what is about to change, before the manifest that brings it.
    fn note(
        &self,
        notes: Notes,
        before: &Manifest,
        after: &Manifest,
        now_ms: i64,
    ) -> Result<(), DatabaseError> {
        let mut journal = self.journal();
        journal.add(notes.into_entry(before, after, now_ms));
        let bytes = journal.to_bytes().map_err(|source| io_error(&self.folder, source.into()))?;
        self.write(journal::FILE, &bytes)
    }

    fn journal(&self) -> Journal {
        std::fs::read(self.folder.join(journal::FILE))
            .map_or_else(|_| Journal::default(), |bytes| Journal::parse(&bytes))
    }

    fn manifest(&self) -> Result<Manifest, DatabaseError> {
        let path = self.folder.join(manifest::FILE);
        match std::fs::read(&path) {
            Ok(bytes) => Manifest::parse(&bytes)
                .map_err(|error| DatabaseError::Damaged { path, reason: error.to_string() }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Manifest::default()),
            Err(source) => Err(io_error(&path, source)),
        }
    }

    /// Makes a manifest the one that counts, and removes what it does not name.
    fn commit(&self, manifest: &Manifest) -> Result<(), DatabaseError> {
        let bytes = manifest.to_bytes().map_err(|source| io_error(&self.folder, source.into()))?;
        self.write(manifest::FILE, &bytes)?;
        let entries = self.folder.read_dir().map_err(|source| io_error(&self.folder, source))?;
        for entry in entries.filter_map(Result::ok) {
            let name = entry.file_name().to_string_lossy().into_owned();
            let is_ours = [".facts", ".tix", ".tmp"].iter().any(|end| name.ends_with(end));
            if is_ours && !manifest.names(&name) {
                // What cannot be removed now is tried again at the next change.
                drop(std::fs::remove_file(entry.path()));
            }
        }
        Ok(())
    }

    /// Writes a file so that it is there as a whole or not at all.
    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), DatabaseError> {
        let path = self.folder.join(name);
        let temporary = self.folder.join(format!("{name}.tmp"));
        let result = File::create(&temporary)
            .and_then(|mut file| {
                file.write_all(bytes)?;
                file.sync_all()
            })
            .and_then(|()| std::fs::rename(&temporary, &path))
            .and_then(|()| sync_folder(&self.folder));
        result.map_err(|source| io_error(&path, source))
    }

    /// Keeps other processes from changing the database until the file is dropped.
    fn lock(&self) -> Result<File, DatabaseError> {
        let path = self.folder.join("lock");
        let lock = File::create(&path).and_then(|file| file.lock().map(|()| file));
        lock.map_err(|source| io_error(&path, source))
    }
}

/// A rename survives a power cut only once its folder is on the disk.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

fn index_file(revision: &str) -> String {
    format!("index-{revision}.tix")
}

fn io_error(path: &Path, source: io::Error) -> DatabaseError {
    DatabaseError::Io { path: path.to_owned(), source }
}

#[cfg(test)]
mod facts_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod whole_tests;
