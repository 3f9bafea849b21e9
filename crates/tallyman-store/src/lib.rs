//! All SQL: migrations, the work queue and the SQLite driver.
