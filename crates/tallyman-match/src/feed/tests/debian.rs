use super::{read, show};

#[test]
fn the_tracker_knows_states_and_urgencies() {
    let release = |rest: &str| {
        format!(r#"{{"description": "prose {{", "scope": "local", "releases": {{{rest}}}}}"#)
    };
    let text = format!(
        r#"{{"src": {{"CVE-1": {}, "CVE-2": {}, "TEMP-3": {}, "CVE-4": {{"releases": 5}}}}, "other": {{"CVE-1": {}}}}}"#,
        release(
            r#""bookworm": {"status": "resolved", "repositories": {"bookworm": "2-1"}, "fixed_version": "2-1", "urgency": "low**"},
               "bullseye": {"status": "resolved", "fixed_version": "0", "urgency": "unimportant"},
               "sid": {"status": "open", "urgency": "not yet assigned"}"#
        ),
        release(
            r#""bookworm": {"status": "open", "urgency": "unimportant", "nodsa": "Minor issue", "nodsa_reason": "postponed"},
               "bullseye": {"status": "open", "urgency": "end-of-life"},
               "forky": {"status": "undetermined", "urgency": "high"},
               "sid": {"status": "strange"}"#
        ),
        release(r#""bookworm": {"status": "resolved", "fixed_version": "0", "urgency": "low"}"#),
        release(r#""trixie": {"status": "resolved", "fixed_version": "1 2", "urgency": "low"}"#),
    );
    let harvest = read("tracker.json", &text).unwrap();
    insta::assert_snapshot!(show(&harvest), @r#"
    debian "" CVE-1 [] []
      deb debian:11 src: [">=0"] [] [] Some("unimportant") NotAffected
      deb debian:12 src: [">=0 <2-1"] [] [] Some("low") Open
      deb debian:sid src: [">=0"] [] [] None Open
    debian "" CVE-2 [] []
      deb debian:11 src: [">=0"] [] [] None EndOfLife
      deb debian:12 src: [">=0"] [] [] Some("unimportant") WillNotFix
      deb debian:14 src: [">=0"] [] [] Some("high") Undetermined
    debian "" TEMP-3 [] []
      deb debian:12 src: [">=0"] [] [] Some("low") NotAffected
    skipped "debian" MalformedRange 1
    skipped "debian" InvalidVersion 1
    refused tracker.json, src CVE-4: invalid type: integer `5`, expected a map at line 1 column 14
    "#);
}

#[test]
fn changelogs_say_from_which_version_on_a_release_is_fixed() {
    let fact = |version: &str, suite: &str, date: &str| {
        format!(
            r#"{{"source": "s", "cve": "CVE-2024-1", "first_version_naming_cve": "{version}", "suite": "{suite}", "date": "{date}"}}"#
        )
    };
    let text = [
        fact("1.0-1+deb12u1", "bookworm-security", "Thu, 15 Aug 2024 16:54:36 +0200"),
        // Older than the release: no image of it can hold anything lower.
        fact("0.9-1", "unstable", "Tue, 02 Feb 2010 11:40:55 +1100"),
        // A version of unstable from which the release's own was rebuilt.
        fact("3.4.1+ds1-5+deb13u2", "trixie", "Thu, 30 Apr 2026 10:05:39 -0300"),
        fact("2.0-1", "unstable", "no date"),
        "{\"source\": 1}".to_owned(),
    ];
    let harvest = read("changelog-bookworm.jsonl", &text.join("\n")).unwrap();
    insta::assert_snapshot!(show(&harvest), @r#"
    debian-changelog "debian:12" CVE-2024-1 [] []
      deb debian:12 s: [">=0 <1.0-1+deb12u1"] [] [] None Open
      deb debian:12 s: [">=0 <3.4.1+ds1-5+deb13u2~"] [] [] None Open
    skipped "debian-changelog" CannotMatch 2
    refused changelog-bookworm.jsonl, line 5: invalid type: integer `1`, expected a string at line 1 column 12
    "#);
    let date = harvest.records[0].advisory.modified_ms;
    assert_eq!(date, tallyman_model::clock::parse_rfc3339("2026-04-30T13:05:39Z"));
}

#[test]
fn the_release_shows_in_the_suffix_of_most_updates() {
    let fact = |version: &str| {
        format!(
            r#"{{"source": "s", "cve": "CVE-2024-1", "first_version_naming_cve": "{version}"}}"#
        )
    };
    let text = ["1-1+deb12u1", "1-1+deb12u2", "1-1+deb13u1"].map(fact).join("\n");
    let complete = read("facts.jsonl", &text).unwrap().complete;
    let scope = ("debian-changelog".to_owned(), "debian:12".to_owned());
    assert_eq!(Vec::from_iter(complete), [scope]);
}

#[test]
fn facts_without_a_release_are_refused() {
    let text = r#"{"source": "s", "cve": "CVE-2024-1", "first_version_naming_cve": "1"}"#;
    assert!(read("facts.jsonl", text).is_err());
    assert_eq!(read("changelog-fixed-bullseye.jsonl", text).unwrap().complete.len(), 1);
}

#[test]
fn nothing_is_gone_from_the_tracker_where_a_vulnerability_is_malformed() {
    let whole = r#"{"a": {"CVE-2024-1": {"releases": {"sid": {"status": "open"}}}}}"#;
    assert_eq!(read("tracker", whole).unwrap().complete.len(), 1);
    let broken = r#"{"a": {"CVE-2024-1": {"releases": {"sid": {"status": "open"}}},
        "CVE-2024-2": {"releases": 5}}}"#;
    let harvest = read("tracker", broken).unwrap();
    assert_eq!((harvest.complete.len(), harvest.covers.len()), (0, 0));
    assert_eq!((harvest.records.len(), harvest.refused.len()), (1, 1));
}
