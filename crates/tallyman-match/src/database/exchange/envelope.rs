//! The file of a bundle: three lines of text (format, header, signatures), then the records, packed by
//! Zstandard. The header has the digest of what follows, and the header is what is signed, so that
//! nothing is unpacked before it is known to be trusted.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use ring::digest::{Context, SHA256, digest};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tallyman_model::advisory::FeedInfo;
use tallyman_model::limits::Limits;

use super::{BundleError, io_error};
use crate::record::{FeedContent, StoredRecord};
use crate::signing::{Signature, SigningKey};

const FORMAT: &str = "tallyman-bundle-2\n";
const MAX_HEADER_BYTES: u64 = 4 << 20;
const MAX_SIGNATURES_BYTES: u64 = 64 << 10;
/// A good deal smaller than what is fast, and not as slow as what is smallest.
const LEVEL: i32 = 12;
/// What that level needs to read; more would be an attack on our memory.
const WINDOW_LOG: u32 = 27;

/// A state of a database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// The revision of the compiled index, as `db info` shows it.
    pub revision: String,
    /// SHA-256 over all feeds and records, which does not depend on how they are compiled.
    pub content: String,
}

/// What a bundle says of itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Header {
    /// The state that it is against, for a delta.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) base: Option<State>,
    /// The state that it leads to.
    pub(super) state: State,
    pub(super) created_ms: i64,
    /// The newest date in the data.
    #[serde(default)]
    pub(super) newest_ms: Option<i64>,
    /// All feeds of the state, sorted by name.
    pub(super) feeds: Vec<HeaderFeed>,
    pub(super) payload_bytes: u64,
    pub(super) payload_sha256: String,
}

/// A feed of a bundle: so many lines with records follow, then so many with keys of removed ones.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct HeaderFeed {
    pub(super) info: FeedInfo,
    pub(super) records: u64,
    pub(super) removed: u64,
}

/// The records, while they are written.
pub(super) struct Payload(zstd::Encoder<'static, Vec<u8>>);

impl Payload {
    pub(super) fn write() -> io::Result<Self> {
        let mut encoder = zstd::Encoder::new(Vec::new(), LEVEL)?;
        encoder.include_checksum(true)?;
        Ok(Payload(encoder))
    }

    pub(super) fn put(&mut self, value: &impl Serialize) -> io::Result<()> {
        serde_json::to_writer(&mut self.0, value)?;
        self.0.write_all(b"\n")
    }

    pub(super) fn finish(self) -> io::Result<Vec<u8>> {
        self.0.finish()
    }
}

/// Writes a bundle beside its place and then gives it its name; returns its header and its size.
pub(super) fn write(
    path: &Path,
    mut header: Header,
    payload: &[u8],
    key: Option<&SigningKey>,
) -> io::Result<(Header, u64)> {
    header.payload_bytes = u64::try_from(payload.len()).unwrap_or(u64::MAX);
    header.payload_sha256 = hex::encode(digest(&SHA256, payload));
    let text = serde_json::to_string(&header)?;
    let signatures: Vec<Signature> = key.iter().map(|key| key.sign(&message(&text))).collect();
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".tmp");
    let temporary = PathBuf::from(temporary);
    let mut file = File::create(&temporary)?;
    file.write_all(FORMAT.as_bytes())?;
    file.write_all(text.as_bytes())?;
    file.write_all(b"\n")?;
    file.write_all(serde_json::to_string(&signatures)?.as_bytes())?;
    file.write_all(b"\n")?;
    file.write_all(payload)?;
    file.sync_all()?;
    let size_bytes = file.metadata()?.len();
    std::fs::rename(&temporary, path)?;
    Ok((header, size_bytes))
}

/// What is signed: the format and the header, which has the digest of the rest.
fn message(header: &str) -> Vec<u8> {
    format!("{FORMAT}{header}\n").into_bytes()
}

/// Tells whether a file begins as a bundle does.
pub(super) fn begins(reader: impl Read) -> bool {
    let mut begin = Vec::new();
    let limit = u64::try_from(FORMAT.len()).unwrap_or(u64::MAX);
    reader.take(limit).read_to_end(&mut begin).is_ok() && begin == FORMAT.as_bytes()
}

/// A bundle whose payload was checked and not yet unpacked.
pub(super) struct Envelope<R = File> {
    pub(super) path: PathBuf,
    pub(super) header: Header,
    pub(super) signatures: Vec<Signature>,
    header_text: String,
    /// At the beginning of the payload.
    file: BufReader<R>,
    record_bytes: u64,
}

impl Envelope {
    pub(super) fn open(path: &Path, limits: &Limits) -> Result<Self, BundleError> {
        let file = File::open(path).map_err(|source| io_error(path, source))?;
        Envelope::read(path, file, limits)?.check_payload()
    }
}

impl<R: Read + Seek> Envelope<R> {
    /// Reads the lines before the payload.
    pub(super) fn read(path: &Path, reader: R, limits: &Limits) -> Result<Self, BundleError> {
        let damaged = |reason: String| BundleError::Damaged { path: path.to_owned(), reason };
        let io = |source| io_error(path, source);
        let mut file = BufReader::new(reader);
        if !begins(&mut file) {
            return Err(damaged("it does not begin as a bundle of this version does".to_owned()));
        }
        let header_text = read_line(&mut file, MAX_HEADER_BYTES).map_err(io)?;
        let header: Header = serde_json::from_str(&header_text)
            .map_err(|error| damaged(format!("its header cannot be read: {error}")))?;
        let signatures = read_line(&mut file, MAX_SIGNATURES_BYTES).map_err(io)?;
        let signatures: Vec<Signature> = serde_json::from_str(&signatures)
            .map_err(|error| damaged(format!("its signatures cannot be read: {error}")))?;
        let lines = header.feeds.iter().map(|f| f.records.saturating_add(f.removed));
        if lines.fold(0_u64, u64::saturating_add) > limits.advisory_records {
            let max = limits.advisory_records;
            return Err(damaged(format!(
                "it has more than {max} records (limit advisory-records)"
            )));
        }
        let record_bytes = limits.advisory_record_bytes;
        let path = path.to_owned();
        Ok(Envelope { path, header, signatures, header_text, file, record_bytes })
    }

    /// Checks that the payload is the one of the header, before anything of it is unpacked.
    fn check_payload(mut self) -> Result<Self, BundleError> {
        let (path, header) = (&self.path, &self.header);
        let io = |source| io_error(path, source);
        let start = self.file.stream_position().map_err(io)?;
        let mut context = Context::new(&SHA256);
        let size = io::copy(&mut self.file, &mut Sum(&mut context)).map_err(io)?;
        if size != header.payload_bytes || hex::encode(context.finish()) != header.payload_sha256 {
            let reason = "its content is not what its header says".to_owned();
            return Err(BundleError::Damaged { path: path.clone(), reason });
        }
        self.file.seek(SeekFrom::Start(start)).map_err(io)?;
        Ok(self)
    }

    /// Returns what the signatures are of.
    pub(super) fn message(&self) -> Vec<u8> {
        message(&self.header_text)
    }

    /// Returns the feeds that it makes of those that are there.
    pub(super) fn apply(
        self,
        known: &[FeedContent],
        now_ms: i64,
    ) -> Result<Vec<FeedContent>, BundleError> {
        let Envelope { path, header, file, record_bytes, .. } = self;
        let damaged = |reason: String| BundleError::Damaged { path: path.clone(), reason };
        let mut decoder =
            zstd::Decoder::with_buffer(file).map_err(|error| io_error(&path, error))?;
        decoder.window_log_max(WINDOW_LOG).map_err(|error| io_error(&path, error))?;
        let mut lines = Lines { reader: BufReader::new(decoder), limit: record_bytes };
        let is_delta = header.base.is_some();
        let mut feeds = Vec::new();
        for HeaderFeed { info, records, removed } in header.feeds {
            let old = known.iter().find(|feed| is_delta && feed.info.name == info.name);
            let old = old.iter().flat_map(|feed| &feed.records);
            let mut merged: BTreeMap<(String, String), StoredRecord> =
                old.map(|record| (record.key(), record.clone())).collect();
            for _ in 0..records {
                let record: StoredRecord = lines.next().map_err(damaged)?;
                merged.insert(record.key(), record);
            }
            for _ in 0..removed {
                let key: (String, String) = lines.next().map_err(damaged)?;
                if merged.remove(&key).is_none() {
                    return Err(damaged(format!("it removes {}, which is not there", key.1)));
                }
            }
            let info = FeedInfo { imported_ms: Some(now_ms), ..info };
            feeds.push(FeedContent { info, records: merged.into_values().collect() });
        }
        lines.finish().map_err(damaged)?;
        let names: BTreeSet<&str> = feeds.iter().map(|feed| feed.info.name.as_str()).collect();
        if names.len() != feeds.len() {
            return Err(damaged("it names a feed twice".to_owned()));
        }
        Ok(feeds)
    }
}

fn read_line(reader: &mut impl BufRead, limit: u64) -> io::Result<String> {
    let mut line = String::new();
    reader.by_ref().take(limit).read_line(&mut line)?;
    match line.pop() {
        Some('\n') => Ok(line),
        _ => {
            Err(io::Error::new(io::ErrorKind::InvalidData, "it ends early or has too long a line"))
        }
    }
}

struct Sum<'a>(&'a mut Context);

impl Write for Sum<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Lines of limited length.
struct Lines<R> {
    reader: R,
    limit: u64,
}

impl<R: BufRead> Lines<R> {
    fn next<T: DeserializeOwned>(&mut self) -> Result<T, String> {
        let limit = self.limit.saturating_add(1);
        let mut line = Vec::new();
        let read = self.reader.by_ref().take(limit).read_until(b'\n', &mut line);
        read.map_err(|error| error.to_string())?;
        if line.last() != Some(&b'\n') {
            return Err("it ends early or has too long a line".to_owned());
        }
        serde_json::from_slice(&line).map_err(|error| error.to_string())
    }

    fn finish(mut self) -> Result<(), String> {
        match self.reader.fill_buf() {
            Ok([]) => Ok(()),
            Ok(_) => Err("it goes on after its last record".to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }
}
