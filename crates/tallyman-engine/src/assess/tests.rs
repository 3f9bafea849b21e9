//! What a report shows of a vulnerability.

use tallyman_model::advisory::FixState;
use tallyman_model::finding::Finding;
use tallyman_model::priority::PriorityClass;
use tallyman_model::severity::Severity;
use tallyman_model::vulnerability::{Epss, Fraction, KnownExploited, VulnerabilityFacts};

use super::Assessment;

const V2: &str = "AV:N/AC:L/Au:N/C:N/I:N/A:C";
const V31: &str = "CVSS:3.1/AV:L/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H";
const V4: &str = "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:N/VI:N/VA:L/SC:N/SI:N/SA:N";

fn finding(vector: Option<&str>) -> Finding {
    Finding {
        id: "CVE-2024-0012".to_owned(),
        aliases: Vec::new(),
        advisory: "GHSA-1".to_owned(),
        feed: "osv/npm".to_owned(),
        severity: Severity::Medium,
        score: None,
        vector: vector.map(str::to_owned),
        fixed_version: None,
        matched: "= 1".to_owned(),
        fix_state: FixState::Open,
        published_ms: None,
        contradicted_by: Vec::new(),
    }
}

#[test]
fn the_vectors_of_the_advisory_and_of_the_cve_record_are_shown_with_their_scores() {
    let facts = VulnerabilityFacts {
        cvss: vec![V2.to_owned(), V31.to_owned(), "nonsense".to_owned()],
        ..VulnerabilityFacts::default()
    };
    let scores = |vector: Option<&str>| {
        let shown = Assessment::new(&finding(vector), facts.clone(), None).cvss;
        shown.into_iter().map(|it| (it.vector, it.score)).collect::<Vec<_>>()
    };
    let of = |all: &[(&str, f64)]| -> Vec<(String, f64)> {
        all.iter().map(|(vector, score)| ((*vector).to_owned(), *score)).collect()
    };
    assert_eq!(scores(Some(V4)), of(&[(V4, 6.9), (V2, 7.8), (V31, 6.2)]));
    assert_eq!(scores(Some(V31)), of(&[(V31, 6.2), (V2, 7.8)]));
    assert_eq!(scores(None), of(&[(V2, 7.8), (V31, 6.2)]));
}

#[test]
fn a_report_says_what_the_feeds_say_and_of_which_day() {
    let fraction = |steps| Fraction::from_steps(steps).unwrap();
    let facts = VulnerabilityFacts {
        epss: Some(Epss { probability: fraction(25_000), percentile: fraction(98_000) }),
        kev: Some(KnownExploited {
            added: "2024-01-02".to_owned(),
            due: Some("2024-01-23".to_owned()),
            ransomware: false,
        }),
        cwes: vec![79],
        ..VulnerabilityFacts::default()
    };
    let shown = Assessment::new(&finding(None), facts, Some("2026-08-16"));
    assert_eq!(shown.priority.class(), PriorityClass::Asap);
    assert_eq!(
        serde_json::to_value(shown).unwrap(),
        serde_json::json!({
            "priority": { "class": "asap", "threat": "known_exploited", "remedy": "none" },
            "epss": { "probability": 0.25, "percentile": 0.98, "date": "2026-08-16" },
            "kev": { "added": "2024-01-02", "due": "2024-01-23", "ransomware": false },
            "cwes": [79],
        })
    );
    let nothing =
        Assessment::new(&finding(None), VulnerabilityFacts::default(), Some("2026-08-16"));
    assert_eq!(
        serde_json::to_value(nothing).unwrap(),
        serde_json::json!({
            "priority": { "class": "later", "threat": "possible", "remedy": "none" },
        })
    );
}
