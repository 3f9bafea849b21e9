use super::check;
use crate::repository::Repository;

fn complaints(path: &str, text: &str) -> Vec<String> {
    let found = check(&Repository::of(&[(path, text)])).unwrap();
    found.iter().map(ToString::to_string).collect()
}

#[test]
fn a_library_neither_prints_nor_exits_nor_reads_the_environment() {
    let text = "println!(\"x\");\nstd::process::exit(1);\nlet x = std::env::var(\"X\");\n";
    let found = complaints("crates/tallyman-engine/src/scan.rs", text);
    assert_eq!(found.len(), 3, "{found:?}");
    assert_eq!(
        found[0],
        "crates/tallyman-engine/src/scan.rs:1: `println!` outside the binary: return the text; the binary prints"
    );
}

#[test]
fn the_binary_and_tests_may() {
    let text = "println!(\"x\");\n";
    assert_eq!(complaints("crates/tallyman/src/main.rs", text), [""; 0]);
    assert_eq!(complaints("crates/tallyman-engine/tests/it/main.rs", text), [""; 0]);
    assert_eq!(complaints("crates/tallyman-engine/src/scan/tests.rs", text), [""; 0]);
}

#[test]
fn comments_and_strings_may_speak_of_it() {
    let text = "// println!(\"x\")\nlet x = \"println!\";\n";
    assert_eq!(complaints("crates/tallyman-engine/src/scan.rs", text), [""; 0]);
}
