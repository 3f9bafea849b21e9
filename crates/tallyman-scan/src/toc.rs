//! The analysis of a layer by its table of contents: only the files that an analyzer wants are
//! fetched, and the inventory is that of the whole layer.
//!
//! Nothing that is fetched counts before it is verified: the table against the digest that the
//! manifest states, each chunk of a file against the digest that the table states. `document` reads
//! the table, `programs` decides what of programs is needed, `spans` plans what is fetched, `unpack`
//! opens and verifies, and `tar_stream` makes a tar of it all, which the collector reads like any
//! other. The digest of the layer itself stays
//! unknown: see [`key`] for what such a result may be filed under.

mod document;
mod elf;
mod locate;
mod parts;
mod programs;
mod spans;
mod tar_stream;
mod unpack;

use std::io::{self, Read};
use std::ops::Range;

use ring::digest::{SHA256, digest};
use tallyman_model::digest::Digest;
use tallyman_model::image::{LayerToc, TocFormat};
use tallyman_model::inventory::LayerInventory;
use tallyman_model::limits::Limits;

use crate::analyzers::Want;
use crate::budget::Budget;
use crate::collect;
use crate::decompress::check_size;
use crate::error::LayerError;
use crate::tar::EntryKind;
use crate::toc::document::{Toc, TocEntry};
use crate::toc::locate::Located;
use crate::toc::parts::Fetcher;
use crate::toc::spans::SpanReader;
use crate::toc::tar_stream::TocTar;

/// Reads ranges of a layer's stored bytes, which come one after the other as one stream.
pub type ReadRanges<'a> = dyn Fn(&[Range<u64>]) -> io::Result<Box<dyn Read + 'a>> + 'a;

/// A layer that is not to be read as a whole.
pub struct TocInput<'a> {
    /// The table of contents, as the manifest names it.
    pub toc: &'a LayerToc,
    /// The stored bytes of the layer.
    pub size_bytes: u64,
    /// How they are read.
    pub read: &'a ReadRanges<'a>,
}

/// What a layer's table of contents led to.
#[derive(Debug)]
pub enum TocOutcome {
    /// What the layer holds.
    Inventory(LayerInventory),
    /// The table cannot be used, or nothing would be gained: the layer is to be read as a whole.
    ReadWhole {
        /// Why, in words.
        reason: String,
    },
}

/// Analyses a layer by its table of contents.
///
/// The inventory is that of a full read, but for `uncompressed_bytes`: of a tar's extended headers a
/// table of contents does not tell.
pub fn analyze_by_toc(input: TocInput<'_>, budget: &Budget) -> Result<TocOutcome, LayerError> {
    match read_toc(&input, budget.limits()) {
        Ok((toc, located)) => analyze(&input, toc, &located, budget),
        // Whatever is wrong with the table: the layer itself may be sound, and says so itself.
        Err(reason) => Ok(TocOutcome::ReadWhole { reason }),
    }
}

/// Returns what the result of [`analyze_by_toc`] is filed under, which is no digest of any bytes.
///
/// The layer's own digest will not do: its bytes were not read, so an image could pair the digest of
/// somebody else's layer with a table of its own, and its result would be taken for that layer's.
pub fn key(layer: &Digest, toc: &LayerToc) -> Digest {
    let format = match toc.format {
        TocFormat::Estargz => "estargz",
        TocFormat::ZstdChunked { .. } => "zstd:chunked",
    };
    let text = format!("layer {layer}\nread by table of contents\n{format} {}\n", toc.digest);
    let hash = digest(&SHA256, text.as_bytes());
    Digest::from_sha256(hash.as_ref().try_into().expect("SHA-256 gives 32 bytes"))
}

fn read_toc(input: &TocInput<'_>, limits: &Limits) -> Result<(Toc, Located), String> {
    let located = locate::locate(input.toc, input.size_bytes, input.read)?;
    let mut json = locate::open(input.toc, &located, input.read)?;
    let toc = document::parse(&mut json, located.content_end, limits);
    // What was parsed counts only if it is what the manifest names.
    json.verify()?;
    let mut toc = toc?;
    if let TocFormat::Estargz = input.toc.format {
        // The table is the last entry of the tar, and does not list itself.
        toc.entries.push(TocEntry {
            path: locate::ESTARGZ_TOC.into(),
            link: "".into(),
            kind: EntryKind::Regular,
            size: json.total(),
            mode: 0,
            first_chunk: None,
            want: Want::Nothing,
        });
    }
    Ok((toc, located))
}

fn analyze(
    input: &TocInput<'_>,
    mut toc: Toc,
    located: &Located,
    budget: &Budget,
) -> Result<TocOutcome, LayerError> {
    let content = toc.entries.iter().fold(0, |sum: u64, entry| sum.saturating_add(entry.size));
    check_size(content, input.size_bytes, budget.limits())?;
    programs::narrow(&mut toc, &mut Fetcher::new(input.read, located.packing))?;
    let spans = spans::plan(&toc.chunks);
    let wanted = spans::total(&spans);
    if wanted > input.size_bytes / 2 {
        // Then the rest is worth the knowledge of the layer's digest.
        let reason = format!("{wanted} of its {} bytes are wanted", input.size_bytes);
        return Ok(TocOutcome::ReadWhole { reason });
    }
    let stream: Box<dyn Read> = match spans.is_empty() {
        true => Box::new(io::empty()),
        false => (input.read)(&spans).map_err(LayerError::Read)?,
    };
    let stored = SpanReader::new(stream, spans);
    let mut tar = TocTar::new(&toc, located.packing, stored).map_err(LayerError::Read)?;
    let mut inventory = collect::read_tar(&mut tar, budget)?;
    inventory.uncompressed_bytes = tar.total();
    budget.take_uncompressed(tar.total())?;
    Ok(TocOutcome::Inventory(inventory))
}

#[cfg(test)]
mod tests;
