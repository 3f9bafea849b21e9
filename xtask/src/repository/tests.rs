use super::{Repository, TextFile};

fn file(path: &str) -> TextFile {
    TextFile { path: path.to_owned(), text: String::new() }
}

#[test]
fn files_for_tests_are_told_by_their_path() {
    for path in [
        "crates/a/src/layer/tests.rs",
        "crates/a/tests/it/main.rs",
        "crates/a/examples/x.rs",
        "crates/tallyman-testkit/src/lib.rs",
        "tests/sdk/x.py",
    ] {
        assert!(file(path).is_for_tests(), "{path}");
    }
    for path in ["crates/a/src/layer.rs", "crates/a/src/tests_of_time.rs", "xtask/src/main.rs"] {
        assert!(!file(path).is_for_tests(), "{path}");
    }
}

#[test]
fn a_file_belongs_to_the_crate_whose_folder_it_is_in() {
    assert_eq!(file("crates/a/src/lib.rs").crate_name(), Some("a"));
    assert_eq!(file("xtask/src/main.rs").crate_name(), Some("xtask"));
    assert_eq!(file("tests/x.rs").crate_name(), None);
}

#[test]
fn directories_are_held_like_files() {
    let repository = Repository::of(&[("docs/api/x.md", "")]);
    assert!(repository.holds("docs/api/x.md"));
    assert!(repository.holds("docs/api"));
    assert!(!repository.holds("docs/ap"));
}

#[test]
fn this_repository_is_found() {
    let repository = Repository::open().unwrap();
    assert!(repository.find("xtask/src/repository/tests.rs").is_some());
    assert!(repository.files().is_sorted_by_key(|file| &file.path));
}
