//! Tests of the crate through its public API.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod round_trip;
mod vectors;
