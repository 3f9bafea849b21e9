//! Puts a layer's tar together again (vbatts/tar-split): everything of it but the content of files
//! is kept as JSON lines in a gzip file, and the content is in the unpacked files.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::MultiGzDecoder;
use serde::Deserialize;

use crate::containers_storage::tree::{Tree, shown};
use crate::error::SourceError;

/// The bytes of one line. The longest hold a megabyte of zeros, encoded.
const MAX_LINE_BYTES: usize = 8 << 20;

/// One line: bytes of the tar, or a file whose content comes next.
#[derive(Deserialize)]
struct Line {
    #[serde(rename = "type")]
    kind: u8,
    #[serde(default)]
    name: Option<String>,
    /// The name where it is not UTF-8, in Base64.
    #[serde(default)]
    name_raw: Option<String>,
    #[serde(default)]
    size: u64,
    #[serde(default)]
    payload: Option<String>,
}

enum Part {
    Bytes(Vec<u8>),
    File { path: Vec<u8>, size: u64 },
}

/// The parts of a tar, one after the other.
struct Parts {
    path: PathBuf,
    input: BufReader<MultiGzDecoder<BufReader<File>>>,
    line: Vec<u8>,
}

/// Reads the tar of a layer; gives exactly as many bytes as were announced, or an error.
pub(crate) struct TarSplitReader {
    parts: Parts,
    tree: Tree,
    bytes: Vec<u8>,
    given: usize,
    file: Option<Content>,
    left: u64,
}

struct Content {
    file: File,
    path: Vec<u8>,
    left: u64,
}

impl TarSplitReader {
    pub(crate) fn open(tar_split: &Path, tree: &Path, size: u64) -> Result<Self, SourceError> {
        let parts = Parts::open(tar_split)?;
        let tree = Tree::open(tree).map_err(|error| unreadable(tree, error))?;
        let (bytes, file) = (Vec::new(), None);
        Ok(TarSplitReader { parts, tree, bytes, given: 0, file, left: size })
    }
}

impl Read for TarSplitReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let count = self.read_part(buffer)?;
        let length = u64::try_from(count).unwrap_or(u64::MAX);
        if length > self.left || (count == 0 && self.left > 0) {
            return Err(self.parts.error("the tar has another size than the store says"));
        }
        self.left -= length;
        Ok(count)
    }
}

impl TarSplitReader {
    fn read_part(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let waiting = self.bytes.get(self.given..).unwrap_or_default();
            if !waiting.is_empty() {
                let count = waiting.len().min(buffer.len());
                buffer[..count].copy_from_slice(&waiting[..count]);
                self.given += count;
                return Ok(count);
            }
            if let Some(content) = &mut self.file {
                if content.left > 0 {
                    return content.read(buffer);
                }
                self.file = None;
            }
            match self.parts.next()? {
                None => return Ok(0),
                Some(Part::Bytes(bytes)) => {
                    self.bytes = bytes;
                    self.given = 0;
                }
                Some(Part::File { path, size }) => {
                    let opened = self.tree.open_file(&path);
                    let file = opened.map_err(|error| naming(&path, error))?;
                    self.file = Some(Content { file, path, left: size });
                }
            }
        }
    }
}

impl Content {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let wanted = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        let count = self.file.read(&mut buffer[..wanted]).map_err(|e| naming(&self.path, e))?;
        if count == 0 {
            let short = io::Error::new(io::ErrorKind::UnexpectedEof, "it is shorter than it was");
            return Err(naming(&self.path, short));
        }
        self.left = self.left.saturating_sub(u64::try_from(count).unwrap_or(u64::MAX));
        Ok(count)
    }
}

impl Parts {
    fn open(path: &Path) -> Result<Self, SourceError> {
        let file = File::open(path).map_err(|error| unreadable(path, error))?;
        let input = BufReader::new(MultiGzDecoder::new(BufReader::new(file)));
        Ok(Parts { path: path.to_owned(), input, line: Vec::new() })
    }

    /// Returns the next part; files without content are passed over.
    fn next(&mut self) -> io::Result<Option<Part>> {
        loop {
            if !self.read_line()? {
                return Ok(None);
            }
            let line: Line = serde_json::from_slice(&self.line)
                .map_err(|error| self.error(&format!("a line is malformed: {error}")))?;
            let decode = |text: &str| STANDARD.decode(text).ok();
            match line.kind {
                1 if line.size == 0 => {}
                1 => {
                    let raw = line.name_raw.as_deref().filter(|raw| !raw.is_empty());
                    let path = match (raw, line.name) {
                        (Some(raw), _) => decode(raw),
                        (None, name) => name.map(String::into_bytes),
                    };
                    let path = path.ok_or_else(|| self.error("a file has no name"))?;
                    return Ok(Some(Part::File { path, size: line.size }));
                }
                2 => {
                    let bytes = decode(&line.payload.unwrap_or_default());
                    let bytes = bytes.ok_or_else(|| self.error("a segment is no Base64"))?;
                    return Ok(Some(Part::Bytes(bytes)));
                }
                _ => return Err(self.error("a line is of an unknown type")),
            }
        }
    }

    fn read_line(&mut self) -> io::Result<bool> {
        self.line.clear();
        let limit = u64::try_from(MAX_LINE_BYTES).unwrap_or(u64::MAX);
        let read = (&mut self.input).take(limit).read_until(b'\n', &mut self.line);
        let count = read.map_err(|error| self.error(&error.to_string()))?;
        if count >= MAX_LINE_BYTES {
            return Err(self.error("a line is too long"));
        }
        Ok(count > 0)
    }

    fn error(&self, reason: &str) -> io::Error {
        io::Error::other(format!("{}: {}", self.path.display(), crate::error::quoted(reason)))
    }
}

/// Returns how long the tar is, for stores that do not say it. Blocks.
pub(crate) fn size_of(tar_split: &Path) -> Result<u64, SourceError> {
    let mut parts = Parts::open(tar_split)?;
    let mut size = 0_u64;
    while let Some(part) = parts.next().map_err(|error| unreadable(tar_split, error))? {
        let bytes = match part {
            Part::Bytes(bytes) => u64::try_from(bytes.len()).unwrap_or(u64::MAX),
            Part::File { size, .. } => size,
        };
        size = size.saturating_add(bytes);
    }
    Ok(size)
}

fn naming(path: &[u8], error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{} of the unpacked layer: {error}", shown(path)))
}

/// Files of a rootless store belong to other users than its owner.
fn unreadable(path: &Path, error: io::Error) -> SourceError {
    if error.kind() == io::ErrorKind::PermissionDenied {
        return SourceError::unsupported(
            path.display().to_string(),
            "this user may not read it; run the scan as root, or by `podman unshare` for the store \
             of a user",
        );
    }
    SourceError::io(path, error)
}
