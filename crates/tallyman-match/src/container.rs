//! Opens what feeds come in: folders, tar and zip archives, zstd, gzip and bzip2, in any nesting
//! that occurs. Links are not followed, and nothing is written to disk but a zip archive that is
//! inside of something else, without a name.

mod unpacked;
mod zip;

use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::Path;
use std::time::UNIX_EPOCH;

use tallyman_model::limits::Limits;

use self::unpacked::Budget;
use crate::feed::{
    Document, DocumentError, Extent, Harvest, Progress, SkipReason, find_format, read_document,
    read_stream,
};

/// A document's format shows in its first bytes.
const HEAD_BYTES: u64 = 64 << 10;

/// A compressed archive of compressed documents is two deep.
const NESTING: usize = 4;

/// Documents of many records are this many times larger than one record may be.
pub(crate) const RECORDS_PER_DOCUMENT: u64 = 64;

/// A window of 128 MiB is what `zstd --long` writes; more would be an attack on our memory.
const ZSTD_WINDOW_LOG: u32 = 27;

/// Why a file as a whole could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("malformed zip archive")]
    Zip(#[from] rawzip::Error),
    #[error(transparent)]
    Document(#[from] DocumentError),
    #[error("not a feed in a format that is known here")]
    UnknownFormat,
    #[error("larger than {0} bytes (limit advisory-record-bytes)")]
    TooLarge(u64),
    #[error("the archive in it is larger than {0} bytes (limit feed-bytes)")]
    ArchiveTooLarge(u64),
    #[error("more than {0} records (limit advisory-records)")]
    TooManyRecords(u64),
    #[error("compressed more than {NESTING} times over")]
    TooDeep,
    #[error("it unpacks to far more than its size")]
    Bomb,
}

/// Reads feeds from paths. Of a file that fails nothing is kept.
pub(crate) struct Reader<'a> {
    limits: &'a Limits,
    /// Where what is too large for the memory is put down for a while.
    folder: &'a Path,
    progress: &'a mut dyn FnMut(&Progress),
    /// All that was read.
    pub(crate) harvest: Harvest,
    /// Files that could not be read, each with the reason.
    pub(crate) failed: Vec<(String, ReadError)>,
    /// How much the file that is being read may still unpack to.
    left: Budget,
}

/// One stream of bytes on its way to a document.
struct Source<'s> {
    name: String,
    stream: Box<dyn Read + 's>,
    /// The file that the stream reads, if it is one as it is.
    file: Option<File>,
    modified_ms: Option<i64>,
    /// How many containers were opened to get here.
    depth: usize,
    /// Whether a document that is no feed is worth an error.
    must_be_feed: bool,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(
        limits: &'a Limits,
        folder: &'a Path,
        progress: &'a mut dyn FnMut(&Progress),
    ) -> Self {
        let harvest = Harvest::default();
        let left = Budget::default();
        Reader { limits, folder, progress, harvest, failed: Vec::new(), left }
    }

    /// Reads a file, or all files in a folder.
    pub(crate) fn read_path(&mut self, path: &Path) {
        match path.metadata() {
            Ok(metadata) if metadata.is_dir() => self.read_folder(path),
            Ok(_) => self.read_file(path, true),
            Err(error) => self.failed.push((path.display().to_string(), error.into())),
        }
    }

    fn read_folder(&mut self, folder: &Path) {
        let entries = folder.read_dir().and_then(|entries| entries.collect::<io::Result<Vec<_>>>());
        let mut entries = match entries {
            Ok(entries) => entries,
            Err(error) => {
                self.failed.push((folder.display().to_string(), error.into()));
                return;
            }
        };
        entries.sort_by_key(std::fs::DirEntry::file_name);
        for entry in entries {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => self.read_folder(&entry.path()),
                Ok(kind) if kind.is_file() => self.read_file(&entry.path(), false),
                _ => {}
            }
        }
    }

    fn read_file(&mut self, path: &Path, must_be_feed: bool) {
        let name = path.display().to_string();
        let mut harvest = Harvest::default();
        let result = File::open(path).map_err(ReadError::from).and_then(|file| {
            let modified = file.metadata().and_then(|metadata| metadata.modified()).ok();
            let modified = modified.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
            let modified_ms = modified.and_then(|since| i64::try_from(since.as_millis()).ok());
            self.left = Budget::of(file.metadata()?.len());
            let stream = Box::new(file.try_clone()?);
            let (name, file) = (name.clone(), Some(file));
            let source = Source { name, stream, file, modified_ms, depth: 0, must_be_feed };
            self.read_source(source, &mut harvest)
        });
        match result {
            Ok(()) => self.harvest.merge(harvest),
            // Whatever broke first, this is why.
            Err(_) if self.left.is_spent() => self.failed.push((name, ReadError::Bomb)),
            Err(error) => self.failed.push((name, error)),
        }
    }

    fn read_source(&mut self, source: Source<'_>, harvest: &mut Harvest) -> Result<(), ReadError> {
        let Source { name, mut stream, file, modified_ms, depth, must_be_feed } = source;
        if depth > NESTING {
            return Err(ReadError::TooDeep);
        }
        let mut head = Vec::new();
        stream.by_ref().take(HEAD_BYTES).read_to_end(&mut head)?;
        let kind = Kind::of(&head);
        let stream: Box<dyn Read + '_> = Box::new(Cursor::new(head.clone()).chain(stream));
        let left = self.left.clone();
        let inner = |stream| Source {
            name: name.clone(),
            stream: left.meter(stream),
            file: None,
            modified_ms,
            depth: depth + 1,
            must_be_feed,
        };
        match kind {
            Kind::Zstd => {
                let mut decoder = zstd::Decoder::new(stream)?;
                decoder.window_log_max(ZSTD_WINDOW_LOG)?;
                self.read_source(inner(Box::new(decoder)), harvest)
            }
            Kind::Gzip => {
                let decoder = flate2::read::MultiGzDecoder::new(stream);
                self.read_source(inner(Box::new(decoder)), harvest)
            }
            Kind::Bzip2 => {
                let decoder = bzip2::read::MultiBzDecoder::new(stream);
                self.read_source(inner(Box::new(decoder)), harvest)
            }
            Kind::Tar => self.read_tar(&name, stream, depth, harvest),
            Kind::Zip => match file {
                Some(file) => self.read_zip(&name, file, depth, harvest),
                None => {
                    let file = zip::put_down(stream, self.folder, self.limits)?;
                    self.read_zip(&name, file, depth, harvest)
                }
            },
            Kind::Document => {
                let file = None;
                let document = Source { name, stream, file, modified_ms, depth, must_be_feed };
                self.read_plain(document, &head, harvest)
            }
        }
    }

    fn read_tar(
        &mut self,
        archive_name: &str,
        stream: Box<dyn Read + '_>,
        depth: usize,
        harvest: &mut Harvest,
    ) -> Result<(), ReadError> {
        let mut archive = tar::Archive::new(stream);
        for entry in archive.entries()? {
            let entry = entry?;
            if !entry.header().entry_type().is_file() {
                continue;
            }
            let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            let seconds = entry.header().mtime().ok().and_then(|s| i64::try_from(s).ok());
            self.read_member(
                Source {
                    name: format!("{archive_name}: {path}"),
                    modified_ms: seconds.and_then(|s| s.checked_mul(1000)),
                    stream: Box::new(entry),
                    file: None,
                    depth: depth + 1,
                    must_be_feed: false,
                },
                harvest,
            )?;
        }
        Ok(())
    }

    /// Reads a member of an archive. One that is no good is refused alone, unless it is the
    /// archive's stream itself that broke.
    fn read_member(&mut self, source: Source<'_>, harvest: &mut Harvest) -> Result<(), ReadError> {
        let name = source.name.clone();
        match self.read_source(source, harvest) {
            Err(ReadError::Document(error)) => {
                harvest.refuse(name, describe(&error));
                Ok(())
            }
            // Where it was the archive itself that broke, going on to the next member will tell.
            Err(error @ (ReadError::TooLarge(_) | ReadError::Io(_) | ReadError::Zip(_)))
                if !self.left.is_spent() =>
            {
                harvest.refuse(name, describe(&error));
                Ok(())
            }
            other => other,
        }
    }

    fn read_plain(
        &mut self,
        source: Source<'_>,
        head: &[u8],
        harvest: &mut Harvest,
    ) -> Result<(), ReadError> {
        let Some((format, extent)) = find_format(head) else {
            if source.must_be_feed {
                return Err(ReadError::UnknownFormat);
            }
            harvest.skip("", SkipReason::UnknownFormat);
            return Ok(());
        };
        let Source { name, mut stream, modified_ms, .. } = source;
        if format.is_stream() {
            let document = Document { name: &name, bytes: &[], modified_ms };
            read_stream(format, &document, &mut stream, self.limits, harvest)?;
            return self.count(name, harvest);
        }
        let limit = match extent {
            Extent::One => self.limits.advisory_record_bytes,
            Extent::Many => self.document_bytes(),
        };
        let bytes = read_limited(stream, limit)?;
        let document = Document { name: &name, bytes: &bytes, modified_ms };
        read_document(format, &document, self.limits, harvest)?;
        self.count(name, harvest)
    }

    fn count(&mut self, name: String, harvest: &Harvest) -> Result<(), ReadError> {
        let records = self.harvest.len() + harvest.len();
        let records = u64::try_from(records).unwrap_or(u64::MAX);
        if records > self.limits.advisory_records {
            return Err(ReadError::TooManyRecords(self.limits.advisory_records));
        }
        (self.progress)(&Progress { name, records });
        Ok(())
    }

    fn document_bytes(&self) -> u64 {
        self.limits.advisory_record_bytes.saturating_mul(RECORDS_PER_DOCUMENT)
    }
}

/// Says an error with its causes.
pub(crate) fn describe(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}

fn read_limited(stream: impl Read, limit: u64) -> Result<Vec<u8>, ReadError> {
    let mut bytes = Vec::new();
    stream.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > limit {
        return Err(ReadError::TooLarge(limit));
    }
    Ok(bytes)
}

/// What a stream is, by its first bytes.
#[derive(Clone, Copy)]
enum Kind {
    Zstd,
    Gzip,
    Bzip2,
    Tar,
    Zip,
    Document,
}

impl Kind {
    fn of(head: &[u8]) -> Self {
        if head.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
            Kind::Zstd
        } else if head.starts_with(&[0x1f, 0x8b]) {
            Kind::Gzip
        } else if head.starts_with(b"BZh") {
            Kind::Bzip2
        } else if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
            Kind::Zip
        } else if head.get(257..262) == Some(b"ustar") {
            Kind::Tar
        } else {
            Kind::Document
        }
    }
}

#[cfg(test)]
mod tests;
