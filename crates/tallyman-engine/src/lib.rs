//! Use cases: scan, report, feed import, match, accounts and jobs.
