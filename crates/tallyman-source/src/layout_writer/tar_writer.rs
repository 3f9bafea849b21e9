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
        let header = RawHeader {
            path: meta.path.as_bytes(),
            target: target.as_bytes(),
            kind,
            mode: meta.mode,
            modified_seconds: meta.modified_seconds,
            size_bytes,
        };
        header.write_to(&mut self.inner)
    }

    fn pad(&mut self, size_bytes: u64) -> io::Result<()> {
        self.inner.write_all(&[0; BLOCK][..padding(size_bytes)])
    }
}

/// Returns how many zeros follow content of this size.
pub(crate) fn padding(size_bytes: u64) -> usize {
    let used = usize::try_from(size_bytes % BLOCK as u64).unwrap_or(0);
    (BLOCK - used) % BLOCK
}

/// What stands before an entry's content. Names are bytes, as file systems have them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RawHeader<'a> {
    pub(crate) path: &'a [u8],
    pub(crate) target: &'a [u8],
    pub(crate) kind: u8,
    pub(crate) mode: u32,
    pub(crate) modified_seconds: u64,
    pub(crate) size_bytes: u64,
}

impl RawHeader<'_> {
    /// Writes the header block, and before it a PAX header for what does not fit.
    pub(crate) fn write_to(&self, out: &mut impl Write) -> io::Result<()> {
        let mut records = Vec::new();
        if self.path.len() > 100 {
            push_pax_record(&mut records, "path", self.path);
        }
        if self.target.len() > 100 {
            push_pax_record(&mut records, "linkpath", self.target);
        }
        if self.size_bytes > MAX_OCTAL {
            push_pax_record(&mut records, "size", self.size_bytes.to_string().as_bytes());
        }
        if !records.is_empty() {
            let size_bytes = u64::try_from(records.len()).unwrap_or(u64::MAX);
            let extension = RawHeader {
                path: b"pax",
                target: b"",
                kind: b'x',
                mode: 0o644,
                size_bytes,
                ..*self
            };
            out.write_all(&extension.block())?;
            out.write_all(&records)?;
            out.write_all(&[0; BLOCK][..padding(size_bytes)])?;
        }
        out.write_all(&self.block())
    }

    fn block(&self) -> [u8; BLOCK] {
        let mut block = [0; BLOCK];
        let mut put = |offset: usize, width: usize, bytes: &[u8]| {
            for (to, from) in block[offset..offset + width].iter_mut().zip(bytes) {
                *to = *from;
            }
        };
        put(0, 100, self.path);
        put(100, 8, format!("{:07o}\0", self.mode & 0o7777).as_bytes());
        put(108, 8, b"0000000\0");
        put(116, 8, b"0000000\0");
        put(124, 12, format!("{:011o}\0", self.size_bytes.min(MAX_OCTAL)).as_bytes());
        put(136, 12, format!("{:011o}\0", self.modified_seconds.min(MAX_OCTAL)).as_bytes());
        put(156, 1, &[self.kind]);
        put(157, 100, self.target);
        put(257, 8, b"ustar\x0000");
        let sum = checksum(&block);
        for (to, from) in block[148..156].iter_mut().zip(format!("{sum:06o}\0 ").bytes()) {
            *to = from;
        }
        block
    }
}

/// The length at a record's beginning counts itself.
fn push_pax_record(records: &mut Vec<u8>, key: &str, value: &[u8]) {
    // A space, an equals sign, a line feed.
    let rest = key.len() + value.len() + 3;
    let mut length = rest + 1;
    while length.to_string().len() + rest != length {
        length = length.to_string().len() + rest;
    }
    records.extend_from_slice(format!("{length} {key}=").as_bytes());
    records.extend_from_slice(value);
    records.push(b'\n');
}
