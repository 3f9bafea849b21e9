use proptest::prelude::{any, proptest};

use super::{DecodeError, decode_component, encode_pairs, parse_pairs, percent_encode};

#[test]
fn only_unreserved_characters_stay() {
    assert_eq!(percent_encode("AZaz09-_.~"), "AZaz09-_.~");
    assert_eq!(percent_encode(" +*/é中!'()&="), "%20%2B%2A%2F%C3%A9%E4%B8%AD%21%27%28%29%26%3D");
}

#[test]
fn plus_and_percent_20_are_spaces() {
    assert_eq!(decode_component("a+b%20c%2bd"), Ok("a b c+d".to_owned()));
}

#[test]
fn bad_escapes_and_bad_utf8_are_error_values() {
    for text in ["%", "%4", "%zz", "a%4", "%%41", "%+1"] {
        assert_eq!(decode_component(text), Err(DecodeError::InvalidEscape), "{text}");
    }
    for text in ["%ff", "%C3", "%ED%A0%80", "%C0%AF"] {
        assert_eq!(decode_component(text), Err(DecodeError::InvalidUtf8), "{text}");
    }
}

#[test]
fn blanks_and_names_without_equals_are_kept() {
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(
        parse_pairs("b=&a&&=x&c=1=2"),
        Ok(vec![pair("b", ""), pair("a", ""), pair("", "x"), pair("c", "1=2")])
    );
    assert_eq!(parse_pairs(""), Ok(vec![]));
}

proptest! {
    #[test]
    fn decoding_undoes_encoding(text in any::<String>()) {
        let encoded = percent_encode(&text);
        proptest::prop_assert!(encoded.bytes().all(|byte| byte == b'%' || super::is_unreserved(byte)));
        proptest::prop_assert_eq!(decode_component(&encoded), Ok(text));
    }

    #[test]
    fn parsing_undoes_encoding_of_pairs(pairs in any::<Vec<(String, String)>>()) {
        let encoded = encode_pairs(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        proptest::prop_assert_eq!(parse_pairs(&encoded), Ok(pairs));
    }

    #[test]
    fn parsing_never_panics(text in any::<String>()) {
        let _ = parse_pairs(&text);
    }
}
