//! Recorded requests of the official SDKs, each with the verdict a verifier must give.
//!
//! The recordings come from a file: the one that `SIGNATURE_VECTORS` names, or one beside the
//! checkout. Without it only the vectors of this crate run.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tallyman_acs::error::ApiError;
use tallyman_acs::request::RawRequest;
use tallyman_acs::secret::Secret;
use tallyman_acs::signature::{AuthRequest, Credential, PublicKey};

const OWN_VECTORS: &str = include_str!("vectors.json");

#[test]
fn own_vectors_have_their_verdicts() {
    check_all(OWN_VECTORS);
}

#[test]
fn recorded_vectors_have_their_verdicts() {
    let path = recorded_path();
    match fs::read_to_string(&path) {
        Ok(text) => check_all(&text),
        Err(error) if env::var_os("SIGNATURE_VECTORS").is_some() => {
            panic!("failed to read {}: {error}", path.display())
        }
        #[expect(clippy::print_stderr, reason = "says why nothing was tested")]
        Err(_) => eprintln!("{} is not there, only the own vectors ran", path.display()),
    }
}

fn recorded_path() -> PathBuf {
    env::var_os("SIGNATURE_VECTORS").map_or_else(
        || {
            Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("../../../shared/contract/signature-vectors.json")
        },
        PathBuf::from,
    )
}

fn check_all(text: &str) {
    let file: Value = serde_json::from_str(text).unwrap();
    let vectors = file["vectors"].as_array().unwrap();
    assert!(!vectors.is_empty());
    let failures: Vec<String> = vectors.iter().filter_map(|vector| check(vector).err()).collect();
    assert!(
        failures.is_empty(),
        "{} of {}:\n{}",
        failures.len(),
        vectors.len(),
        failures.join("\n")
    );
}

fn check(vector: &Value) -> Result<(), String> {
    let name = text(&vector["name"]);
    let request = &vector["request"];
    let (path, query) = split_target(text(&request["target"]));
    let headers: Vec<(String, String)> = request["headers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|header| (text(&header[0]).to_owned(), text(&header[1]).to_owned()))
        .collect();
    let body = hex::decode(text(&request["body_hex"])).unwrap();
    let raw = RawRequest {
        method: text(&request["method"]),
        path,
        query,
        headers: &headers,
        body: &body,
    };

    let verdict = match judge(&raw, vector) {
        Ok(()) => "valid".to_owned(),
        Err(error) => {
            if error.code == "SignatureDoesNotMatch" && !error.message.contains(':') {
                return Err(format!("{name}: no colon in {}", error.message));
            }
            error.code
        }
    };
    if verdict != text(&vector["expect"]) {
        return Err(format!("{name}: {verdict}, expected {}", vector["expect"]));
    }
    Ok(())
}

fn judge(raw: &RawRequest<'_>, vector: &Value) -> Result<(), ApiError> {
    let request = AuthRequest::parse(raw)?;
    let now = vector["now"].as_str().unwrap_or_else(|| text(&vector["timestamp"]));
    request.check_timestamp(now.parse::<jiff::Timestamp>().unwrap().as_millisecond())?;
    let secret = Secret::new(text(&vector["access_key_secret"]));
    let key = vector["public_key_pem"].as_str().map(|pem| PublicKey::parse_pem(pem).unwrap());
    let credential = key.as_ref().map_or(Credential::Secret(&secret), Credential::PublicKey);
    let verdict = request.verify(&credential);

    let name = text(&vector["name"]);
    if let Some(expected) = vector["canonical_request"].as_str() {
        assert_eq!(request.canonical_request().as_deref(), Some(expected), "{name}");
    }
    if let Some(expected) = vector["string_to_sign"].as_str() {
        assert_eq!(request.string_to_sign(), expected, "{name}");
    }
    if verdict.is_ok() {
        assert_eq!(request.access_key_id(), text(&vector["access_key_id"]), "{name}");
        assert_eq!(request.nonce(), text(&vector["nonce"]), "{name}");
        assert_eq!(request.security_token(), vector["security_token"].as_str(), "{name}");
    }
    verdict
}

fn split_target(target: &str) -> (&str, &str) {
    target.split_once('?').unwrap_or((target, ""))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}
