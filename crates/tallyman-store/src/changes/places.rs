//! What VEX statements and ignore rules make of a change. It is told of images on servers as they
//! answer: a vulnerability that is suppressed before and after is no change there, and one that is
//! suppressed from now on, or no longer, is one.
//!
//! Places (images on servers) that show one list of packages and of which the same is to be told
//! share a row. Most of them are meant by the row as such; the others are named beside it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rusqlite::Connection;
use serde::{Deserialize, Serialize};

use super::ChangedVulnerability;
use super::settle::{ChangeRow, Difference, direction, severity_number, shift};
use crate::encoding::to_json;
use crate::error::StoreError;
use crate::ids::{ImageId, PackageListId, SuppressionSetId};
use crate::images::SeverityCounts;
use crate::statement::{execute, fetch_all, fetch_one};
use crate::suppressions::sets::{
    self, SuppressedVulnerability, SuppressionSet, Suppressor, SuppressorKind,
};

/// How many vulnerabilities a row names.
const NAMED_VULNERABILITIES: usize = 100;

/// What happened to what suppresses a vulnerability, or did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SuppressorFate {
    /// It suppresses the vulnerability from now on.
    Suppresses,
    /// It is a rule that has expired.
    Expired,
    /// It was removed.
    Removed,
    /// It is still there and does not hold any more.
    Changed,
}

/// Why a vulnerability counts, or does not, although no advisory changed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SuppressionCause {
    /// What happened.
    pub fate: SuppressorFate,
    /// Who says it, or said it.
    #[serde(flatten)]
    pub by: Suppressor,
}

/// An image on a server.
type Place = (ImageId, String);

/// What was and is suppressed in a place.
type Variant = (Option<SuppressionSetId>, Option<SuppressionSetId>);

/// The places of lists, and of single images, by what was and is suppressed there.
type Variants = BTreeMap<(PackageListId, Option<ImageId>), BTreeMap<Variant, Vec<Place>>>;

/// What is told of a list of packages: the same for all of its places that are in it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Told {
    direction: i64,
    before: SeverityCounts,
    after: SeverityCounts,
    vulnerabilities: Vec<ChangedVulnerability>,
    left_out: usize,
    causes: Vec<SuppressionCause>,
    is_by_suppressions: bool,
}

/// A list of packages, or one image that shows it, of which something may differ.
pub(super) struct ListChange {
    pub(super) list_id: PackageListId,
    pub(super) image_id: Option<ImageId>,
    /// The states of the image, where these differ.
    pub(super) states: Option<StateChange>,
    /// What was found, suppressed or not.
    pub(super) counts: SeverityCounts,
    /// What differs in that.
    pub(super) differences: Vec<Difference>,
}

/// The states of an image as JSON, and whether the change is for the worse.
pub(super) struct StateChange {
    pub(super) before: String,
    pub(super) after: String,
    pub(super) direction: i64,
}

/// The suppressions that a settlement has to look at.
pub(super) struct Suppressed {
    /// What was noted: what was suppressed in a place before.
    before: HashMap<Place, Option<SuppressionSetId>>,
    /// The lists of these places.
    lists: BTreeSet<PackageListId>,
    is_any: bool,
    rules: BTreeMap<String, Option<i64>>,
    documents: BTreeSet<String>,
    now_ms: i64,
}

impl Suppressed {
    /// Takes the notes.
    pub(super) fn take(connection: &Connection, now_ms: i64) -> Result<Self, StoreError> {
        let mut taken = Suppressed {
            before: HashMap::new(),
            lists: BTreeSet::new(),
            is_any: fetch_one(
                connection,
                "SELECT EXISTS (SELECT 1 FROM suppression_set)",
                [],
                |row| Ok(row.get(0)?),
            )?,
            rules: BTreeMap::new(),
            documents: BTreeSet::new(),
            now_ms,
        };
        if !taken.is_any {
            return Ok(taken);
        }
        let rows = fetch_all(
            connection,
            "SELECT suppression_change.image_id, suppression_change.server_uuid,
                    suppression_change.before_set_id, image.list_id
             FROM suppression_change JOIN image ON image.image_id = suppression_change.image_id",
            [],
            |row| {
                let place = (ImageId(row.get(0)?), row.get(1)?);
                let before = row.get::<_, Option<i64>>(2)?.map(SuppressionSetId);
                Ok((place, before, PackageListId(row.get(3)?)))
            },
        )?;
        for (place, before, list) in rows {
            taken.before.insert(place, before);
            taken.lists.insert(list);
        }
        execute(connection, "DELETE FROM suppression_change", [])?;
        let sql = "SELECT rule_id, expires_at FROM ignore_rule";
        let rules = fetch_all(connection, sql, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let sql = "SELECT document_id FROM vex_document";
        let documents = fetch_all(connection, sql, [], |row| Ok(row.get(0)?))?;
        taken.rules = rules.into_iter().collect();
        taken.documents = documents.into_iter().collect();
        Ok(taken)
    }

    /// Returns the lists with a place of which something was noted.
    pub(super) fn lists(&self) -> &BTreeSet<PackageListId> {
        &self.lists
    }

    /// Makes rows of what differs in lists, with the places that each of them is about.
    pub(super) fn spread(
        &self,
        connection: &Connection,
        lists: Vec<ListChange>,
    ) -> Result<Vec<ChangeRow>, StoreError> {
        let mut variants = match self.is_any {
            true => self.variants(connection, &lists)?,
            false => BTreeMap::new(),
        };
        let ids: BTreeSet<SuppressionSetId> = variants
            .values()
            .flat_map(BTreeMap::keys)
            .flat_map(|(before, after)| [*before, *after])
            .flatten()
            .collect();
        let ids: Vec<SuppressionSetId> = ids.into_iter().collect();
        let sets = if ids.is_empty() { BTreeMap::new() } else { sets::load(connection, &ids)? };
        let mut rows = Vec::new();
        for list in lists {
            let key = (list.list_id, list.image_id);
            let of_list = variants.remove(&key).unwrap_or_default();
            let mut groups: BTreeMap<Option<Told>, Vec<Place>> = BTreeMap::new();
            let find = |id: Option<SuppressionSetId>| id.and_then(|id| sets.get(&id));
            for ((before, after), places) in of_list {
                let told = self.told(&list, find(before), find(after));
                groups.entry(told).or_default().extend(places);
            }
            if groups.is_empty() {
                groups.insert(self.told(&list, None, None), Vec::new());
            }
            rows_of(&list, groups, &mut rows)?;
        }
        Ok(rows)
    }

    /// Returns the places of lists by what was and is suppressed there. Images without a server are
    /// among those where nothing is.
    fn variants(
        &self,
        connection: &Connection,
        lists: &[ListChange],
    ) -> Result<Variants, StoreError> {
        let by_image: BTreeSet<ImageId> = lists.iter().filter_map(|list| list.image_id).collect();
        let ids: BTreeSet<PackageListId> = lists.iter().map(|list| list.list_id).collect();
        let rows = fetch_all(
            connection,
            "SELECT image.list_id, image.image_id, server_image.server_uuid,
                    server_image.suppression_set_id
             FROM image JOIN server_image ON server_image.image_id = image.image_id
             WHERE image.list_id IN (SELECT value FROM json_each($1))
             ORDER BY image.list_id, image.image_id, server_image.server_uuid",
            [to_json(&ids)?],
            |row| {
                let place = (ImageId(row.get(1)?), row.get::<_, String>(2)?);
                let set = row.get::<_, Option<i64>>(3)?.map(SuppressionSetId);
                Ok((PackageListId(row.get(0)?), place, set))
            },
        )?;
        let mut variants = Variants::new();
        for (list, place, after) in rows {
            let before = self.before.get(&place).copied().unwrap_or(after);
            if by_image.contains(&place.0) {
                let of_image = variants.entry((list, Some(place.0))).or_default();
                of_image.entry((after, after)).or_default().push(place.clone());
            }
            let of_list = variants.entry((list, None)).or_default();
            of_list.entry((before, after)).or_default().push(place);
        }
        Ok(variants)
    }

    /// Tells what differs where these sets were and are suppressed; `None`: nothing.
    fn told(
        &self,
        list: &ListChange,
        was: Option<&SuppressionSet>,
        is: Option<&SuppressionSet>,
    ) -> Option<Told> {
        let suppressed = |set: Option<&'_ SuppressionSet>, name: &str| {
            set.and_then(|set| set.get(name)).cloned()
        };
        let mut names: BTreeMap<&str, Option<&Difference>> =
            list.differences.iter().map(|it| (it.vulnerability.as_str(), Some(it))).collect();
        for (name, _) in [was, is].into_iter().flatten().flat_map(SuppressionSet::iter) {
            names.entry(name).or_default();
        }
        let mut after = list.counts;
        for (_, it) in is.into_iter().flat_map(SuppressionSet::iter) {
            shift(&mut after, Some(severity_number(it.severity)), |count| count.saturating_sub(1));
        }
        let mut before = after;
        let mut causes: Vec<SuppressionCause> = Vec::new();
        let mut vulnerabilities: Vec<ChangedVulnerability> = Vec::new();
        let (mut is_worse, mut is_better) = (false, false);
        for (name, difference) in names {
            let (was, is) = (suppressed(was, name), suppressed(is, name));
            let there = is.as_ref().or(was.as_ref()).map(|it| severity_number(it.severity));
            let found = difference.map_or((there, there), |it| (it.before, it.after));
            let counted = (found.0.filter(|_| was.is_none()), found.1.filter(|_| is.is_none()));
            if counted.0 == counted.1 {
                continue;
            }
            is_worse |= counted.1 > counted.0;
            is_better |= counted.1 < counted.0;
            shift(&mut before, counted.1, |count| count.saturating_sub(1));
            shift(&mut before, counted.0, |count| count.saturating_add(1));
            let note = difference.map(|it| it.note);
            let reason = match self.cause(was, is).filter(|it| it.explains(note)) {
                Some(cause) => number_of(&mut causes, cause),
                None => note.unwrap_or_default(),
            };
            vulnerabilities.push((name.to_owned(), counted.0, counted.1, reason));
        }
        let direction = match &list.states {
            Some(states) => states.direction,
            None if vulnerabilities.is_empty() => return None,
            None => direction(is_worse, is_better).number(),
        };
        vulnerabilities.sort_by(|a, b| (b.1.max(b.2), &a.0).cmp(&(a.1.max(a.2), &b.0)));
        let is_by_suppressions = list.states.is_none() && vulnerabilities.iter().all(|it| it.3 < 0);
        let left_out = vulnerabilities.len().saturating_sub(NAMED_VULNERABILITIES);
        vulnerabilities.truncate(NAMED_VULNERABILITIES);
        Some(Told {
            direction,
            before,
            after,
            vulnerabilities,
            left_out,
            causes,
            is_by_suppressions,
        })
    }

    /// Says who began or ceased to suppress a vulnerability.
    fn cause(
        &self,
        was: Option<SuppressedVulnerability>,
        is: Option<SuppressedVulnerability>,
    ) -> Option<SuppressionCause> {
        match (was, is) {
            (None, Some(it)) => {
                Some(SuppressionCause { fate: SuppressorFate::Suppresses, by: it.by })
            }
            (Some(it), None) => Some(SuppressionCause { fate: self.fate(&it.by), by: it.by }),
            (None, None) | (Some(_), Some(_)) => None,
        }
    }

    fn fate(&self, by: &Suppressor) -> SuppressorFate {
        let is_there = match by.kind {
            SuppressorKind::Vex => self.documents.contains(&by.id),
            SuppressorKind::Rule => match self.rules.get(&by.id) {
                Some(Some(expires)) if *expires <= self.now_ms => return SuppressorFate::Expired,
                Some(_) => true,
                None => false,
            },
        };
        if is_there { SuppressorFate::Changed } else { SuppressorFate::Removed }
    }
}

impl SuppressionCause {
    /// What stands as it stood explains nothing where a finding differs.
    fn explains(&self, note: Option<i64>) -> bool {
        self.fate != SuppressorFate::Changed || note.is_none()
    }
}

/// Returns the negative number of a cause, from -1 on.
fn number_of(causes: &mut Vec<SuppressionCause>, cause: SuppressionCause) -> i64 {
    let at = causes.iter().position(|it| *it == cause).unwrap_or_else(|| {
        causes.push(cause);
        causes.len() - 1
    });
    -1 - crate::encoding::count_of(at)
}

/// Makes a row of each group of places of which something is told. The largest group need not be
/// named: its row is about all that are not.
fn rows_of(
    list: &ListChange,
    groups: BTreeMap<Option<Told>, Vec<Place>>,
    rows: &mut Vec<ChangeRow>,
) -> Result<(), StoreError> {
    let largest =
        groups.iter().max_by_key(|(_, places)| places.len()).map(|(told, _)| told.clone());
    let is_largest = |told: &Option<Told>| largest.as_ref() == Some(told);
    let others: Vec<Place> = groups
        .iter()
        .filter(|(told, _)| !is_largest(told))
        .flat_map(|(_, places)| places.iter().cloned())
        .collect();
    for (told, places) in groups {
        let is_largest = is_largest(&told);
        let Some(told) = told else { continue };
        let named = if is_largest { others.clone() } else { places };
        rows.push(told.row(list, Named { are_meant: !is_largest, places: named })?);
    }
    Ok(())
}

/// The places that are named beside a row.
pub(super) struct Named {
    /// Whether the row is about these, or about all others.
    pub(super) are_meant: bool,
    pub(super) places: Vec<Place>,
}

impl Told {
    fn row(self, list: &ListChange, named: Named) -> Result<ChangeRow, StoreError> {
        let causes = (!self.causes.is_empty()).then(|| to_json(&self.causes)).transpose()?;
        let (state_before, state_after) = match &list.states {
            Some(states) => (Some(states.before.clone()), Some(states.after.clone())),
            None => (None, None),
        };
        Ok(ChangeRow {
            list_id: list.list_id,
            image_id: list.image_id,
            direction: self.direction,
            state_before,
            state_after,
            before: to_json(&self.before)?,
            after: to_json(&self.after)?,
            vulnerabilities: to_json(&self.vulnerabilities)?,
            left_out: self.left_out,
            places: i64::from(named.are_meant),
            is_by_suppressions: i64::from(self.is_by_suppressions),
            causes,
            named: named.places,
        })
    }
}

/// Stores the places that rows name; `first` is the sequence of the first row.
pub(super) fn insert(
    connection: &Connection,
    rows: &[ChangeRow],
    first: i64,
) -> Result<(), StoreError> {
    let named: Vec<(i64, ImageId, &str)> = rows
        .iter()
        .zip(first..)
        .flat_map(|(row, sequence)| {
            row.named.iter().map(move |(image, server)| (sequence, *image, server.as_str()))
        })
        .collect();
    if named.is_empty() {
        return Ok(());
    }
    execute(
        connection,
        "INSERT INTO risk_change_place (sequence, image_id, server_uuid)
         SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'),
                json_extract(value, '$[2]')
         FROM json_each($1)",
        [to_json(&named)?],
    )?;
    Ok(())
}

/// Forgets the places of changes before one.
pub(super) fn purge(connection: &Connection) -> Result<(), StoreError> {
    execute(
        connection,
        "DELETE FROM risk_change_place WHERE sequence < (
             SELECT sequence FROM risk_change ORDER BY sequence LIMIT 1)",
        [],
    )?;
    Ok(())
}

#[cfg(test)]
mod tests;
