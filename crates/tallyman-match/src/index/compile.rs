//! Writes the index of all feeds. The same feeds give the same bytes, whatever the order in which
//! they were imported.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use ring::digest::{SHA256, digest};
use tallyman_model::advisory::{Advisory, Affected, PackageKey};
use tallyman_model::coverage::CoverageGap;
use tallyman_model::distribution::DistributionRelease;
use tallyman_model::vulnerability::{CveId, VulnerabilityFacts};

use super::{
    HASH_AT, HEADER_BYTES, IndexError, LAYOUT_VERSION, MAGIC, Meta, SECTIONS, TABLE_AT, advisory,
    ecosystem_code, statement, vulnerabilities,
};
use crate::range::version_of;
use crate::record::FeedContent;

/// The feed whose word on a source package replaces what changelogs suggest.
const AUTHORITY: &str = "debian";
const HEARSAY: &str = "debian-changelog";

/// Compiles the feeds into the bytes of an index.
///
/// # Errors
/// When the advisories are more than the layout can hold.
pub(crate) fn compile(feeds: &mut [FeedContent]) -> Result<Vec<u8>, IndexError> {
    feeds.sort_by(|a, b| a.info.name.cmp(&b.info.name));
    let known = vulnerabilities::join(feeds);
    let used = used_records(feeds);
    let strings = Strings::of(&used, &known);
    let mut advisories = Vec::new();
    let mut by_key: BTreeMap<&PackageKey, Vec<(usize, &Affected)>> = BTreeMap::new();
    for UsedRecord { feed_at, advisory, affected } in &used {
        let offset = advisories.len();
        for affected in affected {
            by_key.entry(&affected.key).or_default().push((offset, affected));
        }
        advisory::write(&mut advisories, *feed_at, advisory, |text| strings.id(text));
    }
    let [groups, keys, lists, statements] = write_keys(&strings, &by_key)?;
    let mut coverage: BTreeSet<CoverageGap> =
        by_key.keys().map(|key| CoverageGap::of(key)).collect();
    coverage.extend(feeds.iter().flat_map(|feed| feed.info.complete.iter().cloned()));
    // When it was imported is no part of what the index says.
    let infos = feeds.iter().map(|feed| {
        let mut info = feed.info.clone();
        info.imported_ms = None;
        info
    });
    let meta = Meta { feeds: infos.collect(), coverage: coverage.into_iter().collect() };
    let meta = serde_json::to_vec(&meta).map_err(|_| IndexError::TooLarge)?;
    let known = vulnerabilities::write(&known, |text| strings.id(text))?;
    let (blocks, bytes) = super::strings::write(&strings.sorted)?;
    assemble([blocks, bytes, groups, keys, lists, statements, advisories, known, meta])
}

/// Tells whether what an index says of a feed depends on more than the feed itself: then it says
/// something else after the other one changed.
pub(crate) fn depends_on(feed: &str, other: &str) -> bool {
    feed == HEARSAY && other == AUTHORITY
}

/// A record with those of its statements that count.
struct UsedRecord<'a> {
    feed_at: usize,
    advisory: &'a Advisory,
    affected: Vec<&'a Affected>,
}

/// Returns the records that say something: not withdrawn ones, and no hearsay where there is better.
fn used_records(feeds: &[FeedContent]) -> Vec<UsedRecord<'_>> {
    let judged = judged_keys(feeds);
    let mut used = Vec::new();
    for (feed_at, feed) in feeds.iter().enumerate() {
        let is_ruled_out =
            |affected: &Affected| feed.info.name == HEARSAY && judged.contains(&affected.key);
        let records = feed.records.iter().map(|record| &record.advisory);
        for advisory in records.filter(|advisory| advisory.withdrawn_ms.is_none()) {
            let affected: Vec<&Affected> =
                advisory.affected.iter().filter(|affected| !is_ruled_out(affected)).collect();
            if !affected.is_empty() {
                used.push(UsedRecord { feed_at, advisory, affected });
            }
        }
    }
    used
}

fn judged_keys(feeds: &[FeedContent]) -> BTreeSet<&PackageKey> {
    feeds
        .iter()
        .filter(|feed| feed.info.name == AUTHORITY)
        .flat_map(|feed| &feed.records)
        .filter(|record| record.advisory.withdrawn_ms.is_none())
        .flat_map(|record| &record.advisory.affected)
        .map(|affected| &affected.key)
        .collect()
}

/// Writes the groups, the keys, their lists and the statements that these share.
fn write_keys(
    strings: &Strings<'_>,
    by_key: &BTreeMap<&PackageKey, Vec<(usize, &Affected)>>,
) -> Result<[Vec<u8>; 4], IndexError> {
    let mut shared = SharedStatements::default();
    for (_, one) in by_key.values().flatten() {
        shared.count(statement::write(one, |text| strings.id(text)));
    }
    let statements = shared.place()?;
    let mut lists = Vec::new();
    let mut places: HashMap<Vec<u8>, u32> = HashMap::new();
    let mut entries = Vec::with_capacity(by_key.len());
    for (key, all) in by_key {
        let mut list = Vec::new();
        put_size(&mut list, all.len());
        let mut before = 0;
        for (advisory_at, one) in all {
            put_size(&mut list, advisory_at.saturating_sub(before));
            before = *advisory_at;
            shared.put(&mut list, &statement::write(one, |text| strings.id(text)));
        }
        let start = to_u32(lists.len())?;
        let place = *places.entry(list).or_insert_with_key(|list| {
            lists.extend_from_slice(list);
            start
        });
        let release = key.release.as_ref().map_or("", DistributionRelease::as_str);
        let group = [u32::from(ecosystem_code(key.ecosystem)), to_u32(strings.id(release))?];
        entries.push((group, [to_u32(strings.id(&key.name))?, place]));
    }
    entries.sort_unstable();
    let (mut groups, mut keys) = (Vec::new(), Vec::new());
    for (at, same) in entries.chunk_by(|a, b| a.0 == b.0).scan(0, |at, same| {
        let first = *at;
        *at += same.len();
        Some((first, same))
    }) {
        let group = same.first().map(|(group, _)| *group).unwrap_or_default();
        let numbers = group.into_iter().chain([to_u32(at)?]);
        groups.extend(numbers.flat_map(u32::to_le_bytes));
        keys.extend(same.iter().flat_map(|(_, key)| *key).flat_map(u32::to_le_bytes));
    }
    Ok([groups, keys, lists, statements])
}

/// The statements that are made more than once, which stand apart from the lists.
#[derive(Default)]
struct SharedStatements {
    /// By their bytes: how often they are made, and when first.
    all: HashMap<Vec<u8>, (usize, usize)>,
    /// Where those that are made more than once stand.
    places: HashMap<Vec<u8>, usize>,
}

impl SharedStatements {
    fn count(&mut self, statement: Vec<u8>) {
        let first = self.all.len();
        self.all.entry(statement).or_insert((0, first)).0 += 1;
    }

    /// Lays them out, the most frequent first, whose offsets are the shortest.
    fn place(&mut self) -> Result<Vec<u8>, IndexError> {
        let all = std::mem::take(&mut self.all);
        let mut shared: Vec<(Reverse<usize>, usize, Vec<u8>)> = all
            .into_iter()
            .filter(|(_, (times, _))| *times > 1)
            .map(|(bytes, (times, first))| (Reverse(times), first, bytes))
            .collect();
        shared.sort_unstable();
        let mut section = Vec::new();
        for (_, _, bytes) in shared {
            let at = section.len();
            section.extend_from_slice(&bytes);
            self.places.insert(bytes, at);
        }
        to_u32(section.len())?;
        Ok(section)
    }

    fn put(&self, list: &mut Vec<u8>, statement: &[u8]) {
        match self.places.get(statement) {
            Some(at) => put_size(list, at + 1),
            None => {
                list.push(0);
                list.extend_from_slice(statement);
            }
        }
    }
}

fn assemble(sections: [Vec<u8>; SECTIONS]) -> Result<Vec<u8>, IndexError> {
    let mut bytes = Vec::new();
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&LAYOUT_VERSION.to_le_bytes());
    bytes.resize(TABLE_AT, 0);
    let mut offset = HEADER_BYTES;
    for section in &sections {
        bytes.extend_from_slice(&to_u32(offset)?.to_le_bytes());
        bytes.extend_from_slice(&to_u32(section.len())?.to_le_bytes());
        offset = offset.checked_add(section.len()).ok_or(IndexError::TooLarge)?;
    }
    sections.iter().for_each(|section| bytes.extend_from_slice(section));
    let hash = digest(&SHA256, bytes.get(TABLE_AT..).unwrap_or_default());
    if let Some(slot) = bytes.get_mut(HASH_AT..TABLE_AT) {
        slot.copy_from_slice(hash.as_ref());
    }
    Ok(bytes)
}

/// All strings that are used, each once, sorted: their order is that of their numbers.
struct Strings<'a> {
    sorted: Vec<&'a str>,
}

impl<'a> Strings<'a> {
    fn of(used: &[UsedRecord<'a>], known: &'a BTreeMap<CveId, VulnerabilityFacts>) -> Self {
        let mut all: Vec<&str> = vec![""];
        all.extend(known.values().flat_map(vulnerabilities::strings));
        for UsedRecord { advisory, affected, .. } in used {
            all.push(&advisory.id);
            let lists = [&advisory.aliases, &advisory.upstream, &advisory.cvss];
            all.extend(lists.into_iter().flatten().map(String::as_str));
            for affected in affected {
                all.push(&affected.key.name);
                all.extend(affected.key.release.as_ref().map(DistributionRelease::as_str));
                all.extend(affected.ranges.iter().flatten().map(version_of));
                all.extend(affected.versions.iter().chain(&affected.cvss).map(String::as_str));
                all.extend(affected.urgency.as_deref());
                let lists = [&affected.modules, &affected.architectures];
                all.extend(lists.into_iter().flatten().map(String::as_str));
            }
        }
        all.sort_unstable();
        all.dedup();
        Strings { sorted: all }
    }

    fn id(&self, text: &str) -> usize {
        self.sorted.binary_search(&text).expect("every string that is used was collected")
    }
}

pub(super) fn to_u32(size: usize) -> Result<u32, IndexError> {
    u32::try_from(size).map_err(|_| IndexError::TooLarge)
}

pub(super) fn put_size(out: &mut Vec<u8>, size: usize) {
    put_number(out, u64::try_from(size).unwrap_or(u64::MAX));
}

pub(super) fn put_number(out: &mut Vec<u8>, mut number: u64) {
    loop {
        let [low, ..] = number.to_le_bytes();
        number >>= 7;
        if number == 0 {
            out.push(low & 0x7f);
            return;
        }
        out.push(low | 0x80);
    }
}
