//! The words of the product: references, digests, packages, inventories, advisories and findings.
//!
//! Everything here is plain data and parsing: no I/O, no SQL, no names of any wire. The other
//! crates meet only in these types.

pub mod advisory;
pub mod clock;
pub mod coverage;
pub mod digest;
pub mod distribution;
pub mod finding;
pub mod finding_state;
pub mod host;
pub mod ignore;
pub mod image;
pub mod inventory;
pub mod limits;
pub mod package;
pub mod package_url;
pub mod platform;
pub mod priority;
pub mod reference;
pub mod severity;
pub mod vex;
pub mod vulnerability;
