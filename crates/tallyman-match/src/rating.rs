//! How bad it is: CVSS vectors first, else the word of whoever wrote the advisory.

mod words;

use cvss::Cvss;
use tallyman_model::severity::Severity;

pub(crate) use words::rate_word;

/// The metrics that a vector must have: the guide to CVSS v2.0, section 2.4; the specifications of
/// v3.1, section 6, and v4.0, section 7.
const V2_METRICS: &[&str] = &["AV", "AC", "Au", "C", "I", "A"];
const V3_METRICS: &[&str] = &["AV", "AC", "PR", "UI", "S", "C", "I", "A"];
const V4_METRICS: &[&str] = &["AV", "AC", "AT", "PR", "UI", "VC", "VI", "VA", "SC", "SI", "SA"];

/// A severity, with the vector behind it where there is one.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Rating {
    pub(crate) severity: Severity,
    pub(crate) score: Option<f64>,
    pub(crate) vector: Option<String>,
}

/// Rates by the best vector: CVSS v4.0 before v3.1, v3.0 and v2.0; of two of one version the one
/// with the higher base score, then the first in order.
pub(crate) fn rate_vectors<'a>(vectors: impl Iterator<Item = &'a String>) -> Option<Rating> {
    let mut best: Option<(u8, f64, &String)> = None;
    for vector in vectors {
        let Some((rank, score)) = base_score(vector) else { continue };
        let is_better = best.is_none_or(|(best_rank, best_score, best_vector)| {
            let order = rank.cmp(&best_rank).then(score.total_cmp(&best_score));
            order.then_with(|| best_vector.cmp(vector)).is_gt()
        });
        if is_better {
            best = Some((rank, score, vector));
        }
    }
    best.map(|(_, score, vector)| Rating {
        severity: Severity::from_score(score),
        score: Some(score),
        vector: Some(vector.clone()),
    })
}

/// Returns the base score of a CVSS vector; of version 4.0 the score, which knows no other name.
pub fn score(vector: &str) -> Option<f64> {
    base_score(vector).map(|(_, score)| score)
}

/// Returns the rank of the vector's CVSS version and its base score.
fn base_score(vector: &str) -> Option<(u8, f64)> {
    let vector = vector.trim().trim_start_matches('(').trim_end_matches(')');
    let cvss: Cvss = vector.parse().ok()?;
    let (rank, score, mandatory) = match &cvss {
        Cvss::CvssV20(vector) => (0, vector.score().value(), V2_METRICS),
        Cvss::CvssV30(vector) => (1, vector.base_score().value(), V3_METRICS),
        Cvss::CvssV31(vector) => (2, vector.base_score().value(), V3_METRICS),
        Cvss::CvssV40(vector) => (3, vector.score().value(), V4_METRICS),
        _ => return None,
    };
    // The library takes a metric that is left out for the most harmless.
    let names = || vector.split('/').filter_map(|metric| metric.split_once(':'));
    let is_complete = mandatory.iter().all(|name| names().any(|(found, _)| found == *name));
    (is_complete && score.is_finite()).then_some((rank, score))
}

#[cfg(test)]
mod examples_tests;
#[cfg(test)]
mod tests;
