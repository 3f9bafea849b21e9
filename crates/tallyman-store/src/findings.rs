//! Vulnerabilities of package versions. Only what differs is written, and the images that hold a
//! changed package version are marked in the same transaction.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rusqlite::{Connection, params};
use serde::Serialize;
use tallyman_model::finding::Finding;
use tallyman_model::package::PackageVersion;

use crate::changes::{FindingDifference, note_findings};
use crate::encoding::{from_json, to_json};
use crate::error::StoreError;
use crate::ids::{ImageId, PackageVersionId};
use crate::jobs::{JobChanges, apply_job_changes};
use crate::packages::{current_revision, package_version_id};
use crate::settings::{Epoch, raise_epoch};
use crate::statement::{execute, fetch_all};
use crate::store::Store;

/// A finding as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredFinding {
    /// The finding.
    pub finding: Finding,
    /// When it was first found for this package version.
    pub first_seen_at: i64,
}

impl Store {
    /// Replaces the findings of package versions by those of `revision`, and marks them as matched.
    ///
    /// Returns the package versions whose findings differ from before, sorted; of the others
    /// nothing is written unless they were to be matched. Images that hold a package version that
    /// differs become stale ([`Store::refresh_stale_images`]).
    ///
    /// # Errors
    ///
    /// [`StoreError::OutdatedRevision`] if `revision` is not the current one: the findings may be
    /// wrong by now, and nothing is written.
    pub async fn replace_findings(
        &self,
        revision: &str,
        findings: Vec<(PackageVersionId, Vec<Finding>)>,
        jobs: JobChanges,
        now_ms: i64,
    ) -> Result<Vec<PackageVersionId>, StoreError> {
        let revision = revision.to_owned();
        self.write_many(move |connection| {
            let current = current_revision(connection)?.unwrap_or_default();
            if current != revision {
                return Err(StoreError::OutdatedRevision { given: revision, current });
            }
            let changed = write_difference(connection, &findings, now_ms)?;
            let ids: BTreeSet<PackageVersionId> = findings.iter().map(|(id, _)| *id).collect();
            let matched = mark_matched(connection, &revision, &ids)?;
            if !changed.is_empty() || matched > 0 {
                raise_epoch(connection, Epoch::Findings)?;
            }
            mark_stale(connection, &changed)?;
            apply_job_changes(connection, &jobs, now_ms)?;
            Ok(changed)
        })
        .await
    }

    /// Returns the findings of package versions, by id, each list ordered by vulnerability.
    pub async fn list_findings(
        &self,
        ids: &[PackageVersionId],
    ) -> Result<HashMap<PackageVersionId, Vec<StoredFinding>>, StoreError> {
        let list = to_json(ids)?;
        self.read(|connection| findings_of(connection, &list)).await
    }

    /// Returns when the findings of package versions were first found, by vulnerability; what is
    /// not stored is left out.
    pub async fn find_first_seen(
        &self,
        versions: &[&PackageVersion],
    ) -> Result<HashMap<PackageVersion, HashMap<String, i64>>, StoreError> {
        let mut by_id = HashMap::with_capacity(versions.len());
        for version in versions {
            by_id.insert(package_version_id(version)?, *version);
        }
        let ids: Vec<PackageVersionId> = by_id.keys().copied().collect();
        let list = to_json(&ids)?;
        let rows: Vec<(PackageVersionId, String, i64)> = self
            .read(|connection| {
                fetch_all(
                    connection,
                    "SELECT package_version_id, vulnerability, first_seen_at FROM finding
                     WHERE package_version_id IN (SELECT value FROM json_each($1))",
                    [list],
                    |row| Ok((PackageVersionId(row.get(0)?), row.get(1)?, row.get(2)?)),
                )
            })
            .await?;
        let mut seen: HashMap<PackageVersion, HashMap<String, i64>> = HashMap::new();
        for (id, vulnerability, first_seen_at) in rows {
            if let Some(version) = by_id.get(&id) {
                seen.entry((*version).clone()).or_default().insert(vulnerability, first_seen_at);
            }
        }
        Ok(seen)
    }

    /// Returns the images that hold any of these package versions, sorted.
    pub async fn images_with(&self, ids: &[PackageVersionId]) -> Result<Vec<ImageId>, StoreError> {
        let list = to_json(ids)?;
        self.read(|connection| {
            fetch_all(
                connection,
                "SELECT DISTINCT image.image_id
                 FROM package_set_member
                 JOIN package_list_set ON package_list_set.set_id = package_set_member.set_id
                 JOIN image ON image.list_id = package_list_set.list_id
                 WHERE package_set_member.package_version_id IN (
                     SELECT value FROM json_each($1))
                 ORDER BY image.image_id",
                [list],
                |row| Ok(ImageId(row.get(0)?)),
            )
        })
        .await
    }

    /// Returns the package versions that have this vulnerability, a page at a time, by id.
    pub async fn package_versions_with(
        &self,
        vulnerability: &str,
        after: Option<PackageVersionId>,
        limit: u32,
    ) -> Result<Vec<PackageVersionId>, StoreError> {
        let after = after.map_or(-1, |id| id.0);
        self.read(|connection| {
            fetch_all(
                connection,
                "SELECT package_version_id FROM finding
                 WHERE vulnerability = $1 AND package_version_id > $2
                 ORDER BY package_version_id LIMIT $3",
                params![vulnerability, after, limit],
                |row| Ok(PackageVersionId(row.get(0)?)),
            )
        })
        .await
    }
}

pub(crate) fn findings_of(
    connection: &Connection,
    list: &str,
) -> Result<HashMap<PackageVersionId, Vec<StoredFinding>>, StoreError> {
    let rows = fetch_all(
        connection,
        "SELECT package_version_id, data, first_seen_at FROM finding
         WHERE package_version_id IN (SELECT value FROM json_each($1))
         ORDER BY package_version_id, vulnerability",
        [list],
        |row| {
            let finding = from_json("finding.data", row.get_ref(1)?.as_str()?)?;
            let first_seen_at = row.get(2)?;
            Ok((PackageVersionId(row.get(0)?), StoredFinding { finding, first_seen_at }))
        },
    )?;
    let mut findings: HashMap<_, Vec<_>> = HashMap::new();
    for (id, finding) in rows {
        findings.entry(id).or_default().push(finding);
    }
    Ok(findings)
}

/// One row of `finding`, in the order of the insert's columns.
#[derive(Serialize)]
struct FindingRow<'f>(PackageVersionId, &'f str, i64, &'f str, String);

fn write_difference(
    connection: &Connection,
    findings: &[(PackageVersionId, Vec<Finding>)],
    now_ms: i64,
) -> Result<Vec<PackageVersionId>, StoreError> {
    let ids: Vec<PackageVersionId> = findings.iter().map(|(id, _)| *id).collect();
    let mut stored: BTreeMap<(PackageVersionId, String), String> = fetch_all(
        connection,
        "SELECT package_version_id, vulnerability, data FROM finding
         WHERE package_version_id IN (SELECT value FROM json_each($1))",
        [to_json(&ids)?],
        |row| Ok(((PackageVersionId(row.get(0)?), row.get(1)?), row.get(2)?)),
    )?
    .into_iter()
    .collect();

    let mut changed = BTreeSet::new();
    let mut written = Vec::new();
    let mut seen = BTreeSet::new();
    let mut differences = Vec::new();
    for (id, findings) in findings {
        for finding in findings {
            // A vulnerability counts once, whatever names it was found under.
            if !seen.insert((*id, finding.id.as_str())) {
                continue;
            }
            let data = to_json(finding)?;
            let before = stored.remove(&(*id, finding.id.clone()));
            if before.as_ref() != Some(&data) {
                differences.push(FindingDifference {
                    package_version_id: *id,
                    vulnerability: finding.id.clone(),
                    before,
                    after: Some(data.clone()),
                });
                changed.insert(*id);
                let severity = severity_number(finding);
                written.push(FindingRow(*id, &finding.id, severity, &finding.advisory, data));
            }
        }
    }
    let deleted: Vec<&(PackageVersionId, String)> = stored.keys().collect();
    changed.extend(deleted.iter().map(|(id, _)| *id));
    delete(connection, &deleted)?;
    upsert(connection, &written, now_ms)?;
    differences.extend(stored.into_iter().map(|((id, vulnerability), data)| FindingDifference {
        package_version_id: id,
        vulnerability,
        before: Some(data),
        after: None,
    }));
    note_findings(connection, &differences, now_ms)?;
    Ok(changed.into_iter().collect())
}

fn severity_number(finding: &Finding) -> i64 {
    use tallyman_model::severity::Severity;
    Severity::ALL.iter().zip(0..).find(|(s, _)| **s == finding.severity).map_or(0, |(_, n)| n)
}

fn delete(connection: &Connection, keys: &[&(PackageVersionId, String)]) -> Result<(), StoreError> {
    if keys.is_empty() {
        return Ok(());
    }
    execute(
        connection,
        "DELETE FROM finding WHERE (package_version_id, vulnerability) IN (
             SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each($1))",
        [to_json(keys)?],
    )?;
    Ok(())
}

fn upsert(connection: &Connection, rows: &[FindingRow<'_>], now_ms: i64) -> Result<(), StoreError> {
    if rows.is_empty() {
        return Ok(());
    }
    // `WHERE true` tells SQLite that ON CONFLICT belongs to the INSERT and not to a join.
    execute(
        connection,
        "INSERT INTO finding (package_version_id, vulnerability, severity, advisory, data,
                              first_seen_at)
         SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'),
                json_extract(value, '$[2]'), json_extract(value, '$[3]'),
                json_extract(value, '$[4]'), $1
         FROM json_each($2) WHERE true
         ON CONFLICT (package_version_id, vulnerability) DO UPDATE
         SET severity = excluded.severity, advisory = excluded.advisory, data = excluded.data",
        params![now_ms, to_json(rows)?],
    )?;
    Ok(())
}

fn mark_matched(
    connection: &Connection,
    revision: &str,
    ids: &BTreeSet<PackageVersionId>,
) -> Result<usize, StoreError> {
    execute(
        connection,
        "UPDATE package_version SET matched_revision = $1
         WHERE package_version_id IN (SELECT value FROM json_each($2))
           AND matched_revision IS NULL",
        params![revision, to_json(ids)?],
    )
}

/// Sets are marked and not images: a set of a base image is one row where a million show it.
fn mark_stale(connection: &Connection, ids: &[PackageVersionId]) -> Result<(), StoreError> {
    if ids.is_empty() {
        return Ok(());
    }
    execute(
        connection,
        "INSERT INTO stale_set (set_id, mark)
         SELECT DISTINCT set_id, 1 FROM package_set_member
         WHERE package_version_id IN (SELECT value FROM json_each($1))
         ON CONFLICT (set_id) DO UPDATE SET mark = stale_set.mark + 1",
        [to_json(ids)?],
    )?;
    Ok(())
}

#[cfg(test)]
mod tests;
