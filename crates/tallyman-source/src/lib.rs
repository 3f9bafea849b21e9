//! Where images and advisories come from: registries, container engines and their stores, layouts,
//! archives, directories; feeds of advisories ([`feeds`], [`download`]).
//!
//! Start with [`location::Location`] and [`open::Sources`]. Nothing here looks into a layer, and
//! nothing is kept between runs; [`engine`] talks to Docker and Podman, and [`layout_writer`]
//! makes images of its own.

pub mod bill_of_materials;
pub mod containerd;
pub mod containers_storage;
pub mod credentials;
pub mod directory;
pub mod download;
pub mod engine;
pub mod error;
pub mod feeds;
pub mod fuzzing;
pub mod http;
pub mod layout_writer;
pub mod listing;
pub mod location;
pub mod open;
pub mod options;
pub mod registry;
pub mod webhook;

mod archive;
mod background;
mod docker_archive;
mod document;
pub mod documents;
mod layout;
mod media_type;
mod resolve;
mod verify;

#[cfg(test)]
mod fixtures;
