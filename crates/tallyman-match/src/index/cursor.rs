//! Bounds-checked reading of the index's varints, lists and bytes.

use super::IndexError;

pub(super) const SHORT: IndexError = IndexError::Damaged("an offset leaves its section");

/// A place in a section.
pub(super) struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Cursor { rest: bytes }
    }

    pub(super) fn byte(&mut self) -> Result<u8, IndexError> {
        let (first, rest) = self.rest.split_first().ok_or(SHORT)?;
        self.rest = rest;
        Ok(*first)
    }

    /// Reads a LEB128 number.
    pub(super) fn number(&mut self) -> Result<u64, IndexError> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(IndexError::Damaged("a number is too long"))
    }

    pub(super) fn size(&mut self) -> Result<usize, IndexError> {
        usize::try_from(self.number()?).map_err(|_| SHORT)
    }

    /// Reads the length of a list; each element takes a byte at least.
    pub(super) fn length(&mut self) -> Result<usize, IndexError> {
        let length = self.size()?;
        if length > self.rest.len() { Err(SHORT) } else { Ok(length) }
    }

    pub(super) fn take(&mut self, length: usize) -> Result<&'a [u8], IndexError> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(SHORT)?;
        self.rest = rest;
        Ok(taken)
    }

    pub(super) fn list<T>(
        &mut self,
        mut element: impl FnMut(&mut Self) -> Result<T, IndexError>,
    ) -> Result<Vec<T>, IndexError> {
        let length = self.length()?;
        (0..length).map(|_| element(self)).collect()
    }
}
