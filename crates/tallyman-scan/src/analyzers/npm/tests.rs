use std::fs;

use proptest::prelude::proptest;
use tallyman_model::inventory::Evidence;
use tallyman_model::limits::Limits;

use super::analyze;

fn package(content: &[u8]) -> Result<Option<String>, String> {
    match analyze("node_modules/a/package.json", content, &Limits::default()) {
        Ok(found) => Ok(found.first().map(|evidence| match evidence {
            Evidence::Packages(packages) => {
                let names = packages.iter().map(|p| format!("{} {}", p.name, p.version));
                names.collect::<Vec<_>>().join(",")
            }
            other => panic!("no packages: {other:?}"),
        })),
        Err(fault) => Err(fault.reason),
    }
}

#[test]
fn name_and_version_are_read_from_among_all_else() {
    for (content, expected) in [
        (r#"{"name":"a","version":"1.0.0"}"#, Some("a 1.0.0")),
        (r#"{"x":{"name":"b"},"version":"1","y":[1,null],"name":"@s/a"}"#, Some("@s/a 1")),
        (r#"{"name":"a","name":"b","version":"1"}"#, Some("b 1")),
        (r#"{"name":"\u0061","version":"1"}"#, Some("a 1")),
        ("\u{feff}{\"name\":\"a\",\"version\":\"1\"}", Some("a 1")),
        (r#"{"type":"module"}"#, None),
        (r#"{"name":"a"}"#, None),
        (r#"{"name":["a"],"version":1}"#, None),
    ] {
        assert_eq!(package(content.as_bytes()), Ok(expected.map(str::to_owned)), "{content}");
    }
}

#[test]
fn what_is_no_manifest_is_a_fault() {
    let deep = "[".repeat(100_000);
    for bad in ["", "{", "[]", "null", "{\"name\":\"a b\",\"version\":\"1\"}", &deep] {
        assert!(package(bad.as_bytes()).is_err(), "{bad:.20}");
    }
    assert!(package(b"{\"name\":\"\xff\",\"version\":\"1\"}").is_err());
    let inside = format!(r#"{{"x":{deep}}}"#);
    assert!(package(inside.as_bytes()).is_err());
}

#[test]
fn the_npm_of_this_machine_is_npm() {
    let Ok(content) = fs::read("/usr/lib/node_modules/npm/package.json") else {
        return;
    };
    let found = package(&content).expect("a manifest").expect("a package");
    assert!(found.starts_with("npm "), "{found}");
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in r#"[{}\[\]",:a-z0-9\\nameversion]{0,80}"#) {
        let _ = package(text.as_bytes());
    }
}
