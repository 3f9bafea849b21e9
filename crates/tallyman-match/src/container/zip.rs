//! Zip archives. Their table of contents is at the end, so they are read from a file and never as a
//! whole.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use rawzip::{CompressionMethod, RECOMMENDED_BUFFER_SIZE, ZipArchive};
use tallyman_model::limits::Limits;

use super::{ReadError, Reader, Source};
use crate::feed::Harvest;

/// One member, where it is and what is said of it.
struct Member {
    path: String,
    method: CompressionMethod,
    place: rawzip::ZipArchiveEntryWayfinder,
}

impl Reader<'_> {
    /// Reads all members of an archive.
    pub(super) fn read_zip(
        &mut self,
        archive_name: &str,
        file: File,
        depth: usize,
        harvest: &mut Harvest,
    ) -> Result<(), ReadError> {
        let mut buffer = vec![0; RECOMMENDED_BUFFER_SIZE];
        let archive = ZipArchive::from_file(file, &mut buffer)?;
        let mut entries = archive.entries(&mut buffer);
        while let Some(entry) = entries.next_entry()? {
            if entry.is_dir() {
                continue;
            }
            let member = Member {
                path: String::from_utf8_lossy(entry.file_path().as_ref()).into_owned(),
                method: entry.compression_method(),
                place: entry.wayfinder(),
            };
            let entry = archive.get_entry(member.place)?;
            let stream: Box<dyn Read> = match member.method {
                CompressionMethod::STORE => Box::new(entry.verifying_reader(entry.reader())),
                CompressionMethod::DEFLATE => {
                    let decoder = flate2::read::DeflateDecoder::new(entry.reader());
                    Box::new(entry.verifying_reader(decoder))
                }
                other => {
                    harvest.refuse(
                        format!("{archive_name}: {}", member.path),
                        format!("zip compression method {} is not known here", other.as_u16()),
                    );
                    continue;
                }
            };
            let source = Source {
                name: format!("{archive_name}: {}", member.path),
                stream: self.left.meter(stream),
                file: None,
                modified_ms: None,
                depth: depth + 1,
                must_be_feed: false,
            };
            self.read_member(source, harvest)?;
        }
        Ok(())
    }
}

/// Puts an archive that is inside of something else into a file that has no name any more and is
/// gone with its last reader.
pub(super) fn put_down(
    mut stream: impl Read,
    folder: &Path,
    limits: &Limits,
) -> Result<File, ReadError> {
    // What a killed process leaves here is removed with the next change of the database.
    let path = folder.join(format!("archive-{}.tmp", std::process::id()));
    let mut file =
        File::options().read(true).write(true).create(true).truncate(true).open(&path)?;
    std::fs::remove_file(&path)?;
    let limit = limits.feed_bytes;
    let copied = io::copy(&mut stream.by_ref().take(limit.saturating_add(1)), &mut file)?;
    if copied > limit {
        return Err(ReadError::ArchiveTooLarge(limit));
    }
    Ok(file)
}
