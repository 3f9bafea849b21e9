use serde_json::json;
use tallyman_acs::parameters::Parameters;
use tallyman_model::coverage::AnalysisState;
use tallyman_model::digest::Digest;
use tallyman_model::package::Ecosystem;
use tallyman_model::severity::Severity;
use tallyman_store::changes::{
    AnswerFacts, ChangeCursor, ChangedPackage, DecisiveRecord, Direction, RiskChange,
    ServerOfImage, SuppressionCause, SuppressorFate, VulnerabilityChange,
};
use tallyman_store::ids::ImageId;
use tallyman_store::images::{ImageSummary, SeverityCounts};
use tallyman_store::suppressions::sets::{Suppressor, SuppressorKind};

use super::{change, max_results, read_token, write_token};

fn facts(state: AnalysisState, high: u64) -> AnswerFacts {
    AnswerFacts { state, vul_by_severity: SeverityCounts([0, 0, 0, 0, high, 0]) }
}

fn sample() -> RiskChange {
    RiskChange {
        sequence: 7,
        revision_number: 3,
        revision: Some("r3".to_owned()),
        changed_at: 1_700_000_000_000,
        direction: Direction::Worse,
        before: facts(AnalysisState::Analyzed, 0),
        after: facts(AnalysisState::Analyzed, 1),
        vulnerabilities: vec![VulnerabilityChange {
            vulnerability: "CVE-1".to_owned(),
            before: None,
            after: Some(Severity::High),
            package: Some(ChangedPackage {
                ecosystem: Ecosystem::PyPi,
                name: "probe".to_owned(),
                version: "1.0".to_owned(),
            }),
            record: Some(DecisiveRecord {
                advisory: "GHSA-1".to_owned(),
                feed: "osv/PyPI".to_owned(),
                severity: Severity::High,
                fixed_version: Some("2.0".to_owned()),
            }),
            cause: None,
        }],
        left_out: 0,
        image: ImageSummary {
            image_id: ImageId(1),
            config_digest: Digest::from_sha256(&[0xbb; 32]),
            manifest_digest: Some(Digest::from_sha256(&[0xa3; 32])),
            platform: "linux/amd64".parse().expect("a platform"),
            created_ms: None,
            size_bytes: 1,
            state: AnalysisState::Analyzed,
            vul_count: 5,
            vul_by_severity: SeverityCounts::default(),
            alarm_count: 0,
            row_version: 1,
            analyzed_at: 0,
            matched_revision: Some("r9".to_owned()),
        },
        servers: vec![ServerOfImage {
            server_uuid: "ff9ca084-7faa-4ab2-8728-690247550000".parse().expect("a uuid"),
            names: vec!["registry.example.com/tools/app:1".to_owned()],
        }],
        server_count: 1,
    }
}

#[test]
fn every_fact_of_a_change_is_answered() {
    let answer = serde_json::to_value(change(&sample())).expect("an answer");
    let identity = answer["RepoId"].clone();
    let expected = json!({
        "Change": "Worse",
        "ChangeTime": 1_700_000_000_000_i64,
        "Digest": "a3".repeat(32),
        "Endpoints": "registry.example.com",
        "ImageId": "bb".repeat(32),
        "RepoId": identity,
        "RepoName": "app",
        "RepoNamespace": "tools",
        "Revision": "r3",
        "RevisionNumber": 3,
        "RiskStatusAfter": "YES",
        "RiskStatusBefore": "NO",
        "ServerCount": 1,
        "Servers": [{
            "InstanceId": "ff9ca084-7faa-4ab2-8728-690247550000",
            "RepoName": "app",
            "RepoNamespace": "tools",
            "Tag": "1",
            "Uuid": "ff9ca084-7faa-4ab2-8728-690247550000",
        }],
        "Tag": "1",
        "VulCountAfter": 1,
        "VulCountBefore": 0,
        "Vulnerabilities": [{
            "AdvisoryId": "GHSA-1",
            "Change": "Came",
            "Feed": "osv/PyPI",
            "FixedVersion": "2.0",
            "Name": "CVE-1",
            "PackageName": "probe",
            "PackageType": "pypi",
            "PackageVersion": "1.0",
            "SeverityAfter": "high",
        }],
        "VulnerabilitiesLeftOut": 0,
    });
    assert_eq!(answer, expected);
}

#[test]
fn who_suppresses_a_vulnerability_or_no_longer_does_is_named() {
    let mut sample = sample();
    let [changed] = &mut sample.vulnerabilities[..] else { panic!("one vulnerability") };
    *changed = VulnerabilityChange { package: None, record: None, ..changed.clone() };
    let mut cause = SuppressionCause {
        fate: SuppressorFate::Expired,
        by: Suppressor {
            kind: SuppressorKind::Rule,
            id: "lookup".to_owned(),
            author: "Ada".to_owned(),
            reason: Some("it is switched off".to_owned()),
        },
    };
    changed.cause = Some(cause.clone());
    let answer = serde_json::to_value(change(&sample)).expect("an answer");
    let mut expected = json!({
        "Author": "Ada",
        "Effect": "Expired",
        "Id": "lookup",
        "Reason": "it is switched off",
        "Type": "IgnoreRule",
    });
    assert_eq!(answer["Vulnerabilities"][0]["Cause"], expected);
    cause.by.kind = SuppressorKind::Vex;
    for (fate, word) in [
        (SuppressorFate::Suppresses, "Suppresses"),
        (SuppressorFate::Removed, "Removed"),
        (SuppressorFate::Changed, "Changed"),
    ] {
        cause.fate = fate;
        expected["Type"] = json!("VexDocument");
        expected["Effect"] = json!(word);
        sample.vulnerabilities[0].cause = Some(cause.clone());
        let answer = serde_json::to_value(change(&sample)).expect("an answer");
        assert_eq!(answer["Vulnerabilities"][0]["Cause"], expected);
    }
}

#[test]
fn what_was_not_judged_was_never_clean() {
    let mut sample = sample();
    sample.before.state = AnalysisState::Unsupported { reason: "no feed".to_owned() };
    sample.after = facts(AnalysisState::Failed { reason: "broken".to_owned() }, 1);
    let answer = serde_json::to_value(change(&sample)).expect("an answer");
    for name in ["RiskStatusBefore", "RiskStatusAfter", "VulCountBefore", "VulCountAfter"] {
        assert_eq!(answer.get(name), None, "{name}");
    }
}

#[test]
fn tokens_are_read_as_they_are_written_and_others_refused() {
    let cursor = ChangeCursor { sequence: 7, image_id: ImageId(5) };
    assert_eq!(read_token(&write_token(cursor)).expect("a token"), cursor);
    for token in ["", "before-7", "after-7-5", "before-x-5", "before-7-"] {
        assert!(read_token(token).is_err(), "{token}");
    }
}

#[test]
fn a_page_is_neither_empty_nor_endless() {
    let read = |value: &str| {
        let pair = ("MaxResults".to_owned(), value.to_owned());
        max_results(&Parameters::from_pairs([pair]).expect("parameters")).ok()
    };
    let cases = [("1", Some(1)), ("100", Some(100)), ("0", None), ("-1", None), ("101", None)];
    for (value, expected) in cases {
        assert_eq!(read(value), expected, "{value}");
    }
    let none = Parameters::from_pairs([]).expect("parameters");
    assert_eq!(max_results(&none).expect("a default"), 20);
}
