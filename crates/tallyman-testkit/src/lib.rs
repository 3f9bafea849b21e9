//! For tests only: a clock that stands still, layers, layouts.
//!
//! Everything panics on failure, as tests do.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

pub mod clock;
pub mod layer;
pub mod layout;
