//! A limit as it is set: `layer-bytes=8GiB`, `image-time=30m`, `archive-depth=3`.

use std::str::FromStr;

use crate::limits::{LIMITS, Limit, Limits, Unit};

/// A new value for a limit.
#[derive(Clone, Copy, Debug)]
pub struct LimitSetting {
    limit: &'static Limit,
    value: u64,
}

/// Why a text sets no limit.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum InvalidSetting {
    /// It is not a name and a value.
    #[error("`{0}` is not of the form NAME=VALUE")]
    Form(String),
    /// There is no such limit.
    #[error("there is no limit `{name}`; {hint}")]
    Unknown {
        /// The name that was given.
        name: String,
        /// The limits that there are, or the one that was meant.
        hint: String,
    },
    /// The value cannot be read, or is too large for any machine.
    #[error("`{value}` is no value for {name}: {expected}")]
    Value {
        /// The limit.
        name: String,
        /// The value that was given.
        value: String,
        /// What a value looks like.
        expected: &'static str,
    },
}

impl LimitSetting {
    /// Puts the value among the limits.
    pub fn apply(&self, limits: &mut Limits) {
        // That it fits was seen when it was parsed.
        (self.limit.set)(limits, self.value);
    }
}

impl FromStr for LimitSetting {
    type Err = InvalidSetting;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, value) =
            text.split_once('=').ok_or_else(|| InvalidSetting::Form(text.to_owned()))?;
        let (name, value) = (name.trim(), value.trim());
        let limit = Limit::find(name)
            .ok_or_else(|| InvalidSetting::Unknown { name: name.to_owned(), hint: hint(name) })?;
        let parsed = parse(limit.unit, value)
            .filter(|value| (limit.set)(&mut Limits::default(), *value))
            .ok_or_else(|| InvalidSetting::Value {
                name: name.to_owned(),
                value: value.to_owned(),
                expected: expected(limit.unit),
            })?;
        Ok(LimitSetting { limit, value: parsed })
    }
}

/// Parses settings that are separated by commas, as in an environment variable.
///
/// # Errors
///
/// The first [`InvalidSetting`].
pub fn parse_list(text: &str) -> Result<Vec<LimitSetting>, InvalidSetting> {
    let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
    items.map(LimitSetting::from_str).collect()
}

fn suffixes(unit: Unit) -> &'static [(&'static str, u64)] {
    match unit {
        Unit::Bytes => &[("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40)],
        Unit::Seconds => &[("s", 1), ("m", 60), ("h", 3600)],
        Unit::Count => &[],
    }
}

fn expected(unit: Unit) -> &'static str {
    match unit {
        Unit::Bytes => "a number of bytes, or of KiB, MiB, GiB or TiB, such as 64MiB",
        Unit::Seconds => "a number of seconds, or of m or h, such as 30m",
        Unit::Count => "a number, such as 1000",
    }
}

fn parse(unit: Unit, text: &str) -> Option<u64> {
    let with_suffix = suffixes(unit)
        .iter()
        .find_map(|(suffix, factor)| Some((text.strip_suffix(suffix)?.trim_end(), *factor)));
    let (number, factor) = with_suffix.unwrap_or((text, 1));
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    let number: u64 = if is_number { number.parse().ok()? } else { return None };
    number.checked_mul(factor)
}

/// Names the limit whose words are nearest, else all.
fn hint(name: &str) -> String {
    let words = |name: &str| -> Vec<String> {
        name.split(['-', '_']).map(|word| word.trim_end_matches('s').to_lowercase()).collect()
    };
    let given = words(name);
    let common = |limit: &Limit| {
        let has = words(&limit.name());
        let shared = given.iter().filter(|word| has.contains(word)).count();
        // Of two that share as many words, the one with fewer others.
        (shared, usize::MAX.saturating_sub(has.len()))
    };
    match LIMITS.iter().max_by_key(|limit| common(limit)) {
        Some(limit) if common(limit).0 >= given.len().min(2) => {
            format!("did you mean `{}`?", limit.name())
        }
        _ => {
            let names: Vec<String> = LIMITS.iter().map(Limit::name).collect();
            format!("the limits are {}", names.join(", "))
        }
    }
}
