//! Noting what differs, in the transaction that writes it.

use std::collections::{BTreeSet, HashSet};

use rusqlite::{Connection, params};
use serde::Serialize;
use tallyman_model::coverage::AnalysisState;
use tallyman_model::finding::Finding;

use super::DecisiveRecord;
use crate::encoding::{from_json, to_json};
use crate::error::StoreError;
use crate::ids::{ImageId, PackageVersionId};
use crate::statement::{execute, fetch_all, fetch_one};

/// A finding that is written or deleted.
pub(crate) struct FindingDifference {
    pub(crate) package_version_id: PackageVersionId,
    pub(crate) vulnerability: String,
    /// What was stored, as JSON.
    pub(crate) before: Option<String>,
    /// What is stored now, as JSON.
    pub(crate) after: Option<String>,
}

/// A row of `finding_change`, in the order of the insert's columns.
#[derive(Serialize)]
struct ChangeRow<'d>(PackageVersionId, &'d str, Option<String>, Option<String>);

/// Notes which vulnerabilities came, went or were rated anew. A package version that no counted
/// image shows had no answer before, and nothing of it is noted.
pub(crate) fn note_findings(
    connection: &Connection,
    differences: &[FindingDifference],
    now_ms: i64,
) -> Result<(), StoreError> {
    if differences.is_empty() {
        return Ok(());
    }
    let ids = differences.iter().map(|it| it.package_version_id).collect();
    let counted = counted_among(connection, &ids)?;
    let mut rows = Vec::new();
    for difference in differences.iter().filter(|it| counted.contains(&it.package_version_id)) {
        let before = difference.before.as_deref().map(record_of).transpose()?;
        let after = difference.after.as_deref().map(record_of).transpose()?;
        if before.as_ref().map(|it| it.severity) == after.as_ref().map(|it| it.severity) {
            continue;
        }
        let [before, after] = [before, after].map(|it| it.as_ref().map(to_json).transpose());
        let name = &difference.vulnerability;
        rows.push(ChangeRow(difference.package_version_id, name, before?, after?));
    }
    if rows.is_empty() {
        return Ok(());
    }
    execute(
        connection,
        "INSERT INTO finding_change (package_version_id, vulnerability, before, after, changed_at)
         SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'),
                json_extract(value, '$[2]'), json_extract(value, '$[3]'), $1
         FROM json_each($2)",
        params![now_ms, to_json(&rows)?],
    )?;
    Ok(())
}

fn record_of(data: &str) -> Result<DecisiveRecord, StoreError> {
    let Finding { advisory, feed, severity, fixed_version, .. } = from_json("finding.data", data)?;
    Ok(DecisiveRecord { advisory, feed, severity, fixed_version })
}

fn counted_among(
    connection: &Connection,
    ids: &BTreeSet<PackageVersionId>,
) -> Result<HashSet<PackageVersionId>, StoreError> {
    let rows = fetch_all(
        connection,
        "SELECT version.value FROM json_each($1) AS version
         WHERE EXISTS (
             SELECT 1 FROM package_set_member
             JOIN package_list_set ON package_list_set.set_id = package_set_member.set_id
             JOIN package_list ON package_list.list_id = package_list_set.list_id
             WHERE package_set_member.package_version_id = version.value
               AND package_list.matched_revision IS NOT NULL)",
        [to_json(ids)?],
        |row| Ok(PackageVersionId(row.get(0)?)),
    )?;
    Ok(rows.into_iter().collect())
}

/// Notes the states that images had before they were decided anew. An image whose state changes
/// twice before it is settled had the first.
pub(crate) fn note_states(
    connection: &Connection,
    before: &[(ImageId, AnalysisState)],
) -> Result<(), StoreError> {
    if before.is_empty() {
        return Ok(());
    }
    execute(
        connection,
        "INSERT INTO state_change (image_id, before)
         SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]')
         FROM json_each($1) WHERE true
         ON CONFLICT (image_id) DO NOTHING",
        [to_json(before)?],
    )?;
    Ok(())
}

/// Takes down that another revision is the current one.
pub(crate) fn note_revision(
    connection: &Connection,
    revision: &str,
    now_ms: i64,
) -> Result<(), StoreError> {
    execute(
        connection,
        "INSERT INTO advisory_revision (revision_number, revision, current_since)
         SELECT COALESCE(MAX(revision_number), 0) + 1, $1, $2 FROM advisory_revision",
        params![revision, now_ms],
    )?;
    Ok(())
}

/// Returns the number of the current revision; 0 before the first.
pub(super) fn revision_number(connection: &Connection) -> Result<i64, StoreError> {
    fetch_one(
        connection,
        "SELECT COALESCE(MAX(revision_number), 0) FROM advisory_revision",
        [],
        |row| Ok(row.get(0)?),
    )
}
