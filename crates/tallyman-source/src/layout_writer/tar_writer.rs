//! A small tar writer (POSIX.1-2017, pax): ustar headers, with a PAX header before an entry that
//! does not fit one. For what the program itself packs; it preserves no owners.

use std::io::{self, Read, Write};

use crate::archive::header::{BLOCK, checksum};

/// The largest number that eleven octal digits hold.
const MAX_OCTAL: u64 = 0o77_777_777_777;

/// Writes entries one after the other.
#[derive(Debug)]
pub struct TarWriter<W: Write> {
    inner: W,
}

/// The parts of an entry that are the same for all kinds.
#[derive(Clone, Copy, Debug)]
pub struct EntryMeta<'a> {
    /// The path, without a leading slash.
    pub path: &'a str,
    /// The permission bits.
    pub mode: u32,
    /// When it was changed; seconds since the epoch.
    pub modified_seconds: u64,
}

impl<W: Write> TarWriter<W> {
    /// Starts a tar.
    pub fn new(inner: W) -> Self {
        TarWriter { inner }
    }

    /// Writes a regular file of exactly `size_bytes` from a reader. A reader that ends early gives
    /// an error, and more bytes than announced are left unread: files change while they are
    /// packed.
    pub fn file(
        &mut self,
        meta: EntryMeta<'_>,
        size_bytes: u64,
        reader: &mut dyn Read,
    ) -> io::Result<()> {
        self.header(meta, b'0', size_bytes, "")?;
        let copied = io::copy(&mut reader.take(size_bytes), &mut self.inner)?;
        if copied != size_bytes {
            let text = format!("{} became shorter while it was read", meta.path);
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, text));
        }
        self.pad(size_bytes)
    }

    /// Writes a directory.
    pub fn directory(&mut self, meta: EntryMeta<'_>) -> io::Result<()> {
        let path = format!("{}/", meta.path.trim_end_matches('/'));
        self.header(EntryMeta { path: &path, ..meta }, b'5', 0, "")
    }

    /// Writes a symbolic link.
    pub fn symlink(&mut self, meta: EntryMeta<'_>, target: &str) -> io::Result<()> {
        self.header(meta, b'2', 0, target)
    }

    /// Writes the end of the tar, and returns what it was written to.
    pub fn finish(mut self) -> io::Result<W> {
        self.inner.write_all(&[0; 2 * BLOCK])?;
        self.inner.flush()?;
        Ok(self.inner)
    }

    fn header(
        &mut self,
        meta: EntryMeta<'_>,
        kind: u8,
        size_bytes: u64,
        target: &str,
    ) -> io::Result<()> {
        let mut records = String::new();
        if meta.path.len() > 100 {
            records.push_str(&pax_record("path", meta.path));
        }
        if target.len() > 100 {
            records.push_str(&pax_record("linkpath", target));
        }
        if size_bytes > MAX_OCTAL {
            records.push_str(&pax_record("size", &size_bytes.to_string()));
        }
        if !records.is_empty() {
            let size = u64::try_from(records.len()).unwrap_or(u64::MAX);
            let extension = EntryMeta { path: "pax", mode: 0o644, ..meta };
            self.inner.write_all(&block(extension, b'x', size, ""))?;
            self.inner.write_all(records.as_bytes())?;
            self.pad(size)?;
        }
        self.inner.write_all(&block(meta, kind, size_bytes, target))
    }

    fn pad(&mut self, size_bytes: u64) -> io::Result<()> {
        let used = usize::try_from(size_bytes % BLOCK as u64).unwrap_or(0);
        self.inner.write_all(&[0; BLOCK][..(BLOCK - used) % BLOCK])
    }
}

fn block(meta: EntryMeta<'_>, kind: u8, size_bytes: u64, target: &str) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    let mut put = |offset: usize, width: usize, bytes: &[u8]| {
        for (to, from) in block[offset..offset + width].iter_mut().zip(bytes) {
            *to = *from;
        }
    };
    put(0, 100, meta.path.as_bytes());
    put(100, 8, format!("{:07o}\0", meta.mode & 0o7777).as_bytes());
    put(108, 8, b"0000000\0");
    put(116, 8, b"0000000\0");
    put(124, 12, format!("{:011o}\0", size_bytes.min(MAX_OCTAL)).as_bytes());
    put(136, 12, format!("{:011o}\0", meta.modified_seconds.min(MAX_OCTAL)).as_bytes());
    put(156, 1, &[kind]);
    put(157, 100, target.as_bytes());
    put(257, 8, b"ustar\x0000");
    let sum = checksum(&block);
    for (to, from) in block[148..156].iter_mut().zip(format!("{sum:06o}\0 ").bytes()) {
        *to = from;
    }
    block
}

/// The length at a record's beginning counts itself.
fn pax_record(key: &str, value: &str) -> String {
    let rest = format!(" {key}={value}\n");
    let mut length = rest.len() + 1;
    while length.to_string().len() + rest.len() != length {
        length = length.to_string().len() + rest.len();
    }
    format!("{length}{rest}")
}
