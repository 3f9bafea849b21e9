use super::{RawRequest, is_form_type};

#[test]
fn repeated_headers_are_sorted_and_joined() {
    let headers = [("X-A", " b "), ("x-a", "a"), ("x-b", "\tc")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let request = RawRequest { method: "GET", path: "/", query: "", headers: &headers, body: b"" };
    assert_eq!(request.header("x-a").as_deref(), Some("a,b"));
    assert_eq!(request.header("X-B").as_deref(), Some("c"));
    assert_eq!(request.header("x-c"), None);
}

#[test]
fn forms_are_known_by_their_type_alone() {
    assert!(is_form_type("application/x-www-form-urlencoded"));
    assert!(is_form_type("Application/X-WWW-Form-Urlencoded; charset=utf-8"));
    assert!(!is_form_type("application/octet-stream"));
    assert!(!is_form_type(""));
}
