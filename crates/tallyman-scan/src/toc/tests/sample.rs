//! Layers with a table of contents in both formats, which can also be wrong ones.

use std::cell::RefCell;
use std::io::{self, Read};
use std::ops::Range;

use ring::digest::{SHA256, digest};
use serde_json::{Value, json};
use tallyman_model::digest::Digest;
use tallyman_model::image::{Compression, LayerToc, TocFormat};
use tallyman_model::limits::Limits;

use crate::budget::Budget;
use crate::error::LayerError;
use crate::layer::{AnalyzedLayer, LayerInput, analyze_layer};
use crate::testing::{gzip, header, pax_record};
use crate::toc::unpack::Packing;
use crate::toc::{TocInput, TocOutcome, analyze_by_toc};

pub(super) fn sha256(bytes: &[u8]) -> Digest {
    Digest::from_sha256(digest(&SHA256, bytes).as_ref().try_into().expect("32 bytes"))
}

/// Writes entries one after the other, as the tools do: what is packed on its own is one piece of a
/// file's content, and the headers between two files.
pub(super) struct LayerBuilder {
    packing: Packing,
    chunk_bytes: usize,
    bytes: Vec<u8>,
    /// Headers and padding that are not packed yet.
    pending: Vec<u8>,
    pub(super) entries: Vec<Value>,
}

impl LayerBuilder {
    pub(super) fn new(packing: Packing, chunk_bytes: usize) -> Self {
        let (bytes, pending, entries) = (Vec::new(), Vec::new(), Vec::new());
        LayerBuilder { packing, chunk_bytes, bytes, pending, entries }
    }

    /// Packs the files that follow in other pieces.
    pub(super) fn with_chunks_of(self, chunk_bytes: usize) -> Self {
        LayerBuilder { chunk_bytes, ..self }
    }

    pub(super) fn file(mut self, path: &str, mode: u32, content: &[u8]) -> Self {
        self.header(b'0', path, "", mode, content.len());
        let mut entry = json!({"name": path, "type": "reg", "mode": mode, "size": content.len()});
        if content.is_empty() {
            self.entries.push(entry);
            return self;
        }
        let first = self.entries.len();
        let mut offset = 0;
        for chunk in content.chunks(self.chunk_bytes) {
            entry["offset"] = self.flush().into();
            entry["chunkDigest"] = sha256(chunk).to_string().into();
            if content.len() > self.chunk_bytes {
                entry["chunkOffset"] = offset.into();
                entry["chunkSize"] = chunk.len().into();
            }
            self.entries.push(entry);
            self.pending.extend(chunk);
            offset += chunk.len();
            entry = json!({"name": path, "type": "chunk"});
        }
        let end = self.flush();
        self.entries[first]["digest"] = sha256(content).to_string().into();
        if self.packing == Packing::Zstd {
            self.entries[first]["endOffset"] = end.into();
        }
        self.pending.resize(content.len().next_multiple_of(512) - content.len(), 0);
        self
    }

    pub(super) fn dir(self, path: &str) -> Self {
        self.entry(b'5', "dir", path, "")
    }

    pub(super) fn symlink(self, path: &str, target: &str) -> Self {
        self.entry(b'2', "symlink", path, target)
    }

    pub(super) fn hard_link(self, path: &str, target: &str) -> Self {
        self.entry(b'1', "hardlink", path, target)
    }

    pub(super) fn fifo(self, path: &str) -> Self {
        self.entry(b'6', "fifo", path, "")
    }

    fn entry(mut self, type_flag: u8, name: &str, path: &str, target: &str) -> Self {
        self.header(type_flag, path, target, 0o755, 0);
        let mut entry = json!({"name": path, "type": name, "mode": 0o755});
        if !target.is_empty() {
            entry["linkName"] = target.into();
        }
        self.entries.push(entry);
        self
    }

    fn header(&mut self, type_flag: u8, path: &str, link: &str, mode: u32, size: usize) {
        let mut records = Vec::new();
        for (name, value) in [("path", path), ("linkpath", link)] {
            if value.len() > 100 {
                records.extend(pax_record(name, value));
            }
        }
        let octal = |size: usize| format!("{size:011o}\0");
        if !records.is_empty() {
            let size = octal(records.len());
            self.pending.extend(header(b'x', b"PaxHeaders", "", 0o644, size.as_bytes()));
            records.resize(records.len().next_multiple_of(512), 0);
            self.pending.extend(&records);
        }
        let short = |text: &str| {
            String::from_utf8_lossy(&text.as_bytes()[..text.len().min(100)]).into_owned()
        };
        let (path, link) = (short(path), short(link));
        let size = octal(size);
        self.pending.extend(header(type_flag, path.as_bytes(), &link, mode, size.as_bytes()));
    }

    /// Packs what is pending; returns the place of what comes next.
    fn flush(&mut self) -> usize {
        let pending = std::mem::take(&mut self.pending);
        if !pending.is_empty() {
            self.bytes.extend(pack(self.packing, &pending));
        }
        self.bytes.len()
    }

    pub(super) fn finish(self) -> Layer {
        let toc = json!({"version": 1, "entries": self.entries});
        self.finish_with(&toc.to_string())
    }

    /// Ends the layer with any text as its table.
    pub(super) fn finish_with(mut self, toc: &str) -> Layer {
        if self.packing == Packing::Zstd {
            self.pending.extend([0; 1024]);
            self.flush();
            let packed = pack(Packing::Zstd, toc.as_bytes());
            let length = packed.len() as u64;
            self.bytes.extend(b"\x50\x2a\x4d\x18");
            self.bytes.extend(u32::try_from(length).expect("small").to_le_bytes());
            let offset = self.bytes.len() as u64;
            self.bytes.extend(&packed);
            let format = TocFormat::ZstdChunked { offset, length };
            let toc = LayerToc { format, digest: sha256(&packed) };
            return Layer { bytes: self.bytes, packing: self.packing, toc };
        }
        let offset = self.flush();
        let size = format!("{:011o}\0", toc.len());
        self.pending.extend(header(b'0', b"stargz.index.json", "", 0, size.as_bytes()));
        self.pending.extend(toc.as_bytes());
        self.pending.resize(self.pending.len().next_multiple_of(512) + 1024, 0);
        self.flush();
        self.bytes.extend([0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 255, 26, 0, b'S', b'G', 22, 0]);
        self.bytes.extend(format!("{offset:016x}STARGZ").bytes());
        self.bytes.extend(b"\x01\0\0\xff\xff\0\0\0\0\0\0\0\0");
        let toc = LayerToc { format: TocFormat::Estargz, digest: sha256(toc.as_bytes()) };
        Layer { bytes: self.bytes, packing: self.packing, toc }
    }
}

fn pack(packing: Packing, bytes: &[u8]) -> Vec<u8> {
    match packing {
        Packing::Gzip => gzip(bytes),
        Packing::Zstd => zstd::encode_all(bytes, 3).expect("memory is enough"),
    }
}

/// A layer and what its manifest says of its table.
#[derive(Clone)]
pub(super) struct Layer {
    pub(super) bytes: Vec<u8>,
    pub(super) packing: Packing,
    pub(super) toc: LayerToc,
}

impl Layer {
    pub(super) fn read_whole(&self, limits: &Limits) -> Result<AnalyzedLayer, LayerError> {
        let mut reader = &self.bytes[..];
        let compression = match self.packing {
            Packing::Gzip => Compression::Gzip,
            Packing::Zstd => Compression::Zstd,
        };
        let input =
            LayerInput { reader: &mut reader, compression, expected: None, size_bytes: None };
        analyze_layer(input, &Budget::new(limits.clone()), &|_| {})
    }

    pub(super) fn read_by_toc(&self, limits: &Limits) -> Result<TocOutcome, LayerError> {
        self.fetch(limits).0
    }

    /// Returns the outcome and what was fetched for it.
    pub(super) fn fetch(
        &self,
        limits: &Limits,
    ) -> (Result<TocOutcome, LayerError>, Vec<Range<u64>>) {
        let fetched = RefCell::new(Vec::new());
        let read = |ranges: &[Range<u64>]| -> io::Result<Box<dyn Read + '_>> {
            let mut bytes = Vec::new();
            for range in ranges {
                let [start, end] =
                    [range.start, range.end].map(|at| usize::try_from(at).expect("small"));
                bytes.extend(self.bytes.get(start..end).ok_or(io::ErrorKind::UnexpectedEof)?);
                fetched.borrow_mut().push(range.clone());
            }
            Ok(Box::new(io::Cursor::new(bytes)))
        };
        let size_bytes = self.bytes.len() as u64;
        let budget = Budget::new(limits.clone());
        let outcome = analyze_by_toc(TocInput { toc: &self.toc, size_bytes, read: &read }, &budget);
        (outcome, fetched.into_inner())
    }
}
