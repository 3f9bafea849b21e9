use super::check;
use crate::repository::Repository;

fn lines(path: &str, text: &str) -> Vec<usize> {
    let found = check(&Repository::of(&[(path, text)])).unwrap();
    found.iter().map(|complaint| complaint.line).collect()
}

#[test]
fn paths_of_one_machine_are_found() {
    assert_eq!(lines("README.md", "a\nsee /build/x\n"), [2]);
    assert_eq!(lines("README.md", "see ../beside/x\n"), [1]);
}

#[test]
fn the_middle_of_a_path_is_not() {
    assert_eq!(lines("README.md", "home/build/x and $dir/build/x and ${dir}/build/x\n"), [0; 0]);
}

#[test]
fn tests_may_look_beside_the_repository() {
    assert_eq!(lines("tests/test_vectors.py", "../beside/x\n"), [0; 0]);
    assert_eq!(lines("tests/test_vectors.py", "'/build/x'\n"), [1]);
}
