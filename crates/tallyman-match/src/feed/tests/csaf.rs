use serde_json::{Value, json};

use super::{read, show};

const EL9: &str = "AppStream-9.4.0.GA";
const EL8: &str = "red_hat_enterprise_linux_8";
const CEPH: &str = "9Base-RHCEPH-7";

/// A document of a publisher with these products, parts (`whole`, `component`, its purl) and
/// vulnerabilities.
fn document(
    namespace: &str,
    id: &str,
    platforms: &[(&str, &str)],
    parts: &[(&str, &str, Option<&str>)],
    vulnerabilities: Value,
) -> String {
    let helper = |key: &str, value: &str| json!({ key: value });
    let product = |id: &str, helper: Value| {
        let product =
            json!({"name": id, "product_id": id, "product_identification_helper": helper});
        json!({"category": "product_version", "name": id, "product": product})
    };
    let platforms = platforms.iter().map(|(id, cpe)| product(id, helper("cpe", cpe)));
    let components = parts
        .iter()
        .map(|(_, id, purl)| product(id, purl.map_or(json!({}), |purl| helper("purl", purl))));
    let relationships = parts.iter().map(|(whole, part, _)| {
        let id = format!("{whole}:{part}");
        json!({"category": "default_component_of", "product_reference": part,
               "relates_to_product_reference": whole,
               "full_product_name": {"name": id, "product_id": id}})
    });
    json!({
        "document": {
            "category": "csaf_vex", "csaf_version": "2.0", "title": "t",
            "aggregate_severity": {"text": "Important"},
            "publisher": {"category": "vendor", "name": "P", "namespace": namespace},
            "tracking": {"id": id, "current_release_date": "2024-02-01T00:00:00+00:00",
                         "initial_release_date": "2024-01-01T00:00:00+00:00"},
        },
        "product_tree": {
            "branches": [
                {"category": "vendor", "name": "V", "branches": platforms.collect::<Vec<_>>()},
                {"category": "architecture", "name": "a",
                 "branches": components.collect::<Vec<_>>()},
            ],
            "relationships": relationships.collect::<Vec<_>>(),
        },
        "vulnerabilities": vulnerabilities,
    })
    .to_string()
}

/// The product ids of parts.
fn of(whole: &str, parts: &[&str]) -> Vec<String> {
    parts.iter().map(|part| format!("{whole}:{part}")).collect()
}

fn red_hat(parts: &[(&str, &str, Option<&str>)], status: Value, remediations: Value) -> String {
    let platforms = [
        (EL9, "cpe:/a:redhat:enterprise_linux:9::appstream"),
        (EL8, "cpe:/o:redhat:enterprise_linux:8"),
        (CEPH, "cpe:/a:redhat:ceph_storage:7::el9"),
    ];
    let vulnerability = json!([{
        "cve": "CVE-2024-1", "release_date": "2024-01-02T00:00:00Z", "product_status": status,
        "remediations": remediations,
        "threats": [{"category": "impact", "details": "Moderate"}],
        "scores": [{"products": of(EL9, &["a-0:2-1.el9.x86_64"]), "cvss_v3": {
            "baseScore": 7.5, "vectorString": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"}}],
    }]);
    document("https://www.redhat.com", "CVE-2024-1", &platforms, parts, vulnerability)
}

#[test]
fn red_hat_says_of_each_product_whether_it_is_fixed_affected_or_not() {
    let parts = [
        (EL9, "a-0:2-1.el9.x86_64", Some("pkg:rpm/redhat/a@2-1.el9?arch=x86_64")),
        (EL9, "a-0:2-1.el9.aarch64", Some("pkg:rpm/redhat/a@2-1.el9?arch=aarch64")),
        (EL9, "a-0:2-1.el9.src", Some("pkg:rpm/redhat/a@2-1.el9?arch=src")),
        (
            EL9,
            "a-debuginfo-0:2-1.el9.x86_64",
            Some("pkg:rpm/redhat/a-debuginfo@2-1.el9?arch=x86_64"),
        ),
        (EL9, "e-1:2-1.el9.x86_64", Some("pkg:rpm/redhat/e@2-1.el9?arch=x86_64&epoch=1")),
        (EL8, "a", Some("pkg:rpm/redhat/a?arch=src")),
        (EL8, "late", Some("pkg:rpm/redhat/late")),
        (EL8, "old", Some("pkg:rpm/redhat/old")),
        (EL8, "looked-at", Some("pkg:rpm/redhat/looked-at")),
        (EL8, "safe", Some("pkg:rpm/redhat/safe")),
        (CEPH, "a-0:2-1.el9.x86_64", Some("pkg:rpm/redhat/a@2-1.el9?arch=x86_64")),
        (EL8, "image", Some("pkg:oci/image")),
    ];
    let fixed = ["a-0:2-1.el9.x86_64", "a-0:2-1.el9.aarch64", "a-0:2-1.el9.src"];
    let more = ["a-debuginfo-0:2-1.el9.x86_64", "e-1:2-1.el9.x86_64"];
    let fixed = [of(EL9, &fixed), of(EL9, &more), of(CEPH, &["a-0:2-1.el9.x86_64"])].concat();
    let status = json!({
        "fixed": fixed,
        "known_affected": of(EL8, &["a", "late", "old", "image", "unknown"]),
        "known_not_affected": of(EL8, &["safe"]),
        "under_investigation": of(EL8, &["looked-at"]),
    });
    let remediations = json!([
        {"category": "none_available", "details": "Affected", "product_ids": of(EL8, &["a"])},
        {"category": "none_available", "details": "Fix deferred", "product_ids": of(EL8, &["late"])},
        {"category": "no_fix_planned", "details": "Out of support scope",
         "product_ids": of(EL8, &["old"])},
    ]);
    let harvest = read("cve.json", &red_hat(&parts, status, remediations)).unwrap();
    insta::assert_snapshot!(show(&harvest), @r#"
    redhat-vex "" CVE-2024-1 [] []
      rpm rhel:8 a: [">=0"] [] [] Some("Moderate") Open Source
      rpm rhel:8 late: [">=0"] [] [] Some("Moderate") WillNotFix Binary
      rpm rhel:8 looked-at: [">=0"] [] [] Some("Moderate") Undetermined Binary
      rpm rhel:8 old: [">=0"] [] [] Some("Moderate") EndOfLife Binary
      rpm rhel:8 safe: [">=0"] [] [] Some("Moderate") NotAffected Binary
      rpm rhel:9 a: [">=0 <2-1.el9"] [] ["CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"] Some("Moderate") Open Binary
      rpm rhel:9 e: [">=0 <1:2-1.el9"] [] [] Some("Moderate") Open Binary
    skipped "redhat-vex" NoPackage 1
    skipped "redhat-vex" OtherProduct 2
    "#);
}

#[test]
fn red_hat_names_modules_with_their_streams() {
    let parts = [
        (
            EL8,
            "npm-1:8-1.module+el8.9.0+1+a.x86_64::nodejs:16",
            Some(
                "pkg:rpm/redhat/npm@8-1.module%2Bel8.9.0%2B1%2Ba?arch=x86_64&epoch=1&rpmmod=nodejs:16:80:a",
            ),
        ),
        (EL8, "nodejs:18/npm", Some("pkg:rpm/redhat/npm?arch=src")),
        (EL8, "nodejs:20/npm", Some("pkg:rpm/redhat/npm@20?arch=src&rpmmod=nodejs:20")),
        (EL8, "nonsense", Some("pkg:rpm/redhat/npm@1-1?rpmmod=nonsense")),
    ];
    let status = json!({
        "fixed": of(EL8, &["npm-1:8-1.module+el8.9.0+1+a.x86_64::nodejs:16", "nonsense"]),
        "known_affected": of(EL8, &["nodejs:18/npm"]),
        "known_not_affected": of(EL8, &["nodejs:20/npm"]),
    });
    let harvest = read("cve.json", &red_hat(&parts, status, json!([]))).unwrap();
    insta::assert_snapshot!(show(&harvest), @r#"
    redhat-vex "" CVE-2024-1 [] []
      rpm rhel:8 npm: [">=0"] [] [] Some("Moderate") Open Source modules ["nodejs:18"]
      rpm rhel:8 npm: [">=0"] [] [] Some("Moderate") NotAffected Source modules ["nodejs:20"]
      rpm rhel:8 npm: [">=0 <1:8-1.module+el8.9.0+1+a"] [] [] Some("Moderate") Open Binary modules ["nodejs:16"]
    skipped "redhat-vex" NoModule 1
    "#);
}

#[test]
fn suse_names_products_in_words_and_packages_without_purls() {
    let platforms = [
        ("SUSE Linux Enterprise Module for Basesystem 15 SP5", "cpe:/o:suse:x"),
        ("SUSE Linux Enterprise Server 11 SP4 LTSS", "cpe:/o:suse:x"),
        ("openSUSE Tumbleweed", "cpe:/o:opensuse:tumbleweed"),
        ("SUSE CaaS Platform 4.0", "cpe:/o:suse:caasp:4.0"),
    ];
    let [sp5, sp4, tumbleweed, caas] = platforms.map(|(name, _)| name);
    let parts = [
        (sp5, "libz1-1.2-1.1.x86_64", None),
        (sp4, "zlib", None),
        (tumbleweed, "zlib-devel-1.3+git.7-1.1", None),
        (caas, "zlib", None),
        (tumbleweed, "bci/image", None),
    ];
    let fixed = [
        of(sp5, &["libz1-1.2-1.1.x86_64"]),
        of(tumbleweed, &["zlib-devel-1.3+git.7-1.1", "bci/image"]),
    ];
    let fixed = fixed.concat();
    let vulnerabilities = json!([
        {"cve": "CVE-2024-1", "product_status": {
            "recommended": fixed,
            "known_affected": of(sp4, &["zlib"]), "known_not_affected": of(caas, &["zlib"])}},
        {"ids": [{"system_name": "x", "text": "GHSA-1"}], "product_status": {
            "known_not_affected": of(sp4, &["zlib"])}},
        {"cve": "", "product_status": {}},
    ]);
    let id = "SUSE-SU-2024:1-1";
    let text = document("https://www.suse.com/", id, &platforms, &parts, vulnerabilities);
    insta::assert_snapshot!(show(&read("suse.json", &text).unwrap()), @r#"
    suse-csaf "CVE-2024-1" SUSE-SU-2024:1-1 [] upstream ["CVE-2024-1"] []
      rpm opensuse-tumbleweed zlib-devel: [">=0 <1.3+git.7-1.1"] [] [] Some("Important") Open Binary
      rpm sles:11.4 zlib: [">=0"] [] [] Some("Important") Open Source
      rpm sles:11.4 zlib: [">=0"] [] [] Some("Important") Open Binary
      rpm sles:15.5 libz1: [">=0 <1.2-1.1"] [] [] Some("Important") Open Binary
    suse-csaf "GHSA-1" SUSE-SU-2024:1-1 [] upstream ["GHSA-1"] []
      rpm sles:11.4 zlib: [">=0"] [] [] Some("Important") NotAffected Source
      rpm sles:11.4 zlib: [">=0"] [] [] Some("Important") NotAffected Binary
    skipped "suse-csaf" NoPackage 1
    skipped "suse-csaf" OtherProduct 1
    refused suse.json: a vulnerability has no name, or one that is too long
    "#);
}

#[test]
fn open_euler_names_source_and_binary_packages() {
    let sp4 = "openEuler-22.03-LTS-SP4";
    let platforms = [(sp4, "cpe:/a:openEuler:openEuler:22.03-LTS-SP4")];
    let parts = [
        (sp4, "vim-9.0-33.oe2203sp4.src.rpm", None),
        (sp4, "vim-common-9.0-33.oe2203sp4.x86_64.rpm", None),
    ];
    let fixed =
        of(sp4, &["vim-9.0-33.oe2203sp4.src.rpm", "vim-common-9.0-33.oe2203sp4.x86_64.rpm"]);
    let vulnerabilities = json!([{"cve": "CVE-2024-1", "product_status": {"fixed": fixed}}]);
    let namespace = "https://www.openeuler.org";
    let text = document(namespace, "CVE-2024-1", &platforms, &parts, vulnerabilities);
    insta::assert_snapshot!(show(&read("oe.json", &text).unwrap()), @r#"
    openeuler-vex "" CVE-2024-1 [] []
      rpm openeuler:22.03-lts-sp4 vim: [">=0 <9.0-33.oe2203sp4"] [] [] Some("Important") Open Source
      rpm openeuler:22.03-lts-sp4 vim-common: [">=0 <9.0-33.oe2203sp4"] [] [] Some("Important") Open Binary
    "#);
}

#[test]
fn documents_of_other_vendors_are_counted() {
    let text = document("https://www.siemens.com", "SSA-1", &[], &[], json!([{"cve": "CVE-1-1"}]));
    insta::assert_snapshot!(show(&read("ssa.json", &text).unwrap()), @"skipped \"\" UnknownVendor 1");
}

#[test]
fn a_document_that_is_truncated_or_too_deep_is_refused() {
    let text = document("https://www.suse.com", "CVE-1-1", &[], &[], json!([]));
    let error = read("a.json", text.get(..text.len() - 9).unwrap()).unwrap_err();
    assert_eq!(error.to_string(), "malformed JSON");
    let branches = r#"{"branches":["#.repeat(300);
    let head =
        r#"{"document": {"csaf_version": "2.0", "publisher": {}, "tracking": {"id": "a"}}, "#;
    let error = read("a.json", &format!(r#"{head}"product_tree": {branches}"#)).unwrap_err();
    assert_eq!(error.to_string(), "malformed JSON");
}

#[test]
fn a_document_of_too_many_statements_is_refused() {
    let ids = vec!["a"; 500_001];
    let vulnerabilities = json!([{"cve": "CVE-1-1", "product_status": {"fixed": ids}}]);
    let text = document("https://www.suse.com", "CVE-1-1", &[], &[], vulnerabilities);
    let error = read("a.json", &text).unwrap_err();
    assert_eq!(error.to_string(), "it has more statements than a document may have");
}
