mod csaf;
mod cyclonedx;
mod openvex;

use tallyman_model::limits::Limits;
use tallyman_model::vex::VexDocument;

use super::{VexError, read};

fn parse(text: &str) -> VexDocument {
    read(text.as_bytes(), &Limits::default()).expect(text)
}

#[test]
fn what_is_no_vex_document_is_refused() {
    for text in ["", "{", "[]", "{}", r#"{"bomFormat":"SPDX"}"#, r#"{"@context":"https://a"}"#] {
        let result = read(text.as_bytes(), &Limits::default());
        assert!(result.is_err(), "{text}");
    }
    let other = read(b"{}", &Limits::default()).expect_err("nothing");
    assert!(other.is_something_else());
}

#[test]
fn documents_over_a_limit_are_refused_by_its_name() {
    let text = openvex::SAMPLE;
    let error = |limits: Limits| read(text.as_bytes(), &limits).expect_err("a limit").to_string();
    assert!(error(Limits { vex_bytes: 10, ..Limits::default() }).contains("vex-bytes"));
    assert!(error(Limits { vex_products: 1, ..Limits::default() }).contains("vex-products"));
}

#[test]
fn lists_of_nothing_and_deep_nesting_end_with_an_error() {
    let many = "{},".repeat(1_000_000);
    let deep = "[".repeat(1_000_000);
    for text in [
        format!(r#"{{"@context":"https://openvex.dev/ns","@id":"a","statements":[{many}0]}}"#),
        format!(r#"{{"@context":"https://openvex.dev/ns","@id":"a","statements":{deep}"#),
        format!(r#"{{"bomFormat":"CycloneDX","components":[{many}0]}}"#),
        format!(r#"{{"bomFormat":"CycloneDX","vulnerabilities":[{many}0]}}"#),
        format!(r#"{{"document":{{}},"vulnerabilities":[{many}0]}}"#),
        format!(r#"{{"document":{{}},"product_tree":{{"branches":{deep}"#),
    ] {
        let result = read(text.as_bytes(), &Limits::default());
        assert!(matches!(result, Err(VexError::Malformed { .. })), "{:?}", result.err());
    }
}
