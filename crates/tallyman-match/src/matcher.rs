//! From a package version to its findings.
//!
//! Every record of every feed that speaks of the package is evaluated as the OSV schema says
//! (<https://ossf.github.io/osv-schema/#evaluation>); what matches is grouped by vulnerability,
//! and each group becomes one finding.

pub(crate) mod commit;
mod flavour;
mod group;
mod minor;
pub(crate) mod module;
mod names;
mod verdict;

use std::collections::BTreeSet;

use tallyman_model::advisory::{Affected, FixState, Naming, PackageKey, RangeEvent};
use tallyman_model::coverage::CoverageGap;
use tallyman_model::distribution::DistributionRelease;
use tallyman_model::finding::Finding;
use tallyman_model::package::{Ecosystem, PackageVersion};
use tallyman_model::severity::Severity;
use tallyman_model::vulnerability::CveId;

use crate::index::{AdvisoryIndex, IndexError, IndexedAdvisory};
use crate::range::locate;
use crate::rating::{Rating, rate_vectors, rate_word};
use crate::release::canonical;
use crate::version::{compare, is_rankable};
use group::{Group, group, names as names_of};
use verdict::Verdict;

/// The findings of a package version.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PackageFindings {
    /// The findings, the most severe first, then by id.
    pub findings: Vec<Finding>,
    /// Whether the version has no place in its ecosystem's order while advisories speak of the
    /// package: then only versions that are listed word for word were found.
    pub is_unrankable: bool,
    /// What records say of the package and a record that is believed more denies, by vulnerability.
    pub denied: Vec<Denied>,
}

/// A vulnerability that records call the package affected by, and one that is believed more does
/// not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denied {
    /// The name of the vulnerability.
    pub id: String,
    /// The record that denies: `FEED ID`.
    pub by: String,
    /// The records that it overrules, sorted: `FEED ID` each.
    pub overruled: Vec<String>,
}

/// Finds the vulnerabilities of a package version.
///
/// # Errors
/// When the index contradicts itself.
pub fn find_vulnerabilities(
    index: &AdvisoryIndex,
    package: &PackageVersion,
) -> Result<PackageFindings, IndexError> {
    let ecosystem = package.package.ecosystem;
    let mut is_spoken_of = false;
    let mut found = Vec::new();
    for key in names::keys(package) {
        found.extend(index.statements(key, |affected| {
            let is_about = names::speaks_of(affected, package)
                && module::speaks_of(affected, &package.package);
            is_spoken_of |= is_about;
            // One that speaks of the source is needed to see which of two is nearer.
            is_about
                && (affected.naming != Naming::Usual || falls_into(package, affected).is_some())
        })?);
    }
    if !is_spoken_of {
        return Ok(PackageFindings::default());
    }
    names::keep_the_nearest(index, &mut found)?;
    let mut matched = Vec::new();
    for one in found {
        if let Some((version, words)) = falls_into(package, &one.affected) {
            matched.push((index.record(one)?, version, words));
        }
    }
    let hits: Vec<Hit<'_>> = matched
        .iter()
        .map(|(advisory, version, matched)| Hit { advisory, version, matched: matched.clone() })
        .collect();
    let mut findings = Vec::new();
    let mut denied = Vec::new();
    for group in group(&hits) {
        match verdict::of(&group) {
            Verdict::Affected { group, contradicted_by } => {
                let rating = rate(index, &group)?;
                findings.push(finding(ecosystem, &group, rating, contradicted_by));
            }
            Verdict::Denied(one) => denied.push(one),
            Verdict::Silent => {}
        }
    }
    findings.sort_by(|a, b| b.severity.cmp(&a.severity).then_with(|| a.id.cmp(&b.id)));
    denied.sort_by(|a, b| a.id.cmp(&b.id));
    let is_unrankable = !is_rankable(ecosystem, package.advisory_version());
    Ok(PackageFindings { findings, is_unrankable, denied })
}

/// Tells what a package falls into, if a statement calls it affected: its version by the statement's
/// name for it, and the range in words.
fn falls_into<'a>(package: &'a PackageVersion, affected: &Affected) -> Option<(&'a str, String)> {
    let version = names::version(affected, package);
    let is_other = !flavour::speaks_of(affected, version);
    if is_other || minor::is_fixed_for(affected, version) {
        return None;
    }
    let matched = match_affected(package.package.ecosystem, version, affected)?;
    Some((version, matched))
}

/// Returns the ecosystems and releases among the packages that no feed speaks of, sorted.
pub fn gaps<'a>(
    index: &AdvisoryIndex,
    packages: impl IntoIterator<Item = &'a PackageVersion>,
) -> Vec<CoverageGap> {
    let kinds: BTreeSet<(Ecosystem, Option<&DistributionRelease>)> = packages
        .into_iter()
        .map(|package| (package.package.ecosystem, package.release.as_ref()))
        .collect();
    kinds
        .into_iter()
        .map(|(ecosystem, release)| CoverageGap { ecosystem, release: release.cloned() })
        .filter(|gap| !index.covers(gap))
        .collect()
}

/// Returns the key under which advisories speak of a package version.
pub fn package_key(package: &PackageVersion) -> PackageKey {
    PackageKey {
        ecosystem: package.package.ecosystem,
        release: package.release.as_ref().map(canonical),
        name: package.advisory_name(),
    }
}

/// A record that a version falls into.
#[derive(Debug)]
pub(crate) struct Hit<'a> {
    pub(crate) advisory: &'a IndexedAdvisory,
    /// The package's version as the record names it.
    version: &'a str,
    /// What the version fell into, in words.
    pub(crate) matched: String,
}

/// Tells what a version falls into, if it is affected.
fn match_affected(ecosystem: Ecosystem, version: &str, affected: &Affected) -> Option<String> {
    if is_rankable(ecosystem, version) {
        // A range that cannot be compared with says nothing of this version.
        let intervals = affected.ranges.iter().map(|events| locate(ecosystem, version, events));
        if let Some(interval) = intervals.filter_map(Result::ok).flatten().next() {
            return Some(interval.describe());
        }
    }
    let is_listed = affected.versions.iter().any(|listed| {
        listed == version
            || commit::is_named(ecosystem, version, listed)
            || compare(ecosystem, listed, version).is_ok_and(std::cmp::Ordering::is_eq)
    });
    is_listed.then(|| format!("= {version}"))
}

/// Makes one finding of the records on one vulnerability.
fn finding(
    ecosystem: Ecosystem,
    group: &Group<'_>,
    rating: Rating,
    contradicted_by: Vec<String>,
) -> Finding {
    let decided = group.decided;
    let fixed_version = fixed_version(ecosystem, decided.version, &group.hits);
    let fix_state = match fixed_version {
        Some(_) => FixState::Open,
        None => decided.advisory.affected.fix_state,
    };
    Finding {
        id: group.name.clone(),
        aliases: group.aliases.clone(),
        advisory: decided.advisory.id.clone(),
        feed: decided.advisory.feed.clone(),
        severity: rating.severity,
        score: rating.score,
        vector: rating.vector,
        fixed_version,
        matched: decided.matched.clone(),
        fix_state,
        published_ms: group.hits.iter().filter_map(|hit| hit.advisory.published_ms).min(),
        contradicted_by,
    }
}

/// Finds the smallest fixed version above the present one that no record of the group calls
/// affected.
fn fixed_version(ecosystem: Ecosystem, version: &str, hits: &[&Hit<'_>]) -> Option<String> {
    let events = hits.iter().flat_map(|hit| hit.advisory.affected.ranges.iter().flatten());
    let is_above =
        |fixed: &&str| compare(ecosystem, fixed, version).is_ok_and(std::cmp::Ordering::is_gt);
    let is_clean = |fixed: &&str| {
        hits.iter().all(|hit| match_affected(ecosystem, fixed, &hit.advisory.affected).is_none())
    };
    let candidates: BTreeSet<&str> = events
        .filter_map(|event| match event {
            RangeEvent::Fixed(fixed) => Some(fixed.as_str()),
            RangeEvent::Introduced(_) | RangeEvent::LastAffected(_) | RangeEvent::Limit(_) => None,
        })
        .filter(is_above)
        .collect();
    // Not sorted: the orders of Maven and Conan go in circles, at which sorting may panic.
    let fixed = candidates.into_iter().filter(is_clean).min_by(|a, b| {
        // All candidates have been compared already.
        compare(ecosystem, a, b).unwrap_or(std::cmp::Ordering::Equal).then_with(|| a.cmp(b))
    })?;
    Some(match ecosystem {
        // A trailing tilde only lets rebuilds of that very version count as fixed.
        Ecosystem::Deb => fixed.trim_end_matches('~').to_owned(),
        _ => fixed.to_owned(),
    })
}

/// Rates a group: a distribution's "unimportant" stands above all; then the vectors of the record
/// that decided, those of the others, and the words in the same order; where none of them rates,
/// the CVE records do.
fn rate(index: &AdvisoryIndex, group: &Group<'_>) -> Result<Rating, IndexError> {
    let others = group.hits.iter().filter(|hit| !std::ptr::eq(**hit, group.decided));
    let hits: Vec<&IndexedAdvisory> =
        std::iter::once(&group.decided).chain(others).map(|hit| hit.advisory).collect();
    let words = || hits.iter().filter_map(|advisory| advisory.affected.urgency.as_deref());
    if words().any(|word| word == "unimportant") {
        return Ok(Rating { severity: Severity::Negligible, ..Rating::default() });
    }
    let own =
        hits.iter().find_map(|advisory| own_vector(advisory)).or_else(|| words().find_map(by_word));
    if let Some(rating) = own {
        return Ok(rating);
    }
    let names = std::iter::once(&group.name).chain(&group.aliases).map(String::as_str);
    let Some(facts) = index.vulnerability_by_names(names)? else { return Ok(Rating::default()) };
    let rating = rate_vectors(facts.cvss.iter());
    Ok(rating.or_else(|| by_word(facts.rating.as_deref()?)).unwrap_or_default())
}

/// Tells whether a record has no rating of its own and bears the name of one of the CVE records.
pub(crate) fn takes_rating(advisory: &IndexedAdvisory, cves: &BTreeSet<CveId>) -> bool {
    let is_one = |name: &str| name.parse().is_ok_and(|id: CveId| cves.contains(&id));
    let has_word = || advisory.affected.urgency.as_deref().and_then(by_word).is_some();
    !cves.is_empty()
        && names_of(advisory).any(is_one)
        && own_vector(advisory).is_none()
        && !has_word()
}

fn own_vector(advisory: &IndexedAdvisory) -> Option<Rating> {
    let own = rate_vectors(advisory.affected.cvss.iter());
    own.or_else(|| rate_vectors(advisory.cvss.iter()))
}

fn by_word(word: &str) -> Option<Rating> {
    let severity = Some(rate_word(word)).filter(|severity| *severity != Severity::Unknown)?;
    Some(Rating { severity, ..Rating::default() })
}

#[cfg(test)]
mod tests;
