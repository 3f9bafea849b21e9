//! Reading a bbolt database (go.etcd.io/bbolt, "page.go", "bucket.go") while its owner may write to
//! it: a B+ tree of pages, in which a commit never touches what the one before it can reach.
//!
//! The owner holds the lock, so it is not asked for. What was read counts if no commit came in
//! between; otherwise it is read again.

use std::cell::Cell;
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use crate::error::SourceError;

const MAGIC: u32 = 0xED0C_DAED;
const VERSION: u32 = 2;

const BRANCH: u16 = 0x01;
const LEAF: u16 = 0x02;
const IS_BUCKET: u32 = 0x01;

const PAGE_HEADER: usize = 16;
const BRANCH_ELEMENT: usize = 16;
const LEAF_ELEMENT: usize = 16;
const BUCKET_HEADER: usize = 16;
/// The bytes of a meta page that its checksum covers.
const META_BYTES: usize = 56;

/// How deep the tree of one bucket may be; a tree of pages of 4 KiB is five deep with a billion keys.
const MAX_DEPTH: u32 = 24;
/// The bytes of one page with its overflow.
const MAX_PAGE_BYTES: u64 = 32 << 20;
/// The bytes that are read for one answer.
const MAX_READ_BYTES: u64 = 128 << 20;
/// How often reading begins again because of a commit.
const ATTEMPTS: u32 = 20;

/// A database file.
#[derive(Debug)]
pub(super) struct Bolt {
    file: File,
    path: PathBuf,
}

/// The state of a database between two commits.
pub(super) struct Snapshot<'a> {
    bolt: &'a Bolt,
    meta: Meta,
    read_bytes: Cell<u64>,
}

/// A bucket: its own tree, or a page within the value of its parent.
#[derive(Clone, Debug)]
pub(super) enum Bucket {
    Tree(u64),
    Inline(Vec<u8>),
}

/// What a key has.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Bytes(Vec<u8>),
    Bucket(Bucket),
}

impl Value {
    fn size_bytes(&self) -> usize {
        match self {
            Value::Bytes(bytes) | Value::Bucket(Bucket::Inline(bytes)) => bytes.len(),
            Value::Bucket(Bucket::Tree(_)) => 0,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Meta {
    page_bytes: u64,
    root: u64,
    transaction: u64,
}

impl Bolt {
    pub(super) fn open(path: &Path) -> Result<Self, SourceError> {
        let metadata = std::fs::metadata(path).map_err(|error| SourceError::io(path, error))?;
        if !metadata.is_file() {
            let reason = "it is not a regular file";
            return Err(SourceError::unsupported(path.display().to_string(), reason));
        }
        let file = File::open(path).map_err(|error| SourceError::io(path, error))?;
        Ok(Bolt { file, path: path.to_owned() })
    }

    /// Reads something of one state of the database.
    pub(super) fn read<T>(
        &self,
        read: impl Fn(&Snapshot<'_>) -> Result<T, SourceError>,
    ) -> Result<T, SourceError> {
        for _ in 0..ATTEMPTS {
            let meta = self.meta()?;
            let snapshot = Snapshot { bolt: self, meta, read_bytes: Cell::new(0) };
            let result = read(&snapshot);
            if self.meta()?.transaction == meta.transaction {
                return result;
            }
        }
        Err(SourceError::transient(
            self.path.display().to_string(),
            "it is being written to all the time; scan again",
        ))
    }

    /// Returns the valid meta page of the later commit. A commit writes one of the two.
    fn meta(&self) -> Result<Meta, SourceError> {
        let first = self.meta_at(0)?;
        // The second page is where the first one says that pages begin; if that one is being
        // written, the usual sizes are tried.
        let sizes = [4096, 8192, 16384, 65536, 1024, 2048, 32768];
        let sizes = first.map(|meta| meta.page_bytes).into_iter().chain(sizes);
        let mut second = None;
        for size in sizes {
            second = second.or(self.meta_at(size)?.filter(|meta| meta.page_bytes == size));
        }
        let latest = [first, second].into_iter().flatten().max_by_key(|meta| meta.transaction);
        latest.ok_or_else(|| self.malformed("it is no bbolt database of version 2"))
    }

    fn meta_at(&self, offset: u64) -> Result<Option<Meta>, SourceError> {
        let mut bytes = [0; PAGE_HEADER + META_BYTES + 8];
        let read = self.file.read_at(&mut bytes, offset);
        if read.map_err(|error| SourceError::io(&self.path, error))? < bytes.len() {
            return Ok(None);
        }
        Ok(parse_meta(bytes.get(PAGE_HEADER..).unwrap_or_default()))
    }

    fn malformed(&self, reason: &str) -> SourceError {
        SourceError::malformed(self.path.display().to_string(), reason)
    }
}

fn parse_meta(bytes: &[u8]) -> Option<Meta> {
    let meta = Meta {
        page_bytes: u32_at(bytes, 8)?.into(),
        root: u64_at(bytes, 16)?,
        transaction: u64_at(bytes, 48)?,
    };
    let is_sound = u32_at(bytes, 0)? == MAGIC
        && u32_at(bytes, 4)? == VERSION
        && u64_at(bytes, META_BYTES)? == fnv1a(bytes.get(..META_BYTES)?)
        && (512..=1 << 20).contains(&meta.page_bytes);
    is_sound.then_some(meta)
}

impl Snapshot<'_> {
    /// Returns the bucket that all others are in.
    pub(super) fn root(&self) -> Bucket {
        Bucket::Tree(self.meta.root)
    }

    /// Finds a bucket within another.
    pub(super) fn bucket(&self, of: &Bucket, key: &[u8]) -> Result<Option<Bucket>, SourceError> {
        let found = self.entries(of)?.into_iter().find(|(name, _)| name == key);
        Ok(match found {
            Some((_, Value::Bucket(bucket))) => Some(bucket),
            Some((_, Value::Bytes(_))) | None => None,
        })
    }

    /// Lists the keys of a bucket in their order.
    pub(super) fn entries(&self, of: &Bucket) -> Result<Vec<(Vec<u8>, Value)>, SourceError> {
        let mut entries = Vec::new();
        match of {
            Bucket::Inline(page) => self.visit(page, 0, &mut entries)?,
            Bucket::Tree(id) => self.visit(&self.page(*id)?, 0, &mut entries)?,
        }
        Ok(entries)
    }

    fn visit(
        &self,
        page: &[u8],
        depth: u32,
        entries: &mut Vec<(Vec<u8>, Value)>,
    ) -> Result<(), SourceError> {
        let broken = || self.bolt.malformed("a page of it is damaged");
        let flags = u16_at(page, 8).ok_or_else(broken)?;
        let count = usize::from(u16_at(page, 10).ok_or_else(broken)?);
        if depth > MAX_DEPTH {
            return Err(self.bolt.malformed("its pages go in a circle"));
        }
        for index in 0..count {
            match flags {
                BRANCH => {
                    let at = PAGE_HEADER + index * BRANCH_ELEMENT;
                    let child = u64_at(page, at + 8).ok_or_else(broken)?;
                    self.visit(&self.page(child)?, depth + 1, entries)?;
                }
                LEAF => {
                    let at = PAGE_HEADER + index * LEAF_ELEMENT;
                    let (key, value) = leaf(page, at).ok_or_else(broken)?;
                    // Elements may share their bytes, so each copy is charged.
                    self.charge(LEAF_ELEMENT + key.len() + value.size_bytes())?;
                    entries.push((key, value));
                }
                _ => return Err(broken()),
            }
        }
        Ok(())
    }

    /// Reads a page with its overflow.
    fn page(&self, id: u64) -> Result<Vec<u8>, SourceError> {
        let broken = || self.bolt.malformed("a page of it is damaged");
        let page_bytes = self.meta.page_bytes;
        let offset = id.checked_mul(page_bytes).ok_or_else(broken)?;
        let mut header = [0; PAGE_HEADER];
        self.read(&mut header, offset)?;
        if id < 2 || u64_at(&header, 0) != Some(id) {
            return Err(broken());
        }
        let pages = u64::from(u32_at(&header, 12).ok_or_else(broken)?).saturating_add(1);
        let length = pages.saturating_mul(page_bytes);
        if length > MAX_PAGE_BYTES {
            return Err(self.over("database page", MAX_PAGE_BYTES));
        }
        let mut page = vec![0; usize::try_from(length).unwrap_or(0)];
        self.read(&mut page, offset)?;
        Ok(page)
    }

    fn read(&self, buffer: &mut [u8], offset: u64) -> Result<(), SourceError> {
        self.charge(buffer.len())?;
        let read = self.bolt.file.read_exact_at(buffer, offset);
        read.map_err(|_| self.bolt.malformed("it ends within a page"))
    }

    fn charge(&self, bytes: usize) -> Result<(), SourceError> {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        self.read_bytes.set(self.read_bytes.get().saturating_add(bytes));
        match self.read_bytes.get() > MAX_READ_BYTES {
            true => Err(self.over("database bytes", MAX_READ_BYTES)),
            false => Ok(()),
        }
    }

    fn over(&self, limit: &'static str, maximum: u64) -> SourceError {
        let subject = self.bolt.path.display().to_string();
        SourceError::LimitExceeded { subject, limit, maximum }
    }
}

/// Reads the element of a leaf page that begins at `at`; positions count from there.
fn leaf(page: &[u8], at: usize) -> Option<(Vec<u8>, Value)> {
    let number = |offset: usize| usize::try_from(u32_at(page, at + offset)?).ok();
    let key_at = at.checked_add(number(4)?)?;
    let value_at = key_at.checked_add(number(8)?)?;
    let end = value_at.checked_add(number(12)?)?;
    let key = page.get(key_at..value_at)?.to_vec();
    let value = page.get(value_at..end)?;
    if u32_at(page, at)? & IS_BUCKET == 0 {
        return Some((key, Value::Bytes(value.to_vec())));
    }
    let bucket = match u64_at(value, 0)? {
        0 => Bucket::Inline(value.get(BUCKET_HEADER..)?.to_vec()),
        root => Bucket::Tree(root),
    };
    Some((key, Value::Bucket(bucket)))
}

// The file has the byte order of the machine that wrote it.

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_ne_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
pub(super) mod tests;
