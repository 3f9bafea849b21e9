use serde_json::{Value, json};
use tallyman_match::vex;
use tallyman_model::limits::Limits;
use tallyman_model::vex::VexDocument;

use super::{JUSTIFICATIONS, VexOptions, render};
use crate::report::ScanReport;
use crate::suppress::{SuppressionInput, apply};

const DATE: &str = "2026-02-03T04:05:06Z";

fn digest(byte: &str) -> String {
    format!("sha256:{}", byte.repeat(32))
}

fn finding(id: &str, fields: &Value) -> Value {
    let mut finding = json!({
        "id": id, "aliases": [format!("GHSA-{id}"), "UPDATE-1"], "advisory": "DSA-9", "feed": "debian",
        "severity": "high", "score": null, "vector": null,
        "fixed_version": "3.1", "matched": "< 3.1", "fix_state": "open",
        "priority": { "class": "later", "threat": "possible", "remedy": "available" },
    });
    for (name, value) in fields.as_object().into_iter().flatten() {
        finding[name] = value.clone();
    }
    finding
}

fn package(name: &str, findings: &[Value]) -> Value {
    json!({
        "purl": format!("pkg:pypi/{name}@3.0"), "ecosystem": "pypi", "name": name, "version": "3.0",
        "path": format!("app/{name}/METADATA"), "layer": 0, "layer_digest": digest("0a"),
        "findings": findings,
    })
}

fn report_of(packages: &[Value]) -> ScanReport {
    let report = json!({
        "image": {
            "name": "registry.example.com/team/app:1",
            "manifest_digest": digest("0c"), "config_digest": digest("0d"),
            "platform": "linux/amd64", "created": "2026-01-02T03:04:05Z", "size_bytes": 30,
            "layers": [{ "digest": digest("0a"), "size_bytes": 10, "media_type": "a/b" }],
        },
        "state": { "state": "analyzed" },
        "distribution": null,
        "summary": { "packages": 0, "vulnerabilities": 0, "by_severity": {}, "alerts": 0 },
        "packages": packages, "alerts": [], "diagnostics": [],
        "advisories": { "revision": "r1", "feeds": [] },
    });
    serde_json::from_value(report).expect("a report")
}

/// Findings in every state that there is.
fn report() -> ScanReport {
    let vex = |status: &str, fields: &Value| {
        let mut vex = json!({
            "status": status, "document": "https://vendor.example/vex", "author": "Vendor",
            "date": DATE,
        });
        for (name, value) in fields.as_object().into_iter().flatten() {
            vex[name] = value.clone();
        }
        vex
    };
    let label = json!({ "justification": "code_not_reachable" });
    let words = json!({ "justification": "requires_configuration" });
    let rule = json!({ "id": "lookup", "reason": "switched off", "author": "Ada" });
    let one = [
        finding("CVE-1", &json!({})),
        finding("CVE-2", &json!({ "state": "not_affected", "vex": vex("not_affected", &label) })),
        finding("CVE-3", &json!({ "state": "fixed", "vex": vex("fixed", &json!({})) })),
        finding("CVE-4", &json!({ "state": "ignored", "ignored_by": rule })),
        finding("CVE-5", &json!({ "state": "undetermined", "fixed_version": null })),
        finding("CVE-6", &json!({ "state": "not_affected", "vex": vex("not_affected", &words) })),
        finding(
            "CVE-7",
            &json!({ "state": "open", "vex": vex("under_investigation", &json!({})) }),
        ),
        finding("CVE-8", &json!({ "state": "will_not_fix", "fixed_version": null })),
        finding("CVE-9", &json!({ "state": "end_of_life", "fixed_version": null })),
    ];
    // The same vulnerability counts in another package.
    let two = [finding("CVE-1", &json!({})), finding("CVE-2", &json!({ "fixed_version": null }))];
    report_of(&[package("one", &one), package("two", &two)])
}

fn options() -> VexOptions {
    VexOptions { created_ms: None, author: "Ada".to_owned(), tool_version: "1.2.3".to_owned() }
}

fn statements(document: &Value) -> Vec<&Value> {
    document["statements"].as_array().expect("statements").iter().collect()
}

fn read_back(document: &Value) -> VexDocument {
    vex::read(document.to_string().as_bytes(), &Limits::default()).expect("a document")
}

/// Checks what the specification demands of a document and its statements.
fn check(document: &Value) {
    let text = |value: &Value| value.as_str().is_some_and(|text| !text.is_empty());
    assert!(
        document["@context"].as_str().is_some_and(|it| it.starts_with("https://openvex.dev/ns"))
    );
    for name in ["@id", "author", "timestamp"] {
        assert!(text(&document[name]), "{name}");
    }
    assert!(document["version"].as_u64().is_some_and(|version| version >= 1));
    for statement in statements(document) {
        assert!(text(&statement["vulnerability"]["name"]), "{statement}");
        let products = statement["products"].as_array().expect("products");
        assert!(!products.is_empty(), "{statement}");
        let is_named = |it: &Value| text(&it["@id"]) || it["identifiers"].is_object();
        for product in products {
            assert!(is_named(product));
            assert!(product["subcomponents"].as_array().into_iter().flatten().all(is_named));
        }
        let (label, words) = (&statement["justification"], &statement["impact_statement"]);
        match statement["status"].as_str().expect("a status") {
            "not_affected" => assert!(text(label) || text(words), "{statement}"),
            "affected" => assert!(text(&statement["action_statement"]), "{statement}"),
            "fixed" | "under_investigation" => {}
            other => panic!("{other} is no status"),
        }
        assert!(label.is_null() || JUSTIFICATIONS.iter().any(|it| label == it), "{label}");
    }
}

#[test]
fn every_state_has_the_status_that_it_comes_to() {
    let document = render(&report(), &options());
    check(&document);
    let rows: Vec<String> = statements(&document)
        .iter()
        .map(|it| {
            let name = it["vulnerability"]["name"].as_str().expect("a name");
            let packages = it["products"][0]["subcomponents"].as_array().expect("packages");
            let ids: Vec<&str> = packages.iter().filter_map(|it| it["@id"].as_str()).collect();
            let why = ["justification", "impact_statement", "action_statement", "status_notes"];
            let why: Vec<&str> = why.iter().filter_map(|name| it[name].as_str()).collect();
            let status = it["status"].as_str().expect("a status");
            format!("{name} {status} in {}: {}", ids.join(" "), why.join("; "))
        })
        .collect();
    let vendor = "Vendor: https://vendor.example/vex";
    let one = "pkg:pypi/one@3.0";
    let expected = [
        format!("CVE-1 affected in {one}: Update one to 3.1 or newer."),
        "CVE-1 affected in pkg:pypi/two@3.0: Update two to 3.1 or newer.".to_owned(),
        format!("CVE-2 not_affected in {one}: vulnerable_code_not_in_execute_path; {vendor}"),
        "CVE-2 affected in pkg:pypi/two@3.0: No version without it is known.".to_owned(),
        format!("CVE-3 fixed in {one}: {vendor}"),
        format!("CVE-4 under_investigation in {one}: ignored by rule lookup of Ada: switched off"),
        format!("CVE-5 under_investigation in {one}: "),
        format!("CVE-6 not_affected in {one}: requires_configuration; {vendor}"),
        format!("CVE-7 under_investigation in {one}: {vendor}"),
        format!("CVE-8 affected in {one}: The distribution will not fix it."),
        format!("CVE-9 affected in {one}: The package is no longer supported."),
    ];
    assert_eq!(rows, expected);
    assert_eq!(document["timestamp"], DATE, "the newest that it rests on");
    let aliases = &document["statements"][0]["vulnerability"]["aliases"];
    assert_eq!(*aliases, json!(["GHSA-CVE-1"]), "and none that others have too");
}

#[test]
fn the_product_is_the_image_by_its_digest() {
    let mut report = report();
    let product = |report: &ScanReport| {
        let document = render(report, &options());
        check(&document);
        let mut product = document["statements"][0]["products"][0].clone();
        product["subcomponents"].take();
        product
    };
    let purl = format!(
        "pkg:oci/app@sha256:{}?arch=amd64&repository_url=registry.example.com%2Fteam%2Fapp&tag=1",
        "0c".repeat(32)
    );
    let expected = json!({
        "@id": purl, "identifiers": { "purl": purl }, "hashes": { "sha-256": "0c".repeat(32) },
        "subcomponents": null,
    });
    assert_eq!(product(&report), expected);
    report.image.manifest_digest = None;
    let urn = format!("urn:oci:{}", digest("0d"));
    let expected =
        json!({ "@id": urn, "hashes": { "sha-256": "0d".repeat(32) }, "subcomponents": null });
    assert_eq!(product(&report), expected);
    report.image.config_digest = None;
    assert_eq!(product(&report)["@id"], "pkg:pypi/one@3.0", "a directory has no digest");
}

#[test]
fn what_is_read_back_suppresses_what_it_says_and_nothing_else() {
    for (manifest, config) in [(true, true), (false, true), (false, false)] {
        let mut said = report();
        if !manifest {
            said.image.manifest_digest = None;
        }
        if !config {
            said.image.config_digest = None;
        }
        let document = read_back(&render(&said, &options()));
        assert_eq!(document.left_out, Vec::<String>::new());
        let mut plain = said.clone();
        for found in plain.packages.iter_mut().flat_map(|package| &mut package.findings) {
            *found = crate::report::ReportFinding::new(
                found.finding.clone(),
                found.assessment.clone(),
                None,
            );
        }
        let input = SuppressionInput {
            documents: vec![("a file".to_owned(), document)],
            ..SuppressionInput::default()
        };
        apply(&mut plain, &input, 0);
        for (before, after) in said.packages.iter().zip(&plain.packages) {
            for (before, after) in before.findings.iter().zip(&after.findings) {
                let is_claim = before.vex.is_some() && before.state.is_suppressed();
                let id = &before.finding.id;
                assert_eq!(after.state.is_suppressed(), is_claim, "{id} in {}", after.finding.id);
                assert!(after.vex.is_some(), "{id} is spoken of");
            }
        }
        let mut other = plain.clone();
        other.image.manifest_digest = Some(digest("0e").parse().expect("a digest"));
        other.image.config_digest = Some(digest("0f").parse().expect("a digest"));
        apply(&mut other, &input, 0);
        if manifest || config {
            let mut findings = other.packages.iter().flat_map(|package| &package.findings);
            assert!(findings.all(|found| !found.state.is_suppressed()), "it is another image");
        }
    }
}

#[test]
fn the_same_report_gives_the_same_document_and_another_one_another_id() {
    let (first, second) = (render(&report(), &options()), render(&report(), &options()));
    assert_eq!(first, second);
    let other = render(&report(), &VexOptions { author: "Grace".to_owned(), ..options() });
    assert_ne!(other["@id"], first["@id"]);
    let dated = render(&report(), &VexOptions { created_ms: Some(0), ..options() });
    assert_eq!(dated["timestamp"], "1970-01-01T00:00:00Z");
    let empty = render(&report_of(&[]), &options());
    assert_eq!(empty["statements"], json!([]));
}
