//! OSV records (<https://ossf.github.io/osv-schema/>), JSON or YAML, one a file, one a line or in
//! a list. Of the prose, only a rating and modules are taken from
//! summaries.

pub(super) mod ecosystem;
mod errata;
mod go_tags;
mod schema;

use std::collections::BTreeMap;

use serde_json::value::RawValue;
use tallyman_model::advisory::{Advisory, Affected, Naming, PackageKey, RangeEvent};
use tallyman_model::limits::Limits;
use tallyman_model::package::Ecosystem;

use self::ecosystem::{Target, target};
use super::keys::Outline;
use super::normalize::{is_ordered, normalize, parse_date};
use super::{Document, DocumentError, Extent, FeedRecord, Harvest, SkipReason};
use crate::matcher::commit::is_commit;
use crate::matcher::module::is_modular;
use schema::{AffectedPackage, Range, Record, Severity};

/// More events than this in one record are an attack on whoever evaluates them.
const EVENTS: usize = 20_000;

/// Tells an OSV record by its first keys.
pub(super) fn recognize(outline: &Outline) -> Option<Extent> {
    const OTHERS: [&str; 7] =
        ["schema_version", "modified", "published", "affected", "aliases", "summary", "details"];
    let is_osv = outline.has("id") && OTHERS.iter().any(|key| outline.has(key));
    let extent = if outline.is_list { Extent::Many } else { Extent::One };
    (is_osv && !outline.has("module_name")).then_some(extent)
}

/// Reads all records of a document. A malformed record is refused alone.
pub(super) fn read(
    document: &Document<'_>,
    limits: &Limits,
    harvest: &mut Harvest,
) -> Result<(), DocumentError> {
    let bytes = document.bytes.trim_ascii_start();
    match bytes.first() {
        Some(b'[') => {
            for (i, raw) in serde_json::from_slice::<Vec<&RawValue>>(bytes)?.iter().enumerate() {
                read_json(document, Some(i), raw.get().as_bytes(), limits, harvest);
            }
        }
        Some(b'{') if is_one_value(bytes) => read_json(document, None, bytes, limits, harvest),
        Some(b'{') => {
            for (i, line) in bytes.split(|b| *b == b'\n').enumerate() {
                if !line.trim_ascii().is_empty() {
                    read_json(document, Some(i), line, limits, harvest);
                }
            }
        }
        _ => read_yaml(document, harvest),
    }
    Ok(())
}

/// Records one a line start with a line that is a value of its own.
fn is_one_value(bytes: &[u8]) -> bool {
    let first_line = bytes.split(|b| *b == b'\n').next().unwrap_or(bytes);
    let rest = bytes.get(first_line.len()..).unwrap_or(&[]);
    rest.trim_ascii().is_empty() || serde_json::from_slice::<&RawValue>(first_line).is_err()
}

fn read_json(
    document: &Document<'_>,
    index: Option<usize>,
    bytes: &[u8],
    limits: &Limits,
    harvest: &mut Harvest,
) {
    let name = match index {
        Some(index) => format!("{}, record {}", document.name, index + 1),
        None => document.name.to_owned(),
    };
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > limits.advisory_record_bytes {
        let max = limits.advisory_record_bytes;
        let reason = format!("larger than {max} bytes (limit advisory-record-bytes)");
        return harvest.refuse(name, reason);
    }
    match serde_json::from_slice::<Record>(bytes) {
        Ok(record) => read_record(document, name, record, harvest),
        Err(error) => harvest.refuse(name, error),
    }
}

fn read_yaml(document: &Document<'_>, harvest: &mut Harvest) {
    match super::read_yaml::<Record>(document.bytes) {
        Ok(record) => read_record(document, document.name.to_owned(), record, harvest),
        Err(error) => harvest.refuse(document.name, error),
    }
}

fn read_record(document: &Document<'_>, name: String, record: Record, harvest: &mut Harvest) {
    if record.id.is_empty() || record.id.len() > 256 {
        return harvest.refuse(name, "the id is empty or too long");
    }
    let ranges = record.affected.iter().flat_map(|affected| {
        affected.ranges.iter().chain(&affected.ecosystem_specific.custom_ranges)
    });
    if ranges.map(|range| range.events.len()).sum::<usize>() > EVENTS {
        return harvest.refuse(name, format!("more than {EVENTS} events"));
    }
    if errata::mends_nothing(&record) {
        let packages = record.affected.iter().filter_map(|affected| affected.package.as_ref());
        let mut targets = packages.filter_map(|package| target(&package.ecosystem).ok());
        let feed = targets.next().map_or_else(String::new, |target| target.feed);
        return harvest.skip(&feed, SkipReason::NotSecurity);
    }
    let skeleton = skeleton(&record);
    let summary = record.summary.as_deref().unwrap_or("");
    let modules = errata::named_in(summary);
    let mut by_feed: BTreeMap<String, Vec<Affected>> = BTreeMap::new();
    for package in record.affected {
        match read_affected(&record.severity, &record.database_specific, package, harvest) {
            Ok((feed, mut affected)) => {
                if is_modular(&affected) {
                    affected.modules.clone_from(&modules);
                }
                if affected.urgency.is_none() && affected.key.ecosystem == Ecosystem::Rpm {
                    affected.urgency = errata::rating(summary).map(str::to_owned);
                }
                by_feed.entry(feed).or_default().push(affected);
            }
            Err(reason) => harvest.skip("", reason),
        }
    }
    for (feed, affected) in by_feed {
        let advisory = normalize(Advisory { affected, ..skeleton.clone() });
        if advisory.affected.is_empty() && advisory.withdrawn_ms.is_none() {
            harvest.skip(&feed, SkipReason::CannotMatch);
            continue;
        }
        harvest.add(document, FeedRecord { feed, scope: String::new(), advisory });
    }
}

/// Everything of a record but what is affected.
fn skeleton(record: &Record) -> Advisory {
    let mut aliases = record.aliases.clone();
    aliases.extend(bare_cve(&record.id).map(str::to_owned));
    let upstream = errata::upstream(record);
    let upstream = upstream.iter().map(|id| bare_cve(id).unwrap_or(id).to_owned());
    let is_vector = |severity: &&Severity| severity.kind.starts_with("CVSS_");
    let withdrawn = record.withdrawn.as_deref();
    Advisory {
        id: record.id.clone(),
        aliases,
        upstream: upstream.collect(),
        published_ms: parse_date(record.published.as_deref()),
        modified_ms: parse_date(record.modified.as_deref()),
        // A date that cannot be read withdraws as well.
        withdrawn_ms: withdrawn.map(|date| parse_date(Some(date)).unwrap_or_default()),
        cvss: record.severity.iter().filter(is_vector).map(|s| s.score.clone()).collect(),
        affected: Vec::new(),
    }
}

/// Returns the CVE inside the ids that distributions make of it (`DEBIAN-CVE-2024-1`).
fn bare_cve(id: &str) -> Option<&str> {
    const PREFIXES: [&str; 4] = ["DEBIAN-", "ALPINE-", "UBUNTU-", "ECHO-"];
    PREFIXES
        .iter()
        .find_map(|prefix| id.strip_prefix(prefix))
        .filter(|rest| rest.starts_with("CVE-"))
}

fn read_affected(
    severity: &[Severity],
    database: &schema::Specific,
    affected: AffectedPackage,
    harvest: &mut Harvest,
) -> Result<(String, Affected), SkipReason> {
    let package = affected.package.ok_or(SkipReason::NoPackage)?;
    let Target { ecosystem, release, feed } = target(&package.ecosystem)?;
    let name = ecosystem.normalize_name(&package.name);
    if name.is_empty() {
        return Err(SkipReason::NoPackage);
    }
    let mut ranges = Vec::new();
    let mut versions = affected.versions;
    for range in &affected.ranges {
        let read = read_range(range).map(|events| match ecosystem {
            Ecosystem::PyPi => events.into_iter().map(without_update).collect(),
            _ => events,
        });
        match read.map(|events| ended(events, &affected.database_specific)) {
            Err(SkipReason::GitRange) if has_commits(&mut versions, range) => {}
            Ok(events) if is_ordered(ecosystem, &events) => ranges.push(events),
            Ok(_) => harvest.skip(&feed, SkipReason::InvalidVersion),
            Err(reason) => harvest.skip(&feed, reason),
        }
    }
    if ecosystem == Ecosystem::Go {
        let by_tags = affected.ecosystem_specific.custom_ranges.iter().filter_map(|range| {
            read_range(range).ok().filter(|events| is_ordered(ecosystem, events))
        });
        ranges = go_tags::unite(ranges, by_tags.collect());
    }
    let vectors = affected.severity.iter().filter(|s| s.kind.starts_with("CVSS_"));
    let rating = |s: &[Severity]| {
        let other = s.iter().find(|s| !s.kind.starts_with("CVSS_"));
        other.map(|s| s.score.clone())
    };
    let urgency = affected
        .ecosystem_specific
        .rating()
        .or_else(|| affected.database_specific.rating())
        .or_else(|| rating(&affected.severity))
        .or_else(|| database.rating())
        .or_else(|| rating(severity));
    let affected = Affected {
        key: PackageKey { ecosystem, release, name },
        ranges,
        versions,
        cvss: vectors.map(|s| s.score.clone()).collect(),
        urgency,
        fix_state: tallyman_model::advisory::FixState::Open,
        modules: Vec::new(),
        architectures: Vec::new(),
        naming: Naming::Usual,
    };
    Ok((feed, affected))
}

/// Ends a range that knows no fix where GitHub's database says that it is known to end
/// (<https://github.com/github/advisory-database/issues/470>): of later versions nothing is said.
fn ended(mut events: Vec<RangeEvent>, database: &schema::Specific) -> Vec<RangeEvent> {
    let is_open = events.iter().all(|event| matches!(event, RangeEvent::Introduced(_)));
    let end = database.last_known_affected.as_deref().unwrap_or("").trim();
    if is_open && let Some(last) = end.strip_prefix("<=") {
        events.push(RangeEvent::LastAffected(last.trim().to_owned()));
    } else if is_open && let Some(limit) = end.strip_prefix('<') {
        events.push(RangeEvent::Limit(limit.trim().to_owned()));
    }
    events
}

/// Takes the commits of a range that are affected whatever the history between them is; tells whether
/// there are any.
fn has_commits(versions: &mut Vec<String>, range: &Range) -> bool {
    let before = versions.len();
    let named = range.events.iter().flat_map(|event| [&event.introduced, &event.last_affected]);
    versions.extend(named.flatten().filter(|commit| is_commit(commit)).cloned());
    versions.len() > before
}

/// PyPA's records take versions from CPEs, where `NA` stands for the release without an update.
fn without_update(event: RangeEvent) -> RangeEvent {
    let plain = |version: String| match version.strip_suffix("-NA") {
        Some(release) => release.to_owned(),
        None => version,
    };
    match event {
        RangeEvent::Introduced(version) => RangeEvent::Introduced(plain(version)),
        RangeEvent::Fixed(version) => RangeEvent::Fixed(plain(version)),
        RangeEvent::LastAffected(version) => RangeEvent::LastAffected(plain(version)),
        RangeEvent::Limit(version) => RangeEvent::Limit(plain(version)),
    }
}

fn read_range(range: &Range) -> Result<Vec<RangeEvent>, SkipReason> {
    match range.kind.as_str() {
        "GIT" => return Err(SkipReason::GitRange),
        "SEMVER" | "ECOSYSTEM" => {}
        _ => return Err(SkipReason::MalformedRange),
    }
    let mut events = Vec::new();
    for event in &range.events {
        let before = events.len();
        events.extend(event.introduced.clone().map(RangeEvent::Introduced));
        events.extend(event.fixed.clone().map(RangeEvent::Fixed));
        events.extend(event.last_affected.clone().map(RangeEvent::LastAffected));
        events.extend(event.limit.clone().map(RangeEvent::Limit));
        if events.len() == before {
            return Err(SkipReason::MalformedRange);
        }
    }
    let is_introduced = events.iter().any(|event| matches!(event, RangeEvent::Introduced(_)));
    is_introduced.then_some(events).ok_or(SkipReason::MalformedRange)
}
