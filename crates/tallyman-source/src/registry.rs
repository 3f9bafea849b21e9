//! Images in registries (OCI distribution-spec, "Pull"; Docker Registry v2 authentication).
//!
//! `transport` sends one request and decides which addresses may be talked to, `session` adds
//! credentials and patience, `image` asks for manifests, `blob` hands out layers, `ranges` single
//! parts of them, `attached` looks for bills of materials.

pub(crate) mod address;
mod artifact;
pub mod attached;
mod blob;
pub(crate) mod challenge;
pub mod facts;
pub(crate) mod image;
pub(crate) mod ranges;
pub(crate) mod reply;
pub(crate) mod resolver;
pub(crate) mod session;
pub(crate) mod tls;
pub(crate) mod toc;
pub(crate) mod token;
pub(crate) mod transport;

#[cfg(test)]
pub(crate) mod tests;
