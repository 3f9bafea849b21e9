use tallyman_model::clock::parse_rfc3339;
use tallyman_model::vex::{ProductName, VexFormat, VexStatus};

use super::parse;

pub(super) const SAMPLE: &str = r#"{
  "@context": "https://openvex.dev/ns/v0.2.0",
  "@id": "https://example.test/vex/1",
  "author": "Ada",
  "timestamp": "2026-01-01T00:00:00Z",
  "version": 2,
  "statements": [
    {
      "vulnerability": {
        "@id": "https://nvd.example/vuln/detail/CVE-2026-1",
        "name": "CVE-2026-1",
        "aliases": ["GHSA-aaaa-bbbb-cccc"]
      },
      "products": [
        {
          "@id": "pkg:oci/app@sha256:1111111111111111111111111111111111111111111111111111111111111111",
          "identifiers": { "cpe23": "cpe:2.3:a:example:app:1:*:*:*:*:*:*:*" },
          "subcomponents": [{ "@id": "pkg:pypi/urllib3@1.24" }]
        },
        { "@id": "https://example.test/nothing-known" }
      ],
      "status": "not_affected",
      "justification": "vulnerable_code_not_in_execute_path"
    },
    {
      "vulnerability": { "name": "CVE-2026-2" },
      "products": [{ "@id": "pkg:pypi/urllib3" }],
      "status": "under_investigation",
      "timestamp": "2026-02-01T00:00:00Z",
      "last_updated": "2026-03-01T00:00:00Z"
    },
    { "vulnerability": { "name": "CVE-2026-3" }, "products": [], "status": "not_affected" },
    { "vulnerability": { "name": "CVE-2026-4" }, "products": [], "status": "harmless" }
  ]
}"#;

#[test]
fn a_document_is_read_with_products_and_dates() {
    let document = parse(SAMPLE);
    assert_eq!((document.format, &*document.author), (VexFormat::OpenVex, "Ada"));
    assert_eq!(document.id, "https://example.test/vex/1");
    let [first, second] = document.statements.as_slice() else { panic!("{document:?}") };
    assert_eq!(first.vulnerabilities, ["CVE-2026-1", "GHSA-aaaa-bbbb-cccc"]);
    assert_eq!(first.status, VexStatus::NotAffected);
    assert_eq!(first.justification.as_deref(), Some("vulnerable_code_not_in_execute_path"));
    assert_eq!(first.updated_ms, parse_rfc3339("2026-01-01T00:00:00Z"));
    let [product] = first.products.as_slice() else { panic!("{first:?}") };
    assert_eq!(product.names.len(), 2);
    assert_eq!(product.components, [[ProductName::purl("pkg:pypi/urllib3@1.24")]]);
    assert_eq!(second.updated_ms, parse_rfc3339("2026-03-01T00:00:00Z"));
}

#[test]
fn what_cannot_be_used_is_named() {
    assert_eq!(
        parse(SAMPLE).left_out,
        [
            "CVE-2026-1: a product without a name that is known",
            "CVE-2026-3: not affected, without a reason",
            "CVE-2026-4: the status `harmless` is unknown",
        ]
    );
}

#[test]
fn documents_of_the_first_version_name_things_by_texts() {
    let document = parse(
        r#"{"@context":"https://openvex.dev/ns","@id":"a","author":"Ada",
        "timestamp":"2026-01-01T00:00:00Z","version":"1","statements":[{
            "vulnerability":"CVE-2026-1","products":["pkg:oci/app"],
            "subcomponents":["pkg:pypi/urllib3"],"status":"fixed"}]}"#,
    );
    let [statement] = document.statements.as_slice() else { panic!("{document:?}") };
    assert_eq!(statement.vulnerabilities, ["CVE-2026-1"]);
    assert_eq!(statement.products[0].names, [ProductName::purl("pkg:oci/app")]);
    assert_eq!(statement.products[0].components, [[ProductName::purl("pkg:pypi/urllib3")]]);
}

#[test]
fn a_document_is_as_old_as_its_last_change() {
    let updated = "2026-04-01T00:00:00Z";
    let text = SAMPLE.replacen(
        "\"version\": 2,",
        &format!("\"version\": 2, \"last_updated\": \"{updated}\","),
        1,
    );
    assert_eq!(parse(&text).updated_ms, parse_rfc3339(updated));
    assert_eq!(parse(SAMPLE).updated_ms, parse_rfc3339("2026-01-01T00:00:00Z"));
}
