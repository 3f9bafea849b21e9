//! Reads the blobs of an ndb file, rpm's own format (rpm's `lib/backend/ndb/rpmpkg.c`): pages of
//! slots, each of which names a package and the blocks that hold its blob.

use super::bytes::{Order, page, slice};
use crate::analyzers::Fault;

const ORDER: Order = Order::Little;
const PAGE_BYTES: usize = 4096;
const SLOT_BYTES: usize = 16;
const BLOCK_BYTES: usize = 16;
const BLOB_HEAD_BYTES: usize = 16;
const BLOB_TAIL_BYTES: usize = 12;

/// The file's header takes the place of the first slots.
const HEADER_SLOTS: usize = 2;

const MAGIC: &[u8; 4] = b"RpmP";
const SLOT_MAGIC: &[u8; 4] = b"Slot";
const BLOB_HEAD_MAGIC: &[u8; 4] = b"BlbS";
const BLOB_TAIL_MAGIC: &[u8; 4] = b"BlbE";

/// Shows the header blob of every package.
pub(super) fn each_blob(
    file: &[u8],
    mut visit: impl FnMut(&[u8]) -> Result<(), Fault>,
) -> Result<(), Fault> {
    if slice(file, 0, 4) != Some(MAGIC) {
        return Err(Fault::new("it is not an ndb database"));
    }
    let version = ORDER.u32(file, 4);
    if version != Some(0) {
        return Err(Fault::new("the database has an unknown version"));
    }
    let short = || Fault::new("the database is cut short");
    let slot_pages = ORDER.size(file, 12).ok_or_else(short)?;
    // Blobs do not overlap, so that all together are not larger than the file.
    let mut bytes_left = file.len();
    for number in 0..slot_pages {
        let page = page(file, number, PAGE_BYTES).ok_or_else(short)?;
        let skipped = if number == 0 { HEADER_SLOTS } else { 0 };
        for slot in page.chunks_exact(SLOT_BYTES).skip(skipped) {
            let Some((package, whole)) = read_slot(file, slot)? else {
                continue;
            };
            let left = bytes_left.checked_sub(whole.len());
            bytes_left = left.ok_or_else(|| Fault::new("the blobs of packages overlap"))?;
            let blob = read_blob(whole, package);
            visit(blob.ok_or_else(|| Fault::new(format!("the blob of {package} is damaged")))?)?;
        }
    }
    Ok(())
}

/// Returns the number of a package and its blocks; `None` if the slot is free.
fn read_slot<'a>(file: &'a [u8], slot: &[u8]) -> Result<Option<(u32, &'a [u8])>, Fault> {
    let malformed = || Fault::new("a slot is malformed");
    if slice(slot, 0, 4) != Some(SLOT_MAGIC) {
        return Err(malformed());
    }
    let package = ORDER.u32(slot, 4).ok_or_else(malformed)?;
    let block = ORDER.size(slot, 8).ok_or_else(malformed)?;
    let blocks = ORDER.size(slot, 12).ok_or_else(malformed)?;
    if block == 0 {
        return Ok(None);
    }
    let start = block.checked_mul(BLOCK_BYTES).ok_or_else(malformed)?;
    let whole = blocks.checked_mul(BLOCK_BYTES).and_then(|bytes| slice(file, start, bytes));
    let cut_short = || Fault::new(format!("the blob of {package} is cut short"));
    Ok(Some((package, whole.ok_or_else(cut_short)?)))
}

/// Returns what lies between head and tail, if these and the checksum are right.
fn read_blob(whole: &[u8], package: u32) -> Option<&[u8]> {
    let length = ORDER.size(whole, 12)?;
    let is_head =
        slice(whole, 0, 4) == Some(BLOB_HEAD_MAGIC) && ORDER.u32(whole, 4) == Some(package);
    let needed = BLOB_HEAD_BYTES.checked_add(length)?.checked_add(BLOB_TAIL_BYTES)?;
    let is_size = needed.div_ceil(BLOCK_BYTES).checked_mul(BLOCK_BYTES)? == whole.len();
    let tail_at = whole.len().checked_sub(BLOB_TAIL_BYTES)?;
    let (summed, tail) = whole.split_at_checked(tail_at)?;
    let is_tail = ORDER.u32(tail, 0) == Some(adler32(summed))
        && ORDER.size(tail, 4) == Some(length)
        && slice(tail, 8, 4) == Some(BLOB_TAIL_MAGIC);
    (is_head && is_size && is_tail).then(|| slice(whole, BLOB_HEAD_BYTES, length))?
}

/// The checksum of RFC 1950, section 8.
fn adler32(bytes: &[u8]) -> u32 {
    const MODULUS: u32 = 65521;
    // As many bytes as the sums can take before they have to be reduced.
    const CHUNK: usize = 5552;
    let (mut a, mut b) = (1_u32, 0_u32);
    for chunk in bytes.chunks(CHUNK) {
        for byte in chunk {
            a = a.wrapping_add(u32::from(*byte));
            b = b.wrapping_add(a);
        }
        a %= MODULUS;
        b %= MODULUS;
    }
    (b << 16) | a
}
