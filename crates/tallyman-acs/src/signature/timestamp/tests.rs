use super::{format, parse};

#[test]
fn only_the_documented_form_is_parsed() {
    assert_eq!(parse("1970-01-01T00:00:01Z"), Some(1_000));
    assert_eq!(parse("2026-11-24T02:30:00Z"), Some(1_795_487_400_000));
    for text in [
        "",
        "2026-11-24T02:30:00",
        "2026-11-24 02:30:00Z",
        "2026-11-24T02:30:00z",
        "2026-11-24T02:30:00.5Z",
        "2026-11-24T02:30:00+00:00",
        "2026-13-24T02:30:00Z",
        "2026-02-30T02:30:00Z",
        "1795487400",
        "２026-11-24T02:30:0Z",
    ] {
        assert_eq!(parse(text), None, "{text}");
    }
}

#[test]
fn formatting_drops_the_milliseconds() {
    assert_eq!(format(1_795_487_400_999).as_deref(), Some("2026-11-24T02:30:00Z"));
    assert_eq!(format(-1).as_deref(), Some("1969-12-31T23:59:59Z"));
    assert_eq!(format(i64::MAX), None);
}
