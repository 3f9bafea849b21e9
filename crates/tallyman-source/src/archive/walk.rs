//! The walk over a tar file's headers: names, sizes and offsets only, with GNU long names and PAX
//! paths and sizes (POSIX.1-2017, pax, "pax Interchange Format"). Every extension is bounded, so
//! that a hostile archive costs little memory.

use std::collections::HashMap;
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use crate::archive::Entry;
use crate::archive::header::{BLOCK, Header};
use crate::error::SourceError;

/// An image has a few entries for each layer; a hundred thousand is not an image.
const MAX_ENTRIES: usize = 100_000;
/// The bytes of all names together.
const MAX_NAMES_BYTES: usize = 16 << 20;
/// The bytes of one PAX header or GNU long name.
const MAX_EXTENSION_BYTES: u64 = 64 << 10;

/// What an extension says about the entry after it.
#[derive(Default)]
struct Extension {
    name: Option<Vec<u8>>,
    link_name: Option<Vec<u8>>,
    size: Option<u64>,
}

pub(crate) struct Walk<'a> {
    file: &'a File,
    path: &'a Path,
    length: u64,
    entries: HashMap<String, Entry>,
    names_bytes: usize,
}

impl<'a> Walk<'a> {
    pub(crate) fn new(file: &'a File, path: &'a Path, length: u64) -> Self {
        Walk { file, path, length, entries: HashMap::new(), names_bytes: 0 }
    }

    /// Reads all headers.
    pub(crate) fn entries(mut self) -> Result<HashMap<String, Entry>, SourceError> {
        let mut position = 0_u64;
        let mut extension = Extension::default();
        let mut headers = 0_usize;
        while let Some(header) = self.header(position)? {
            headers += 1;
            if headers > MAX_ENTRIES {
                return Err(self.over("archive entries", MAX_ENTRIES));
            }
            let data = position + BLOCK as u64;
            let is_extension = matches!(header.kind, b'L' | b'K' | b'x' | b'g');
            let size = extension.size.filter(|_| !is_extension).unwrap_or(header.size);
            // Links and folders carry no data, whatever their size field says.
            let stored = if matches!(header.kind, b'1'..=b'6') { 0 } else { size };
            let end = data.checked_add(stored).filter(|end| *end <= self.length);
            let Some(end) = end else {
                return Err(self.malformed("an entry reaches beyond the end of the file"));
            };
            match header.kind {
                b'L' => extension.name = Some(self.long_name(data, stored)?),
                b'K' => extension.link_name = Some(self.long_name(data, stored)?),
                b'x' => self.pax(&mut extension, data, stored)?,
                b'S' => return Err(self.malformed("sparse entries have no place in an image")),
                b'g' => {}
                _ => self.insert(header, std::mem::take(&mut extension), data, size)?,
            }
            position = end.next_multiple_of(BLOCK as u64);
        }
        Ok(self.entries)
    }

    /// Reads the header at a position; `None` at the end.
    fn header(&self, position: u64) -> Result<Option<Header>, SourceError> {
        if position >= self.length {
            return Ok(None);
        }
        let mut block = [0; BLOCK];
        if self.length - position < BLOCK as u64 {
            return Err(self.malformed("it ends within a header"));
        }
        self.read(&mut block, position)?;
        if block.iter().all(|byte| *byte == 0) {
            return Ok(None);
        }
        Header::parse(&block).map(Some).map_err(|reason| self.malformed(reason))
    }

    fn insert(
        &mut self,
        header: Header,
        extension: Extension,
        offset: u64,
        size: u64,
    ) -> Result<(), SourceError> {
        let name = extension.name.unwrap_or(header.name);
        let link_name = extension.link_name.unwrap_or(header.link_name);
        // What is not UTF-8 cannot be named by a manifest.
        let (Ok(name), Ok(link_name)) = (String::from_utf8(name), String::from_utf8(link_name))
        else {
            return Ok(());
        };
        let name = name.strip_prefix("./").unwrap_or(&name);
        let entry = match header.kind {
            b'0' | 0 | b'7' => Entry::File { offset, size },
            b'1' => Entry::Link { target: link_name.trim_start_matches("./").to_owned() },
            b'2' => match beside(name, &link_name) {
                Some(target) => Entry::Link { target },
                None => return Ok(()),
            },
            _ => return Ok(()),
        };
        self.names_bytes += name.len() + link_name.len();
        if self.names_bytes > MAX_NAMES_BYTES {
            return Err(self.over("archive names", MAX_NAMES_BYTES));
        }
        // Programs disagree about which of two entries counts, so neither does.
        if self.entries.insert(name.to_owned(), entry).is_some() {
            let text = format!("it holds {} twice", crate::error::quoted(name));
            return Err(self.malformed(&text));
        }
        Ok(())
    }

    fn long_name(&self, position: u64, size: u64) -> Result<Vec<u8>, SourceError> {
        let mut name = self.extension(position, size)?;
        if let Some(end) = name.iter().position(|byte| *byte == 0) {
            name.truncate(end);
        }
        Ok(name)
    }

    fn pax(&self, into: &mut Extension, position: u64, size: u64) -> Result<(), SourceError> {
        let bytes = self.extension(position, size)?;
        for record in PaxRecords(&bytes) {
            let (key, value) = record.ok_or_else(|| self.malformed("a PAX header is damaged"))?;
            match key {
                b"path" => into.name = Some(value.to_vec()),
                b"linkpath" => into.link_name = Some(value.to_vec()),
                b"size" => {
                    let number = std::str::from_utf8(value).ok().and_then(|v| v.parse().ok());
                    let Some(number) = number else {
                        return Err(self.malformed("a PAX size is no number"));
                    };
                    into.size = Some(number);
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn extension(&self, position: u64, size: u64) -> Result<Vec<u8>, SourceError> {
        if size > MAX_EXTENSION_BYTES {
            return Err(SourceError::LimitExceeded {
                subject: self.path.display().to_string(),
                limit: "archive extension header",
                maximum: MAX_EXTENSION_BYTES,
            });
        }
        let mut bytes = vec![0; usize::try_from(size).unwrap_or(0)];
        self.read(&mut bytes, position)?;
        Ok(bytes)
    }

    fn read(&self, buffer: &mut [u8], position: u64) -> Result<(), SourceError> {
        self.file
            .read_exact_at(buffer, position)
            .map_err(|error| SourceError::Io { path: self.path.to_owned(), source: error })
    }

    fn malformed(&self, reason: &str) -> SourceError {
        SourceError::malformed(self.path.display().to_string(), reason)
    }

    fn over(&self, limit: &'static str, maximum: usize) -> SourceError {
        SourceError::LimitExceeded {
            subject: self.path.display().to_string(),
            limit,
            maximum: u64::try_from(maximum).unwrap_or(u64::MAX),
        }
    }
}

/// Records of the form `LENGTH KEY=VALUE\n`, where the length counts the whole record.
struct PaxRecords<'a>(&'a [u8]);

impl<'a> Iterator for PaxRecords<'a> {
    type Item = Option<(&'a [u8], &'a [u8])>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.iter().all(|byte| *byte == 0) {
            return None;
        }
        let record = pax_record(self.0);
        self.0 = record.map_or(&[], |(_, _, rest)| rest);
        Some(record.map(|(key, value, _)| (key, value)))
    }
}

fn pax_record(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let space = bytes.iter().take(20).position(|byte| *byte == b' ')?;
    let length: usize = std::str::from_utf8(bytes.get(..space)?).ok()?.parse().ok()?;
    let record = bytes.get(space + 1..length)?.strip_suffix(b"\n")?;
    let equals = record.iter().position(|byte| *byte == b'=')?;
    Some((record.get(..equals)?, record.get(equals + 1..)?, bytes.get(length..)?))
}

/// Resolves a symbolic link's target against the folder of the link, without leaving the archive.
fn beside(name: &str, target: &str) -> Option<String> {
    if target.starts_with('/') {
        return None;
    }
    let mut parts: Vec<&str> = name.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}
