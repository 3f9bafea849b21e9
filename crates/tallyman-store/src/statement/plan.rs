//! In tests, every statement that is run must find its rows by an index.

use rusqlite::types::Null;
use rusqlite::{Connection, params_from_iter};

/// Statements that go through a whole table on purpose, by a part of their text.
const SCANS: &[&str] = &[
    // Metrics.
    "SELECT COUNT(*) FROM",
    "FROM job GROUP BY kind, state",
    // Small tables.
    "FROM sqlite_master",
    "FROM schema_migration",
    "FROM setting ORDER BY name",
    "FROM access_key ORDER BY access_key_id",
    "FROM vex_document",
    "FROM ignore_rule",
    // A page of servers by something else than their UUID; the columns read are short.
    "FROM server WHERE 1 = 1",
    // When it is not known what changed.
    "UPDATE package_version SET matched_revision = NULL WHERE matched_revision IS NOT NULL",
    // When statements or rules changed, which may use any name of a vulnerability.
    "SELECT DISTINCT package_version_id FROM finding",
    // A purge, once in a while.
    "DELETE FROM image WHERE",
    "FROM layer\n         WHERE analyzed_at <",
    "DELETE FROM layer_inventory",
    // A few rows each.
    "FROM webhook ORDER BY webhook_id",
    "FROM advisory_revision",
    // Up to the first row that is kept.
    "ORDER BY sequence LIMIT 1",
    "ORDER BY change_id LIMIT 1",
    "FROM sqlite_sequence",
    // As large as what differs.
    "FROM state_change",
    "FROM stale_set",
    "FROM suppression_change",
    "DELETE FROM suppression_set",
    "SELECT EXISTS (SELECT 1 FROM suppression_set)",
];

/// A partial index holds only what is looked for.
const PARTIAL_INDEXES: &[&str] = &[
    "package_version_unmatched",
    "package_list_uncounted",
    "job_lease",
    "server_image_suppressed",
];

pub(super) fn check(connection: &Connection, sql: &str) -> rusqlite::Result<()> {
    if SCANS.iter().any(|part| sql.contains(part)) {
        return Ok(());
    }
    let mut explain = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}"))?;
    let nulls = vec![Null; explain.parameter_count()];
    let steps = explain
        .query_map(params_from_iter(nulls), |row| row.get::<_, String>(3))?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    for step in &steps {
        let is_scan = step.starts_with("SCAN ")
            && !step.contains("VIRTUAL TABLE")
            && !step.contains("CONSTANT ROW")
            && !is_subquery(step)
            && !PARTIAL_INDEXES.iter().any(|index| step.contains(index));
        assert!(!is_scan, "{sql}\n{steps:#?}");
    }
    Ok(())
}

/// The rows of a part of the statement itself.
fn is_subquery(step: &str) -> bool {
    ["SCAN sums", "SCAN shift", "SCAN used", "SCAN numbered"].contains(&step)
        || step.starts_with("SCAN (subquery-")
}
