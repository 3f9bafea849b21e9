use super::{read, show};
use crate::feed::find_format;

#[test]
fn a_record_in_json_keeps_its_facts() {
    let harvest = read(
        "GHSA.json",
        r#"{
            "schema_version": "1.6.0", "id": "GHSA-1", "modified": "2024-01-02T00:00:00Z",
            "published": "2024-01-01T00:00:00Z", "aliases": ["CVE-2024-1", "GHSA-1", "CVE-2024-1"],
            "related": ["CVE-2024-9"], "summary": "prose", "details": "more \"prose\": {",
            "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"}],
            "affected": [
                {"package": {"ecosystem": "PyPI", "name": "Foo_Bar", "purl": "pkg:pypi/foo-bar"},
                 "ranges": [
                    {"type": "GIT", "repo": "x", "events": [{"introduced": "0"}, {"fixed": "abc"}]},
                    {"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1.10"}]}],
                 "versions": ["1.9", "1.10", "1.2", "oddity"],
                 "database_specific": {"source": "x"}},
                {"package": {"ecosystem": "npm", "name": "foo"},
                 "severity": [{"type": "CVSS_V2", "score": "AV:N/AC:L/Au:N/C:N/I:N/A:C"}],
                 "ranges": [{"type": "SEMVER", "events": [{"introduced": "1.0.0"}, {"last_affected": "1.2.3"}]}]},
                {"package": {"ecosystem": "Bitnami", "name": "a:b"}, "versions": ["1"]},
                {"package": null, "ranges": null, "versions": null}
            ],
            "database_specific": {"severity": "HIGH", "cwe_ids": ["CWE-1"], "nested": {"severity": 1}}
        }"#,
    );
    insta::assert_snapshot!(show(&harvest.unwrap()), @r#"
    osv/PyPI "" GHSA-1 ["CVE-2024-1"] ["CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"]
      pypi - foo-bar: [">=0 <1.10"] ["1.10", "oddity"] [] Some("HIGH") Open
    osv/npm "" GHSA-1 ["CVE-2024-1"] ["CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"]
      npm - foo: [">=1.0.0 <=1.2.3"] [] ["AV:N/AC:L/Au:N/C:N/I:N/A:C"] Some("HIGH") Open
    skipped "" NoPackage 1
    skipped "" NoInventory 1
    skipped "osv/PyPI" GitRange 1
    "#);
}

#[test]
fn a_range_without_a_fix_ends_where_github_says_that_it_is_known_to_end() {
    let harvest = read(
        "GHSA.json",
        r#"{"id": "GHSA-1", "modified": "2024-01-02T00:00:00Z", "affected": [
            {"package": {"ecosystem": "Maven", "name": "a:open"},
             "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "4.01"}]}],
             "database_specific": {"last_known_affected_version_range": "<= 4.02"}},
            {"package": {"ecosystem": "Maven", "name": "a:below"},
             "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}]}],
             "database_specific": {"last_known_affected_version_range": "< 2.0"}},
            {"package": {"ecosystem": "Maven", "name": "a:fixed"},
             "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2"}]}],
             "database_specific": {"last_known_affected_version_range": "<= 1.9"}},
            {"package": {"ecosystem": "Maven", "name": "a:words"},
             "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}]}],
             "database_specific": {"last_known_affected_version_range": ["<= 1.9"]}}
        ]}"#,
    );
    insta::assert_snapshot!(show(&harvest.unwrap()), @r#"
    osv/Maven "" GHSA-1 [] []
      maven - a:below: [">=0 |2.0"] [] [] None Open
      maven - a:fixed: [">=0 <2"] [] [] None Open
      maven - a:open: [">=4.01 <=4.02"] [] [] None Open
      maven - a:words: [">=0"] [] [] None Open
    "#);
}

#[test]
fn a_version_taken_from_a_cpe_is_the_release() {
    let harvest = read(
        "PYSEC.json",
        r#"{"id": "PYSEC-1", "modified": "2024-01-02T00:00:00Z", "affected": [
            {"package": {"ecosystem": "PyPI", "name": "apache-airflow"}, "ranges": [{"type": "ECOSYSTEM",
             "events": [{"introduced": "0"}, {"last_affected": "2.10.0-NA"}]}]}]}"#,
    );
    insta::assert_snapshot!(show(&harvest.unwrap()), @r#"
    osv/PyPI "" PYSEC-1 [] []
      pypi - apache-airflow: [">=0 <=2.10.0"] [] [] None Open
    "#);
}

#[test]
fn a_record_in_yaml_keeps_its_facts() {
    let harvest = read(
        "PYSEC.yaml",
        "id: PYSEC-1\ndetails: |\n  prose: more\n  id: not this\naffected:\n- package:\n    name: foo\n    \
         ecosystem: PyPI\n  ranges:\n  - type: ECOSYSTEM\n    events:\n    - introduced: '0'\n    - \
         fixed: 2.10.1\n  versions:\n  - '2.0'\n  - 2.0rc1\nmodified: 2021-08-27T03:22:05.027573Z\n\
         aliases:\n- CVE-2019-1\n",
    );
    let harvest = harvest.unwrap();
    insta::assert_snapshot!(show(&harvest), @r#"
    osv/PyPI "" PYSEC-1 ["CVE-2019-1"] []
      pypi - foo: [">=0 <2.10.1"] [] [] None Open
    "#);
    assert_eq!(harvest.records[0].advisory.modified_ms, Some(1_630_034_525_027));
}

#[test]
fn spaces_around_a_name_are_no_part_of_it() {
    let harvest = read(
        "DRUPAL.json",
        r#"{"id": "DRUPAL-1", "modified": "2024-01-02T00:00:00Z", "aliases": ["CVE-2024-1 ", " "],
            "affected": [{"package": {"ecosystem": "npm", "name": "a"}, "versions": ["1.0.0"]}]}"#,
    );
    assert_eq!(harvest.unwrap().records[0].advisory.aliases, ["CVE-2024-1"]);
}

#[test]
fn the_first_year_is_no_date() {
    let harvest = read(
        "GO.json",
        r#"{"id": "GO-1", "modified": "0001-01-01T00:00:00Z", "published": "0001-01-01T00:00:00Z",
            "affected": [{"package": {"ecosystem": "Go", "name": "stdlib"},
                "ranges": [{"type": "SEMVER", "events": [{"introduced": "1.20.0-0"}, {"fixed": "1.20.5"}]}]}]}"#,
    );
    let harvest = harvest.unwrap();
    let advisory = &harvest.records[0].advisory;
    assert_eq!((advisory.modified_ms, advisory.published_ms), (None, None));
    assert_eq!(harvest.file_ms["osv/Go"], super::DAY_MS);
}

#[test]
fn distributions_are_keyed_by_release() {
    let record = |ecosystem: &str| {
        format!(
            r#"{{"id": "X", "modified": "2024-01-01T00:00:00Z", "affected": [
                {{"package": {{"ecosystem": "{ecosystem}", "name": "a"}}, "versions": ["1"]}}]}}"#
        )
    };
    let mut text = String::new();
    for ecosystem in [
        "Debian:12",
        "Debian",
        "Alpine:v3.20",
        "Alpine:edge",
        "Alpine",
        "Ubuntu:22.04:LTS",
        "Ubuntu:Pro:18.04:LTS",
        "Ubuntu",
        "Wolfi",
        "crates.io",
        "Go",
    ] {
        text += &format!("{ecosystem}:\n{}", show(&read("x.json", &record(ecosystem)).unwrap()));
    }
    insta::assert_snapshot!(text, @r#"
    Debian:12:
    osv/Debian "" X [] []
      deb debian:12 a: [] ["1"] [] None Open
    Debian:
    skipped "" NoRelease 1
    Alpine:v3.20:
    osv/Alpine "" X [] []
      apk alpine:3.20 a: [] ["1"] [] None Open
    Alpine:edge:
    osv/Alpine "" X [] []
      apk alpine:edge a: [] ["1"] [] None Open
    Alpine:
    skipped "" NoRelease 1
    Ubuntu:22.04:LTS:
    osv/Ubuntu "" X [] []
      deb ubuntu:22.04 a: [] ["1"] [] None Open
    Ubuntu:Pro:18.04:LTS:
    skipped "" OtherProduct 1
    Ubuntu:
    skipped "" NoRelease 1
    Wolfi:
    osv/Wolfi "" X [] []
      apk wolfi a: [] ["1"] [] None Open
    crates.io:
    osv/crates.io "" X [] []
      cargo - a: [] ["1"] [] None Open
    Go:
    osv/Go "" X [] []
      golang - a: [] ["1"] [] None Open
    "#);
}

#[test]
fn what_a_distributions_record_was_made_for_is_kept_apart_from_aliases() {
    let affected = r#""affected": [{"package": {"ecosystem": "Debian:12", "name": "a"},
        "ecosystem_specific": {"urgency": "low"}, "versions": ["1-1"]}]"#;
    let text = format!(
        r#"[{{"id": "DSA-1-1", "modified": "2024-01-01T00:00:00Z",
            "upstream": ["CVE-2024-1", "UBUNTU-CVE-2024-1", "CVE-2024-2"], {affected}}},
           {{"id": "DEBIAN-CVE-2024-3", "modified": "2024-01-01T00:00:00Z",
            "upstream": ["CVE-2024-3"], {affected}}}]"#
    );
    insta::assert_snapshot!(show(&read("DSA.json", &text).unwrap()), @r#"
    osv/Debian "" DSA-1-1 [] upstream ["CVE-2024-1", "CVE-2024-2"] []
      deb debian:12 a: [] ["1-1"] [] Some("low") Open
    osv/Debian "" DEBIAN-CVE-2024-3 ["CVE-2024-3"] upstream ["CVE-2024-3"] []
      deb debian:12 a: [] ["1-1"] [] Some("low") Open
    "#);
}

#[test]
fn records_come_one_a_line_or_in_a_list_as_well() {
    let one = r#"{"id": "A", "modified": "2024-01-01T00:00:00Z", "affected": [{"package": {"ecosystem": "npm", "name": "a"}, "versions": ["1.0.0"]}]}"#;
    let lines = format!("{one}\n\n{{\"id\": 1}}\n{one}\n");
    let list = format!("[{one}, {{\"id\": 1}}, {one}]");
    insta::assert_snapshot!(show(&read("x.jsonl", &lines).unwrap()), @r#"
    osv/npm "" A [] []
      npm - a: [] ["1.0.0"] [] None Open
    osv/npm "" A [] []
      npm - a: [] ["1.0.0"] [] None Open
    refused x.jsonl, record 3: invalid type: integer `1`, expected a string at line 1 column 8
    "#);
    insta::assert_snapshot!(show(&read("x.json", &list).unwrap()), @r#"
    osv/npm "" A [] []
      npm - a: [] ["1.0.0"] [] None Open
    osv/npm "" A [] []
      npm - a: [] ["1.0.0"] [] None Open
    refused x.json, record 2: invalid type: integer `1`, expected a string at line 1 column 8
    "#);
}

#[test]
fn a_withdrawn_record_says_so_even_without_a_package() {
    let harvest = read(
        "x.json",
        r#"{"id": "A", "modified": "2024-01-01T00:00:00Z", "withdrawn": "2024-01-01T00:00:00Z",
            "affected": [{"package": {"ecosystem": "npm", "name": "a"}}]}"#,
    );
    insta::assert_snapshot!(show(&harvest.unwrap()), @r#"osv/npm "" A [] withdrawn []"#);
}

#[test]
fn ranges_that_say_nothing_are_left_out() {
    let harvest = read(
        "x.json",
        r#"{"id": "A", "modified": "2024-01-01T00:00:00Z", "affected": [
            {"package": {"ecosystem": "npm", "name": "a"}, "ranges": [
                {"type": "SEMVER", "events": [{"fixed": "1.0.0"}]},
                {"type": "SEMVER", "events": [{"introduced": "0"}, {"unknown": "1"}]},
                {"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": "latest"}]},
                {"events": [{"introduced": "0"}]},
                {"type": "SEMVER", "events": null}]}]}"#,
    );
    insta::assert_snapshot!(show(&harvest.unwrap()), @r#"
    skipped "osv/npm" MalformedRange 4
    skipped "osv/npm" InvalidVersion 1
    skipped "osv/npm" CannotMatch 1
    "#);
}

#[test]
fn documents_are_told_by_content() {
    let is_feed = |text: &str| find_format(text.as_bytes()).is_some();
    assert!(!is_feed(""));
    assert!(!is_feed("# A readme\n\nid: yes\n"));
    assert!(!is_feed(r#"{"name": "package", "version": "1"}"#));
    assert!(!is_feed(r#"{"a": {"id": "x", "affected": []}}"#));
    assert!(!is_feed("[1, 2]"));
    assert!(is_feed("\u{feff}{\"id\": \"x\", \"affected\": []}"));
}

#[test]
fn errata_of_rpm_distributions_are_read_with_their_vulnerabilities_and_modules() {
    let record = |id: &str, related: &str, summary: &str| {
        format!(
            r#"{{"id": "{id}", "modified": "2024-01-01T00:00:00Z", "related": [{related}],
                "summary": "{summary}", "affected": [
                {{"package": {{"ecosystem": "AlmaLinux:8", "name": "npm"}},
                  "ranges": [{{"type": "ECOSYSTEM", "events": [
                    {{"introduced": "0"}}, {{"fixed": "1:8-1.module_el8"}}]}}]}}]}}"#
        )
    };
    let security = record("ALSA-2024:1", r#""CVE-2024-1""#, "Important: nodejs:16 security update");
    let harvest = read("x.json", &security).unwrap();
    insta::assert_snapshot!(show(&harvest), @r#"
    osv/AlmaLinux "" ALSA-2024:1 [] upstream ["CVE-2024-1"] []
      rpm almalinux:8 npm: [">=0 <1:8-1.module_el8"] [] [] Some("Important") Open modules ["nodejs:16"]
    "#);
    assert_eq!(harvest.records[0].advisory.affected[0].modules, ["nodejs:16"]);
    let other = record("ALBA-2024:1", "", "nodejs:16 bug fix update");
    insta::assert_snapshot!(show(&read("x.json", &other).unwrap()), @r#"skipped "osv/AlmaLinux" NotSecurity 1"#);
}

#[test]
fn commits_that_a_record_names_are_affected_and_the_history_between_them_is_not_known() {
    let harvest = read(
        "a.json",
        r#"{"id": "GO-1", "modified": "2024-01-01T00:00:00Z", "aliases": ["ghsa-AAAA-bbbb-2222"],
            "upstream": ["cve-2024-1"], "affected": [
            {"package": {"ecosystem": "Go", "name": "example.com/a"}, "ranges": [
                {"type": "GIT", "repo": "https://example.com/a.git", "events": [
                    {"introduced": "75b288015ac94e66e3d6715fb68a9b41bf046ec2"},
                    {"fixed": "0123456789abcdef0123456789abcdef01234567"}]},
                {"type": "GIT", "events": [{"introduced": "0"},
                    {"last_affected": "fedcba9876543210fedcba9876543210fedcba98"}]}]},
            {"package": {"ecosystem": "Go", "name": "example.com/b"}, "ranges": [
                {"type": "GIT", "events": [{"introduced": "0"}, {"fixed": "abc"}]}]}]}"#,
    );
    insta::assert_snapshot!(show(&harvest.unwrap()), @r#"
    osv/Go "" GO-1 ["GHSA-aaaa-bbbb-2222"] upstream ["CVE-2024-1"] []
      golang - example.com/a: [] ["75b288015ac94e66e3d6715fb68a9b41bf046ec2", "fedcba9876543210fedcba9876543210fedcba98"] [] None Open
    skipped "osv/Go" GitRange 1
    "#);
}
