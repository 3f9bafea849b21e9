//! How an inventory stands in its column: a small binary form, compressed. A warm scan reads one for
//! each layer of its image, and most of what it costs was to read them from JSON.
//!
//! # Layout, version 1
//! One byte `1`, then a zstd frame that names the size of its content. In it, a *number* is a LEB128
//! varint, a *text* is the number of its bytes and the bytes, a *list* is the number of its elements
//! and the elements, a *key* is eight bytes, little endian.
//!
//! | part | content |
//! |---|---|
//! | files | list: path (text), analyzer (text), kind of the evidence (byte), evidence |
//! | hides, opaque | lists of keys |
//! | diagnostics | list: path (text), kind (byte), reason (text) |
//! | entries, uncompressed bytes | numbers |
//!
//! A package is its ecosystem (byte), which of its optional parts it has (byte: 1 architecture, 2
//! source, 4 module), name, version and those parts (texts). What is rare stands as JSON (text).
//!
//! Earlier versions of the program stored JSON in a zstd frame, whose first byte is another; that is
//! still read.

mod reader;
mod writer;

use std::io::{self, Write};

use tallyman_model::digest::Digest;
use tallyman_model::inventory::LayerInventory;
use tallyman_model::package::Ecosystem;
use zstd::bulk::Decompressor;

use crate::encoding::{from_zstd_json, write_json};
use crate::error::StoreError;

const VERSION: u8 = 1;
const COLUMN: &str = "layer_inventory.inventory";
/// The level that `zstd` itself takes by default.
const COMPRESSION_LEVEL: i32 = 3;
/// No inventory within the limits is as large.
const UNPACKED_MAX: usize = 1 << 30;

const HAS_ARCHITECTURE: u8 = 1;
const HAS_SOURCE: u8 = 2;
const HAS_MODULE: u8 = 4;

const DISTRIBUTION: u8 = 0;
const PACKAGES: u8 = 1;
const NESTED: u8 = 2;
const ARCHIVE: u8 = 3;
const OWNED_FILES: u8 = 4;
const ALERT: u8 = 5;

/// Returns the digest of an inventory, by which equal ones are known, and its packed form.
///
/// The digest is that of the JSON: it is the same whatever the packed form is.
pub(crate) fn pack(inventory: &LayerInventory) -> Result<(Digest, Vec<u8>), StoreError> {
    let digest = write_json(inventory, io::sink())?;
    let mut size = Counter(0);
    writer::write(inventory, &mut size).map_err(StoreError::Compress)?;
    let packed = compress(inventory, size.0).map_err(StoreError::Compress)?;
    Ok((digest, packed))
}

/// What is written is never there as a whole: of an image that is made to be large it would be large.
fn compress(inventory: &LayerInventory, size: u64) -> io::Result<Vec<u8>> {
    let mut encoder = zstd::Encoder::new(vec![VERSION], COMPRESSION_LEVEL)?;
    encoder.set_pledged_src_size(Some(size))?;
    encoder.include_contentsize(true)?;
    let mut buffered = io::BufWriter::with_capacity(64 << 10, encoder);
    writer::write(inventory, &mut buffered)?;
    buffered.into_inner().map_err(io::IntoInnerError::into_error)?.finish()
}

struct Counter(u64);

impl Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Unpacks one inventory after the other.
pub(crate) struct Unpacker {
    decompressor: Decompressor<'static>,
    unpacked: Vec<u8>,
}

impl Unpacker {
    pub(crate) fn new() -> Result<Self, StoreError> {
        let decompressor = Decompressor::new().map_err(|error| corrupt(&error.to_string()))?;
        Ok(Unpacker { decompressor, unpacked: Vec::new() })
    }

    pub(crate) fn unpack(&mut self, packed: &[u8]) -> Result<LayerInventory, StoreError> {
        let Some((&VERSION, frame)) = packed.split_first() else {
            return from_zstd_json(COLUMN, packed);
        };
        let size = Decompressor::<'_>::upper_bound(frame).filter(|size| *size <= UNPACKED_MAX);
        let size = size.ok_or_else(|| corrupt("its size is missing or too large"))?;
        self.unpacked.clear();
        self.unpacked.reserve_exact(size);
        self.decompressor
            .decompress_to_buffer(frame, &mut self.unpacked)
            .map_err(|error| corrupt(&error.to_string()))?;
        reader::read(&self.unpacked).ok_or_else(|| corrupt("it ends early or holds what it cannot"))
    }
}

fn corrupt(reason: &str) -> StoreError {
    StoreError::Corrupt { what: COLUMN, reason: reason.to_owned() }
}

/// The numbers are part of the layout: they never change.
const ECOSYSTEMS: [(Ecosystem, u8); Ecosystem::ALL.len()] = [
    (Ecosystem::Deb, 1),
    (Ecosystem::Apk, 2),
    (Ecosystem::Rpm, 3),
    (Ecosystem::Alpm, 4),
    (Ecosystem::Ebuild, 5),
    (Ecosystem::Opkg, 6),
    (Ecosystem::PyPi, 7),
    (Ecosystem::Npm, 8),
    (Ecosystem::Go, 9),
    (Ecosystem::Cargo, 10),
    (Ecosystem::Maven, 11),
    (Ecosystem::Gem, 12),
    (Ecosystem::Composer, 13),
    (Ecosystem::NuGet, 14),
    (Ecosystem::Pub, 15),
    (Ecosystem::Hex, 16),
    (Ecosystem::Swift, 17),
    (Ecosystem::Hackage, 18),
    (Ecosystem::Cran, 19),
    (Ecosystem::LuaRocks, 20),
    (Ecosystem::Conan, 21),
    (Ecosystem::Conda, 22),
    (Ecosystem::Generic, 23),
];

#[cfg(test)]
mod tests;
