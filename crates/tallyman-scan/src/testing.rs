//! A small tar writer for tests, which can also write what no honest tool would.

pub(crate) mod zip;

use std::io::Write;

use flate2::Compression as Level;
use flate2::write::GzEncoder;
use tallyman_model::image::Compression;
use tallyman_model::inventory::LayerInventory;
use tallyman_model::limits::Limits;

use crate::analyzers::{Analyzer, Candidate, Reading, Report};
use crate::budget::Budget;
use crate::error::LayerError;
use crate::layer::{LayerInput, analyze_layer};

/// Writes ustar entries one after the other.
#[derive(Default)]
pub(crate) struct TarBuilder {
    bytes: Vec<u8>,
}

impl TarBuilder {
    pub(crate) fn new() -> Self {
        TarBuilder::default()
    }

    pub(crate) fn file(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        self.entry(b'0', path, "", 0o644, content.as_ref())
    }

    pub(crate) fn executable(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        self.entry(b'0', path, "", 0o755, content.as_ref())
    }

    pub(crate) fn dir(self, path: &str) -> Self {
        self.entry(b'5', path, "", 0o755, b"")
    }

    pub(crate) fn symlink(self, path: &str, target: &str) -> Self {
        self.entry(b'2', path, target, 0o777, b"")
    }

    pub(crate) fn hard_link(self, path: &str, target: &str) -> Self {
        self.entry(b'1', path, target, 0o644, b"")
    }

    /// A PAX header for the next entry.
    pub(crate) fn pax(self, records: &[(&str, &str)]) -> Self {
        let content: Vec<u8> =
            records.iter().flat_map(|(name, value)| pax_record(name, value)).collect();
        self.entry(b'x', "PaxHeaders/0", "", 0o644, &content)
    }

    pub(crate) fn entry(self, kind: u8, path: &str, link: &str, mode: u32, content: &[u8]) -> Self {
        let size = format!("{:011o}\0", content.len());
        self.header(kind, path.as_bytes(), link, mode, size.as_bytes()).raw(content).pad()
    }

    /// A header alone, with the size field as it is given.
    pub(crate) fn header(self, kind: u8, path: &[u8], link: &str, mode: u32, size: &[u8]) -> Self {
        self.raw(&header(kind, path, link, mode, size))
    }

    pub(crate) fn raw(mut self, bytes: &[u8]) -> Self {
        self.bytes.extend_from_slice(bytes);
        self
    }

    pub(crate) fn pad(mut self) -> Self {
        self.bytes.resize(self.bytes.len().next_multiple_of(512), 0);
        self
    }

    /// Returns the archive with its end.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        self.bytes.resize(self.bytes.len() + 1024, 0);
        self.bytes
    }

    /// Returns the archive without an end.
    pub(crate) fn unfinished(self) -> Vec<u8> {
        self.bytes
    }
}

pub(crate) fn header(kind: u8, path: &[u8], link: &str, mode: u32, size: &[u8]) -> [u8; 512] {
    let mut block = [0; 512];
    let mut put = |at: usize, bytes: &[u8]| block[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, path);
    put(100, format!("{mode:07o}\0").as_bytes());
    put(124, size);
    put(156, &[kind]);
    put(157, link.as_bytes());
    put(257, b"ustar\x0000");
    seal(&mut block);
    block
}

/// Writes the checksum.
pub(crate) fn seal(block: &mut [u8; 512]) {
    block[148..156].copy_from_slice(b"        ");
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}

/// `length name=value\n`, the length counting itself.
pub(crate) fn pax_record(name: &str, value: &str) -> Vec<u8> {
    let rest = format!(" {name}={value}\n");
    let mut length = rest.len();
    while length != rest.len() + length.to_string().len() {
        length = rest.len() + length.to_string().len();
    }
    format!("{length}{rest}").into_bytes()
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Level::default());
    encoder.write_all(bytes).expect("a vector takes everything");
    encoder.finish().expect("a vector takes everything")
}

/// Analyses stored bytes with default limits.
pub(crate) fn analyze(bytes: &[u8]) -> Result<LayerInventory, LayerError> {
    analyze_within(bytes, &Limits::default())
}

pub(crate) fn analyze_within(bytes: &[u8], limits: &Limits) -> Result<LayerInventory, LayerError> {
    let mut reader = bytes;
    let input = LayerInput {
        reader: &mut reader,
        compression: Compression::None,
        expected: None,
        size_bytes: None,
    };
    analyze_layer(input, &Budget::new(limits.clone()), &|_| {}).map(|layer| layer.inventory)
}

/// Shows a program to a streaming analyzer in pieces of `size` bytes.
pub(crate) fn read_in_pieces(
    analyzer: &Analyzer,
    content: &[u8],
    limits: &Limits,
    size: usize,
) -> Report {
    read_file_in_pieces(analyzer, "bin/app", content, limits, size)
}

/// Shows a file to a streaming analyzer in pieces of `size` bytes.
pub(crate) fn read_file_in_pieces(
    analyzer: &Analyzer,
    path: &str,
    content: &[u8],
    limits: &Limits,
    size: usize,
) -> Report {
    let Reading::Streamed(start) = analyzer.reading else {
        panic!("{} reads files as a whole", analyzer.id);
    };
    let mut probe = start(&Candidate::new(path, content.len() as u64, 0o755), limits);
    content.chunks(size).for_each(|piece| probe.feed(piece));
    probe.finish()
}

/// Where the content of [`elf_with_section`] is loaded.
pub(crate) const ELF_ADDRESS: u64 = 0x40_0000;

/// A 64-bit little-endian ELF program with one section of content.
pub(crate) fn elf_with_section(name: &str, content: &[u8]) -> Vec<u8> {
    elf_with_sections(&[(name, content)])
}

/// A 64-bit little-endian ELF program with one writable segment and sections in it, of which `.text`
/// is code.
pub(crate) fn elf_with_sections(sections: &[(&str, &[u8])]) -> Vec<u8> {
    const HEADER: u64 = 64;
    const PROGRAM_HEADER: u64 = 56;
    let start = HEADER + PROGRAM_HEADER;
    let size = sections.iter().map(|(_, content)| content.len() as u64).sum::<u64>();
    let mut names = "\0".to_owned();
    let mut table = vec![(0, 0, 0, 0, 0, 0)];
    let mut offset = start;
    for (name, content) in sections {
        let flags = if *name == ".text" { 6 } else { 3 };
        let (place, length) = (names.len(), content.len() as u64);
        table.push((place, 1, flags, ELF_ADDRESS + offset - start, offset, length));
        names.push_str(&format!("{name}\0"));
        offset += length;
    }
    let place = names.len();
    names.push_str(".shstrtab\0");
    table.push((place, 3, 0, 0, offset, names.len() as u64));
    let table_start = offset + names.len() as u64;
    let mut file = b"\x7fELF\x02\x01\x01".to_vec();
    file.resize(16, 0);
    let half = |file: &mut Vec<u8>, values: &[u16]| {
        values.iter().for_each(|value| file.extend(value.to_le_bytes()));
    };
    let word = |file: &mut Vec<u8>, values: &[u32]| {
        values.iter().for_each(|value| file.extend(value.to_le_bytes()));
    };
    let long = |file: &mut Vec<u8>, values: &[u64]| {
        values.iter().for_each(|value| file.extend(value.to_le_bytes()));
    };
    half(&mut file, &[2, 62]);
    word(&mut file, &[1]);
    long(&mut file, &[0, HEADER, table_start]);
    word(&mut file, &[0]);
    let count = u16::try_from(table.len()).expect("few sections");
    half(&mut file, &[64, 56, 1, 64, count, count - 1]);
    // PT_LOAD, readable and writable.
    word(&mut file, &[1, 6]);
    long(&mut file, &[start, ELF_ADDRESS, ELF_ADDRESS, size, size, 1]);
    sections.iter().for_each(|(_, content)| file.extend(*content));
    file.extend(names.as_bytes());
    for (name, kind, flags, address, offset, size) in table {
        word(&mut file, &[u32::try_from(name).expect("short names"), kind]);
        long(&mut file, &[flags, address, offset, size]);
        word(&mut file, &[0, 0]);
        long(&mut file, &[1, 0]);
    }
    file
}
