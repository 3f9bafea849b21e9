use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::{AttestationError, Opened, open};

const HEX: &str = "0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a";

fn statement(predicate_type: &str, predicate: &Value) -> Value {
    json!({
        "_type": "https://in-toto.io/Statement/v0.1",
        "predicateType": predicate_type,
        "subject": [{ "name": "app", "digest": { "sha256": HEX } }, { "name": "no digest" }],
        "predicate": predicate,
    })
}

fn spdx() -> Value {
    json!({ "spdxVersion": "SPDX-2.3" })
}

/// Opens bytes and shows the subjects and the document.
fn opened(bytes: &[u8]) -> (Option<Vec<String>>, Value) {
    let Opened { subjects, document } = open(bytes).expect("a document");
    let subjects = subjects.map(|all| all.iter().map(ToString::to_string).collect());
    (subjects, serde_json::from_slice(&document).expect("JSON"))
}

fn subject() -> Option<Vec<String>> {
    Some(vec![format!("sha256:{HEX}")])
}

#[test]
fn a_document_without_an_envelope_comes_back_as_it_is() {
    assert_eq!(opened(spdx().to_string().as_bytes()), (None, spdx()));
}

#[test]
fn a_statement_is_opened_alone_in_an_envelope_and_in_a_bundle() {
    let statement = statement("https://spdx.dev/Document/v2.3", &spdx()).to_string();
    assert_eq!(opened(statement.as_bytes()), (subject(), spdx()));
    for payload in [STANDARD.encode(&statement), URL_SAFE_NO_PAD.encode(&statement)] {
        let envelope = json!({
            "payloadType": "application/vnd.in-toto+json",
            "payload": payload,
            "signatures": [{ "sig": "" }],
        });
        assert_eq!(opened(envelope.to_string().as_bytes()), (subject(), spdx()));
        let bundle = json!({
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "dsseEnvelope": envelope,
        });
        assert_eq!(opened(bundle.to_string().as_bytes()), (subject(), spdx()));
    }
}

#[test]
fn what_cosign_wraps_is_unwrapped() {
    let bom = json!({ "bomFormat": "CycloneDX" });
    for data in [bom.clone(), json!(bom.to_string())] {
        let predicate = json!({ "Data": data, "Timestamp": "2026-01-01T00:00:00Z" });
        for kind in ["https://cyclonedx.org/bom/v1.4", "https://cosign.sigstore.dev/attestation/v1"]
        {
            let statement = statement(kind, &predicate).to_string();
            assert_eq!(opened(statement.as_bytes()), (subject(), bom.clone()));
        }
    }
}

#[test]
fn other_statements_are_told_from_broken_ones() {
    let error = |text: &str| open(text.as_bytes()).expect_err(text);
    let provenance = statement("https://slsa.dev/provenance/v1", &json!({}));
    assert!(error(&provenance.to_string()).is_about_something_else());
    let envelope = |payload: &str| json!({ "payloadType": "x", "payload": payload }).to_string();
    assert!(error(&envelope(&STANDARD.encode(r#"{"_type":"other"}"#))).is_about_something_else());
    let broken = error(&envelope("%%%"));
    assert!(matches!(broken, AttestationError::Payload) && !broken.is_about_something_else());
    // An envelope within an envelope is not opened a second time.
    let nested = envelope(&STANDARD.encode(envelope(&STANDARD.encode(spdx().to_string()))));
    assert!(matches!(error(&nested), AttestationError::Malformed(_)));
    assert!(matches!(error("not JSON"), AttestationError::Malformed(_)));
    let empty = json!({ "_type": "https://in-toto.io/Statement/v1",
        "predicateType": "https://spdx.dev/Document" });
    assert!(matches!(error(&empty.to_string()), AttestationError::Malformed(_)));
}
