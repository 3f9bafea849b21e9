//! Alpine's security database (<https://secdb.alpinelinux.org/>): for each release and repository
//! the version of each source package that fixed a vulnerability, JSON or YAML. Distributions of
//! the same packages publish it as well, without releases: Wolfi
//! (<https://packages.wolfi.dev/os/security.json>), Chainguard
//! (<https://packages.cgr.dev/chainguard/security.json>) and MinimOS
//! (<https://packages.mini.dev/advisories/secdb/security.json>).

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use tallyman_model::advisory::{Advisory, Affected, FixState, Naming, PackageKey, RangeEvent};
use tallyman_model::coverage::CoverageGap;
use tallyman_model::distribution::DistributionRelease;
use tallyman_model::limits::Limits;
use tallyman_model::package::Ecosystem;

use super::keys::Outline;
use super::normalize::{is_ordered, normalize};
use super::{Document, DocumentError, Extent, FeedRecord, Harvest, SkipReason, read_yaml};

/// Tells the database by its head.
pub(super) fn recognize(outline: &Outline) -> Option<Extent> {
    let has_release = outline.has("distroversion") || outline.has("urlprefix");
    (has_release && outline.has("reponame")).then_some(Extent::Many)
}

#[derive(Deserialize)]
struct Database {
    #[serde(default)]
    distroversion: String,
    #[serde(default)]
    urlprefix: String,
    reponame: String,
    #[serde(default)]
    packages: Option<Vec<Entry>>,
}

#[derive(Deserialize)]
struct Entry {
    pkg: Package,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    #[serde(default)]
    secfixes: Option<BTreeMap<String, Option<Vec<Option<String>>>>>,
}

/// Other names and what is affected, by the name of the vulnerability.
type Vulnerabilities = BTreeMap<String, (Vec<String>, Vec<Affected>)>;

/// Reads one repository of one release, which is always published as a whole.
pub(super) fn read(
    document: &Document<'_>,
    _limits: &Limits,
    harvest: &mut Harvest,
) -> Result<(), DocumentError> {
    let database: Database = match document.bytes.trim_ascii_start().first() {
        Some(b'{') => serde_json::from_slice(document.bytes)?,
        _ => read_yaml(document.bytes)?,
    };
    let Some((feed, release)) = distribution(&database) else {
        harvest.skip("", SkipReason::UnknownVendor);
        return Ok(());
    };
    let scope = format!("{release}/{}", database.reponame);
    let mut by_id = Vulnerabilities::new();
    for Entry { pkg } in database.packages.unwrap_or_default() {
        for (fixed, lines) in pkg.secfixes.unwrap_or_default() {
            let Some(affected) = affected(&pkg.name, &release, &fixed) else {
                harvest.skip(feed, SkipReason::InvalidVersion);
                continue;
            };
            for line in lines.unwrap_or_default().into_iter().flatten() {
                for (id, aliases) in identifiers(&line) {
                    let (names, all) = by_id.entry(id).or_default();
                    names.extend(aliases);
                    all.push(affected.clone());
                }
            }
        }
    }
    let shared = shared_names(&by_id);
    for (id, (mut aliases, affected)) in by_id {
        aliases.retain(|alias| !shared.contains(alias));
        let advisory = normalize(Advisory {
            id,
            aliases,
            upstream: Vec::new(),
            published_ms: None,
            modified_ms: None,
            withdrawn_ms: None,
            cvss: Vec::new(),
            affected,
        });
        let (feed, scope) = (feed.to_owned(), scope.clone());
        harvest.add(document, FeedRecord { feed, scope, advisory });
    }
    harvest.complete.insert((feed.to_owned(), scope));
    let gap = CoverageGap { ecosystem: Ecosystem::Apk, release: Some(release) };
    harvest.covers.insert((feed.to_owned(), gap));
    Ok(())
}

/// Names that stand beside several vulnerabilities: `CVE-2016-9377 XSA-196` and `CVE-2016-9378
/// XSA-196` are two vulnerabilities that one advisory is on, which is a name of neither.
fn shared_names(vulnerabilities: &Vulnerabilities) -> BTreeSet<String> {
    let mut bearers: BTreeMap<&str, &str> = BTreeMap::new();
    let mut shared = BTreeSet::new();
    for (id, (aliases, _)) in vulnerabilities {
        for alias in aliases {
            if *bearers.entry(alias).or_insert(id) != id {
                shared.insert(alias.clone());
            }
        }
    }
    shared
}

/// Returns the feed, and the release that the database speaks of: Alpine's by its number, that of
/// the others by where their packages are.
fn distribution(database: &Database) -> Option<(&'static str, DistributionRelease)> {
    let release = |id: &'static str, number: &str| (id, DistributionRelease::new(id, number));
    let host = database.urlprefix.trim_start_matches("https://");
    let host = host.split('/').next().unwrap_or("");
    match (database.distroversion.trim_start_matches('v'), host) {
        ("" | "rolling", "packages.wolfi.dev") => Some(release("wolfi", "")),
        ("" | "rolling", "packages.cgr.dev" | "libraries.cgr.dev") => {
            Some(release("chainguard", ""))
        }
        ("" | "rolling", "packages.mini.dev") => Some(release("minimos", "")),
        ("" | "rolling", _) => None,
        (number, _) => Some(release("alpine", number)),
    }
}

fn affected(name: &str, release: &DistributionRelease, fixed: &str) -> Option<Affected> {
    // Version 0 is the database's way to say that the package was never affected.
    let is_denial = fixed == "0";
    let mut events = vec![RangeEvent::Introduced("0".to_owned())];
    events.extend((!is_denial).then(|| RangeEvent::Fixed(as_meant(fixed))));
    is_ordered(Ecosystem::Apk, &events).then(|| Affected {
        key: PackageKey {
            ecosystem: Ecosystem::Apk,
            release: Some(release.clone()),
            name: name.to_owned(),
        },
        ranges: vec![events],
        versions: Vec::new(),
        cvss: Vec::new(),
        urgency: None,
        fix_state: if is_denial { FixState::NotAffected } else { FixState::Open },
        modules: Vec::new(),
        architectures: Vec::new(),
        naming: Naming::Usual,
    })
}

/// Gives a version the `r` that its revision lacks: `2.7.16-33` is written by hand and means
/// `2.7.16-r33`. In apk's order it would be before every revision of 2.7.16, as if all had the fix.
fn as_meant(fixed: &str) -> String {
    match fixed.split_once('-') {
        Some((version, revision))
            if !revision.is_empty() && revision.bytes().all(|b| b.is_ascii_digit()) =>
        {
            format!("{version}-r{revision}")
        }
        _ => fixed.to_owned(),
    }
}

/// Reads a line such as `CVE-2017-12122 TALOS-2017-0488` or `CVE-2018-14468 (FrameRelay)`: each
/// CVE is a vulnerability; other identifiers are names of the only CVE, or of each other.
fn identifiers(line: &str) -> Vec<(String, Vec<String>)> {
    let words =
        line.split([' ', '\t', ',', ';', '/']).map(|word| word.trim_matches(['(', ')', ':', '.']));
    let (cves, others): (Vec<&str>, Vec<&str>) =
        words.filter(|word| is_identifier(word)).partition(|word| word.starts_with("CVE-"));
    let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    match (cves.as_slice(), others.as_slice()) {
        ([cve], others) => vec![((*cve).to_owned(), owned(others))],
        ([], [first, aliases @ ..]) => vec![((*first).to_owned(), owned(aliases))],
        (cves, _) => cves.iter().map(|cve| ((*cve).to_owned(), Vec::new())).collect(),
    }
}

/// `XSA-123`, `GHSA-xxxx-xxxx-xxxx`, `ZBX-19133`: capitals, a hyphen, and something with a digit
/// or of GitHub's alphabet.
fn is_identifier(word: &str) -> bool {
    let Some((prefix, rest)) = word.split_once('-') else { return false };
    let is_prefix = !prefix.is_empty() && prefix.bytes().all(|b| b.is_ascii_uppercase());
    is_prefix && (prefix == "GHSA" || rest.bytes().any(|b| b.is_ascii_digit()))
}
