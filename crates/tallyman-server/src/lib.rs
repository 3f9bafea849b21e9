//! The HTTP side: API actions, the agent endpoint and health.
//!
//! [`http`] accepts connections and routes; [`gateway`] decides who is calling and whether they
//! may; [`api`] holds the actions; [`agent`] is where agents report.

mod agent;
mod api;
mod gateway;
mod http;
mod nonces;
mod state;

pub use crate::http::{Server, ServerError};
