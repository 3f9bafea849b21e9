//! Package versions, interned once for the whole installation, and which of them are to be matched.

use std::collections::HashMap;

use rusqlite::{Connection, Row, params};
use tallyman_model::advisory::PackageKey;
use tallyman_model::distribution::DistributionRelease;
use tallyman_model::package::{Package, PackageVersion, SourcePackage};

use crate::changes::note_revision;
use crate::encoding::{parse, to_json, to_unsigned};
use crate::error::StoreError;
use crate::ids::{PackageVersionId, id_of};
use crate::jobs::{JobChanges, apply_job_changes};
use crate::settings::{Epoch, find_setting, raise_epoch, set_setting};
use crate::statement::{execute, fetch_all, fetch_one};
use crate::store::Store;

const ADVISORY_REVISION: &str = "advisory_revision";

/// What a new advisory revision says something else of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChangedKeys {
    /// These keys; all others are as they were.
    Keys(Vec<PackageKey>),
    /// Anything: the difference is not known.
    All,
}

impl Store {
    /// Returns the current advisory revision, if there was ever one.
    pub async fn find_advisory_revision(&self) -> Result<Option<String>, StoreError> {
        self.find_setting(ADVISORY_REVISION).await
    }

    /// Makes `revision` the current one and marks the package versions of the changed keys as to
    /// be matched, in one transaction. Returns how many were marked.
    ///
    /// Setting the current revision again marks nothing.
    pub async fn set_advisory_revision(
        &self,
        revision: &str,
        changed: ChangedKeys,
        jobs: JobChanges,
        now_ms: i64,
    ) -> Result<usize, StoreError> {
        let revision = revision.to_owned();
        self.write_many(move |connection| {
            let mut marked = 0;
            let before = current_revision(connection)?;
            if before.as_deref() != Some(revision.as_str()) {
                marked = match &changed {
                    ChangedKeys::Keys(keys) => mark_keys(connection, keys)?,
                    ChangedKeys::All => mark_all(connection)?,
                };
                if marked > 0 {
                    raise_epoch(connection, Epoch::Findings)?;
                }
                set_setting(connection, ADVISORY_REVISION, &revision)?;
                note_revision(connection, &revision, now_ms)?;
                raise_epoch(connection, Epoch::Advisories)?;
            }
            apply_job_changes(connection, &jobs, now_ms)?;
            Ok(marked)
        })
        .await
    }

    /// Returns package versions that are to be matched with the current revision.
    pub async fn list_unmatched_package_versions(
        &self,
        limit: u32,
    ) -> Result<Vec<(PackageVersionId, PackageVersion)>, StoreError> {
        self.read(|connection| {
            fetch_all(
                connection,
                "SELECT package_version_id, ecosystem, release, name, version, architecture,
                        source_name, source_version, module
                 FROM package_version WHERE matched_revision IS NULL
                 ORDER BY package_version_id LIMIT $1",
                [limit],
                read_package_version,
            )
        })
        .await
    }

    /// Returns how many package versions are to be matched.
    pub async fn count_unmatched_package_versions(&self) -> Result<u64, StoreError> {
        self.read(|connection| {
            let sql = "SELECT COUNT(*) FROM package_version WHERE matched_revision IS NULL";
            fetch_one(connection, sql, [], |row| to_unsigned("COUNT(*)", row.get(0)?))
        })
        .await
    }

    /// Returns all package versions, a page at a time, by id.
    pub async fn list_package_versions_after(
        &self,
        after: Option<PackageVersionId>,
        limit: u32,
    ) -> Result<Vec<(PackageVersionId, PackageVersion)>, StoreError> {
        let after = after.map_or(-1, |id| id.0);
        self.read(|connection| {
            fetch_all(
                connection,
                "SELECT package_version_id, ecosystem, release, name, version, architecture,
                        source_name, source_version, module
                 FROM package_version WHERE package_version_id > $1
                 ORDER BY package_version_id LIMIT $2",
                [after, i64::from(limit)],
                read_package_version,
            )
        })
        .await
    }

    /// Returns these package versions by id; unknown ids are left out.
    pub async fn list_package_versions(
        &self,
        ids: &[PackageVersionId],
    ) -> Result<HashMap<PackageVersionId, PackageVersion>, StoreError> {
        let list = to_json(ids)?;
        self.read(|connection| package_versions(connection, &list)).await
    }

    /// Returns the package versions that advisories of these keys speak of: by the name that their
    /// release's advisories use, and for RPMs and Alpine's packages by either of their names, since
    /// a statement may say which it means.
    pub async fn list_package_versions_of_keys(
        &self,
        keys: &[PackageKey],
    ) -> Result<HashMap<PackageVersionId, PackageVersion>, StoreError> {
        let list = key_list(keys)?;
        self.read(|connection| {
            let rows = fetch_all(
                connection,
                "SELECT package_version_id, ecosystem, release, name, version, architecture,
                        source_name, source_version, module
                 FROM package_version
                 WHERE (ecosystem, release, advisory_name) IN (
                     SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'),
                            json_extract(value, '$[2]')
                     FROM json_each($1))
                    OR (ecosystem IN ('rpm', 'apk') AND (ecosystem, release, name) IN (
                     SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'),
                            json_extract(value, '$[2]')
                     FROM json_each($1)))
                    OR (ecosystem IN ('rpm', 'apk') AND (ecosystem, release, source_name) IN (
                     SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'),
                            json_extract(value, '$[2]')
                     FROM json_each($1)))
                 ORDER BY package_version_id",
                [list],
                read_package_version,
            )?;
            Ok(rows.into_iter().collect())
        })
        .await
    }
}

/// Returns the id of a package version: the same everywhere.
pub fn package_version_id(version: &PackageVersion) -> Result<PackageVersionId, StoreError> {
    Ok(PackageVersionId(id_of(&to_json(&columns(version))?)))
}

/// The columns in their order: ecosystem, release, name, version, architecture, source name,
/// source version, and the module where there is one.
fn columns(version: &PackageVersion) -> Vec<&str> {
    let package = &version.package;
    let source = package.source.as_ref();
    let mut columns = vec![
        package.ecosystem.name(),
        version.release.as_ref().map_or("", DistributionRelease::as_str),
        &package.name,
        &package.version,
        package.architecture.as_deref().unwrap_or(""),
        source.map_or("", |source| &source.name),
        source.map_or("", |source| &source.version),
    ];
    // Most packages have none, and keep the id that they had before modules were known.
    columns.extend(package.module.as_deref());
    columns
}

pub(crate) fn current_revision(connection: &Connection) -> Result<Option<String>, StoreError> {
    find_setting(connection, ADVISORY_REVISION)
}

/// Interns package versions; a row that is there already must be the same.
pub(crate) fn intern(
    connection: &Connection,
    versions: &HashMap<PackageVersionId, &PackageVersion>,
) -> Result<(), StoreError> {
    let mut ids: Vec<PackageVersionId> = versions.keys().copied().collect();
    ids.sort_unstable();
    let known = package_versions(connection, &to_json(&ids)?)?;
    let mut missing = Vec::new();
    for id in ids {
        let version = versions[&id];
        match known.get(&id) {
            Some(stored) if columns(stored) == columns(version) => {}
            Some(_) => return Err(StoreError::Collision { what: "package version", id: id.0 }),
            None => missing.push((id, columns(version), version.advisory_name())),
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    execute(
        connection,
        "INSERT INTO package_version (package_version_id, ecosystem, release, name, version,
                                      architecture, source_name, source_version, module,
                                      advisory_name)
         SELECT json_extract(value, '$[0]'), json_extract(value, '$[1][0]'),
                json_extract(value, '$[1][1]'), json_extract(value, '$[1][2]'),
                json_extract(value, '$[1][3]'), json_extract(value, '$[1][4]'),
                json_extract(value, '$[1][5]'), json_extract(value, '$[1][6]'),
                COALESCE(json_extract(value, '$[1][7]'), ''), json_extract(value, '$[2]')
         FROM json_each($1)",
        [to_json(&missing)?],
    )?;
    Ok(())
}

/// Reads the package versions whose ids stand in a JSON list.
pub(crate) fn package_versions(
    connection: &Connection,
    list: &str,
) -> Result<HashMap<PackageVersionId, PackageVersion>, StoreError> {
    let rows = fetch_all(
        connection,
        "SELECT package_version_id, ecosystem, release, name, version, architecture, source_name,
                source_version, module
         FROM package_version WHERE package_version_id IN (SELECT value FROM json_each($1))",
        [list],
        read_package_version,
    )?;
    Ok(rows.into_iter().collect())
}

fn read_package_version(row: &Row<'_>) -> Result<(PackageVersionId, PackageVersion), StoreError> {
    let filled = |text: String| Some(text).filter(|text| !text.is_empty());
    let source: (String, String) = (row.get(6)?, row.get(7)?);
    let package = Package {
        ecosystem: parse("package_version.ecosystem", row.get_ref(1)?.as_str()?)?,
        name: row.get(3)?,
        version: row.get(4)?,
        architecture: filled(row.get(5)?),
        source: filled(source.0).map(|name| SourcePackage { name, version: source.1 }),
        module: filled(row.get(8)?),
    };
    let release = filled(row.get(2)?).map(|text| DistributionRelease::from_stored(&text));
    Ok((PackageVersionId(row.get(0)?), PackageVersion { package, release }))
}

fn key_list(keys: &[PackageKey]) -> Result<String, StoreError> {
    let list: Vec<_> = keys
        .iter()
        .map(|key| {
            let release = key.release.as_ref().map_or("", DistributionRelease::as_str);
            [key.ecosystem.name(), release, &key.name]
        })
        .collect();
    to_json(&list)
}

fn mark_keys(connection: &Connection, keys: &[PackageKey]) -> Result<usize, StoreError> {
    execute(
        connection,
        "UPDATE package_version SET matched_revision = NULL
         WHERE ((ecosystem, release, advisory_name) IN (
                 SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'),
                        json_extract(value, '$[2]')
                 FROM json_each($1))
             OR (ecosystem IN ('rpm', 'apk') AND (ecosystem, release, name) IN (
                 SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'),
                        json_extract(value, '$[2]')
                 FROM json_each($1)))
             OR (ecosystem IN ('rpm', 'apk') AND (ecosystem, release, source_name) IN (
                 SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'),
                        json_extract(value, '$[2]')
                 FROM json_each($1))))
           AND matched_revision IS NOT NULL",
        [key_list(keys)?],
    )
}

fn mark_all(connection: &Connection) -> Result<usize, StoreError> {
    execute(
        connection,
        "UPDATE package_version SET matched_revision = NULL WHERE matched_revision IS NOT NULL",
        params![],
    )
}

#[cfg(test)]
mod tests;
