//! All SQL: migrations, the work queue and the SQLite driver.
//!
//! [`store::Store`] is the way in; its methods stand beside their statements, an area a file.
//! Everything acknowledged is on the disk (WAL, `synchronous = FULL`): a process may be killed at
//! any moment. Nothing here scans, matches or talks to a network, and nothing asks for the time.

pub mod access_keys;
pub mod archives;
pub mod changes;
pub mod error;
pub mod findings;
pub mod ids;
pub mod images;
pub mod jobs;
pub mod layers;
pub mod maintenance;
pub mod nonces;
pub mod package_sets;
pub mod packages;
pub mod policies;
pub mod purge;
pub mod secret;
pub mod servers;
pub mod settings;
pub mod store;
pub mod suppressions;
pub mod users;
pub mod webhooks;

mod counters;
mod encoding;
mod migration;
mod packed_inventory;
mod pool;
mod statement;
mod writer;

#[cfg(test)]
mod samples;
