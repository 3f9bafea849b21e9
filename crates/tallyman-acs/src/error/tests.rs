use super::catalogue;

#[test]
fn codes_are_built_from_the_parameter() {
    let error = catalogue::missing_parameter("Uuids");
    assert_eq!((error.http_status, error.code.as_str()), (400, "MissingUuids"));
    assert_eq!(error.message, "Uuids is mandatory for this action.");
    let error = catalogue::invalid_parameter("ScanRange.1");
    assert_eq!(error.code, "InvalidScanRange");
    assert_eq!(error.message, "Specified parameter ScanRange.1 is not valid.");
}

#[test]
fn both_signature_messages_hold_a_colon() {
    let v1 = catalogue::signature_does_not_match_v1("GET&%2F&a%3Db");
    assert_eq!(
        v1.message,
        "Specified signature is not matched with our calculation. server string to sign is:GET&%2F&a%3Db"
    );
    let v3 = catalogue::signature_does_not_match_v3("ACS3-HMAC-SHA256\n00", "POST\n/\n\nhost:h");
    assert_eq!(
        v3.message,
        "Specified signature does not match our calculation. server StringToSign is \
         [ACS3-HMAC-SHA256\n00] server CanonicalRequest is [POST\n/\n\nhost:h]"
    );
}

#[test]
fn throttling_says_how_long_to_wait() {
    let error = catalogue::throttled(1_500);
    assert_eq!((error.code.as_str(), error.retry_after_ms), ("Throttling.User", Some(1_500)));
}
