//! The work queue. A job is claimed for a while (its lease), may be done twice and is therefore
//! idempotent, and is finished only by the worker whose lease still holds.
//!
//! Other methods of the store take [`JobChanges`]: jobs that are queued, and the job that is
//! finished, in the transaction of the fact that they belong to.

use rusqlite::{Connection, Row, params};
use uuid::{NoContext, Timestamp, Uuid};

use crate::encoding::{from_json, optional_from_json, to_json, to_unsigned};
use crate::error::StoreError;
use crate::statement::{execute, fetch_all, fetch_one, fetch_optional};
use crate::store::Store;

/// A job that is to be queued.
#[derive(Clone, Debug, PartialEq)]
pub struct NewJob {
    /// What is to be done.
    pub kind: String,
    /// What it is to be done to; there is one job of a kind and key.
    pub job_key: String,
    /// What the worker has to know.
    pub payload: serde_json::Value,
    /// Higher goes first.
    pub priority: i32,
    /// Not before this time.
    pub run_at: i64,
    /// After so many attempts it is dead.
    pub max_attempts: u32,
}

/// What happens to the queue in the transaction of something else.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct JobChanges {
    /// These are queued.
    pub enqueue: Vec<NewJob>,
    /// This one is finished; if its lease is over, nothing at all is written.
    pub finish: Option<JobLease>,
}

/// The right to work on a job for a while.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct JobLease {
    /// The job.
    pub job_id: String,
    /// The worker.
    pub owner: String,
    /// The number of the attempt, from 1: a worker that comes back late has an old number.
    pub attempt: u32,
}

/// A job that was claimed.
#[derive(Clone, Debug, PartialEq)]
pub struct ClaimedJob {
    /// The right to work on it.
    pub lease: JobLease,
    /// What is to be done.
    pub kind: String,
    /// What it is to be done to.
    pub job_key: String,
    /// What the worker has to know.
    pub payload: serde_json::Value,
    /// What an earlier attempt left.
    pub progress: Option<serde_json::Value>,
    /// After so many attempts it is dead.
    pub max_attempts: u32,
}

/// Whether a job waits, is being done, or was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum JobState {
    /// It waits for a worker.
    Queued,
    /// A worker has it.
    Running,
    /// It was given up, with a reason.
    Dead,
}

impl JobState {
    /// Returns the word in the database.
    pub fn name(self) -> &'static str {
        match self {
            JobState::Queued => "queued",
            JobState::Running => "running",
            JobState::Dead => "dead",
        }
    }

    fn parse(text: &str) -> Result<Self, StoreError> {
        [JobState::Queued, JobState::Running, JobState::Dead]
            .into_iter()
            .find(|state| state.name() == text)
            .ok_or_else(|| StoreError::Corrupt { what: "job.state", reason: text.to_owned() })
    }
}

/// What lists show of a job.
#[derive(Clone, Debug, PartialEq)]
pub struct JobRow {
    /// The id; it sorts by the time at which the job was made.
    pub job_id: String,
    /// What is to be done.
    pub kind: String,
    /// What it is to be done to.
    pub job_key: String,
    /// What the worker has to know.
    pub payload: serde_json::Value,
    /// Whether it waits, runs or was given up.
    pub state: JobState,
    /// Higher goes first.
    pub priority: i32,
    /// Not before this time.
    pub run_at: i64,
    /// Until when its worker has it.
    pub lease_until: Option<i64>,
    /// Its worker.
    pub owner: Option<String>,
    /// The number of attempts.
    pub attempt: u32,
    /// After so many attempts it is dead.
    pub max_attempts: u32,
    /// How far the worker is.
    pub progress: Option<serde_json::Value>,
    /// Why the last attempt failed.
    pub last_error: Option<String>,
    /// When it was made.
    pub created_at: i64,
}

/// Which jobs to list; what is absent does not filter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JobFilter {
    /// Only this kind.
    pub kind: Option<String>,
    /// Only in this state.
    pub state: Option<JobState>,
}

/// What became of a job that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailedJob {
    /// It is tried again.
    Queued,
    /// It was given up.
    Dead,
    /// The lease was over; nothing was written.
    LeaseLost,
}

impl Store {
    /// Queues a job; returns the id of the one that there now is.
    ///
    /// A waiting job of the same kind and key takes the new payload, the earlier time and the
    /// higher priority; a running one runs once more after it finishes; a dead one is revived.
    pub async fn enqueue_job(&self, job: NewJob, now_ms: i64) -> Result<String, StoreError> {
        self.write(move |connection| enqueue(connection, &job, now_ms)).await
    }

    /// Queues jobs and finishes one, in one transaction.
    pub async fn change_jobs(&self, jobs: JobChanges, now_ms: i64) -> Result<(), StoreError> {
        self.write(move |connection| apply_job_changes(connection, &jobs, now_ms)).await
    }

    /// Claims up to `limit` jobs of these kinds that are due, for `lease_ms`: the highest priority
    /// first, then the longest due.
    ///
    /// A job whose lease ran out is claimed like any other, or is dead if it was its last attempt.
    /// Where nothing is due, nothing is written.
    pub async fn claim_jobs(
        &self,
        owner: &str,
        kinds: &[&str],
        now_ms: i64,
        lease_ms: i64,
        limit: u32,
    ) -> Result<Vec<ClaimedJob>, StoreError> {
        let kinds = to_json(kinds)?;
        if !self.read(|connection| is_any_due(connection, &kinds, now_ms)).await? {
            return Ok(Vec::new());
        }
        let owner = owner.to_owned();
        let lease_until = now_ms.saturating_add(lease_ms);
        self.write(move |connection| {
            take_back_expired(connection, now_ms)?;
            let mut claimed = claim(connection, &owner, &kinds, now_ms, lease_until, limit)?;
            // RETURNING has no order of its own.
            claimed.sort_by(|a, b| a.0.cmp(&b.0));
            Ok(claimed.into_iter().map(|(_, job)| job).collect())
        })
        .await
    }

    /// Extends a lease until `now_ms + lease_ms` and stores the progress, where there is news of
    /// it. Returns `false` if the lease is over: the worker has to stop.
    pub async fn heartbeat_job(
        &self,
        lease: &JobLease,
        progress: Option<serde_json::Value>,
        now_ms: i64,
        lease_ms: i64,
    ) -> Result<bool, StoreError> {
        let lease = lease.clone();
        let progress = progress.as_ref().map(to_json).transpose()?;
        self.write(move |connection| {
            let updated = execute(
                connection,
                "UPDATE job SET lease_until = $1, progress = COALESCE($2, progress)
                 WHERE job_id = $3 AND state = 'running' AND owner = $4 AND attempt = $5",
                params![
                    now_ms.saturating_add(lease_ms),
                    progress,
                    lease.job_id,
                    lease.owner,
                    lease.attempt
                ],
            )?;
            Ok(updated > 0)
        })
        .await
    }

    /// Finishes a job: it is gone, unless it was asked for again meanwhile.
    ///
    /// # Errors
    ///
    /// [`StoreError::LeaseLost`] if the lease is over.
    pub async fn finish_job(&self, lease: &JobLease, now_ms: i64) -> Result<(), StoreError> {
        let lease = lease.clone();
        self.write(move |connection| finish(connection, &lease, now_ms)).await
    }

    /// Puts a job back that failed for now, to be tried again at `run_at`; it is dead if this was
    /// its last attempt.
    pub async fn retry_job(
        &self,
        lease: &JobLease,
        error: &str,
        run_at: i64,
    ) -> Result<FailedJob, StoreError> {
        let (lease, error) = (lease.clone(), error.to_owned());
        self.write(move |connection| {
            let state = fetch_optional(
                connection,
                "UPDATE job
                 SET state = CASE WHEN attempt >= max_attempts AND again = 0
                                  THEN 'dead' ELSE 'queued' END,
                     attempt = CASE WHEN again = 1 THEN 0 ELSE attempt END,
                     again = 0, run_at = $1, owner = NULL, lease_until = NULL, last_error = $2
                 WHERE job_id = $3 AND state = 'running' AND owner = $4 AND attempt = $5
                 RETURNING state",
                params![run_at, error, lease.job_id, lease.owner, lease.attempt],
                |row| JobState::parse(row.get_ref(0)?.as_str()?),
            )?;
            Ok(match state {
                Some(JobState::Dead) => FailedJob::Dead,
                Some(JobState::Queued | JobState::Running) => FailedJob::Queued,
                None => FailedJob::LeaseLost,
            })
        })
        .await
    }

    /// Gives a job up that cannot succeed; it is queued again if it was asked for again meanwhile.
    pub async fn fail_job(&self, lease: &JobLease, error: &str) -> Result<FailedJob, StoreError> {
        let (lease, error) = (lease.clone(), error.to_owned());
        self.write(move |connection| {
            let state = fetch_optional(
                connection,
                "UPDATE job
                 SET state = CASE WHEN again = 1 THEN 'queued' ELSE 'dead' END,
                     attempt = CASE WHEN again = 1 THEN 0 ELSE attempt END,
                     again = 0, owner = NULL, lease_until = NULL, last_error = $1
                 WHERE job_id = $2 AND state = 'running' AND owner = $3 AND attempt = $4
                 RETURNING state",
                params![error, lease.job_id, lease.owner, lease.attempt],
                |row| JobState::parse(row.get_ref(0)?.as_str()?),
            )?;
            Ok(match state {
                Some(JobState::Dead) => FailedJob::Dead,
                Some(JobState::Queued | JobState::Running) => FailedJob::Queued,
                None => FailedJob::LeaseLost,
            })
        })
        .await
    }

    /// Gives all jobs of a worker back, as if it had not begun them. For an orderly end.
    pub async fn release_jobs(&self, owner: &str) -> Result<usize, StoreError> {
        let owner = owner.to_owned();
        self.write(move |connection| {
            execute(
                connection,
                "UPDATE job SET state = 'queued', attempt = attempt - 1, owner = NULL,
                                lease_until = NULL, again = 0
                 WHERE state = 'running' AND owner = $1",
                [owner],
            )
        })
        .await
    }

    /// Returns a job.
    pub async fn find_job(&self, job_id: &str) -> Result<Option<JobRow>, StoreError> {
        self.read(|connection| {
            fetch_optional(
                connection,
                "SELECT job_id, kind, job_key, payload, state, priority, run_at, lease_until,
                        owner, attempt, max_attempts, progress, last_error, created_at
                 FROM job WHERE job_id = $1",
                [job_id],
                read_job,
            )
        })
        .await
    }

    /// Returns the job of a kind and key.
    pub async fn find_job_by_key(
        &self,
        kind: &str,
        job_key: &str,
    ) -> Result<Option<JobRow>, StoreError> {
        self.read(|connection| {
            fetch_optional(
                connection,
                "SELECT job_id, kind, job_key, payload, state, priority, run_at, lease_until,
                        owner, attempt, max_attempts, progress, last_error, created_at
                 FROM job WHERE kind = $1 AND job_key = $2",
                [kind, job_key],
                read_job,
            )
        })
        .await
    }

    /// Returns jobs by id (oldest first), from the one after `after` on.
    pub async fn list_jobs(
        &self,
        filter: &JobFilter,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<JobRow>, StoreError> {
        let state = filter.state.map(JobState::name);
        self.read(|connection| {
            fetch_all(
                connection,
                "SELECT job_id, kind, job_key, payload, state, priority, run_at, lease_until,
                        owner, attempt, max_attempts, progress, last_error, created_at
                 FROM job
                 WHERE job_id > $1 AND ($2 IS NULL OR kind = $2) AND ($3 IS NULL OR state = $3)
                 ORDER BY job_id LIMIT $4",
                params![after.unwrap_or(""), filter.kind, state, limit],
                read_job,
            )
        })
        .await
    }

    /// Returns how many jobs there are of each kind and state, ordered.
    pub async fn count_jobs(&self) -> Result<Vec<(String, JobState, u64)>, StoreError> {
        self.read(|connection| {
            fetch_all(
                connection,
                "SELECT kind, state, COUNT(*) FROM job GROUP BY kind, state ORDER BY kind, state",
                [],
                |row| {
                    let state = JobState::parse(row.get_ref(1)?.as_str()?)?;
                    Ok((row.get(0)?, state, to_unsigned("COUNT(*)", row.get(2)?)?))
                },
            )
        })
        .await
    }

    /// Queues a dead job again, with all its attempts; tells whether there was one.
    pub async fn revive_job(&self, job_id: &str, now_ms: i64) -> Result<bool, StoreError> {
        let job_id = job_id.to_owned();
        self.write(move |connection| {
            let updated = execute(
                connection,
                "UPDATE job SET state = 'queued', attempt = 0, run_at = $1
                 WHERE job_id = $2 AND state = 'dead'",
                params![now_ms, job_id],
            )?;
            Ok(updated > 0)
        })
        .await
    }

    /// Queues all dead jobs of a kind again; returns how many.
    pub async fn revive_jobs(&self, kind: &str, now_ms: i64) -> Result<usize, StoreError> {
        let kind = kind.to_owned();
        self.write(move |connection| {
            execute(
                connection,
                "UPDATE job SET state = 'queued', attempt = 0, run_at = $1
                 WHERE kind = $2 AND state = 'dead'",
                params![now_ms, kind],
            )
        })
        .await
    }

    /// Deletes a job that no worker has; tells whether there was one.
    pub async fn delete_job(&self, job_id: &str) -> Result<bool, StoreError> {
        let job_id = job_id.to_owned();
        self.write(move |connection| {
            let sql = "DELETE FROM job WHERE job_id = $1 AND state <> 'running'";
            Ok(execute(connection, sql, [job_id])? > 0)
        })
        .await
    }
}

/// Makes the changes part of the caller's transaction.
pub(crate) fn apply_job_changes(
    connection: &Connection,
    jobs: &JobChanges,
    now_ms: i64,
) -> Result<(), StoreError> {
    for job in &jobs.enqueue {
        enqueue(connection, job, now_ms)?;
    }
    match &jobs.finish {
        Some(lease) => finish(connection, lease, now_ms),
        None => Ok(()),
    }
}

pub(crate) fn enqueue(
    connection: &Connection,
    job: &NewJob,
    now_ms: i64,
) -> Result<String, StoreError> {
    // In SQLite MIN and MAX with two arguments; PostgreSQL calls them LEAST and GREATEST.
    fetch_one(
        connection,
        "INSERT INTO job (job_id, kind, job_key, payload, state, priority, run_at, attempt,
                          max_attempts, again, created_at)
         VALUES ($1, $2, $3, $4, 'queued', $5, $6, 0, $7, 0, $8)
         ON CONFLICT (kind, job_key) DO UPDATE
         SET payload = excluded.payload, max_attempts = excluded.max_attempts,
             priority = MAX(job.priority, excluded.priority),
             run_at = CASE WHEN job.state = 'queued' THEN MIN(job.run_at, excluded.run_at)
                           ELSE excluded.run_at END,
             attempt = CASE WHEN job.state = 'dead' THEN 0 ELSE job.attempt END,
             again = CASE WHEN job.state = 'running' THEN 1 ELSE 0 END,
             state = CASE WHEN job.state = 'dead' THEN 'queued' ELSE job.state END
         RETURNING job_id",
        params![
            new_job_id(now_ms),
            job.kind,
            job.job_key,
            to_json(&job.payload)?,
            job.priority,
            job.run_at,
            job.max_attempts,
            now_ms
        ],
        |row| Ok(row.get(0)?),
    )
}

/// A UUID of version 7 (RFC 9562, section 5.7) of the injected time.
fn new_job_id(now_ms: i64) -> String {
    let now_ms = u64::try_from(now_ms).unwrap_or(0);
    let nanos = u32::try_from(now_ms % 1000).unwrap_or(0) * 1_000_000;
    Uuid::new_v7(Timestamp::from_unix(NoContext, now_ms / 1000, nanos)).to_string()
}

fn finish(connection: &Connection, lease: &JobLease, now_ms: i64) -> Result<(), StoreError> {
    let again: Option<bool> = fetch_optional(
        connection,
        "SELECT again FROM job
         WHERE job_id = $1 AND state = 'running' AND owner = $2 AND attempt = $3",
        params![lease.job_id, lease.owner, lease.attempt],
        |row| Ok(row.get(0)?),
    )?;
    let changed = match again {
        None => return Err(StoreError::LeaseLost { job_id: lease.job_id.clone() }),
        Some(false) => execute(connection, "DELETE FROM job WHERE job_id = $1", [&lease.job_id])?,
        Some(true) => execute(
            connection,
            "UPDATE job SET state = 'queued', attempt = 0, again = 0, owner = NULL,
                            lease_until = NULL, progress = NULL, last_error = NULL,
                            run_at = MAX(run_at, $1)
             WHERE job_id = $2",
            params![now_ms, lease.job_id],
        )?,
    };
    debug_assert_eq!(changed, 1, "the row was read in the same transaction");
    Ok(())
}

fn is_any_due(connection: &Connection, kinds: &str, now_ms: i64) -> Result<bool, StoreError> {
    fetch_one(
        connection,
        "SELECT EXISTS (SELECT 1 FROM job WHERE state = 'running' AND lease_until <= $1)
             OR EXISTS (SELECT 1 FROM job
                        WHERE state = 'queued' AND run_at <= $1
                          AND kind IN (SELECT value FROM json_each($2)))",
        params![now_ms, kinds],
        |row| Ok(row.get(0)?),
    )
}

/// A job that kills its worker each time must not go round for ever.
fn take_back_expired(connection: &Connection, now_ms: i64) -> Result<(), StoreError> {
    execute(
        connection,
        "UPDATE job
         SET state = CASE WHEN attempt >= max_attempts AND again = 0
                          THEN 'dead' ELSE 'queued' END,
             attempt = CASE WHEN again = 1 THEN 0 ELSE attempt END,
             again = 0,
             last_error = 'the worker ' || owner || ' stopped without a word',
             owner = NULL, lease_until = NULL
         WHERE state = 'running' AND lease_until <= $1",
        [now_ms],
    )?;
    Ok(())
}

/// What claimed jobs are ordered by: negated priority, time, id.
type ClaimOrder = (i64, i64, String);

fn claim(
    connection: &Connection,
    owner: &str,
    kinds: &str,
    now_ms: i64,
    lease_until: i64,
    limit: u32,
) -> Result<Vec<(ClaimOrder, ClaimedJob)>, StoreError> {
    // The state is tested again outside: with several writers the inner query may be out of date.
    fetch_all(
        connection,
        "UPDATE job SET state = 'running', owner = $1, attempt = attempt + 1, lease_until = $2
         WHERE job_id IN (SELECT job_id FROM job
                          WHERE state = 'queued' AND run_at <= $3
                            AND kind IN (SELECT value FROM json_each($4))
                          ORDER BY priority DESC, run_at, job_id LIMIT $5)
           AND state = 'queued'
         RETURNING job_id, attempt, kind, job_key, payload, progress, max_attempts, priority,
                   run_at",
        params![owner, lease_until, now_ms, kinds, limit],
        |row| {
            let job_id: String = row.get(0)?;
            let job = ClaimedJob {
                lease: JobLease {
                    job_id: job_id.clone(),
                    owner: owner.to_owned(),
                    attempt: row.get(1)?,
                },
                kind: row.get(2)?,
                job_key: row.get(3)?,
                payload: from_json("job.payload", row.get_ref(4)?.as_str()?)?,
                progress: optional_from_json("job.progress", row.get_ref(5)?.as_str_or_null()?)?,
                max_attempts: row.get(6)?,
            };
            let priority: i64 = row.get(7)?;
            Ok(((-priority, row.get(8)?, job_id), job))
        },
    )
}

fn read_job(row: &Row<'_>) -> Result<JobRow, StoreError> {
    Ok(JobRow {
        job_id: row.get(0)?,
        kind: row.get(1)?,
        job_key: row.get(2)?,
        payload: from_json("job.payload", row.get_ref(3)?.as_str()?)?,
        state: JobState::parse(row.get_ref(4)?.as_str()?)?,
        priority: row.get(5)?,
        run_at: row.get(6)?,
        lease_until: row.get(7)?,
        owner: row.get(8)?,
        attempt: row.get(9)?,
        max_attempts: row.get(10)?,
        progress: optional_from_json("job.progress", row.get_ref(11)?.as_str_or_null()?)?,
        last_error: row.get(12)?,
        created_at: row.get(13)?,
    })
}

#[cfg(test)]
mod tests;
