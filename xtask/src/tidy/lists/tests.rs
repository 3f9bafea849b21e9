use super::check;
use crate::repository::Repository;

const DPKG: (&str, &str) = ("crates/tallyman-scan/src/analyzers/dpkg.rs", "//! dpkg.\n");

fn complaints(list: &str) -> Vec<String> {
    let files = [DPKG, ("crates/tallyman-scan/src/analyzers.rs", list)];
    let found = check(&Repository::of(&files)).unwrap();
    found.iter().map(ToString::to_string).collect()
}

#[test]
fn a_kind_that_is_listed_is_fine() {
    assert_eq!(complaints("mod dpkg;\nconst ALL: &[A] = &[dpkg::ANALYZER];\n"), [""; 0]);
}

#[test]
fn a_kind_that_is_only_declared_is_not() {
    assert_eq!(
        complaints("mod dpkg;\n// dpkg\n"),
        [
            "crates/tallyman-scan/src/analyzers/dpkg.rs:1: `dpkg` is not named in crates/tallyman-scan/src/analyzers.rs"
        ]
    );
}

#[test]
fn a_folder_that_is_not_there_has_nothing_to_list() {
    assert_eq!(check(&Repository::of(&[])).unwrap(), []);
}

#[test]
fn what_kinds_share_needs_no_line() {
    let files = [
        DPKG,
        ("crates/tallyman-scan/src/analyzers/apk.rs", "//! apk.\nuse super::fields::Fields;\n"),
        ("crates/tallyman-scan/src/analyzers/fields.rs", "//! Fields of a record.\n"),
        ("crates/tallyman-scan/src/analyzers.rs", "mod apk; mod fields;\n[apk::A, dpkg::A]\n"),
    ];
    assert_eq!(check(&Repository::of(&files)).unwrap(), []);
}
