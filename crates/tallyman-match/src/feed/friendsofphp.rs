//! FriendsOfPHP's security advisories (<https://github.com/FriendsOfPHP/security-advisories>): YAML,
//! one vulnerability of one Composer package a file, by branches.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;
use tallyman_model::advisory::{Advisory, Affected, PackageKey, RangeEvent};
use tallyman_model::limits::Limits;
use tallyman_model::package::Ecosystem;

use super::keys::Outline;
use super::normalize::{is_ordered, normalize};
use super::{Document, DocumentError, Extent, FeedRecord, Harvest, SkipReason, read_yaml, stem};

const FEED: &str = "friendsofphp";

/// Tells a record by its fields.
pub(super) fn recognize(outline: &Outline) -> Option<Extent> {
    (outline.has("branches") && outline.has("reference")).then_some(Extent::One)
}

#[derive(Deserialize)]
struct Record {
    #[serde(default)]
    cve: Option<String>,
    reference: String,
    branches: BTreeMap<String, Branch>,
}

#[derive(Deserialize)]
struct Branch {
    /// When it was mended; absent where the branch ends unmended.
    #[serde(default)]
    time: Option<IgnoredAny>,
    versions: Vec<String>,
}

/// Reads one record.
pub(super) fn read(
    document: &Document<'_>,
    _limits: &Limits,
    harvest: &mut Harvest,
) -> Result<(), DocumentError> {
    let record: Record = read_yaml(document.bytes)?;
    let Some(name) = record.reference.strip_prefix("composer://") else {
        harvest.skip(FEED, SkipReason::NoPackage);
        return Ok(());
    };
    let name = Ecosystem::Composer.normalize_name(name);
    let mut affected = Affected::new(PackageKey {
        ecosystem: Ecosystem::Composer,
        release: None,
        name: name.clone(),
    });
    for branch in record.branches.values() {
        match events(branch) {
            Some(events) if is_ordered(Ecosystem::Composer, &events) => {
                affected.ranges.push(events)
            }
            Some(_) => harvest.skip(FEED, SkipReason::InvalidVersion),
            None => harvest.skip(FEED, SkipReason::MalformedRange),
        }
    }
    let cve = record.cve.filter(|cve| cve.starts_with("CVE-"));
    let id = cve.unwrap_or_else(|| format!("FriendsOfPHP/{name}/{}", stem(document.name)));
    let advisory = normalize(Advisory {
        id,
        aliases: Vec::new(),
        upstream: Vec::new(),
        published_ms: None,
        modified_ms: None,
        withdrawn_ms: None,
        cvss: Vec::new(),
        affected: vec![affected],
    });
    if advisory.affected.is_empty() {
        harvest.skip(FEED, SkipReason::CannotMatch);
        return Ok(());
    }
    // One vulnerability has a file for each package that has it.
    harvest.add(document, FeedRecord { feed: FEED.to_owned(), scope: name, advisory });
    Ok(())
}

/// Reads constraints that hold together, such as `>=2.7.0` and `<2.7.51`.
fn events(branch: &Branch) -> Option<Vec<RangeEvent>> {
    let (mut from, mut end) = (None, None);
    for constraint in &branch.versions {
        let constraint = constraint.trim();
        let version = |prefix: &str| Some(constraint.strip_prefix(prefix)?.trim().to_owned());
        if let Some(version) = version(">=") {
            from = Some(version);
        } else if let Some(version) = version("<=") {
            end = Some(RangeEvent::LastAffected(version));
        } else if let Some(version) = version("<") {
            end = Some(match branch.time {
                Some(_) => RangeEvent::Fixed(version),
                None => RangeEvent::Limit(version),
            });
        } else {
            return None;
        }
    }
    let from = RangeEvent::Introduced(from.unwrap_or_else(|| "0".to_owned()));
    Some(std::iter::once(from).chain(end).collect())
}
