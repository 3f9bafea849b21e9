//! `Read` for what is read through its buffer.

use std::io::{self, BufRead};

/// Copies what the buffer has; the `read` of a type whose own interface is `BufRead`.
pub(crate) fn read(reader: &mut impl BufRead, out: &mut [u8]) -> io::Result<usize> {
    let available = reader.fill_buf()?;
    let count = available.len().min(out.len());
    out[..count].copy_from_slice(&available[..count]);
    reader.consume(count);
    Ok(count)
}
