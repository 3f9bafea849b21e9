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
    let file = stem(document.name);
    let cve = record.cve.unwrap_or_else(|| file.to_owned());
    let id = match cve.starts_with("CVE-") {
        true => cve,
        false => format!("FriendsOfPHP/{name}/{file}"),
    };
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

/// Events know no "after this version". Composer's versions have four numbers at most, and PHP's
/// order puts `1.0.0.0.1` right behind `1.0.0.0`, and behind `1.0` all that begins with it.
fn right_after(version: &str) -> String {
    let numbers = version.split(['.', '-']).count();
    format!("{version}{}.1", ".0".repeat(4_usize.saturating_sub(numbers)))
}

/// What Composer reads a version as that names no stability. 0 stays what it is: as the begin of a
/// range it is before all versions, `0-dev` would be after a package's version 0.
fn development(version: &str) -> String {
    let is_release =
        version != "0" && version.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if is_release { format!("{version}-dev") } else { version.to_owned() }
}

/// Reads constraints that hold together, such as `>=2.7.0` and `<2.7.51`. Composer takes both for
/// the development version, before all that lead to a release: `2.7.0-RC1` is in, `2.7.51-RC1` is
/// not.
fn events(branch: &Branch) -> Option<Vec<RangeEvent>> {
    let (mut from, mut end) = (None, Vec::new());
    for constraint in &branch.versions {
        let constraint = constraint.trim();
        let version = |prefix: &str| Some(constraint.strip_prefix(prefix)?.trim().to_owned());
        if let Some(version) = version(">=") {
            from = Some(development(&version));
        } else if let Some(version) = version(">") {
            from = Some(right_after(&version));
        } else if let Some(version) = version("<=") {
            end = vec![RangeEvent::LastAffected(version)];
        } else if let Some(version) = version("<") {
            end = vec![RangeEvent::Limit(development(&version))];
            end.extend(branch.time.is_some().then_some(RangeEvent::Fixed(version)));
        } else {
            return None;
        }
    }
    let from = RangeEvent::Introduced(from.unwrap_or_else(|| "0".to_owned()));
    Some(std::iter::once(from).chain(end).collect())
}

#[cfg(test)]
mod tests {
    use tallyman_model::limits::Limits;
    use tallyman_model::package::Ecosystem;

    use super::super::{Document, Harvest};
    use crate::range::locate;

    fn read(name: &str, bytes: &str) -> Harvest {
        let mut harvest = Harvest::default();
        let document = Document { name, bytes: bytes.as_bytes(), modified_ms: None };
        super::read(&document, &Limits::default(), &mut harvest).expect("a record");
        harvest
    }

    #[test]
    fn a_branch_may_begin_right_after_a_version() {
        let harvest = read(
            "amphp/artax/2016-07-18.yaml",
            "reference: composer://amphp/artax\nbranches:\n  1.x:\n    time: 2016-07-18 16:37:40\n    \
             versions: ['>0.7.1', '<1.0.4']\n",
        );
        let advisory = &harvest.records[0].advisory;
        assert_eq!(advisory.id, "FriendsOfPHP/amphp/artax/2016-07-18");
        let is_affected = |version: &str| {
            locate(Ecosystem::Composer, version, &advisory.affected[0].ranges[0]).unwrap().is_some()
        };
        let versions = ["0.7.1", "0.7.1.0", "0.7.2", "1.0.3", "1.0.4"];
        assert_eq!(versions.map(is_affected), [false, false, true, true, false]);
    }

    #[test]
    fn a_branch_begins_and_ends_with_what_leads_to_a_release() {
        for time in ["2019-11-13 10:00:00", "~"] {
            let record = format!(
                "reference: composer://a/b\nbranches: {{4.3.x: {{time: {time}, versions: \
                 ['>=4.3.0', '<4.3.8']}}}}\n",
            );
            let harvest = read("a/b/1.yaml", &record);
            let events = &harvest.records[0].advisory.affected[0].ranges[0];
            let versions = ["4.2.9", "4.3.0-RC1", "4.3.7", "4.3.8-beta1", "4.3.8"];
            let is_affected =
                |version: &str| locate(Ecosystem::Composer, version, events).unwrap().is_some();
            assert_eq!(versions.map(is_affected), [false, true, true, false, false], "{time}");
        }
    }

    #[test]
    fn a_branch_from_0_has_all_versions_before_its_end() {
        let record =
            "reference: composer://a/b\nbranches: {0.x: {time: ~, versions: ['>=0', '<1']}}\n";
        let harvest = read("a/b/1.yaml", record);
        let events = &harvest.records[0].advisory.affected[0].ranges[0];
        let is_affected =
            |version: &str| locate(Ecosystem::Composer, version, events).unwrap().is_some();
        let versions = ["0", "0-beta1", "0.0", "0.5.1", "1-beta1", "1"];
        assert_eq!(versions.map(is_affected), [true, true, true, true, false, false]);
    }

    #[test]
    fn a_file_that_is_named_after_a_cve_is_about_it() {
        let record = "reference: composer://a/b\nbranches: {1.x: {time: ~, versions: ['<1']}}\n";
        assert_eq!(
            read("a/b/CVE-2019-12139.yaml", record).records[0].advisory.id,
            "CVE-2019-12139"
        );
    }
}
