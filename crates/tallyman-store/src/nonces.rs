//! Nonces of signed requests that were seen, so that a replay is known as one also after a
//! restart and by another process.

use std::collections::HashSet;

use rusqlite::params;
use serde::{Deserialize, Serialize};

use crate::encoding::to_json;
use crate::error::StoreError;
use crate::statement::{execute, fetch_all};
use crate::store::Store;

/// A nonce that an access key has used.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Nonce {
    /// The access key.
    pub access_key_id: String,
    /// The nonce.
    pub nonce: String,
    /// Until when it must not be used again.
    pub expires_at: i64,
}

impl Store {
    /// Stores nonces; tells for each, in order, whether it is new. One that has expired is new.
    pub async fn insert_nonces(
        &self,
        nonces: Vec<Nonce>,
        now_ms: i64,
    ) -> Result<Vec<bool>, StoreError> {
        self.write(move |connection| {
            let inserted = fetch_all(
                connection,
                "INSERT INTO nonce (access_key_id, nonce, expires_at)
                 SELECT json_extract(value, '$.access_key_id'), json_extract(value, '$.nonce'),
                        json_extract(value, '$.expires_at')
                 FROM json_each($1) WHERE true
                 ON CONFLICT (access_key_id, nonce) DO UPDATE SET expires_at = excluded.expires_at
                 WHERE nonce.expires_at <= $2
                 RETURNING access_key_id, nonce",
                params![to_json(&nonces)?, now_ms],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )?;
            let mut inserted: HashSet<(String, String)> = inserted.into_iter().collect();
            // Removed at its first place: the same nonce twice in one batch is a replay.
            Ok(nonces
                .into_iter()
                .map(|nonce| inserted.remove(&(nonce.access_key_id, nonce.nonce)))
                .collect())
        })
        .await
    }

    /// Returns the nonces that have not expired, those that live longest first.
    pub async fn list_nonces(&self, now_ms: i64, limit: u32) -> Result<Vec<Nonce>, StoreError> {
        self.read(|connection| {
            fetch_all(
                connection,
                "SELECT access_key_id, nonce, expires_at FROM nonce WHERE expires_at > $1
                 ORDER BY expires_at DESC, access_key_id, nonce LIMIT $2",
                params![now_ms, limit],
                |row| {
                    let (access_key_id, nonce) = (row.get(0)?, row.get(1)?);
                    Ok(Nonce { access_key_id, nonce, expires_at: row.get(2)? })
                },
            )
        })
        .await
    }

    /// Deletes the nonces that have expired; returns how many.
    pub async fn purge_nonces(&self, now_ms: i64) -> Result<usize, StoreError> {
        self.write(move |connection| {
            execute(connection, "DELETE FROM nonce WHERE expires_at <= $1", [now_ms])
        })
        .await
    }
}

#[cfg(test)]
mod tests;
