use super::Authorization;
use crate::signature::Scheme;

fn code(value: &str) -> String {
    Authorization::parse(value).unwrap_err().code
}

#[test]
fn order_blanks_and_case_of_names_do_not_matter() {
    let expected = Authorization::parse(
        "ACS3-HMAC-SHA256 Credential=ak,SignedHeaders=host;x-acs-date,Signature=00",
    )
    .unwrap();
    assert_eq!(expected.scheme, Scheme::V3HmacSha256);
    assert_eq!(expected.access_key_id, "ak");
    assert_eq!(expected.signature, "00");
    for value in [
        "ACS3-HMAC-SHA256 Credential=ak,Signature=00,SignedHeaders=host;x-acs-date",
        "ACS3-HMAC-SHA256  Credential=ak, SignedHeaders=host;x-acs-date , Signature=00",
        "ACS3-HMAC-SHA256 Credential=ak,SignedHeaders=X-Acs-Date;Host,Signature=00",
    ] {
        assert_eq!(Authorization::parse(value), Ok(expected.clone()), "{value}");
    }
}

#[test]
fn what_is_missing_doubled_or_unknown_is_incomplete() {
    for value in [
        "ACS3-HMAC-SHA256",
        "ACS3-HMAC-SHA256 ",
        "ACS3-HMAC-SHA256 Credential=ak",
        "ACS3-HMAC-SHA256 Credential=ak,Signature=00",
        "ACS3-HMAC-SHA256 Credential=ak,SignedHeaders=host,Signature=",
        "ACS3-HMAC-SHA256 Credential=,SignedHeaders=host,Signature=00",
        "ACS3-HMAC-SHA256 Credential=a,Credential=b,SignedHeaders=host,Signature=00",
        "ACS3-HMAC-SHA256 Credential=a,SignedHeaders=host,Signature=00,Other=1",
    ] {
        assert_eq!(code(value), "IncompleteSignature", "{value}");
    }
}

#[test]
fn unknown_algorithms_are_named_as_such() {
    assert_eq!(
        code("ACS3-HMAC-MD5 Credential=ak,SignedHeaders=host,Signature=00"),
        "InvalidSignatureMethod"
    );
}
