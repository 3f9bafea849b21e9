//! What is known of layers: an inventory per digest, analyzer-set fingerprint and scope.
//!
//! What an agent says of a layer counts only for its own server, until a trusted worker has read
//! the same digest; then that counts for everybody, this server included.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::{Connection, params};
use tallyman_model::digest::Digest;
use tallyman_model::host::ServerUuid;
use tallyman_model::inventory::LayerInventory;

use crate::encoding::{parse, to_json, write_json};
use crate::error::StoreError;
use crate::jobs::{JobChanges, apply_job_changes};
use crate::packed_inventory::{Unpacker, pack};
use crate::statement::{execute, fetch_all};
use crate::store::Store;

/// Whose word an analysis of a layer is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum LayerScope {
    /// A worker of our own read the bytes and checked their digest.
    Trusted,
    /// The agent on this server says so.
    Server(ServerUuid),
}

impl LayerScope {
    fn as_str(&self) -> &str {
        match self {
            LayerScope::Trusted => "",
            LayerScope::Server(uuid) => uuid.as_str(),
        }
    }
}

/// One analysis of a layer.
#[derive(Clone, Debug)]
pub struct NewLayer {
    /// The digest of the bytes that were read.
    pub digest: Digest,
    /// The analyzer set that read them.
    pub fingerprint: String,
    /// Whose word it is.
    pub scope: LayerScope,
    /// What was found.
    pub inventory: Arc<LayerInventory>,
}

/// A layer that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredLayer {
    /// The digest of the inventory: equal for equal content.
    pub inventory_digest: Digest,
    /// The inventory; the images that have the layer share it.
    pub inventory: Arc<LayerInventory>,
}

/// Returns the digest under which an inventory is stored.
pub fn inventory_digest(inventory: &LayerInventory) -> Result<Digest, StoreError> {
    write_json(inventory, std::io::sink())
}

impl Store {
    /// Returns those of `digests` that have no analysis which counts for `scope`, in their order
    /// and each once.
    pub async fn unknown_layers(
        &self,
        digests: &[Digest],
        fingerprint: &str,
        scope: &LayerScope,
    ) -> Result<Vec<Digest>, StoreError> {
        let mut known = self.find_layer_inventory_digests(digests, fingerprint, scope).await?;
        let mut unknown = Vec::new();
        for digest in digests {
            // An entry for each that was returned, so that it is returned once.
            if !known.contains_key(digest) {
                known.insert(digest.clone(), digest.clone());
                unknown.push(digest.clone());
            }
        }
        Ok(unknown)
    }

    /// Returns the digests of the inventories that count for `scope`, by layer digest.
    pub async fn find_layer_inventory_digests(
        &self,
        digests: &[Digest],
        fingerprint: &str,
        scope: &LayerScope,
    ) -> Result<HashMap<Digest, Digest>, StoreError> {
        let list = to_json(digests)?;
        self.read(|connection| {
            // The trusted row comes last and so replaces the server's own.
            let rows = fetch_all(
                connection,
                "SELECT digest, inventory_digest FROM layer
                 WHERE digest IN (SELECT value FROM json_each($1))
                   AND fingerprint = $2 AND scope IN ('', $3)
                 ORDER BY scope DESC, digest",
                params![list, fingerprint, scope.as_str()],
                |row| {
                    let digest = parse("layer.digest", row.get_ref(0)?.as_str()?)?;
                    Ok((digest, parse("layer.inventory_digest", row.get_ref(1)?.as_str()?)?))
                },
            )?;
            Ok(rows.into_iter().collect())
        })
        .await
    }

    /// Returns the analysis of one layer that counts for `scope`.
    pub async fn find_layer(
        &self,
        digest: &Digest,
        fingerprint: &str,
        scope: &LayerScope,
    ) -> Result<Option<StoredLayer>, StoreError> {
        let mut layers = self.find_layers(std::slice::from_ref(digest), fingerprint, scope).await?;
        Ok(layers.remove(digest))
    }

    /// Returns the analyses that count for `scope`, by layer digest; unknown layers are left out.
    pub async fn find_layers(
        &self,
        digests: &[Digest],
        fingerprint: &str,
        scope: &LayerScope,
    ) -> Result<HashMap<Digest, StoredLayer>, StoreError> {
        let list = to_json(digests)?;
        let rows: Vec<(Digest, Digest, Vec<u8>)> = self
            .read(|connection| {
                fetch_all(
                    connection,
                    "SELECT layer.digest, layer.inventory_digest, layer_inventory.inventory
                     FROM layer JOIN layer_inventory
                       ON layer_inventory.inventory_digest = layer.inventory_digest
                     WHERE layer.digest IN (SELECT value FROM json_each($1))
                       AND layer.fingerprint = $2 AND layer.scope IN ('', $3)
                     ORDER BY layer.scope DESC, layer.digest",
                    params![list, fingerprint, scope.as_str()],
                    |row| {
                        let digest = parse("layer.digest", row.get_ref(0)?.as_str()?)?;
                        let of = parse("layer.inventory_digest", row.get_ref(1)?.as_str()?)?;
                        Ok((digest, of, row.get(2)?))
                    },
                )
            })
            .await?;
        // Unpacked here, where no connection waits for it.
        let mut layers = HashMap::with_capacity(rows.len());
        let mut unpacker = Unpacker::new()?;
        for (digest, inventory_digest, packed) in rows {
            let inventory = Arc::new(unpacker.unpack(&packed)?);
            layers.insert(digest, StoredLayer { inventory_digest, inventory });
        }
        Ok(layers)
    }

    /// Stores analyses of layers; returns the digests of their inventories, in the same order.
    pub async fn insert_layers(
        &self,
        layers: Vec<NewLayer>,
        jobs: JobChanges,
        now_ms: i64,
    ) -> Result<Vec<Digest>, StoreError> {
        let mut rows = Vec::with_capacity(layers.len());
        for layer in layers {
            let (inventory_digest, packed) = pack(&layer.inventory)?;
            rows.push(LayerRow {
                digest: layer.digest,
                fingerprint: layer.fingerprint,
                scope: layer.scope,
                inventory_digest,
                packed,
            });
        }
        self.write(move |connection| {
            for row in &rows {
                insert_layer(connection, row, now_ms)?;
            }
            apply_job_changes(connection, &jobs, now_ms)?;
            Ok(rows.into_iter().map(|row| row.inventory_digest).collect())
        })
        .await
    }

    /// Stores one analysis of a layer; returns the digest of its inventory.
    pub async fn insert_layer(&self, layer: NewLayer, now_ms: i64) -> Result<Digest, StoreError> {
        let digest = inventory_digest(&layer.inventory)?;
        self.insert_layers(vec![layer], JobChanges::default(), now_ms).await?;
        Ok(digest)
    }
}

struct LayerRow {
    digest: Digest,
    fingerprint: String,
    scope: LayerScope,
    inventory_digest: Digest,
    packed: Vec<u8>,
}

fn insert_layer(connection: &Connection, row: &LayerRow, now_ms: i64) -> Result<(), StoreError> {
    let inventory_digest = row.inventory_digest.to_string();
    execute(
        connection,
        "INSERT INTO layer_inventory (inventory_digest, inventory) VALUES ($1, $2)
         ON CONFLICT (inventory_digest) DO NOTHING",
        params![inventory_digest, row.packed],
    )?;
    execute(
        connection,
        "INSERT INTO layer (digest, fingerprint, scope, inventory_digest, analyzed_at)
         VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (digest, fingerprint, scope) DO UPDATE
         SET inventory_digest = excluded.inventory_digest, analyzed_at = excluded.analyzed_at
         WHERE layer.inventory_digest <> excluded.inventory_digest",
        params![
            row.digest.to_string(),
            row.fingerprint,
            row.scope.as_str(),
            inventory_digest,
            now_ms
        ],
    )?;
    Ok(())
}

#[cfg(test)]
mod tests;
