//! Facts from the changelogs of Debian's packages, one a line: which version of a source package
//! was the first to name a vulnerability, in a package as one release ships it.
//!
//! Versions below that one are taken for affected. That is right for a fix and wrong for a
//! changelog that merely mentions a number; so a source package that the security tracker speaks
//! of is judged by the tracker alone (see `index/compile.rs`).

use std::collections::BTreeMap;

use serde::Deserialize;
use tallyman_model::advisory::{Advisory, Affected, FixState, Naming, PackageKey, RangeEvent};
use tallyman_model::distribution::DistributionRelease;
use tallyman_model::limits::Limits;
use tallyman_model::package::Ecosystem;

use super::keys::Outline;
use super::normalize::{is_ordered, normalize};
use super::{Document, DocumentError, Extent, FeedRecord, Harvest, SkipReason};

const FEED: &str = "debian-changelog";

/// Releases whose facts are read: number, codename, and the day of the hard freeze. A version
/// from before that day is older than anything the release ever held.
const RELEASES: [(&str, &str, &str); 4] = [
    ("10", "buster", "2019-03-12T00:00:00Z"),
    ("11", "bullseye", "2021-03-12T00:00:00Z"),
    ("12", "bookworm", "2023-03-12T00:00:00Z"),
    ("13", "trixie", "2025-05-15T00:00:00Z"),
];

/// Tells the facts by their fields.
pub(super) fn recognize(outline: &Outline) -> Option<Extent> {
    let is_facts = ["source", "cve", "first_version_naming_cve"].iter().all(|key| outline.has(key));
    is_facts.then_some(Extent::Many)
}

#[derive(Deserialize)]
struct Fact {
    source: String,
    cve: String,
    first_version_naming_cve: String,
    #[serde(default)]
    date: Option<String>,
}

/// Reads the facts of one release.
pub(super) fn read(
    document: &Document<'_>,
    limits: &Limits,
    harvest: &mut Harvest,
) -> Result<(), DocumentError> {
    let mut facts = Vec::new();
    for (i, line) in document.bytes.split(|b| *b == b'\n').enumerate() {
        if line.trim_ascii().is_empty() {
            continue;
        }
        let name = format!("{}, line {}", document.name, i + 1);
        if u64::try_from(line.len()).unwrap_or(u64::MAX) > limits.advisory_record_bytes {
            harvest.refuse(name, "larger than a record may be (limit advisory-record-bytes)");
            continue;
        }
        match serde_json::from_slice::<Fact>(line) {
            Ok(fact) => facts.push(fact),
            Err(error) => harvest.refuse(name, error),
        }
    }
    let (number, _, freeze) = release_of(document.name, &facts)
        .ok_or(DocumentError::Content("the facts do not show which release they are of"))?;
    let freeze_ms = tallyman_model::clock::parse_rfc3339(freeze).unwrap_or_default();
    let release = DistributionRelease::new("debian", number);
    let scope = release.as_str().to_owned();
    let mut by_id: BTreeMap<String, (Option<i64>, Vec<Affected>)> = BTreeMap::new();
    for fact in facts {
        let date_ms = fact.date.as_deref().and_then(parse_changelog_date);
        let Some(affected) = read_fact(&fact, &release, date_ms, freeze_ms, harvest) else {
            continue;
        };
        let (newest, all) = by_id.entry(fact.cve).or_default();
        *newest = (*newest).max(date_ms);
        all.push(affected);
    }
    for (id, (modified_ms, affected)) in by_id {
        let advisory = normalize(Advisory {
            id,
            aliases: Vec::new(),
            upstream: Vec::new(),
            published_ms: None,
            modified_ms,
            withdrawn_ms: None,
            cvss: Vec::new(),
            affected,
        });
        let (feed, scope) = (FEED.to_owned(), scope.clone());
        harvest.add(document, FeedRecord { feed, scope, advisory });
    }
    harvest.complete.insert((FEED.to_owned(), scope));
    Ok(())
}

/// Finds the release by the file's name, else by the suffix that most security updates carry.
fn release_of(name: &str, facts: &[Fact]) -> Option<(&'static str, &'static str, &'static str)> {
    let file_name = name.rsplit('/').next().unwrap_or(name);
    let named = RELEASES.into_iter().find(|(_, codename, _)| file_name.contains(codename));
    named.or_else(|| {
        let updates = |number: &str| {
            facts.iter().filter(|fact| is_update(&fact.first_version_naming_cve, number)).count()
        };
        RELEASES
            .into_iter()
            .filter(|(number, ..)| updates(number) > 0)
            .max_by_key(|(number, ..)| updates(number))
    })
}

/// `+deb12u1` and `~deb12u1` mark versions made for release 12.
fn is_update(version: &str, number: &str) -> bool {
    version.contains(&format!("deb{number}u"))
}

fn read_fact(
    fact: &Fact,
    release: &DistributionRelease,
    date_ms: Option<i64>,
    freeze_ms: i64,
    harvest: &mut Harvest,
) -> Option<Affected> {
    let version = &fact.first_version_naming_cve;
    let is_update = is_update(version, release.release());
    if !fact.cve.starts_with("CVE-") || (!is_update && date_ms.is_none_or(|ms| ms < freeze_ms)) {
        harvest.skip(FEED, SkipReason::CannotMatch);
        return None;
    }
    // A version of unstable that was rebuilt for the release carries the fix under a number that
    // sorts just below: 2.0-1~deb12u1 is 2.0-1.
    let fixed = if is_update { version.clone() } else { format!("{version}~") };
    let events = vec![RangeEvent::Introduced("0".to_owned()), RangeEvent::Fixed(fixed)];
    if !is_ordered(Ecosystem::Deb, &events) {
        harvest.skip(FEED, SkipReason::InvalidVersion);
        return None;
    }
    Some(Affected {
        key: PackageKey {
            ecosystem: Ecosystem::Deb,
            release: Some(release.clone()),
            name: fact.source.clone(),
        },
        ranges: vec![events],
        versions: Vec::new(),
        cvss: Vec::new(),
        urgency: None,
        fix_state: FixState::Open,
        modules: Vec::new(),
        architectures: Vec::new(),
        naming: Naming::Usual,
    })
}

/// Reads `Tue, 02 Feb 2010 11:40:55 +1100` (deb-changelog(5)).
fn parse_changelog_date(text: &str) -> Option<i64> {
    jiff::fmt::rfc2822::parse(text).ok().map(|date| date.timestamp().as_millisecond())
}
