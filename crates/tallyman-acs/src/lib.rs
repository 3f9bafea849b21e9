//! Alibaba Cloud's RPC contract: parameters, signatures, RAM policies, errors and answers.
//!
//! Everything here is a function of its arguments: no I/O, no clock, no randomness, no web
//! framework and no domain. Start with [`signature`] for a request that comes in, [`answer`] for
//! what goes out and [`ram`] for whether it is allowed.

pub mod answer;
pub mod encoding;
pub mod error;
pub mod parameters;
pub mod ram;
pub mod request;
pub mod secret;
pub mod signature;
