//! The compiled index: one immutable file in which a package's advisories are found by binary
//! search, without anything being parsed beforehand.
//!
//! # Layout, version 4
//! All numbers are little endian. A *varint* is LEB128, a *string* is the varint of a position in
//! the string table, a *list* is a varint of its length and then its elements.
//!
//! | bytes | content |
//! |---|---|
//! | 0–7 | `TALLYTIX` |
//! | 8–11 | layout version |
//! | 12–15 | zero |
//! | 16–47 | SHA-256 of everything behind it; the index's revision |
//! | 48–103 | offset and length (`u32` each) of the sections below, in this order |
//! | string offsets | `u32` for each string and for the end of the last, sorted by the strings |
//! | string bytes | the strings, UTF-8, without separators |
//! | keys | 20 bytes each, sorted: ecosystem, release (string), name (string), offset and length in the section of affected packages, all `u32` |
//! | advisories | feed (varint), id (string), aliases and upstream (lists of strings), publication (varint, 0 or milliseconds + 1), CVSS vectors (list of strings) |
//! | affected | for each key a list: offset of the advisory (varint), ranges (list of lists of kind and string), versions (list), CVSS vectors (list), urgency (varint, 0 or string + 1), fix state (byte), modules (list), architectures (list), naming (byte) |
//! | vulnerabilities | what is known of them whatever package they are in: see `vulnerabilities.rs` |
//! | meta | JSON: the feeds, and which ecosystems and releases they speak of |
//!
//! The file is mapped. That it is whole is checked when it is opened, the hash by
//! [`AdvisoryIndex::verify`]; all offsets are checked when they are used, so that no file can cause
//! a panic.

mod changes;
pub(crate) mod compile;
mod cursor;
mod feed;
mod mapping;
mod vulnerabilities;

use std::cmp::Ordering;
use std::path::{Path, PathBuf};

use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use tallyman_model::advisory::{Affected, FeedInfo, FixState, Naming, PackageKey, RangeEvent};
use tallyman_model::coverage::CoverageGap;
use tallyman_model::distribution::DistributionRelease;
use tallyman_model::package::Ecosystem;

use crate::release::canonical;
use cursor::Cursor;
use mapping::IndexBytes;

pub(crate) const MAGIC: &[u8; 8] = b"TALLYTIX";
pub(crate) const LAYOUT_VERSION: u32 = 4;
const HASH_AT: usize = 16;
const TABLE_AT: usize = 48;
const SECTIONS: usize = 7;
const HEADER_BYTES: usize = TABLE_AT + SECTIONS * 8;
const KEY_BYTES: usize = 20;

/// Why an index cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// The file cannot be read.
    #[error("the advisory index {path} cannot be read")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The bytes are not what was written.
    #[error("the advisory index is damaged: {0}")]
    Damaged(&'static str),
    /// The layout is that of another version of the program.
    #[error("the advisory index has layout {0}, expected {LAYOUT_VERSION}")]
    OtherLayout(u32),
    /// There are more advisories than the layout can hold.
    #[error("the advisories do not fit into an index")]
    TooLarge,
}

/// What an advisory says of one package, as the index keeps it.
#[derive(Clone, Debug, PartialEq)]
pub struct IndexedAdvisory {
    /// The feed it is from.
    pub feed: String,
    /// The id in that feed.
    pub id: String,
    /// Other names of the same vulnerability.
    pub aliases: Vec<String>,
    /// The vulnerabilities that a distribution's record was made for.
    pub upstream: Vec<String>,
    /// First publication, milliseconds since the epoch.
    pub published_ms: Option<i64>,
    /// CVSS vectors for all affected packages.
    pub cvss: Vec<String>,
    /// What it says of the package.
    pub affected: Affected,
}

/// A compiled index.
#[derive(Debug)]
pub struct AdvisoryIndex {
    bytes: IndexBytes,
    revision: String,
    sections: [(usize, usize); SECTIONS],
    meta: Meta,
}

/// Where the statements on a package stand in the section of affected packages.
#[derive(Clone, Copy)]
struct Place {
    start: usize,
    end: usize,
}

/// The sections, in the order of the header's table.
#[derive(Clone, Copy)]
enum Section {
    StringOffsets,
    StringBytes,
    Keys,
    Advisories,
    Affected,
    Vulnerabilities,
    Meta,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Meta {
    pub(crate) feeds: Vec<FeedInfo>,
    pub(crate) coverage: Vec<CoverageGap>,
}

impl AdvisoryIndex {
    /// Opens an index file, without reading more of it than is used.
    ///
    /// # Errors
    /// When the file cannot be read, or is not a whole index of this layout.
    pub fn open(path: &Path) -> Result<Self, IndexError> {
        let bytes = IndexBytes::map(path)
            .map_err(|source| IndexError::Read { path: path.to_owned(), source })?;
        AdvisoryIndex::of(bytes)
    }

    /// Takes an index from memory.
    ///
    /// # Errors
    /// When the bytes are not a whole index of this layout, or not what their hash says.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, IndexError> {
        let index = AdvisoryIndex::of(IndexBytes::Owned(bytes))?;
        index.verify()?;
        Ok(index)
    }

    /// Reads the whole index and compares its hash.
    ///
    /// # Errors
    /// When the content is not what the hash says.
    pub fn verify(&self) -> Result<(), IndexError> {
        let hash = self.bytes.get(HASH_AT..TABLE_AT).unwrap_or_default();
        let actual = digest(&SHA256, self.bytes.get(TABLE_AT..).unwrap_or_default());
        if hash != actual.as_ref() {
            return Err(IndexError::Damaged("its content is not what its hash says"));
        }
        Ok(())
    }

    fn of(bytes: IndexBytes) -> Result<Self, IndexError> {
        if bytes.get(..MAGIC.len()) != Some(MAGIC.as_slice()) {
            return Err(IndexError::Damaged("it does not start as an index does"));
        }
        let layout = read_u32(&bytes, 8)?;
        if layout != LAYOUT_VERSION {
            return Err(IndexError::OtherLayout(layout));
        }
        if bytes.len() < HEADER_BYTES || read_u32(&bytes, 12)? != 0 {
            return Err(IndexError::Damaged("its header is not whole"));
        }
        let revision = hex::encode(bytes.get(HASH_AT..TABLE_AT).unwrap_or_default());
        let mut sections = [(0, 0); SECTIONS];
        for (i, section) in sections.iter_mut().enumerate() {
            let start = read_usize(&bytes, TABLE_AT + i * 8)?;
            let length = read_usize(&bytes, TABLE_AT + i * 8 + 4)?;
            let end = start.checked_add(length).filter(|end| *end <= bytes.len());
            *section = (start, end.ok_or(IndexError::Damaged("a section leaves the file"))?);
        }
        if sections.iter().map(|(_, end)| *end).max() != Some(bytes.len()) {
            return Err(IndexError::Damaged("the file does not end where its last section does"));
        }
        let (start, end) = sections[Section::Meta as usize];
        let meta = serde_json::from_slice(bytes.get(start..end).unwrap_or_default())
            .map_err(|_| IndexError::Damaged("its list of feeds cannot be read"))?;
        Ok(AdvisoryIndex { bytes, revision, sections, meta })
    }

    /// Returns the hash of the content: two indexes of one revision give the same answers.
    pub fn revision(&self) -> &str {
        &self.revision
    }

    /// Returns the feeds that are compiled in.
    pub fn feeds(&self) -> Vec<FeedInfo> {
        self.meta.feeds.clone()
    }

    /// Tells whether any feed speaks of the ecosystem or release.
    pub fn covers(&self, gap: &CoverageGap) -> bool {
        covers(&self.meta.coverage, gap)
    }

    /// Returns the ecosystems and releases that feeds speak of, sorted.
    pub fn coverage(&self) -> &[CoverageGap] {
        &self.meta.coverage
    }

    /// Returns the number of package keys that advisories speak of.
    pub fn key_count(&self) -> usize {
        self.section(Section::Keys).len() / KEY_BYTES
    }

    /// Returns all that the feeds say of a package.
    ///
    /// # Errors
    /// When the index contradicts itself.
    pub fn find(&self, key: &PackageKey) -> Result<Vec<IndexedAdvisory>, IndexError> {
        let release = key.release.as_ref().map(canonical);
        let key = PackageKey { ecosystem: key.ecosystem, release, name: key.name.clone() };
        match self.find_place(&key)? {
            Some(place) => self.read_affected(&key, place),
            None => Ok(Vec::new()),
        }
    }

    /// Finds where the statements on a package stand in their section.
    fn find_place(&self, key: &PackageKey) -> Result<Option<Place>, IndexError> {
        let release_text = key.release.as_ref().map_or("", DistributionRelease::as_str);
        let (Some(release_id), Some(name_id)) =
            (self.find_string(release_text)?, self.find_string(&key.name)?)
        else {
            return Ok(None);
        };
        let wanted = (u32::from(ecosystem_code(key.ecosystem)), release_id, name_id);
        let keys = self.section(Section::Keys);
        let found = partition(self.key_count(), |at| {
            let at = at * KEY_BYTES;
            let entry = (read_u32(keys, at)?, read_u32(keys, at + 4)?, read_u32(keys, at + 8)?);
            Ok(entry.cmp(&wanted))
        })?;
        found.map(|at| self.place_at(at)).transpose()
    }

    /// Returns where the statements on the key at a position stand.
    fn place_at(&self, at: usize) -> Result<Place, IndexError> {
        let keys = self.section(Section::Keys);
        let start = at.checked_mul(KEY_BYTES).ok_or(cursor::SHORT)?;
        let (start, length) = (read_usize(keys, start + 12)?, read_usize(keys, start + 16)?);
        let end = start.checked_add(length).ok_or(cursor::SHORT)?;
        Ok(Place { start, end })
    }

    /// Returns the key at a position, in the index's order.
    fn key_at(&self, at: usize) -> Result<PackageKey, IndexError> {
        let keys = self.section(Section::Keys);
        let start = at.checked_mul(KEY_BYTES).ok_or(cursor::SHORT)?;
        let code = read_u32(keys, start)?;
        let ecosystem = Ecosystem::ALL.into_iter().find(|e| u32::from(ecosystem_code(*e)) == code);
        let release = self.str_at(read_usize(keys, start + 4)?)?;
        Ok(PackageKey {
            ecosystem: ecosystem.ok_or(IndexError::Damaged("an ecosystem of no known kind"))?,
            release: (!release.is_empty()).then(|| DistributionRelease::from_stored(release)),
            name: self.str_at(read_usize(keys, start + 8)?)?.to_owned(),
        })
    }

    fn read_affected(
        &self,
        key: &PackageKey,
        place: Place,
    ) -> Result<Vec<IndexedAdvisory>, IndexError> {
        let mut cursor = self.statements(place)?;
        cursor.list(|cursor| {
            let advisory_at = cursor.size()?;
            let affected = self.read_statement(cursor, key)?;
            self.read_advisory(advisory_at, affected)
        })
    }

    fn statements(&self, place: Place) -> Result<Cursor<'_>, IndexError> {
        let section = self.section(Section::Affected);
        Ok(Cursor::new(section.get(place.start..place.end).ok_or(cursor::SHORT)?))
    }

    /// Reads one statement, behind the offset of its advisory.
    fn read_statement(
        &self,
        cursor: &mut Cursor<'_>,
        key: &PackageKey,
    ) -> Result<Affected, IndexError> {
        let ranges = cursor.list(|cursor| {
            cursor.list(|cursor| {
                let kind = cursor.byte()?;
                let version = self.string(cursor)?;
                event(kind, version)
            })
        })?;
        Ok(Affected {
            key: key.clone(),
            ranges,
            versions: cursor.list(|cursor| self.string(cursor))?,
            cvss: cursor.list(|cursor| self.string(cursor))?,
            urgency: match cursor.number()?.checked_sub(1) {
                Some(id) => Some(self.string_at(id)?),
                None => None,
            },
            fix_state: fix_state(cursor.byte()?)?,
            modules: cursor.list(|cursor| self.string(cursor))?,
            architectures: cursor.list(|cursor| self.string(cursor))?,
            naming: naming(cursor.byte()?)?,
        })
    }

    fn read_advisory(&self, at: usize, affected: Affected) -> Result<IndexedAdvisory, IndexError> {
        let mut cursor = self.advisory(at)?;
        Ok(IndexedAdvisory {
            feed: self.feed_name(cursor.size()?)?.to_owned(),
            id: self.string(&mut cursor)?,
            aliases: cursor.list(|cursor| self.string(cursor))?,
            upstream: cursor.list(|cursor| self.string(cursor))?,
            published_ms: cursor.number()?.checked_sub(1).and_then(|ms| i64::try_from(ms).ok()),
            cvss: cursor.list(|cursor| self.string(cursor))?,
            affected,
        })
    }

    fn feed_name(&self, at: usize) -> Result<&str, IndexError> {
        let feed = self.meta.feeds.get(at).ok_or(IndexError::Damaged("a feed is missing"))?;
        Ok(&feed.name)
    }

    fn advisory(&self, at: usize) -> Result<Cursor<'_>, IndexError> {
        Ok(Cursor::new(self.section(Section::Advisories).get(at..).ok_or(cursor::SHORT)?))
    }

    fn section(&self, section: Section) -> &[u8] {
        let (start, end) = self.sections[section as usize];
        self.bytes.get(start..end).unwrap_or_default()
    }

    fn string(&self, cursor: &mut Cursor<'_>) -> Result<String, IndexError> {
        self.string_at(cursor.number()?)
    }

    fn string_at(&self, id: u64) -> Result<String, IndexError> {
        let id = usize::try_from(id).map_err(|_| cursor::SHORT)?;
        Ok(self.str_at(id)?.to_owned())
    }

    fn str_at(&self, id: usize) -> Result<&str, IndexError> {
        std::str::from_utf8(self.bytes_at(id)?)
            .map_err(|_| IndexError::Damaged("a string is not UTF-8"))
    }

    fn bytes_at(&self, id: usize) -> Result<&[u8], IndexError> {
        let offsets = self.section(Section::StringOffsets);
        let at = id.checked_mul(4).ok_or(cursor::SHORT)?;
        let start = read_usize(offsets, at)?;
        let end = read_usize(offsets, at.checked_add(4).ok_or(cursor::SHORT)?)?;
        self.section(Section::StringBytes).get(start..end).ok_or(cursor::SHORT)
    }

    fn find_string(&self, text: &str) -> Result<Option<u32>, IndexError> {
        let count = (self.section(Section::StringOffsets).len() / 4).saturating_sub(1);
        let found = partition(count, |id| Ok(self.bytes_at(id)?.cmp(text.as_bytes())))?;
        Ok(found.and_then(|id| u32::try_from(id).ok()))
    }
}

/// Tells whether an index with this coverage speaks of the ecosystem or release.
pub fn covers(coverage: &[CoverageGap], gap: &CoverageGap) -> bool {
    let release = gap.release.as_ref().map(canonical);
    let gap = CoverageGap { ecosystem: gap.ecosystem, release };
    coverage.binary_search(&gap).is_ok()
}

/// Binary search in `0..count`.
fn partition(
    count: usize,
    compare: impl Fn(usize) -> Result<Ordering, IndexError>,
) -> Result<Option<usize>, IndexError> {
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = low + (high - low) / 2;
        match compare(middle)? {
            Ordering::Equal => return Ok(Some(middle)),
            Ordering::Less => low = middle + 1,
            Ordering::Greater => high = middle,
        }
    }
    Ok(None)
}

fn read_u32(bytes: &[u8], at: usize) -> Result<u32, IndexError> {
    let end = at.checked_add(4).ok_or(cursor::SHORT)?;
    let bytes = bytes.get(at..end).and_then(|bytes| bytes.try_into().ok());
    bytes.map(u32::from_le_bytes).ok_or(cursor::SHORT)
}

fn read_usize(bytes: &[u8], at: usize) -> Result<usize, IndexError> {
    usize::try_from(read_u32(bytes, at)?).map_err(|_| cursor::SHORT)
}

/// The numbers are part of the layout: they never change.
pub(crate) fn ecosystem_code(ecosystem: Ecosystem) -> u8 {
    match ecosystem {
        Ecosystem::Deb => 1,
        Ecosystem::Apk => 2,
        Ecosystem::PyPi => 3,
        Ecosystem::Npm => 4,
        Ecosystem::Go => 5,
        Ecosystem::Cargo => 6,
        Ecosystem::Rpm => 7,
        Ecosystem::Alpm => 8,
        Ecosystem::Ebuild => 9,
        Ecosystem::Opkg => 10,
        Ecosystem::Maven => 11,
        Ecosystem::Gem => 12,
        Ecosystem::Composer => 13,
        Ecosystem::NuGet => 14,
        Ecosystem::Pub => 15,
        Ecosystem::Hex => 16,
        Ecosystem::Swift => 17,
        Ecosystem::Hackage => 18,
        Ecosystem::Cran => 19,
        Ecosystem::LuaRocks => 20,
        Ecosystem::Conan => 21,
        Ecosystem::Conda => 22,
        Ecosystem::Generic => 23,
    }
}

pub(crate) fn event_code(event: &RangeEvent) -> u8 {
    match event {
        RangeEvent::Introduced(_) => 0,
        RangeEvent::Fixed(_) => 1,
        RangeEvent::LastAffected(_) => 2,
        RangeEvent::Limit(_) => 3,
    }
}

fn event(code: u8, version: String) -> Result<RangeEvent, IndexError> {
    match code {
        0 => Ok(RangeEvent::Introduced(version)),
        1 => Ok(RangeEvent::Fixed(version)),
        2 => Ok(RangeEvent::LastAffected(version)),
        3 => Ok(RangeEvent::Limit(version)),
        _ => Err(IndexError::Damaged("an event of no known kind")),
    }
}

pub(crate) fn fix_state_code(state: FixState) -> u8 {
    match state {
        FixState::Open => 0,
        FixState::WillNotFix => 1,
        FixState::EndOfLife => 2,
        FixState::Undetermined => 3,
        FixState::NotAffected => 4,
    }
}

fn fix_state(code: u8) -> Result<FixState, IndexError> {
    match code {
        0 => Ok(FixState::Open),
        1 => Ok(FixState::WillNotFix),
        2 => Ok(FixState::EndOfLife),
        3 => Ok(FixState::Undetermined),
        4 => Ok(FixState::NotAffected),
        _ => Err(IndexError::Damaged("a fix state of no known kind")),
    }
}

pub(crate) fn naming_code(naming: Naming) -> u8 {
    match naming {
        Naming::Usual => 0,
        Naming::Source => 1,
        Naming::Binary => 2,
    }
}

fn naming(code: u8) -> Result<Naming, IndexError> {
    match code {
        0 => Ok(Naming::Usual),
        1 => Ok(Naming::Source),
        2 => Ok(Naming::Binary),
        _ => Err(IndexError::Damaged("a name of no known kind")),
    }
}

#[cfg(test)]
mod tests;
