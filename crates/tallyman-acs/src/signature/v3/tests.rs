use super::{raw_name_query, sign, sorted_query};
use crate::request::RawRequest;
use crate::secret::Secret;
use crate::signature::{AuthRequest, Credential, Scheme};

fn raw_query(query: &str) -> Option<String> {
    let request = RawRequest { method: "GET", path: "/", query, headers: &[], body: b"" };
    raw_name_query(&sorted_query(&request))
}

/// The example of the documentation of the V3 signature.
#[test]
fn the_documented_example_has_its_documented_signature() {
    let string_to_sign =
        "ACS3-HMAC-SHA256\n7ea06492da5221eba5297e897ce16e55f964061054b7695beedaac1145b1e259";
    assert_eq!(
        sign(Scheme::V3HmacSha256, "YourAccessKeySecret", string_to_sign),
        "06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0"
    );
}

#[test]
fn raw_names_are_tried_only_where_they_differ_and_are_unambiguous() {
    assert_eq!(raw_query("B.1=x&A=%20").as_deref(), None);
    assert_eq!(raw_query("Tag%5B0%5D=%20&A=").as_deref(), Some("A=&Tag[0]=%20"));
    for query in ["a%3D1%26b=2", "a%26b=1", "a%25=1", "a%0Ab=1"] {
        assert_eq!(raw_query(query), None, "{query}");
    }
}

#[test]
fn a_header_that_must_be_signed_is_named() {
    let headers = [
        ("x-acs-action", "A"),
        ("x-acs-version", "2018-12-03"),
        ("x-acs-date", "2026-11-24T02:30:00Z"),
        ("x-acs-signature-nonce", "n"),
        ("x-acs-security-token", "t"),
        ("authorization", "ACS3-HMAC-SHA256 Credential=a,SignedHeaders=x-acs-action,Signature=00"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let raw = RawRequest { method: "GET", path: "/", query: "", headers: &headers, body: b"" };
    let request = AuthRequest::parse(&raw).unwrap();
    let secret = Secret::new("s");
    let error = request.verify(&Credential::Secret(&secret)).unwrap_err();
    assert_eq!((error.http_status, error.code.as_str()), (400, "SignatureDoesNotMatch"));
    let canonical = request.canonical_request().unwrap();
    let string_to_sign = request.string_to_sign();
    assert_eq!(
        error.message,
        format!(
            "Specified signature does not match our calculation. server StringToSign is \
             [{string_to_sign}] server CanonicalRequest is [{canonical}] headers that must be \
             signed: x-acs-version, x-acs-date, x-acs-signature-nonce, x-acs-content-sha256, \
             x-acs-security-token"
        )
    );
}
