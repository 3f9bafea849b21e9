//! Webhooks: whom to tell what changed, and the deliveries that are queued for it. Their secrets
//! are sealed like those of access keys; see `docs/decisions/0003-secrets-at-rest.md`.

use std::collections::BTreeMap;

use rusqlite::{Connection, Row, params};
use serde::{Deserialize, Serialize};

use crate::encoding::{from_json, to_json, to_unsigned};
use crate::error::StoreError;
use crate::jobs::{NewJob, enqueue};
use crate::secret::{MasterKey, Secret};
use crate::statement::{execute, fetch_all, fetch_optional};
use crate::store::Store;

/// The kind of the jobs that deliver to webhooks.
pub const DELIVERY_JOB: &str = "deliver-webhook";
/// A delivery is given up after so many attempts: about a day with the waits between them.
pub const DELIVERY_ATTEMPTS: u32 = 150;
/// Analyses come first.
const DELIVERY_PRIORITY: i32 = 5;

/// A webhook that is to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewWebhook {
    /// The id.
    pub webhook_id: String,
    /// Where it listens.
    pub url: String,
    /// What it is told; empty: everything.
    pub events: Vec<String>,
    /// What messages are signed with.
    pub secret: Secret,
    /// When it was made.
    pub created_at: i64,
}

/// What lists show of a webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookRow {
    /// The id.
    pub webhook_id: String,
    /// Where it listens.
    pub url: String,
    /// What it is told; empty: everything.
    pub events: Vec<String>,
    /// When it was made.
    pub created_at: i64,
    /// When it last took a message.
    pub last_success_at: Option<i64>,
    /// When it last did not.
    pub last_failure_at: Option<i64>,
    /// Why it did not.
    pub last_error: Option<String>,
    /// Since when it is told nothing, because it wanted nothing more.
    pub disabled_at: Option<i64>,
    /// Until when it asked to be left alone.
    pub paused_until: Option<i64>,
    /// Until when messages are signed with the secret before the present one as well.
    pub old_secret_until: Option<i64>,
}

/// What messages to a webhook are signed with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookSecrets {
    /// The present one.
    pub current: Secret,
    /// The one before, whether or not its time is over.
    pub old: Option<Secret>,
}

/// The deliveries of a webhook that are not done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Undelivered {
    /// Those that are tried, now or later.
    pub waiting: u64,
    /// Those that were given up.
    pub dead: u64,
}

/// What a job is to deliver: a part of the sequence of changes, of one revision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// The webhook.
    pub webhook_id: String,
    /// The revision.
    pub revision_number: i64,
    /// The changes after this one.
    pub after_sequence: i64,
    /// Up to this one.
    pub through_sequence: i64,
}

impl Store {
    /// Stores a webhook.
    pub async fn insert_webhook(&self, webhook: NewWebhook) -> Result<(), StoreError> {
        let sealed = seal(self.master_key(), &webhook.webhook_id, &webhook.secret)?;
        self.write(move |connection| {
            execute(
                connection,
                "INSERT INTO webhook (webhook_id, url, events, secret_sealed, created_at)
                 VALUES ($1, $2, $3, $4, $5)",
                params![
                    webhook.webhook_id,
                    webhook.url,
                    to_json(&webhook.events)?,
                    sealed,
                    webhook.created_at
                ],
            )?;
            Ok(())
        })
        .await
    }

    /// Returns all webhooks, by id.
    pub async fn list_webhooks(&self) -> Result<Vec<WebhookRow>, StoreError> {
        self.read(list).await
    }

    /// Returns a webhook with its secrets.
    pub async fn find_webhook(
        &self,
        webhook_id: &str,
    ) -> Result<Option<(WebhookRow, WebhookSecrets)>, StoreError> {
        let found = self
            .read(|connection| {
                fetch_optional(
                    connection,
                    "SELECT webhook_id, url, events, created_at, last_success_at, last_failure_at,
                            last_error, disabled_at, paused_until, old_secret_until,
                            secret_sealed, old_secret_sealed
                     FROM webhook WHERE webhook_id = $1",
                    [webhook_id],
                    |row| {
                        let old: Option<Vec<u8>> = row.get(11)?;
                        Ok((read_webhook(row)?, row.get::<_, Vec<u8>>(10)?, old))
                    },
                )
            })
            .await?;
        let Some((row, current, old)) = found else { return Ok(None) };
        let unseal = |sealed: Vec<u8>| unseal(self.master_key(), webhook_id, &sealed);
        let secrets =
            WebhookSecrets { current: unseal(current)?, old: old.map(unseal).transpose()? };
        Ok(Some((row, secrets)))
    }

    /// Gives a webhook another secret; the present one is kept until a time. Tells whether there is
    /// such a webhook.
    pub async fn rotate_webhook_secret(
        &self,
        webhook_id: &str,
        secret: &Secret,
        old_until: i64,
    ) -> Result<bool, StoreError> {
        let sealed = seal(self.master_key(), webhook_id, secret)?;
        let webhook_id = webhook_id.to_owned();
        self.write(move |connection| {
            let updated = execute(
                connection,
                "UPDATE webhook SET old_secret_sealed = secret_sealed, old_secret_until = $1,
                                    secret_sealed = $2
                 WHERE webhook_id = $3",
                params![old_until, sealed, webhook_id],
            )?;
            Ok(updated > 0)
        })
        .await
    }

    /// Tells a webhook nothing more: new changes are not queued for it.
    pub async fn disable_webhook(&self, webhook_id: &str, now_ms: i64) -> Result<(), StoreError> {
        let webhook_id = webhook_id.to_owned();
        self.write(move |connection| {
            let sql = "UPDATE webhook SET disabled_at = $1
                       WHERE webhook_id = $2 AND disabled_at IS NULL";
            execute(connection, sql, params![now_ms, webhook_id])?;
            Ok(())
        })
        .await
    }

    /// Tells a webhook again what changes; tells whether there is such a webhook.
    pub async fn enable_webhook(&self, webhook_id: &str) -> Result<bool, StoreError> {
        let webhook_id = webhook_id.to_owned();
        self.write(move |connection| {
            let sql = "UPDATE webhook SET disabled_at = NULL, paused_until = NULL
                       WHERE webhook_id = $1";
            Ok(execute(connection, sql, [webhook_id])? > 0)
        })
        .await
    }

    /// Leaves a webhook alone until a time.
    pub async fn pause_webhook(&self, webhook_id: &str, until: i64) -> Result<(), StoreError> {
        let webhook_id = webhook_id.to_owned();
        self.write(move |connection| {
            let sql = "UPDATE webhook SET paused_until = $1 WHERE webhook_id = $2";
            execute(connection, sql, params![until, webhook_id])?;
            Ok(())
        })
        .await
    }

    /// Returns for each webhook with deliveries that are not done how many these are.
    pub async fn count_undelivered(&self) -> Result<BTreeMap<String, Undelivered>, StoreError> {
        let rows: Vec<(String, bool, u64)> = self
            .read(|connection| {
                fetch_all(
                    connection,
                    "SELECT SUBSTR(job_key, 1, INSTR(job_key, '/') - 1) AS webhook_id,
                            state = 'dead' AS is_dead, COUNT(*)
                     FROM job WHERE kind = $1
                     GROUP BY webhook_id, is_dead ORDER BY webhook_id, is_dead",
                    [DELIVERY_JOB],
                    |row| Ok((row.get(0)?, row.get(1)?, to_unsigned("COUNT(*)", row.get(2)?)?)),
                )
            })
            .await?;
        let mut counts: BTreeMap<String, Undelivered> = BTreeMap::new();
        for (webhook_id, is_dead, count) in rows {
            let of_webhook = counts.entry(webhook_id).or_default();
            match is_dead {
                true => of_webhook.dead = count,
                false => of_webhook.waiting = count,
            }
        }
        Ok(counts)
    }

    /// Queues the deliveries of a webhook again that were given up; returns how many.
    pub async fn revive_deliveries(
        &self,
        webhook_id: &str,
        now_ms: i64,
    ) -> Result<usize, StoreError> {
        let (first, after) = keys_of(webhook_id);
        self.write(move |connection| {
            execute(
                connection,
                "UPDATE job SET state = 'queued', attempt = 0, run_at = $1
                 WHERE kind = $2 AND job_key >= $3 AND job_key < $4 AND state = 'dead'",
                params![now_ms, DELIVERY_JOB, first, after],
            )
        })
        .await
    }

    /// Deletes a webhook with the deliveries that wait for it; tells whether there was one.
    pub async fn delete_webhook(&self, webhook_id: &str) -> Result<bool, StoreError> {
        let (first, after) = keys_of(webhook_id);
        let webhook_id = webhook_id.to_owned();
        self.write(move |connection| {
            let sql = "DELETE FROM webhook WHERE webhook_id = $1";
            let deleted = execute(connection, sql, [&webhook_id])?;
            execute(
                connection,
                "DELETE FROM job WHERE kind = $1 AND job_key >= $2 AND job_key < $3
                   AND state <> 'running'",
                params![DELIVERY_JOB, first, after],
            )?;
            Ok(deleted > 0)
        })
        .await
    }

    /// Writes down how a message was taken: `None`, or why it was not.
    pub async fn record_delivery(
        &self,
        webhook_id: &str,
        error: Option<&str>,
        now_ms: i64,
    ) -> Result<(), StoreError> {
        let (webhook_id, error) = (webhook_id.to_owned(), error.map(str::to_owned));
        self.write(move |connection| {
            let sql = match error {
                None => {
                    "UPDATE webhook SET last_success_at = $1, last_error = $2, paused_until = NULL
                     WHERE webhook_id = $3"
                }
                Some(_) => {
                    "UPDATE webhook SET last_failure_at = $1, last_error = $2
                     WHERE webhook_id = $3"
                }
            };
            execute(connection, sql, params![now_ms, error, webhook_id])?;
            Ok(())
        })
        .await
    }
}

/// Returns the first key of a webhook's deliveries and the first after them. The keys begin with the
/// id and a slash; `0` is what follows the slash.
fn keys_of(webhook_id: &str) -> (String, String) {
    (format!("{webhook_id}/"), format!("{webhook_id}0"))
}

fn list(connection: &Connection) -> Result<Vec<WebhookRow>, StoreError> {
    fetch_all(
        connection,
        "SELECT webhook_id, url, events, created_at, last_success_at, last_failure_at, last_error,
                disabled_at, paused_until, old_secret_until
         FROM webhook ORDER BY webhook_id",
        [],
        read_webhook,
    )
}

fn read_webhook(row: &Row<'_>) -> Result<WebhookRow, StoreError> {
    Ok(WebhookRow {
        webhook_id: row.get(0)?,
        url: row.get(1)?,
        events: from_json("webhook.events", row.get_ref(2)?.as_str()?)?,
        created_at: row.get(3)?,
        last_success_at: row.get(4)?,
        last_failure_at: row.get(5)?,
        last_error: row.get(6)?,
        disabled_at: row.get(7)?,
        paused_until: row.get(8)?,
        old_secret_until: row.get(9)?,
    })
}

/// Queues a delivery to each webhook that wants any; returns how many there are.
pub(crate) fn queue_deliveries(
    connection: &Connection,
    revision_number: i64,
    after_sequence: i64,
    through_sequence: i64,
    now_ms: i64,
) -> Result<usize, StoreError> {
    let mut webhooks = list(connection)?;
    webhooks.retain(|webhook| webhook.disabled_at.is_none());
    for WebhookRow { webhook_id, .. } in &webhooks {
        let delivery = Delivery {
            webhook_id: webhook_id.clone(),
            revision_number,
            after_sequence,
            through_sequence,
        };
        let job = NewJob {
            kind: DELIVERY_JOB.to_owned(),
            job_key: format!("{webhook_id}/{revision_number}/{through_sequence}"),
            payload: serde_json::to_value(delivery)?,
            priority: DELIVERY_PRIORITY,
            run_at: now_ms,
            max_attempts: DELIVERY_ATTEMPTS,
        };
        enqueue(connection, &job, now_ms)?;
    }
    Ok(webhooks.len())
}

/// Seals all secrets anew under the first key of the master key file; returns how many.
pub(crate) fn reseal(connection: &Connection, master_key: &MasterKey) -> Result<usize, StoreError> {
    let rows: Vec<(String, Vec<u8>, Option<Vec<u8>>)> = fetch_all(
        connection,
        "SELECT webhook_id, secret_sealed, old_secret_sealed FROM webhook ORDER BY webhook_id",
        [],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )?;
    for (id, current, old) in &rows {
        let again = |sealed: &Vec<u8>| seal(master_key, id, &unseal(master_key, id, sealed)?);
        execute(
            connection,
            "UPDATE webhook SET secret_sealed = $1, old_secret_sealed = $2 WHERE webhook_id = $3",
            params![again(current)?, old.as_ref().map(again).transpose()?, id],
        )?;
    }
    Ok(rows.len())
}

/// Sealed secrets of access keys and of webhooks cannot stand for one another.
fn context(webhook_id: &str) -> String {
    format!("webhook {webhook_id}")
}

fn seal(master_key: &MasterKey, id: &str, secret: &Secret) -> Result<Vec<u8>, StoreError> {
    let failed = |reason| StoreError::SealedWebhook { webhook_id: id.to_owned(), reason };
    master_key.seal(secret, &context(id)).map_err(failed)
}

fn unseal(master_key: &MasterKey, id: &str, sealed: &[u8]) -> Result<Secret, StoreError> {
    let failed = |reason| StoreError::SealedWebhook { webhook_id: id.to_owned(), reason };
    master_key.unseal(sealed, &context(id)).map_err(failed)
}

#[cfg(test)]
mod tests;
