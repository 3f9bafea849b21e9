//! What Java archives are that do not say it themselves: an index of SHA-1 digests, which is
//! imported and asked when layers become an image.

use std::collections::HashMap;
use std::io::{self, BufRead, Read};
use std::sync::Arc;

use tallyman_model::inventory::LayerInventory;
use tallyman_model::package::{Ecosystem, Package};
use tallyman_scan::squash::unnamed_archives;
use tallyman_store::archives::KnownArchive;
use tallyman_store::error::StoreError;

use crate::blocking;
use crate::installation::Installation;

/// The archives that are stored in one transaction.
const BATCH: usize = 10_000;

/// No real line is longer.
const LINE_BYTES_MAX: u64 = 1024;

/// Why an index was not imported to its end.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveIndexError {
    /// The file could not be read.
    #[error("read the index")]
    Read(#[from] io::Error),
    /// The store failed.
    #[error("use the store")]
    Store(#[from] StoreError),
}

/// What came of an import.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ArchiveImport {
    /// The lines that say what an archive is.
    pub lines: u64,
    /// The archives that are new or another.
    pub changed: u64,
    /// The lines that say nothing.
    pub refused: u64,
}

/// Imports an index: lines of a SHA-1, a tab or comma, and `group:artifact:version`. `progress` is
/// told how many lines have been read.
///
/// # Errors
///
/// An [`ArchiveIndexError`]; what came before it is stored.
pub async fn import_archives(
    installation: &Installation,
    reader: impl BufRead + Send + 'static,
    progress: impl Fn(u64),
) -> Result<ArchiveImport, ArchiveIndexError> {
    let mut import = ArchiveImport::default();
    let mut reader = Some(reader);
    while let Some(mut open) = reader.take() {
        let (open, batch) = blocking::run(move || {
            let batch = read_batch(&mut open);
            (open, batch)
        })
        .await;
        let batch = batch?;
        import.lines += batch.archives.len() as u64;
        import.refused += batch.refused;
        if !batch.archives.is_empty() {
            let changed = installation.store().insert_archives(batch.archives).await?;
            import.changed += changed as u64;
        }
        progress(import.lines + import.refused);
        reader = (!batch.is_last).then_some(open);
    }
    Ok(import)
}

#[derive(Default)]
struct Batch {
    archives: Vec<KnownArchive>,
    refused: u64,
    is_last: bool,
}

fn read_batch(reader: &mut impl BufRead) -> io::Result<Batch> {
    let mut batch = Batch::default();
    let mut line = Vec::new();
    while batch.archives.len() < BATCH {
        line.clear();
        if reader.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut line)? == 0 {
            batch.is_last = true;
            break;
        }
        match std::str::from_utf8(&line).ok().and_then(|line| parse_line(line.trim_end())) {
            Some(archive) => batch.archives.push(archive),
            None => batch.refused += 1,
        }
    }
    Ok(batch)
}

fn parse_line(line: &str) -> Option<KnownArchive> {
    let (sha1, coordinates) = line.split_once(['\t', ','])?;
    let is_digest = sha1.len() == 40 && sha1.bytes().all(|byte| byte.is_ascii_hexdigit());
    let mut parts = coordinates.split(':');
    let (group, artifact, version) = (parts.next()?, parts.next()?, parts.next()?);
    let is_part = |part: &&str| {
        !part.is_empty() && part.chars().all(|c| !c.is_whitespace() && !c.is_control())
    };
    let is_sound =
        is_digest && parts.next().is_none() && [group, artifact, version].iter().all(is_part);
    is_sound.then(|| KnownArchive {
        sha1: sha1.to_ascii_lowercase(),
        name: format!("{group}:{artifact}"),
        version: version.to_owned(),
    })
}

/// Returns what the archives of layers are, as far as the index knows, ordered.
pub(crate) async fn known_archives(
    installation: &Installation,
    layers: &[Arc<LayerInventory>],
) -> Result<Vec<KnownArchive>, StoreError> {
    let mut unnamed: Vec<&str> = unnamed_archives(layers).collect();
    unnamed.sort_unstable();
    unnamed.dedup();
    if unnamed.is_empty() {
        return Ok(Vec::new());
    }
    installation.store().list_archives(&unnamed).await
}

/// Returns the packages that archives are, by SHA-1.
pub(crate) fn packages_of(archives: &[KnownArchive]) -> HashMap<String, Package> {
    let package = |it: &KnownArchive| {
        (it.sha1.clone(), Package::new(Ecosystem::Maven, &*it.name, &*it.version))
    };
    archives.iter().map(package).collect()
}

#[cfg(test)]
mod tests {
    use super::{BATCH, parse_line, read_batch};

    const DIGEST: &str = "da39a3ee5e6b4b0d3255bfef95601890afd80709";

    #[test]
    fn lines_are_digest_and_coordinates() {
        for separator in ["\t", ","] {
            let line = format!("{}{separator}org.x:a-b:1.0", DIGEST.to_uppercase());
            let archive = parse_line(&line).expect("a good line");
            assert_eq!(
                (archive.sha1.as_str(), archive.name.as_str(), archive.version.as_str()),
                (DIGEST, "org.x:a-b", "1.0")
            );
        }
        for bad in [
            "",
            DIGEST,
            &format!("{DIGEST} a:b:1"),
            &format!("{DIGEST}\ta:b"),
            &format!("{DIGEST}\ta:b:1:jar"),
            &format!("{DIGEST}\ta::1"),
            &format!("{DIGEST}\ta:b c:1"),
            &format!("{}\ta:b:1", &DIGEST[1..]),
            &format!("x{}\ta:b:1", &DIGEST[1..]),
        ] {
            assert_eq!(parse_line(bad), None, "{bad}");
        }
    }

    #[test]
    fn an_index_is_read_in_batches_and_bad_lines_are_counted() {
        let line = format!("{DIGEST}\ta:b:1\r\n");
        let text = line.repeat(BATCH) + "# comment\n" + &"x".repeat(5000) + "\n" + line.trim_end();
        let mut reader = text.as_bytes();
        let first = read_batch(&mut reader).expect("no error in memory");
        assert_eq!((first.archives.len(), first.refused, first.is_last), (BATCH, 0, false));
        let second = read_batch(&mut reader).expect("no error in memory");
        // A line that is too long counts as several.
        assert_eq!((second.archives.len(), second.refused, second.is_last), (1, 6, true));
    }
}
