//! Reads the values of a hash of Berkeley DB (its `dbinc/db_page.h`, and the reference guide,
//! "Hash access method"), the format of rpm until 4.15.
//!
//! All pages are read in their order and each overflow page at most once: buckets need not be
//! found, and no chain can be a cycle.

use super::bytes::{Order, page, slice};
use crate::analyzers::Fault;

const MAGIC: u32 = 0x0006_1561;
const MAGIC_AT: usize = 12;

/// The versions of the format in Berkeley DB 3.1 to 5.3 and 6 to 18.
const VERSIONS: [u32; 4] = [7, 8, 9, 10];

const PAGE_HEADER_BYTES: usize = 26;

/// The types of pages.
const UNSORTED_HASH: u8 = 2;
const OVERFLOW: u8 = 7;
const META: u8 = 8;
const HASH: u8 = 13;

/// The types of items on a page of the hash.
const ON_PAGE: u8 = 1;
const OFF_PAGE: u8 = 3;

/// Shows the header blob of every package.
pub(super) fn each_blob(
    file: &[u8],
    mut visit: impl FnMut(&[u8]) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let database = Database::open(file)?;
    let mut is_used = vec![false; database.pages];
    let mut buffer = Vec::new();
    for number in 0..database.pages {
        let page = database.page(number)?;
        if !matches!(page.get(25), Some(&HASH | &UNSORTED_HASH)) {
            continue;
        }
        for (key, value) in database.pairs(number, page)? {
            // Key 0 holds the number of the next package.
            if is_zero(key) {
                continue;
            }
            match value.first() {
                Some(&ON_PAGE) => visit(value.get(1..).unwrap_or_default())?,
                Some(&OFF_PAGE) => {
                    database.read_off_page(value, &mut is_used, &mut buffer)?;
                    visit(&buffer)?;
                }
                _ => return Err(malformed(number)),
            }
        }
    }
    Ok(())
}

/// Tells whether the key of a pair is the number 0.
fn is_zero(key: &[u8]) -> bool {
    key.first() == Some(&ON_PAGE) && key.get(1..).is_some_and(|key| key == [0; 4])
}

fn malformed(number: usize) -> Fault {
    Fault::new(format!("page {number} is malformed"))
}

/// A key and its value, each with its type in front.
type Pair<'a> = (&'a [u8], &'a [u8]);

struct Database<'a> {
    file: &'a [u8],
    order: Order,
    page_bytes: usize,
    pages: usize,
}

impl<'a> Database<'a> {
    /// Reads the page that describes the database.
    fn open(file: &'a [u8]) -> Result<Self, Fault> {
        let orders = [Order::Little, Order::Big].into_iter();
        let order = orders.into_iter().find(|order| order.u32(file, MAGIC_AT) == Some(MAGIC));
        let order = order.ok_or_else(|| Fault::new("it is not a hash of Berkeley DB"))?;
        let version = order.u32(file, 16).unwrap_or(0);
        if !VERSIONS.contains(&version) || file.get(25) != Some(&META) {
            return Err(Fault::new(format!("version {version} of Berkeley DB is not known")));
        }
        // Encryption, and checksums that make page headers larger: rpm uses neither.
        if file.get(24) != Some(&0) || file.get(26).is_none_or(|flags| flags & 1 != 0) {
            return Err(Fault::new("the database is encrypted or has checksums"));
        }
        let page_bytes = order
            .size(file, 20)
            .filter(|size| size.is_power_of_two() && (512..=65536).contains(size));
        let page_bytes = page_bytes.ok_or_else(|| malformed(0))?;
        let last = order.size(file, 32).ok_or_else(|| malformed(0))?;
        let pages = file.len().checked_div(page_bytes).unwrap_or(0);
        if pages <= last {
            return Err(Fault::new(format!("{pages} of {last} pages of the database are there")));
        }
        Ok(Database { file, order, page_bytes, pages: last.saturating_add(1) })
    }

    fn page(&self, number: usize) -> Result<&'a [u8], Fault> {
        let page = page(self.file, number, self.page_bytes);
        page.ok_or_else(|| Fault::new(format!("page {number} lies outside of the database")))
    }

    /// Returns what a page of the hash holds. It lies from the end of the page to its beginning; an
    /// index of the offsets follows the page's header.
    fn pairs(&self, number: usize, page: &'a [u8]) -> Result<Vec<Pair<'a>>, Fault> {
        let entries = self.order.u16(page, 20).map(usize::from).ok_or_else(|| malformed(number))?;
        let index = slice(page, PAGE_HEADER_BYTES, entries.saturating_mul(2));
        let index = index.ok_or_else(|| malformed(number))?;
        let mut items = Vec::with_capacity(entries);
        let mut end = self.page_bytes;
        for offset in index.chunks_exact(2) {
            let start = self.order.u16(offset, 0).map_or(0, usize::from);
            let item = page.get(start..end).filter(|item| !item.is_empty());
            items.push(item.ok_or_else(|| malformed(number))?);
            end = start;
        }
        let pairs = items.chunks_exact(2);
        if !pairs.remainder().is_empty() {
            return Err(malformed(number));
        }
        Ok(pairs.filter_map(|pair| Some((*pair.first()?, *pair.get(1)?))).collect())
    }

    /// Puts together what an item says lies on overflow pages.
    fn read_off_page(
        &self,
        item: &[u8],
        is_used: &mut [bool],
        buffer: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        let bad_item = || Fault::new("an item on overflow pages is malformed");
        let mut next = self.order.size(item, 4).ok_or_else(bad_item)?;
        let length = self.order.size(item, 8).ok_or_else(bad_item)?;
        if length > self.file.len() {
            return Err(bad_item());
        }
        buffer.clear();
        while next != 0 && buffer.len() < length {
            let used = is_used.get_mut(next).ok_or_else(|| malformed(next))?;
            if std::mem::replace(used, true) {
                return Err(Fault::new(format!("page {next} belongs to two packages")));
            }
            let page = self.page(next)?;
            // An overflow page has the length of its data in the place of the first free byte.
            let data_bytes = self.order.u16(page, 22).map(usize::from);
            let data = data_bytes.and_then(|bytes| slice(page, PAGE_HEADER_BYTES, bytes));
            let data = data.filter(|_| page.get(25) == Some(&OVERFLOW));
            buffer.extend_from_slice(data.ok_or_else(|| malformed(next))?);
            next = self.order.size(page, 16).ok_or_else(|| malformed(next))?;
        }
        if buffer.len() == length { Ok(()) } else { Err(bad_item()) }
    }
}
