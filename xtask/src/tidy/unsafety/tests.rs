use super::check;
use crate::repository::Repository;

fn complaints(path: &str, text: &str) -> usize {
    check(&Repository::of(&[(path, text)])).unwrap().len()
}

#[test]
fn unsafe_code_is_where_a_decision_puts_it() {
    let text = "// unsafe\nlet x = unsafe { f() };\n";
    assert_eq!(complaints("crates/tallyman-scan/src/layer.rs", text), 1);
    assert_eq!(complaints("crates/tallyman-match/src/index/mapping.rs", text), 0);
    assert_eq!(complaints("crates/tallyman-scan/src/layer.rs", "let unsafely = \"unsafe\";\n"), 0);
}
