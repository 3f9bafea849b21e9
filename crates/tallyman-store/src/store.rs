//! Opening the database, and how its methods read and write.
//!
//! One thread writes (`crate::writer`), a few connections read; each begins when it is needed.
//! Another process may write to the same file: a write begins with `BEGIN IMMEDIATE` and waits for
//! its turn, and every read sees what was committed before it began.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use tokio::sync::oneshot;

use crate::error::StoreError;
use crate::migration;
use crate::pool::ReaderPool;
use crate::secret::{MasterKey, create_private};
use crate::settings;
use crate::writer::{Company, Writer};

/// How long a write waits for another process before it fails.
const BUSY_TIMEOUT: Duration = Duration::from_secs(15);
/// Reads go to the page cache of the system without copying, up to this much of the file.
const MMAP_BYTES: i64 = 256 << 20;
/// After so many pages the write-ahead log of a cache is brought into the database: who opens the
/// database next, with nobody else having it open, reads all of the log.
const CACHE_LOG_PAGES: i64 = 64;
/// The write-ahead log is cut back to this size after a burst.
const WAL_LIMIT_BYTES: i64 = 64 << 20;
/// What one transaction writes to is kept until it ends, up to this size; beyond it, pages go to
/// the write-ahead log more than once.
const WRITER_CACHE_KIB: i64 = 64 << 10;
const CACHED_STATEMENTS: usize = 128;
const DEFAULT_READERS: usize = 4;

/// How to open a [`Store`].
#[derive(Clone, Debug)]
pub struct StoreOptions {
    /// The database file; it and its directory are made where they do not exist.
    pub path: PathBuf,
    /// What seals the secrets.
    pub master_key: MasterKey,
    /// The number of connections that read, at most; each is opened when it is needed.
    pub readers: usize,
    /// What a power cut may take.
    pub durability: Durability,
}

/// What is still there after a power cut. The death of the process takes nothing either way, and the
/// database stays whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Everything that was committed.
    Full,
    /// Not always the last commits. For those who only write what can be found again: a flush to
    /// the disk takes longer than the analysis of a small image.
    Cache,
}

impl StoreOptions {
    /// Returns the usual options.
    pub fn new(path: impl Into<PathBuf>, master_key: MasterKey) -> Self {
        let (path, readers, durability) = (path.into(), DEFAULT_READERS, Durability::Full);
        StoreOptions { path, master_key, readers, durability }
    }
}

/// The database. Clones share it.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    path: PathBuf,
    durability: Durability,
    master_key: MasterKey,
    readers: ReaderPool,
    writer: Writer,
}

impl Store {
    /// Opens the database, makes it where there is none, and brings it to the current schema.
    ///
    /// It waits for the disk; call it before serving anything.
    pub fn open(options: StoreOptions) -> Result<Self, StoreError> {
        let StoreOptions { path, master_key, readers, durability } = options;
        create_file(&path)?;
        let first = connect(&path, durability)?;
        use_write_ahead_log(&first)?;
        if migration::migrate(&first, &path)? && durability == Durability::Cache {
            first.query_row("PRAGMA wal_checkpoint", [], |_| Ok(()))?;
        }
        settings::ensure_account_id(&first)?;
        let opener = path.clone();
        let readers = ReaderPool::new(as_reader(first)?, readers, move || {
            as_reader(connect(&opener, durability)?)
        });
        let opener = path.clone();
        let writer = Writer::new(path.clone(), move || connect_writer(&opener, durability));
        Ok(Store { inner: Arc::new(Inner { path, durability, master_key, readers, writer }) })
    }

    /// Returns the path of the database file.
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    pub(crate) fn master_key(&self) -> &MasterKey {
        &self.inner.master_key
    }

    /// Reads with one statement.
    pub(crate) async fn read<T>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.inner.readers.run(read).await
    }

    /// Reads with several statements that all see the same state.
    pub(crate) async fn read_snapshot<T>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.inner
            .readers
            .run(|connection| {
                let transaction = connection.unchecked_transaction()?;
                let result = read(&transaction)?;
                transaction.finish()?;
                Ok(result)
            })
            .await
    }

    /// Runs something that takes long on a connection and a thread of its own.
    pub(crate) async fn in_background<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (path, durability) = (self.inner.path.clone(), self.inner.durability);
        let (sender, receiver) = oneshot::channel();
        thread::Builder::new()
            .name("store-background".to_owned())
            .spawn(move || {
                let result = connect(&path, durability).and_then(|connection| work(&connection));
                // Whoever asked may have gone away.
                drop(sender.send(result));
            })
            .map_err(|source| StoreError::File { path: self.inner.path.clone(), source })?;
        receiver.await.map_err(|_| StoreError::Closed)?
    }

    /// Writes a few rows in a transaction; returns when it is on the disk.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        write: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.inner.writer.run(Company::Shared, write).await
    }

    /// Writes many rows: as [`Store::write`], but in a transaction that is not shared.
    pub(crate) async fn write_many<T: Send + 'static>(
        &self,
        write: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.inner.writer.run(Company::Alone, write).await
    }
}

/// Opens a connection with what all of them need.
fn connect(path: &Path, durability: Durability) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "mmap_size", MMAP_BYTES)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.set_prepared_statement_cache_capacity(CACHED_STATEMENTS);
    match durability {
        // With FULL, what was committed survives a power cut; NORMAL only keeps the file whole.
        Durability::Full => connection.pragma_update(None, "synchronous", "FULL")?,
        Durability::Cache => {
            connection.pragma_update(None, "synchronous", "NORMAL")?;
            connection.pragma_update(None, "wal_autocheckpoint", CACHE_LOG_PAGES)?;
            // The last one to close a database would wait for the disk, if only to tidy up.
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        }
    }
    Ok(connection)
}

fn as_reader(connection: Connection) -> Result<Connection, StoreError> {
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

fn connect_writer(path: &Path, durability: Durability) -> Result<Connection, StoreError> {
    let connection = connect(path, durability)?;
    connection.pragma_update(None, "journal_size_limit", WAL_LIMIT_BYTES)?;
    connection.pragma_update(None, "cache_size", -WRITER_CACHE_KIB)?;
    Ok(connection)
}

/// SQLite gives its `-wal` and `-shm` files the mode of the database, so that one counts.
///
/// The file is only touched while it does not exist: closing a file drops all locks that the
/// process holds on it, also those of SQLite.
fn create_file(path: &Path) -> Result<(), StoreError> {
    let failed = |source| StoreError::File { path: path.to_owned(), source };
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        create_directory(parent).map_err(failed)?;
    }
    match create_private(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(failed(error)),
    }
}

fn create_directory(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// The change of the journal's mode does not wait for other processes by itself.
fn use_write_ahead_log(connection: &Connection) -> Result<(), StoreError> {
    const PAUSE: Duration = Duration::from_millis(20);
    let mut waited = Duration::ZERO;
    loop {
        match connection.pragma_update(None, "journal_mode", "WAL") {
            Ok(()) => return Ok(()),
            Err(error)
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
                    && waited < BUSY_TIMEOUT =>
            {
                thread::sleep(PAUSE);
                waited += PAUSE;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests;
