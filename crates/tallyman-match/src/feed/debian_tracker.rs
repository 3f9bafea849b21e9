//! The Debian security tracker's own file (<https://security-tracker.debian.org/tracker/data/json>):
//! source package, vulnerability, release. It is always published as a whole.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use tallyman_model::advisory::{Advisory, Affected, FixState, Naming, PackageKey, RangeEvent};
use tallyman_model::limits::Limits;
use tallyman_model::package::Ecosystem;

use super::keys::Outline;
use super::normalize::{is_ordered, normalize};
use super::{Document, DocumentError, Extent, FeedRecord, Harvest, SkipReason};
use crate::release;

const FEED: &str = "debian";

/// Tells the tracker's file by the shape of its first source package.
pub(super) fn recognize(outline: &Outline) -> Option<Extent> {
    let is_vulnerability = |key: &String| key.starts_with("CVE-") || key.starts_with("TEMP-");
    let is_tracker =
        outline.keys(1).first().is_some_and(is_vulnerability) && outline.has_at(2, "releases");
    is_tracker.then_some(Extent::Many)
}

/// Reads the file; what it says of one vulnerability in all sources becomes one record.
pub(super) fn read(
    document: &Document<'_>,
    limits: &Limits,
    harvest: &mut Harvest,
) -> Result<(), DocumentError> {
    let tracker: Sources<'_> = serde_json::from_slice(document.bytes)?;
    let mut by_id: BTreeMap<String, Vec<Affected>> = BTreeMap::new();
    for (source, vulnerabilities) in &tracker.0 {
        for (id, raw) in &vulnerabilities.0 {
            let name = || format!("{}, {source} {id}", document.name);
            if u64::try_from(raw.get().len()).unwrap_or(u64::MAX) > limits.advisory_record_bytes {
                harvest.refuse(name(), "larger than a record may be (limit advisory-record-bytes)");
                continue;
            }
            match serde_json::from_str::<Vulnerability>(raw.get()) {
                Ok(vulnerability) => {
                    let affected = by_id.entry(id.clone().into_owned()).or_default();
                    affected.extend(read_releases(source, &vulnerability, harvest));
                }
                Err(error) => harvest.refuse(name(), error),
            }
        }
    }
    for (id, affected) in by_id {
        if affected.is_empty() {
            harvest.skip(FEED, SkipReason::CannotMatch);
            continue;
        }
        let advisory = normalize(Advisory {
            id,
            aliases: Vec::new(),
            upstream: Vec::new(),
            published_ms: None,
            modified_ms: None,
            withdrawn_ms: None,
            cvss: Vec::new(),
            affected,
        });
        harvest.add(document, FeedRecord { feed: FEED.to_owned(), scope: String::new(), advisory });
    }
    harvest.complete.insert((FEED.to_owned(), String::new()));
    Ok(())
}

#[derive(Deserialize)]
struct Vulnerability {
    #[serde(default)]
    releases: BTreeMap<String, Release>,
}

#[derive(Deserialize)]
struct Release {
    #[serde(default)]
    status: String,
    #[serde(default)]
    fixed_version: Option<String>,
    #[serde(default)]
    urgency: Option<String>,
    /// Present, even if empty, where no advisory will be issued.
    #[serde(default)]
    nodsa: Option<String>,
    #[serde(default)]
    nodsa_reason: Option<String>,
}

fn read_releases(
    source: &str,
    vulnerability: &Vulnerability,
    harvest: &mut Harvest,
) -> Vec<Affected> {
    let mut affected = Vec::new();
    for (codename, state) in &vulnerability.releases {
        let mut events = vec![RangeEvent::Introduced("0".to_owned())];
        let mut is_denial = false;
        match (state.status.as_str(), state.fixed_version.as_deref()) {
            // Version 0 is the tracker's way to say that the release was never affected.
            ("resolved", Some("0")) | ("not-affected", _) => is_denial = true,
            ("resolved", Some(version)) => events.push(RangeEvent::Fixed(version.to_owned())),
            ("open" | "undetermined", _) => {}
            _ => {
                harvest.skip(FEED, SkipReason::MalformedRange);
                continue;
            }
        }
        if !is_ordered(Ecosystem::Deb, &events) {
            harvest.skip(FEED, SkipReason::InvalidVersion);
            continue;
        }
        affected.push(Affected {
            key: PackageKey {
                ecosystem: Ecosystem::Deb,
                release: Some(release::debian(codename)),
                name: source.to_owned(),
            },
            ranges: vec![events],
            versions: Vec::new(),
            cvss: Vec::new(),
            urgency: state.urgency.as_deref().and_then(urgency),
            fix_state: if is_denial { FixState::NotAffected } else { fix_state(state) },
            modules: Vec::new(),
            architectures: Vec::new(),
            naming: Naming::Usual,
        });
    }
    affected
}

/// A star marks ratings that were made by a program.
fn urgency(word: &str) -> Option<String> {
    match word.trim_end_matches('*') {
        "" | "not yet assigned" | "end-of-life" => None,
        word => Some(word.to_owned()),
    }
}

fn fix_state(state: &Release) -> FixState {
    if state.status == "resolved" {
        FixState::Open
    } else if state.urgency.as_deref() == Some("end-of-life") {
        FixState::EndOfLife
    } else if state.status == "undetermined" {
        FixState::Undetermined
    } else if state.nodsa.is_some() || state.nodsa_reason.is_some() {
        FixState::WillNotFix
    } else {
        FixState::Open
    }
}

/// The outer level: source packages in the file's order.
struct Sources<'a>(Vec<(Cow<'a, str>, Vulnerabilities<'a>)>);

/// One source package's vulnerabilities, each still as text.
struct Vulnerabilities<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Sources<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Pairs::new()).map(Sources)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Vulnerabilities<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Pairs::new()).map(Vulnerabilities)
    }
}

/// Reads a map as a list of pairs.
struct Pairs<T>(std::marker::PhantomData<T>);

impl<T> Pairs<T> {
    fn new() -> Self {
        Pairs(std::marker::PhantomData)
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for Pairs<T> {
    type Value = Vec<(Cow<'de, str>, T)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut pairs = Vec::new();
        while let Some((Key(key), value)) = map.next_entry()? {
            pairs.push((key, value));
        }
        Ok(pairs)
    }
}

/// A key, borrowed where it has no escapes.
#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);
