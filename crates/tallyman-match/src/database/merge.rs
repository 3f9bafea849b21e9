//! Merges what was read into what is known.

use std::collections::{BTreeMap, BTreeSet};

use tallyman_model::advisory::{Advisory, FeedInfo, Whole};
use tallyman_model::coverage::CoverageGap;

use super::{FeedReport, Publication};
use crate::attribution::attribution;
use crate::feed::Harvest;
use crate::record::{FeedContent, StoredRecord};

/// Fewer records than this may be gone at once however few there were.
const DOUBTFUL_FROM: usize = 20;

/// Records of one feed on their way into the database.
#[derive(Debug, Default)]
pub(super) struct Incoming {
    /// By scope and id.
    pub(super) records: BTreeMap<(String, String), StoredRecord>,
    /// Scopes that were read as a whole.
    pub(super) complete: BTreeSet<String>,
    /// The ids of records that are gone, in small letters.
    pub(super) gone: BTreeSet<String>,
    /// What the files are the whole of, if they are.
    pub(super) whole: Option<Whole>,
    /// Whether most of what was known may be gone at once.
    pub(super) allows_shrinking: bool,
    /// The ecosystems and releases that were read as a whole.
    pub(super) covers: BTreeSet<CoverageGap>,
    /// The date of the files.
    pub(super) file_ms: Option<i64>,
    /// Who is to be named, where the bundle says so.
    pub(super) attribution: Option<String>,
}

impl Incoming {
    /// Sorts a harvest into feeds.
    pub(super) fn of_harvest(harvest: Harvest) -> BTreeMap<String, Incoming> {
        let mut feeds: BTreeMap<String, Incoming> = BTreeMap::new();
        for record in harvest.records {
            let incoming = feeds.entry(record.feed).or_default();
            let (scope, advisory) = (record.scope, record.advisory);
            incoming.add(StoredRecord { scope, advisory, facts: None });
        }
        for record in harvest.facts {
            let incoming = feeds.entry(record.feed.to_owned()).or_default();
            incoming.add(StoredRecord::of_facts(record));
        }
        for (feed, scope) in harvest.complete {
            feeds.entry(feed).or_default().complete.insert(scope);
        }
        for (feed, gap) in harvest.covers {
            feeds.entry(feed).or_default().covers.insert(gap);
        }
        for (feed, ms) in harvest.file_ms {
            feeds.entry(feed).or_default().file_ms = Some(ms);
        }
        feeds
    }

    /// Takes the records for all that a publication says.
    pub(super) fn set_whole(&mut self, publication: &Publication<'_>) {
        self.whole = Some(publication.whole);
        self.allows_shrinking = publication.allows_shrinking;
        let live = self.records.values().filter(|record| record.advisory.withdrawn_ms.is_none());
        let keys = live.flat_map(|record| &record.advisory.affected).map(|one| &one.key);
        self.covers.extend(keys.map(CoverageGap::of));
    }

    /// Tells whether a known record that did not come is gone. What is newer than everything that
    /// came was published since.
    fn is_gone(&self, record: &StoredRecord, parts: &BTreeSet<&str>, newest: &Newest) -> bool {
        if self.complete.contains(&record.scope)
            || self.gone.contains(&record.advisory.id.to_ascii_lowercase())
        {
            return true;
        }
        let is_in_whole = match self.whole {
            None => false,
            Some(Whole::Feed) => true,
            Some(Whole::Parts) => parts.contains(record.scope.as_str()),
        };
        is_in_whole && !newest.is_before(record)
    }

    /// Takes a record; of two with one id the newer stays, else the one that came later.
    pub(super) fn add(&mut self, mut record: StoredRecord) {
        if record.advisory.withdrawn_ms.is_some() {
            // What is left stands guard: an older copy of the record must not bring it back.
            record.advisory.affected.clear();
            record.advisory.cvss.clear();
            record.facts = None;
        }
        let key = record.key();
        let is_older = self.records.get(&key).is_some_and(|known| is_newer(known, &record));
        if !is_older {
            self.records.insert(key, record);
        }
    }
}

/// Tells whether `a` was changed after `b`.
fn is_newer(a: &StoredRecord, b: &StoredRecord) -> bool {
    a.advisory.modified_ms > b.advisory.modified_ms
}

/// Merges and counts. What is gone from a scope that was read as a whole is withdrawn.
pub(super) fn merge(
    name: &str,
    known: Option<&FeedContent>,
    incoming: Incoming,
    now_ms: i64,
    report: &mut FeedReport,
) -> FeedContent {
    let Incoming { file_ms, .. } = incoming;
    // A catalogue that is published as a whole and is older than the known one says nothing new.
    let is_of_facts = incoming.records.values().any(|record| record.facts.is_some());
    let known_ms = known.and_then(|known| known.info.data_ms);
    let is_older = is_of_facts && !incoming.complete.is_empty() && file_ms < known_ms;
    if let Some(known) = known.filter(|_| is_older) {
        report.unchanged += count(incoming.records.len());
        return known.clone();
    }
    let mut merged = keep(known, &incoming, now_ms, report);
    let Incoming { records, complete, whole, covers, attribution: named, .. } = incoming;
    for (key, record) in records {
        let is_withdrawn = record.advisory.withdrawn_ms.is_some();
        let is_whole = complete.contains(&record.scope);
        match merged.get(&key) {
            Some(old) if *old == record || (is_newer(old, &record) && !is_whole) => {
                report.unchanged += 1;
                continue;
            }
            Some(old) if is_withdrawn && old.advisory.withdrawn_ms.is_none() => {
                report.withdrawn += 1;
            }
            Some(_) => report.updated += 1,
            None if is_withdrawn => {}
            None => report.added += 1,
        }
        merged.insert(key, record);
    }
    let records: Vec<StoredRecord> = merged.into_values().collect();
    let info = FeedInfo {
        name: name.to_owned(),
        attribution: attribution_of(name, &records, named.filter(|_| known.is_none())),
        data_ms: newest_date(&records, now_ms).max(file_ms).max(known_ms),
        imported_ms: Some(now_ms),
        advisories: count(live(&records).count()),
        affected: count(live(&records).map(|advisory| advisory.affected.len()).sum()),
        complete: complete_for(known, whole, covers),
    };
    FeedContent { info, records }
}

/// Returns the known records without those that are gone.
fn keep(
    known: Option<&FeedContent>,
    incoming: &Incoming,
    now_ms: i64,
    report: &mut FeedReport,
) -> BTreeMap<(String, String), StoredRecord> {
    let parts: BTreeSet<&str> = incoming.records.keys().map(|(scope, _)| &**scope).collect();
    let newest = Newest::of(incoming.records.values(), now_ms);
    let known = known.map_or(&[][..], |known| &known.records);
    let is_gone = |record: &&StoredRecord| {
        !incoming.records.contains_key(&record.key()) && incoming.is_gone(record, &parts, &newest)
    };
    let is_live = |record: &&StoredRecord| record.advisory.withdrawn_ms.is_none();
    let gone = known.iter().filter(is_live).filter(is_gone).count();
    // Publishers had accidents: then what is missing is no news of the records.
    let is_doubtful = incoming.whole.is_some()
        && !incoming.allows_shrinking
        && gone > DOUBTFUL_FROM
        && gone > known.iter().filter(is_live).count() / 2;
    if is_doubtful {
        report.missing += count(gone);
        return known.iter().map(|record| (record.key(), record.clone())).collect();
    }
    report.withdrawn += count(gone);
    let left = known.iter().filter(|record| !is_gone(record));
    left.map(|record| (record.key(), record.clone())).collect()
}

/// Returns what the feed is complete for: what it was before, unless all of it came.
fn complete_for(
    known: Option<&FeedContent>,
    whole: Option<Whole>,
    covers: BTreeSet<CoverageGap>,
) -> Vec<CoverageGap> {
    let before = known.filter(|_| whole != Some(Whole::Feed)).into_iter();
    let mut complete = covers;
    complete.extend(before.flat_map(|known| known.info.complete.iter().cloned()));
    complete.into_iter().collect()
}

/// The newest date among records.
struct Newest {
    newest_ms: Option<i64>,
    now_ms: i64,
}

impl Newest {
    fn of<'a>(records: impl IntoIterator<Item = &'a StoredRecord>, now_ms: i64) -> Self {
        Newest { newest_ms: newest_date(records, now_ms), now_ms }
    }

    fn is_before(&self, record: &StoredRecord) -> bool {
        record.advisory.modified_ms.is_some_and(|ms| ms <= self.now_ms && Some(ms) > self.newest_ms)
    }
}

/// Records that say something: not those that only keep a withdrawn one from coming back.
fn live(records: &[StoredRecord]) -> impl Iterator<Item = &Advisory> {
    records.iter().map(|record| &record.advisory).filter(|advisory| advisory.withdrawn_ms.is_none())
}

fn attribution_of(name: &str, records: &[StoredRecord], named: Option<String>) -> String {
    named.unwrap_or_else(|| attribution(name, live(records).map(|advisory| advisory.id.as_str())))
}

/// Dates that have not come yet are slips of the pen and say nothing of the data's age.
fn newest_date<'a>(
    records: impl IntoIterator<Item = &'a StoredRecord>,
    now_ms: i64,
) -> Option<i64> {
    records
        .into_iter()
        .flat_map(|record| [record.advisory.modified_ms, record.advisory.published_ms])
        .flatten()
        .filter(|ms| *ms <= now_ms)
        .max()
}

fn count(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}
