use super::check;
use crate::repository::Repository;

fn messages(path: &str, text: &str) -> Vec<String> {
    let found = check(&Repository::of(&[(path, text)])).unwrap();
    found.iter().map(|complaint| format!("{}: {}", complaint.line, complaint.message)).collect()
}

#[test]
fn a_plain_file_is_fine() {
    assert_eq!(messages("crates/a/src/layer.rs", "//! Layers.\n"), [""; 0]);
    assert_eq!(messages("crates/a/src/layer/tests.rs", "use super::x;\n"), [""; 0]);
}

#[test]
fn a_file_without_introduction_is_not() {
    assert_eq!(messages("crates/a/src/layer.rs", "use std::fs;\n").len(), 1);
}

#[test]
fn a_long_file_is_split() {
    let text = format!("//! Long.\n{}", "\n".repeat(800));
    assert_eq!(messages("crates/a/src/layer.rs", &text), ["801: 801 lines; split it before 800"]);
}

#[test]
fn names_say_what_lives_there() {
    let text = "//! X.\n";
    assert_eq!(messages("crates/a/src/util.rs", text).len(), 1);
    assert_eq!(messages("crates/a/src/helpers/layer.rs", text).len(), 1);
    assert_eq!(messages("crates/a/src/layer/mod.rs", text).len(), 1);
}

#[test]
fn exceptions_are_expected_with_a_reason() {
    let text = "//! X.\n#![allow(dead_code)]\n#[cfg_attr(test, allow(unused))]\nfn f() {}\n";
    assert_eq!(messages("crates/a/src/layer.rs", text).len(), 2);
    let text = "//! X.\n#[expect(dead_code, reason = \"x\")]\nfn allow(x: u8) { self.allow(x) }\n";
    assert_eq!(messages("crates/a/src/layer.rs", text), [""; 0]);
}

#[test]
fn nothing_is_left_unfinished() {
    let text = "//! X.\nfn f() { todo!() }\n#[test]\n#[ignore]\nfn g() {}\n// todo!()\n";
    let found = messages("crates/a/src/layer.rs", text);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].starts_with("2: "));
    assert!(found[1].starts_with("4: "));
}
