//! A small zip writer for tests (PKWARE APPNOTE.TXT 6.3.10, section 4.3), which can also write what
//! no honest tool would.

use std::io::Write;

use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};

/// Writes entries one after the other.
#[derive(Default)]
pub(crate) struct ZipBuilder {
    bytes: Vec<u8>,
    directory: Vec<u8>,
    entries: u16,
    /// What is added to every offset in the directory.
    base: u32,
}

/// Where the sizes of an entry stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sizes {
    InFront,
    InFrontZip64,
    Behind,
    BehindZip64,
    BehindUnsigned,
    BehindUnsignedZip64,
}

impl Sizes {
    pub(crate) const ALL: [Sizes; 6] = [
        Sizes::InFront,
        Sizes::InFrontZip64,
        Sizes::Behind,
        Sizes::BehindZip64,
        Sizes::BehindUnsigned,
        Sizes::BehindUnsignedZip64,
    ];

    fn are_behind(self) -> bool {
        !matches!(self, Sizes::InFront | Sizes::InFrontZip64)
    }
}

/// An entry as it is stored.
#[derive(Clone, Debug)]
pub(crate) struct ZipEntry {
    pub(crate) name: String,
    /// The name in the directory, if it is another.
    pub(crate) listed_as: Option<String>,
    pub(crate) method: u16,
    pub(crate) flags: u16,
    pub(crate) packed: Vec<u8>,
    pub(crate) size: u32,
    pub(crate) crc: u32,
    pub(crate) sizes: Sizes,
}

impl ZipEntry {
    pub(crate) fn stored(name: &str, content: impl AsRef<[u8]>) -> Self {
        let content = content.as_ref();
        ZipEntry::new(name, 0, content.to_vec(), content)
    }

    pub(crate) fn deflated(name: &str, content: impl AsRef<[u8]>) -> Self {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(content.as_ref()).expect("a vector takes everything");
        let packed = encoder.finish().expect("a vector takes everything");
        ZipEntry::new(name, 8, packed, content.as_ref())
    }

    fn new(name: &str, method: u16, packed: Vec<u8>, content: &[u8]) -> Self {
        let mut crc = Crc::new();
        crc.update(content);
        ZipEntry {
            name: name.to_owned(),
            listed_as: None,
            method,
            flags: 0,
            packed,
            size: u32::try_from(content.len()).expect("small content"),
            crc: crc.sum(),
            sizes: Sizes::InFront,
        }
    }

    pub(crate) fn with(self, sizes: Sizes) -> Self {
        ZipEntry { sizes, ..self }
    }
}

impl ZipBuilder {
    pub(crate) fn new() -> Self {
        ZipBuilder::default()
    }

    /// Starts behind bytes that are no zip; offsets count from there or from their beginning.
    pub(crate) fn after(bytes: &[u8], is_adjusted: bool) -> Self {
        let before = u32::try_from(bytes.len()).expect("few bytes");
        let base = if is_adjusted { 0 } else { before };
        ZipBuilder { bytes: bytes.to_vec(), base, ..ZipBuilder::default() }
    }

    pub(crate) fn stored(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        self.entry(&ZipEntry::stored(name, content))
    }

    pub(crate) fn deflated(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        self.entry(&ZipEntry::deflated(name, content))
    }

    pub(crate) fn entry(mut self, entry: &ZipEntry) -> Self {
        let offset = u32::try_from(self.bytes.len()).expect("a small archive") - self.base;
        let listed_as = entry.listed_as.as_ref().unwrap_or(&entry.name);
        self = self.listed(entry, listed_as, offset);
        self.unlisted(entry)
    }

    /// Writes an entry that is not in the directory.
    pub(crate) fn unlisted(mut self, entry: &ZipEntry) -> Self {
        let packed = u32::try_from(entry.packed.len()).expect("small content");
        let (front_packed, front_size, extra) = match entry.sizes {
            Sizes::InFront => (packed, entry.size, Vec::new()),
            Sizes::InFrontZip64 => {
                let sizes = [u64::from(entry.size), u64::from(packed)].map(u64::to_le_bytes);
                (u32::MAX, u32::MAX, [&[1, 0, 16, 0], sizes.concat().as_slice()].concat())
            }
            _ => (0, 0, Vec::new()),
        };
        let flags = entry.flags | if entry.sizes.are_behind() { 8 } else { 0 };
        let name_bytes = u16::try_from(entry.name.len()).expect("a short name");
        let extra_bytes = u16::try_from(extra.len()).expect("a short field");
        let mut out = std::mem::take(&mut self.bytes);
        out.extend(b"PK\x03\x04\x14\0");
        [flags, entry.method, 0, 0].iter().for_each(|value| out.extend(value.to_le_bytes()));
        [entry.crc, front_packed, front_size]
            .iter()
            .for_each(|value| out.extend(value.to_le_bytes()));
        [name_bytes, extra_bytes].iter().for_each(|value| out.extend(value.to_le_bytes()));
        out.extend(entry.name.as_bytes());
        out.extend(extra);
        out.extend(&entry.packed);
        if entry.sizes.are_behind() {
            if matches!(entry.sizes, Sizes::Behind | Sizes::BehindZip64) {
                out.extend(b"PK\x07\x08");
            }
            out.extend(entry.crc.to_le_bytes());
            for size in [packed, entry.size] {
                match entry.sizes {
                    Sizes::BehindZip64 | Sizes::BehindUnsignedZip64 => {
                        out.extend(u64::from(size).to_le_bytes());
                    }
                    _ => out.extend(size.to_le_bytes()),
                }
            }
        }
        self.bytes = out;
        self
    }

    /// Writes a line of the directory alone.
    pub(crate) fn listed(mut self, entry: &ZipEntry, name: &str, offset: u32) -> Self {
        let packed = u32::try_from(entry.packed.len()).expect("small content");
        let mut numbers = [packed, entry.size, offset];
        let mut extra = Vec::new();
        if entry.sizes == Sizes::InFrontZip64 {
            extra.extend(b"\x55\x54\x01\0\0\x01\0\x18\0");
            let [packed, size, offset] = numbers.map(|number| u64::from(number).to_le_bytes());
            extra.extend([size, packed, offset].concat());
            numbers = [u32::MAX; 3];
        }
        let [packed, size, offset] = numbers;
        let name_bytes = u16::try_from(name.len()).expect("a short name");
        let extra_bytes = u16::try_from(extra.len()).expect("a short field");
        let out = &mut self.directory;
        out.extend(b"PK\x01\x02\x14\0\x14\0");
        [entry.flags, entry.method, 0, 0].iter().for_each(|value| out.extend(value.to_le_bytes()));
        [entry.crc, packed, size].iter().for_each(|value| out.extend(value.to_le_bytes()));
        [name_bytes, extra_bytes, 3, 0, 0].iter().for_each(|value| out.extend(value.to_le_bytes()));
        [0, offset].iter().for_each(|value: &u32| out.extend(value.to_le_bytes()));
        out.extend(name.as_bytes());
        out.extend(extra);
        // A comment that begins like a header.
        out.extend(b"PK\x01");
        self.entries += 1;
        self
    }

    /// Returns the archive with its directory and its end.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        let offset = u32::try_from(self.bytes.len()).expect("a small archive") - self.base;
        let size = u32::try_from(self.directory.len()).expect("a small directory");
        self.bytes.extend(&self.directory);
        self.bytes.extend(b"PK\x05\x06\0\0\0\0");
        self.bytes.extend(self.entries.to_le_bytes());
        self.bytes.extend(self.entries.to_le_bytes());
        self.bytes.extend(size.to_le_bytes());
        self.bytes.extend(offset.to_le_bytes());
        self.bytes.extend([0, 0]);
        self.bytes
    }

    /// Returns the archive with a directory and an end of the zip64 kind.
    pub(crate) fn finish_zip64(mut self) -> Vec<u8> {
        let offset = self.bytes.len() as u64 - u64::from(self.base);
        let end = self.bytes.len() as u64 + self.directory.len() as u64;
        self.bytes.extend(&self.directory);
        self.bytes.extend(b"PK\x06\x06");
        self.bytes.extend(44_u64.to_le_bytes());
        self.bytes.extend([45, 0, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        let entries = u64::from(self.entries);
        for number in [entries, entries, self.directory.len() as u64, offset] {
            self.bytes.extend(number.to_le_bytes());
        }
        self.bytes.extend(b"PK\x06\x07\0\0\0\0");
        self.bytes.extend(end.to_le_bytes());
        self.bytes.extend([1, 0, 0, 0]);
        self.bytes.extend(b"PK\x05\x06\0\0\0\0\xff\xff\xff\xff");
        self.bytes.extend([0xff; 8]);
        self.bytes.extend([0, 0]);
        self.bytes
    }

    /// Returns what has been written, without a directory.
    pub(crate) fn unfinished(self) -> Vec<u8> {
        self.bytes
    }
}
