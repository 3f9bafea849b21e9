//! Reads the rows of rpm's table `Packages` out of an SQLite database ("Database File Format",
//! <https://www.sqlite.org/fileformat2.html>): one table B-tree with overflow pages, no more.
//!
//! No more pages and bytes are read than the file has, which bounds the work and ends every cycle.

use super::bytes::{Order, page, slice};
use crate::analyzers::Fault;

const ORDER: Order = Order::Big;
const MAGIC: &[u8; 16] = b"SQLite format 3\0";
const HEADER_BYTES: usize = 100;

/// The smallest usable page ("1.3.4. Reserved bytes per page").
const MIN_USABLE_BYTES: usize = 480;

const INTERIOR: u8 = 0x05;
const LEAF: u8 = 0x0d;

/// A tree of the largest database, with two entries a page, is not deeper.
const MAX_DEPTH: usize = 32;

/// Shows the header blob of every package.
pub(super) fn each_blob(
    file: &[u8],
    mut visit: impl FnMut(&[u8]) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let database = Database::open(file)?;
    let mut root = None;
    database.each_row(1, |record| {
        if let Some(page) = root_of_packages(record)? {
            root = Some(page);
        }
        Ok(())
    })?;
    let root = root.ok_or_else(|| Fault::new("the database has no table Packages"))?;
    // CREATE TABLE 'Packages' (hnum INTEGER PRIMARY KEY, blob BLOB NOT NULL)
    database.each_row(root, |record| {
        let blob = Record::parse(record).and_then(|record| record.bytes(1));
        visit(blob.ok_or_else(|| Fault::new("a row of Packages is malformed"))?)
    })
}

/// Returns the root page of the table Packages if the row of the schema is about it ("2.6. Storage
/// Of The SQL Database Schema").
fn root_of_packages(record: &[u8]) -> Result<Option<usize>, Fault> {
    let malformed = || Fault::new("a row of the database's schema is malformed");
    let record = Record::parse(record).ok_or_else(malformed)?;
    if record.bytes(0) != Some(b"table") || record.bytes(1) != Some(b"Packages") {
        return Ok(None);
    }
    let page = record.number(3).and_then(|page| usize::try_from(page).ok());
    page.filter(|page| *page > 0).map(Some).ok_or_else(malformed)
}

struct Database<'a> {
    file: &'a [u8],
    page_bytes: usize,
    /// What of a page is not reserved.
    usable_bytes: usize,
    pages: usize,
}

impl<'a> Database<'a> {
    fn open(file: &'a [u8]) -> Result<Self, Fault> {
        let malformed = || Fault::new("the database's first page is malformed");
        if slice(file, 0, MAGIC.len()) != Some(MAGIC) {
            return Err(Fault::new("it is not an SQLite database"));
        }
        let page_bytes = match ORDER.u16(file, 16).ok_or_else(malformed)? {
            1 => 65536,
            size => usize::from(size),
        };
        let reserved = usize::from(*file.get(20).ok_or_else(malformed)?);
        if !page_bytes.is_power_of_two() || file.len() < HEADER_BYTES {
            return Err(malformed());
        }
        let usable_bytes = page_bytes.saturating_sub(reserved);
        if usable_bytes < MIN_USABLE_BYTES {
            return Err(malformed());
        }
        let pages = file.len().checked_div(page_bytes).unwrap_or(0);
        // The size in the header counts if the two change counters agree ("1.3.7").
        let is_size_valid = ORDER.u32(file, 24) == ORDER.u32(file, 92);
        let expected = ORDER.size(file, 28).filter(|_| is_size_valid).unwrap_or(0);
        if pages < expected.max(1) {
            return Err(Fault::new(format!(
                "{pages} of the database's {expected} pages are there"
            )));
        }
        Ok(Database { file, page_bytes, usable_bytes, pages })
    }

    /// Shows the record of every row of a table.
    fn each_row(
        &self,
        root: usize,
        mut visit: impl FnMut(&[u8]) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let mut budget = Budget { pages_left: self.pages, bytes_left: self.file.len() };
        let mut buffer = Vec::new();
        // The pages to be read, with their depth.
        let mut open = vec![(root, 0_usize)];
        while let Some((number, depth)) = open.pop() {
            let (page, start) = self.page(number, &mut budget)?;
            let malformed = || Fault::new(format!("page {number} is malformed"));
            let kind = *page.get(start).ok_or_else(malformed)?;
            let cells = ORDER.u16(page, start.saturating_add(3)).ok_or_else(malformed)?;
            let pointers = start.saturating_add(if kind == INTERIOR { 12 } else { 8 });
            let pointers = slice(page, pointers, usize::from(cells).saturating_mul(2));
            let pointers = pointers.ok_or_else(malformed)?.chunks_exact(2);
            let cells = pointers.filter_map(|it| ORDER.u16(it, 0)).map(usize::from);
            match kind {
                LEAF => {
                    for cell in cells {
                        let cell = page.get(cell..).ok_or_else(malformed)?;
                        visit(self.payload(number, cell, &mut buffer, &mut budget)?)?;
                    }
                }
                INTERIOR if depth < MAX_DEPTH => {
                    let right = ORDER.size(page, start.saturating_add(8));
                    let left = cells.map(|cell| ORDER.size(page, cell));
                    for child in left.chain([right]) {
                        open.push((child.ok_or_else(malformed)?, depth.saturating_add(1)));
                    }
                    // More would never be read.
                    if open.len() > self.pages {
                        return Err(malformed());
                    }
                }
                _ => return Err(malformed()),
            }
        }
        Ok(())
    }

    /// Returns a page, counted from 1, and where its B-tree header begins.
    fn page(&self, number: usize, budget: &mut Budget) -> Result<(&'a [u8], usize), Fault> {
        budget.take_page()?;
        let page = number.checked_sub(1).and_then(|at| page(self.file, at, self.page_bytes));
        let page = page.and_then(|page| page.get(..self.usable_bytes));
        let start = if number == 1 { HEADER_BYTES } else { 0 };
        page.map(|page| (page, start))
            .ok_or_else(|| Fault::new(format!("page {number} lies outside of the database")))
    }

    /// Returns the payload of a cell of a leaf, put together from its overflow pages if it has
    /// any ("1.6. B-tree Pages", "1.7. Cell Payload Overflow Pages").
    fn payload<'b>(
        &self,
        number: usize,
        cell: &'b [u8],
        buffer: &'b mut Vec<u8>,
        budget: &mut Budget,
    ) -> Result<&'b [u8], Fault>
    where
        'a: 'b,
    {
        let malformed = || Fault::new(format!("a row on page {number} is malformed"));
        let (length, rest) = varint(cell).ok_or_else(malformed)?;
        let (_row, rest) = varint(rest).ok_or_else(malformed)?;
        let length = usize::try_from(length).map_err(|_| malformed())?;
        // This also keeps a false length from reserving memory, and cells from lying on each other.
        budget.take_bytes(length)?;
        let local = self.local_bytes(length);
        if local == length {
            return slice(rest, 0, length).ok_or_else(malformed);
        }
        buffer.clear();
        buffer.extend_from_slice(slice(rest, 0, local).ok_or_else(malformed)?);
        let mut next = ORDER.size(rest, local).ok_or_else(malformed)?;
        while buffer.len() < length {
            let (page, _) = self.page(next, budget)?;
            next = ORDER.size(page, 0).ok_or_else(malformed)?;
            let content = page.get(4..).ok_or_else(malformed)?;
            let wanted = content.len().min(length.saturating_sub(buffer.len()));
            buffer.extend_from_slice(slice(content, 0, wanted).ok_or_else(malformed)?);
        }
        Ok(buffer)
    }

    /// Returns how much of a payload its leaf holds.
    fn local_bytes(&self, length: usize) -> usize {
        let usable = self.usable_bytes;
        let max = usable.saturating_sub(35);
        if length <= max {
            return length;
        }
        let min = usable.saturating_sub(12).saturating_mul(32) / 255;
        let min = min.saturating_sub(23);
        let rest = length.saturating_sub(min).checked_rem(usable.saturating_sub(4)).unwrap_or(0);
        let some = min.saturating_add(rest);
        if some <= max { some } else { min }
    }
}

/// How much may still be read of a file that uses nothing twice.
struct Budget {
    pages_left: usize,
    bytes_left: usize,
}

impl Budget {
    fn take_page(&mut self) -> Result<(), Fault> {
        let left = self.pages_left.checked_sub(1);
        self.pages_left = left.ok_or_else(|| Fault::new("the database uses a page twice"))?;
        Ok(())
    }

    fn take_bytes(&mut self, bytes: usize) -> Result<(), Fault> {
        let left = self.bytes_left.checked_sub(bytes);
        self.bytes_left =
            left.ok_or_else(|| Fault::new("the rows are longer than the database"))?;
        Ok(())
    }
}

/// A record ("2.1. Record Format"): the types of its columns, and their values.
struct Record<'a> {
    types: &'a [u8],
    values: &'a [u8],
}

impl<'a> Record<'a> {
    fn parse(bytes: &'a [u8]) -> Option<Self> {
        let (header_bytes, rest) = varint(bytes)?;
        let header_bytes = usize::try_from(header_bytes).ok()?;
        let types =
            slice(rest, 0, header_bytes.checked_sub(bytes.len().checked_sub(rest.len())?)?)?;
        Some(Record { types, values: bytes.get(header_bytes..)? })
    }

    /// Returns the type and the value of a column.
    fn column(&self, column: usize) -> Option<(u64, &'a [u8])> {
        let (mut types, mut at) = (self.types, 0_usize);
        for _ in 0..column {
            let (kind, rest) = varint(types)?;
            at = at.checked_add(size_of_type(kind)?)?;
            types = rest;
        }
        let (kind, _) = varint(types)?;
        Some((kind, slice(self.values, at, size_of_type(kind)?)?))
    }

    /// Returns a text or blob.
    fn bytes(&self, column: usize) -> Option<&'a [u8]> {
        self.column(column).filter(|(kind, _)| *kind >= 12).map(|(_, bytes)| bytes)
    }

    /// Returns a number that is not negative.
    fn number(&self, column: usize) -> Option<u64> {
        let (kind, bytes) = self.column(column)?;
        match kind {
            1..=6 => Some(bytes.iter().fold(0, |sum, byte| (sum << 8) | u64::from(*byte))),
            8 => Some(0),
            9 => Some(1),
            _ => None,
        }
    }
}

/// The serial types of a record.
fn size_of_type(kind: u64) -> Option<usize> {
    match kind {
        0 | 8 | 9 => Some(0),
        1..=4 => usize::try_from(kind).ok(),
        5 => Some(6),
        6 | 7 => Some(8),
        10 | 11 => None,
        _ => usize::try_from(kind.checked_sub(12)? / 2).ok(),
    }
}

/// Reads a number of up to nine bytes, seven bits each and eight of the last ("1.6").
fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut number = 0_u64;
    for (at, byte) in bytes.iter().enumerate().take(9) {
        let rest = bytes.get(at.checked_add(1)?..)?;
        if at == 8 {
            return Some(((number << 8) | u64::from(*byte), rest));
        }
        number = (number << 7) | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some((number, rest));
        }
    }
    None
}
