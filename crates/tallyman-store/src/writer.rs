//! The one thread that writes, from the first write on. Writes that wait at the same time share a
//! transaction, and so a flush to the disk; each has a savepoint of its own, so that one that fails
//! takes no other along. Replies are sent after the commit.

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
type Write = Box<dyn FnOnce(Result<&Connection, StoreError>) -> Attempt + Send>;

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
            while let Some(first) = writes.blocking_recv() {
                run_batch(&mut connection, first, &mut writes);
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
        write: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (sender, receiver) = oneshot::channel();
        let job: Write = Box::new(move |connection| {
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
        self.queue()?.send(job).await.map_err(|_| StoreError::Closed)?;
        receiver.await.map_err(|_| StoreError::Closed)?
    }
}

fn run_batch(connection: &mut Connection, first: Write, writes: &mut mpsc::Receiver<Write>) {
    if let Err(error) = connection.execute_batch("BEGIN IMMEDIATE") {
        (first(Err(error.into())).reply)(Ok(()));
        return;
    }
    let mut attempts = Vec::new();
    let mut next = Some(first);
    while let Some(write) = next {
        attempts.push(run_in_savepoint(connection, write));
        // A full disk makes SQLite roll back everything by itself.
        let lost = connection.is_autocommit();
        next = if lost || attempts.len() >= BATCH_LENGTH { None } else { writes.try_recv().ok() };
    }
    let commit = connection.execute_batch("COMMIT").map_err(Arc::new);
    if commit.is_err() && !connection.is_autocommit() {
        // If this fails too, the next BEGIN does, and says so.
        drop(connection.execute_batch("ROLLBACK"));
    }
    for attempt in attempts {
        (attempt.reply)(commit.clone());
    }
}

fn run_in_savepoint(connection: &Connection, write: Write) -> Attempt {
    if let Err(error) = connection.execute_batch("SAVEPOINT attempt") {
        return write(Err(error.into()));
    }
    let attempt = write(Ok(connection));
    let end = if attempt.keep { "RELEASE attempt" } else { "ROLLBACK TO attempt; RELEASE attempt" };
    // The savepoint is only gone if the whole transaction is; then the commit fails and says so.
    drop(connection.execute_batch(end));
    attempt
}
