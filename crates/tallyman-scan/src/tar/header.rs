//! One 512-byte header block: checksum, format, numbers and names.
//!
//! POSIX.1-2017 pax, "ustar Interchange Format"; GNU tar manual, "Basic Tar Format".

/// The size of a block.
pub(crate) const BLOCK_BYTES: u64 = 512;

const BLOCK_LEN: usize = 512;

/// The longest name that fits a block.
pub(crate) const NAME_BYTES: usize = 100;

/// A block as it stands in the archive.
pub(crate) struct Block([u8; BLOCK_LEN]);

/// Which dialect a header is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// Version 7: no prefix.
    V7,
    /// POSIX ustar and pax.
    Ustar,
    /// Schily's star: a shorter prefix.
    Star,
    /// GNU: times where the prefix would be.
    Gnu,
}

/// The fields that decide how to go on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Header {
    pub(crate) format: Format,
    pub(crate) type_flag: u8,
    pub(crate) size: u64,
    pub(crate) mode: u32,
}

impl Block {
    pub(crate) fn zeroed() -> Self {
        Block([0; BLOCK_LEN])
    }

    /// Makes a header; of a longer name than fits only the beginning is written.
    pub(crate) fn new(type_flag: u8, path: &str, link: &str, mode: u32, size: u64) -> Self {
        let mut block = Block::zeroed();
        block.put(0, NAME_BYTES, path.as_bytes());
        block.put(100, 8, format!("{:07o}", mode & 0o777_7777).as_bytes());
        match size {
            // Base 256 (GNU tar manual, "Extensions to Traditional Format").
            0o100_000_000_000.. => {
                block.put(124, 1, &[0x80]);
                block.put(128, 8, &size.to_be_bytes());
            }
            _ => block.put(124, 12, format!("{size:011o}").as_bytes()),
        }
        block.put(156, 1, &[type_flag]);
        block.put(157, NAME_BYTES, link.as_bytes());
        block.put(257, 8, b"ustar\x0000");
        block.put(148, 8, b"        ");
        let sum = block.0.iter().fold(0_u32, |sum, byte| sum.saturating_add((*byte).into()));
        block.put(148, 8, format!("{sum:06o}\0 ").as_bytes());
        block
    }

    fn put(&mut self, at: usize, len: usize, bytes: &[u8]) {
        let field = self.0.iter_mut().skip(at).take(len);
        field.zip(bytes).for_each(|(to, from)| *to = *from);
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }

    pub(crate) fn is_zero(&self) -> bool {
        self.0.iter().all(|byte| *byte == 0)
    }

    /// Verifies the checksum and reads the fields.
    pub(crate) fn parse(&self) -> Result<Header, &'static str> {
        if !self.checksum_is_right() {
            return Err("a header with a wrong checksum");
        }
        let type_flag = self.byte(156);
        let size = parse_number(self.field(124, 12)).ok_or("a size that is not a number")?;
        // What cannot be read counts as executable, so that it is looked at.
        let mode = parse_number(self.field(100, 8)).and_then(|mode| u32::try_from(mode).ok());
        Ok(Header { format: self.format(), type_flag, size, mode: mode.unwrap_or(0o777) })
    }

    /// Writes the path that the header itself gives.
    pub(crate) fn write_path(&self, format: Format, path: &mut Vec<u8>) {
        let prefix = match format {
            Format::V7 => &[],
            Format::Ustar => until_nul(self.field(345, 155)),
            Format::Star => until_nul(self.field(345, 131)),
            Format::Gnu => self.misplaced_prefix(),
        };
        path.clear();
        if !prefix.is_empty() {
            path.extend_from_slice(prefix);
            path.push(b'/');
        }
        path.extend_from_slice(until_nul(self.field(0, 100)));
    }

    pub(crate) fn link_name(&self) -> &[u8] {
        until_nul(self.field(157, 100))
    }

    /// GNU tar manual, "Sparse Formats", "Old GNU Format": `isextended` of the header.
    pub(crate) fn sparse_map_is_extended(&self) -> bool {
        self.byte(482) != 0
    }

    /// `isextended` of a block that continues the map.
    pub(crate) fn sparse_extension_is_extended(&self) -> bool {
        self.byte(504) != 0
    }

    fn format(&self) -> Format {
        match self.field(257, 8) {
            [b'u', b's', b't', b'a', b'r', 0, ..] if self.field(508, 4) == b"tar\0" => Format::Star,
            [b'u', b's', b't', b'a', b'r', 0, ..] => Format::Ustar,
            b"ustar  \0" => Format::Gnu,
            _ => Format::V7,
        }
    }

    /// Archives of Go before 1.8 carry a ustar prefix in GNU headers, and the engines, which are
    /// written in Go, still honour it: where the times that belong there are no numbers.
    fn misplaced_prefix(&self) -> &[u8] {
        let is_time = |field: &[u8]| field.first() == Some(&0) || parse_signed(field).is_some();
        let prefix = until_nul(self.field(345, 155));
        let times = is_time(self.field(345, 12)) && is_time(self.field(357, 12));
        if times || !prefix.is_ascii() { &[] } else { prefix }
    }

    fn byte(&self, at: usize) -> u8 {
        self.0.get(at).copied().unwrap_or(0)
    }

    fn field(&self, at: usize, len: usize) -> &[u8] {
        self.0.get(at..at + len).unwrap_or_default()
    }

    /// The checksum is over the block with its own field as spaces; old writers summed signed
    /// bytes.
    fn checksum_is_right(&self) -> bool {
        let Some(expected) = parse_number(self.field(148, 8)) else {
            return false;
        };
        let unsigned = |bytes: &[u8]| bytes.iter().map(|byte| i64::from(*byte)).sum::<i64>();
        let signed =
            |bytes: &[u8]| bytes.iter().map(|byte| i64::from(byte.cast_signed())).sum::<i64>();
        let spaces = 8 * i64::from(b' ');
        let total = |sum: &dyn Fn(&[u8]) -> i64| {
            u64::try_from(sum(&self.0) - sum(self.field(148, 8)) + spaces).ok()
        };
        total(&unsigned) == Some(expected) || total(&signed) == Some(expected)
    }
}

/// Returns what stands before the first NUL.
pub(crate) fn until_nul(field: &[u8]) -> &[u8] {
    let end = memchr::memchr(0, field).unwrap_or(field.len());
    field.get(..end).unwrap_or_default()
}

fn parse_number(field: &[u8]) -> Option<u64> {
    parse_signed(field).and_then(|number| u64::try_from(number).ok())
}

/// Octal digits, or base-256 (GNU tar manual, "Extensions to the ustar format": the first bit is
/// set, the rest is a two's complement number, most significant byte first). A number that does
/// not fit or holds anything else is `None`.
fn parse_signed(field: &[u8]) -> Option<i64> {
    match field.first() {
        Some(first) if first & 0x80 != 0 => parse_base256(field),
        _ => parse_octal(field),
    }
}

fn parse_base256(field: &[u8]) -> Option<i64> {
    let (first, rest) = field.split_first()?;
    let negative = first & 0x40 != 0;
    let start = if negative { i64::from(*first) - 0x100 } else { i64::from(first & 0x7f) };
    rest.iter()
        .try_fold(start, |number, byte| number.checked_mul(0x100)?.checked_add(i64::from(*byte)))
}

fn parse_octal(field: &[u8]) -> Option<i64> {
    let is_filler = |byte: &u8| matches!(byte, b' ' | 0);
    let start = field.iter().position(|byte| !is_filler(byte)).unwrap_or(field.len());
    let digits = until_nul(field.get(start..).unwrap_or_default()).trim_ascii_end();
    digits.iter().try_fold(0_i64, |number, byte| match byte {
        b'0'..=b'7' => number.checked_mul(8)?.checked_add(i64::from(byte - b'0')),
        _ => None,
    })
}
