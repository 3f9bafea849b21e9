//! The parts of the OSV schema that are facts. `null` is as good as absent everywhere.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// A record.
#[derive(Debug, Deserialize)]
pub(super) struct Record {
    pub(super) id: String,
    #[serde(default)]
    pub(super) summary: Option<String>,
    #[serde(default)]
    pub(super) modified: Option<String>,
    #[serde(default)]
    pub(super) published: Option<String>,
    #[serde(default)]
    pub(super) withdrawn: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) aliases: Vec<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) upstream: Vec<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) related: Vec<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) severity: Vec<Severity>,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) affected: Vec<AffectedPackage>,
    #[serde(default)]
    pub(super) database_specific: Specific,
}

/// A rating: a CVSS vector, or a distribution's own word.
#[derive(Debug, Deserialize)]
pub(super) struct Severity {
    #[serde(rename = "type", default)]
    pub(super) kind: String,
    #[serde(default)]
    pub(super) score: String,
}

/// An affected package.
#[derive(Debug, Deserialize)]
pub(super) struct AffectedPackage {
    #[serde(default)]
    pub(super) package: Option<Package>,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) severity: Vec<Severity>,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) ranges: Vec<Range>,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) versions: Vec<String>,
    #[serde(default)]
    pub(super) ecosystem_specific: Specific,
    #[serde(default)]
    pub(super) database_specific: Specific,
}

#[derive(Debug, Deserialize)]
pub(super) struct Package {
    #[serde(default)]
    pub(super) ecosystem: String,
    #[serde(default)]
    pub(super) name: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Range {
    #[serde(rename = "type", default)]
    pub(super) kind: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) events: Vec<Event>,
}

/// An event: one of these is set.
#[derive(Debug, Deserialize)]
pub(super) struct Event {
    #[serde(default)]
    pub(super) introduced: Option<String>,
    #[serde(default)]
    pub(super) fixed: Option<String>,
    #[serde(default)]
    pub(super) last_affected: Option<String>,
    #[serde(default)]
    pub(super) limit: Option<String>,
}

/// The words that databases put into their own extensions.
#[derive(Debug, Default)]
pub(super) struct Specific {
    severity: Option<String>,
    urgency: Option<String>,
    /// Where GitHub's records end that know no fix: `<= 1.2` or `< 1.2`.
    pub(super) last_known_affected: Option<String>,
    /// Of Go's database: ranges by versions that are none to Go.
    pub(super) custom_ranges: Vec<Range>,
}

impl Specific {
    /// Returns the database's rating in its own word.
    pub(super) fn rating(&self) -> Option<String> {
        self.urgency.clone().or_else(|| self.severity.clone())
    }
}

fn or_default<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Ok(Option::<Vec<T>>::deserialize(deserializer)?.unwrap_or_default())
}

impl<'de> Deserialize<'de> for Specific {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SpecificVisitor)
    }
}

/// Accepts whatever a database puts there, and keeps the words where they are words.
struct SpecificVisitor;

impl<'de> Visitor<'de> for SpecificVisitor {
    type Value = Specific;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Specific, A::Error> {
        let mut specific = Specific::default();
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "severity" => specific.severity = map.next_value::<Word>()?.0,
                "urgency" => specific.urgency = map.next_value::<Word>()?.0,
                "last_known_affected_version_range" => {
                    specific.last_known_affected = map.next_value::<Word>()?.0;
                }
                "custom_ranges" => specific.custom_ranges = map.next_value::<Ranges>()?.into(),
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(specific)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Specific, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Specific::default())
    }

    fn visit_unit<E>(self) -> Result<Specific, E> {
        Ok(Specific::default())
    }

    fn visit_none<E>(self) -> Result<Specific, E> {
        Ok(Specific::default())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Specific, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_str<E>(self, _: &str) -> Result<Specific, E> {
        Ok(Specific::default())
    }

    fn visit_bool<E>(self, _: bool) -> Result<Specific, E> {
        Ok(Specific::default())
    }

    fn visit_i64<E>(self, _: i64) -> Result<Specific, E> {
        Ok(Specific::default())
    }

    fn visit_u64<E>(self, _: u64) -> Result<Specific, E> {
        Ok(Specific::default())
    }

    fn visit_f64<E>(self, _: f64) -> Result<Specific, E> {
        Ok(Specific::default())
    }
}

/// Ranges, or none where there is something else.
#[derive(Deserialize)]
#[serde(untagged)]
enum Ranges {
    Ranges(Vec<Range>),
    Other(IgnoredAny),
}

impl From<Ranges> for Vec<Range> {
    fn from(ranges: Ranges) -> Self {
        match ranges {
            Ranges::Ranges(ranges) => ranges,
            Ranges::Other(_) => Vec::new(),
        }
    }
}

/// A short text, or nothing where there is something else.
#[derive(Deserialize)]
#[serde(from = "Loose")]
struct Word(Option<String>);

#[derive(Deserialize)]
#[serde(untagged)]
enum Loose {
    Text(String),
    Other(IgnoredAny),
}

impl From<Loose> for Word {
    fn from(loose: Loose) -> Self {
        match loose {
            Loose::Text(text) if text.len() <= 64 => Word(Some(text)),
            Loose::Text(_) | Loose::Other(_) => Word(None),
        }
    }
}
