//! PAX extended headers (POSIX.1-2017 pax, "pax Extended Header"; GNU tar manual, "Sparse
//! Formats", "PAX Format").

use std::str;

/// The records that change how an entry is read.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Records {
    pub(crate) path: Option<Vec<u8>>,
    pub(crate) link_path: Option<Vec<u8>>,
    pub(crate) size: Option<u64>,
    pub(crate) sparse_name: Option<Vec<u8>>,
    pub(crate) sparse: bool,
}

impl Records {
    /// Reads the content of a local header. The last record of a name wins; an empty value means
    /// the header block's own.
    pub(crate) fn parse(mut text: &[u8]) -> Result<Self, &'static str> {
        let mut records = Records::default();
        while !text.is_empty() {
            let (name, value, rest) = split_record(text).ok_or("a malformed PAX record")?;
            text = rest;
            match name {
                b"path" => records.path = set_name(value)?,
                b"linkpath" => records.link_path = set_name(value)?,
                b"size" if value.is_empty() => records.size = None,
                b"size" => records.size = Some(parse_size(value)?),
                b"GNU.sparse.name" => {
                    records.sparse_name = set_name(value)?;
                    records.sparse = true;
                }
                b"GNU.sparse.map" | b"GNU.sparse.major" | b"GNU.sparse.numblocks" => {
                    records.sparse = true;
                }
                _ => {}
            }
        }
        Ok(records)
    }
}

/// Refuses a global header that renames or resizes the entries after it: GNU tar obeys it, the
/// engines ignore it, so such a layer means different files to different readers. Others, such as
/// git's comment, are harmless.
pub(crate) fn check_global(text: &[u8]) -> Result<(), &'static str> {
    match Records::parse(text)? == Records::default() {
        true => Ok(()),
        false => Err("a global PAX header that changes paths or sizes"),
    }
}

/// Splits `length name=value\n` off; the length counts the whole record.
fn split_record(text: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let space = memchr::memchr(b' ', text)?;
    let digits = str::from_utf8(text.get(..space)?).ok()?;
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let length = digits.parse::<usize>().ok()?;
    let record = text.get(space.checked_add(1)?..length)?.strip_suffix(b"\n")?;
    let equals = memchr::memchr(b'=', record)?;
    let (name, value) = (record.get(..equals)?, record.get(equals.checked_add(1)?..)?);
    let sound = !name.is_empty() && memchr::memchr(0, name).is_none();
    sound.then_some((name, value, text.get(length..)?))
}

fn set_name(value: &[u8]) -> Result<Option<Vec<u8>>, &'static str> {
    match memchr::memchr(0, value) {
        Some(_) => Err("a PAX path with a NUL byte"),
        None => Ok(Some(value.to_vec()).filter(|value| !value.is_empty())),
    }
}

/// The limit of 63 bits is the engines'.
fn parse_size(value: &[u8]) -> Result<u64, &'static str> {
    let size = str::from_utf8(value).ok().and_then(|text| text.parse::<i64>().ok());
    size.and_then(|size| u64::try_from(size).ok()).ok_or("a PAX size that is not a number")
}
