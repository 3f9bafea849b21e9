//! The compiled index: one immutable file in which a package's advisories are found by binary
//! search, without anything being parsed beforehand.
//!
//! # Layout, version 5
//! All numbers are little endian. A *varint* is LEB128, a *string* is the varint of its number in
//! the table of strings, a *list* is a varint of its length and then its elements.
//!
//! | bytes | content |
//! |---|---|
//! | 0–7 | `TALLYTIX` |
//! | 8–11 | layout version |
//! | 12–15 | zero |
//! | 16–47 | SHA-256 of everything behind it; the index's revision |
//! | 48–119 | offset and length (`u32` each) of the sections below, in this order |
//! | string blocks, string bytes | see `strings.rs` |
//! | groups | 12 bytes for each ecosystem and release, sorted: ecosystem, release (string), the number of its first key, all `u32` |
//! | keys | 8 bytes each, sorted within their group: name (string), offset in the section of lists, both `u32` |
//! | lists | for each key a list of what is said of it: how far the advisory is behind that of the entry before (varint); the statement: 0 and the statement, or its offset in the section of statements + 1 (varint). Keys of which the same is said share one |
//! | statements | those that several lists hold: see `statement.rs` |
//! | advisories | feed (varint), id (string), a byte of the numbers of aliases (bits 0–2), upstream ids (3–5) and CVSS vectors (6–7), where the highest number says that the list names its length; aliases, upstream ids, publication (varint, 0 unknown, else 1 + 2 × days or 2 + 2 × milliseconds), CVSS vectors (all strings) |
//! | vulnerabilities | what is known of them whatever package they are in: see `vulnerabilities.rs` |
//! | meta | JSON: the feeds, and which ecosystems and releases they speak of |
//!
//! The file is mapped. That it is whole is checked when it is opened, the hash by
//! [`AdvisoryIndex::verify`]; all offsets are checked when they are used, so that no file can cause
//! a panic.

mod advisory;
mod changes;
pub(crate) mod compile;
mod cursor;
mod feed;
mod mapping;
mod statement;
mod strings;
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
use advisory::Header;
use cursor::Cursor;
use mapping::IndexBytes;
use statement::{Statement, Word};
use strings::StringTable;

pub(crate) const MAGIC: &[u8; 8] = b"TALLYTIX";
pub(crate) const LAYOUT_VERSION: u32 = 5;
const HASH_AT: usize = 16;
const TABLE_AT: usize = 48;
const SECTIONS: usize = 9;
const HEADER_BYTES: usize = TABLE_AT + SECTIONS * 8;
const GROUP_BYTES: usize = 12;
const KEY_BYTES: usize = 8;

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

/// A statement on a package, whose advisory was not read yet.
#[derive(Debug)]
pub(crate) struct Found {
    advisory_at: usize,
    pub(crate) affected: Affected,
}

/// The keys of one ecosystem and release.
#[derive(Clone, Copy)]
struct Group {
    ecosystem: usize,
    release: usize,
    /// The position of its first key.
    first: usize,
}

/// What is said of a key, one entry after the other.
struct Entries<'a> {
    cursor: Cursor<'a>,
    left: usize,
    advisory_at: usize,
    statements: &'a [u8],
}

impl Entries<'_> {
    /// Reads where the next advisory stands and what it says.
    fn next(&mut self) -> Result<Option<(usize, Statement)>, IndexError> {
        let Some(left) = self.left.checked_sub(1) else { return Ok(None) };
        self.left = left;
        let behind = self.cursor.size()?;
        self.advisory_at = self.advisory_at.checked_add(behind).ok_or(cursor::SHORT)?;
        let statement = match self.cursor.size()?.checked_sub(1) {
            None => Statement::read(&mut self.cursor)?,
            Some(at) => {
                Statement::read(&mut Cursor::new(self.statements.get(at..).ok_or(cursor::SHORT)?))?
            }
        };
        Ok(Some((self.advisory_at, statement)))
    }
}

/// The sections, in the order of the header's table.
#[derive(Clone, Copy)]
enum Section {
    StringBlocks,
    StringBytes,
    Groups,
    Keys,
    Lists,
    Statements,
    Advisories,
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
        let found = self.statements(key, |_| true)?;
        found.into_iter().map(|found| self.record(found)).collect()
    }

    /// Returns what is said of a package and wanted. What is said of the vulnerabilities is read by
    /// [`AdvisoryIndex::record`], for the few that matter: of a package of a distribution there may
    /// be hundreds of which all but one were fixed long ago.
    pub(crate) fn statements(
        &self,
        key: PackageKey,
        mut is_wanted: impl FnMut(&Affected) -> bool,
    ) -> Result<Vec<Found>, IndexError> {
        let mut all = Vec::new();
        let Some(at) = self.find_key(&key)? else { return Ok(all) };
        let mut entries = self.entries(at)?;
        let mut key = key;
        while let Some((advisory_at, statement)) = entries.next()? {
            let affected = self.affected(key, &statement)?;
            if is_wanted(&affected) {
                key = affected.key.clone();
                all.push(Found { advisory_at, affected });
            } else {
                key = affected.key;
            }
        }
        Ok(all)
    }

    /// Reads the advisory of a statement.
    pub(crate) fn record(&self, found: Found) -> Result<IndexedAdvisory, IndexError> {
        self.read_advisory(found.advisory_at, found.affected)
    }

    /// Returns what makes two statements those of one record: feed, id and upstream, as numbers.
    pub(crate) fn identity(&self, found: &Found) -> Result<(usize, usize, Vec<usize>), IndexError> {
        let header = self.advisory(found.advisory_at)?;
        Ok((header.feed, header.id, header.upstream))
    }

    /// Finds the position of a key.
    fn find_key(&self, key: &PackageKey) -> Result<Option<usize>, IndexError> {
        let strings = self.strings();
        let release = key.release.as_ref().map_or("", DistributionRelease::as_str);
        let Some(release) = strings.find(release)? else { return Ok(None) };
        let wanted = (usize::from(ecosystem_code(key.ecosystem)), release);
        let group = partition(self.group_count(), |at| {
            let group = self.group(at)?;
            Ok((group.ecosystem, group.release).cmp(&wanted))
        })?;
        let (Some(group), Some(name)) = (group, strings.find(&key.name)?) else { return Ok(None) };
        let start = self.group(group)?.first;
        let end = match group + 1 < self.group_count() {
            true => self.group(group + 1)?.first,
            false => self.key_count(),
        };
        let found = partition(end.saturating_sub(start), |at| {
            Ok(self.name_and_list(start.saturating_add(at))?.0.cmp(&name))
        })?;
        Ok(found.map(|at| start.saturating_add(at)))
    }

    fn group_count(&self) -> usize {
        self.section(Section::Groups).len() / GROUP_BYTES
    }

    fn group(&self, at: usize) -> Result<Group, IndexError> {
        let groups = self.section(Section::Groups);
        let start = at.checked_mul(GROUP_BYTES).ok_or(cursor::SHORT)?;
        Ok(Group {
            ecosystem: read_usize(groups, start)?,
            release: read_usize(groups, start + 4)?,
            first: read_usize(groups, start + 8)?,
        })
    }

    /// Returns the group that the key at a position is in.
    fn group_of(&self, at: usize) -> Result<Group, IndexError> {
        let (mut low, mut high) = (0, self.group_count());
        while low < high {
            let middle = low + (high - low) / 2;
            if self.group(middle)?.first <= at { low = middle + 1 } else { high = middle }
        }
        self.group(low.checked_sub(1).ok_or(cursor::SHORT)?)
    }

    /// Returns the name of the key at a position, and where what is said of it stands.
    fn name_and_list(&self, at: usize) -> Result<(usize, usize), IndexError> {
        let keys = self.section(Section::Keys);
        let start = at.checked_mul(KEY_BYTES).ok_or(cursor::SHORT)?;
        Ok((read_usize(keys, start)?, read_usize(keys, start + 4)?))
    }

    /// Returns the key at a position, in the index's order.
    fn key_at(&self, at: usize) -> Result<PackageKey, IndexError> {
        let group = self.group_of(at)?;
        let mut all = Ecosystem::ALL.into_iter();
        let ecosystem = all.find(|it| usize::from(ecosystem_code(*it)) == group.ecosystem);
        let release = self.strings().get(group.release)?;
        Ok(PackageKey {
            ecosystem: ecosystem.ok_or(IndexError::Damaged("an ecosystem of no known kind"))?,
            release: (!release.is_empty()).then(|| DistributionRelease::from_stored(&release)),
            name: self.strings().get(self.name_and_list(at)?.0)?,
        })
    }

    /// Returns what is said of the key at a position, without its strings.
    fn entries(&self, at: usize) -> Result<Entries<'_>, IndexError> {
        let start = self.name_and_list(at)?.1;
        let list = self.section(Section::Lists).get(start..).ok_or(cursor::SHORT)?;
        let mut cursor = Cursor::new(list);
        let left = cursor.length()?;
        let statements = self.section(Section::Statements);
        Ok(Entries { cursor, left, advisory_at: 0, statements })
    }

    /// Reads the strings of a statement.
    fn affected(&self, key: PackageKey, statement: &Statement) -> Result<Affected, IndexError> {
        let strings = self.strings();
        let version = |word: Word| match word {
            Word::Zero => Ok("0".to_owned()),
            Word::Id(id) => strings.get(id),
        };
        let range = |events: &Vec<(u8, Word)>| {
            events.iter().map(|(kind, word)| event(*kind, version(*word)?)).collect()
        };
        Ok(Affected {
            key,
            ranges: statement.ranges.iter().map(range).collect::<Result<_, _>>()?,
            versions: strings.get_all(&statement.versions)?,
            cvss: strings.get_all(&statement.cvss)?,
            urgency: statement.urgency.map(|id| strings.get(id)).transpose()?,
            fix_state: fix_state(statement.state & 0x0f)?,
            modules: strings.get_all(&statement.modules)?,
            architectures: strings.get_all(&statement.architectures)?,
            naming: naming(statement.state >> 4)?,
        })
    }

    fn read_advisory(&self, at: usize, affected: Affected) -> Result<IndexedAdvisory, IndexError> {
        let header = self.advisory(at)?;
        let strings = self.strings();
        Ok(IndexedAdvisory {
            feed: self.feed_name(header.feed)?.to_owned(),
            id: strings.get(header.id)?,
            aliases: strings.get_all(&header.aliases)?,
            upstream: strings.get_all(&header.upstream)?,
            published_ms: header.published_ms,
            cvss: strings.get_all(&header.cvss)?,
            affected,
        })
    }

    fn feed_name(&self, at: usize) -> Result<&str, IndexError> {
        let feed = self.meta.feeds.get(at).ok_or(IndexError::Damaged("a feed is missing"))?;
        Ok(&feed.name)
    }

    fn advisory(&self, at: usize) -> Result<Header, IndexError> {
        let section = self.section(Section::Advisories);
        Header::read(&mut Cursor::new(section.get(at..).ok_or(cursor::SHORT)?))
    }

    fn strings(&self) -> StringTable<'_> {
        StringTable::new(self.section(Section::StringBlocks), self.section(Section::StringBytes))
    }

    fn section(&self, section: Section) -> &[u8] {
        let (start, end) = self.sections[section as usize];
        self.bytes.get(start..end).unwrap_or_default()
    }

    fn string(&self, cursor: &mut Cursor<'_>) -> Result<String, IndexError> {
        self.strings().get(cursor.size()?)
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
