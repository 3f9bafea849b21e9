//! The agent: finds this host's images, analyses the layers that the server does not know, and
//! reports.

pub mod client;
pub mod collect;
pub mod protocol;
