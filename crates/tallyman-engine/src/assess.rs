//! What the feeds about vulnerabilities say beside findings, and the priority that follows.
//!
//! It is looked up in the index whenever a report is made and never stored: EPSS says something
//! else of nearly every vulnerability every day (docs/decisions/0018-priority-is-derived.md).

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tallyman_match::index::{AdvisoryIndex, IndexError};
use tallyman_match::rating::score;
use tallyman_model::clock::format_utc;
use tallyman_model::finding::Finding;
use tallyman_model::package::PackageVersion;
use tallyman_model::priority::Priority;
use tallyman_model::vulnerability::{Exploitation, Fraction, KnownExploited, VulnerabilityFacts};

use crate::images::JudgedPackage;

/// The feed whose date is that of the probabilities.
const EPSS_FEED: &str = "epss";
/// The characters of a day in RFC 3339.
const DAY: usize = "2026-08-16".len();

/// What is known of a finding's vulnerability, as reports show it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Assessment {
    /// How soon it is to be mended.
    pub priority: Priority,
    /// All CVSS vectors: the finding's own first, then those of the CVE record.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cvss: Vec<ScoredVector>,
    /// How likely it is to be exploited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epss: Option<ReportEpss>,
    /// Its entry in CISA's catalogue of known exploited vulnerabilities.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kev: Option<ReportKev>,
    /// Whether exploits are known, by SSVC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exploitation: Option<Exploitation>,
    /// Its weaknesses: numbers of the Common Weakness Enumeration.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cwes: Vec<u32>,
}

/// A CVSS vector with its base score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScoredVector {
    /// The vector.
    pub vector: String,
    /// The score.
    pub score: f64,
}

/// An entry of CISA's catalogue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportKev {
    /// The day on which it was added, `YYYY-MM-DD`.
    pub added: String,
    /// The day until which agencies of the United States had to act, `YYYY-MM-DD`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<String>,
    /// Whether campaigns of ransomware are known to use it.
    pub ransomware: bool,
}

/// FIRST's estimate of the day it was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportEpss {
    /// How likely it is that somebody exploits it within thirty days.
    pub probability: Fraction,
    /// The share of all vulnerabilities that are no more likely than this.
    pub percentile: Fraction,
    /// The day of the table, `YYYY-MM-DD`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
}

impl Assessment {
    /// Makes what is reported of a finding by what is known of its vulnerability.
    pub fn new(finding: &Finding, facts: VulnerabilityFacts, epss_date: Option<&str>) -> Self {
        let priority = Priority::of(finding, &facts);
        let own = finding.vector.iter();
        let others = facts.cvss.iter().filter(|vector| Some(*vector) != finding.vector.as_ref());
        let scored =
            |vector: &String| Some(ScoredVector { vector: vector.clone(), score: score(vector)? });
        Assessment {
            priority,
            cvss: own.chain(others).filter_map(scored).collect(),
            epss: facts.epss.map(|epss| ReportEpss {
                probability: epss.probability,
                percentile: epss.percentile,
                date: epss_date.map(str::to_owned),
            }),
            kev: facts.kev.map(|KnownExploited { added, due, ransomware }| ReportKev {
                added,
                due,
                ransomware,
            }),
            exploitation: facts.exploitation,
            cwes: facts.cwes,
        }
    }
}

/// The findings of a package version, with what is known of their vulnerabilities.
pub(crate) type AssessedFindings = Vec<(Finding, Assessment)>;

/// Looks up what is known of the vulnerabilities of findings, by package version. The findings of
/// each package are ordered then: what is to be mended first comes first.
pub(crate) fn assess(
    index: &AdvisoryIndex,
    findings: BTreeMap<PackageVersion, Vec<Finding>>,
) -> Result<BTreeMap<PackageVersion, AssessedFindings>, IndexError> {
    let date = epss_date(index);
    let findings = findings.into_iter();
    findings
        .map(|(version, findings)| Ok((version, assess_all(index, findings, date.as_deref())?)))
        .collect()
}

/// Does the same for the packages of an image, of which those that share findings share what is
/// known of them.
pub(crate) fn assess_packages(
    index: &AdvisoryIndex,
    packages: &[JudgedPackage],
) -> Result<Vec<Option<Arc<AssessedFindings>>>, IndexError> {
    let date = epss_date(index);
    let mut last: Option<(&Arc<Vec<Finding>>, Arc<AssessedFindings>)> = None;
    let mut assessed = Vec::with_capacity(packages.len());
    for package in packages {
        let Some(findings) = &package.findings else {
            assessed.push(None);
            continue;
        };
        let known = last.as_ref().filter(|(of, _)| Arc::ptr_eq(of, findings));
        let found = match known {
            Some((_, known)) => Arc::clone(known),
            None => Arc::new(assess_all(index, findings.to_vec(), date.as_deref())?),
        };
        last = Some((findings, Arc::clone(&found)));
        assessed.push(Some(found));
    }
    Ok(assessed)
}

fn epss_date(index: &AdvisoryIndex) -> Option<String> {
    let feeds = index.feeds();
    let day_ms = feeds.iter().find(|feed| feed.name == EPSS_FEED).and_then(|feed| feed.data_ms);
    day_ms.map(|ms| format_utc(ms).chars().take(DAY).collect())
}

fn assess_all(
    index: &AdvisoryIndex,
    findings: Vec<Finding>,
    epss_date: Option<&str>,
) -> Result<AssessedFindings, IndexError> {
    let one = |finding: Finding| {
        let assessment = assess_one(index, &finding, epss_date)?;
        Ok((finding, assessment))
    };
    let mut assessed = findings.into_iter().map(one).collect::<Result<Vec<_>, IndexError>>()?;
    assessed.sort_by(|(a, of_a), (b, of_b)| {
        of_b.priority.cmp(&of_a.priority).then_with(|| a.id.cmp(&b.id))
    });
    Ok(assessed)
}

fn assess_one(
    index: &AdvisoryIndex,
    finding: &Finding,
    epss_date: Option<&str>,
) -> Result<Assessment, IndexError> {
    let names = std::iter::once(&finding.id).chain(&finding.aliases).map(String::as_str);
    let facts = index.vulnerability_by_names(names)?.unwrap_or_default();
    Ok(Assessment::new(finding, facts, epss_date))
}

#[cfg(test)]
mod tests;
