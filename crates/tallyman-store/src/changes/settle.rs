//! Settling: from what differs in package versions to what changed for images, once the counters
//! have followed.
//!
//! Only what differs is read: the package versions whose findings changed, the others that have
//! the same vulnerabilities, and the sets and lists that hold them. The counters before are those
//! after, less what came, plus what went.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rusqlite::{Connection, params};
use serde::Serialize;
use tallyman_model::coverage::AnalysisState;
use tallyman_model::severity::Severity;

use super::note::revision_number;
use super::places::{self, ListChange, StateChange, Suppressed};
use super::{DecisiveRecord, Direction};
use crate::encoding::{from_json, optional_from_json, to_json};
use crate::error::StoreError;
use crate::ids::{ImageId, PackageListId, PackageSetId, PackageVersionId};
use crate::images::{SeverityCounts, read_state};
use crate::package_sets::{SetsOfList, read_sets};
use crate::settings::{find_setting, set_setting};
use crate::statement::{execute, fetch_all, fetch_one};
use crate::store::Store;
use crate::suppressions::{is_derivation_due, sets};
use crate::webhooks::queue_deliveries;

/// The setting that holds the last change of a finding that was settled.
const SETTLED: &str = "settled_finding_change";
/// How many lists are looked at at once.
const LISTS_AT_ONCE: usize = 5_000;
/// How long changes are kept.
pub(super) const KEPT_MS: i64 = 90 * 24 * 60 * 60 * 1_000;
/// How many changes are kept at most.
const KEPT_ROWS: i64 = 2_000_000;

/// What [`Store::settle_changes`] did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settled {
    /// The changes that were written.
    pub changes: usize,
    /// The deliveries to webhooks that were queued.
    pub deliveries: usize,
}

impl Store {
    /// Writes down for which images the answer changed since it was last done, and queues what is
    /// told to webhooks, in one transaction. Without any change it writes nothing; while counters
    /// are stale, or suppressions not derived from them, it leaves it to whoever does that.
    pub async fn settle_changes(&self, now_ms: i64) -> Result<Settled, StoreError> {
        if !self.read_snapshot(is_anything_noted).await? {
            return Ok(Settled::default());
        }
        self.write_many(move |connection| settle(connection, now_ms)).await
    }
}

fn is_anything_noted(connection: &Connection) -> Result<bool, StoreError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM finding_change WHERE change_id > $1)
                   OR EXISTS (SELECT 1 FROM state_change)
                   OR EXISTS (SELECT 1 FROM suppression_change)";
    fetch_one(connection, sql, [settled(connection)?], |row| Ok(row.get(0)?))
}

fn settled(connection: &Connection) -> Result<i64, StoreError> {
    let text = find_setting(connection, SETTLED)?;
    Ok(text.and_then(|text| text.parse().ok()).unwrap_or(0))
}

fn settle(connection: &Connection, now_ms: i64) -> Result<Settled, StoreError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM stale_set)";
    if fetch_one(connection, sql, [], |row| Ok(row.get(0)?))?
        || is_derivation_due(connection, now_ms)?
    {
        return Ok(Settled::default());
    }
    let after = settled(connection)?;
    let first = last_sequence(connection)?;
    let revision_number = revision_number(connection)?;
    let mut changes = 0;
    let noted = Noted::read(connection, after)?;
    let suppressed = Suppressed::take(connection, now_ms)?;
    let effects = match noted.versions.is_empty() {
        true => Effects { names: &noted.names, sets: HashMap::new() },
        false => noted.effects(connection)?,
    };
    let at = if noted.versions.is_empty() { now_ms } else { noted.changed_at };
    let mut lists: BTreeSet<PackageListId> = effects.lists(connection)?.into_iter().collect();
    lists.extend(suppressed.lists());
    let lists: Vec<PackageListId> = lists.into_iter().collect();
    for lists in lists.chunks(LISTS_AT_ONCE) {
        let found = effects.list_changes(connection, lists, &suppressed)?;
        let rows = suppressed.spread(connection, found)?;
        changes += insert(connection, &rows, revision_number, at)?;
    }
    let states = suppressed.spread(connection, take_states(connection)?)?;
    changes += insert(connection, &states, revision_number, now_ms)?;
    if noted.last > after {
        set_setting(connection, SETTLED, &noted.last.to_string())?;
    }
    let deliveries = match changes {
        0 => 0,
        _ => {
            let last = last_sequence(connection)?;
            queue_deliveries(connection, revision_number, first, last, now_ms)?
        }
    };
    purge(connection, now_ms)?;
    Ok(Settled { changes, deliveries })
}

fn last_sequence(connection: &Connection) -> Result<i64, StoreError> {
    // The counter of AUTOINCREMENT; the rows themselves may be purged.
    let sql = "SELECT COALESCE(MAX(seq), 0) FROM sqlite_sequence WHERE name = 'risk_change'";
    fetch_one(connection, sql, [], |row| Ok(row.get(0)?))
}

/// A vulnerability in the list of those that are looked at.
type Number = u32;

/// What was noted of findings and not settled.
struct Noted {
    /// The last note.
    last: i64,
    changed_at: i64,
    /// The vulnerabilities by number.
    names: Vec<String>,
    /// By package version and vulnerability: the first severity and the last note.
    versions: HashMap<PackageVersionId, BTreeMap<Number, (Option<u8>, i64)>>,
}

impl Noted {
    fn read(connection: &Connection, after: i64) -> Result<Self, StoreError> {
        let mut noted =
            Noted { last: after, changed_at: 0, names: Vec::new(), versions: HashMap::new() };
        let mut numbers: HashMap<String, Number> = HashMap::new();
        let rows = fetch_all(
            connection,
            "SELECT change_id, package_version_id, vulnerability, before, changed_at
             FROM finding_change WHERE change_id > $1 ORDER BY change_id",
            [after],
            |row| {
                let before = row.get_ref(3)?.as_str_or_null()?;
                let before: Option<DecisiveRecord> =
                    optional_from_json("finding_change.before", before)?;
                let version = PackageVersionId(row.get(1)?);
                let name: String = row.get(2)?;
                let before = before.map(|record| severity_number(record.severity));
                Ok((row.get(0)?, version, name, before, row.get::<_, i64>(4)?))
            },
        )?;
        for (change_id, version, name, before, changed_at) in rows {
            let next = u32::try_from(noted.names.len()).unwrap_or(u32::MAX);
            let number = *numbers.entry(name).or_insert_with_key(|name| {
                noted.names.push(name.clone());
                next
            });
            let of_version = noted.versions.entry(version).or_default();
            of_version.entry(number).or_insert((before, change_id)).1 = change_id;
            noted.last = change_id;
            noted.changed_at = noted.changed_at.max(changed_at);
        }
        Ok(noted)
    }

    /// Finds all package versions that have one of the vulnerabilities, and the sets that hold
    /// these or those of which something was noted.
    fn effects(&self, connection: &Connection) -> Result<Effects<'_>, StoreError> {
        let numbers: HashMap<&str, Number> =
            self.names.iter().map(String::as_str).zip(0..).collect();
        let mut found: HashMap<PackageVersionId, BTreeMap<Number, u8>> = HashMap::new();
        let rows = fetch_all(
            connection,
            "SELECT package_version_id, vulnerability, severity FROM finding
             WHERE vulnerability IN (SELECT value FROM json_each($1))",
            [to_json(&self.names)?],
            |row| {
                let number = numbers.get(row.get_ref(1)?.as_str()?).copied();
                Ok((PackageVersionId(row.get(0)?), number, row.get(2)?))
            },
        )?;
        for (version, number, severity) in rows {
            let Some(number) = number else { continue };
            found.entry(version).or_default().insert(number, severity);
        }
        let all: BTreeSet<PackageVersionId> =
            found.keys().chain(self.versions.keys()).copied().collect();
        let members: Vec<(PackageSetId, PackageVersionId)> = fetch_all(
            connection,
            "SELECT set_id, package_version_id FROM package_set_member
             WHERE package_version_id IN (SELECT value FROM json_each($1))",
            [to_json(&all)?],
            |row| Ok((PackageSetId(row.get(0)?), PackageVersionId(row.get(1)?))),
        )?;
        let mut sets: HashMap<PackageSetId, Effect> = HashMap::new();
        for (set, version) in members {
            let of_set = sets.entry(set).or_default();
            let (noted, found) = (self.versions.get(&version), found.get(&version));
            for (number, (before, change_id)) in noted.into_iter().flatten() {
                let after = found.and_then(|found| found.get(number)).copied();
                of_set.add(*number, *before, after, Some(*change_id));
            }
            for (number, severity) in found.into_iter().flatten() {
                if noted.is_none_or(|noted| !noted.contains_key(number)) {
                    of_set.add(*number, Some(*severity), Some(*severity), None);
                }
            }
        }
        Ok(Effects { names: &self.names, sets })
    }
}

pub(super) fn severity_number(severity: Severity) -> u8 {
    Severity::ALL.iter().zip(0..).find(|(it, _)| **it == severity).map_or(0, |(_, n)| n)
}

/// The worst severity before and after, and the last note.
type Worst = (Option<u8>, Option<u8>, Option<i64>);

/// What differs in a set or a list: by vulnerability the worst severity before and after, and a
/// note of those that there are.
#[derive(Clone, Default)]
struct Effect(BTreeMap<Number, Worst>);

impl Effect {
    fn add(&mut self, number: Number, before: Option<u8>, after: Option<u8>, note: Option<i64>) {
        let entry = self.0.entry(number).or_default();
        *entry = (entry.0.max(before), entry.1.max(after), entry.2.max(note));
    }
}

struct Effects<'n> {
    names: &'n [String],
    sets: HashMap<PackageSetId, Effect>,
}

/// A vulnerability that a list shows otherwise than before, suppressed or not.
pub(super) struct Difference {
    pub(super) vulnerability: String,
    pub(super) before: Option<u8>,
    pub(super) after: Option<u8>,
    /// The change of a finding that it is about.
    pub(super) note: i64,
}

/// A row of `risk_change`, in the order of the insert's columns.
#[derive(Serialize)]
pub(super) struct ChangeRow {
    pub(super) list_id: PackageListId,
    pub(super) image_id: Option<ImageId>,
    pub(super) direction: i64,
    pub(super) state_before: Option<String>,
    pub(super) state_after: Option<String>,
    pub(super) before: String,
    pub(super) after: String,
    pub(super) vulnerabilities: String,
    pub(super) left_out: usize,
    pub(super) places: i64,
    pub(super) is_by_suppressions: i64,
    pub(super) causes: Option<String>,
    /// Rows of `risk_change_place`.
    #[serde(skip)]
    pub(super) named: Vec<(ImageId, String)>,
}

impl Effects<'_> {
    /// Returns the counted lists with a set in which something was noted.
    fn lists(&self, connection: &Connection) -> Result<Vec<PackageListId>, StoreError> {
        let is_noted = |effect: &Effect| effect.0.values().any(|(_, _, note)| note.is_some());
        let sets: BTreeSet<PackageSetId> =
            self.sets.iter().filter(|(_, effect)| is_noted(effect)).map(|(set, _)| *set).collect();
        let mut lists = fetch_all(
            connection,
            "SELECT list_id FROM package_list_set
             WHERE set_id IN (SELECT value FROM json_each($1))",
            [to_json(&sets)?],
            |row| Ok(PackageListId(row.get(0)?)),
        )?;
        lists.sort_unstable();
        lists.dedup();
        Ok(lists)
    }

    /// Returns what differs in lists, and those of which suppressions differ.
    fn list_changes(
        &self,
        connection: &Connection,
        lists: &[PackageListId],
        suppressed: &Suppressed,
    ) -> Result<Vec<ListChange>, StoreError> {
        let lists: Vec<(PackageListId, SetsOfList, SeverityCounts)> = fetch_all(
            connection,
            "SELECT list_id, sets, vul_by_severity FROM package_list
             WHERE list_id IN (SELECT value FROM json_each($1))
               AND matched_revision IS NOT NULL",
            [to_json(lists)?],
            |row| {
                let sets = read_sets(row.get_ref(1)?.as_str()?)?;
                let counts = row.get_ref(2)?.as_str()?;
                let counts = from_json("package_list.vul_by_severity", counts)?;
                Ok((PackageListId(row.get(0)?), sets, counts))
            },
        )?;
        let found = lists.into_iter().map(|(list_id, sets, counts)| ListChange {
            list_id,
            image_id: None,
            states: None,
            counts,
            differences: self.differences(&sets),
        });
        let is_any = |it: &ListChange| {
            !it.differences.is_empty() || suppressed.lists().contains(&it.list_id)
        };
        Ok(found.filter(is_any).collect())
    }

    /// A vulnerability that the list had before and has still is no change, whichever of its
    /// packages it is in.
    fn differences(&self, sets: &SetsOfList) -> Vec<Difference> {
        let mut merged = Effect::default();
        for effect in sets.iter().filter_map(|(set, _)| self.sets.get(set)) {
            for (number, (before, after, note)) in &effect.0 {
                merged.add(*number, *before, *after, *note);
            }
        }
        let mut differences = Vec::new();
        for (number, (before, after, note)) in merged.0 {
            let Some(note) = note.filter(|_| before != after) else { continue };
            let name = usize::try_from(number).ok().and_then(|at| self.names.get(at));
            let vulnerability = name.cloned().unwrap_or_default();
            differences.push(Difference { vulnerability, before, after, note });
        }
        differences
    }
}

pub(super) fn direction(is_worse: bool, is_better: bool) -> Direction {
    match (is_worse, is_better) {
        (true, false) => Direction::Worse,
        (false, true) => Direction::Better,
        (true, true) | (false, false) => Direction::Both,
    }
}

pub(super) fn shift(counts: &mut SeverityCounts, severity: Option<u8>, by: fn(u64) -> u64) {
    if let Some(count) = severity.and_then(|number| counts.0.get_mut(usize::from(number))) {
        *count = by(*count);
    }
}

/// Takes the noted states. What is no longer judged is worse: nothing is known of it any more.
fn take_states(connection: &Connection) -> Result<Vec<ListChange>, StoreError> {
    let rows = fetch_all(
        connection,
        "SELECT state_change.image_id, state_change.before, image.state, image.state_reason,
                image.list_id, package_list.vul_by_severity
         FROM state_change
         JOIN image ON image.image_id = state_change.image_id
         JOIN package_list ON package_list.list_id = image.list_id
         WHERE package_list.matched_revision IS NOT NULL
         ORDER BY state_change.image_id",
        [],
        |row| {
            let before: AnalysisState =
                from_json("state_change.before", row.get_ref(1)?.as_str()?)?;
            let after = read_state(row.get_ref(2)?.as_str()?, row.get(3)?)?;
            let (is_worse, is_better) = match (is_judged(&before), is_judged(&after)) {
                (true, false) => (true, false),
                (false, true) => (false, true),
                (true, true) | (false, false) => return Ok(None),
            };
            let states = StateChange {
                before: to_json(&before)?,
                after: to_json(&after)?,
                direction: direction(is_worse, is_better).number(),
            };
            Ok(Some(ListChange {
                list_id: PackageListId(row.get(4)?),
                image_id: Some(ImageId(row.get(0)?)),
                states: Some(states),
                counts: from_json("package_list.vul_by_severity", row.get_ref(5)?.as_str()?)?,
                differences: Vec::new(),
            }))
        },
    )?;
    execute(connection, "DELETE FROM state_change", [])?;
    Ok(rows.into_iter().flatten().collect())
}

fn is_judged(state: &AnalysisState) -> bool {
    match state {
        AnalysisState::Analyzed => true,
        AnalysisState::Unsupported { .. } | AnalysisState::Failed { .. } => false,
    }
}

fn insert(
    connection: &Connection,
    rows: &[ChangeRow],
    revision_number: i64,
    changed_at: i64,
) -> Result<usize, StoreError> {
    if rows.is_empty() {
        return Ok(0);
    }
    let first = last_sequence(connection)? + 1;
    let inserted = execute(
        connection,
        "INSERT INTO risk_change (revision_number, changed_at, list_id, image_id, direction,
                                  state_before, state_after, vul_by_severity_before,
                                  vul_by_severity_after, vulnerabilities, left_out, places,
                                  is_by_suppressions, causes)
         SELECT $1, $2, json_extract(value, '$.list_id'), json_extract(value, '$.image_id'),
                json_extract(value, '$.direction'), json_extract(value, '$.state_before'),
                json_extract(value, '$.state_after'), json_extract(value, '$.before'),
                json_extract(value, '$.after'), json_extract(value, '$.vulnerabilities'),
                json_extract(value, '$.left_out'), json_extract(value, '$.places'),
                json_extract(value, '$.is_by_suppressions'), json_extract(value, '$.causes')
         FROM json_each($3) ORDER BY key",
        params![revision_number, changed_at, to_json(rows)?],
    )?;
    places::insert(connection, rows, first)?;
    Ok(inserted)
}

/// Forgets what is too old or too much: changes, the findings that they are about, and revisions.
/// Both are in the order of time, so those before the first that is kept are the old ones.
fn purge(connection: &Connection, now_ms: i64) -> Result<(), StoreError> {
    let before = now_ms.saturating_sub(KEPT_MS);
    execute(
        connection,
        "DELETE FROM risk_change WHERE sequence < $1",
        [last_sequence(connection)?.saturating_sub(KEPT_ROWS)],
    )?;
    execute(
        connection,
        "DELETE FROM risk_change WHERE sequence < (
             SELECT sequence FROM risk_change WHERE changed_at >= $1
             ORDER BY sequence LIMIT 1)",
        [before],
    )?;
    places::purge(connection)?;
    sets::purge(connection)?;
    execute(
        connection,
        "DELETE FROM finding_change WHERE change_id < $1",
        [settled(connection)?.saturating_sub(KEPT_ROWS)],
    )?;
    execute(
        connection,
        "DELETE FROM finding_change WHERE change_id < (
             SELECT change_id FROM finding_change WHERE changed_at >= $1
             ORDER BY change_id LIMIT 1)",
        [before],
    )?;
    execute(
        connection,
        "DELETE FROM advisory_revision WHERE current_since < $1
           AND revision_number < (SELECT MAX(revision_number) FROM advisory_revision)",
        [before],
    )?;
    Ok(())
}
