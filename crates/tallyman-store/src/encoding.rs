//! How values stand in a column: JSON as text, long JSON compressed, numbers as `INTEGER`.

use serde::Serialize;
use serde::de::DeserializeOwned;

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
    compress(&serde_json::to_vec(value)?)
}

pub(crate) fn compress(bytes: &[u8]) -> Result<Vec<u8>, StoreError> {
    zstd::encode_all(bytes, COMPRESSION_LEVEL).map_err(StoreError::Compress)
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
