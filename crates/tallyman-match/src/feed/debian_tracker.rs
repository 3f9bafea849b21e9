//! The Debian security tracker's own file (<https://security-tracker.debian.org/tracker/data/json>):
//! source package, vulnerability, release. It is always published as a whole.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::io::{BufReader, Read};
use std::rc::Rc;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;
use tallyman_model::advisory::{Advisory, Affected, FixState, PackageKey, RangeEvent};
use tallyman_model::coverage::CoverageGap;
use tallyman_model::limits::Limits;
use tallyman_model::package::Ecosystem;

use super::keys::Outline;
use super::metered::{Metered, Piece};
use super::normalize::normalize;
use super::{Document, DocumentError, Extent, FeedRecord, Harvest, SkipReason, stream_limit};
use crate::release;
use crate::version::is_rankable;

const FEED: &str = "debian";

/// Tells the tracker's file by the shape of its first source package.
pub(super) fn recognize(outline: &Outline) -> Option<Extent> {
    let is_vulnerability = |key: &String| key.starts_with("CVE-") || key.starts_with("TEMP-");
    let is_tracker =
        outline.keys(1).first().is_some_and(is_vulnerability) && outline.has_at(2, "releases");
    is_tracker.then_some(Extent::Many)
}

/// Reads the file as a stream; what it says of one vulnerability in all sources becomes one record.
pub(super) fn read(
    document: &Document<'_>,
    stream: &mut dyn Read,
    limits: &Limits,
    harvest: &mut Harvest,
) -> Result<(), DocumentError> {
    let piece = Piece::new(limits.advisory_record_bytes, "a vulnerability");
    let stream = Metered::new(stream, stream_limit(limits), &piece);
    let mut reading = Reading {
        document,
        limit: limits.advisory_records,
        piece,
        harvest,
        names: Names::default(),
        by_id: BTreeMap::new(),
    };
    let mut json = serde_json::Deserializer::from_reader(BufReader::new(stream));
    Sources(&mut reading).deserialize(&mut json)?;
    json.end()?;
    reading.finish();
    Ok(())
}

/// The file that is being read. What it says is kept short until all of it is known.
struct Reading<'a> {
    document: &'a Document<'a>,
    limit: u64,
    piece: Piece,
    harvest: &'a mut Harvest,
    /// Source packages, releases, versions and urgencies.
    names: Names,
    by_id: BTreeMap<Box<str>, Vec<Verdict>>,
}

/// What is said of one source package in one release; texts by their numbers.
struct Verdict {
    source: u32,
    release: u32,
    fixed: Option<u32>,
    urgency: Option<u32>,
    fix_state: FixState,
}

/// Texts, each once.
#[derive(Default)]
struct Names {
    numbers: HashMap<Rc<str>, u32>,
    texts: Vec<Rc<str>>,
}

impl Names {
    fn number(&mut self, text: &str) -> Option<u32> {
        if let Some(number) = self.numbers.get(text) {
            return Some(*number);
        }
        let number = u32::try_from(self.texts.len()).ok()?;
        let text: Rc<str> = text.into();
        self.numbers.insert(Rc::clone(&text), number);
        self.texts.push(text);
        Some(number)
    }

    fn text(&self, number: u32) -> &str {
        usize::try_from(number).ok().and_then(|at| self.texts.get(at)).map_or("", |text| text)
    }
}

impl Reading<'_> {
    /// Takes what is said of a vulnerability in a source package.
    fn take(&mut self, source: &str, id: String, raw: &RawValue) -> Result<(), &'static str> {
        self.piece.begin();
        let vulnerability = match serde_json::from_str::<Vulnerability>(raw.get()) {
            Ok(vulnerability) => vulnerability,
            Err(error) => {
                self.harvest.refuse(format!("{}, {source} {id}", self.document.name), error);
                return Ok(());
            }
        };
        let verdicts = self.read_releases(source, &vulnerability);
        self.by_id.entry(id.into()).or_default().extend(verdicts);
        if u64::try_from(self.by_id.len()).unwrap_or(u64::MAX) > self.limit {
            return Err("more records than there may be (limit advisory-records)");
        }
        Ok(())
    }

    fn read_releases(&mut self, source: &str, vulnerability: &Vulnerability) -> Vec<Verdict> {
        let mut verdicts = Vec::new();
        for (codename, state) in &vulnerability.releases {
            let mut fixed = None;
            let mut is_denial = false;
            match (state.status.as_str(), state.fixed_version.as_deref()) {
                // Version 0 is the tracker's way to say that the release was never affected.
                ("resolved", Some("0")) | ("not-affected", _) => is_denial = true,
                ("resolved", Some(version)) => fixed = Some(version),
                ("open" | "undetermined", _) => {}
                _ => {
                    self.harvest.skip(FEED, SkipReason::MalformedRange);
                    continue;
                }
            }
            if !fixed.is_none_or(|version| is_rankable(Ecosystem::Deb, version)) {
                self.harvest.skip(FEED, SkipReason::InvalidVersion);
                continue;
            }
            let names = &mut self.names;
            let (Some(source), Some(release)) = (names.number(source), names.number(codename))
            else {
                continue;
            };
            let urgency = state.urgency.as_deref().and_then(urgency);
            verdicts.push(Verdict {
                source,
                release,
                fixed: fixed.and_then(|version| names.number(version)),
                urgency: urgency.and_then(|word| names.number(&word)),
                fix_state: if is_denial { FixState::NotAffected } else { fix_state(state) },
            });
        }
        verdicts
    }

    /// Makes the records.
    fn finish(self) {
        let Reading { document, harvest, names, by_id, .. } = self;
        for (id, verdicts) in by_id {
            if verdicts.is_empty() {
                harvest.skip(FEED, SkipReason::CannotMatch);
                continue;
            }
            let affected = verdicts.iter().map(|verdict| affected(&names, verdict)).collect();
            let advisory = normalize(Advisory {
                id: id.into(),
                aliases: Vec::new(),
                upstream: Vec::new(),
                published_ms: None,
                modified_ms: None,
                withdrawn_ms: None,
                cvss: Vec::new(),
                affected,
            });
            let gaps = advisory.affected.iter().map(|affected| CoverageGap::of(&affected.key));
            harvest.covers.extend(gaps.map(|gap| (FEED.to_owned(), gap)));
            let (feed, scope) = (FEED.to_owned(), String::new());
            harvest.add(document, FeedRecord { feed, scope, advisory });
        }
        // Of a vulnerability that was refused nobody knows whether it is gone.
        if harvest.refused.is_empty() {
            harvest.complete.insert((FEED.to_owned(), String::new()));
        } else {
            harvest.covers.clear();
        }
    }
}

fn affected(names: &Names, verdict: &Verdict) -> Affected {
    let mut events = vec![RangeEvent::Introduced("0".to_owned())];
    events.extend(verdict.fixed.map(|fixed| RangeEvent::Fixed(names.text(fixed).to_owned())));
    Affected {
        ranges: vec![events],
        urgency: verdict.urgency.map(|word| names.text(word).to_owned()),
        fix_state: verdict.fix_state,
        ..Affected::new(PackageKey {
            ecosystem: Ecosystem::Deb,
            release: Some(release::debian(names.text(verdict.release))),
            name: names.text(verdict.source).to_owned(),
        })
    }
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

/// The outer level: source packages.
struct Sources<'r, 'a>(&'r mut Reading<'a>);

/// The vulnerabilities of one source package.
struct Vulnerabilities<'r, 'a> {
    source: String,
    reading: &'r mut Reading<'a>,
}

impl<'de> DeserializeSeed<'de> for Sources<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Sources<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("source packages")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(source) = map.next_key::<String>()? {
            map.next_value_seed(Vulnerabilities { source, reading: &mut *self.0 })?;
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Vulnerabilities<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Vulnerabilities<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("vulnerabilities of a source package")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some((id, raw)) = map.next_entry::<String, Box<RawValue>>()? {
            self.reading.take(&self.source, id, &raw).map_err(A::Error::custom)?;
        }
        Ok(())
    }
}
