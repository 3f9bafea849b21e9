use super::{PublicKey, PublicKeyError, read_element};

/// A P-256 key made with openssl.
const EC_KEY: &str = "-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAErUNukpFQASfmn/mO+oWs2N4sVbgt
Fn7heGaRyJayA2SFr/qCe+Z4nN0irC9gqzREU8nepa8HdB23TjNZ9Z3nAA==
-----END PUBLIC KEY-----";

#[test]
fn other_keys_and_other_texts_are_refused() {
    assert_eq!(PublicKey::parse_pem(EC_KEY), Err(PublicKeyError::NotRsa));
    for text in [
        "",
        "-----BEGIN PUBLIC KEY-----",
        "-----BEGIN RSA PUBLIC KEY-----\nAAAA\n-----END RSA PUBLIC KEY-----",
        "-----BEGIN PUBLIC KEY-----\n*\n-----END PUBLIC KEY-----",
    ] {
        assert_eq!(PublicKey::parse_pem(text), Err(PublicKeyError::NotPem), "{text}");
    }
    for base64 in ["", "MA==", "MAAA", "MIID", "MIL/"] {
        let text = format!("-----BEGIN PUBLIC KEY-----\n{base64}\n-----END PUBLIC KEY-----\n");
        assert_eq!(PublicKey::parse_pem(&text), Err(PublicKeyError::NotRsa), "{base64}");
    }
}

#[test]
fn lengths_beyond_the_data_are_no_elements() {
    assert_eq!(read_element(&[0x30, 0x01, 0x05, 0x06], 0x30), Some((&[5][..], &[6][..])));
    assert_eq!(read_element(&[0x30, 0x81, 0x01, 0x05], 0x30), Some((&[5][..], &[][..])));
    assert_eq!(read_element(&[0x30, 0x82, 0x00, 0x01, 0x05], 0x30), Some((&[5][..], &[][..])));
    for der in [&[0x30][..], &[0x30, 0x02, 0x05], &[0x30, 0x80, 0x00], &[0x30, 0x82, 0x01]] {
        assert_eq!(read_element(der, 0x30), None);
    }
    assert_eq!(read_element(&[0x31, 0x01, 0x05], 0x30), None);
}
