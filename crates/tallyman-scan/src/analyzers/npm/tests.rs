use std::fs;

use proptest::prelude::proptest;
use tallyman_model::limits::Limits;

use super::{analyze, wants};
use crate::analyzers::Candidate;
use crate::analyzers::lock::tests::named;
use crate::testing::{TarBuilder, analyze as analyze_layer};

const INSTALLED: &str = "node_modules/a/package.json";

fn package_at(path: &str, content: &[u8]) -> Result<Option<String>, String> {
    Ok(named(analyze(path, content, &Limits::default()))?.pop())
}

fn package(content: &[u8]) -> Result<Option<String>, String> {
    package_at(INSTALLED, content)
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
fn a_private_manifest_counts_only_where_packages_are_installed() {
    let private = br#"{"private": true, "name": "a", "version": "1"}"#;
    let public = br#"{"private": false, "name": "a", "version": "1"}"#;
    for installed in [
        "node_modules/a/package.json",
        "node_modules/@s/a/package.json",
        "node_modules/.pnpm/a@1/node_modules/a/package.json",
        "usr/share/nodejs/a/package.json",
        "usr/share/nodejs/@s/a/package.json",
        "usr/lib/nodejs/a/package.json",
    ] {
        assert_eq!(package_at(installed, private), Ok(Some("a 1".to_owned())), "{installed}");
    }
    for elsewhere in [
        "srv/package.json",
        "node_modules/package.json",
        "node_modules/.bin/package.json",
        "node_modules/@s/package.json",
        "node_modules/a/dist/b/package.json",
        "node_modules/@s/a/lib/package.json",
        "usr/share/nodejs/package.json",
        "usr/share/nodejs/a/bin/package.json",
        "usr/share/nodejs/@s/package.json",
        "opt/usr/share/nodejs/a/package.json",
    ] {
        assert_eq!(package_at(elsewhere, private), Ok(None), "{elsewhere}");
        assert_eq!(package_at(elsewhere, public), Ok(Some("a 1".to_owned())), "{elsewhere}");
        assert_eq!(package_at(elsewhere, b"{{ template }}"), Ok(None), "{elsewhere}");
        let odd = br#"{"name": "a b", "version": "1"}"#;
        assert_eq!(package_at(elsewhere, odd), Ok(None), "{elsewhere}");
    }
}

#[test]
fn a_package_that_is_linked_to_the_store_of_pnpm_is_found_where_it_is_installed() {
    let stored = format!("root/.local/share/pnpm/store/v10/files/ab/{}", "0".repeat(126));
    let installed = "usr/src/app/node_modules/.pnpm/a@1/node_modules/a/package.json";
    let layer = TarBuilder::new()
        .pax(&[("path", &stored)])
        .file("long", r#"{"name":"a","version":"1"}"#)
        .pax(&[("linkpath", &stored)])
        .hard_link(installed, "")
        .finish();
    let inventory = analyze_layer(&layer).expect("a layer");
    let paths: Vec<_> = inventory.files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(paths, [stored.as_str(), installed]);
    assert_eq!(inventory.diagnostics, []);
}

#[test]
fn only_small_files_with_a_hash_for_a_name_are_of_a_store() {
    let digits = "0123456789abcdef".repeat(8);
    let of = |path: &str, size| wants(&Candidate::new(path, size, 0o644));
    assert!(of(&format!("store/v3/files/00/{}", &digits[2..]), 100));
    assert!(!of(&format!("store/v3/files/00/{}", &digits[2..]), 2 << 20));
    assert!(!of(&format!("store/v3/index/00/{}", &digits[2..]), 100));
    assert!(!of(&format!("store/v3/files/000/{}", &digits[2..]), 100));
    assert!(!of(&format!("store/v3/files/00/{}", &digits[1..]), 100));
    assert!(!of(&format!("store/v3/files/00/{}", "x".repeat(126)), 100));
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
