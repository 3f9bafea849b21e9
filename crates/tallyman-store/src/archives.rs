//! What Java archives are, by the SHA-1 of their bytes.

use serde::{Deserialize, Serialize};

use crate::encoding::{to_json, to_unsigned};
use crate::error::StoreError;
use crate::statement::{execute, fetch_all, fetch_one};
use crate::store::Store;

/// An archive of which it is known what it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct KnownArchive {
    /// The SHA-1 in lower-case hexadecimal digits.
    pub sha1: String,
    /// Group and artifact, joined by a colon.
    pub name: String,
    /// The version.
    pub version: String,
}

impl Store {
    /// Stores what archives are; one that is known as something else becomes what it is said to be
    /// now. Returns how many are new or another.
    pub async fn insert_archives(&self, archives: Vec<KnownArchive>) -> Result<usize, StoreError> {
        self.write(move |connection| {
            execute(
                connection,
                "INSERT INTO archive (sha1, name, version)
                 SELECT json_extract(value, '$.sha1'), json_extract(value, '$.name'),
                        json_extract(value, '$.version')
                 FROM json_each($1) WHERE true
                 ON CONFLICT (sha1) DO UPDATE
                 SET name = excluded.name, version = excluded.version
                 WHERE archive.name <> excluded.name OR archive.version <> excluded.version",
                [to_json(&archives)?],
            )
        })
        .await
    }

    /// Returns those of the archives that are known, ordered.
    pub async fn list_archives(&self, sha1s: &[&str]) -> Result<Vec<KnownArchive>, StoreError> {
        let list = to_json(sha1s)?;
        self.read(|connection| {
            fetch_all(
                connection,
                "SELECT sha1, name, version FROM archive
                 WHERE sha1 IN (SELECT value FROM json_each($1)) ORDER BY sha1",
                [list],
                |row| {
                    let (sha1, name) = (row.get(0)?, row.get(1)?);
                    Ok(KnownArchive { sha1, name, version: row.get(2)? })
                },
            )
        })
        .await
    }

    /// Returns how many archives are known.
    pub async fn count_archives(&self) -> Result<u64, StoreError> {
        self.read(|connection| {
            let sql = "SELECT COUNT(*) FROM archive";
            fetch_one(connection, sql, [], |row| to_unsigned("COUNT(*)", row.get(0)?))
        })
        .await
    }
}

#[cfg(test)]
mod tests;
