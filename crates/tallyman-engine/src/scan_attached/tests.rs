use serde_json::{Value, json};
use tallyman_model::digest::Digest;
use tallyman_model::image::{Compression, LayerDescriptor, ResolvedImage};
use tallyman_model::limits::Limits;
use tallyman_scan::sbom::{Sbom, read_sbom};

use super::{check, place, shown};

fn digest(byte: &str) -> Digest {
    format!("sha256:{}", byte.repeat(32)).parse().expect("a digest")
}

fn image() -> ResolvedImage {
    let layer = |byte: &str| LayerDescriptor {
        digest: digest(byte),
        size_bytes: 1,
        compression: Some(Compression::Gzip),
        media_type: String::new(),
        urls: Vec::new(),
    };
    ResolvedImage {
        name: "app".to_owned(),
        manifest_digest: Some(digest("0a")),
        config_digest: digest("0c"),
        platform: "linux/amd64".parse().expect("a platform"),
        created_ms: None,
        layers: vec![layer("01"), layer("02")],
    }
}

fn read(document: &Value) -> Sbom {
    read_sbom(document.to_string().as_bytes(), &Limits::default()).expect("a bill of materials")
}

fn document(properties: &[(&str, String)]) -> Value {
    let properties: Vec<Value> =
        properties.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
    json!({
        "bomFormat": "CycloneDX", "specVersion": "1.6",
        "metadata": { "component": { "type": "container", "name": "app",
            "properties": properties } },
        "components": [{ "type": "library", "name": "a", "purl": "pkg:pypi/a@1" }],
    })
}

fn statement(about: &Digest) -> Value {
    json!({
        "_type": "https://in-toto.io/Statement/v1",
        "predicateType": "https://cyclonedx.org/bom",
        "subject": [{ "name": "app", "digest": { "sha256": about.hex() } }],
        "predicate": document(&[]),
    })
}

fn checked(document: &Value, needs_statement: bool) -> Result<(), String> {
    check(&read(document), &image(), &[digest("0a"), digest("0b")], needs_statement)
}

#[test]
fn a_statement_must_be_about_the_image_or_its_index() {
    assert_eq!(checked(&statement(&digest("0a")), true), Ok(()));
    assert_eq!(checked(&statement(&digest("0b")), true), Ok(()));
    for needs_statement in [true, false] {
        let error = checked(&statement(&digest("0d")), needs_statement).expect_err("another");
        assert_eq!(error, "its statement is about something else than the image");
    }
    assert_eq!(checked(&document(&[]), false), Ok(()));
    let error = checked(&document(&[]), true).expect_err("no statement");
    assert_eq!(error, "no statement says what it is about");
}

#[test]
fn a_document_that_says_that_it_is_about_another_image_is_not_used() {
    let about = |name: &str, value: &str| {
        checked(&document(&[(name, value.to_owned())]), false).err().unwrap_or_default()
    };
    let config = "tallyman:image:config-digest";
    assert_eq!(about(config, &digest("0c").to_string()), "");
    assert!(about(config, &digest("0d").to_string()).contains("the configuration sha256:0d0d"));
    let platform = "tallyman:image:platform";
    assert_eq!(about(platform, "linux/amd64"), "");
    assert_eq!(about(platform, "linux/arm64"), "it is about the image for linux/arm64");
    // Made of a local copy, which has another manifest.
    let mut of_copy = document(&[]);
    of_copy["metadata"]["component"]["version"] = json!(digest("0e").to_string());
    assert_eq!(checked(&of_copy, false), Ok(()));
}

#[test]
fn a_document_without_packages_is_not_used() {
    let mut empty = document(&[]);
    empty["components"] = json!([]);
    let error = checked(&empty, false).expect_err("empty");
    assert_eq!(error, "it names no package that can be judged");
}

#[test]
fn layers_are_counted_as_in_the_image() {
    let layer = |byte: &str| ("tallyman:image:layer", format!("{} 1 a/b", digest(byte)));
    let mut document = document(&[layer("09"), layer("02")]);
    let place_of = |byte: &str| {
        json!({ "type": "library", "name": byte, "purl": format!("pkg:pypi/{byte}@1"),
            "evidence": { "occurrences": [
                { "location": "/x", "additionalContext": digest(byte).to_string() }] } })
    };
    document["components"] = json!([place_of("02"), place_of("09")]);
    let mut sbom = read(&document);
    let before: Vec<Option<usize>> = sbom.packages.iter().map(|package| package.layer).collect();
    assert_eq!(before, [Some(1), Some(0)]);
    place(&mut sbom, &image());
    let after: Vec<Option<usize>> = sbom.packages.iter().map(|package| package.layer).collect();
    assert_eq!(after, [Some(1), None]);
}

#[test]
fn what_a_document_says_of_itself_is_shown_on_one_short_line() {
    assert_eq!(shown("a\u{1b}[31m\nb"), "a [31m b");
    assert_eq!(shown(&"x".repeat(1000)).len(), 300);
}
