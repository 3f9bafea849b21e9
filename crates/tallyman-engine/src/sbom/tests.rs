use serde_json::{Value, json};

use super::{SbomFormat, SbomOptions, render};
use crate::report::ScanReport;

const LAYERS: [&str; 2] = ["0a", "0b"];

fn layer(index: usize) -> String {
    format!("sha256:{}", LAYERS[index].repeat(32))
}

fn finding(id: &str) -> Value {
    json!({
        "id": id, "aliases": ["GHSA-1"], "advisory": "DSA-9", "feed": "debian",
        "severity": "high", "score": 7.5, "vector": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N",
        "fixed_version": "3.0.16-1", "matched": "< 3.0.16-1", "fix_state": "open",
        "priority": { "class": "asap", "threat": "known_exploited", "remedy": "available" },
        "epss": { "probability": 0.25, "percentile": 0.98, "date": "2026-08-16" },
        "kev": { "added": "2026-01-02", "due": "2026-01-23", "ransomware": true },
        "exploitation": "active", "cwes": [79, 502],
        "cvss": [
            { "vector": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N", "score": 7.5 },
            { "vector": "AV:N/AC:L/Au:N/C:P/I:P/A:P", "score": 7.5 },
        ],
    })
}

fn package(name: &str, path: &str, index: usize, findings: &[Value]) -> Value {
    json!({
        "purl": format!("pkg:deb/debian/{name}@3.0.15-1?arch=amd64&distro=debian-12"),
        "ecosystem": "deb", "name": name, "version": "3.0.15-1", "architecture": "amd64",
        "source": { "name": "openssl", "version": "3.0.15-1" },
        "path": path, "layer": index, "layer_digest": layer(index), "findings": findings,
    })
}

fn report_of(state: Value, packages: &[Value]) -> ScanReport {
    let report = json!({
        "image": {
            "name": "registry.example.com/team/app:1",
            "manifest_digest": format!("sha256:{}", "0c".repeat(32)),
            "config_digest": format!("sha256:{}", "0d".repeat(32)),
            "platform": "linux/amd64", "created": "2026-01-02T03:04:05Z", "size_bytes": 30,
            "layers": [
                { "digest": layer(0), "size_bytes": 10, "media_type": "a/b" },
                { "digest": layer(1), "size_bytes": 20, "media_type": "a/b" },
            ],
        },
        "state": state,
        "distribution": { "id": "debian", "version_id": "12", "codename": "bookworm" },
        "summary": { "packages": 0, "vulnerabilities": 0, "by_severity": {}, "alerts": 0 },
        "packages": packages, "alerts": [], "diagnostics": [],
        "advisories": { "revision": "r1", "feeds": [{
            "name": "debian", "attribution": "Debian, MIT", "data_ms": 1_780_000_000_000_i64,
            "advisories": 1, "affected": 1,
        }] },
    });
    serde_json::from_value(report).expect("a report")
}

fn report() -> ScanReport {
    let status = "var/lib/dpkg/status";
    report_of(
        json!({ "state": "analyzed" }),
        &[
            package("libssl3", status, 0, &[finding("CVE-2026-1")]),
            package("libssl3", "var/lib/dpkg/status.d/libssl3", 1, &[finding("CVE-2026-1")]),
            package("openssl", status, 0, &[finding("CVE-2026-1")]),
        ],
    )
}

fn options() -> SbomOptions {
    SbomOptions { created_ms: None, tool_version: "1.2.3".to_owned() }
}

fn rendered(report: &ScanReport, format: SbomFormat) -> Value {
    render(report, format, &options())
}

#[test]
fn a_package_in_two_places_is_one_component_with_two_occurrences() {
    let document = rendered(&report(), SbomFormat::CycloneDx);
    let components = document["components"].as_array().expect("components");
    assert_eq!(components.len(), 3, "the system and two packages");
    assert_eq!(
        components[1]["evidence"]["occurrences"],
        json!([
            { "location": "/var/lib/dpkg/status", "additionalContext": layer(0) },
            { "location": "/var/lib/dpkg/status.d/libssl3", "additionalContext": layer(1) },
        ])
    );
    let locations: Vec<String> =
        rendered(&report(), SbomFormat::Spdx)["packages"][2]["annotations"]
            .as_array()
            .expect("annotations")
            .iter()
            .filter_map(|it| it["comment"].as_str()?.strip_prefix("tallyman:location="))
            .map(str::to_owned)
            .collect();
    let expected = [
        format!("{} /var/lib/dpkg/status", layer(0)),
        format!("{} /var/lib/dpkg/status.d/libssl3", layer(1)),
    ];
    assert_eq!(locations, expected);
}

#[test]
fn package_urls_name_the_source_package_where_it_is_another() {
    let document = rendered(&report(), SbomFormat::CycloneDx);
    let purl = |index: usize| document["components"][index]["purl"].clone();
    assert_eq!(
        purl(1),
        "pkg:deb/debian/libssl3@3.0.15-1?arch=amd64&distro=debian-12&upstream=openssl"
    );
    assert_eq!(purl(2), "pkg:deb/debian/openssl@3.0.15-1?arch=amd64&distro=debian-12");
}

#[test]
fn what_is_known_of_a_vulnerability_is_written_beside_its_rating() {
    let document = rendered(&report(), SbomFormat::CycloneDx);
    let found = &document["vulnerabilities"][0];
    let ratings = found["ratings"].as_array().expect("ratings");
    assert_eq!(
        ratings[1..],
        [
            json!({
                "source": { "name": "cve" }, "severity": "high", "score": 7.5,
                "method": "CVSSv2", "vector": "AV:N/AC:L/Au:N/C:P/I:P/A:P",
            }),
            json!({
                "source": { "name": "epss", "url": "https://www.first.org/epss/" },
                "score": 0.25, "method": "other",
            }),
        ]
    );
    assert_eq!(found["cwes"], json!([79, 502]));
    let properties = found["properties"].as_array().expect("properties").iter();
    let told: Vec<String> = properties
        .map(|it| {
            let text = |name: &str| it[name].as_str().expect("a text").to_owned();
            format!("{}={}", text("name"), text("value"))
        })
        .collect();
    assert_eq!(
        told,
        [
            "tallyman:priority=asap",
            "tallyman:epss:percentile=0.98",
            "tallyman:epss:date=2026-08-16",
            "tallyman:kev:added=2026-01-02",
            "tallyman:kev:due=2026-01-23",
            "tallyman:kev:ransomware=true",
            "tallyman:exploitation=active",
        ]
    );
}

#[test]
fn a_vulnerability_of_several_packages_is_written_once() {
    let document = rendered(&report(), SbomFormat::CycloneDx);
    let found = document["vulnerabilities"].as_array().expect("vulnerabilities");
    let [found] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(found["id"], "CVE-2026-1");
    assert_eq!(
        found["ratings"][0],
        json!({
            "source": { "name": "debian" }, "severity": "high", "score": 7.5,
            "method": "CVSSv31", "vector": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N",
        })
    );
    assert_eq!(
        found["references"],
        json!([
            { "id": "DSA-9", "source": { "name": "debian" } },
            { "id": "GHSA-1", "source": { "name": "debian" } },
        ])
    );
    assert_eq!(found["affects"].as_array().expect("affects").len(), 2);
    assert_eq!(found["affects"][0]["ref"], document["components"][1]["bom-ref"]);
    assert_eq!(
        found["affects"][0]["versions"],
        json!([
            { "version": "3.0.15-1", "status": "affected" },
            { "version": "3.0.16-1", "status": "unaffected" },
        ])
    );
}

#[test]
fn the_same_report_gives_the_same_bytes_and_another_one_another_name() {
    let serial = |report: &ScanReport, format| {
        let document = rendered(report, format);
        assert_eq!(document.to_string(), rendered(report, format).to_string());
        match format {
            SbomFormat::CycloneDx => document["serialNumber"].clone(),
            SbomFormat::Spdx => document["documentNamespace"].clone(),
            SbomFormat::Spdx3 => document["@graph"][3]["spdxId"].clone(),
        }
    };
    let mut other = report();
    other.packages.pop();
    for format in SbomFormat::ALL {
        let (one, another) = (serial(&report(), format), serial(&other, format));
        assert!(one.is_string(), "{format:?}");
        assert_ne!(one, another, "{format:?}");
    }
}

#[test]
fn a_document_is_as_old_as_what_it_speaks_of_unless_a_date_is_given() {
    let dates = |options: &SbomOptions| {
        let report = report();
        let cyclonedx = render(&report, SbomFormat::CycloneDx, options);
        let spdx = render(&report, SbomFormat::Spdx, options);
        let spdx3 = render(&report, SbomFormat::Spdx3, options);
        [
            cyclonedx["metadata"]["timestamp"].clone(),
            spdx["creationInfo"]["created"].clone(),
            spdx3["@graph"][0]["created"].clone(),
        ]
    };
    let image = "2026-01-02T03:04:05Z";
    assert_eq!(dates(&options()), ["2026-05-28T20:26:40Z", image, image]);
    let given = SbomOptions { created_ms: Some(1_000), ..options() };
    assert_eq!(dates(&given), ["1970-01-01T00:00:01Z"; 3]);
}

#[test]
fn a_failed_image_has_no_document_that_looks_complete() {
    let failed = report_of(json!({ "state": "failed", "reason": "layer 1 is cut off" }), &[]);
    let document = rendered(&failed, SbomFormat::CycloneDx);
    assert_eq!(document["compositions"][0]["aggregate"], "incomplete");
    assert_eq!(
        document["compositions"][0]["assemblies"][0],
        document["metadata"]["component"]["bom-ref"]
    );
    assert!(document["metadata"]["properties"].to_string().contains("layer 1 is cut off"));
    for format in [SbomFormat::Spdx, SbomFormat::Spdx3] {
        let text = rendered(&failed, format).to_string();
        assert!(text.contains("This document is incomplete"), "{text}");
        assert!(text.contains("layer 1 is cut off"), "{text}");
    }
    let complete = rendered(&report(), SbomFormat::CycloneDx);
    assert_eq!(complete["compositions"][0]["aggregate"], "unknown");
    for format in [SbomFormat::Spdx, SbomFormat::Spdx3] {
        assert!(!rendered(&report(), format).to_string().contains("incomplete"));
    }
}

#[test]
fn two_spellings_of_one_name_are_two_components() {
    let spelt = |name: &str| {
        json!({
            "purl": "pkg:pypi/jinja2@2.10", "ecosystem": "pypi", "name": name, "version": "2.10",
            "path": format!("{name}.dist-info/METADATA"), "layer": 0, "layer_digest": layer(0),
            "findings": [],
        })
    };
    let report = report_of(json!({ "state": "analyzed" }), &[spelt("Jinja2"), spelt("jinja2")]);
    let document = rendered(&report, SbomFormat::CycloneDx);
    let references: Vec<&Value> = document["components"]
        .as_array()
        .expect("components")
        .iter()
        .map(|component| &component["bom-ref"])
        .collect();
    assert_eq!(references, ["operating-system", "pkg:pypi/jinja2@2.10", "pkg:pypi/jinja2@2.10#2"]);
}

#[test]
fn a_directory_is_called_a_file_and_known_by_the_digest_of_its_stream() {
    let mut report = report();
    report.image.manifest_digest = None;
    report.image.config_digest = None;
    report.image.platform = None;
    let document = rendered(&report, SbomFormat::CycloneDx);
    let component = &document["metadata"]["component"];
    assert_eq!(component["type"], "file");
    assert_eq!(component["bom-ref"], format!("image:{}", layer(0)));
    let described = &rendered(&report, SbomFormat::Spdx)["packages"][0];
    assert_eq!(described["primaryPackagePurpose"], "FILE");
}
