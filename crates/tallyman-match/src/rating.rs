//! How bad it is: CVSS vectors first, else the word of whoever wrote the advisory.

use cvss::Cvss;
use tallyman_model::severity::Severity;

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

/// Rates by a word: those of Debian and Ubuntu, GitHub's, and CVSS's own.
pub(crate) fn rate_word(word: &str) -> Severity {
    match word.to_ascii_lowercase().as_str() {
        "unimportant" | "negligible" | "none" => Severity::Negligible,
        "low" => Severity::Low,
        "medium" | "moderate" => Severity::Medium,
        "high" | "important" => Severity::High,
        "critical" => Severity::Critical,
        _ => Severity::Unknown,
    }
}

/// Returns the rank of the vector's CVSS version and its base score.
fn base_score(vector: &str) -> Option<(u8, f64)> {
    let vector = vector.trim().trim_start_matches('(').trim_end_matches(')');
    let cvss: Cvss = vector.parse().ok()?;
    let (rank, score) = match &cvss {
        Cvss::CvssV20(vector) => (0, vector.score().value()),
        Cvss::CvssV30(vector) => (1, vector.base_score().value()),
        Cvss::CvssV31(vector) => (2, vector.base_score().value()),
        Cvss::CvssV40(vector) => (3, vector.score().value()),
        _ => return None,
    };
    score.is_finite().then_some((rank, score))
}

#[cfg(test)]
mod tests {
    use tallyman_model::severity::Severity;

    use super::{rate_vectors, rate_word};

    const V2: &str = "AV:N/AC:L/Au:N/C:N/I:N/A:C";
    const V30: &str = "CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H";
    const V31: &str = "CVSS:3.1/AV:L/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H";
    const V4: &str = "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:N/VI:N/VA:L/SC:N/SI:N/SA:N";

    fn rate(vectors: &[&str]) -> Option<(Severity, f64)> {
        let owned: Vec<String> = vectors.iter().map(|v| (*v).to_owned()).collect();
        let rating = rate_vectors(owned.iter())?;
        Some((rating.severity, rating.score?))
    }

    #[test]
    fn base_scores_are_those_of_the_calculators_of_first() {
        assert_eq!(rate(&[V2]), Some((Severity::High, 7.8)));
        assert_eq!(rate(&[V30]), Some((Severity::Critical, 9.8)));
        assert_eq!(rate(&[V31]), Some((Severity::Medium, 6.2)));
        assert_eq!(rate(&[V4]), Some((Severity::Medium, 6.9)));
        let temporal = format!("{V31}/E:U/RL:O/RC:U");
        assert_eq!(rate(&[&temporal]), Some((Severity::Medium, 6.2)));
    }

    #[test]
    fn the_newest_version_of_cvss_decides() {
        assert_eq!(rate(&[V2, V30, V31, V4]), rate(&[V4]));
        assert_eq!(rate(&[V30, V31, V2]), rate(&[V31]));
        assert_eq!(rate(&["CVSS:3.1/nonsense", V2]), rate(&[V2]));
        assert_eq!(rate(&["", "nonsense"]), None);
    }

    #[test]
    fn words_of_distributions_are_rated() {
        assert_eq!(rate_word("unimportant"), Severity::Negligible);
        assert_eq!(rate_word("MODERATE"), Severity::Medium);
        assert_eq!(rate_word("not yet assigned"), Severity::Unknown);
    }
}
