use proptest::prelude::*;

use super::ImageReference;

fn parts(text: &str) -> String {
    match text.parse::<ImageReference>() {
        Ok(r) => format!(
            "{} {} {} {}",
            r.registry(),
            r.repository(),
            r.tag().unwrap_or("-"),
            r.digest().map_or("-", |d| &d.hex()[..4])
        ),
        Err(error) => format!("error: {error}"),
    }
}

#[test]
fn references_are_normalised_as_docker_does() {
    let digest = format!("sha256:{}", "ab".repeat(32));
    let table = [
        ("alpine", "docker.io library/alpine latest -"),
        ("alpine:3.20", "docker.io library/alpine 3.20 -"),
        ("bitnami/redis", "docker.io bitnami/redis latest -"),
        ("index.docker.io/alpine", "docker.io library/alpine latest -"),
        ("localhost/a", "localhost a latest -"),
        ("127.0.0.1:5000/team/app:v1", "127.0.0.1:5000 team/app v1 -"),
        ("[::1]:5000/app", "[::1]:5000 app latest -"),
        ("ghcr.io/a/b/c", "ghcr.io a/b/c latest -"),
    ];
    for (text, expect) in table {
        assert_eq!(parts(text), expect, "{text}");
    }
    assert_eq!(parts(&format!("a.b/c:t@{digest}")), "a.b c t abab");
    assert_eq!(parts(&format!("a.b/c@{digest}")), "a.b c - abab");
}

#[test]
fn malformed_references_say_what_is_wrong() {
    for (text, word) in [
        ("", "1 to 255"),
        ("Alpine", "a-z"),
        ("a..b", "a-z"),
        ("a:", "tag"),
        ("a@sha256:12", "digest"),
        ("a.b:99999/c", "host"),
        ("a/../b", "a-z"),
        ("a.b/", "1 to 255"),
        ("-a", "a-z"),
    ] {
        let got = parts(text);
        assert!(got.starts_with("error") && got.contains(word), "{text}: {got}");
    }
}

#[test]
fn a_name_is_measured_with_what_is_put_in_front_of_it() {
    let whole = "x".repeat(247);
    assert_eq!(parts(&whole), format!("docker.io library/{whole} latest -"));
    let got = parts(&format!("{whole}x"));
    assert!(got.starts_with("error") && got.contains("1 to 255"), "{got}");
}

proptest! {
    #[test]
    fn printing_a_reference_and_reading_it_again_changes_nothing(text in "[a-z0-9.:/@_-]{0,40}") {
        if let Ok(reference) = text.parse::<ImageReference>() {
            prop_assert_eq!(reference.to_string().parse::<ImageReference>(), Ok(reference));
        }
    }

    #[test]
    fn any_text_is_either_a_reference_or_an_error(text in ".{0,60}") {
        let _ = text.parse::<ImageReference>();
    }
}
