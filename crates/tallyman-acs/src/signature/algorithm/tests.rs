use super::{Hash, decode_lower_hex};

#[test]
fn digests_are_the_published_ones() {
    // FIPS 180-2 appendix B.1 and GB/T 32905-2016 appendix A.1.
    assert_eq!(
        Hash::Sha256.hex_digest(b"abc"),
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    );
    assert_eq!(
        Hash::Sm3.hex_digest(b"abc"),
        "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
    );
}

#[test]
fn hmac_sm3_agrees_with_another_implementation() {
    let message = b"The quick brown fox jumps over the lazy dog";
    let tag = Hash::Sm3.hmac(b"key", message);
    assert_eq!(
        hex::encode(&tag),
        "bd4a34077888162b210645b8ebf74b9af357303789357a27c7fc457244ebd398"
    );
    assert_eq!(
        hex::encode(Hash::Sm3.hmac(&[b'k'; 100], b"m")),
        "f312191af2189391af149747f3af756fb9cd8b7222171df9b2b71d445863e6a3"
    );
    assert!(Hash::Sm3.verifies(b"key", message, &tag));
    assert!(!Hash::Sm3.verifies(b"key", message, &tag[..16]));
    assert!(!Hash::Sm3.verifies(b"other", message, &tag));
}

#[test]
fn signatures_have_one_form() {
    assert_eq!(decode_lower_hex("0aff"), Some(vec![0x0a, 0xff]));
    for text in ["0A", "0", "0g", " 00"] {
        assert_eq!(decode_lower_hex(text), None, "{text}");
    }
}
