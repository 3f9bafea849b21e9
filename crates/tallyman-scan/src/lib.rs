//! Layer bytes in, inventory out: decompression, tar, analyzers and squash.
//!
//! Everything here is a pure function of its input and the limits (what layers of one image share of
//! those is counted in [`budget`]): no network, no clock, no
//! database, nothing written to disk, nothing of an image executed or followed. Start at
//! [`layer::analyze_layer`], [`toc::analyze_by_toc`] and [`squash::squash`], at [`sbom::read_sbom`] for
//! what others found; a new analyzer is one line in `analyzers.rs`.

pub mod analyzers;
pub mod architecture;
pub mod attestation;
mod bounded;
pub mod budget;
mod buffered;
mod collect;
mod decompress;
pub mod error;
pub mod interest;
pub mod layer;
mod path;
pub mod sbom;
pub mod squash;
mod stored;
mod tar;
#[cfg(test)]
mod testing;
pub mod toc;
mod zip;
