use proptest::prelude::proptest;
use tallyman_model::limits::Limits;

use super::analyze;
use crate::analyzers::lock::tests::named;

fn packages(lock: &str) -> Result<Vec<String>, String> {
    named(analyze("app/package-lock.json", lock.as_bytes(), &Limits::default()))
}

#[test]
fn a_lock_by_place_names_what_is_installed_for_the_application() {
    let lock = r#"{
        "name": "shop", "version": "3.0.0", "lockfileVersion": 3, "requires": true,
        "packages": {
            "": {"name": "shop", "version": "3.0.0", "dependencies": {"a": "^1"}},
            "node_modules/a": {"version": "1.2.3", "resolved": "https://r/a.tgz"},
            "node_modules/a/node_modules/@s/b": {"version": "0.1.0", "optional": true},
            "node_modules/alias": {"name": "real", "version": "4.0.0"},
            "node_modules/lint": {"version": "9.0.0", "dev": true},
            "node_modules/maybe": {"version": "2.0.0", "devOptional": true},
            "node_modules/part": {"resolved": "packages/part", "link": true},
            "packages/part": {"version": "0.0.1"},
            "packages/part/node_modules/c": {"version": "5.0.0"}
        },
        "dependencies": {"old": {"version": "1.0.0"}}
    }"#;
    let expected = ["@s/b 0.1.0", "a 1.2.3", "c 5.0.0", "maybe 2.0.0", "real 4.0.0"];
    assert_eq!(packages(lock).as_deref(), Ok(&expected.map(String::from)[..]));
}

#[test]
fn a_lock_by_name_is_read_with_all_that_is_nested() {
    let lock = r#"{"lockfileVersion": 1, "dependencies": {
        "a": {"version": "1.0.0", "requires": {"b": "^2"}, "dependencies": {
            "b": {"version": "2.0.0", "dependencies": {"c": {"version": "3.0.0"}}}}},
        "b": {"version": "1.0.0", "dev": true, "dependencies": {"d": {"version": "4.0.0"}}},
        "alias": {"version": "npm:@s/real@5.0.0"},
        "git": {"version": "git+ssh://git@example.com/x.git#0123"},
        "path": {"version": "file:../path"},
        "short": {"version": "owner/name#0123"}
    }}"#;
    let expected = ["@s/real 5.0.0", "a 1.0.0", "b 2.0.0", "c 3.0.0", "d 4.0.0"];
    assert_eq!(packages(lock).as_deref(), Ok(&expected.map(String::from)[..]));
}

#[test]
fn an_empty_lock_names_nothing() {
    for empty in ["{}", r#"{"packages": {}}"#, r#"{"lockfileVersion": 1, "dependencies": {}}"#] {
        assert_eq!(packages(empty), Ok(Vec::new()), "{empty}");
    }
}

#[test]
fn what_is_no_lock_is_a_fault_that_says_why() {
    for bad in [
        "",
        "[]",
        r#"{"packages": {"node_modules/a": {"version""#,
        r#"{"packages": []}"#,
        r#"{"packages": {"node_modules/a": []}}"#,
        r#"{"packages": {"node_modules/a": {"version": 1}}}"#,
    ] {
        assert!(packages(bad).is_err(), "{bad}");
    }
    let fault = packages(r#"{"packages": {"node_modules/a b": {"version": "1"}}}"#);
    let reason = "the package `a b` has a name or version that is none";
    assert_eq!(fault, Err(reason.to_owned()));
}

#[test]
fn nesting_ends() {
    let deep = |levels: usize| {
        let open = r#"{"a":{"version":"1","dependencies":"#.repeat(levels);
        format!(r#"{{"dependencies":{open}{{}}{}}}"#, "}}".repeat(levels))
    };
    assert_eq!(packages(&deep(32)), Ok(vec!["a 1".to_owned()]));
    let fault = packages(&deep(34)).expect_err("too deep");
    assert_eq!(fault, "dependencies are nested deeper than 32");
    assert!(packages(&deep(100_000)).is_err());
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in r#"[{}\[\]",:a-z0-9\\]{0,80}"#) {
        let _ = packages(&text);
        let _ = packages(&format!(r#"{{"packages": {text}}}"#));
        let _ = packages(&format!(r#"{{"dependencies": {text}}}"#));
    }
}
