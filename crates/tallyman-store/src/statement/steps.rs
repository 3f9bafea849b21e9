//! In tests, the steps of SQLite's machine that statements took are counted for each database: work
//! that can be compared without a clock.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use rusqlite::{Connection, Statement, StatementStatus};

static STEPS: Mutex<BTreeMap<String, i64>> = Mutex::new(BTreeMap::new());

pub(super) fn add(connection: &Connection, statement: &Statement<'_>) {
    let steps = i64::from(statement.reset_status(StatementStatus::VmStep));
    let path = connection.path().unwrap_or_default().to_owned();
    *STEPS.lock().unwrap_or_else(PoisonError::into_inner).entry(path).or_default() += steps;
}

/// Returns the steps that were taken on the database of this path.
pub(crate) fn taken(path: &str) -> i64 {
    STEPS.lock().unwrap_or_else(PoisonError::into_inner).get(path).copied().unwrap_or_default()
}
