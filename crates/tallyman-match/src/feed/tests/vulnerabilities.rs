//! The feeds about vulnerabilities: CISA's catalogue, EPSS, CVE records.

use tallyman_model::limits::Limits;
use tallyman_model::vulnerability::{Exploitation, VulnerabilityFacts};

use super::{DAY_MS, read};
use crate::feed::{Document, Harvest, find_format, read_document};

const V31: &str = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H";
const V4: &str = "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:N/VI:N/VA:L/SC:N/SI:N/SA:N";

/// Writes what is said one vulnerability a line.
fn show(harvest: &Harvest) -> Vec<String> {
    let refused = harvest.refused.iter().map(|it| format!("refused {}: {}", it.name, it.reason));
    let records = harvest.facts.iter().map(|record| {
        let VulnerabilityFacts { cvss, rating, cwes, epss, kev, exploitation } = &record.facts;
        let epss = epss.map(|it| format!("{} {}", it.probability, it.percentile));
        let kev = kev.as_ref().map(|kev| (kev.added.as_str(), kev.due.as_deref(), kev.ransomware));
        let withdrawn = record.withdrawn_ms.map_or("", |_| " withdrawn");
        format!(
            "{} {} {cvss:?} {rating:?} {cwes:?} {epss:?} {kev:?} {exploitation:?}{withdrawn}",
            record.feed, record.id
        )
    });
    records.chain(refused).collect()
}

fn catalog(count: usize, entries: &[&str]) -> String {
    format!(
        r#"{{"title": "T", "catalogVersion": "2025.08.25", "dateReleased": "2025-08-25T17:04:19Z",
            "count": {count}, "vulnerabilities": [{}]}}"#,
        entries.join(",")
    )
}

const ENTRY: &str = r#"{"cveID": "CVE-2021-44228", "dateAdded": "2021-12-10",
    "dueDate": "2021-12-24", "knownRansomwareCampaignUse": "Known", "cwes": ["CWE-502", "CWE-20"]}"#;

#[test]
fn an_entry_of_cisas_catalogue_says_since_when_it_is_exploited() {
    let other = r#"{"cveID": "CVE-2024-0012", "dateAdded": "2024-11-18",
        "knownRansomwareCampaignUse": "Unknown", "notes": "n"}"#;
    let harvest = read("kev", &catalog(2, &[ENTRY, other])).unwrap();
    assert_eq!(
        show(&harvest),
        [
            "kev CVE-2021-44228 [] None [20, 502] None Some((\"2021-12-10\", Some(\"2021-12-24\"), \
             true)) None",
            "kev CVE-2024-0012 [] None [] None Some((\"2024-11-18\", None, false)) None",
        ]
    );
    assert!(harvest.complete.contains(&("kev".to_owned(), String::new())));
    assert_eq!(harvest.file_ms["kev"], harvest.facts[0].modified_ms.unwrap());
}

#[test]
fn a_malformed_entry_is_refused_by_name_and_then_nothing_is_gone() {
    let bad = [r#"{"cveID": "CVE-1", "dateAdded": "2024-11-18"}"#, r#"{"cveID": 7}"#];
    let no_day = r#"{"cveID": "CVE-2024-0012", "dateAdded": "soon"}"#;
    let harvest = read("kev", &catalog(4, &[bad[0], ENTRY, bad[1], no_day])).unwrap();
    let lines = show(&harvest);
    assert_eq!(lines.len(), 4);
    assert_eq!(lines[1], "refused kev, entry 1: `CVE-1` is not a CVE id");
    assert!(lines[2].starts_with("refused kev, entry 3: invalid type"), "{}", lines[2]);
    assert_eq!(lines[3], "refused kev, entry 4: CVE-2024-0012 was added on `soon`");
    assert!(harvest.complete.is_empty());
}

#[test]
fn a_catalogue_that_is_not_whole_is_refused() {
    let text = catalog(2, &[ENTRY]);
    assert_eq!(
        read("kev", &text).unwrap_err().to_string(),
        "it has not as many entries as it says"
    );
    let whole = catalog(1, &[ENTRY]);
    let last = whole.trim_end().len();
    assert!(read("kev", &whole[..last - 1]).is_err());
}

const EPSS: &str = "#model_version:v2025.03.14,score_date:2026-08-16T12:55:00+0000\n\
    cve,epss,percentile\n\
    CVE-1999-0001,0.01297,0.78851\n\
    CVE-2021-44228,0.94358,0.99961\n";

#[test]
fn a_row_of_epss_says_how_likely_exploitation_is() {
    let harvest = read("epss.csv", EPSS).unwrap();
    assert_eq!(
        show(&harvest),
        [
            "epss CVE-1999-0001 [] None [] Some(\"0.01297 0.78851\") None None",
            "epss CVE-2021-44228 [] None [] Some(\"0.94358 0.99961\") None None",
        ]
    );
    assert!(harvest.complete.contains(&("epss".to_owned(), String::new())));
    let date_ms = tallyman_model::clock::parse_rfc3339("2026-08-16T00:00:00Z");
    assert_eq!(harvest.facts[0].modified_ms, date_ms);
    assert_eq!(harvest.file_ms.get("epss").copied(), date_ms);
    let windows = read("epss.csv", &EPSS.replace('\n', "\r\n")).unwrap();
    assert_eq!(show(&windows), show(&harvest));
}

#[test]
fn an_excerpt_without_names_of_columns_is_no_whole_table() {
    let harvest = read("1999.csv", "CVE-1999-0001;0.012970000;0.788510000\n").unwrap();
    assert_eq!(
        show(&harvest),
        ["epss CVE-1999-0001 [] None [] Some(\"0.01297 0.78851\") None None"]
    );
    assert!(harvest.complete.is_empty());
    assert_eq!(harvest.file_ms["epss"], DAY_MS);
}

#[test]
fn malformed_rows_are_refused_by_name_and_then_nothing_is_gone() {
    let text = format!("{EPSS}CVE-2024-1,0.1,0.1\nCVE-2024-0001,1.5,0\nCVE-2024-0001,0.1\n\u{0}\n");
    let harvest = read("e", &text).unwrap();
    assert_eq!(
        show(&harvest)[2..],
        [
            "refused e, line 5: `CVE-2024-1` is not a CVE id",
            "refused e, line 6: CVE-2024-0001: `1.5` is no number from 0 to 1",
            "refused e, line 7: it has not three fields",
            "refused e, line 8: it has not three fields",
        ]
    );
    assert!(harvest.complete.is_empty());
}

#[test]
fn a_table_that_is_cut_or_is_none_is_refused() {
    for (text, reason) in [
        (&EPSS[..EPSS.len() - 1], "it ends in the middle of a row"),
        (&EPSS[..EPSS.len() - 9], "it ends in the middle of a row"),
        ("cve,epss,percentile\n", "it has no rows"),
        (&format!("{EPSS}{}", "x\n".repeat(2_000)), "more than a thousand rows are malformed"),
    ] {
        assert_eq!(read("e", text).unwrap_err().to_string(), reason, "{text:.60}");
    }
}

#[test]
fn a_table_with_more_rows_than_an_import_may_have_is_refused() {
    let limits = Limits { advisory_records: 1, ..Limits::default() };
    for text in [EPSS.to_owned(), catalog(2, &[ENTRY, ENTRY])] {
        let document = Document { name: "e", bytes: text.as_bytes(), modified_ms: None };
        let (format, _) = find_format(text.as_bytes()).unwrap();
        let error = read_document(format, &document, &limits, &mut Harvest::default()).unwrap_err();
        assert_eq!(error.to_string(), "more than 1 records (limit advisory-records)");
    }
}

fn cve(state: &str, cna: &str, adp: &str) -> String {
    format!(
        r#"{{"dataType": "CVE_RECORD", "containers": {{"adp": [{adp}], "cna": {{{cna}}}}},
            "cveMetadata": {{"cveId": "CVE-2024-0012", "state": "{state}",
                "dateUpdated": "2024-08-01T00:00:00.000Z"}}, "dataVersion": "5.1"}}"#
    )
}

fn cvss(version: &str, vector: &str) -> String {
    format!(r#""metrics": [{{"format": "CVSS", "{version}": {{"vectorString": "{vector}"}}}}]"#)
}

const SSVC: &str = r#"{"providerMetadata": {"dateUpdated": "2024-09-01T00:00:00Z"},
    "metrics": [{"other": {"type": "ssvc", "content": {"options":
        [{"Exploitation": "poc"}, {"Automatable": "no"}, {"Technical Impact": "partial"}]}}}]}"#;

#[test]
fn a_cve_record_says_how_bad_it_is_and_of_what_kind() {
    let problems = r#""problemTypes": [{"descriptions": [{"cweId": "CWE-79", "description": "x"},
        {"description": "CWE-20 Improper Input Validation"}, {"description": "n/a"}]}]"#;
    let own = format!("{}, {problems}", cvss("cvssV3_1", V31));
    let others = format!("{{{}}}, {SSVC}", cvss("cvssV4_0", V4));
    let harvest = read("c", &cve("PUBLISHED", &own, &others)).unwrap();
    let line = format!("cve CVE-2024-0012 [{V31:?}] None [20, 79] None None Some(Poc)");
    assert_eq!(show(&harvest), [line]);
    // What was added later counts as a change of the record.
    let updated = tallyman_model::clock::parse_rfc3339("2024-09-01T00:00:00Z");
    assert_eq!(harvest.facts[0].modified_ms, updated);
}

#[test]
fn what_others_add_rates_where_the_authority_does_not() {
    let others = format!("{{{}}}, {{{}}}", cvss("cvssV4_0", V4), cvss("cvssV3_1", V31));
    for own in ["", &cvss("cvssV3_1", "nonsense")] {
        let harvest = read("c", &cve("PUBLISHED", own, &others)).unwrap();
        assert_eq!(harvest.facts[0].facts.cvss, [V31, V4], "{own}");
    }
}

#[test]
fn a_rating_in_a_word_is_taken() {
    let word = r#""metrics": [{"other": {"type": "Red Hat severity rating",
        "content": {"value": "Moderate", "namespace": "n"}}}]"#;
    let harvest = read("c", &cve("PUBLISHED", word, "")).unwrap();
    assert_eq!(harvest.facts[0].facts.rating.as_deref(), Some("moderate"));
    let prose = word.replace("Moderate", "it depends");
    let harvest = read("c", &cve("PUBLISHED", &prose, "")).unwrap();
    assert_eq!(harvest.facts[0].facts, VulnerabilityFacts::default());
}

#[test]
fn exploitation_is_the_worst_that_anybody_knows_of() {
    let kev =
        r#"{"metrics": [{"other": {"type": "kev", "content": {"dateAdded": "2024-01-01"}}}]}"#;
    for (adp, expected) in [
        (SSVC.to_owned(), Some(Exploitation::Poc)),
        (SSVC.replace("poc", "none"), Some(Exploitation::None)),
        (SSVC.replace("poc", "Active"), Some(Exploitation::Active)),
        (SSVC.replace("poc", "perhaps"), None),
        (format!("{SSVC}, {kev}"), Some(Exploitation::Active)),
        (String::new(), None),
    ] {
        let harvest = read("c", &cve("PUBLISHED", "", &adp)).unwrap();
        assert_eq!(harvest.facts[0].facts.exploitation, expected, "{adp}");
    }
}

#[test]
fn a_rejected_cve_record_says_nothing_any_more() {
    let harvest = read("c", &cve("REJECTED", &cvss("cvssV3_1", V31), SSVC)).unwrap();
    assert_eq!(show(&harvest), ["cve CVE-2024-0012 [] None [] None None None withdrawn"]);
    let reserved = read("c", &cve("RESERVED", "", "")).unwrap();
    assert!(reserved.facts.is_empty() && reserved.refused.is_empty());
}

#[test]
fn deep_nesting_and_long_strings_are_no_danger() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let own = format!(r#""metrics": [{{"other": {{"type": "ssvc", "content": {deep}}}}}]"#);
    // Either answer is right; what counts is that there is one.
    drop(read("c", &cve("PUBLISHED", &own, "")));
    assert!(read("k", &catalog(1, &[&deep])).map_or(true, |harvest| harvest.facts.is_empty()));
    let long = cve("PUBLISHED", &cvss("cvssV3_1", &"A".repeat(1 << 20)), "");
    assert!(read("c", &long).unwrap().facts[0].facts.cvss.is_empty());
    let row = format!("{EPSS}{}\n", "9".repeat(100 << 20));
    let refused = &read("e", &row).unwrap().refused;
    assert!(refused[0].reason.len() < 200, "{} bytes", refused[0].reason.len());
}
