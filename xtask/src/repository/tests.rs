use super::{Repository, lies_among_tests};

#[test]
fn files_for_tests_are_told_by_their_path() {
    for path in [
        "crates/a/src/layer/tests.rs",
        "crates/a/tests/it/main.rs",
        "crates/a/examples/x.rs",
        "crates/tallyman-testkit/src/lib.rs",
        "tests/sdk/x.py",
    ] {
        assert!(lies_among_tests(path), "{path}");
    }
    for path in ["crates/a/src/layer.rs", "crates/a/src/tests_of_time.rs", "xtask/src/main.rs"] {
        assert!(!lies_among_tests(path), "{path}");
    }
}

#[test]
fn files_for_tests_are_told_by_their_declaration() {
    let repository = Repository::of(&[
        ("crates/a/src/lib.rs", "mod layer;\n#[cfg(test)]\nmod samples;\n"),
        ("crates/a/src/layer.rs", "#[cfg(test)]\npub(crate) mod fakes;\nmod tar;\n"),
        ("crates/a/src/layer/fakes.rs", ""),
        ("crates/a/src/layer/fakes/small.rs", ""),
        ("crates/a/src/layer/tar.rs", ""),
        ("crates/a/src/samples.rs", ""),
        ("crates/a/src/samples_of_life.rs", ""),
    ]);
    let files = repository.files().iter();
    let for_tests: Vec<&str> =
        files.filter(|file| file.is_for_tests).map(|file| file.path.as_str()).collect();
    assert_eq!(
        for_tests,
        [
            "crates/a/src/layer/fakes.rs",
            "crates/a/src/layer/fakes/small.rs",
            "crates/a/src/samples.rs",
        ]
    );
}

#[test]
fn a_file_belongs_to_the_crate_whose_folder_it_is_in() {
    let paths = ["crates/a/src/lib.rs", "xtask/src/main.rs", "tests/x.rs"];
    let repository = Repository::of(&paths.map(|path| (path, "")));
    let names: Vec<Option<&str>> =
        repository.files().iter().map(|file| file.crate_name()).collect();
    assert_eq!(names, [Some("a"), Some("xtask"), None]);
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
