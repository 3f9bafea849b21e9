use proptest::prelude::{prop_assert_eq, proptest};
use tallyman_model::limits::Limits;

use super::{analyze, plain_json, top_of};
use crate::analyzers::lock::tests::named;

fn packages(lock: &str) -> Result<Vec<String>, String> {
    named(analyze("app/bun.lock", lock.as_bytes(), &Limits::default()))
}

#[test]
fn packages_are_named_by_their_resolution_unless_only_development_leads_to_them() {
    let lock = r#"{
      "lockfileVersion": 1, // a comment, with a comma
      "workspaces": {
        "": {
          "name": "shop",
          "dependencies": {"@s/a": "^1", "alias": "npm:real@4", "part": "workspace:*",},
          "devDependencies": {"lint": "^9",},
        },
        "packages/part": {"name": "part", "optionalDependencies": {"git": "owner/git",},},
      },
      "packages": {
        "@s/a": ["@s/a@1.2.3", "", {"dependencies": {"b": "^2"}}, "sha512-x=="],
        "@s/a/b": ["b@2.1.0", "", {"dependencies": {"deep": "1"}}, "sha512-x=="],
        "alias": ["real@4.0.0", "", {}, "sha512-x=="],
        "b": ["b@2.0.0", "", {}, "sha512-x=="],
        "deep": ["deep@1.0.0", "", {"bin": {"x": "y"}}, "sha512-x=="],
        "git": ["git@github:owner/git#0123", {}, "owner-git-0123"],
        "lint": ["lint@9.0.0", "", {"dependencies": {"deep": "2", "tool": "3"}}, "sha512-x=="],
        "lint/deep": ["deep@2.0.0", "", {}, "sha512-x=="],
        "nobody": ["nobody@7.0.0", "", {}, "sha512-x=="],
        "part": ["part@workspace:packages/part"],
        "tool": ["tool@3.0.0", "", {}, "sha512-x=="], /* the last one */
      }
    }"#;
    let expected = ["@s/a 1.2.3", "b 2.0.0", "b 2.1.0", "deep 1.0.0", "nobody 7.0.0", "real 4.0.0"];
    assert_eq!(packages(lock).as_deref(), Ok(&expected.map(String::from)[..]));
}

#[test]
fn a_place_lies_beneath_a_package_at_the_top() {
    for (place, top) in
        [("a", "a"), ("a/b", "a"), ("@s/a", "@s/a"), ("@s/a/@t/b", "@s/a"), ("@s", "@s"), ("", "")]
    {
        assert_eq!(top_of(place), top, "{place}");
    }
}

#[test]
fn comments_and_trailing_commas_become_spaces() {
    for (written, plain) in [
        ("[1,]", "[1 ]"),
        ("[1,//,\n]", "[1    \n]"),
        ("{/*\n*/}", "{  \n  }"),
        (r#"["//", ",]", "\"", ","]"#, r#"["//", ",]", "\"", ","]"#),
        ("[1, 2]", "[1, 2]"),
        ("[,1]", "[,1]"),
        ("/* open", "       "),
        ("\"open", "\"open"),
    ] {
        assert_eq!(plain_json(written).as_deref(), Ok(plain), "{written}");
    }
}

#[test]
fn what_is_no_lock_is_a_fault() {
    for bad in [
        "",
        "[]",
        r#"{"packages": {"a": []}}"#,
        r#"{"packages": {"a": ["a"]}}"#,
        r#"{"packages": {"a": ["a b@1"]}}"#,
        r#"{"packages": {"a": "a@1"}}"#,
    ] {
        assert!(packages(bad).is_err(), "{bad}");
    }
    assert_eq!(packages(r#"{"packages": {},}"#), Ok(Vec::new()));
}

proptest! {
    #[test]
    fn plain_json_stays_as_it_is(text in r#"[\[\]{},:"a\\ \n]{0,60}"#) {
        if serde_json::from_str::<serde_json::Value>(&text).is_ok() {
            prop_assert_eq!(plain_json(&text), Ok(text));
        } else {
            let _ = packages(&text);
            let _ = packages(&format!(r#"{{"packages": {{"a": [{text}]}}}}"#));
        }
    }
}
