use super::{read, show};

#[test]
fn fixes_become_ranges_and_version_0_says_that_nothing_is_affected() {
    let harvest = read(
        "main.yaml",
        "---\ndistroversion: v3.11\nreponame: main\narchs:\n  - x86_64\napkurl: \"{{urlprefix}}\"\n\
         packages:\n  - pkg:\n      name: tcpdump\n      secfixes:\n        4.9.3-r0:\n          - \
         CVE-2017-16808 (AoE)\n          - CVE-2017-12122 TALOS-2017-0488\n          - XSA-1\n        \
         \"0\":\n          - CVE-2016-1\n        4.9.1-r0:\n          - CVE-2017-16808\n          - \
         CVE-2017-2 CVE-2017-3\n  - pkg:\n      name: none\n      secfixes:\n",
    );
    let harvest = harvest.unwrap();
    insta::assert_snapshot!(show(&harvest), @r#"
    alpine "alpine:3.11/main" CVE-2016-1 [] []
      apk alpine:3.11 tcpdump: [">=0"] [] [] None NotAffected
    alpine "alpine:3.11/main" CVE-2017-12122 ["TALOS-2017-0488"] []
      apk alpine:3.11 tcpdump: [">=0 <4.9.3-r0"] [] [] None Open
    alpine "alpine:3.11/main" CVE-2017-16808 [] []
      apk alpine:3.11 tcpdump: [">=0 <4.9.1-r0"] [] [] None Open
      apk alpine:3.11 tcpdump: [">=0 <4.9.3-r0"] [] [] None Open
    alpine "alpine:3.11/main" CVE-2017-2 [] []
      apk alpine:3.11 tcpdump: [">=0 <4.9.1-r0"] [] [] None Open
    alpine "alpine:3.11/main" CVE-2017-3 [] []
      apk alpine:3.11 tcpdump: [">=0 <4.9.1-r0"] [] [] None Open
    alpine "alpine:3.11/main" XSA-1 [] []
      apk alpine:3.11 tcpdump: [">=0 <4.9.3-r0"] [] [] None Open
    "#);
    let scope = ("alpine".to_owned(), "alpine:3.11/main".to_owned());
    assert_eq!(Vec::from_iter(harvest.complete), [scope]);
}

#[test]
fn the_database_comes_in_json_as_well() {
    let harvest = read(
        "main.json",
        r#"{"apkurl": "x", "archs": ["x86"], "reponame": "community", "urlprefix": "y",
            "distroversion": "edge", "packages": [{"pkg": {"name": "aom", "secfixes": {
                "3.1.1-r0": ["CVE-2021-30473", null], "1.0-r0": null, "nonsense-": ["CVE-2021-1"]}}}]}"#,
    );
    insta::assert_snapshot!(show(&harvest.unwrap()), @r#"
    alpine "alpine:edge/community" CVE-2021-30473 [] []
      apk alpine:edge aom: [">=0 <3.1.1-r0"] [] [] None Open
    skipped "alpine" InvalidVersion 1
    "#);
}

#[test]
fn a_number_behind_the_hyphen_is_the_revision_that_is_meant() {
    let check = |fixed: &str, expected: &str| {
        let text = format!(
            r#"{{"distroversion": "v3.11", "reponame": "main", "packages": [{{"pkg": {{
                "name": "python2", "secfixes": {{"{fixed}": ["CVE-2019-16056"]}}}}}}]}}"#
        );
        let text = show(&read("main.json", &text).unwrap());
        let line = format!("  apk alpine:3.11 python2: [\">=0 <{expected}\"] [] [] None Open");
        assert_eq!(text.lines().last(), Some(line.as_str()));
    };
    check("2.7.16-33", "2.7.16-r33");
    // What else is meant cannot be told, or is no matter of the revision.
    for kept in ["2.7.16-r33", "2.7.16", "2.7.16-", "4.10-1-r1", "4.10-1-2", "1.0-3a"] {
        check(kept, kept);
    }
}

#[test]
fn an_advisory_on_two_vulnerabilities_is_a_name_of_neither() {
    let harvest = read(
        "main.json",
        r#"{"distroversion": "v3.11", "reponame": "main", "packages": [{"pkg": {"name": "xen",
            "secfixes": {"4.7.1-r1": ["CVE-2016-9377 XSA-196", "CVE-2016-9378 XSA-196"],
                "4.7.1-r2": ["CVE-2016-9378 XSA-196"],
                "4.8.1-r2": ["CVE-2017-8903 XSA-213", "CVE-2017-8903 XSA-213"]}}}]}"#,
    );
    let text = show(&harvest.unwrap());
    let heads: Vec<&str> = text.lines().filter(|line| line.starts_with("alpine")).collect();
    assert_eq!(
        heads,
        [
            r#"alpine "alpine:3.11/main" CVE-2016-9377 [] []"#,
            r#"alpine "alpine:3.11/main" CVE-2016-9378 [] []"#,
            r#"alpine "alpine:3.11/main" CVE-2017-8903 ["XSA-213"] []"#,
        ]
    );
}

#[test]
fn distributions_without_releases_are_told_by_where_their_packages_are() {
    let check = |prefix: &str, expected: &str| {
        let text = format!(
            r#"{{"apkurl": "x", "archs": ["x86_64"], "reponame": "os", "urlprefix": "{prefix}",
                "packages": [{{"pkg": {{"name": "brotli", "secfixes": {{
                    "1.0.9-r0": ["CVE-2020-8927"]}}}}}}]}}"#
        );
        let text = show(&read("security.json", &text).unwrap());
        assert_eq!(text.lines().collect::<Vec<_>>().join("|"), expected);
    };
    let record = |id: &str| {
        format!(
            "{id} \"{id}/os\" CVE-2020-8927 [] []|  apk {id} brotli: [\">=0 <1.0.9-r0\"] \
             [] [] None Open"
        )
    };
    check("https://packages.wolfi.dev", &record("wolfi"));
    check("https://packages.cgr.dev", &record("chainguard"));
    check("https://packages.mini.dev/", &record("minimos"));
    check("https://example.com", "skipped \"\" UnknownVendor 1");
}
