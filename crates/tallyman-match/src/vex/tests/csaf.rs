use tallyman_model::clock::parse_rfc3339;
use tallyman_model::vex::{ProductName, VexFormat, VexStatus};

use super::parse;

const SAMPLE: &str = r#"{
  "document": {
    "category": "csaf_vex", "csaf_version": "2.0",
    "publisher": { "category": "vendor", "name": "Example", "namespace": "https://example.test/" },
    "tracking": { "id": "EX-1", "current_release_date": "2026-05-01T00:00:00Z" }
  },
  "product_tree": {
    "branches": [{
      "category": "vendor", "name": "Example", "branches": [
        { "category": "product_version", "name": "1.0", "product": {
            "name": "lib 1.0", "product_id": "LIB-1",
            "product_identification_helper": { "purl": "pkg:pypi/lib@1.0" } } },
        { "category": "product_version_range", "name": "vers:pypi/>=1.1|<2", "product": {
            "name": "lib", "product_id": "LIB-R",
            "product_identification_helper": {
              "purl": "pkg:pypi/lib", "cpe": "cpe:2.3:a:example:lib:*:*:*:*:*:*:*:*" } } },
        { "category": "product_name", "name": "system", "product": {
            "name": "RHEL 9", "product_id": "OS",
            "product_identification_helper": { "cpe": "cpe:/o:redhat:enterprise_linux:9" } } },
        { "category": "product_version", "name": "openssl", "product": {
            "name": "openssl", "product_id": "SSL",
            "product_identification_helper": { "purl": "pkg:rpm/redhat/openssl?arch=src" } } },
        { "category": "product_name", "name": "secret", "product": {
            "name": "secret", "product_id": "SECRET" } }
      ]
    }],
    "relationships": [{
      "category": "default_component_of", "product_reference": "SSL",
      "relates_to_product_reference": "OS",
      "full_product_name": { "name": "openssl of 9", "product_id": "OS:SSL" }
    }],
    "product_groups": [{ "group_id": "G", "product_ids": ["LIB-1", "LIB-R"] }]
  },
  "vulnerabilities": [{
    "cve": "CVE-2026-1",
    "product_status": {
      "known_not_affected": ["LIB-1", "LIB-R", "OS:SSL", "SECRET"],
      "known_affected": ["LIB-1"], "fixed": ["LIB-1"], "under_investigation": ["LIB-1"],
      "recommended": ["LIB-R"]
    },
    "flags": [
      { "label": "vulnerable_code_not_present", "group_ids": ["G"], "product_ids": ["SECRET"] }
    ],
    "threats": [{ "category": "impact", "details": "not built in", "product_ids": ["OS:SSL"] }]
  }]
}"#;

#[test]
fn each_product_has_its_status_with_the_reason() {
    let document = parse(SAMPLE);
    assert_eq!((document.format, &*document.author), (VexFormat::Csaf, "Example"));
    assert_eq!(document.id, "https://example.test/EX-1");
    assert_eq!(document.updated_ms, parse_rfc3339("2026-05-01T00:00:00Z"));
    let said: Vec<_> = document
        .statements
        .iter()
        .map(|it| (it.status, it.justification.as_deref(), it.impact.as_deref(), it.products.len()))
        .collect();
    assert_eq!(
        said,
        [
            (VexStatus::NotAffected, None, Some("not built in"), 1),
            (VexStatus::NotAffected, Some("vulnerable_code_not_present"), None, 2),
            (VexStatus::Fixed, None, None, 1),
            (VexStatus::UnderInvestigation, None, None, 1),
            (VexStatus::Affected, None, None, 1),
        ]
    );
    assert_eq!(document.left_out, ["CVE-2026-1: `SECRET` names no product that is known"]);
}

#[test]
fn a_part_is_named_within_its_whole_and_a_range_by_its_versions() {
    let document = parse(SAMPLE);
    let part = &document.statements[0].products[0];
    assert_eq!(part.names, [ProductName::Cpe("cpe:/o:redhat:enterprise_linux:9".to_owned())]);
    assert_eq!(part.components, [[ProductName::purl("pkg:rpm/redhat/openssl?arch=src")]]);
    let range = &document.statements[1].products[1];
    let versions = vec!["vers:pypi/>=1.1|<2".to_owned()];
    let purl = "pkg:pypi/lib".to_owned();
    assert_eq!(range.names, [ProductName::Purl { purl, versions }]);
}

#[test]
fn a_product_that_is_not_affected_without_a_reason_is_left_out() {
    let document = parse(&SAMPLE.replace("\"impact\"", "\"exploit_status\""));
    assert!(document.left_out.contains(&"CVE-2026-1: not affected, without a reason".to_owned()));
}
