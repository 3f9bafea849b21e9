//! VEX documents and ignore rules, and how many vulnerabilities of each image on each server do not
//! count because of them.
//!
//! The counters of images stay what the advisories say. What is suppressed stands beside each image
//! on each server, for that is where rules differ, and is taken off where it is shown and summed up
//! (`docs/decisions`). A mark says what it was last derived from; while the mark is the same there
//! is nothing to do.

pub mod sets;

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, params};
use serde::Serialize;
use tallyman_model::host::ServerUuid;
use tallyman_model::ignore::IgnoreRule;
use tallyman_model::vex::VexDocument;

use crate::encoding::{
    count_of, from_json, from_zstd_json, optional_from_json, parse, to_json, to_unsigned,
    to_zstd_json,
};
use crate::error::StoreError;
use crate::ids::{ImageId, PackageVersionId, SuppressionSetId};
use crate::settings::{Epoch, epoch, find_setting, raise_epoch, set_setting};
use crate::statement::{execute, fetch_all, fetch_one, fetch_optional};
use crate::store::Store;
use crate::suppressions::sets::SuppressionSet;

/// The setting that holds the mark.
const MARK: &str = "suppressions_derived_from";
/// The setting that holds when that was.
const DERIVED_AT: &str = "suppressions_derived_at";

/// What became of a document that was to be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoredVex {
    /// There was none with its identifier.
    New,
    /// It took the place of one that was not newer.
    Replaced,
    /// The same one is there.
    Unchanged,
    /// A newer one is there, which stays.
    Older,
}

/// A stored document without what it says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct VexDocumentRow {
    /// Its identifier.
    pub document_id: String,
    /// The name of its format.
    pub format: String,
    /// Who wrote it.
    pub author: String,
    /// Its last change, milliseconds since the epoch.
    pub updated_at: Option<i64>,
    /// When it was stored, milliseconds since the epoch.
    pub imported_at: i64,
    /// The number of its statements.
    pub statements: u64,
}

/// All documents and rules, with the mark of what suppressions would be derived from now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SuppressionWork {
    /// The mark.
    pub mark: String,
    /// All documents.
    pub documents: Vec<VexDocument>,
    /// All rules, expired ones too.
    pub rules: Vec<IgnoreRule>,
}

/// An image on a server, as far as rules look at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SuppressibleImage {
    /// The server.
    pub server_uuid: ServerUuid,
    /// The image.
    pub image_id: ImageId,
    /// What it is called there.
    pub names: Vec<String>,
    /// Where it comes from, as its report says.
    pub registry: Option<serde_json::Value>,
    /// The vulnerabilities that do not count at present, where there are any.
    pub suppressed: Option<SuppressionSetId>,
}

/// What is suppressed from now on, for images on servers for which that is another than before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SuppressionUpdate {
    /// The sets that are named.
    pub sets: BTreeMap<SuppressionSetId, SuppressionSet>,
    /// The images on servers, with the set of each; `None`: nothing is suppressed.
    pub places: Vec<(ServerUuid, ImageId, Option<SuppressionSetId>)>,
}

impl Store {
    /// Stores a document in the place of the one with its identifier, unless that is newer.
    pub async fn replace_vex_document(
        &self,
        document: VexDocument,
        now_ms: i64,
    ) -> Result<StoredVex, StoreError> {
        self.write(move |connection| replace_document(connection, &document, now_ms)).await
    }

    /// Lists the documents by identifier.
    pub async fn list_vex_documents(&self) -> Result<Vec<VexDocumentRow>, StoreError> {
        self.read(|connection| {
            fetch_all(
                connection,
                "SELECT document_id, format, author, updated_at, imported_at, statement_count
                 FROM vex_document ORDER BY document_id",
                [],
                |row| {
                    Ok(VexDocumentRow {
                        document_id: row.get(0)?,
                        format: row.get(1)?,
                        author: row.get(2)?,
                        updated_at: row.get(3)?,
                        imported_at: row.get(4)?,
                        statements: to_unsigned("vex_document.statement_count", row.get(5)?)?,
                    })
                },
            )
        })
        .await
    }

    /// Deletes a document; tells whether there was one.
    pub async fn delete_vex_document(&self, document_id: &str) -> Result<bool, StoreError> {
        let document_id = document_id.to_owned();
        self.write(move |connection| {
            let sql = "DELETE FROM vex_document WHERE document_id = $1";
            changed(connection, execute(connection, sql, [document_id])? > 0)
        })
        .await
    }

    /// Adds a rule; tells whether there was none with its identifier.
    pub async fn insert_ignore_rule(&self, rule: IgnoreRule) -> Result<bool, StoreError> {
        self.write(move |connection| {
            let sql = "INSERT INTO ignore_rule (rule_id, rule, expires_at) VALUES ($1, $2, $3)
                       ON CONFLICT (rule_id) DO NOTHING";
            let values = params![rule.id, to_json(&rule)?, rule.expires_ms];
            changed(connection, execute(connection, sql, values)? > 0)
        })
        .await
    }

    /// Lists the rules by identifier.
    pub async fn list_ignore_rules(&self) -> Result<Vec<IgnoreRule>, StoreError> {
        self.read(rules).await
    }

    /// Deletes a rule; tells whether there was one.
    pub async fn delete_ignore_rule(&self, rule_id: &str) -> Result<bool, StoreError> {
        let rule_id = rule_id.to_owned();
        self.write(move |connection| {
            let sql = "DELETE FROM ignore_rule WHERE rule_id = $1";
            changed(connection, execute(connection, sql, [rule_id])? > 0)
        })
        .await
    }

    /// Returns all documents and rules.
    pub async fn load_suppressions(&self) -> Result<SuppressionWork, StoreError> {
        self.read_snapshot(|connection| load(connection, String::new())).await
    }

    /// Returns what suppressions are to be derived from, `None` where they already were.
    pub async fn find_suppression_work(
        &self,
        now_ms: i64,
    ) -> Result<Option<SuppressionWork>, StoreError> {
        self.read_snapshot(|connection| match is_derivation_due(connection, now_ms)? {
            true => Ok(Some(load(connection, mark(connection, now_ms)?)?)),
            false => Ok(None),
        })
        .await
    }

    /// Returns the images on servers whose suppressions may change: those with a finding of one of
    /// these names, or with any finding where no names are given, and those that have suppressions.
    pub async fn list_suppressible_images(
        &self,
        names: Option<&BTreeSet<String>>,
    ) -> Result<Vec<ImageId>, StoreError> {
        let names = names.map(to_json).transpose()?;
        let versions: Vec<PackageVersionId> = self
            .read(|connection| {
                fetch_all(
                    connection,
                    "SELECT DISTINCT package_version_id FROM finding
                     WHERE $1 IS NULL
                        OR UPPER(vulnerability) IN (SELECT value FROM json_each($1))
                        OR UPPER(advisory) IN (SELECT value FROM json_each($1))
                        OR EXISTS (SELECT 1 FROM json_each(finding.data, '$.aliases') AS alias
                                   WHERE UPPER(alias.value) IN (SELECT value FROM json_each($1)))
                     ORDER BY package_version_id",
                    [names],
                    |row| Ok(PackageVersionId(row.get(0)?)),
                )
            })
            .await?;
        let mut images: BTreeSet<ImageId> =
            self.images_with(&versions).await?.into_iter().collect();
        let with_suppressed: Vec<ImageId> = self
            .read(|connection| {
                let sql = "SELECT DISTINCT image_id FROM server_image
                           WHERE suppressed_count > 0 ORDER BY image_id";
                fetch_all(connection, sql, [], |row| Ok(ImageId(row.get(0)?)))
            })
            .await?;
        images.extend(with_suppressed);
        Ok(images.into_iter().collect())
    }

    /// Returns where images are, ordered by image and server.
    pub async fn list_places_of_images(
        &self,
        images: &[ImageId],
    ) -> Result<Vec<SuppressibleImage>, StoreError> {
        let list = to_json(images)?;
        self.read(|connection| {
            fetch_all(
                connection,
                "SELECT server_uuid, image_id, names, registry, suppression_set_id
                 FROM server_image WHERE image_id IN (SELECT value FROM json_each($1))
                 ORDER BY image_id, server_uuid",
                [list],
                |row| {
                    Ok(SuppressibleImage {
                        server_uuid: parse("server_uuid", row.get_ref(0)?.as_str()?)?,
                        image_id: ImageId(row.get(1)?),
                        names: from_json("server_image.names", row.get_ref(2)?.as_str()?)?,
                        registry: optional_from_json(
                            "server_image.registry",
                            row.get_ref(3)?.as_str_or_null()?,
                        )?,
                        suppressed: row.get::<_, Option<i64>>(4)?.map(SuppressionSetId),
                    })
                },
            )
        })
        .await
    }

    /// Stores what does not count, for the images on servers for which that has changed. Tells
    /// whether it did: it does not where the mark is no longer right, for then it was derived from
    /// what is not so any more.
    pub async fn set_suppressions(
        &self,
        from: String,
        update: SuppressionUpdate,
        now_ms: i64,
    ) -> Result<bool, StoreError> {
        self.write_many(move |connection| {
            if mark(connection, now_ms)? != from {
                return Ok(false);
            }
            if !update.places.is_empty() {
                write_sets(connection, &update, now_ms)?;
            }
            // Writing may have raised an epoch that the mark is made of.
            set_setting(connection, MARK, &mark(connection, now_ms)?)?;
            set_setting(connection, DERIVED_AT, &now_ms.to_string())?;
            Ok(true)
        })
        .await
    }
}

/// Tells whether suppressions are to be derived again.
pub(crate) fn is_derivation_due(connection: &Connection, now_ms: i64) -> Result<bool, StoreError> {
    match find_setting(connection, MARK)? {
        Some(derived) => Ok(derived != mark(connection, now_ms)?),
        None => has_any(connection),
    }
}

/// Names the state of everything that suppressions depend on.
fn mark(connection: &Connection, now_ms: i64) -> Result<String, StoreError> {
    let sql = "SELECT COUNT(*) FROM ignore_rule WHERE expires_at <= $1";
    let expired: i64 = fetch_one(connection, sql, [now_ms], |row| Ok(row.get(0)?))?;
    let of = |area| epoch(connection, area);
    let (said, findings) = (of(Epoch::Suppressions)?, of(Epoch::Findings)?);
    Ok(format!("{said} {findings} {} {expired}", of(Epoch::Images)?))
}

fn has_any(connection: &Connection) -> Result<bool, StoreError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM vex_document) OR EXISTS (SELECT 1 FROM ignore_rule)";
    fetch_one(connection, sql, [], |row| Ok(row.get(0)?))
}

fn load(connection: &Connection, mark: String) -> Result<SuppressionWork, StoreError> {
    let documents = fetch_all(
        connection,
        "SELECT content FROM vex_document ORDER BY document_id",
        [],
        |row| from_zstd_json("vex_document.content", row.get_ref(0)?.as_blob()?),
    )?;
    Ok(SuppressionWork { mark, documents, rules: rules(connection)? })
}

fn rules(connection: &Connection) -> Result<Vec<IgnoreRule>, StoreError> {
    let sql = "SELECT rule FROM ignore_rule ORDER BY rule_id";
    fetch_all(connection, sql, [], |row| from_json("ignore_rule.rule", row.get_ref(0)?.as_str()?))
}

fn changed(connection: &Connection, is_changed: bool) -> Result<bool, StoreError> {
    if is_changed {
        raise_epoch(connection, Epoch::Suppressions)?;
    }
    Ok(is_changed)
}

fn replace_document(
    connection: &Connection,
    document: &VexDocument,
    now_ms: i64,
) -> Result<StoredVex, StoreError> {
    let sql = "SELECT content FROM vex_document WHERE document_id = $1";
    let stored: Option<VexDocument> = fetch_optional(connection, sql, [&document.id], |row| {
        from_zstd_json("vex_document.content", row.get_ref(0)?.as_blob()?)
    })?;
    let outcome = match stored {
        None => StoredVex::New,
        Some(stored) if stored == *document => return Ok(StoredVex::Unchanged),
        Some(stored) if stored.updated_ms > document.updated_ms => return Ok(StoredVex::Older),
        Some(_) => StoredVex::Replaced,
    };
    execute(
        connection,
        "INSERT INTO vex_document (document_id, format, author, updated_at, imported_at,
                                   statement_count, content)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (document_id) DO UPDATE
         SET format = excluded.format, author = excluded.author,
             updated_at = excluded.updated_at, imported_at = excluded.imported_at,
             statement_count = excluded.statement_count, content = excluded.content",
        params![
            document.id,
            document.format.name(),
            document.author,
            document.updated_ms,
            now_ms,
            count_of(document.statements.len()),
            to_zstd_json(document)?,
        ],
    )?;
    raise_epoch(connection, Epoch::Suppressions)?;
    Ok(outcome)
}

fn write_sets(
    connection: &Connection,
    update: &SuppressionUpdate,
    now_ms: i64,
) -> Result<(), StoreError> {
    sets::store(connection, &update.sets)?;
    let places: Vec<(&ServerUuid, ImageId, Option<SuppressionSetId>, usize)> = update
        .places
        .iter()
        .map(|(server, image, set)| {
            let count = set.and_then(|id| update.sets.get(&id)).map_or(0, SuppressionSet::len);
            (server, *image, *set, count)
        })
        .collect();
    let places = to_json(&places)?;
    sets::note(connection, &places, now_ms)?;
    let servers = count_differing(connection, &places)?;
    execute(
        connection,
        "UPDATE server_image
         SET suppression_set_id = json_extract(change.value, '$[2]'),
             suppressed_count = json_extract(change.value, '$[3]')
         FROM json_each($1) AS change
         WHERE server_image.server_uuid = json_extract(change.value, '$[0]')
           AND server_image.image_id = json_extract(change.value, '$[1]')",
        [&places],
    )?;
    if servers.is_empty() {
        return Ok(());
    }
    execute(
        connection,
        "UPDATE server SET vul_count = sums.vul_count, row_version = server.row_version + 1
         FROM (SELECT server_image.server_uuid AS server_uuid,
                      SUM(CASE WHEN package_list.vul_count > server_image.suppressed_count
                               THEN package_list.vul_count - server_image.suppressed_count
                               ELSE 0 END) AS vul_count
               FROM server_image JOIN image ON image.image_id = server_image.image_id
                    JOIN package_list ON package_list.list_id = image.list_id
               WHERE server_image.server_uuid IN (SELECT value FROM json_each($1))
               GROUP BY server_image.server_uuid) AS sums
         WHERE server.server_uuid = sums.server_uuid",
        [to_json(&servers)?],
    )?;
    raise_epoch(connection, Epoch::Images)
}

/// Returns the servers that are about to show another number; who says it is not shown with it.
fn count_differing(connection: &Connection, places: &str) -> Result<Vec<String>, StoreError> {
    fetch_all(
        connection,
        "SELECT DISTINCT server_image.server_uuid FROM json_each($1) AS change
         JOIN server_image ON server_image.server_uuid = json_extract(change.value, '$[0]')
          AND server_image.image_id = json_extract(change.value, '$[1]')
         WHERE server_image.suppressed_count <> json_extract(change.value, '$[3]')
         ORDER BY server_image.server_uuid",
        [places],
        |row| Ok(row.get(0)?),
    )
}

#[cfg(test)]
mod tests;
