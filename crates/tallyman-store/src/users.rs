//! RAM users.

use rusqlite::params;

use crate::error::StoreError;
use crate::settings::{Epoch, raise_epoch};
use crate::statement::{execute, fetch_all, fetch_one, fetch_optional};
use crate::store::Store;

/// A user of the account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RamUser {
    /// The name, unique in the account.
    pub user_name: String,
    /// The numeric id, unique in the account.
    pub user_id: String,
    /// The name for people.
    pub display_name: String,
    /// When it was made.
    pub created_at: i64,
}

/// What became of something that was to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Insertion {
    /// It was made.
    Done,
    /// There was one of this name already; it stays as it was.
    Exists,
}

/// What became of something that was to be deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deletion {
    /// It was deleted.
    Done,
    /// There was none.
    Missing,
    /// Something else needs it; it stays.
    InUse,
}

impl Store {
    /// Makes a user.
    pub async fn insert_user(&self, user: RamUser) -> Result<Insertion, StoreError> {
        self.write(move |connection| {
            let inserted = execute(
                connection,
                "INSERT INTO ram_user (user_name, user_id, display_name, created_at)
                 VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
                params![user.user_name, user.user_id, user.display_name, user.created_at],
            )?;
            if inserted == 0 {
                return Ok(Insertion::Exists);
            }
            raise_epoch(connection, Epoch::Accounts)?;
            Ok(Insertion::Done)
        })
        .await
    }

    /// Returns a user.
    pub async fn find_user(&self, user_name: &str) -> Result<Option<RamUser>, StoreError> {
        self.read(|connection| {
            fetch_optional(
                connection,
                "SELECT user_name, user_id, display_name, created_at FROM ram_user
                 WHERE user_name = $1",
                [user_name],
                read_user,
            )
        })
        .await
    }

    /// Returns users by name, from the one after `after` on.
    pub async fn list_users(
        &self,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<RamUser>, StoreError> {
        self.read(|connection| {
            fetch_all(
                connection,
                "SELECT user_name, user_id, display_name, created_at FROM ram_user
                 WHERE user_name > $1 ORDER BY user_name LIMIT $2",
                params![after.unwrap_or(""), limit],
                read_user,
            )
        })
        .await
    }

    /// Deletes a user who has neither access keys nor policies.
    pub async fn delete_user(&self, user_name: &str) -> Result<Deletion, StoreError> {
        let user_name = user_name.to_owned();
        self.write(move |connection| {
            let needed: i64 = fetch_one(
                connection,
                "SELECT (SELECT COUNT(*) FROM access_key WHERE user_name = $1)
                      + (SELECT COUNT(*) FROM policy_attachment WHERE user_name = $1)",
                [&user_name],
                |row| Ok(row.get(0)?),
            )?;
            if needed > 0 {
                return Ok(Deletion::InUse);
            }
            let sql = "DELETE FROM ram_user WHERE user_name = $1";
            if execute(connection, sql, [&user_name])? == 0 {
                return Ok(Deletion::Missing);
            }
            raise_epoch(connection, Epoch::Accounts)?;
            Ok(Deletion::Done)
        })
        .await
    }
}

/// Fails if there is no such user.
pub(crate) fn check_user(
    connection: &rusqlite::Connection,
    user_name: &str,
) -> Result<(), StoreError> {
    let sql = "SELECT 1 FROM ram_user WHERE user_name = $1";
    fetch_optional(connection, sql, [user_name], |_| Ok(()))?
        .ok_or_else(|| StoreError::UnknownUser(user_name.to_owned()))
}

fn read_user(row: &rusqlite::Row<'_>) -> Result<RamUser, StoreError> {
    Ok(RamUser {
        user_name: row.get(0)?,
        user_id: row.get(1)?,
        display_name: row.get(2)?,
        created_at: row.get(3)?,
    })
}

#[cfg(test)]
pub(crate) mod tests;
