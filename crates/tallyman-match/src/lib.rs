//! Advisories and version order: feeds in, a compiled index, findings out.
//!
//! Start at `database.rs` (what is stored and how it is filled), `index.rs` (the compiled file)
//! and `matcher.rs` (the answer for a package version). `feed/` and `version/` hold one file for
//! each format and for each order; `vex/` reads what says that findings do not count.

mod attribution;
mod container;
pub mod database;
pub mod feed;
pub mod fuzzing;
pub mod index;
pub mod matcher;
mod range;
pub mod rating;
mod record;
mod release;
pub mod signing;
pub mod snapshot;
pub mod version;
pub mod vex;
