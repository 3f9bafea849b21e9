//! A stream that fails where a document, or one piece of it, gets too large, before all of that is
//! in memory.

use std::cell::Cell;
use std::io::{self, Read};
use std::rc::Rc;

/// How much of the piece that is being read may still come; set anew with each piece.
#[derive(Clone, Debug)]
pub(crate) struct Piece {
    left: Rc<Cell<u64>>,
    limit: u64,
    /// What a piece is, for the message.
    name: &'static str,
}

impl Piece {
    /// Makes pieces of at most so many bytes.
    pub(crate) fn new(limit: u64, name: &'static str) -> Self {
        Piece { left: Rc::new(Cell::new(limit)), limit, name }
    }

    /// Begins another piece.
    pub(crate) fn begin(&self) {
        self.left.set(self.limit);
    }
}

/// The stream.
pub(crate) struct Metered<'r> {
    stream: &'r mut dyn Read,
    left: u64,
    piece: Piece,
}

impl<'r> Metered<'r> {
    /// Lets at most so many bytes through, and no larger piece.
    pub(crate) fn new(stream: &'r mut dyn Read, limit: u64, piece: &Piece) -> Self {
        Metered { stream, left: limit, piece: piece.clone() }
    }
}

impl Read for Metered<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Piece { left, limit, name } = &self.piece;
        if left.get() == 0 {
            return Err(io::Error::other(format!("{name} of more than {limit} bytes")));
        }
        if self.left == 0 {
            return Err(io::Error::other(
                "larger than a document may be (limit advisory-record-bytes)",
            ));
        }
        let allowed = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        let read = self.stream.read(buffer.get_mut(..allowed).unwrap_or_default())?;
        let count = u64::try_from(read).unwrap_or(u64::MAX);
        self.left = self.left.saturating_sub(count);
        left.set(left.get().saturating_sub(count));
        Ok(read)
    }
}
