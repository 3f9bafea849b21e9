use super::check;
use crate::repository::Repository;

const PACKAGE: &str = "\
[package]
name = \"xtask\"
version.workspace = true
edition.workspace = true
rust-version.workspace = true
license.workspace = true
publish.workspace = true
[lints]
workspace = true
";

fn complaints(rest: &str) -> Vec<String> {
    let manifest = format!("{PACKAGE}{rest}");
    let found = check(&Repository::of(&[("xtask/Cargo.toml", &manifest)])).unwrap();
    found.iter().map(ToString::to_string).collect()
}

#[test]
fn inherited_dependencies_are_fine() {
    let rest = "[dependencies]\nhex.workspace = true\ntoml = { workspace = true }\n";
    assert_eq!(complaints(rest), [""; 0]);
}

#[test]
fn a_version_in_a_member_is_not() {
    let found = complaints("[dependencies]\nhex = \"0.4\"\n");
    assert_eq!(
        found,
        [
            "xtask/Cargo.toml:11: name `hex` with `workspace = true` and its version in the root manifest"
        ]
    );
}

#[test]
fn a_member_without_the_shared_settings_is_not() {
    let repository = Repository::of(&[("xtask/Cargo.toml", "[package]\nname = \"xtask\"\n")]);
    assert_eq!(check(&repository).unwrap().len(), 6);
}
