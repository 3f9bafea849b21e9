//! The decoded parameters of one request, from the query and the form alike, and the typed
//! lookups that actions use. What a wrong value answers is decided here, once for all actions.

use std::collections::BTreeMap;
use std::str::FromStr;

use serde::de::DeserializeOwned;

use crate::encoding::{DecodeError, parse_pairs};
use crate::error::{ApiError, catalogue};

/// Holds the parameters of one request, ordered by the bytes of their names.
///
/// A name occurs once: sending it twice, or in both the query and the form, is refused with
/// `InvalidParameter.Duplicate`, because whoever signs and whoever reads could pick different
/// ones. In typed lookups a blank value is the same as none, as SDKs send blanks for what the
/// caller left empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parameters {
    values: BTreeMap<String, String>,
}

impl Parameters {
    /// Creates parameters from decoded pairs and refuses a name that occurs twice.
    pub fn from_pairs(pairs: impl IntoIterator<Item = (String, String)>) -> Result<Self, ApiError> {
        let mut values = BTreeMap::new();
        for (name, value) in pairs {
            if values.contains_key(&name) {
                return Err(catalogue::parameter_duplicated(&name));
            }
            values.insert(name, value);
        }
        Ok(Self { values })
    }

    /// Parses a raw query and a raw form body; an empty form is no form.
    pub fn parse(query: &str, form: &[u8]) -> Result<Self, ApiError> {
        let form = str::from_utf8(form).map_err(|_| encoding_error(DecodeError::InvalidUtf8))?;
        let mut pairs = parse_pairs(query).map_err(encoding_error)?;
        pairs.extend(parse_pairs(form).map_err(encoding_error)?);
        Self::from_pairs(pairs)
    }

    /// Returns every name and value, blanks included, in the byte order of the names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.values.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Returns a value exactly as sent, which may be blank.
    pub fn find_raw(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// Returns a value that is neither missing nor blank.
    pub fn find_string(&self, name: &str) -> Option<&str> {
        self.find_raw(name).filter(|value| !value.is_empty())
    }

    /// Returns a mandatory value, or `Missing{name}`.
    pub fn get_string(&self, name: &str) -> Result<&str, ApiError> {
        self.find_string(name).ok_or_else(|| catalogue::missing_parameter(name))
    }

    /// Returns a boolean; Python sends `True`, Node and Go send `true`.
    pub fn find_bool(&self, name: &str) -> Result<Option<bool>, ApiError> {
        match self.find_string(name) {
            None => Ok(None),
            Some("true" | "True") => Ok(Some(true)),
            Some("false" | "False") => Ok(Some(false)),
            Some(_) => Err(catalogue::invalid_parameter(name)),
        }
    }

    /// Returns a 64-bit number, or `Invalid{name}`.
    pub fn find_i64(&self, name: &str) -> Result<Option<i64>, ApiError> {
        self.find_parsed(name)
    }

    /// Returns a mandatory 64-bit number, or `Missing{name}` or `Invalid{name}`.
    pub fn get_i64(&self, name: &str) -> Result<i64, ApiError> {
        self.find_i64(name)?.ok_or_else(|| catalogue::missing_parameter(name))
    }

    /// Returns a 32-bit number, or `Invalid{name}`.
    pub fn find_i32(&self, name: &str) -> Result<Option<i32>, ApiError> {
        self.find_parsed(name)
    }

    /// Returns a mandatory 32-bit number, or `Missing{name}` or `Invalid{name}`.
    pub fn get_i32(&self, name: &str) -> Result<i32, ApiError> {
        self.find_i32(name)?.ok_or_else(|| catalogue::missing_parameter(name))
    }

    /// Returns the values `name.1`, `name.2` and so on in the order of their numbers.
    ///
    /// Numbers may have gaps; an absent list is an empty one.
    pub fn list(&self, name: &str) -> Vec<&str> {
        let mut members: Vec<(u32, &str)> = self
            .members(name)
            .filter_map(|(rest, value)| Some((parse_index(rest)?, value)))
            .collect();
        members.sort_by_key(|(index, _)| *index);
        members.into_iter().map(|(_, value)| value).collect()
    }

    /// Returns the values of a list of which there must be one at least, or `Missing{name}`.
    pub fn get_list(&self, name: &str) -> Result<Vec<&str>, ApiError> {
        let list = self.list(name);
        if list.is_empty() { Err(catalogue::missing_parameter(name)) } else { Ok(list) }
    }

    /// Returns the 32-bit numbers of a list, or `Invalid{name}`.
    pub fn list_i32(&self, name: &str) -> Result<Vec<i32>, ApiError> {
        self.list_parsed(name)
    }

    /// Returns the 64-bit numbers of a list, or `Invalid{name}`.
    pub fn list_i64(&self, name: &str) -> Result<Vec<i64>, ApiError> {
        self.list_parsed(name)
    }

    /// Returns the parameters below `name.1.`, `name.2.` and so on, for a list of structures.
    pub fn list_structures(&self, name: &str) -> Vec<Self> {
        let mut structures: BTreeMap<u32, Self> = BTreeMap::new();
        for (rest, value) in self.members(name) {
            let Some((index, field)) = rest.split_once('.') else { continue };
            let Some(index) = parse_index(index) else { continue };
            let structure = structures.entry(index).or_default();
            structure.values.insert(field.to_owned(), value.to_owned());
        }
        structures.into_values().collect()
    }

    /// Returns a value that travels as JSON text, or `Invalid{name}`.
    pub fn find_json<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, ApiError> {
        self.find_string(name)
            .map(|text| serde_json::from_str(text).map_err(|_| catalogue::invalid_parameter(name)))
            .transpose()
    }

    fn find_parsed<T: FromStr>(&self, name: &str) -> Result<Option<T>, ApiError> {
        self.find_string(name)
            .map(|text| text.parse().map_err(|_| catalogue::invalid_parameter(name)))
            .transpose()
    }

    fn list_parsed<T: FromStr>(&self, name: &str) -> Result<Vec<T>, ApiError> {
        self.list(name)
            .into_iter()
            .map(|text| text.parse().map_err(|_| catalogue::invalid_parameter(name)))
            .collect()
    }

    /// Yields what follows `name.` in each parameter below it, with the value.
    fn members(&self, name: &str) -> impl Iterator<Item = (&str, &str)> {
        let prefix = format!("{name}.");
        self.values
            .range(prefix.clone()..)
            .map_while(move |(full, value)| Some((full.strip_prefix(&prefix)?, value.as_str())))
    }
}

fn encoding_error(_: DecodeError) -> ApiError {
    catalogue::parameter_encoding()
}

/// Parses `1`, `2` and so on. `0` and `01` are no list numbers, so no two names share one.
fn parse_index(text: &str) -> Option<u32> {
    if text.starts_with('0') || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

#[cfg(test)]
mod tests;
