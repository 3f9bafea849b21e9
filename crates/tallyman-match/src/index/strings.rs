//! The table of strings: sorted, each written as what it has in common with the one before it and
//! the rest. Names, versions and ids stand beside their like, so that little of them is left.
//!
//! Strings stand in blocks of sixteen, whose first one is whole: one is looked for by binary search
//! over these, and read from there on.
//!
//! | section | content |
//! |---|---|
//! | string blocks | the number of strings, and where each block starts (`u32` each) |
//! | string bytes | for each string a byte with the length of what is shared (upper half) and of the rest (lower half); where a half is 15, what is beyond that as a varint, in the same order; then the rest |

use super::compile::{put_size, to_u32};
use super::cursor::{Cursor, SHORT};
use super::{IndexError, read_usize};

/// Strings of a block.
const BLOCK: usize = 16;
/// What half a byte cannot hold.
const MORE: usize = 15;
const COUNT_BYTES: usize = 4;

/// The two sections of an index.
#[derive(Clone, Copy)]
pub(super) struct StringTable<'a> {
    blocks: &'a [u8],
    bytes: &'a [u8],
}

impl<'a> StringTable<'a> {
    pub(super) fn new(blocks: &'a [u8], bytes: &'a [u8]) -> Self {
        StringTable { blocks, bytes }
    }

    /// Returns the number of strings.
    fn count(&self) -> Result<usize, IndexError> {
        let count = read_usize(self.blocks, 0)?;
        // Each takes a byte at least.
        if count > self.bytes.len() { Err(SHORT) } else { Ok(count) }
    }

    fn block(&self, at: usize) -> Result<Cursor<'a>, IndexError> {
        let slot = at.checked_mul(4).and_then(|at| at.checked_add(COUNT_BYTES)).ok_or(SHORT)?;
        let start = read_usize(self.blocks, slot)?;
        Ok(Cursor::new(self.bytes.get(start..).ok_or(SHORT)?))
    }

    /// Reads a string by its number.
    pub(super) fn get(&self, id: usize) -> Result<String, IndexError> {
        if id >= self.count()? {
            return Err(SHORT);
        }
        let mut cursor = self.block(id / BLOCK)?;
        let mut text = Vec::new();
        for _ in 0..=id % BLOCK {
            read_next(&mut cursor, &mut text)?;
        }
        String::from_utf8(text).map_err(|_| IndexError::Damaged("a string is not UTF-8"))
    }

    /// Reads strings by their numbers.
    pub(super) fn get_all(&self, ids: &[usize]) -> Result<Vec<String>, IndexError> {
        ids.iter().map(|id| self.get(*id)).collect()
    }

    /// Finds the number of a string.
    pub(super) fn find(&self, wanted: &str) -> Result<Option<usize>, IndexError> {
        let wanted = wanted.as_bytes();
        let count = self.count()?;
        // The last block whose first string is not above.
        let (mut low, mut high) = (0, count.div_ceil(BLOCK));
        while low < high {
            let middle = low + (high - low) / 2;
            let mut cursor = self.block(middle)?;
            let (_, first) = read_parts(&mut cursor)?;
            if first <= wanted { low = middle + 1 } else { high = middle }
        }
        let Some(block) = low.checked_sub(1) else { return Ok(None) };
        let mut cursor = self.block(block)?;
        let mut text = Vec::new();
        let start = block * BLOCK;
        for id in start..count.min(start.saturating_add(BLOCK)) {
            read_next(&mut cursor, &mut text)?;
            match text.as_slice().cmp(wanted) {
                std::cmp::Ordering::Less => {}
                std::cmp::Ordering::Equal => return Ok(Some(id)),
                std::cmp::Ordering::Greater => break,
            }
        }
        Ok(None)
    }

    /// Reads all strings in their order.
    fn walk(&self) -> Result<Walk<'a>, IndexError> {
        Ok(Walk { cursor: Cursor::new(self.bytes), left: self.count()?, text: Vec::new() })
    }
}

/// Goes through a table from its first string to its last.
struct Walk<'a> {
    cursor: Cursor<'a>,
    left: usize,
    text: Vec<u8>,
}

impl Walk<'_> {
    /// Takes the next string into `text`.
    fn step(&mut self) -> Result<bool, IndexError> {
        let Some(left) = self.left.checked_sub(1) else { return Ok(false) };
        self.left = left;
        read_next(&mut self.cursor, &mut self.text)?;
        Ok(true)
    }
}

/// Numbers the strings of two tables in one order: those of both have the same number in both.
pub(super) fn common_numbers(
    left: StringTable<'_>,
    right: StringTable<'_>,
) -> Result<(Vec<u32>, Vec<u32>), IndexError> {
    let (mut a, mut b) = (left.walk()?, right.walk()?);
    let (mut of_left, mut of_right) = (Vec::new(), Vec::new());
    let (mut has_a, mut has_b) = (a.step()?, b.step()?);
    let mut number = 0_u32;
    while has_a || has_b {
        let (is_a, is_b) = match (has_a, has_b) {
            (true, true) => (a.text <= b.text, b.text <= a.text),
            one => one,
        };
        if is_a {
            of_left.push(number);
            has_a = a.step()?;
        }
        if is_b {
            of_right.push(number);
            has_b = b.step()?;
        }
        number = number.checked_add(1).ok_or(SHORT)?;
    }
    Ok((of_left, of_right))
}

/// Turns the string before into the next one.
fn read_next(cursor: &mut Cursor<'_>, text: &mut Vec<u8>) -> Result<(), IndexError> {
    let (shared, rest) = read_parts(cursor)?;
    if shared > text.len() {
        return Err(SHORT);
    }
    text.truncate(shared);
    text.extend_from_slice(rest);
    Ok(())
}

fn read_parts<'a>(cursor: &mut Cursor<'a>) -> Result<(usize, &'a [u8]), IndexError> {
    let lengths = cursor.byte()?;
    let mut length = |half: u8| match usize::from(half) {
        MORE => cursor.size()?.checked_add(MORE).ok_or(SHORT),
        length => Ok(length),
    };
    let (shared, rest) = (length(lengths >> 4)?, length(lengths & 0x0f)?);
    Ok((shared, cursor.take(rest)?))
}

/// Writes the two sections of sorted strings.
pub(super) fn write(sorted: &[&str]) -> Result<(Vec<u8>, Vec<u8>), IndexError> {
    let mut blocks = to_u32(sorted.len())?.to_le_bytes().to_vec();
    let mut bytes = Vec::new();
    for block in sorted.chunks(BLOCK) {
        blocks.extend_from_slice(&to_u32(bytes.len())?.to_le_bytes());
        let mut before = "";
        for text in block {
            let pairs = before.bytes().zip(text.bytes());
            let shared = pairs.take_while(|(a, b)| a == b).count();
            let rest = text.as_bytes().get(shared..).unwrap_or_default();
            put_lengths(&mut bytes, shared, rest.len());
            bytes.extend_from_slice(rest);
            before = text;
        }
    }
    Ok((blocks, bytes))
}

fn put_lengths(out: &mut Vec<u8>, shared: usize, rest: usize) {
    let half = |length: usize| u8::try_from(length.min(MORE)).unwrap_or_default();
    out.push(half(shared) << 4 | half(rest));
    for beyond in [shared, rest].into_iter().filter_map(|length| length.checked_sub(MORE)) {
        put_size(out, beyond);
    }
}
