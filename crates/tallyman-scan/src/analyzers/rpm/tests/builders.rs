//! Writes the three formats, each as small as it can be and still have every kind of page.

/// The tags of a header that tests set.
pub(super) const NAME: u32 = 1000;
pub(super) const VERSION: u32 = 1001;
pub(super) const RELEASE: u32 = 1002;
pub(super) const EPOCH: u32 = 1003;
pub(super) const ARCH: u32 = 1022;
pub(super) const FLAGS: u32 = 1037;
pub(super) const SOURCE: u32 = 1044;
pub(super) const DIR_INDEXES: u32 = 1116;
pub(super) const BASES: u32 = 1117;
pub(super) const DIRS: u32 = 1118;
pub(super) const MODULE: u32 = 5096;

const INT32: u32 = 4;
const STRING: u32 = 6;
const STRING_ARRAY: u32 = 8;

/// Writes the header of a package.
#[derive(Default)]
pub(super) struct HeaderBuilder {
    index: Vec<u8>,
    store: Vec<u8>,
}

impl HeaderBuilder {
    pub(super) fn package(name: &str, version: &str, release: &str) -> Self {
        HeaderBuilder::default().text(NAME, name).text(VERSION, version).text(RELEASE, release)
    }

    pub(super) fn text(self, tag: u32, text: &str) -> Self {
        self.value(tag, STRING, 1, format!("{text}\0").as_bytes())
    }

    pub(super) fn texts(self, tag: u32, texts: &[&str]) -> Self {
        let bytes: String = texts.iter().map(|text| format!("{text}\0")).collect();
        self.value(tag, STRING_ARRAY, texts.len(), bytes.as_bytes())
    }

    pub(super) fn numbers(self, tag: u32, numbers: &[u32]) -> Self {
        let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_be_bytes()).collect();
        self.value(tag, INT32, numbers.len(), &bytes)
    }

    pub(super) fn value(mut self, tag: u32, kind: u32, count: usize, bytes: &[u8]) -> Self {
        let offset = u32::try_from(self.store.len()).expect("a small header");
        let count = u32::try_from(count).expect("a small header");
        for number in [tag, kind, offset, count] {
            self.index.extend(number.to_be_bytes());
        }
        self.store.extend(bytes);
        self
    }

    pub(super) fn build(self) -> Vec<u8> {
        let mut blob = Vec::new();
        for number in [self.index.len() / 16, self.store.len()] {
            blob.extend(u32::try_from(number).expect("a small header").to_be_bytes());
        }
        [blob, self.index, self.store].concat()
    }
}

pub(super) const SQLITE_PAGE: usize = 512;

/// An SQLite database whose table Packages has one interior page, a leaf for each blob, and as
/// many overflow pages as needed.
pub(super) fn sqlite(blobs: &[Vec<u8>]) -> Vec<u8> {
    let sql = "CREATE TABLE 'Packages' (hnum INTEGER PRIMARY KEY AUTOINCREMENT,blob BLOB NOT NULL)";
    let root = record(&[
        (23, b"table".to_vec()),
        (29, b"Packages".to_vec()),
        (29, b"Packages".to_vec()),
        (1, vec![2]),
        (varint_type_of_text(sql), sql.as_bytes().to_vec()),
    ]);
    let mut pages = vec![vec![0; SQLITE_PAGE]; 2];
    let schema = leaf(100, &[cell(1, &root, &mut Vec::new(), 0)]);
    pages[0].copy_from_slice(&schema);
    let mut children = Vec::new();
    for (row, blob) in (1..).zip(blobs) {
        let payload = record(&[(0, Vec::new()), (blob.len() as u64 * 2 + 12, blob.clone())]);
        children.push(pages.len() + 1);
        let leaf_at = pages.len();
        pages.push(Vec::new());
        let mut overflow = Vec::new();
        let content = cell(row, &payload, &mut overflow, pages.len() + 1);
        pages.extend(overflow);
        pages[leaf_at] = leaf(0, &[content]);
    }
    pages[1] = match children.split_last() {
        None => leaf(0, &[]),
        Some((right, left)) => interior(left, *right),
    };
    let count = u32::try_from(pages.len()).expect("a small database");
    let header = &mut pages[0];
    header[..16].copy_from_slice(b"SQLite format 3\0");
    header[16..18].copy_from_slice(&512_u16.to_be_bytes());
    header[18..24].copy_from_slice(&[2, 2, 0, 64, 32, 32]);
    header[28..32].copy_from_slice(&count.to_be_bytes());
    pages.concat()
}

fn varint_type_of_text(text: &str) -> u64 {
    text.len() as u64 * 2 + 13
}

fn record(columns: &[(u64, Vec<u8>)]) -> Vec<u8> {
    let types: Vec<u8> = columns.iter().flat_map(|(kind, _)| varint(*kind)).collect();
    let mut bytes = varint(types.len() as u64 + 1);
    bytes.extend(types);
    bytes.extend(columns.iter().flat_map(|(_, value)| value));
    bytes
}

fn varint(number: u64) -> Vec<u8> {
    let mut bytes = vec![u8::try_from(number & 0x7f).expect("seven bits")];
    let mut rest = number >> 7;
    while rest > 0 {
        bytes.insert(0, u8::try_from(rest & 0x7f).expect("seven bits") | 0x80);
        rest >>= 7;
    }
    bytes
}

/// A cell of a leaf; what it has no room for goes to overflow pages from `next` on.
fn cell(row: u64, payload: &[u8], overflow: &mut Vec<Vec<u8>>, next: usize) -> Vec<u8> {
    let mut bytes = [varint(payload.len() as u64), varint(row)].concat();
    let max = SQLITE_PAGE - 35;
    if payload.len() <= max {
        bytes.extend(payload);
        return bytes;
    }
    let min = (SQLITE_PAGE - 12) * 32 / 255 - 23;
    let some = min + (payload.len() - min) % (SQLITE_PAGE - 4);
    let local = if some <= max { some } else { min };
    let chunks: Vec<&[u8]> = payload[local..].chunks(SQLITE_PAGE - 4).collect();
    bytes.extend(&payload[..local]);
    bytes.extend(u32::try_from(next).expect("a small database").to_be_bytes());
    for (at, chunk) in chunks.iter().enumerate() {
        let following = if at + 1 == chunks.len() { 0 } else { next + at + 1 };
        let following = u32::try_from(following).expect("a small database");
        let mut page = [&following.to_be_bytes()[..], chunk].concat();
        page.resize(SQLITE_PAGE, 0);
        overflow.push(page);
    }
    bytes
}

fn leaf(start: usize, cells: &[Vec<u8>]) -> Vec<u8> {
    let mut page = vec![0; SQLITE_PAGE];
    page[start] = 0x0d;
    page[start + 4] = u8::try_from(cells.len()).expect("few cells");
    let mut end = SQLITE_PAGE;
    for (at, cell) in cells.iter().enumerate() {
        end -= cell.len();
        page[end..end + cell.len()].copy_from_slice(cell);
        let pointer = u16::try_from(end).expect("within a page").to_be_bytes();
        page[start + 8 + at * 2..start + 10 + at * 2].copy_from_slice(&pointer);
    }
    page
}

fn interior(left: &[usize], right: usize) -> Vec<u8> {
    let number = |page: usize| u32::try_from(page).expect("a small database").to_be_bytes();
    let mut page = vec![0; SQLITE_PAGE];
    page[0] = 0x05;
    page[4] = u8::try_from(left.len()).expect("few children");
    page[8..12].copy_from_slice(&number(right));
    let mut end = SQLITE_PAGE;
    for (at, child) in left.iter().enumerate() {
        end -= 5;
        page[end..end + 4].copy_from_slice(&number(*child));
        page[end + 4] = 1;
        let pointer = u16::try_from(end).expect("within a page").to_be_bytes();
        page[12 + at * 2..14 + at * 2].copy_from_slice(&pointer);
    }
    page
}

/// An ndb file with one page of slots, of which every second one is free.
pub(super) fn ndb(blobs: &[Vec<u8>]) -> Vec<u8> {
    let word = |number: usize| u32::try_from(number).expect("a small database").to_le_bytes();
    let mut slots = [&b"RpmP"[..], &word(0), &word(7), &word(1), &word(blobs.len() + 1)].concat();
    slots.resize(32, 0);
    let mut content = Vec::new();
    for (package, blob) in (1..).zip(blobs) {
        let start = (4096 + content.len()) / 16;
        let mut whole = [&b"BlbS"[..], &word(package), &word(7), &word(blob.len()), blob].concat();
        whole.resize((whole.len() + 12).next_multiple_of(16) - 12, 0);
        let sum = adler32(&whole);
        whole.extend([&sum.to_le_bytes()[..], &word(blob.len()), b"BlbE"].concat());
        slots
            .extend([&b"Slot"[..], &word(package), &word(start), &word(whole.len() / 16)].concat());
        slots.extend([&b"Slot"[..], &[0; 12]].concat());
        content.extend(whole);
    }
    while slots.len() < 4096 {
        slots.extend([&b"Slot"[..], &[0; 12]].concat());
    }
    [slots, content].concat()
}

fn adler32(bytes: &[u8]) -> u32 {
    let (mut a, mut b) = (1_u32, 0_u32);
    for byte in bytes {
        a = (a + u32::from(*byte)) % 65521;
        b = (b + a) % 65521;
    }
    b << 16 | a
}

const BERKELEY_PAGE: usize = 512;

/// A hash of Berkeley DB: its description, a page with the number of the next package, a page of
/// the hash for each blob, and overflow pages for those that are long.
pub(super) fn berkeley(blobs: &[Vec<u8>], is_big_endian: bool) -> Vec<u8> {
    let word = |number: usize| {
        let number = u32::try_from(number).expect("a small database");
        if is_big_endian { number.to_be_bytes() } else { number.to_le_bytes() }
    };
    let half = |number: usize| {
        let number = u16::try_from(number).expect("within a page");
        if is_big_endian { number.to_be_bytes() } else { number.to_le_bytes() }
    };
    let page = |kind: u8, next: usize, entries: usize, free: usize| {
        let mut page = vec![0; BERKELEY_PAGE];
        page[16..20].copy_from_slice(&word(next));
        page[20..22].copy_from_slice(&half(entries));
        page[22..24].copy_from_slice(&half(free));
        page[25] = kind;
        page
    };
    let pair = |key: &[u8], value: &[u8]| {
        let mut page = page(13, 0, 2, 0);
        let key_at = BERKELEY_PAGE - key.len();
        let value_at = key_at - value.len();
        page[key_at..].copy_from_slice(key);
        page[value_at..key_at].copy_from_slice(value);
        page[26..28].copy_from_slice(&half(key_at));
        page[28..30].copy_from_slice(&half(value_at));
        page
    };
    let mut pages = vec![page(8, 0, 0, 0), pair(&[1, 0, 0, 0, 0], &[1, 9, 0, 0, 0])];
    for (number, blob) in (1..).zip(blobs) {
        let key = [&[1][..], &word(number)].concat();
        if blob.len() < 256 {
            pages.push(pair(&key, &[&[1][..], blob].concat()));
            continue;
        }
        let first = pages.len() + 1;
        let value = [&[3, 0, 0, 0][..], &word(first), &word(blob.len())].concat();
        pages.push(pair(&key, &value));
        let chunks: Vec<&[u8]> = blob.chunks(BERKELEY_PAGE - 26).collect();
        for (at, chunk) in chunks.iter().enumerate() {
            let next = if at + 1 == chunks.len() { 0 } else { first + at + 1 };
            let mut page = page(7, next, 1, chunk.len());
            page[26..26 + chunk.len()].copy_from_slice(chunk);
            pages.push(page);
        }
    }
    let last = pages.len() - 1;
    let meta = &mut pages[0];
    meta[12..16].copy_from_slice(&word(0x0006_1561));
    meta[16..20].copy_from_slice(&word(9));
    meta[20..24].copy_from_slice(&word(BERKELEY_PAGE));
    meta[32..36].copy_from_slice(&word(last));
    pages.concat()
}
