//! The journals beside rpm's SQLite database ("Database File Format", "3. The Rollback Journal" and
//! "4. The Write-Ahead Log").
//!
//! A clean end of rpm leaves none, or an empty one. What a killed one leaves changes what the
//! database says, and the database is another file, perhaps of a lower layer: so it is a fault.

use tallyman_model::limits::Limits;

use crate::analyzers::{Analysis, Analyzer, Candidate, Fault, FileClass, Reading, rpm};
use crate::path::split;

pub(crate) const ANALYZER: Analyzer = Analyzer {
    id: "rpm-journal",
    version: 1,
    class: FileClass::Database,
    wants,
    reading: Reading::Whole(analyze),
};

const ROLLBACK_MAGIC: [u8; 8] = [0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7];

/// The magic number of a write-ahead log whose checksums are little endian; that of the others is
/// greater by one.
const LOG_MAGIC: u32 = 0x377f_0682;
const LOG_HEADER_BYTES: usize = 32;
const FRAME_HEADER_BYTES: usize = 24;

fn wants(candidate: &Candidate<'_>) -> bool {
    matches!(candidate.base, "rpmdb.sqlite-wal" | "rpmdb.sqlite-journal")
        && rpm::is_database_directory(split(candidate.path).0)
}

fn analyze(path: &str, content: &[u8], _limits: &Limits) -> Analysis {
    if path.ends_with("-journal") {
        // A journal that is done has no header any more.
        return if content.starts_with(&ROLLBACK_MAGIC) {
            Err(Fault::new("the database was left in the middle of a change, which this undoes"))
        } else {
            Ok(Vec::new())
        };
    }
    match committed_changes(content) {
        0 => Ok(Vec::new()),
        changes => Err(Fault::new(format!(
            "it holds {changes} committed changes that the database may lack"
        ))),
    }
}

/// Returns the number of transactions that a reader of the database would see in the log.
fn committed_changes(log: &[u8]) -> usize {
    let Some(reader) = Log::open(log) else {
        return 0;
    };
    let mut sums = reader.sums;
    let mut changes = 0;
    let frames = log.get(LOG_HEADER_BYTES..).unwrap_or_default();
    for frame in frames.chunks_exact(FRAME_HEADER_BYTES.saturating_add(reader.page_bytes)) {
        // The first frame that does not belong to this run of the log ends it.
        let (Some(head), Some(page)) = (frame.get(..8), frame.get(FRAME_HEADER_BYTES..)) else {
            break;
        };
        sums = reader.add(reader.add(sums, head), page);
        if frame.get(8..16) != Some(reader.salts) || stored_sums(frame, 16) != Some(sums) {
            break;
        }
        // The size of the database after the transaction, in its last frame.
        changes += usize::from(number(frame, 4).is_some_and(|size| size != 0));
    }
    changes
}

struct Log<'a> {
    is_little_endian: bool,
    page_bytes: usize,
    salts: &'a [u8],
    sums: (u32, u32),
}

impl<'a> Log<'a> {
    /// Reads the header; `None` if it is none, as in an empty log.
    fn open(log: &'a [u8]) -> Option<Self> {
        let is_little_endian = match number(log, 0)? {
            LOG_MAGIC => true,
            magic if magic == LOG_MAGIC + 1 => false,
            _ => return None,
        };
        let page_bytes = usize::try_from(number(log, 8)?).ok()?;
        if !page_bytes.is_power_of_two() || !(512..=65536).contains(&page_bytes) {
            return None;
        }
        let mut reader =
            Log { is_little_endian, page_bytes, salts: log.get(16..24)?, sums: (0, 0) };
        reader.sums = reader.add((0, 0), log.get(..24)?);
        (stored_sums(log, 24)? == reader.sums).then_some(reader)
    }

    /// The checksum of "4.2. Checksum Algorithm".
    fn add(&self, (mut a, mut b): (u32, u32), bytes: &[u8]) -> (u32, u32) {
        let word = |word: [u8; 4]| match self.is_little_endian {
            true => u32::from_le_bytes(word),
            false => u32::from_be_bytes(word),
        };
        for words in bytes.chunks_exact(8) {
            let [w0, w1, w2, w3, w4, w5, w6, w7] = *words else {
                continue;
            };
            a = a.wrapping_add(word([w0, w1, w2, w3])).wrapping_add(b);
            b = b.wrapping_add(word([w4, w5, w6, w7])).wrapping_add(a);
        }
        (a, b)
    }
}

fn stored_sums(bytes: &[u8], at: usize) -> Option<(u32, u32)> {
    Some((number(bytes, at)?, number(bytes, at.checked_add(4)?)?))
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_be_bytes(bytes.try_into().ok()?))
}

#[cfg(test)]
mod tests;
