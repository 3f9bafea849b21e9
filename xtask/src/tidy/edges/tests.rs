use super::check;
use crate::repository::Repository;

fn complaints(path: &str, manifest: &str) -> Vec<String> {
    let found = check(&Repository::of(&[(path, manifest)])).unwrap();
    found.iter().map(ToString::to_string).collect()
}

#[test]
fn an_edge_of_the_picture_is_allowed() {
    let manifest = "[package]\nname = \"tallyman-scan\"\n[dependencies]\ntallyman-model.workspace = true\nhex.workspace = true\n";
    assert_eq!(complaints("crates/tallyman-scan/Cargo.toml", manifest), [""; 0]);
}

#[test]
fn another_edge_is_not() {
    let manifest =
        "[package]\nname = \"tallyman-scan\"\n[dependencies]\ntallyman-store.workspace = true\n";
    let found = complaints("crates/tallyman-scan/Cargo.toml", manifest);
    assert_eq!(found.len(), 1);
    assert!(found[0].starts_with("crates/tallyman-scan/Cargo.toml:4: "), "{found:?}");
}

#[test]
fn the_test_kit_is_for_tests() {
    let manifest = |section: &str| {
        format!(
            "[package]\nname = \"tallyman-scan\"\n[{section}]\ntallyman-testkit.workspace = true\n"
        )
    };
    let path = "crates/tallyman-scan/Cargo.toml";
    assert_eq!(complaints(path, &manifest("dev-dependencies")), [""; 0]);
    assert_eq!(complaints(path, &manifest("dependencies")).len(), 1);
    assert_eq!(complaints(path, &manifest("target.'cfg(unix)'.dependencies")).len(), 1);
}

#[test]
fn a_new_crate_must_be_entered() {
    let manifest = "[package]\nname = \"tallyman-new\"\n";
    assert_eq!(complaints("crates/tallyman-new/Cargo.toml", manifest).len(), 1);
}
