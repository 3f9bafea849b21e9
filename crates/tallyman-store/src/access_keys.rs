//! Access keys. Their secrets are needed in clear to check a signature, so they are sealed and not
//! hashed; see `docs/decisions/0003-secrets-at-rest.md`.

use rusqlite::{Connection, Row, params};

use crate::encoding::to_json;
use crate::error::StoreError;
use crate::secret::{MasterKey, Secret};
use crate::settings::{Epoch, raise_epoch};
use crate::statement::{execute, fetch_all, fetch_optional};
use crate::store::Store;
use crate::users::{Insertion, check_user};
use crate::webhooks;

/// Whether a key may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessKeyStatus {
    /// It may.
    Active,
    /// It was disabled.
    Inactive,
}

impl AccessKeyStatus {
    /// Returns the word that the API uses.
    pub fn name(self) -> &'static str {
        match self {
            AccessKeyStatus::Active => "Active",
            AccessKeyStatus::Inactive => "Inactive",
        }
    }
}

/// What a session key has besides an id and a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The hash of the security token that must come with it.
    pub security_token_hash: String,
    /// A policy that narrows what the user may do.
    pub policy: Option<String>,
    /// When it ends.
    pub expires_at: i64,
}

/// An access key that is to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAccessKey {
    /// The id.
    pub access_key_id: String,
    /// The secret.
    pub secret: Secret,
    /// Whose it is; `None`: the account's own.
    pub user_name: Option<String>,
    /// Set for a key that belongs to a session.
    pub session: Option<Session>,
    /// When it was made.
    pub created_at: i64,
}

/// What lists show of an access key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessKeyRow {
    /// The id.
    pub access_key_id: String,
    /// Whose it is; `None`: the account's own.
    pub user_name: Option<String>,
    /// Whether it may be used.
    pub status: AccessKeyStatus,
    /// Set for a key that belongs to a session.
    pub session: Option<Session>,
    /// When it was made.
    pub created_at: i64,
    /// When it was last used, as far as that was written down.
    pub last_used_at: Option<i64>,
}

/// An access key with what a signature is checked with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessKey {
    /// What lists show.
    pub row: AccessKeyRow,
    /// The numeric id of its user; `None`: the account's own.
    pub user_id: Option<String>,
    /// The secret.
    pub secret: Secret,
}

impl Store {
    /// Stores an access key, active.
    ///
    /// # Errors
    ///
    /// [`StoreError::UnknownUser`] if its user does not exist.
    pub async fn insert_access_key(&self, key: NewAccessKey) -> Result<Insertion, StoreError> {
        let sealed = seal(self.master_key(), &key.access_key_id, &key.secret)?;
        self.write(move |connection| {
            if let Some(user_name) = &key.user_name {
                check_user(connection, user_name)?;
            }
            let session = key.session.as_ref();
            let inserted = execute(
                connection,
                "INSERT INTO access_key (access_key_id, user_name, kind, secret_sealed, status,
                                         security_token_hash, session_policy, expires_at,
                                         created_at)
                 VALUES ($1, $2, $3, $4, 'Active', $5, $6, $7, $8) ON CONFLICT DO NOTHING",
                params![
                    key.access_key_id,
                    key.user_name,
                    if session.is_some() { "session" } else { "long" },
                    sealed,
                    session.map(|session| &session.security_token_hash),
                    session.and_then(|session| session.policy.as_ref()),
                    session.map(|session| session.expires_at),
                    key.created_at,
                ],
            )?;
            if inserted == 0 {
                return Ok(Insertion::Exists);
            }
            raise_epoch(connection, Epoch::Accounts)?;
            Ok(Insertion::Done)
        })
        .await
    }

    /// Returns an access key with its secret, whatever its status; the caller checks status and
    /// expiry.
    pub async fn find_access_key(
        &self,
        access_key_id: &str,
    ) -> Result<Option<AccessKey>, StoreError> {
        let found = self
            .read(|connection| {
                fetch_optional(
                    connection,
                    "SELECT access_key.access_key_id, access_key.user_name, access_key.status,
                            access_key.security_token_hash, access_key.session_policy,
                            access_key.expires_at, access_key.created_at,
                            access_key.last_used_at, access_key.secret_sealed, ram_user.user_id
                     FROM access_key LEFT JOIN ram_user
                       ON ram_user.user_name = access_key.user_name
                     WHERE access_key.access_key_id = $1",
                    [access_key_id],
                    |row| Ok((read_row(row)?, row.get::<_, Vec<u8>>(8)?, row.get(9)?)),
                )
            })
            .await?;
        let Some((row, sealed, user_id)) = found else { return Ok(None) };
        let secret = unseal(self.master_key(), access_key_id, &sealed)?;
        Ok(Some(AccessKey { row, user_id, secret }))
    }

    /// Returns the access keys of a user, or the account's own, ordered by id.
    pub async fn list_access_keys(
        &self,
        user_name: Option<&str>,
    ) -> Result<Vec<AccessKeyRow>, StoreError> {
        // IS compares NULL as a value; PostgreSQL says IS NOT DISTINCT FROM.
        self.read(|connection| {
            fetch_all(
                connection,
                "SELECT access_key_id, user_name, status, security_token_hash, session_policy,
                        expires_at, created_at, last_used_at
                 FROM access_key WHERE user_name IS $1 ORDER BY access_key_id LIMIT 1000",
                [user_name],
                read_row,
            )
        })
        .await
    }

    /// Enables or disables an access key; tells whether there is one.
    pub async fn set_access_key_status(
        &self,
        access_key_id: &str,
        status: AccessKeyStatus,
    ) -> Result<bool, StoreError> {
        let access_key_id = access_key_id.to_owned();
        self.write(move |connection| {
            let updated = execute(
                connection,
                "UPDATE access_key SET status = $1 WHERE access_key_id = $2",
                params![status.name(), access_key_id],
            )?;
            raise_if(connection, updated)
        })
        .await
    }

    /// Deletes an access key; tells whether there was one.
    pub async fn delete_access_key(&self, access_key_id: &str) -> Result<bool, StoreError> {
        let access_key_id = access_key_id.to_owned();
        self.write(move |connection| {
            let sql = "DELETE FROM access_key WHERE access_key_id = $1";
            let deleted = execute(connection, sql, [access_key_id])?;
            raise_if(connection, deleted)
        })
        .await
    }

    /// Deletes the session keys that ended before `now_ms`; returns how many.
    pub async fn purge_sessions(&self, now_ms: i64) -> Result<usize, StoreError> {
        self.write(move |connection| {
            let sql = "DELETE FROM access_key WHERE expires_at < $1";
            let deleted = execute(connection, sql, [now_ms])?;
            raise_if(connection, deleted)?;
            Ok(deleted)
        })
        .await
    }

    /// Writes down when keys were last used. It is no change of the accounts.
    pub async fn touch_access_keys(&self, used: Vec<(String, i64)>) -> Result<(), StoreError> {
        let list = to_json(&used)?;
        self.write(move |connection| {
            execute(
                connection,
                "UPDATE access_key SET last_used_at = used.used_at
                 FROM (SELECT json_extract(value, '$[0]') AS access_key_id,
                              MAX(json_extract(value, '$[1]')) AS used_at
                       FROM json_each($1) GROUP BY json_extract(value, '$[0]')) AS used
                 WHERE access_key.access_key_id = used.access_key_id
                   AND COALESCE(access_key.last_used_at, 0) < used.used_at",
                [list],
            )?;
            Ok(())
        })
        .await
    }

    /// Seals all secrets anew under the first key of the master key file, also those of webhooks;
    /// returns how many.
    pub async fn reseal_access_keys(&self) -> Result<usize, StoreError> {
        let master_key = self.master_key().clone();
        self.write(move |connection| {
            let rows: Vec<(String, Vec<u8>)> = fetch_all(
                connection,
                "SELECT access_key_id, secret_sealed FROM access_key ORDER BY access_key_id",
                [],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )?;
            for (id, sealed) in &rows {
                let secret = unseal(&master_key, id, sealed)?;
                execute(
                    connection,
                    "UPDATE access_key SET secret_sealed = $1 WHERE access_key_id = $2",
                    params![seal(&master_key, id, &secret)?, id],
                )?;
            }
            Ok(rows.len() + webhooks::reseal(connection, &master_key)?)
        })
        .await
    }
}

fn read_row(row: &Row<'_>) -> Result<AccessKeyRow, StoreError> {
    let status = match row.get_ref(2)?.as_str()? {
        "Active" => AccessKeyStatus::Active,
        "Inactive" => AccessKeyStatus::Inactive,
        other => {
            let reason = other.to_owned();
            return Err(StoreError::Corrupt { what: "access_key.status", reason });
        }
    };
    let session = match (row.get(3)?, row.get(5)?) {
        (Some(security_token_hash), Some(expires_at)) => {
            Some(Session { security_token_hash, policy: row.get(4)?, expires_at })
        }
        _ => None,
    };
    Ok(AccessKeyRow {
        access_key_id: row.get(0)?,
        user_name: row.get(1)?,
        status,
        session,
        created_at: row.get(6)?,
        last_used_at: row.get(7)?,
    })
}

fn raise_if(connection: &Connection, rows: usize) -> Result<bool, StoreError> {
    if rows > 0 {
        raise_epoch(connection, Epoch::Accounts)?;
    }
    Ok(rows > 0)
}

fn seal(master_key: &MasterKey, id: &str, secret: &Secret) -> Result<Vec<u8>, StoreError> {
    let failed = |reason| StoreError::Sealed { access_key_id: id.to_owned(), reason };
    master_key.seal(secret, id).map_err(failed)
}

fn unseal(master_key: &MasterKey, id: &str, sealed: &[u8]) -> Result<Secret, StoreError> {
    let failed = |reason| StoreError::Sealed { access_key_id: id.to_owned(), reason };
    master_key.unseal(sealed, id).map_err(failed)
}

#[cfg(test)]
mod tests;
