//! A feed's facts file: zstd-compressed JSON, one record a line.

use std::io::{self, BufRead, BufReader, Write};

use crate::feed::normalize::shrink;
use crate::record::{FeedContent, StoredRecord};

/// Fast to write, and small enough for a cache of what can be fetched again.
const LEVEL: i32 = 6;

/// Writes a feed's records.
pub(super) fn write(content: &FeedContent) -> io::Result<Vec<u8>> {
    let mut encoder = zstd::Encoder::new(Vec::new(), LEVEL)?;
    for record in &content.records {
        serde_json::to_writer(&mut encoder, record)?;
        encoder.write_all(b"\n")?;
    }
    encoder.finish()
}

/// Reads a feed's records, from a file whose hash was checked.
pub(super) fn read(bytes: &[u8]) -> io::Result<Vec<StoredRecord>> {
    let lines = BufReader::new(zstd::Decoder::new(bytes)?).split(b'\n');
    let record = |line: io::Result<Vec<u8>>| {
        let mut record: StoredRecord = serde_json::from_slice(&line?)?;
        shrink(&mut record.advisory);
        Ok(record)
    };
    lines.map(record).collect()
}
