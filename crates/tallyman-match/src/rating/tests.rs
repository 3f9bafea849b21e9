//! CVSS: published scores, and which vector decides.

use tallyman_model::severity::Severity;

use super::rate_vectors;

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
