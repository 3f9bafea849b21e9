//! The counters of images: derived from the findings of package versions, kept once for all images
//! that show the same packages, and summed up in the rows of the servers that have them. Written
//! only if they changed.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, params};

use crate::encoding::{count_of, from_json, to_json};
use crate::error::StoreError;
use crate::ids::{ImageId, PackageListId, PackageSetId, PackageVersionId};
use crate::images::SeverityCounts;
use crate::package_sets::{SetsOfList, read_sets, versions_of};
use crate::packages::current_revision;
use crate::settings::{Epoch, epoch, raise_epoch};
use crate::statement::{execute, fetch_all};
use crate::store::Store;

/// How many lists are counted in one transaction.
const LISTS_AT_ONCE: usize = 100_000;
/// From so many sets on, the findings of all sets are gone through to find theirs.
const MANY_SETS: usize = 20_000;
/// How many findings of sets are remembered from one transaction to the next.
const REMEMBERED_FINDINGS: usize = 8_000_000;

/// What [`Store::refresh_stale_images`] did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refreshed {
    /// How many lists of packages were counted again, each for all images that show it.
    pub counted: usize,
    /// Those of them whose counters changed.
    pub changed: Vec<PackageListId>,
    /// How many images show these.
    pub changed_images: u64,
}

impl Store {
    /// Counts the images again of whose packages a finding differs since they were counted, and
    /// those that never were. Without any it writes nothing.
    ///
    /// Marks are removed at the end: a process that dies on the way counts them all again.
    pub async fn refresh_stale_images(&self) -> Result<Refreshed, StoreError> {
        let (marks, lists) = self.read_snapshot(stale_lists).await?;
        let mut refreshed = Refreshed::default();
        let counts = Arc::new(Mutex::new(SetCounts::default()));
        for lists in lists.chunks(LISTS_AT_ONCE) {
            let (lists, counts) = (lists.to_vec(), Arc::clone(&counts));
            refreshed.counted += lists.len();
            let write = move |connection: &Connection| {
                let mut counts = counts.lock().unwrap_or_else(PoisonError::into_inner);
                refresh(connection, &lists, &mut counts)
            };
            let (changed, images) = self.write_many(write).await?;
            refreshed.changed.extend(changed);
            refreshed.changed_images += images;
        }
        if !marks.is_empty() {
            self.write_many(move |connection| unmark(connection, &marks)).await?;
        }
        Ok(refreshed)
    }
}

/// A set with the number of differences that were marked.
type Mark = (PackageSetId, i64);

fn stale_lists(connection: &Connection) -> Result<(Vec<Mark>, Vec<PackageListId>), StoreError> {
    let marks: Vec<Mark> =
        fetch_all(connection, "SELECT set_id, mark FROM stale_set ORDER BY set_id", [], |row| {
            Ok((PackageSetId(row.get(0)?), row.get(1)?))
        })?;
    let sets: Vec<PackageSetId> = marks.iter().map(|(set, _)| *set).collect();
    let mut lists = fetch_all(
        connection,
        "SELECT list_id FROM package_list_set
         WHERE set_id IN (SELECT value FROM json_each($1))",
        [to_json(&sets)?],
        |row| Ok(PackageListId(row.get(0)?)),
    )?;
    if current_revision(connection)?.is_some() {
        let sql = "SELECT list_id FROM package_list WHERE matched_revision IS NULL";
        lists.extend(fetch_all(connection, sql, [], |row| Ok(PackageListId(row.get(0)?)))?);
    }
    lists.sort_unstable();
    lists.dedup();
    Ok((marks, lists))
}

/// What was marked again meanwhile stays.
fn unmark(connection: &Connection, marks: &[Mark]) -> Result<(), StoreError> {
    execute(
        connection,
        "DELETE FROM stale_set WHERE (set_id, mark) IN (
             SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each($1))",
        [to_json(marks)?],
    )?;
    Ok(())
}

/// The findings of sets, remembered while no finding changes.
#[derive(Default)]
pub(crate) struct SetCounts {
    epoch: i64,
    remembered: usize,
    /// Vulnerabilities by name, numbered.
    numbers: HashMap<String, u32>,
    sets: HashMap<PackageSetId, SetCount>,
}

struct SetCount {
    /// Vulnerabilities with the worst severity that any package of the set gives.
    findings: Vec<(u32, u8)>,
    is_matched: bool,
}

impl SetCounts {
    /// Reads the sets that are not known yet.
    fn load(
        &mut self,
        connection: &Connection,
        sets: BTreeSet<PackageSetId>,
    ) -> Result<(), StoreError> {
        let epoch = epoch(connection, Epoch::Findings)?;
        if epoch != self.epoch || self.remembered > REMEMBERED_FINDINGS {
            *self = SetCounts { epoch, ..SetCounts::default() };
        }
        let missing: BTreeSet<PackageSetId> =
            sets.into_iter().filter(|set| !self.sets.contains_key(set)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let members = match missing.len() < MANY_SETS {
            true => versions_of(connection, &missing)?,
            false => judged_versions_of(connection, missing)?,
        };
        let versions: BTreeSet<PackageVersionId> = members.values().flatten().copied().collect();
        let list = to_json(&versions)?;
        let findings = self.findings_of(connection, &list)?;
        let unmatched = unmatched_among(connection, &list)?;
        for (set, members) in members {
            let mut worst: HashMap<u32, u8> = HashMap::new();
            let of_members = members.iter().filter_map(|version| findings.get(version));
            for (vulnerability, severity) in of_members.flatten() {
                let entry = worst.entry(*vulnerability).or_default();
                *entry = (*entry).max(*severity);
            }
            let is_matched = members.iter().all(|version| !unmatched.contains(version));
            self.remembered += worst.len();
            let findings = worst.into_iter().collect();
            self.sets.insert(set, SetCount { findings, is_matched });
        }
        Ok(())
    }

    fn findings_of(
        &mut self,
        connection: &Connection,
        list: &str,
    ) -> Result<HashMap<PackageVersionId, Vec<(u32, u8)>>, StoreError> {
        let rows: Vec<(PackageVersionId, (u32, u8))> = fetch_all(
            connection,
            "SELECT package_version_id, vulnerability, severity FROM finding
             WHERE package_version_id IN (SELECT value FROM json_each($1))",
            [list],
            |row| {
                let name = row.get_ref(1)?.as_str()?;
                let number = match self.numbers.get(name) {
                    Some(number) => *number,
                    None => {
                        let next = u32::try_from(self.numbers.len()).unwrap_or(u32::MAX);
                        self.numbers.insert(name.to_owned(), next);
                        next
                    }
                };
                Ok((PackageVersionId(row.get(0)?), (number, row.get(2)?)))
            },
        )?;
        let mut findings: HashMap<_, Vec<_>> = HashMap::new();
        for (version, finding) in rows {
            findings.entry(version).or_default().push(finding);
        }
        Ok(findings)
    }
}

/// Returns the package versions of stored sets that have findings or are to be matched: what there
/// is to know of many sets, without reading what they hold.
fn judged_versions_of(
    connection: &Connection,
    sets: BTreeSet<PackageSetId>,
) -> Result<HashMap<PackageSetId, Vec<PackageVersionId>>, StoreError> {
    let mut versions: HashMap<PackageSetId, Vec<PackageVersionId>> =
        sets.into_iter().map(|set| (set, Vec::new())).collect();
    fetch_all(
        connection,
        "SELECT set_id, package_version_id FROM package_set_member
         WHERE package_version_id IN (
             SELECT DISTINCT package_version_id FROM finding
             UNION SELECT package_version_id FROM package_version WHERE matched_revision IS NULL)",
        [],
        |row| {
            if let Some(versions) = versions.get_mut(&PackageSetId(row.get(0)?)) {
                versions.push(PackageVersionId(row.get(1)?));
            }
            Ok(())
        },
    )?;
    Ok(versions)
}

fn unmatched_among(
    connection: &Connection,
    list: &str,
) -> Result<HashSet<PackageVersionId>, StoreError> {
    let rows = fetch_all(
        connection,
        "SELECT package_version_id FROM package_version
         WHERE package_version_id IN (SELECT value FROM json_each($1))
           AND matched_revision IS NULL",
        [list],
        |row| Ok(PackageVersionId(row.get(0)?)),
    )?;
    Ok(rows.into_iter().collect())
}

/// The counters of a list, as they stand or as they should.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Counters {
    vul_count: i64,
    vul_by_severity: SeverityCounts,
    is_matched: bool,
}

struct CountedList {
    list_id: PackageListId,
    stored: Counters,
    sets: SetsOfList,
}

/// Counts lists again; returns those whose counters changed, and how many images show them.
///
/// It runs in the transaction that writes: a count made before could overwrite a newer one.
pub(crate) fn refresh(
    connection: &Connection,
    list_ids: &[PackageListId],
    counts: &mut SetCounts,
) -> Result<(Vec<PackageListId>, u64), StoreError> {
    let lists = counted_lists(connection, list_ids)?;
    let sets = lists.iter().flat_map(|list| list.sets.iter().map(|(set, _)| *set)).collect();
    counts.load(connection, sets)?;
    let revision = current_revision(connection)?;
    let mut scratch = Scratch::default();
    let mut shifts = HashMap::new();
    for list in &lists {
        let sets: Vec<&SetCount> =
            list.sets.iter().filter_map(|(set, _)| counts.sets.get(set)).collect();
        let mut counters = scratch.count(&sets);
        // What was once counted stays so while a new revision is being matched.
        counters.is_matched =
            list.stored.is_matched || (revision.is_some() && sets.iter().all(|set| set.is_matched));
        if counters == list.stored {
            continue;
        }
        write(connection, list.list_id, &counters, revision.as_deref())?;
        shifts.insert(list.list_id, counters.vul_count - list.stored.vul_count);
    }
    let images = shift_servers(connection, &shifts)?;
    Ok((shifts.into_keys().collect(), images))
}

fn counted_lists(
    connection: &Connection,
    list_ids: &[PackageListId],
) -> Result<Vec<CountedList>, StoreError> {
    fetch_all(
        connection,
        "SELECT list_id, sets, vul_count, vul_by_severity, matched_revision IS NOT NULL
         FROM package_list WHERE list_id IN (SELECT value FROM json_each($1))",
        [to_json(list_ids)?],
        |row| {
            let by_severity = row.get_ref(3)?.as_str()?;
            Ok(CountedList {
                list_id: PackageListId(row.get(0)?),
                sets: read_sets(row.get_ref(1)?.as_str()?)?,
                stored: Counters {
                    vul_count: row.get(2)?,
                    vul_by_severity: from_json("package_list.vul_by_severity", by_severity)?,
                    is_matched: row.get(4)?,
                },
            })
        },
    )
}

/// Room for counting, used again for each list.
#[derive(Default)]
struct Scratch {
    /// By the number of the vulnerability: 0, or the worst severity and 1.
    worst: Vec<u8>,
    seen: Vec<u32>,
}

impl Scratch {
    /// A vulnerability counts once, with the worst severity that any package gives.
    fn count(&mut self, sets: &[&SetCount]) -> Counters {
        for (vulnerability, severity) in sets.iter().flat_map(|set| &set.findings) {
            let at = usize::try_from(*vulnerability).unwrap_or(usize::MAX);
            if at >= self.worst.len() {
                self.worst.resize(at.saturating_add(1), 0);
            }
            let Some(worst) = self.worst.get_mut(at) else { continue };
            if *worst == 0 {
                self.seen.push(*vulnerability);
            }
            *worst = (*worst).max(severity.saturating_add(1));
        }
        let mut vul_by_severity = SeverityCounts::default();
        let vul_count = count_of(self.seen.len());
        for vulnerability in self.seen.drain(..) {
            let at = usize::try_from(vulnerability).unwrap_or(usize::MAX);
            let Some(worst) = self.worst.get_mut(at) else { continue };
            let severity = usize::from(worst.saturating_sub(1));
            *worst = 0;
            if let Some(count) = vul_by_severity.0.get_mut(severity) {
                *count += 1;
            }
        }
        Counters { vul_count, vul_by_severity, is_matched: false }
    }
}

fn write(
    connection: &Connection,
    list_id: PackageListId,
    counters: &Counters,
    revision: Option<&str>,
) -> Result<(), StoreError> {
    let revision = revision.filter(|_| counters.is_matched);
    execute(
        connection,
        "UPDATE package_list
         SET vul_count = $1, vul_by_severity = $2, matched_revision = $3,
             row_version = row_version + 1
         WHERE list_id = $4",
        params![counters.vul_count, to_json(&counters.vul_by_severity)?, revision, list_id.0],
    )?;
    Ok(())
}

/// Adds to the sums of all servers that have images with these lists, and raises the version of
/// their rows; returns how many images show the lists.
///
/// A join would go to the servers of one image after the other, all over the table. They are read
/// in the order in which they stand there, and summed up here.
fn shift_servers(
    connection: &Connection,
    shifts: &HashMap<PackageListId, i64>,
) -> Result<u64, StoreError> {
    if shifts.is_empty() {
        return Ok(0);
    }
    let lists: BTreeSet<PackageListId> = shifts.keys().copied().collect();
    let images: BTreeMap<ImageId, i64> = fetch_all(
        connection,
        "SELECT image_id, list_id FROM image WHERE list_id IN (SELECT value FROM json_each($1))",
        [to_json(&lists)?],
        |row| {
            let shift = shifts.get(&PackageListId(row.get(1)?)).copied().unwrap_or_default();
            Ok((ImageId(row.get(0)?), shift))
        },
    )?
    .into_iter()
    .collect();
    let mut servers: HashMap<String, i64> = HashMap::new();
    fetch_all(
        connection,
        "SELECT image_id, server_uuid FROM server_image
         WHERE image_id IN (SELECT value FROM json_each($1))",
        [to_json(&images.keys().collect::<Vec<_>>())?],
        |row| {
            let shift = images.get(&ImageId(row.get(0)?)).copied().unwrap_or_default();
            let uuid = row.get_ref(1)?.as_str()?;
            match servers.get_mut(uuid) {
                Some(sum) => *sum += shift,
                None => drop(servers.insert(uuid.to_owned(), shift)),
            }
            Ok(())
        },
    )?;
    execute(
        connection,
        "UPDATE server
         SET vul_count = server.vul_count + shift.vul_count, row_version = server.row_version + 1
         FROM (SELECT json_extract(value, '$[0]') AS server_uuid,
                      json_extract(value, '$[1]') AS vul_count
               FROM json_each($1)) AS shift
         WHERE server.server_uuid = shift.server_uuid",
        [to_json(&servers.into_iter().collect::<Vec<_>>())?],
    )?;
    raise_epoch(connection, Epoch::Images)?;
    Ok(u64::try_from(images.len()).unwrap_or(u64::MAX))
}

/// Adds to the number of unjudged images of all servers that have these images, and raises the
/// version of their rows.
pub(crate) fn shift_unjudged(
    connection: &Connection,
    shifts: &[(ImageId, i64)],
) -> Result<(), StoreError> {
    if shifts.is_empty() {
        return Ok(());
    }
    execute(
        connection,
        "UPDATE server
         SET unjudged_count = server.unjudged_count + shift.unjudged_count,
             row_version = server.row_version + 1
         FROM (SELECT server_image.server_uuid AS server_uuid,
                      SUM(json_extract(change.value, '$[1]')) AS unjudged_count
               FROM json_each($1) AS change JOIN server_image
                 ON server_image.image_id = json_extract(change.value, '$[0]')
               GROUP BY server_image.server_uuid) AS shift
         WHERE server.server_uuid = shift.server_uuid",
        [to_json(shifts)?],
    )?;
    raise_epoch(connection, Epoch::Images)
}

#[cfg(test)]
mod tests;
