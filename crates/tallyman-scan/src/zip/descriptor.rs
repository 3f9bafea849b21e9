//! The search for the end of content whose size is not known before it (APPNOTE.TXT 6.3.10,
//! section 4.3.9): a data descriptor follows it, then the next header. Content is not inflated for
//! that: the descriptor holds the size, so it is recognised by its own distance.

use memchr::memmem::Finder;

use crate::zip::record::{SIGNATURE_BYTES, u32_at, u64_at};

const SIGNATURE: &[u8] = b"PK\x07\x08";

/// What follows a descriptor: the next entry or the directory.
const NEXT: [&[u8]; 2] = [b"PK\x03\x04", b"PK\x01\x02"];

/// The longest descriptor: signature, CRC-32, two 64-bit sizes.
const DESCRIPTOR_BYTES: usize = 24;

/// How much of the content stays in doubt: a descriptor and a part of the next signature.
pub(super) const DOUBTFUL_BYTES: usize = DESCRIPTOR_BYTES + SIGNATURE_BYTES - 1;

/// Looks for the end of one entry's content.
#[derive(Debug)]
pub(super) struct EndSearch {
    /// How much of the content lies before `tail`.
    before: u64,
    /// The last bytes that were looked at, which the end may begin with.
    tail: Vec<u8>,
}

/// An end, in bytes from the beginning of the tail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// Where the content ends.
    pub(super) content: usize,
    /// Where the next signature begins.
    pub(super) next: usize,
}

impl EndSearch {
    /// Starts in content of which a number of bytes is already behind.
    pub(super) fn new(before: u64) -> Self {
        EndSearch { before, tail: Vec::new() }
    }

    pub(super) fn tail(&self) -> &[u8] {
        &self.tail
    }

    /// Returns the size of the content that ends at a place in what is looked at.
    pub(super) fn size_at(&self, content: usize) -> u64 {
        self.before.saturating_add(content as u64)
    }

    /// Looks for the end in the tail and a piece.
    pub(super) fn find(&self, piece: &[u8], pk: &Finder<'_>) -> Option<Found> {
        let border_bytes = piece.len().min(DOUBTFUL_BYTES);
        let mut border = self.tail.clone();
        border.extend_from_slice(piece.get(..border_bytes).unwrap_or_default());
        let found = self.find_in(&border, 0, pk);
        if found.is_some() || piece.len() <= DOUBTFUL_BYTES {
            return found;
        }
        self.find_in(piece, self.tail.len(), pk)
    }

    /// Looks in bytes that begin at a distance from the beginning of the tail.
    fn find_in(&self, bytes: &[u8], start: usize, pk: &Finder<'_>) -> Option<Found> {
        pk.find_iter(bytes).find_map(|at| {
            let (before, next) = bytes.split_at_checked(at)?;
            if !NEXT.iter().any(|signature| next.starts_with(signature)) {
                return None;
            }
            let next = start.saturating_add(at);
            let descriptor = descriptor_bytes(before, self.size_at(next))?;
            Some(Found { content: next.saturating_sub(descriptor), next })
        })
    }

    /// Goes on behind a piece without an end.
    pub(super) fn pass(&mut self, piece: &[u8]) {
        let total = self.tail.len().saturating_add(piece.len());
        let kept = piece.get(piece.len().saturating_sub(DOUBTFUL_BYTES)..).unwrap_or_default();
        let dropped = total.saturating_sub(DOUBTFUL_BYTES);
        self.tail.drain(..dropped.min(self.tail.len()));
        self.tail.extend_from_slice(kept);
        self.before = self.before.saturating_add(dropped as u64);
    }
}

/// Returns the size of the descriptor that bytes end with, if they do: `distance` is from the
/// beginning of the content to the end of the bytes. The signature may be missing, the sizes may
/// have 32 or 64 bits (section 4.3.9.3 and 4.3.9.2).
fn descriptor_bytes(bytes: &[u8], distance: u64) -> Option<usize> {
    [(16, true, false), (DESCRIPTOR_BYTES, true, true), (12, false, false), (20, false, true)]
        .into_iter()
        .find(|(length, is_signed, is_zip64)| {
            let Some(at) = bytes.len().checked_sub(*length) else {
                return false;
            };
            let descriptor = bytes.get(at..).unwrap_or_default();
            let Some(fields) = (match is_signed {
                true => descriptor.strip_prefix(SIGNATURE),
                false => Some(descriptor),
            }) else {
                return false;
            };
            let size = if *is_zip64 { u64_at(fields, 4) } else { u64::from(u32_at(fields, 4)) };
            distance.checked_sub(*length as u64) == Some(size)
        })
        .map(|(length, ..)| length)
}
