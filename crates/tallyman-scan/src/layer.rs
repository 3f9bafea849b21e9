//! The analysis of one layer: stored bytes in, verified digest and inventory out.

use std::io::Read;

use tallyman_model::digest::{Algorithm, Digest};
use tallyman_model::image::Compression;
use tallyman_model::inventory::LayerInventory;

use crate::budget::Budget;
use crate::collect;
use crate::decompress::TarStream;
use crate::error::LayerError;
use crate::stored::StoredReader;

/// A layer to analyse.
pub struct LayerInput<'a> {
    /// The bytes as they are stored or sent.
    pub reader: &'a mut dyn Read,
    /// How they are said to be packed. What the bytes themselves show goes first, as
    /// it does for the engines.
    pub compression: Compression,
    /// The digest that they must have; without one, SHA-256 is computed.
    pub expected: Option<&'a Digest>,
    /// The size that they must have, if it is known.
    pub size_bytes: Option<u64>,
}

/// A layer that was read to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnalyzedLayer {
    /// The digest of the bytes that were really read.
    pub digest: Digest,
    /// What they hold.
    pub inventory: LayerInventory,
}

/// Analyses a layer; `progress` is told how many stored bytes have been read.
///
/// Whatever is wrong with the content, the input is read to its end and its digest compared
/// first: an error other than [`LayerError::DigestMismatch`] and [`LayerError::SizeMismatch`] is
/// an error of the layer with that digest, not of a source that sent something else.
pub fn analyze_layer(
    input: LayerInput<'_>,
    budget: &Budget,
    progress: &dyn Fn(u64),
) -> Result<AnalyzedLayer, LayerError> {
    let algorithm = input.expected.map_or(Algorithm::Sha256, Digest::algorithm);
    let max_bytes = budget.limits().layer_bytes;
    let mut stored =
        StoredReader::new(input.reader, progress, algorithm, max_bytes, input.size_bytes);
    let inventory = match read_inventory(&mut stored, input.compression, budget) {
        Err(error) if error.ends_the_input() => return Err(error),
        inventory => inventory,
    };
    let digest = stored.finish()?;
    match input.expected {
        Some(expected) if *expected != digest => {
            Err(LayerError::DigestMismatch { expected: expected.clone(), found: digest })
        }
        _ => Ok(AnalyzedLayer { digest, inventory: inventory? }),
    }
}

fn read_inventory(
    stored: &mut StoredReader<'_>,
    declared: Compression,
    budget: &Budget,
) -> Result<LayerInventory, LayerError> {
    let mut stream = TarStream::open(stored, declared, budget)?;
    let mut inventory = collect::read_tar(&mut stream, budget)?;
    stream.drain()?;
    if stream.total() == 0 {
        // An empty tar has two blocks; nothing at all is a source that failed quietly.
        return Err(LayerError::Tar { offset: 0, reason: "the layer is empty" });
    }
    inventory.uncompressed_bytes = stream.total();
    if stream.has_trailing_garbage() {
        collect::add_garbage_diagnostic(&mut inventory);
    }
    Ok(inventory)
}

#[cfg(test)]
mod tests;
