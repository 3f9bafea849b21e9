//! Health, backup, and what is done to the file as a whole.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::backup::Backup;

use crate::encoding::to_unsigned;
use crate::error::StoreError;
use crate::migration;
use crate::secret::{create_private, sync_directory_of};
use crate::statement::fetch_one;
use crate::store::Store;

/// All pages in one step: the copy is of one moment, and a writer does not make it start again.
const ALL_PAGES: i32 = i32::MAX;
const PAUSE: Duration = Duration::from_millis(50);

/// How the database is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Health {
    /// The version of the schema.
    pub schema_version: i64,
    /// The size of the database file.
    pub database_bytes: u64,
    /// The size of the write-ahead log.
    pub wal_bytes: u64,
}

impl Store {
    /// Reads from the database and goes through its writer once; an answer means that both work.
    ///
    /// It waits for as long as another process writes: give it a time limit.
    pub async fn health(&self) -> Result<Health, StoreError> {
        let schema_version =
            self.read(|connection| migration::current(connection, self.path())).await?;
        self.write(|_| Ok(())).await?;
        let mut wal = self.path().as_os_str().to_owned();
        wal.push("-wal");
        Ok(Health {
            schema_version,
            database_bytes: fs::metadata(self.path()).map_or(0, |metadata| metadata.len()),
            wal_bytes: fs::metadata(wal).map_or(0, |metadata| metadata.len()),
        })
    }

    /// Returns how many rows this process has written since it opened the database.
    pub async fn rows_written(&self) -> Result<u64, StoreError> {
        self.write(|connection| Ok(connection.total_changes())).await
    }

    /// Copies the database as it is at one moment into a new file (mode 0600), while others read
    /// and write. The file appears when it is complete.
    ///
    /// The secrets in it stay sealed: keep the master key file apart, and keep it.
    pub async fn backup_to(&self, path: &Path) -> Result<(), StoreError> {
        let to = path.to_owned();
        self.in_background(move |source| back_up(source, &to)).await
    }

    /// Returns how many rows a table that grows with the fleet has; for metrics.
    pub async fn count_rows(&self, table: CountedTable) -> Result<u64, StoreError> {
        self.read(|connection| {
            fetch_one(connection, table.sql(), [], |row| to_unsigned("COUNT(*)", row.get(0)?))
        })
        .await
    }
}

/// A table that grows with the fleet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CountedTable {
    /// Servers.
    Servers,
    /// Images.
    Images,
    /// Analysed layers.
    Layers,
    /// Package versions.
    PackageVersions,
    /// Findings.
    Findings,
}

impl CountedTable {
    fn sql(self) -> &'static str {
        match self {
            CountedTable::Servers => "SELECT COUNT(*) FROM server",
            CountedTable::Images => "SELECT COUNT(*) FROM image",
            CountedTable::Layers => "SELECT COUNT(*) FROM layer",
            CountedTable::PackageVersions => "SELECT COUNT(*) FROM package_version",
            CountedTable::Findings => "SELECT COUNT(*) FROM finding",
        }
    }
}

fn back_up(source: &Connection, to: &Path) -> Result<(), StoreError> {
    let mut draft = to.as_os_str().to_owned();
    draft.push(".part");
    let draft = PathBuf::from(draft);
    let failed = |source: io::Error| StoreError::File { path: to.to_owned(), source };
    if to.exists() {
        return Err(failed(io::ErrorKind::AlreadyExists.into()));
    }
    // Left by a backup that was interrupted.
    drop(fs::remove_file(&draft));
    create_private(&draft).map_err(failed)?;
    let copied = copy(source, &draft)
        .and_then(|()| fs::rename(&draft, to).map_err(failed))
        .and_then(|()| sync_directory_of(to).map_err(failed));
    if copied.is_err() {
        // It may be gone already.
        drop(fs::remove_file(&draft));
    }
    copied
}

fn copy(source: &Connection, to: &Path) -> Result<(), StoreError> {
    let mut target = Connection::open(to)?;
    {
        let backup = Backup::new(source, &mut target)?;
        backup.run_to_completion(ALL_PAGES, PAUSE, None)?;
    }
    target.close().map_err(|(_, error)| error)?;
    fs::File::open(to)
        .and_then(|file| file.sync_all())
        .map_err(|error| StoreError::File { path: to.to_owned(), source: error })
}

#[cfg(test)]
mod tests;
