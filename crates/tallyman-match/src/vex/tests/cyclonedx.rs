use tallyman_model::clock::parse_rfc3339;
use tallyman_model::vex::{ProductName, VexFormat, VexProduct, VexStatus};

use super::parse;

const SAMPLE: &str = r#"{
  "bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1,
  "serialNumber": "urn:uuid:11111111-2222-3333-4444-555555555555",
  "metadata": {
    "timestamp": "2026-01-01T00:00:00Z",
    "supplier": { "name": "Example" },
    "component": { "type": "container", "bom-ref": "root", "name": "app",
      "version": "sha256:1111111111111111111111111111111111111111111111111111111111111111" }
  },
  "components": [
    { "type": "library", "bom-ref": "lib", "name": "urllib3", "purl": "pkg:pypi/urllib3@1.24" }
  ],
  "vulnerabilities": [
    { "id": "CVE-2026-1", "references": [{ "id": "GHSA-1" }],
      "analysis": { "state": "not_affected", "justification": "code_not_reachable",
                    "detail": "never called", "lastUpdated": "2026-02-01T00:00:00Z" },
      "affects": [{ "ref": "lib" }, { "ref": "unheard of" }] },
    { "id": "CVE-2026-2", "analysis": { "state": "resolved" }, "affects": [{ "ref": "root" }] },
    { "id": "CVE-2026-3", "analysis": { "state": "exploitable" },
      "affects": [{ "ref": "urn:cdx:99999999-2222-3333-4444-555555555555/1#pkg%3Anpm%2Fa",
        "versions": [{ "range": "vers:npm/<2", "status": "affected" },
                     { "version": "2.0.0", "status": "unaffected" }] }] },
    { "id": "CVE-2026-4", "affects": [{ "ref": "lib" }] }
  ]
}"#;

#[test]
fn analyses_are_read_with_the_components_that_they_are_about() {
    let document = parse(SAMPLE);
    assert_eq!((document.format, &*document.author), (VexFormat::CycloneDx, "Example"));
    let [first, second, third] = document.statements.as_slice() else { panic!("{document:?}") };
    assert_eq!(first.status, VexStatus::NotAffected);
    assert_eq!(first.vulnerabilities, ["CVE-2026-1", "GHSA-1"]);
    assert_eq!(first.justification.as_deref(), Some("code_not_reachable"));
    assert_eq!(first.impact.as_deref(), Some("never called"));
    assert_eq!(first.updated_ms, parse_rfc3339("2026-02-01T00:00:00Z"));
    let image = ProductName::Digest(format!("sha256:{}", "1".repeat(64)).parse().expect("it"));
    let lib = ProductName::purl("pkg:pypi/urllib3@1.24");
    let within = VexProduct { names: vec![image.clone()], components: vec![vec![lib]] };
    assert_eq!(first.products, [within]);
    assert_eq!(second.products, [VexProduct { names: vec![image], components: vec![] }]);
    assert_eq!((second.status, second.updated_ms), (VexStatus::Fixed, document.updated_ms));
    let versions = vec!["vers:npm/<2".to_owned()];
    let linked = ProductName::Purl { purl: "pkg:npm/a".to_owned(), versions };
    assert_eq!(third.products, [VexProduct { names: vec![linked], components: vec![] }]);
    assert_eq!(document.left_out, ["CVE-2026-1: `unheard of` names no product that is known"]);
}

#[test]
fn a_document_that_is_not_about_one_image_speaks_of_packages_everywhere() {
    let text = SAMPLE.replace(&format!("sha256:{}", "1".repeat(64)), "1.0");
    let document = parse(&text);
    let names = vec![ProductName::purl("pkg:pypi/urllib3@1.24")];
    assert_eq!(document.statements[0].products, [VexProduct { names, components: vec![] }]);
}
