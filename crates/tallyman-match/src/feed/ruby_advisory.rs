//! The Ruby Advisory Database (<https://github.com/rubysec/ruby-advisory-db>): YAML, one
//! vulnerability of one gem a file, by the versions that have it no more or never had it.

mod requirement;

use serde::Deserialize;
use tallyman_model::advisory::{Advisory, Affected, PackageKey};
use tallyman_model::limits::Limits;
use tallyman_model::package::Ecosystem;

use super::keys::Outline;
use super::normalize::{is_ordered, normalize, parse_loose_date};
use super::{Document, DocumentError, Extent, FeedRecord, Harvest, SkipReason, read_yaml, stem};

const FEED: &str = "ruby-advisory-db";

/// Tells a record by its fields.
pub(super) fn recognize(outline: &Outline) -> Option<Extent> {
    let is_ruby = outline.has("gem") || outline.has("engine");
    let has_versions = ["patched_versions", "unaffected_versions", "date", "title"];
    (is_ruby && has_versions.iter().any(|key| outline.has(key))).then_some(Extent::One)
}

#[derive(Deserialize)]
struct Record {
    #[serde(default)]
    gem: Option<String>,
    #[serde(default)]
    cve: Option<String>,
    #[serde(default)]
    ghsa: Option<String>,
    #[serde(default)]
    date: Option<String>,
    #[serde(default)]
    patched_versions: Option<Vec<String>>,
    #[serde(default)]
    unaffected_versions: Option<Vec<String>>,
}

/// Reads one record.
pub(super) fn read(
    document: &Document<'_>,
    _limits: &Limits,
    harvest: &mut Harvest,
) -> Result<(), DocumentError> {
    let record: Record = read_yaml(document.bytes)?;
    // Vulnerabilities of Ruby itself name an engine.
    let Some(gem) = record.gem.filter(|gem| !gem.is_empty()) else {
        harvest.skip(FEED, SkipReason::NoInventory);
        return Ok(());
    };
    let clean = [record.patched_versions, record.unaffected_versions];
    let clean: Vec<String> = clean.into_iter().flatten().flatten().collect();
    let Some(ranges) = requirement::affected_outside(&clean) else {
        harvest.refuse(document.name, "its versions are not requirements of RubyGems");
        return Ok(());
    };
    if !ranges.iter().all(|events| is_ordered(Ecosystem::Gem, events)) {
        harvest.skip(FEED, SkipReason::InvalidVersion);
        return Ok(());
    }
    let key = PackageKey { ecosystem: Ecosystem::Gem, release: None, name: gem.clone() };
    let mut names: Vec<String> = record.cve.iter().map(|number| format!("CVE-{number}")).collect();
    names.extend(record.ghsa.iter().map(|id| format!("GHSA-{id}")));
    if names.is_empty() {
        names.push(format!("{gem}/{}", stem(document.name)));
    }
    let advisory = normalize(Advisory {
        id: names.first().cloned().unwrap_or_default(),
        aliases: names,
        upstream: Vec::new(),
        published_ms: parse_loose_date(record.date.as_deref()),
        modified_ms: None,
        withdrawn_ms: None,
        cvss: Vec::new(),
        affected: vec![Affected { ranges, ..Affected::new(key) }],
    });
    if advisory.affected.is_empty() {
        harvest.skip(FEED, SkipReason::CannotMatch);
        return Ok(());
    }
    // One vulnerability has a file for each gem that has it.
    harvest.add(document, FeedRecord { feed: FEED.to_owned(), scope: gem, advisory });
    Ok(())
}
