//! Layers: as they are stored, as tars, by their table of contents, and several on one another.

use std::collections::HashMap;
use std::io::{self, Cursor, Read};
use std::ops::Range;

use ring::digest::{SHA256, digest};
use tallyman_model::digest::Digest;
use tallyman_model::image::{Compression, LayerToc, TocFormat};
use tallyman_model::inventory::{Evidence, LayerInventory};
use tallyman_model::limits::Limits;
use tallyman_scan::budget::Budget;
use tallyman_scan::layer::{LayerInput, analyze_layer};
use tallyman_scan::squash::squash;
use tallyman_scan::toc::{TocInput, TocOutcome, analyze_by_toc};

const BLOCK: usize = 512;

/// What a mutated file may unpack to: more would only cost time.
const UNPACKED_BYTES: u64 = 32 << 20;

fn limits() -> Limits {
    Limits { layer_uncompressed_bytes: UNPACKED_BYTES, ..Limits::default() }
}

fn read(bytes: &[u8]) -> Option<LayerInventory> {
    let mut reader = bytes;
    let input = LayerInput {
        reader: &mut reader,
        compression: Compression::None,
        expected: None,
        size_bytes: None,
    };
    let budget = Budget::new(limits());
    let layer = analyze_layer(input, &budget, &|_| {}).ok()?;
    check(&layer.inventory, budget.limits());
    Some(layer.inventory)
}

/// Nothing in an inventory names a place outside the image, and everything is bounded and ordered.
fn check(inventory: &LayerInventory, limits: &Limits) {
    let is_inside = |path: &str| {
        !path.starts_with('/') && !path.contains('\0') && path.split('/').all(|part| part != "..")
    };
    assert!(inventory.files.iter().all(|file| is_inside(&file.path)), "a path leaves the image");
    assert!(inventory.files.is_sorted_by(|a, b| (&a.path, &a.analyzer) <= (&b.path, &b.analyzer)));
    assert!(inventory.hides.is_sorted() && inventory.opaque.is_sorted());
    assert!(inventory.diagnostics.len() <= limits.diagnostics + 1, "too many diagnostics");
    assert!(inventory.entries <= limits.layer_entries, "too many entries");
    assert!(inventory.uncompressed_bytes <= limits.layer_uncompressed_bytes, "too many bytes");
    let packages = inventory.files.iter().map(|file| match &file.evidence {
        Evidence::Packages(packages) | Evidence::Nested { packages, .. } => packages.len(),
        Evidence::Archive { .. } => 1,
        Evidence::Distribution(_) | Evidence::OwnedFiles(_) | Evidence::Alert(_) => 0,
    });
    assert!(packages.sum::<usize>() <= limits.layer_packages, "too many packages");
}

/// A layer as it is stored, in whatever it is packed.
pub(super) fn layer(bytes: &[u8]) {
    read(bytes);
}

/// A tar. Its headers get the right checksums, which chance would not find.
pub(super) fn tar(bytes: &[u8]) {
    read(&sealed(bytes));
}

/// The layers of an image, one after the other: each tar ends where two blocks of zeros stand.
pub(super) fn squash_layers(bytes: &[u8]) {
    let mut layers = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() && layers.len() < 4 {
        let end =
            rest.chunks(BLOCK).take_while(|block| block.iter().any(|byte| *byte != 0)).count();
        let (layer, after) = rest.split_at((end * BLOCK).min(rest.len()));
        layers.extend(read(&sealed(layer)));
        rest = after.get(2 * BLOCK..).unwrap_or_default();
    }
    let image = squash(&layers, &HashMap::new());
    assert!(image.packages.iter().all(|item| item.layer < layers.len()), "of a layer that is not");
    assert!(image.packages.is_sorted() && image.diagnostics.is_sorted());
}

/// Walks over the headers as a reader would, and writes the checksum of each.
pub(super) fn sealed(bytes: &[u8]) -> Vec<u8> {
    let mut tar = bytes.to_vec();
    let mut at = 0_usize;
    while let Some(block) = tar.get_mut(at..at.saturating_add(BLOCK)) {
        if block.iter().any(|byte| *byte != 0) {
            block[148..156].copy_from_slice(b"        ");
            let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
            block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        }
        let digits = String::from_utf8_lossy(&block[124..136]).into_owned();
        let digits = digits.trim_matches(|c: char| c == '\0' || c == ' ');
        let size = usize::from_str_radix(digits, 8).unwrap_or(0);
        at = at.saturating_add(BLOCK).saturating_add(size.next_multiple_of(BLOCK));
    }
    tar
}

/// The JSON of a table of contents and, after a NUL, the content that it speaks of.
fn table_and_content(bytes: &[u8]) -> (&[u8], &[u8]) {
    let at = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    (bytes.get(..at).unwrap_or_default(), bytes.get(at.saturating_add(1)..).unwrap_or_default())
}

/// An eStargz layer with any table of contents.
pub(super) fn toc_estargz(bytes: &[u8]) {
    let (json, content) = table_and_content(bytes);
    let mut tar = vec![0; BLOCK];
    tar[..17].copy_from_slice(b"stargz.index.json");
    tar[124..136].copy_from_slice(format!("{:011o}\0", json.len()).as_bytes());
    tar[156] = b'0';
    tar[257..265].copy_from_slice(b"ustar\x0000");
    tar.extend(json);
    tar.resize(tar.len().next_multiple_of(BLOCK) + 2 * BLOCK, 0);
    let mut layer = content.to_vec();
    let offset = layer.len();
    layer.extend(stored_gzip(&sealed(&tar)));
    layer.extend([0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 255, 26, 0, b'S', b'G', 22, 0]);
    layer.extend(format!("{offset:016x}STARGZ").bytes());
    layer.extend(b"\x01\0\0\xff\xff\0\0\0\0\0\0\0\0");
    read_by_toc(&layer, &LayerToc { format: TocFormat::Estargz, digest: sha256(json) });
}

/// A zstd:chunked layer with any table of contents.
pub(super) fn toc_zstd_chunked(bytes: &[u8]) {
    let (json, content) = table_and_content(bytes);
    let frame = raw_zstd(json);
    let mut layer = content.to_vec();
    layer.extend(b"\x50\x2a\x4d\x18");
    layer.extend(u32::try_from(frame.len()).unwrap_or(u32::MAX).to_le_bytes());
    let (offset, length) = (layer.len() as u64, frame.len() as u64);
    let toc =
        LayerToc { format: TocFormat::ZstdChunked { offset, length }, digest: sha256(&frame) };
    layer.extend(frame);
    read_by_toc(&layer, &toc);
}

fn read_by_toc(layer: &[u8], toc: &LayerToc) {
    let read = |ranges: &[Range<u64>]| -> io::Result<Box<dyn Read>> {
        let mut bytes = Vec::new();
        for range in ranges {
            let [start, end] = [range.start, range.end].map(|it| usize::try_from(it).unwrap_or(0));
            bytes.extend(layer.get(start..end).ok_or(io::ErrorKind::UnexpectedEof)?);
        }
        Ok(Box::new(Cursor::new(bytes)))
    };
    let budget = Budget::new(limits());
    let input = TocInput { toc, size_bytes: layer.len() as u64, read: &read };
    if let Ok(TocOutcome::Inventory(inventory)) = analyze_by_toc(input, &budget) {
        check(&inventory, budget.limits());
    }
}

fn sha256(bytes: &[u8]) -> Digest {
    let hash = digest(&SHA256, bytes);
    Digest::from_sha256(hash.as_ref().try_into().expect("SHA-256 gives 32 bytes"))
}

/// A gzip member of stored blocks (RFC 1951, section 3.2.4).
fn stored_gzip(bytes: &[u8]) -> Vec<u8> {
    let mut member = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    let blocks = bytes.chunks(0xffff);
    let last = blocks.len().saturating_sub(1);
    for (index, block) in blocks.enumerate() {
        let length = u16::try_from(block.len()).unwrap_or(u16::MAX);
        member.push(u8::from(index == last));
        member.extend(length.to_le_bytes());
        member.extend((!length).to_le_bytes());
        member.extend(block);
    }
    member.extend(crc32(bytes).to_le_bytes());
    member.extend(u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes());
    member
}

/// RFC 1952, section 8.
pub(super) fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 }
        })
    })
}

/// A zstd frame of raw blocks (RFC 8878, section 3.1.1).
pub(super) fn raw_zstd(bytes: &[u8]) -> Vec<u8> {
    // No single segment, no content size, a window of 128 KiB.
    let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0x00, 7 << 3];
    let mut blocks = bytes.chunks(64 << 10).peekable();
    if blocks.peek().is_none() {
        frame.extend([1, 0, 0]);
    }
    while let Some(block) = blocks.next() {
        let size = u32::try_from(block.len()).unwrap_or(0) << 3;
        let header = size | u32::from(blocks.peek().is_none());
        frame.extend(&header.to_le_bytes()[..3]);
        frame.extend(block);
    }
    frame
}
