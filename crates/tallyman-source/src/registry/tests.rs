//! The registry client against a registry that answers whatever a test wants, and against a real
//! one where it is installed.

mod attached;
mod auth;
pub(crate) mod fake;
mod pull;
mod ranges;
mod real;
mod redirects;
