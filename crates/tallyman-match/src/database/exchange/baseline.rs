//! What a state of the database consists of, in short: for each record a hash. Enough to tell two
//! states apart and to write what is different between them, without the records of the older one.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use ring::digest::{Context, SHA256, digest};
use serde::{Deserialize, Serialize};

use super::envelope::{Envelope, State};
use super::{BundleError, Since, io_error};
use crate::database::{AdvisoryDatabase, DatabaseError};
use crate::record::{FeedContent, StoredRecord};

/// Half a SHA-256 tells the records of one installation apart.
pub(super) type RecordHash = [u8; 16];

const FOLDER: &str = "exports";
/// So many exported states are remembered, the newest ones.
const KEPT: usize = 16;
const LEVEL: i32 = 6;

/// A state of the database.
pub(super) struct Baseline {
    pub(super) state: State,
    pub(super) feeds: BTreeMap<String, BTreeMap<(String, String), RecordHash>>,
}

#[derive(Serialize, Deserialize)]
struct FeedLine {
    feed: String,
    records: u64,
}

impl Baseline {
    /// Sums up the feeds, which are sorted by name. When something was imported does not count.
    pub(super) fn of(revision: &str, feeds: &[FeedContent]) -> Self {
        let mut content = Context::new(&SHA256);
        let mut summed = BTreeMap::new();
        for feed in feeds {
            let mut info = feed.info.clone();
            info.imported_ms = None;
            content.update(&line(&info));
            let mut hashes = BTreeMap::new();
            for record in &feed.records {
                let bytes = line(record);
                content.update(&bytes);
                hashes.insert(record.key(), short(&bytes));
            }
            summed.insert(feed.info.name.clone(), hashes);
        }
        let content = hex::encode(content.finish());
        Baseline { state: State { revision: revision.to_owned(), content }, feeds: summed }
    }

    fn write(&self, writer: impl Write) -> io::Result<()> {
        let mut encoder = zstd::Encoder::new(writer, LEVEL)?;
        encoder.write_all(&line(&self.state))?;
        for (feed, hashes) in &self.feeds {
            let records = crate::database::bundle::count(hashes.len());
            encoder.write_all(&line(&FeedLine { feed: feed.clone(), records }))?;
            for ((scope, id), hash) in hashes {
                encoder.write_all(&line(&(scope, id, hex::encode(hash))))?;
            }
        }
        encoder.finish()?.flush()
    }

    /// Reads what [`Baseline::write`] wrote, in a file of our own.
    fn read(reader: impl io::Read) -> io::Result<Self> {
        let mut lines = BufReader::new(zstd::Decoder::new(reader)?).split(b'\n');
        let mut next = || lines.next().unwrap_or_else(|| Err(io::ErrorKind::UnexpectedEof.into()));
        let state: State = serde_json::from_slice(&next()?)?;
        let mut feeds = BTreeMap::new();
        while let Ok(line) = next() {
            let FeedLine { feed, records } = serde_json::from_slice(&line)?;
            let mut hashes = BTreeMap::new();
            for _ in 0..records {
                let (scope, id, text): (String, String, String) = serde_json::from_slice(&next()?)?;
                let mut hash = RecordHash::default();
                hex::decode_to_slice(text, &mut hash).map_err(io::Error::other)?;
                hashes.insert((scope, id), hash);
            }
            feeds.insert(feed, hashes);
        }
        Ok(Baseline { state, feeds })
    }
}

/// Hashes a record.
pub(super) fn hash(record: &StoredRecord) -> RecordHash {
    short(&line(record))
}

fn short(bytes: &[u8]) -> RecordHash {
    let mut hash = RecordHash::default();
    let whole = digest(&SHA256, bytes);
    whole.as_ref().iter().zip(&mut hash).for_each(|(from, to)| *to = *from);
    hash
}

fn line(value: &impl Serialize) -> Vec<u8> {
    let mut bytes = serde_json::to_vec(value).expect("advisories can be written as JSON");
    bytes.push(b'\n');
    bytes
}

impl AdvisoryDatabase {
    fn exports(&self) -> PathBuf {
        self.folder.join(FOLDER)
    }

    /// Remembers a state, so that a delta against it can be written.
    pub(super) fn keep_baseline(&self, baseline: &Baseline) -> Result<(), BundleError> {
        let folder = self.exports();
        std::fs::create_dir_all(&folder).map_err(|source| io_error(&folder, source))?;
        let path = folder.join(format!("{}.keys", baseline.state.revision));
        let temporary = path.with_extension("tmp");
        File::create(&temporary)
            .and_then(|file| baseline.write(file))
            .and_then(|()| std::fs::rename(&temporary, &path))
            .map_err(|source| io_error(&path, source))?;
        let mut kept = self.list_baselines();
        kept.sort();
        let surplus = kept.len().saturating_sub(KEPT);
        for (_, path) in kept.into_iter().take(surplus) {
            drop(std::fs::remove_file(path));
        }
        Ok(())
    }

    /// Lists the states that are remembered, each with when it was.
    fn list_baselines(&self) -> Vec<(std::time::SystemTime, PathBuf)> {
        let entries = self.exports().read_dir().into_iter().flatten().filter_map(Result::ok);
        let files = entries.filter(|e| e.path().extension().is_some_and(|end| end == "keys"));
        files
            .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
            .collect()
    }

    pub(super) fn find_baseline(&self, since: &Since) -> Result<Baseline, BundleError> {
        match since {
            Since::Revision(revision) => self.read_baseline(revision),
            Since::File(path) => {
                let envelope = Envelope::open(path, &self.limits)?;
                let header = envelope.header.clone();
                match header.base {
                    // Only here it is known what else is in the state that a delta leads to.
                    Some(_) => self.read_baseline(&header.state.revision),
                    None => {
                        let feeds = envelope.apply(&[], 0)?;
                        let mut baseline = Baseline::of(&header.state.revision, &feeds);
                        baseline.state = header.state;
                        Ok(baseline)
                    }
                }
            }
        }
    }

    fn read_baseline(&self, revision: &str) -> Result<Baseline, BundleError> {
        let known = self.list_baselines();
        let name = |path: &Path| path.file_stem().map(|s| s.to_string_lossy().into_owned());
        let names: Vec<String> = known.iter().filter_map(|(_, path)| name(path)).collect();
        // A beginning is enough, if it is long enough not to be met by chance.
        let found = names.iter().find(|name| revision.len() >= 8 && name.starts_with(revision));
        let Some(found) = found else {
            let short = names.iter().map(|name| name.chars().take(16).collect::<String>());
            let known = match names.is_empty() {
                true => "none, because none was exported here".to_owned(),
                false => short.collect::<Vec<_>>().join(", "),
            };
            return Err(BundleError::UnknownBase(format!("revision {revision}"), known));
        };
        let path = self.exports().join(format!("{found}.keys"));
        let damaged = |source: io::Error| DatabaseError::Damaged {
            path: path.clone(),
            reason: source.to_string(),
        };
        let read = File::open(&path).and_then(Baseline::read);
        Ok(read.map_err(damaged)?)
    }
}
