//! What is signed here verifies here, and nothing else does.

use proptest::prelude::{ProptestConfig, any, prop_assert, prop_assert_eq, proptest};
use tallyman_acs::encoding::encode_pairs;
use tallyman_acs::error::ApiError;
use tallyman_acs::request::RawRequest;
use tallyman_acs::secret::Secret;
use tallyman_acs::signature::{
    AuthRequest, Credential, SignedRequest, SigningRequest, sign_v1, sign_v3,
};

const NOW_MS: i64 = 1_795_487_400_000;

const FORM: &str = "application/x-www-form-urlencoded";

fn signing_request<'a>(
    secret: &'a Secret,
    query: &'a [(&'a str, &'a str)],
    body: &'a [u8],
) -> SigningRequest<'a> {
    SigningRequest {
        method: "POST",
        host: "127.0.0.1:8080",
        path: "/",
        action: "DescribeImageInfoList",
        version: "2018-12-03",
        query,
        body,
        content_type: Some(FORM),
        access_key_id: "LTAItest",
        secret,
        security_token: Some("token+/="),
        timestamp_ms: NOW_MS,
        nonce: "0123456789abcdef",
    }
}

fn verify(signed: &SignedRequest, body: &[u8], secret: &Secret) -> Result<String, ApiError> {
    let (path, query) = signed.target.split_once('?').unwrap_or((&signed.target, ""));
    let raw = RawRequest { method: "POST", path, query, headers: &signed.headers, body };
    let request = AuthRequest::parse(&raw)?;
    request.check_timestamp(NOW_MS)?;
    request.verify(&Credential::Secret(secret))?;
    Ok(request.parameters().find_raw("Uuids").unwrap_or_default().to_owned())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn what_is_signed_verifies(uuids in any::<String>(), filter in any::<String>(), name in "[^=&%\\pC]{1,9}9") {
        let secret = Secret::new("secret");
        let query = [("Uuids", uuids.as_str()), (name.as_str(), "v")];
        let body = encode_pairs([("Filter", filter.as_str())]);
        let request = signing_request(&secret, &query, body.as_bytes());
        for sign in [sign_v1, sign_v3] {
            let signed = sign(&request).unwrap();
            prop_assert_eq!(verify(&signed, body.as_bytes(), &secret), Ok(uuids.clone()));
        }
    }

    #[test]
    fn what_was_changed_does_not_verify(value in "[a-z]{1,8}", other in "[a-z]{1,8}", secret in "[a-z]{1,8}") {
        let query = [("Uuids", value.as_str())];
        let body = encode_pairs([("Filter", value.as_str())]);
        let right = Secret::new("SECRET");
        let request = signing_request(&right, &query, body.as_bytes());
        for sign in [sign_v1, sign_v3] {
            let signed = sign(&request).unwrap();
            let code = |result: Result<String, ApiError>| result.unwrap_err().code;
            let wrong = Secret::new(secret.as_str());
            prop_assert_eq!(code(verify(&signed, body.as_bytes(), &wrong)), "SignatureDoesNotMatch");
            if value != other {
                let tampered = encode_pairs([("Filter", other.as_str())]);
                let verdict = verify(&signed, tampered.as_bytes(), &right);
                prop_assert_eq!(code(verdict), "SignatureDoesNotMatch");
                let target = signed.target.replace(&format!("Uuids={value}"), &format!("Uuids={other}"));
                prop_assert!(target != signed.target);
                let tampered = SignedRequest { target, ..signed };
                let verdict = verify(&tampered, body.as_bytes(), &right);
                prop_assert_eq!(code(verdict), "SignatureDoesNotMatch");
            }
        }
    }

    #[test]
    fn no_request_panics(
        query in any::<String>(),
        headers in any::<Vec<(String, String)>>(),
        authorization in "ACS3-HMAC-S(HA256|M3) [A-Za-z=,; -]{0,60}",
        body in any::<Vec<u8>>(),
    ) {
        let mut headers = headers;
        for name in ["x-acs-action", "x-acs-version", "x-acs-signature-nonce"] {
            headers.push((name.to_owned(), "x".to_owned()));
        }
        headers.push(("x-acs-date".to_owned(), "2026-11-24T02:30:00Z".to_owned()));
        headers.push(("authorization".to_owned(), authorization));
        headers.push(("content-type".to_owned(), FORM.to_owned()));
        let raw = RawRequest { method: "POST", path: "/", query: &query, headers: &headers, body: &body };
        if let Ok(request) = AuthRequest::parse(&raw) {
            let verdict = request.verify(&Credential::Secret(&Secret::new("s")));
            prop_assert_eq!(verdict.unwrap_err().code, "SignatureDoesNotMatch");
        }
    }
}

#[test]
fn v3_signs_paths_of_its_own() {
    let secret = Secret::new("secret");
    let request = SigningRequest {
        path: "/agent/v1/layers%20x",
        content_type: Some("application/json"),
        ..signing_request(&secret, &[], b"{}")
    };
    let signed = sign_v3(&request).unwrap();
    assert_eq!(signed.target, "/agent/v1/layers%20x");
    assert_eq!(verify(&signed, b"{}", &secret), Ok(String::new()));
    let moved = SignedRequest { target: "/agent/v1/other".to_owned(), ..signed };
    assert_eq!(verify(&moved, b"{}", &secret).unwrap_err().code, "SignatureDoesNotMatch");
}
