//! Merges what was read into what is known.

use std::collections::{BTreeMap, BTreeSet};

use tallyman_model::advisory::{Advisory, FeedInfo};

use super::FeedReport;
use crate::attribution::attribution;
use crate::feed::Harvest;
use crate::record::{FeedContent, StoredRecord};

/// Records of one feed on their way into the database.
#[derive(Debug, Default)]
pub(super) struct Incoming {
    /// By scope and id.
    pub(super) records: BTreeMap<(String, String), StoredRecord>,
    /// Scopes that were read as a whole.
    pub(super) complete: BTreeSet<String>,
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
        for (feed, ms) in harvest.file_ms {
            feeds.entry(feed).or_default().file_ms = Some(ms);
        }
        feeds
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
    let Incoming { records, complete, file_ms, attribution: named } = incoming;
    // A catalogue that is published as a whole and is older than the known one says nothing new.
    let is_of_facts = records.values().any(|record| record.facts.is_some());
    let known_ms = known.and_then(|known| known.info.data_ms);
    if let Some(known) = known.filter(|_| is_of_facts && !complete.is_empty() && file_ms < known_ms)
    {
        report.unchanged += count(records.len());
        return known.clone();
    }
    let mut merged: BTreeMap<(String, String), StoredRecord> = BTreeMap::new();
    for record in known.iter().flat_map(|known| &known.records) {
        let key = record.key();
        if complete.contains(&record.scope) && !records.contains_key(&key) {
            report.withdrawn += 1;
        } else {
            merged.insert(key, record.clone());
        }
    }
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
    };
    FeedContent { info, records }
}

/// Records that say something: not those that only keep a withdrawn one from coming back.
fn live(records: &[StoredRecord]) -> impl Iterator<Item = &Advisory> {
    records.iter().map(|record| &record.advisory).filter(|advisory| advisory.withdrawn_ms.is_none())
}

fn attribution_of(name: &str, records: &[StoredRecord], named: Option<String>) -> String {
    named.unwrap_or_else(|| attribution(name, live(records).map(|advisory| advisory.id.as_str())))
}

/// Dates that have not come yet are slips of the pen and say nothing of the data's age.
fn newest_date(records: &[StoredRecord], now_ms: i64) -> Option<i64> {
    records
        .iter()
        .flat_map(|record| [record.advisory.modified_ms, record.advisory.published_ms])
        .flatten()
        .filter(|ms| *ms <= now_ms)
        .max()
}

fn count(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}
