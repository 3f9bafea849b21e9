use super::check;
use crate::repository::Repository;

fn complaints(names: &[&str]) -> Vec<String> {
    let paths: Vec<String> = names.iter().map(|name| format!("docs/decisions/{name}")).collect();
    let titles: Vec<String> = names
        .iter()
        .map(|name| format!("# {}. Title\n", name.get(..4).unwrap_or("0").trim_start_matches('0')))
        .collect();
    let files: Vec<(&str, &str)> =
        paths.iter().map(String::as_str).zip(titles.iter().map(String::as_str)).collect();
    let found = check(&Repository::of(&files)).unwrap();
    found.iter().map(ToString::to_string).collect()
}

#[test]
fn numbers_follow_each_other() {
    assert_eq!(complaints(&["0001-a.md", "0002-b-c.md"]), [""; 0]);
}

#[test]
fn a_gap_is_found_once() {
    assert_eq!(
        complaints(&["0001-a.md", "0003-c.md", "0004-d.md"]),
        ["docs/decisions/0003-c.md:1: number 0002 is expected here"]
    );
}

#[test]
fn a_number_taken_twice_is_found() {
    assert_eq!(complaints(&["0001-a.md", "0001-b.md"]).len(), 1);
}

#[test]
fn names_are_plain() {
    assert_eq!(complaints(&["1-a.md", "0001_a.md", "0001-A.md"]).len(), 3);
}

#[test]
fn the_title_has_the_number() {
    let files = [("docs/decisions/0001-a.md", "# Title\n")];
    let found = check(&Repository::of(&files)).unwrap();
    assert_eq!(found[0].message, "begin with the title: `# 1. …`");
}
