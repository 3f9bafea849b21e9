//! The one thread that writes, from the first write on. Writes that wait at the same time share a
//! transaction, and so a flush to the disk. Each but the first has a savepoint of its own, so that
//! one that fails takes no other along. Replies are sent after the commit.
//!
//! A savepoint is not for writes of many rows: SQLite keeps the old content of all pages that are
//! changed behind it, here in memory, and goes through that once for each statement. These run
//! without one, in a transaction of their own.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use crate::error::StoreError;

const QUEUE_LENGTH: usize = 256;
/// More would make the first one wait for too long.
const BATCH_LENGTH: usize = 64;

/// Runs in the transaction, or learns why there is none.
type Run = Box<dyn FnOnce(Result<&Connection, StoreError>) -> Attempt + Send>;

struct Write {
    company: Company,
    run: Run,
}

/// Whether a write shares its transaction.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Company {
    /// With those that wait at the same time.
    Shared,
    /// With none.
    Alone,
}

/// A write that has run and waits for the commit.
struct Attempt {
    keep: bool,
    reply: Box<dyn FnOnce(Result<(), Arc<rusqlite::Error>>) + Send>,
}

pub(crate) struct Writer {
    path: PathBuf,
    open: Box<dyn Fn() -> Result<Connection, StoreError> + Send + Sync>,
    queue: Mutex<Option<mpsc::Sender<Write>>>,
}

impl Writer {
    /// Makes a writer whose connection `open` opens when there is something to write.
    pub(crate) fn new(
        path: PathBuf,
        open: impl Fn() -> Result<Connection, StoreError> + Send + Sync + 'static,
    ) -> Self {
        Writer { path, open: Box::new(open), queue: Mutex::new(None) }
    }

    /// Returns the queue of the thread, which is started for the first one and ends with the writer.
    fn queue(&self) -> Result<mpsc::Sender<Write>, StoreError> {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(queue) = queue.as_ref() {
            return Ok(queue.clone());
        }
        let mut connection = (self.open)()?;
        let (sender, mut writes) = mpsc::channel::<Write>(QUEUE_LENGTH);
        let thread = thread::Builder::new().name("store-writer".to_owned());
        let started = thread.spawn(move || {
            let mut next = None;
            while let Some(first) = next.take().or_else(|| writes.blocking_recv()) {
                next = run_batch(&mut connection, first, &mut writes);
            }
        });
        started.map_err(|source| StoreError::File { path: self.path.clone(), source })?;
        Ok(queue.insert(sender).clone())
    }

    /// Runs `write` in a transaction and returns when it is committed.
    ///
    /// A caller who stops waiting does not stop the write.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        company: Company,
        write: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (sender, receiver) = oneshot::channel();
        let run: Run = Box::new(move |connection| {
            let result = connection.and_then(write);
            Attempt {
                keep: result.is_ok(),
                reply: Box::new(move |commit| {
                    let result = match commit {
                        Ok(()) => result,
                        Err(error) => result.and(Err(StoreError::Commit(error))),
                    };
                    // Whoever asked may have gone away.
                    drop(sender.send(result));
                }),
            }
        });
        let write = Write { company, run };
        self.queue()?.send(write).await.map_err(|_| StoreError::Closed)?;
        receiver.await.map_err(|_| StoreError::Closed)?
    }
}

/// Runs writes in one transaction; returns the one that is to begin the next.
fn run_batch(
    connection: &mut Connection,
    first: Write,
    writes: &mut mpsc::Receiver<Write>,
) -> Option<Write> {
    if let Err(error) = connection.execute_batch("BEGIN IMMEDIATE") {
        ((first.run)(Err(error.into())).reply)(Ok(()));
        return None;
    }
    let attempt = (first.run)(Ok(connection));
    if !attempt.keep {
        // Nothing else is in the transaction.
        roll_back(connection);
        (attempt.reply)(Ok(()));
        return None;
    }
    let mut attempts = vec![attempt];
    let mut next = None;
    // A full disk makes SQLite roll back everything by itself.
    while first.company == Company::Shared
        && attempts.len() < BATCH_LENGTH
        && !connection.is_autocommit()
    {
        match writes.try_recv() {
            Ok(write) if write.company == Company::Shared => {
                attempts.push(run_in_savepoint(connection, write.run));
            }
            Ok(write) => {
                next = Some(write);
                break;
            }
            Err(_) => break,
        }
    }
    let commit = connection.execute_batch("COMMIT").map_err(Arc::new);
    if commit.is_err() {
        roll_back(connection);
    }
    for attempt in attempts {
        (attempt.reply)(commit.clone());
    }
    next
}

/// If this fails, the next BEGIN does, and says so.
fn roll_back(connection: &Connection) {
    if !connection.is_autocommit() {
        drop(connection.execute_batch("ROLLBACK"));
    }
}

fn run_in_savepoint(connection: &Connection, run: Run) -> Attempt {
    if let Err(error) = connection.execute_batch("SAVEPOINT attempt") {
        return run(Err(error.into()));
    }
    let attempt = run(Ok(connection));
    let end = if attempt.keep { "RELEASE attempt" } else { "ROLLBACK TO attempt; RELEASE attempt" };
    // The savepoint is only gone if the whole transaction is; then the commit fails and says so.
    drop(connection.execute_batch(end));
    attempt
}
