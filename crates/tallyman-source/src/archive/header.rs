//! One 512-byte tar header (POSIX.1-2017, pax, "ustar Interchange Format"; GNU tar manual, "Basic
//! Tar Format").

pub(crate) const BLOCK: usize = 512;

/// The parts of a header that an index needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) name: Vec<u8>,
    pub(crate) link_name: Vec<u8>,
    pub(crate) size: u64,
    pub(crate) kind: u8,
}

impl Header {
    /// Parses a block that is not all zeros.
    pub(crate) fn parse(block: &[u8; BLOCK]) -> Result<Self, &'static str> {
        let stored = number(&block[148..156]).ok_or("a header's checksum is no number")?;
        if stored != checksum(block) {
            return Err("it is not a tar file, or a header is damaged");
        }
        let size = number(&block[124..136]).ok_or("an entry's size is no number")?;
        let mut name = text(&block[..100]).to_vec();
        // Only POSIX's own magic has a prefix; GNU's (`ustar `) keeps times in its place.
        if block[257..263] == *b"ustar\0" && block[345] != 0 {
            let mut full = text(&block[345..500]).to_vec();
            full.push(b'/');
            full.append(&mut name);
            name = full;
        }
        Ok(Header { name, link_name: text(&block[157..257]).to_vec(), size, kind: block[156] })
    }
}

/// The sum of all bytes, with the checksum's own field counted as spaces.
pub(crate) fn checksum(block: &[u8; BLOCK]) -> u64 {
    let sum = |bytes: &[u8]| bytes.iter().map(|byte| u64::from(*byte)).sum::<u64>();
    sum(&block[..148]) + 8 * u64::from(b' ') + sum(&block[156..])
}

/// Reads octal digits, or GNU's big-endian number behind a set top bit. Negative and too large
/// numbers give `None`.
fn number(field: &[u8]) -> Option<u64> {
    let (first, rest) = field.split_first()?;
    if first & 0x80 != 0 {
        if *first != 0x80 {
            return None;
        }
        return rest
            .iter()
            .try_fold(0_u64, |value, byte| value.checked_mul(256)?.checked_add(u64::from(*byte)));
    }
    let digits = field.iter().skip_while(|byte| **byte == b' ');
    let digits = digits.take_while(|byte| !matches!(**byte, b' ' | 0));
    digits.into_iter().try_fold(0_u64, |value, byte| match byte {
        b'0'..=b'7' => value.checked_mul(8)?.checked_add(u64::from(byte - b'0')),
        _ => None,
    })
}

fn text(field: &[u8]) -> &[u8] {
    field.split(|byte| *byte == 0).next().unwrap_or(field)
}
