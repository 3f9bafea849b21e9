//! Opening the database, and how its methods read and write.
//!
//! One thread writes (`crate::writer`), a few connections read. Another process may write to the
//! same file: a write begins with `BEGIN IMMEDIATE` and waits for its turn, and every read sees
//! what was committed before it began.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};
use tokio::sync::oneshot;

use crate::error::StoreError;
use crate::migration;
use crate::pool::ReaderPool;
use crate::secret::{MasterKey, create_private};
use crate::settings;
use crate::writer::Writer;

/// How long a write waits for another process before it fails.
const BUSY_TIMEOUT: Duration = Duration::from_secs(15);
/// Reads go to the page cache of the system without copying, up to this much of the file.
const MMAP_BYTES: i64 = 256 << 20;
/// The write-ahead log is cut back to this size after a burst.
const WAL_LIMIT_BYTES: i64 = 64 << 20;
const CACHED_STATEMENTS: usize = 128;
const DEFAULT_READERS: usize = 4;

/// How to open a [`Store`].
#[derive(Clone, Debug)]
pub struct StoreOptions {
    /// The database file; it and its directory are made where they do not exist.
    pub path: PathBuf,
    /// What seals the secrets.
    pub master_key: MasterKey,
    /// The number of connections that read.
    pub readers: usize,
}

impl StoreOptions {
    /// Returns the usual options.
    pub fn new(path: impl Into<PathBuf>, master_key: MasterKey) -> Self {
        StoreOptions { path: path.into(), master_key, readers: DEFAULT_READERS }
    }
}

/// The database. Clones share it.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    path: PathBuf,
    master_key: MasterKey,
    readers: ReaderPool,
    writer: Writer,
}

impl Store {
    /// Opens the database, makes it where there is none, and brings it to the current schema.
    ///
    /// It waits for the disk; call it before serving anything.
    pub fn open(options: StoreOptions) -> Result<Self, StoreError> {
        let path = options.path;
        create_file(&path)?;
        let writer = connect(&path)?;
        use_write_ahead_log(&writer)?;
        // With FULL, what was committed survives a power cut; NORMAL would only keep the file whole.
        writer.pragma_update(None, "synchronous", "FULL")?;
        writer.pragma_update(None, "journal_size_limit", WAL_LIMIT_BYTES)?;
        migration::migrate(&writer, &path)?;
        settings::ensure_account_id(&writer)?;
        let readers = (0..options.readers.max(1))
            .map(|_| {
                let reader = connect(&path)?;
                reader.pragma_update(None, "query_only", true)?;
                Ok(reader)
            })
            .collect::<Result<Vec<_>, StoreError>>()?;
        let writer = Writer::start(writer)
            .map_err(|source| StoreError::File { path: path.clone(), source })?;
        let inner = Inner {
            path,
            master_key: options.master_key,
            readers: ReaderPool::new(readers),
            writer,
        };
        Ok(Store { inner: Arc::new(inner) })
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
        let path = self.inner.path.clone();
        let (sender, receiver) = oneshot::channel();
        thread::Builder::new()
            .name("store-background".to_owned())
            .spawn(move || {
                let result = connect(&path).and_then(|connection| work(&connection));
                // Whoever asked may have gone away.
                drop(sender.send(result));
            })
            .map_err(|source| StoreError::File { path: self.inner.path.clone(), source })?;
        receiver.await.map_err(|_| StoreError::Closed)?
    }

    /// Writes in a transaction; returns when it is on the disk.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        write: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.inner.writer.run(write).await
    }
}

/// Opens a connection with what all of them need.
fn connect(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "mmap_size", MMAP_BYTES)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.set_prepared_statement_cache_capacity(CACHED_STATEMENTS);
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
