//! What one state of the feeds says otherwise than another: records that came, changed and were
//! withdrawn. A record that is published in several parts of its feed counts once.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use serde::{Deserialize, Serialize};
use tallyman_model::advisory::{Advisory, Affected, PackageKey};

use crate::record::StoredRecord;

/// What became of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordChange {
    /// It was not there before, or was withdrawn then.
    Added,
    /// It says something else.
    Changed,
    /// It was withdrawn, or is gone from the feed.
    Withdrawn,
}

/// What of a record is not as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Aspect {
    /// Which packages it speaks of.
    Packages,
    /// Which of their versions are affected.
    Ranges,
    /// How severe it is: vectors and ratings.
    Severity,
    /// What the distribution says of a fix.
    FixState,
    /// Its aliases, and the vulnerabilities that it was made for.
    Names,
    /// Nothing but its dates.
    Dates,
}

impl Aspect {
    /// Returns the word for it.
    pub fn name(self) -> &'static str {
        match self {
            Aspect::Packages => "packages",
            Aspect::Ranges => "ranges",
            Aspect::Severity => "severity",
            Aspect::FixState => "fix state",
            Aspect::Names => "names",
            Aspect::Dates => "dates",
        }
    }
}

/// A record that differs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ChangedRecord {
    /// What became of it.
    pub change: RecordChange,
    /// Its id in its feed.
    pub id: String,
    /// What of it changed, for one that was there before and after.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub what: Vec<Aspect>,
}

/// What differs in one feed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedDifference {
    /// The number of records that came.
    pub added: u64,
    /// The number of records that changed.
    pub changed: u64,
    /// The number of records that were withdrawn.
    pub withdrawn: u64,
    /// The records, by what became of them and by id; perhaps not all.
    pub records: Vec<ChangedRecord>,
    /// The number of records that are counted above and not listed.
    pub left_out: u64,
}

impl FeedDifference {
    /// Tells whether nothing differs.
    pub fn is_empty(&self) -> bool {
        self.added + self.changed + self.withdrawn == 0
    }

    /// Counts and names what differs between two sorted lists of records; at most `named` records
    /// are named.
    pub(super) fn between(old: &[StoredRecord], new: &[StoredRecord], named: usize) -> Self {
        let ids = differing_ids(old, new);
        let (old, new) = (live_by_id(old, &ids), live_by_id(new, &ids));
        let mut difference = FeedDifference::default();
        for id in ids.into_iter().collect::<BTreeSet<&str>>() {
            let change = match (old.get(id), new.get(id)) {
                (None, None) => continue,
                (None, Some(_)) => record(RecordChange::Added, id, Vec::new()),
                (Some(_), None) => record(RecordChange::Withdrawn, id, Vec::new()),
                (Some(old), Some(new)) => record(RecordChange::Changed, id, aspects(old, new)),
            };
            match change.change {
                RecordChange::Added => difference.added += 1,
                RecordChange::Changed => difference.changed += 1,
                RecordChange::Withdrawn => difference.withdrawn += 1,
            }
            difference.records.push(change);
        }
        difference.records.sort();
        let left_out = difference.records.len().saturating_sub(named);
        difference.records.truncate(named);
        difference.left_out = u64::try_from(left_out).unwrap_or(u64::MAX);
        difference
    }
}

fn record(change: RecordChange, id: &str, what: Vec<Aspect>) -> ChangedRecord {
    ChangedRecord { change, id: id.to_owned(), what }
}

/// Goes through both lists at once; what is equal costs nothing but the comparison.
fn differing_ids<'r>(old: &'r [StoredRecord], new: &'r [StoredRecord]) -> HashSet<&'r str> {
    let mut ids = HashSet::new();
    let (mut old, mut new) = (old.iter().peekable(), new.iter().peekable());
    loop {
        let order = match (old.peek(), new.peek()) {
            (None, None) => return ids,
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
            (Some(a), Some(b)) => place(a).cmp(&place(b)),
        };
        let (a, b) = match order {
            std::cmp::Ordering::Less => (old.next(), None),
            std::cmp::Ordering::Greater => (None, new.next()),
            std::cmp::Ordering::Equal => (old.next(), new.next()),
        };
        if a != b {
            ids.extend([a, b].into_iter().flatten().map(|it| it.advisory.id.as_str()));
        }
    }
}

fn place(record: &StoredRecord) -> (&str, &str) {
    (&record.scope, &record.advisory.id)
}

/// What records say that were not withdrawn, of those ids.
fn live_by_id<'r>(
    records: &'r [StoredRecord],
    ids: &HashSet<&str>,
) -> BTreeMap<&'r str, Vec<&'r Advisory>> {
    let mut live: BTreeMap<&str, Vec<&Advisory>> = BTreeMap::new();
    let records = records.iter().map(|record| &record.advisory);
    for advisory in records.filter(|it| it.withdrawn_ms.is_none() && ids.contains(it.id.as_str())) {
        live.entry(&advisory.id).or_default().push(advisory);
    }
    live
}

/// Says what differs between what the parts of a feed said of one id and what they say now.
fn aspects(old: &[&Advisory], new: &[&Advisory]) -> Vec<Aspect> {
    let mut what = Vec::new();
    let mut compare = |aspect, is_same: bool| {
        if !is_same {
            what.push(aspect);
        }
    };
    let keys = |all: &[&Advisory]| -> BTreeSet<PackageKey> {
        affected(all).map(|affected| affected.key.clone()).collect()
    };
    if keys(old) != keys(new) {
        compare(Aspect::Packages, false);
    }
    // A package that came or went brings its ranges along; those of the others are compared.
    let common: BTreeSet<PackageKey> = keys(old).intersection(&keys(new)).cloned().collect();
    let same =
        |view: fn(&Affected) -> String| view_of(old, &common, view) == view_of(new, &common, view);
    compare(Aspect::Ranges, same(ranges));
    let vectors = |all: &[&Advisory]| -> BTreeSet<String> {
        all.iter().flat_map(|advisory| advisory.cvss.iter().cloned()).collect()
    };
    compare(Aspect::Severity, vectors(old) == vectors(new) && same(rating));
    compare(Aspect::FixState, same(|affected| format!("{:?}", affected.fix_state)));
    let names = |all: &[&Advisory]| -> BTreeSet<String> {
        all.iter().flat_map(|it| it.aliases.iter().chain(&it.upstream).cloned()).collect()
    };
    compare(Aspect::Names, names(old) == names(new));
    if what.is_empty() {
        what.push(Aspect::Dates);
    }
    what
}

fn affected<'r>(all: &'r [&'r Advisory]) -> impl Iterator<Item = &'r Affected> {
    all.iter().flat_map(|advisory| &advisory.affected)
}

fn view_of<'r>(
    all: &'r [&'r Advisory],
    keys: &BTreeSet<PackageKey>,
    view: fn(&Affected) -> String,
) -> BTreeSet<(&'r PackageKey, String)> {
    affected(all)
        .filter(|affected| keys.contains(&affected.key))
        .map(|affected| (&affected.key, view(affected)))
        .collect()
}

fn ranges(affected: &Affected) -> String {
    let Affected { ranges, versions, modules, architectures, naming, .. } = affected;
    format!("{ranges:?} {versions:?} {modules:?} {architectures:?} {naming:?}")
}

fn rating(affected: &Affected) -> String {
    format!("{:?} {:?}", affected.cvss, affected.urgency)
}

#[cfg(test)]
mod tests;
