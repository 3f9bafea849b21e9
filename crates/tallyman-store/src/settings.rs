//! Settings that belong to the installation, and the epochs that tell caches when to let go.

use std::collections::BTreeMap;

use ring::rand::{SecureRandom, SystemRandom};
use rusqlite::{Connection, params};

use crate::error::StoreError;
use crate::statement::{execute, fetch_all, fetch_one, fetch_optional};
use crate::store::Store;

const ACCOUNT_ID: &str = "account_id";
const REGION: &str = "region";
/// An Alibaba Cloud account id has 16 digits and does not begin with 0.
const ACCOUNT_ID_RANGE: (u64, u64) = (1_000_000_000_000_000, 9_000_000_000_000_000);

/// An area with a counter that rises with each of its changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Epoch {
    /// Users, access keys, policies and attachments.
    Accounts,
    /// The current advisory revision.
    Advisories,
    /// Which servers have which images, and what lists show of them.
    Images,
    /// Which package versions have which findings, or are to be matched.
    Findings,
    /// VEX documents and ignore rules.
    Suppressions,
}

impl Epoch {
    fn name(self) -> &'static str {
        match self {
            Epoch::Accounts => "accounts",
            Epoch::Advisories => "advisories",
            Epoch::Images => "images",
            Epoch::Findings => "findings",
            Epoch::Suppressions => "suppressions",
        }
    }
}

impl Store {
    /// Returns the 16 digits of the account, made when the database was.
    pub async fn account_id(&self) -> Result<String, StoreError> {
        self.read(|connection| {
            find_setting(connection, ACCOUNT_ID)?.ok_or_else(|| StoreError::Corrupt {
                what: "setting.value",
                reason: "the account id is missing".to_owned(),
            })
        })
        .await
    }

    /// Returns the region that the installation calls itself, where one was set.
    pub async fn find_region(&self) -> Result<Option<String>, StoreError> {
        self.find_setting(REGION).await
    }

    /// Sets the region.
    pub async fn set_region(&self, region: &str) -> Result<(), StoreError> {
        self.set_setting(REGION, region).await
    }

    /// Returns a setting.
    pub async fn find_setting(&self, name: &str) -> Result<Option<String>, StoreError> {
        self.read(|connection| find_setting(connection, name)).await
    }

    /// Returns all settings by name.
    pub async fn list_settings(&self) -> Result<BTreeMap<String, String>, StoreError> {
        self.read(|connection| {
            let sql = "SELECT name, value FROM setting ORDER BY name LIMIT 1000";
            let rows = fetch_all(connection, sql, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok(rows.into_iter().collect())
        })
        .await
    }

    /// Sets a setting.
    pub async fn set_setting(&self, name: &str, value: &str) -> Result<(), StoreError> {
        let (name, value) = (name.to_owned(), value.to_owned());
        self.write(move |connection| set_setting(connection, &name, &value)).await
    }

    /// Returns the counter of an area. What was read after it is good until it rises.
    pub async fn epoch(&self, epoch: Epoch) -> Result<i64, StoreError> {
        self.read(|connection| self::epoch(connection, epoch)).await
    }
}

pub(crate) fn epoch(connection: &Connection, epoch: Epoch) -> Result<i64, StoreError> {
    fetch_one(
        connection,
        "SELECT COALESCE(MAX(value), 0) FROM epoch WHERE name = $1",
        [epoch.name()],
        |row| Ok(row.get(0)?),
    )
}

pub(crate) fn find_setting(
    connection: &Connection,
    name: &str,
) -> Result<Option<String>, StoreError> {
    fetch_optional(connection, "SELECT value FROM setting WHERE name = $1", [name], |row| {
        Ok(row.get(0)?)
    })
}

pub(crate) fn set_setting(
    connection: &Connection,
    name: &str,
    value: &str,
) -> Result<(), StoreError> {
    execute(
        connection,
        "INSERT INTO setting (name, value) VALUES ($1, $2)
         ON CONFLICT (name) DO UPDATE SET value = excluded.value
         WHERE setting.value <> excluded.value",
        params![name, value],
    )?;
    Ok(())
}

/// Tells caches that an area has changed; part of the transaction that changes it.
pub(crate) fn raise_epoch(connection: &Connection, epoch: Epoch) -> Result<(), StoreError> {
    execute(
        connection,
        "INSERT INTO epoch (name, value) VALUES ($1, 1)
         ON CONFLICT (name) DO UPDATE SET value = epoch.value + 1",
        [epoch.name()],
    )?;
    Ok(())
}

/// Makes the account id of a new database. The first process to write wins.
pub(crate) fn ensure_account_id(connection: &Connection) -> Result<(), StoreError> {
    if find_setting(connection, ACCOUNT_ID)?.is_some() {
        return Ok(());
    }
    let mut random = [0; 8];
    SystemRandom::new().fill(&mut random).map_err(|_| StoreError::Corrupt {
        what: "setting.value",
        reason: "the system gives no random bytes for the account id".to_owned(),
    })?;
    let (least, range) = ACCOUNT_ID_RANGE;
    let id = least + u64::from_be_bytes(random) % range;
    execute(
        connection,
        "INSERT INTO setting (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING",
        params![ACCOUNT_ID, id.to_string()],
    )?;
    Ok(())
}

#[cfg(test)]
mod tests;
