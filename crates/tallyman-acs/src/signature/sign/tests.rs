use super::{SignError, SigningRequest, sign_v1, sign_v3, sign_v3_with};
use crate::request::RawRequest;
use crate::secret::Secret;
use crate::signature::{AuthRequest, Credential, Scheme};

fn request(secret: &Secret) -> SigningRequest<'_> {
    SigningRequest {
        method: "POST",
        host: "127.0.0.1",
        path: "/",
        action: "DescribeImageInfoList",
        version: "2018-12-03",
        query: &[],
        body: b"",
        content_type: None,
        access_key_id: "ak",
        secret,
        security_token: None,
        timestamp_ms: 1_795_487_400_000,
        nonce: "n",
    }
}

#[test]
fn a_v3_request_without_parameters_has_no_query() {
    let secret = Secret::new("s");
    let signed = sign_v3(&request(&secret)).unwrap();
    assert_eq!(signed.target, "/");
    let names: Vec<&str> = signed.headers.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        [
            "host",
            "x-acs-action",
            "x-acs-version",
            "x-acs-date",
            "x-acs-signature-nonce",
            "x-acs-content-sha256",
            "authorization"
        ]
    );
}

#[test]
fn sm3_verifies_too() {
    let secret = Secret::new("s");
    let signed = sign_v3_with(Scheme::V3HmacSm3, &request(&secret)).unwrap();
    let raw =
        RawRequest { method: "POST", path: "/", query: "", headers: &signed.headers, body: b"" };
    let parsed = AuthRequest::parse(&raw).unwrap();
    assert_eq!(parsed.scheme(), Scheme::V3HmacSm3);
    assert_eq!(parsed.verify(&Credential::Secret(&secret)), Ok(()));
}

#[test]
fn what_no_server_would_accept_is_not_signed() {
    let secret = Secret::new("s");
    let late = SigningRequest { timestamp_ms: i64::MAX, ..request(&secret) };
    let twice = SigningRequest { query: &[("A", "1"), ("A", "2")], ..request(&secret) };
    for sign in [sign_v1, sign_v3] {
        assert_eq!(sign(&late), Err(SignError::Timestamp(i64::MAX)));
        assert!(matches!(sign(&twice), Err(SignError::Parameters(_))));
    }
}
