//! Carrying the whole database from one installation to another in a bundle, which may be signed and
//! may hold only what is different since an earlier one (a delta). The format is described in
//! `docs/bundles.md`.
//!
//! What is imported takes the place of what was there, so that both sides have the same revision.

mod baseline;
mod envelope;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tallyman_model::clock::format_utc;
use tallyman_model::limits::Limits;

use super::journal::Notes;
use super::manifest::FeedFile;
use super::{AdvisoryDatabase, DatabaseError, FeedReport, ImportReport};
use crate::record::{FeedContent, StoredRecord};
use crate::signing::{PublicKey, SigningKey};
use baseline::{Baseline, RecordHash};
use envelope::{Envelope, Header, HeaderFeed, Payload};

pub use envelope::State;

/// The file that remembers the last bundle.
const LAST: &str = "bundle.json";

/// Why a bundle was not written or not taken. Nothing is changed then.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// Keys are pinned, and none of them signed it.
    #[error("{path} is not signed{by}: {hint}", path = path.display())]
    Untrusted {
        /// The bundle.
        path: PathBuf,
        /// By whom it is not signed.
        by: String,
        /// What to do next.
        hint: String,
    },
    /// It says something else than what was signed or summed up.
    #[error("{path} is damaged: {reason}", path = path.display())]
    Damaged {
        /// The bundle.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// It is older than what is there.
    #[error("{path} is older than what is there ({reason}); --allow-older takes it all the same", path = path.display())]
    Older {
        /// The bundle.
        path: PathBuf,
        /// What is newer.
        reason: String,
    },
    /// A delta is against something else than what is there.
    #[error(
        "{path} holds what is different since revision {wanted}, but revision {present} is here; \
         import a full bundle, or a delta since {present}", path = path.display()
    )]
    OtherBase {
        /// The bundle.
        path: PathBuf,
        /// The revision that it is against.
        wanted: String,
        /// The revision that is there.
        present: String,
    },
    /// Nothing is known of what a delta is to be against.
    #[error(
        "nothing is known of {0} any more: export a full bundle, or since another revision; known are {1}"
    )]
    UnknownBase(String, String),
    /// A file cannot be read or written.
    #[error("use {path}", path = path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The database cannot be read or written.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

/// Against what a delta is written.
#[derive(Clone, Debug)]
pub enum Since {
    /// A revision of which a bundle was exported here before.
    Revision(String),
    /// The bundle that brought the other side where it is.
    File(PathBuf),
}

/// Whose bundles are taken.
#[derive(Clone, Debug, Default)]
pub struct Trust {
    /// The pinned keys; where there are none, everything is taken.
    pub keys: Vec<PublicKey>,
    /// Whether something older than what is there is taken.
    pub allows_older: bool,
}

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exported {
    /// The revision that the bundle leads to.
    pub revision: String,
    /// The revision that it is against.
    pub base: Option<String>,
    /// The records in it.
    pub records: u64,
    /// The records that it removes.
    pub removed: u64,
    /// Its size.
    pub size_bytes: u64,
}

/// What was imported.
#[derive(Clone, Debug)]
pub struct Imported {
    /// What is different, by feed.
    pub report: ImportReport,
    /// The revision on the side that exported it.
    pub revision: String,
    /// The pinned key that signed it.
    pub signed_by: Option<PublicKey>,
    /// Whether anybody signed it.
    pub is_signed: bool,
}

#[derive(Serialize, Deserialize)]
struct Last {
    created_ms: i64,
    revision: String,
}

/// Tells whether a file is such a bundle.
pub fn is_bundle(path: &Path) -> bool {
    File::open(path).is_ok_and(|file| envelope::begins(BufReader::new(file)))
}

/// Tells whether a file is a bundle of the first form, which cannot be signed.
pub fn is_unsigned_bundle(path: &Path) -> bool {
    super::bundle::is_bundle(path)
}

/// Reads a bundle to its end, whatever its header says of the digest of its payload; tells whether it
/// is whole.
pub(crate) fn is_whole(bytes: &[u8], limits: &Limits) -> bool {
    let read = Envelope::read(Path::new("bundle"), io::Cursor::new(bytes), limits);
    read.and_then(|envelope| envelope.apply(&[], 0)).is_ok()
}

/// Reads all feeds of a bundle that is no delta, whoever signed it.
pub(super) fn read_whole(path: &Path, limits: &Limits) -> Result<Vec<FeedContent>, BundleError> {
    let envelope = Envelope::open(path, limits)?;
    if envelope.header.base.is_some() {
        let reason = "it holds only what is different since another; compare whole ones".to_owned();
        return Err(BundleError::Damaged { path: path.to_owned(), reason });
    }
    envelope.apply(&[], 0)
}

impl AdvisoryDatabase {
    /// Writes a bundle. It is there as a whole or not at all.
    ///
    /// # Errors
    ///
    /// A [`BundleError`].
    pub fn export_bundle(
        &self,
        path: &Path,
        since: Option<&Since>,
        key: Option<&SigningKey>,
        now_ms: i64,
    ) -> Result<Exported, BundleError> {
        let revision = self.open_index()?.revision().to_owned();
        let feeds = self.read_feeds(&self.manifest()?)?;
        let own = Baseline::of(&revision, &feeds);
        let base = since.map(|since| self.find_baseline(since)).transpose()?;
        let mut payload = Payload::write().map_err(|source| io_error(path, source))?;
        let mut header = Header {
            base: base.as_ref().map(|base| base.state.clone()),
            state: own.state.clone(),
            created_ms: now_ms,
            newest_ms: newest(&feeds),
            feeds: Vec::new(),
            payload_bytes: 0,
            payload_sha256: String::new(),
        };
        for feed in &feeds {
            let known = base.as_ref().and_then(|base| base.feeds.get(&feed.info.name));
            let entry = write_feed(feed, known, base.is_some(), &mut payload);
            header.feeds.push(entry.map_err(|source| io_error(path, source))?);
        }
        let payload = payload.finish().map_err(|source| io_error(path, source))?;
        let written = envelope::write(path, header, &payload, key);
        let (header, size_bytes) = written.map_err(|source| io_error(path, source))?;
        self.keep_baseline(&own)?;
        Ok(Exported {
            revision,
            base: header.base.map(|base| base.revision),
            records: header.feeds.iter().map(|feed| feed.records).sum(),
            removed: header.feeds.iter().map(|feed| feed.removed).sum(),
            size_bytes,
        })
    }

    /// Takes a bundle in place of what is there.
    ///
    /// # Errors
    ///
    /// A [`BundleError`]; nothing is changed then.
    pub fn import_bundle_file(
        &self,
        path: &Path,
        trust: &Trust,
        now_ms: i64,
    ) -> Result<Imported, BundleError> {
        let envelope = Envelope::open(path, &self.limits)?;
        let signed_by = check_trust(&envelope, trust)?;
        let is_signed = !envelope.signatures.is_empty();
        let lock = self.lock()?;
        let mut manifest = self.manifest()?;
        let known = self.read_feeds(&manifest)?;
        let present = Baseline::of(manifest.index.as_deref().unwrap_or("unknown"), &known);
        let header = envelope.header.clone();
        if !trust.allows_older {
            self.check_age(path, &header, newest(&known))?;
        }
        let mut imported = Imported {
            report: ImportReport::default(),
            revision: header.state.revision.clone(),
            signed_by,
            is_signed,
        };
        if present.state.content == header.state.content {
            self.note_last(&header)?;
            return Ok(imported);
        }
        if let Some(base) = header.base.as_ref().filter(|b| b.content != present.state.content) {
            let (wanted, present) = (base.revision.clone(), present.state.revision);
            return Err(BundleError::OtherBase { path: path.to_owned(), wanted, present });
        }
        let feeds = envelope.apply(&known, now_ms)?;
        let content = Baseline::of(&header.state.revision, &feeds).state.content;
        if content != header.state.content {
            let reason = "its records are not those that it announces".to_owned();
            return Err(BundleError::Damaged { path: path.to_owned(), reason });
        }
        let mut files: Vec<FeedFile> = Vec::new();
        let mut notes = Notes::default();
        for feed in &feeds {
            let before = known.iter().find(|known| known.info.name == feed.info.name);
            let counts = count_changes(before, feed);
            let old = manifest.feeds.iter().find(|file| file.info.name == feed.info.name);
            let file = match (before, old) {
                (Some(before), Some(old)) if before.records == feed.records => {
                    FeedFile { info: feed.info.clone(), ..old.clone() }
                }
                _ => {
                    notes.add(before, feed);
                    self.write_feed(feed)?
                }
            };
            files.push(file);
            imported.report.feeds.insert(feed.info.name.clone(), counts);
        }
        for gone in known.iter().filter(|old| !feeds.iter().any(|f| f.info.name == old.info.name)) {
            let withdrawn = super::bundle::count(gone.records.len());
            let counts = FeedReport { withdrawn, ..FeedReport::default() };
            imported.report.feeds.insert(gone.info.name.clone(), counts);
            notes.add_gone(gone);
        }
        let before = manifest.clone();
        manifest.feeds = files;
        self.note(notes, &before, &manifest, now_ms)?;
        manifest.outdate_index();
        self.commit(&manifest)?;
        self.note_last(&header)?;
        drop(lock);
        Ok(imported)
    }

    fn check_age(
        &self,
        path: &Path,
        header: &Header,
        newest_ms: Option<i64>,
    ) -> Result<(), BundleError> {
        let older = |reason| Err(BundleError::Older { path: path.to_owned(), reason });
        let text = std::fs::read(self.folder.join(LAST)).unwrap_or_default();
        if let Ok(last) = serde_json::from_slice::<Last>(&text)
            && last.created_ms > header.created_ms
        {
            let (own, other) = (format_utc(header.created_ms), format_utc(last.created_ms));
            return older(format!("it was made at {own}, the last one at {other}"));
        }
        if newest_ms > header.newest_ms {
            let show = |ms: Option<i64>| ms.map_or_else(|| "no date".to_owned(), format_utc);
            let (own, present) = (show(header.newest_ms), show(newest_ms));
            return older(format!("its data goes up to {own}, what is here up to {present}"));
        }
        Ok(())
    }

    fn note_last(&self, header: &Header) -> Result<(), BundleError> {
        let last = Last { created_ms: header.created_ms, revision: header.state.revision.clone() };
        let bytes = serde_json::to_vec(&last)
            .map_err(|error| io_error(&self.folder.join(LAST), error.into()))?;
        Ok(self.write(LAST, &bytes)?)
    }
}

/// A bundle is trusted by the first pinned key that signed it.
fn check_trust(envelope: &Envelope, trust: &Trust) -> Result<Option<PublicKey>, BundleError> {
    let message = envelope.message();
    let is_signer = |key: &&PublicKey| envelope.signatures.iter().any(|s| s.is_by(key, &message));
    if let Some(key) = trust.keys.iter().find(is_signer) {
        return Ok(Some(key.clone()));
    }
    if trust.keys.is_empty() {
        return Ok(None);
    }
    let path = envelope.path.clone();
    let claimed: Vec<&str> = envelope.signatures.iter().map(|s| s.key.as_str()).collect();
    let claims_pinned = trust.keys.iter().any(|key| claimed.contains(&key.to_string().as_str()));
    let (by, hint) = match (claimed.is_empty(), claims_pinned) {
        (true, _) => (String::new(), "keys are pinned; ask for a signed one".to_owned()),
        (false, true) => (
            " by the pinned key that it names".to_owned(),
            "it was changed since, or the signature is forged".to_owned(),
        ),
        (false, false) => (
            " by a pinned key".to_owned(),
            format!(
                "it names {}; pin that by --trust-key if it is right",
                claimed
                    .iter()
                    .take(3)
                    .map(|key| key.chars().take(80).collect())
                    .collect::<Vec<String>>()
                    .join(", ")
            ),
        ),
    };
    Err(BundleError::Untrusted { path, by, hint })
}

/// Writes what of a feed is different, or all of it.
fn write_feed(
    feed: &FeedContent,
    known: Option<&BTreeMap<(String, String), RecordHash>>,
    is_delta: bool,
    payload: &mut Payload,
) -> io::Result<HeaderFeed> {
    let mut info = feed.info.clone();
    info.imported_ms = None;
    let mut entry = HeaderFeed { info, records: 0, removed: 0 };
    let is_known = |record: &StoredRecord, hash: RecordHash| {
        known.is_some_and(|known| known.get(&record.key()) == Some(&hash))
    };
    for record in &feed.records {
        if !is_delta || !is_known(record, baseline::hash(record)) {
            payload.put(record)?;
            entry.records += 1;
        }
    }
    if let Some(known) = known {
        let mut left: BTreeMap<&(String, String), ()> = known.keys().map(|key| (key, ())).collect();
        for record in &feed.records {
            left.remove(&record.key());
        }
        for key in left.keys() {
            payload.put(key)?;
            entry.removed += 1;
        }
    }
    Ok(entry)
}

fn count_changes(before: Option<&FeedContent>, after: &FeedContent) -> FeedReport {
    let mut counts = FeedReport::default();
    let before = before.iter().flat_map(|feed| &feed.records);
    let mut old: BTreeMap<(String, String), &StoredRecord> =
        before.map(|record| (record.key(), record)).collect();
    for record in &after.records {
        match old.remove(&record.key()) {
            None => counts.added += 1,
            Some(same) if same == record => counts.unchanged += 1,
            Some(_) => counts.updated += 1,
        }
    }
    counts.withdrawn = super::bundle::count(old.len());
    counts
}

fn newest(feeds: &[FeedContent]) -> Option<i64> {
    feeds.iter().filter_map(|feed| feed.info.data_ms).max()
}

fn io_error(path: &Path, source: io::Error) -> BundleError {
    BundleError::Io { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests;
