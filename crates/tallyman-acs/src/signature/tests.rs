use super::{AuthRequest, MAX_NONCE_LENGTH, requested_format};
use crate::answer::Format;
use crate::request::RawRequest;

fn headers(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn raw<'a>(query: &'a str, headers: &'a [(String, String)]) -> RawRequest<'a> {
    RawRequest { method: "GET", path: "/", query, headers, body: b"" }
}

fn code(query: &str, pairs: &[(&str, &str)]) -> String {
    AuthRequest::parse(&raw(query, &headers(pairs))).unwrap_err().code
}

#[test]
fn a_request_without_any_signature_is_told_what_it_lacks() {
    assert_eq!(code("", &[]), "MissingAction");
    assert_eq!(code("Action=A", &[]), "MissingVersion");
    assert_eq!(code("Action=A&Version=V", &[]), "MissingAccessKeyId");
    assert_eq!(code("", &[("x-acs-action", "A")]), "MissingVersion");
    assert_eq!(code("", &[("x-acs-action", "A"), ("x-acs-version", "V")]), "IncompleteSignature");
    assert_eq!(code("", &[("authorization", "Basic YTpi")]), "MissingAction");
    assert_eq!(code("", &[("authorization", "ACS3-HMAC-SHA256")]), "MissingAction");
}

#[test]
fn tokens_instead_of_signatures_are_refused_whatever_their_place() {
    for (query, header) in [
        ("Action=A&SignatureType=BEARERTOKEN&BearerToken=t&Signature=s", "x-other"),
        ("SignatureType=BEARERTOKEN", "x-acs-bearer-token"),
        ("", "x-acs-bearer-token"),
        ("", "x-acs-zero-trust-idtoken"),
    ] {
        assert_eq!(code(query, &[(header, "t"), ("x-acs-action", "A")]), "InvalidSignatureMethod");
    }
}

#[test]
fn long_nonces_are_refused() {
    let query = |length: usize| {
        format!(
            "Action=A&Version=V&AccessKeyId=a&Signature=s&SignatureMethod=HMAC-SHA1\
             &SignatureVersion=1.0&Timestamp=2026-11-24T02%3A30%3A00Z&SignatureNonce={}",
            "n".repeat(length)
        )
    };
    assert!(AuthRequest::parse(&raw(&query(MAX_NONCE_LENGTH), &[])).is_ok());
    assert_eq!(code(&query(MAX_NONCE_LENGTH + 1), &[]), "InvalidSignatureNonce");
}

#[test]
fn the_format_is_known_for_requests_that_are_refused() {
    let format =
        |query: &str, pairs: &[(&str, &str)]| requested_format(&raw(query, &headers(pairs)));
    assert_eq!(format("Action=A", &[]), Format::Xml);
    assert_eq!(format("Action=A&Format=JSON", &[]), Format::Json);
    assert_eq!(format("Action=A&Format=yaml", &[]), Format::Json);
    assert_eq!(format("Action=A&Action=B", &[]), Format::Json);
    assert_eq!(format("Action=%zz", &[]), Format::Json);
    assert_eq!(format("", &[]), Format::Json);
    assert_eq!(format("", &[("x-acs-action", "A")]), Format::Json);
    assert_eq!(format("Format=xml", &[("x-acs-action", "A")]), Format::Xml);
}

#[test]
fn debug_shows_neither_tokens_nor_signatures() {
    let query = "Action=A&Version=V&AccessKeyId=a&Signature=hidden&SignatureMethod=HMAC-SHA1\
                 &SignatureVersion=1.0&Timestamp=2026-11-24T02%3A30%3A00Z&SignatureNonce=n\
                 &SecurityToken=hidden";
    let headers = headers(&[("x-acs-security-token", "hidden")]);
    let raw = raw(query, &headers);
    let request = AuthRequest::parse(&raw).unwrap();
    assert_eq!(request.security_token(), Some("hidden"));
    let shown = format!("{raw:?} {request:?}");
    assert!(!shown.contains("hidden"), "{shown}");
}
