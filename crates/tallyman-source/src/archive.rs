//! Tar files that hold images: an index of their entries, made once, and readers for the bytes of
//! one entry. Nothing is unpacked; entries are found by name in the index and nowhere else.

pub(crate) mod header;
pub(crate) mod segment;
mod walk;

use std::collections::HashMap;
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::archive::segment::Segment;
use crate::archive::walk::Walk;
use crate::error::SourceError;

/// How many links may be followed from one entry to the next.
const MAX_LINKS: u32 = 8;

/// Where an entry's bytes are, or which other entry they are in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    File {
        offset: u64,
        size: u64,
    },
    /// The target's name, already resolved against the entry's own folder.
    Link {
        target: String,
    },
}

/// The entries of one tar file.
#[derive(Clone, Debug)]
pub(crate) struct TarIndex {
    path: PathBuf,
    file: Arc<File>,
    entries: HashMap<String, Entry>,
}

impl TarIndex {
    /// Opens a tar file and indexes it.
    pub(crate) fn open(path: &Path) -> Result<Self, SourceError> {
        let file = File::open(path).map_err(|error| SourceError::io(path, error))?;
        let metadata = file.metadata().map_err(|error| SourceError::io(path, error))?;
        let subject = path.display().to_string();
        if !metadata.is_file() {
            return Err(SourceError::unsupported(subject, "it is not a regular file"));
        }
        refuse_compressed(&file, path)?;
        let entries = Walk::new(&file, path, metadata.len()).entries()?;
        Ok(TarIndex { path: path.to_owned(), file: Arc::new(file), entries })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn contains(&self, name: &str) -> bool {
        self.entries.contains_key(name)
    }

    /// Finds the bytes of an entry, through links within the archive.
    pub(crate) fn find(&self, name: &str) -> Result<Option<Segment>, SourceError> {
        let mut name = name.strip_prefix("./").unwrap_or(name);
        for _ in 0..=MAX_LINKS {
            match self.entries.get(name) {
                None => return Ok(None),
                Some(Entry::File { offset, size }) => {
                    return Ok(Some(Segment::new(Arc::clone(&self.file), *offset, *size)));
                }
                Some(Entry::Link { target }) => name = target,
            }
        }
        Err(SourceError::malformed(
            format!("{} in {}", crate::error::quoted(name), self.path.display()),
            "its links go in a circle",
        ))
    }

    /// Reads a small entry whole.
    pub(crate) fn read(
        &self,
        name: &str,
        limit: &'static str,
        maximum: u64,
    ) -> Result<Option<Vec<u8>>, SourceError> {
        let Some(segment) = self.find(name)? else { return Ok(None) };
        if segment.size_bytes() > maximum {
            let subject = format!("{} in {}", crate::error::quoted(name), self.path.display());
            return Err(SourceError::LimitExceeded { subject, limit, maximum });
        }
        segment.read_all().map(Some).map_err(|error| SourceError::io(&self.path, error))
    }
}

fn refuse_compressed(file: &File, path: &Path) -> Result<(), SourceError> {
    let mut magic = [0; 4];
    let read = file.read_at(&mut magic, 0).map_err(|error| SourceError::io(path, error))?;
    let program = match &magic[..read] {
        [0x1f, 0x8b, ..] => "gunzip",
        [0x28, 0xb5, 0x2f, 0xfd] => "unzstd",
        _ => return Ok(()),
    };
    Err(SourceError::unsupported(
        path.display().to_string(),
        format!("the archive is compressed as a whole; unpack it with {program} first"),
    ))
}

#[cfg(test)]
mod tests;
