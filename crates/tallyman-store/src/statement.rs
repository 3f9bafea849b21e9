//! Running one statement: prepared once per connection, parameters bound by number.

use rusqlite::{CachedStatement, Connection, Params, Row};

use crate::error::StoreError;

/// Runs a statement that returns no rows; returns the number of rows it changed.
pub(crate) fn execute(
    connection: &Connection,
    sql: &str,
    params: impl Params,
) -> Result<usize, StoreError> {
    let mut statement = prepare(connection, sql)?;
    let changed = statement.execute(params)?;
    #[cfg(test)]
    steps::add(connection, &statement);
    Ok(changed)
}

/// Runs a statement and returns all its rows.
pub(crate) fn fetch_all<T>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
    read: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    let mut statement = prepare(connection, sql)?;
    let rows = statement.query_and_then(params, read)?.collect();
    #[cfg(test)]
    steps::add(connection, &statement);
    rows
}

/// Runs a statement and returns its first row, if there is one.
pub(crate) fn fetch_optional<T>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
    read: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
) -> Result<Option<T>, StoreError> {
    let mut statement = prepare(connection, sql)?;
    let row = statement.query_and_then(params, read)?.next().transpose();
    #[cfg(test)]
    steps::add(connection, &statement);
    row
}

/// Runs a statement that returns exactly one row.
pub(crate) fn fetch_one<T>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
    read: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    fetch_optional(connection, sql, params, read)?
        .ok_or(StoreError::Database(rusqlite::Error::QueryReturnedNoRows))
}

fn prepare<'c>(connection: &'c Connection, sql: &str) -> Result<CachedStatement<'c>, StoreError> {
    let statement = connection.prepare_cached(sql)?;
    // PostgreSQL reads `$2` as the second parameter; SQLite reads it as a name and counts names in
    // the order in which they first appear. The two agree while that order is 1, 2, 3.
    debug_assert!(
        (1..=statement.parameter_count())
            .all(|index| statement.parameter_name(index) == Some(format!("${index}").as_str())),
        "parameters first appear in the order $1, $2, …: {sql}"
    );
    #[cfg(test)]
    plan::check(connection, sql)?;
    Ok(statement)
}

#[cfg(test)]
mod plan;
#[cfg(test)]
pub(crate) mod steps;
