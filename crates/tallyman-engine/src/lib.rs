//! Use cases: scan, report, feed import, match, accounts and jobs.
//!
//! Start at [`installation::Installation`]; then [`scan`] for one image, [`fleet`] for what agents
//! report, [`jobs`] for what a server does by itself.

pub mod accounts;
pub mod advisories;
pub mod agent;
pub mod analysis;
pub mod api_client;
pub mod archives;
pub mod assess;
pub mod blocking;
pub mod changes;
pub mod directory;
pub mod feed_updates;
pub mod fleet;
pub mod host;
pub mod host_snapshot;
pub mod image_identity;
pub mod images;
pub mod installation;
pub mod jobs;
pub mod report;
pub mod risk;
pub mod sbom;
pub mod scan;
pub mod scan_attached;
pub mod scan_sbom;
pub mod suppress;
pub mod suppressions;
pub mod vex_attached;
pub mod vex_files;
pub mod vex_output;
pub mod webhooks;
