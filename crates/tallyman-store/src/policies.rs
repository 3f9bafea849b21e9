//! Custom policies and which policies a user has. System policies are part of the program.

use rusqlite::{Connection, Row, params};

use crate::encoding::parse;
use crate::error::StoreError;
use crate::settings::{Epoch, raise_epoch};
use crate::statement::{execute, fetch_all, fetch_optional};
use crate::store::Store;
use crate::users::{Deletion, Insertion, check_user};

/// Who wrote a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PolicyType {
    /// It is part of the program.
    System,
    /// It was made here.
    Custom,
}

impl PolicyType {
    /// Returns the word that the API uses.
    pub fn name(self) -> &'static str {
        match self {
            PolicyType::System => "System",
            PolicyType::Custom => "Custom",
        }
    }
}

/// Why a text is not a policy type.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a policy type: expected System or Custom")]
pub struct InvalidPolicyType(String);

impl std::str::FromStr for PolicyType {
    type Err = InvalidPolicyType;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [PolicyType::System, PolicyType::Custom]
            .into_iter()
            .find(|kind| kind.name() == text)
            .ok_or_else(|| InvalidPolicyType(text.to_owned()))
    }
}

/// A custom policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RamPolicy {
    /// The name, unique among custom policies.
    pub policy_name: String,
    /// The policy document, JSON.
    pub document: String,
    /// When it was made.
    pub created_at: i64,
    /// When its document last changed.
    pub updated_at: i64,
}

/// A policy that a user has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttachedPolicy {
    /// The name.
    pub policy_name: String,
    /// Who wrote it.
    pub policy_type: PolicyType,
    /// The document of a custom policy; the program has those of system policies.
    pub document: Option<String>,
}

impl Store {
    /// Makes a custom policy.
    pub async fn insert_policy(
        &self,
        policy_name: &str,
        document: &str,
        now_ms: i64,
    ) -> Result<Insertion, StoreError> {
        let (policy_name, document) = (policy_name.to_owned(), document.to_owned());
        self.write(move |connection| {
            let inserted = execute(
                connection,
                "INSERT INTO ram_policy (policy_name, document, created_at, updated_at)
                 VALUES ($1, $2, $3, $3) ON CONFLICT DO NOTHING",
                params![policy_name, document, now_ms],
            )?;
            if inserted == 0 {
                return Ok(Insertion::Exists);
            }
            raise_epoch(connection, Epoch::Accounts)?;
            Ok(Insertion::Done)
        })
        .await
    }

    /// Replaces the document of a custom policy; tells whether there is one.
    pub async fn update_policy(
        &self,
        policy_name: &str,
        document: &str,
        now_ms: i64,
    ) -> Result<bool, StoreError> {
        let (policy_name, document) = (policy_name.to_owned(), document.to_owned());
        self.write(move |connection| {
            let updated = execute(
                connection,
                "UPDATE ram_policy SET document = $1, updated_at = $2 WHERE policy_name = $3",
                params![document, now_ms, policy_name],
            )?;
            if updated > 0 {
                raise_epoch(connection, Epoch::Accounts)?;
            }
            Ok(updated > 0)
        })
        .await
    }

    /// Deletes a custom policy that nobody has.
    pub async fn delete_policy(&self, policy_name: &str) -> Result<Deletion, StoreError> {
        let policy_name = policy_name.to_owned();
        self.write(move |connection| {
            let attached = fetch_optional(
                connection,
                "SELECT 1 FROM policy_attachment
                 WHERE policy_type = 'Custom' AND policy_name = $1 LIMIT 1",
                [&policy_name],
                |_| Ok(()),
            )?;
            if attached.is_some() {
                return Ok(Deletion::InUse);
            }
            let sql = "DELETE FROM ram_policy WHERE policy_name = $1";
            if execute(connection, sql, [&policy_name])? == 0 {
                return Ok(Deletion::Missing);
            }
            raise_epoch(connection, Epoch::Accounts)?;
            Ok(Deletion::Done)
        })
        .await
    }

    /// Returns a custom policy.
    pub async fn find_policy(&self, policy_name: &str) -> Result<Option<RamPolicy>, StoreError> {
        self.read(|connection| find_policy(connection, policy_name)).await
    }

    /// Returns custom policies by name, from the one after `after` on.
    pub async fn list_policies(
        &self,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<RamPolicy>, StoreError> {
        self.read(|connection| {
            fetch_all(
                connection,
                "SELECT policy_name, document, created_at, updated_at FROM ram_policy
                 WHERE policy_name > $1 ORDER BY policy_name LIMIT $2",
                params![after.unwrap_or(""), limit],
                read_policy,
            )
        })
        .await
    }

    /// Gives a user a policy; [`Insertion::Exists`] if they have it already.
    ///
    /// # Errors
    ///
    /// [`StoreError::UnknownUser`], and [`StoreError::UnknownPolicy`] for a custom policy that does
    /// not exist. Whether a system policy exists is for the caller to know.
    pub async fn attach_policy(
        &self,
        user_name: &str,
        policy_type: PolicyType,
        policy_name: &str,
    ) -> Result<Insertion, StoreError> {
        let (user_name, policy_name) = (user_name.to_owned(), policy_name.to_owned());
        self.write(move |connection| {
            check_user(connection, &user_name)?;
            if policy_type == PolicyType::Custom && find_policy(connection, &policy_name)?.is_none()
            {
                return Err(StoreError::UnknownPolicy(policy_name));
            }
            let inserted = execute(
                connection,
                "INSERT INTO policy_attachment (user_name, policy_name, policy_type)
                 VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
                params![user_name, policy_name, policy_type.name()],
            )?;
            if inserted == 0 {
                return Ok(Insertion::Exists);
            }
            raise_epoch(connection, Epoch::Accounts)?;
            Ok(Insertion::Done)
        })
        .await
    }

    /// Takes a policy from a user; tells whether they had it.
    pub async fn detach_policy(
        &self,
        user_name: &str,
        policy_type: PolicyType,
        policy_name: &str,
    ) -> Result<bool, StoreError> {
        let (user_name, policy_name) = (user_name.to_owned(), policy_name.to_owned());
        self.write(move |connection| {
            let deleted = execute(
                connection,
                "DELETE FROM policy_attachment
                 WHERE user_name = $1 AND policy_type = $2 AND policy_name = $3",
                params![user_name, policy_type.name(), policy_name],
            )?;
            if deleted > 0 {
                raise_epoch(connection, Epoch::Accounts)?;
            }
            Ok(deleted > 0)
        })
        .await
    }

    /// Returns the policies that a user has, ordered by type and name.
    pub async fn policies_of(&self, user_name: &str) -> Result<Vec<AttachedPolicy>, StoreError> {
        self.read(|connection| {
            fetch_all(
                connection,
                "SELECT policy_attachment.policy_name, policy_attachment.policy_type,
                        ram_policy.document
                 FROM policy_attachment LEFT JOIN ram_policy
                   ON ram_policy.policy_name = policy_attachment.policy_name
                  AND policy_attachment.policy_type = 'Custom'
                 WHERE policy_attachment.user_name = $1
                 ORDER BY policy_attachment.policy_type, policy_attachment.policy_name
                 LIMIT 1000",
                [user_name],
                |row| {
                    let policy_type =
                        parse("policy_attachment.policy_type", row.get_ref(1)?.as_str()?)?;
                    let (policy_name, document) = (row.get(0)?, row.get(2)?);
                    Ok(AttachedPolicy { policy_name, policy_type, document })
                },
            )
        })
        .await
    }

    /// Returns the names of the users who have a policy, ordered.
    pub async fn users_with_policy(
        &self,
        policy_type: PolicyType,
        policy_name: &str,
    ) -> Result<Vec<String>, StoreError> {
        self.read(|connection| {
            fetch_all(
                connection,
                "SELECT user_name FROM policy_attachment
                 WHERE policy_type = $1 AND policy_name = $2 ORDER BY user_name LIMIT 1000",
                params![policy_type.name(), policy_name],
                |row| Ok(row.get(0)?),
            )
        })
        .await
    }
}

fn find_policy(
    connection: &Connection,
    policy_name: &str,
) -> Result<Option<RamPolicy>, StoreError> {
    fetch_optional(
        connection,
        "SELECT policy_name, document, created_at, updated_at FROM ram_policy
         WHERE policy_name = $1",
        [policy_name],
        read_policy,
    )
}

fn read_policy(row: &Row<'_>) -> Result<RamPolicy, StoreError> {
    Ok(RamPolicy {
        policy_name: row.get(0)?,
        document: row.get(1)?,
        created_at: row.get(2)?,
        updated_at: row.get(3)?,
    })
}

#[cfg(test)]
mod tests;
