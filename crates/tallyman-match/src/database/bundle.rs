//! A bundle: all feeds in one file, facts only, for installations that fetch nothing themselves.
//!
//! Zstd-compressed JSON lines: a header that names format and feeds, then for each feed, in the
//! header's order, as many records as the header says.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write};

use serde::{Deserialize, Serialize};
use tallyman_model::advisory::FeedInfo;
use tallyman_model::limits::Limits;

use super::DatabaseError;
use super::merge::Incoming;
use crate::record::{FeedContent, StoredRecord};

const FORMAT: &str = "tallyman-advisories-1";

/// Bundles are written once and read by many.
const LEVEL: i32 = 19;

/// What `zstd -19` needs to read; more would be an attack on our memory.
const WINDOW_LOG: u32 = 27;

#[derive(Serialize, Deserialize)]
struct Header {
    format: String,
    feeds: Vec<BundledFeed>,
}

#[derive(Serialize, Deserialize)]
struct BundledFeed {
    info: FeedInfo,
    /// The number of lines.
    records: u64,
}

/// Writes all feeds.
pub(super) fn write(feeds: &[FeedContent], writer: impl Write) -> io::Result<()> {
    let mut encoder = zstd::Encoder::new(writer, LEVEL)?;
    encoder.include_checksum(true)?;
    let bundled = feeds.iter().map(|feed| {
        let mut info = feed.info.clone();
        info.imported_ms = None;
        BundledFeed { info, records: u64::try_from(feed.records.len()).unwrap_or(u64::MAX) }
    });
    let header = Header { format: FORMAT.to_owned(), feeds: bundled.collect() };
    serde_json::to_writer(&mut encoder, &header)?;
    encoder.write_all(b"\n")?;
    for record in feeds.iter().flat_map(|feed| &feed.records) {
        serde_json::to_writer(&mut encoder, record)?;
        encoder.write_all(b"\n")?;
    }
    encoder.finish()?;
    Ok(())
}

/// Tells whether a file begins as a bundle does.
pub(super) fn is_bundle(path: &std::path::Path) -> bool {
    let mut begin = Vec::new();
    let read = std::fs::File::open(path).and_then(zstd::Decoder::new).and_then(|mut decoder| {
        decoder.window_log_max(WINDOW_LOG)?;
        decoder.take(64).read_to_end(&mut begin)
    });
    read.is_ok() && begin.starts_with(format!("{{\"format\":\"{FORMAT}\"").as_bytes())
}

/// Counts as bundles do.
pub(super) fn count(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}

/// Tells whether a bundle is whole.
pub(crate) fn is_whole(bytes: &[u8], limits: &Limits) -> bool {
    read(bytes, limits).is_ok()
}

/// Reads all feeds; nothing of a bundle that is not whole is taken.
pub(super) fn read(
    bytes: &[u8],
    limits: &Limits,
) -> Result<BTreeMap<String, Incoming>, DatabaseError> {
    let io_error = |error: io::Error| DatabaseError::Bundle(error.to_string());
    let mut decoder = zstd::Decoder::new(bytes).map_err(io_error)?;
    decoder.window_log_max(WINDOW_LOG).map_err(io_error)?;
    let mut lines = Lines { reader: BufReader::new(decoder), limit: limits.advisory_record_bytes };
    let header: Header = lines.next()?;
    if header.format != FORMAT {
        return Err(DatabaseError::Bundle(format!("its format is `{}`", header.format)));
    }
    let counts = header.feeds.iter().map(|feed| feed.records);
    let total = counts.fold(0_u64, u64::saturating_add);
    if total > limits.advisory_records {
        let max = limits.advisory_records;
        let reason = format!("it has more than {max} records (limit advisory-records)");
        return Err(DatabaseError::Bundle(reason));
    }
    let mut feeds: BTreeMap<String, Incoming> = BTreeMap::new();
    for BundledFeed { info, records } in header.feeds {
        let incoming = feeds.entry(info.name).or_default();
        incoming.file_ms = info.data_ms;
        incoming.attribution = Some(info.attribution);
        incoming.covers.extend(info.complete);
        for _ in 0..records {
            incoming.add(lines.next::<StoredRecord>()?);
        }
    }
    lines.finish()?;
    Ok(feeds)
}

/// Lines of limited length.
struct Lines<R> {
    reader: R,
    limit: u64,
}

impl<R: BufRead> Lines<R> {
    fn next<T: for<'de> Deserialize<'de>>(&mut self) -> Result<T, DatabaseError> {
        let mut line = Vec::new();
        let limit = self.limit.saturating_add(1);
        self.reader
            .by_ref()
            .take(limit)
            .read_until(b'\n', &mut line)
            .map_err(|error| DatabaseError::Bundle(error.to_string()))?;
        if line.last() != Some(&b'\n') {
            return Err(DatabaseError::Bundle("it ends early or has too long a line".to_owned()));
        }
        serde_json::from_slice(&line).map_err(|error| DatabaseError::Bundle(error.to_string()))
    }

    /// Reads to the end, so that the checksum there is checked.
    fn finish(mut self) -> Result<(), DatabaseError> {
        match self.reader.fill_buf() {
            Ok([]) => Ok(()),
            Ok(_) => Err(DatabaseError::Bundle("it goes on after its last record".to_owned())),
            Err(error) => Err(DatabaseError::Bundle(error.to_string())),
        }
    }
}
