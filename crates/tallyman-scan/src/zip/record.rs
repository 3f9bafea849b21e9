//! The records of a zip archive (PKWARE APPNOTE.TXT 6.3.10, sections 4.3.7, 4.3.12, 4.3.14 and
//! 4.3.16), each parsed from bytes that are already there.

/// The bytes of a signature.
pub(super) const SIGNATURE_BYTES: usize = 4;

/// In a 32-bit field: the value stands in the zip64 extra field or record (section 4.4.8).
const IN_ZIP64: u32 = u32::MAX;

/// The kinds of records that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Local,
    Directory,
    Zip64End,
    End,
}

impl Kind {
    const ALL: [Kind; 4] = [Kind::Local, Kind::Directory, Kind::Zip64End, Kind::End];

    const fn signature(self) -> [u8; SIGNATURE_BYTES] {
        match self {
            Kind::Local => *b"PK\x03\x04",
            Kind::Directory => *b"PK\x01\x02",
            Kind::Zip64End => *b"PK\x06\x06",
            Kind::End => *b"PK\x05\x06",
        }
    }

    /// Returns the kind that a complete signature announces.
    pub(super) fn of(signature: &[u8]) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.signature() == signature)
    }

    /// Tells whether bytes are the beginning of a signature.
    pub(super) fn may_begin_with(bytes: &[u8]) -> bool {
        Kind::ALL.into_iter().any(|kind| kind.signature().starts_with(bytes))
    }

    /// Returns how many bytes such a record has at least.
    pub(super) const fn fixed_bytes(self) -> usize {
        match self {
            Kind::Local => 30,
            Kind::Directory => 46,
            Kind::Zip64End => 56,
            Kind::End => 22,
        }
    }
}

/// A local file header; its name and extra field follow the fixed part.
#[derive(Clone, Copy, Debug)]
pub(super) struct LocalHeader<'a> {
    flags: u16,
    pub(super) method: u16,
    pub(super) name: &'a [u8],
    compressed: u64,
}

impl<'a> LocalHeader<'a> {
    /// Returns the size of the record whose fixed part is given.
    pub(super) fn bytes(fixed: &[u8]) -> usize {
        let variable =
            usize::from(u16_at(fixed, 26)).saturating_add(usize::from(u16_at(fixed, 28)));
        Kind::Local.fixed_bytes().saturating_add(variable)
    }

    pub(super) fn parse(record: &'a [u8]) -> Self {
        let fixed = Kind::Local.fixed_bytes();
        let (name, extra) = name_and_extra(record, fixed, u16_at(record, 26), u16_at(record, 28));
        let (compressed, size) = (u32_at(record, 18), u32_at(record, 22));
        // The uncompressed size stands first, if it is there (section 4.5.3).
        let skipped = if size == IN_ZIP64 { 8 } else { 0 };
        let compressed = match compressed {
            IN_ZIP64 => zip64_value(extra, skipped).unwrap_or(u64::from(compressed)),
            compressed => u64::from(compressed),
        };
        LocalHeader { flags: u16_at(record, 6), method: u16_at(record, 8), name, compressed }
    }

    /// Tells whether the content cannot be read without a password, or the header is masked.
    pub(super) fn is_encrypted(&self) -> bool {
        self.flags & ((1 << 0) | (1 << 13)) != 0
    }

    /// Returns the bytes of the packed content, unless they stand only in the descriptor behind it
    /// (section 4.4.4, bit 3).
    pub(super) fn packed_bytes(&self) -> Option<u64> {
        (self.flags & (1 << 3) == 0 || self.compressed != 0).then_some(self.compressed)
    }
}

/// A file header of the central directory.
#[derive(Clone, Copy, Debug)]
pub(super) struct DirectoryHeader<'a> {
    pub(super) method: u16,
    pub(super) name: &'a [u8],
    /// The bytes of the packed content.
    pub(super) packed_bytes: u64,
    /// Where the local header is, counted from the beginning of the archive.
    pub(super) offset: u64,
    /// The bytes of the comment, which follows the record.
    pub(super) comment_bytes: u64,
}

impl<'a> DirectoryHeader<'a> {
    /// Returns the size of the record whose fixed part is given, without the comment.
    pub(super) fn bytes(fixed: &[u8]) -> usize {
        let variable =
            usize::from(u16_at(fixed, 28)).saturating_add(usize::from(u16_at(fixed, 30)));
        Kind::Directory.fixed_bytes().saturating_add(variable)
    }

    pub(super) fn parse(record: &'a [u8]) -> Self {
        let fixed = Kind::Directory.fixed_bytes();
        let (name, extra) = name_and_extra(record, fixed, u16_at(record, 28), u16_at(record, 30));
        let (compressed, size, offset) =
            (u32_at(record, 20), u32_at(record, 24), u32_at(record, 42));
        // Only those values stand in the extra field that are missing in the record, in this order.
        let mut at = if size == IN_ZIP64 { 8 } else { 0 };
        let mut resolve = |value: u32| match value {
            IN_ZIP64 => {
                let resolved = zip64_value(extra, at).unwrap_or(u64::from(value));
                at = at.saturating_add(8);
                resolved
            }
            value => u64::from(value),
        };
        DirectoryHeader {
            method: u16_at(record, 10),
            name,
            packed_bytes: resolve(compressed),
            offset: resolve(offset),
            comment_bytes: u64::from(u16_at(record, 32)),
        }
    }
}

/// What the end of an archive says of its directory.
#[derive(Clone, Copy, Debug)]
pub(super) struct End {
    pub(super) directory_bytes: u64,
    pub(super) directory_offset: u64,
    /// A value that does not fit is in the zip64 record before this one.
    pub(super) is_in_zip64: bool,
}

impl End {
    pub(super) fn parse(record: &[u8]) -> Self {
        let (entries, size, offset) = (u16_at(record, 10), u32_at(record, 12), u32_at(record, 16));
        End {
            directory_bytes: u64::from(size),
            directory_offset: u64::from(offset),
            is_in_zip64: entries == u16::MAX || size == IN_ZIP64 || offset == IN_ZIP64,
        }
    }

    pub(super) fn parse_zip64(record: &[u8]) -> Self {
        End {
            directory_bytes: u64_at(record, 40),
            directory_offset: u64_at(record, 48),
            is_in_zip64: false,
        }
    }
}

fn name_and_extra(record: &[u8], fixed: usize, name: u16, extra: u16) -> (&[u8], &[u8]) {
    let variable = record.get(fixed..).unwrap_or_default();
    let (name, rest) = variable.split_at(variable.len().min(usize::from(name)));
    (name, rest.get(..rest.len().min(usize::from(extra))).unwrap_or_default())
}

/// Returns the 64-bit value at a place in the zip64 extended information (section 4.5.3).
fn zip64_value(mut extra: &[u8], at: usize) -> Option<u64> {
    const ZIP64_ID: u16 = 1;
    loop {
        let (header, rest) = extra.split_at_checked(4)?;
        let (field, rest) = rest.split_at_checked(usize::from(u16_at(header, 2)))?;
        if u16_at(header, 0) == ZIP64_ID {
            let bytes = field.get(at..)?.first_chunk()?;
            return Some(u64::from_le_bytes(*bytes));
        }
        extra = rest;
    }
}

/// Reads a number; what is not there counts as zero, which no caller relies on.
pub(super) fn u16_at(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..).and_then(|bytes| bytes.first_chunk()).map_or(0, |it| u16::from_le_bytes(*it))
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..).and_then(|bytes| bytes.first_chunk()).map_or(0, |it| u32::from_le_bytes(*it))
}

pub(super) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..).and_then(|bytes| bytes.first_chunk()).map_or(0, |it| u64::from_le_bytes(*it))
}
