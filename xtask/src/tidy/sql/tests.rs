use super::check;
use crate::repository::Repository;

fn lines(path: &str, text: &str) -> Vec<usize> {
    let found = check(&Repository::of(&[(path, text)])).unwrap();
    found.iter().map(|complaint| complaint.line).collect()
}

#[test]
fn statements_outside_the_store_are_found() {
    let path = "crates/tallyman-engine/src/scan.rs";
    assert_eq!(lines(path, "//! x\nrun(\"SELECT id FROM image\");\n"), [2]);
    assert_eq!(lines(path, "run(\"UPDATE image SET a = 1\");\n"), [1]);
    assert_eq!(lines(path, "run(\"DELETE FROM image\");\n"), [1]);
}

#[test]
fn words_of_a_sentence_are_not_statements() {
    let path = "crates/tallyman-engine/src/scan.rs";
    assert_eq!(
        lines(path, "// SELECT id FROM image\nlet select = \"Select from the list\";\n"),
        [0; 0]
    );
}

#[test]
fn the_store_and_tests_may() {
    let text = "run(\"SELECT id FROM image\");\n";
    assert_eq!(lines("crates/tallyman-store/src/images.rs", text), [0; 0]);
    assert_eq!(lines("crates/tallyman-engine/src/scan/tests.rs", text), [0; 0]);
}
