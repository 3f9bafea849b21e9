//! Brings a database to the schema of this program: numbered files, applied once, in order.

use std::path::Path;

use rusqlite::Connection;

use crate::error::StoreError;
use crate::statement::{execute, fetch_one};

/// Marks the file as ours: "TLYM".
const APPLICATION_ID: i64 = 0x544c_594d;

/// All migrations in order; the version is the place in the list, counted from 1. A file that has
/// landed is never edited.
const MIGRATIONS: &[Migration] = &[
    Migration::sql("0001_initial", include_str!("../migrations/0001_initial.sql")),
    Migration::sql("0002_rpm_modules", include_str!("../migrations/0002_rpm_modules.sql")),
    Migration::sql("0003_archives", include_str!("../migrations/0003_archives.sql")),
    Migration {
        then: Some(crate::package_sets::convert),
        ..Migration::sql("0004_package_sets", include_str!("../migrations/0004_package_sets.sql"))
    },
    Migration::sql("0005_images_by_list", include_str!("../migrations/0005_images_by_list.sql")),
    Migration::sql("0006_suppressions", include_str!("../migrations/0006_suppressions.sql")),
    Migration::sql("0007_changes", include_str!("../migrations/0007_changes.sql")),
    Migration::sql("0008_suppressed", include_str!("../migrations/0008_suppressed.sql")),
    Migration::sql("0009_webhook_states", include_str!("../migrations/0009_webhook_states.sql")),
];

/// One step of the schema.
struct Migration {
    name: &'static str,
    sql: &'static str,
    /// What SQL cannot do.
    then: Option<Conversion>,
}

/// What brings rows over, in the migration's transaction.
type Conversion = fn(&Connection) -> Result<(), StoreError>;

impl Migration {
    const fn sql(name: &'static str, sql: &'static str) -> Self {
        Migration { name, sql, then: None }
    }
}

/// The newest version that this program knows.
pub(crate) fn newest() -> i64 {
    crate::encoding::count_of(MIGRATIONS.len())
}

/// Applies what is missing, and tells whether anything was. Another process may do the same at the
/// same time.
pub(crate) fn migrate(connection: &Connection, path: &Path) -> Result<bool, StoreError> {
    migrate_to(connection, path, newest())
}

/// Applies what is missing up to a version, and tells whether anything was.
pub(crate) fn migrate_to(
    connection: &Connection,
    path: &Path,
    version: i64,
) -> Result<bool, StoreError> {
    if current(connection, path)? >= version {
        return Ok(false);
    }
    connection.execute_batch("BEGIN IMMEDIATE")?;
    let result = apply_missing(connection, path, version);
    connection.execute_batch(if result.is_ok() { "COMMIT" } else { "ROLLBACK" })?;
    result.map(|()| true)
}

/// Returns the version of the database, 0 for an empty one.
pub(crate) fn current(connection: &Connection, path: &Path) -> Result<i64, StoreError> {
    let sql = "SELECT COUNT(*) FROM sqlite_master";
    let objects: i64 = fetch_one(connection, sql, [], |row| Ok(row.get(0)?))?;
    if objects == 0 {
        return Ok(0);
    }
    let id: i64 = connection.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    if id != APPLICATION_ID {
        return Err(StoreError::Foreign { path: path.to_owned() });
    }
    let sql = "SELECT COALESCE(MAX(version), 0) FROM schema_migration";
    let found = fetch_one(connection, sql, [], |row| Ok(row.get(0)?))?;
    if found > newest() {
        return Err(StoreError::NewerDatabase { path: path.to_owned(), found, known: newest() });
    }
    Ok(found)
}

fn apply_missing(connection: &Connection, path: &Path, up_to: i64) -> Result<(), StoreError> {
    let found = current(connection, path)?;
    if found == 0 {
        connection.pragma_update(None, "application_id", APPLICATION_ID)?;
        connection.execute_batch(
            "CREATE TABLE schema_migration (
                version INTEGER NOT NULL PRIMARY KEY,
                name TEXT NOT NULL
            ) STRICT",
        )?;
    }
    for (version, Migration { name, sql, then }) in
        (1..=up_to).zip(MIGRATIONS).skip_while(|(version, _)| *version <= found)
    {
        connection.execute_batch(sql)?;
        if let Some(then) = then {
            then(connection)?;
        }
        execute(
            connection,
            "INSERT INTO schema_migration (version, name) VALUES ($1, $2)",
            (version, name),
        )?;
    }
    Ok(())
}
