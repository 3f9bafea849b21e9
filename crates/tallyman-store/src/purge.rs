//! Deleting what nothing needs any more: images that no server has, and what only they held.
//!
//! All of it can be made again from the images themselves, so a purge that comes at a bad moment
//! costs work and never an answer: who still needs a layer finds it unknown and has it analysed.

use std::collections::BTreeSet;

use rusqlite::{Connection, params};

use crate::encoding::to_json;
use crate::error::StoreError;
use crate::ids::{PackageListId, PackageVersionId};
use crate::package_sets::purge_lists;
use crate::settings::{Epoch, raise_epoch};
use crate::statement::{execute, fetch_all};
use crate::store::Store;

/// How much was deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Purged {
    /// Images.
    pub images: usize,
    /// Package versions that no image holds any more, with their findings.
    pub package_versions: usize,
    /// Analyses of layers.
    pub layers: usize,
    /// Inventories that no layer has any more.
    pub inventories: usize,
}

impl Store {
    /// Deletes up to `limit` images that no server has and that were analysed before `before_ms`,
    /// with the package versions that no other image holds.
    pub async fn purge_images(&self, before_ms: i64, limit: u32) -> Result<Purged, StoreError> {
        self.write_many(move |connection| purge_images(connection, before_ms, limit)).await
    }

    /// Deletes up to `limit` analyses of layers that were made before `before_ms` and that no image
    /// has, or that are the word of a server that is gone; and the inventories that no layer has.
    pub async fn purge_layers(&self, before_ms: i64, limit: u32) -> Result<Purged, StoreError> {
        // It reads the layers of all images: on a thread of its own, without the writer.
        let unused = self
            .in_background(move |connection| unused_layers(connection, before_ms, limit))
            .await?;
        if unused.is_empty() {
            return Ok(Purged::default());
        }
        self.write_many(move |connection| purge_layers(connection, &unused)).await
    }
}

fn purge_images(connection: &Connection, before_ms: i64, limit: u32) -> Result<Purged, StoreError> {
    let lists: Vec<PackageListId> = fetch_all(
        connection,
        "DELETE FROM image WHERE image_id IN (
             SELECT image_id FROM image
             WHERE analyzed_at < $1
               AND NOT EXISTS (SELECT 1 FROM server_image
                               WHERE server_image.image_id = image.image_id)
             ORDER BY image_id LIMIT $2)
         RETURNING list_id",
        params![before_ms, limit],
        |row| Ok(PackageListId(row.get(0)?)),
    )?;
    let versions = purge_lists(connection, &lists.iter().copied().collect())?;
    let package_versions = purge_package_versions(connection, &versions)?;
    Ok(Purged { images: lists.len(), package_versions, ..Purged::default() })
}

fn purge_package_versions(
    connection: &Connection,
    versions: &BTreeSet<PackageVersionId>,
) -> Result<usize, StoreError> {
    let unused = fetch_all(
        connection,
        "DELETE FROM package_version
         WHERE package_version_id IN (SELECT value FROM json_each($1))
           AND NOT EXISTS (
               SELECT 1 FROM package_set_member
               WHERE package_set_member.package_version_id = package_version.package_version_id)
         RETURNING package_version_id",
        [to_json(versions)?],
        |row| Ok(PackageVersionId(row.get(0)?)),
    )?;
    if unused.is_empty() {
        return Ok(0);
    }
    execute(
        connection,
        "DELETE FROM finding WHERE package_version_id IN (SELECT value FROM json_each($1))",
        [to_json(&unused)?],
    )?;
    raise_epoch(connection, Epoch::Findings)?;
    Ok(unused.len())
}

/// The key of a row of `layer`.
type LayerKey = (String, String, String);

fn unused_layers(
    connection: &Connection,
    before_ms: i64,
    limit: u32,
) -> Result<Vec<LayerKey>, StoreError> {
    fetch_all(
        connection,
        "SELECT digest, fingerprint, scope FROM layer
         WHERE analyzed_at < $1
           AND (digest NOT IN (SELECT json_extract(descriptor.value, '$.digest')
                               FROM image, json_each(image.layers) AS descriptor)
                OR (scope <> '' AND scope NOT IN (SELECT server_uuid FROM server)))
         ORDER BY digest, fingerprint, scope LIMIT $2",
        params![before_ms, limit],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )
}

fn purge_layers(connection: &Connection, unused: &[LayerKey]) -> Result<Purged, StoreError> {
    let layers = execute(
        connection,
        "DELETE FROM layer WHERE (digest, fingerprint, scope) IN (
             SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'),
                    json_extract(value, '$[2]')
             FROM json_each($1))",
        [to_json(unused)?],
    )?;
    let inventories = execute(
        connection,
        "DELETE FROM layer_inventory
         WHERE inventory_digest NOT IN (SELECT inventory_digest FROM layer)",
        [],
    )?;
    Ok(Purged { layers, inventories, ..Purged::default() })
}

#[cfg(test)]
mod tests;
