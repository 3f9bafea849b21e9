//! Reading VEX documents and ignore rules from files.
//!
//! A file that cannot be read is an error, for what it says would be missed. In a directory every
//! `.json` file is read, and what is no VEX document at all is passed over.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use tallyman_match::vex::ignore_file::{self, IgnoreFileError};
use tallyman_match::vex::{self, VexError};
use tallyman_model::ignore::IgnoreRule;
use tallyman_model::limits::{Limits, Over};
use tallyman_model::vex::VexDocument;

use crate::blocking;

/// The files of a directory.
const MAX_FILES: usize = 100_000;
/// How deep directories are looked into.
const MAX_DEPTH: usize = 16;

/// Why a file is of no use.
#[derive(Debug, thiserror::Error)]
pub enum VexFileError {
    /// It cannot be read.
    #[error("read {path}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        #[source]
        source: io::Error,
    },
    /// It is too large.
    #[error("read {path}: it is {}", Over { limit: "vex-bytes", value: *maximum })]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The limit.
        maximum: u64,
    },
    /// It is no VEX document.
    #[error("read {path} as VEX: {source}")]
    Vex {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: VexError,
    },
    /// It holds no ignore rules.
    #[error("read the rules of {path}: {source}")]
    Rules {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: IgnoreFileError,
    },
    /// A directory holds too many files, or directories too deep in it.
    #[error("read {path}: it holds more than {MAX_FILES} files or is deeper than {MAX_DEPTH}")]
    TooMany {
        /// The directory.
        path: PathBuf,
    },
}

/// Reads the VEX documents of files and directories, each with its path.
///
/// # Errors
///
/// Any [`VexFileError`].
pub async fn read_vex(
    paths: Vec<PathBuf>,
    limits: &Limits,
) -> Result<Vec<(String, VexDocument)>, VexFileError> {
    let limits = limits.clone();
    blocking::run(move || {
        let mut documents = Vec::new();
        for path in paths {
            if !path.is_dir() {
                documents.push(read_one(&path, &limits)?);
                continue;
            }
            for file in json_files(&path)? {
                match read_one(&file, &limits) {
                    Ok(read) => documents.push(read),
                    Err(VexFileError::Vex { source, .. }) if source.is_something_else() => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(documents)
    })
    .await
}

/// Reads the ignore rules of a file.
///
/// # Errors
///
/// Any [`VexFileError`].
pub async fn read_rules(path: PathBuf, limits: &Limits) -> Result<Vec<IgnoreRule>, VexFileError> {
    let limits = limits.clone();
    blocking::run(move || {
        let bytes = bytes(&path, &limits)?;
        ignore_file::read(&bytes, &limits).map_err(|source| VexFileError::Rules { path, source })
    })
    .await
}

fn read_one(path: &Path, limits: &Limits) -> Result<(String, VexDocument), VexFileError> {
    let bytes = bytes(path, limits)?;
    let document = vex::read(&bytes, limits)
        .map_err(|source| VexFileError::Vex { path: path.to_owned(), source })?;
    let origin = path.display().to_string();
    Ok((origin.clone(), named(document, &bytes)))
}

/// A document without an identifier is known by its content.
pub(crate) fn named(mut document: VexDocument, bytes: &[u8]) -> VexDocument {
    if document.id.trim().is_empty() {
        let hash = ring::digest::digest(&ring::digest::SHA256, bytes);
        document.id = format!("sha256:{}", hex::encode(hash.as_ref()));
    }
    document
}

fn bytes(path: &Path, limits: &Limits) -> Result<Vec<u8>, VexFileError> {
    let io = |source| VexFileError::Io { path: path.to_owned(), source };
    let maximum = limits.vex_bytes;
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(io)?;
    file.take(maximum.saturating_add(1)).read_to_end(&mut bytes).map_err(io)?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > maximum {
        return Err(VexFileError::TooLarge { path: path.to_owned(), maximum });
    }
    Ok(bytes)
}

/// Returns the `.json` files of a directory and of those in it, in a stable order. Links to
/// directories are not followed.
fn json_files(root: &Path) -> Result<Vec<PathBuf>, VexFileError> {
    let too_many = || VexFileError::TooMany { path: root.to_owned() };
    let mut files = Vec::new();
    let mut rest = vec![(root.to_owned(), 0_usize)];
    while let Some((directory, depth)) = rest.pop() {
        let io = |source| VexFileError::Io { path: directory.clone(), source };
        for entry in fs::read_dir(&directory).map_err(io)? {
            let entry = entry.map_err(io)?;
            let kind = entry.file_type().map_err(io)?;
            let path = entry.path();
            if kind.is_dir() {
                rest.push((path, depth.saturating_add(1)));
            } else if path.extension().is_some_and(|extension| extension == "json") {
                files.push(path);
            }
        }
        if files.len() > MAX_FILES || rest.len() > MAX_FILES || depth > MAX_DEPTH {
            return Err(too_many());
        }
    }
    files.sort();
    Ok(files)
}
