//! How values stand in a column: JSON as text, long JSON compressed, numbers as `INTEGER`.

use std::io::{self, BufWriter, Write};

use ring::digest::{Context, SHA256};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tallyman_model::digest::Digest;

use crate::error::StoreError;

/// The level that `zstd` itself takes by default.
const COMPRESSION_LEVEL: i32 = 3;

pub(crate) fn to_json<T: Serialize + ?Sized>(value: &T) -> Result<String, StoreError> {
    Ok(serde_json::to_string(value)?)
}

pub(crate) fn from_json<T: DeserializeOwned>(
    what: &'static str,
    text: &str,
) -> Result<T, StoreError> {
    serde_json::from_str(text)
        .map_err(|error| StoreError::Corrupt { what, reason: error.to_string() })
}

pub(crate) fn optional_from_json<T: DeserializeOwned>(
    what: &'static str,
    text: Option<&str>,
) -> Result<Option<T>, StoreError> {
    text.map(|text| from_json(what, text)).transpose()
}

pub(crate) fn to_zstd_json<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, StoreError> {
    Ok(to_hashed_zstd_json(value)?.1)
}

/// Writes JSON to where it belongs and returns its digest. The JSON is never there as a whole: that
/// of an image that is made to be large would be larger than all else about it.
pub(crate) fn write_json<T: Serialize + ?Sized>(
    value: &T,
    target: impl Write,
) -> Result<Digest, StoreError> {
    let mut writer = BufWriter::with_capacity(64 << 10, Hashing::new(target));
    serde_json::to_writer(&mut writer, value)?;
    let hashing = writer.into_inner().map_err(|error| StoreError::Compress(error.into_error()))?;
    let mut hash = [0; 32];
    hash.copy_from_slice(hashing.context.finish().as_ref());
    Ok(Digest::from_sha256(&hash))
}

/// Returns the digest of JSON and the JSON compressed.
pub(crate) fn to_hashed_zstd_json<T: Serialize + ?Sized>(
    value: &T,
) -> Result<(Digest, Vec<u8>), StoreError> {
    let packed = zstd::Encoder::new(Vec::new(), COMPRESSION_LEVEL);
    let mut packed = packed.map_err(StoreError::Compress)?;
    let digest = write_json(value, &mut packed)?;
    Ok((digest, packed.finish().map_err(StoreError::Compress)?))
}

/// Hashes what is written.
struct Hashing<W> {
    target: W,
    context: Context,
}

impl<W: Write> Hashing<W> {
    fn new(target: W) -> Self {
        Hashing { target, context: Context::new(&SHA256) }
    }
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.target.write(bytes)?;
        self.context.update(bytes.get(..count).unwrap_or_default());
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.target.flush()
    }
}

pub(crate) fn from_zstd_json<T: DeserializeOwned>(
    what: &'static str,
    bytes: &[u8],
) -> Result<T, StoreError> {
    let corrupt = |reason: String| StoreError::Corrupt { what, reason };
    let json = zstd::decode_all(bytes).map_err(|error| corrupt(error.to_string()))?;
    serde_json::from_slice(&json).map_err(|error| corrupt(error.to_string()))
}

/// Parses a column with the type's own `FromStr`.
pub(crate) fn parse<T>(what: &'static str, text: &str) -> Result<T, StoreError>
where
    T: std::str::FromStr,
    T::Err: std::fmt::Display,
{
    text.parse().map_err(|error: T::Err| StoreError::Corrupt { what, reason: error.to_string() })
}

/// Sizes above 2⁶³ do not exist; they are stored as the largest number there is.
pub(crate) fn to_integer(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

pub(crate) fn count_of(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}

pub(crate) fn to_unsigned(what: &'static str, value: i64) -> Result<u64, StoreError> {
    u64::try_from(value)
        .map_err(|_| StoreError::Corrupt { what, reason: format!("{value} is negative") })
}
