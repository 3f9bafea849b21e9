use super::check_file;
use crate::repository::Repository;

fn lines(text: &str) -> Vec<usize> {
    let repository = Repository::of(&[("README.md", text)]);
    let files = repository.files().iter();
    let found = files.flat_map(|file| check_file(file, &["/home/", "/build/here/"]));
    found.map(|complaint| complaint.line).collect()
}

#[test]
fn paths_of_one_machine_are_found() {
    assert_eq!(lines("a\nsee /build/here/x\n/home/ada/x\n"), [3, 2]);
}

#[test]
fn the_middle_of_a_path_is_not() {
    assert_eq!(lines("x/build/here/y and $dir/home/x and ${dir}/build/here/x\n"), [0; 0]);
}
