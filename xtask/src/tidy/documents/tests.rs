use super::check;
use crate::repository::Repository;

fn complaints(files: &[(&str, &str)]) -> Vec<String> {
    let found = check(&Repository::of(files)).unwrap();
    found.iter().map(ToString::to_string).collect()
}

#[test]
fn links_that_resolve_are_fine() {
    let files = [
        ("README.md", "See [docs](docs/README.md) and [the web](https://example.org/x).\n"),
        ("docs/README.md", "[a](a.md#two-words), [up](../README.md), [crates](../crates)\n"),
        ("docs/a.md", "# A\n\n## Two words\n\n[here](#a)\n"),
        ("crates/a/src/lib.rs", "//! A.\n"),
    ];
    assert_eq!(complaints(&files), [""; 0]);
}

#[test]
fn a_link_to_nowhere_is_found() {
    let files = [("README.md", "x\n[a](missing.md)\n"), ("docs/README.md", "[b](../../x.md)\n")];
    assert_eq!(
        complaints(&files),
        [
            "README.md:2: the link to missing.md leads nowhere",
            "docs/README.md:1: the link to ../../x.md leads nowhere",
        ]
    );
}

#[test]
fn an_anchor_without_heading_is_found() {
    let files = [("docs/README.md", "# Top\n\n[a](#bottom)\n")];
    assert_eq!(complaints(&files), ["docs/README.md:3: docs/README.md has no heading #bottom"]);
}

#[test]
fn a_page_that_nothing_leads_to_is_found() {
    let files = [("docs/README.md", "# Index\n"), ("docs/api/x.md", "# X\n")];
    assert_eq!(complaints(&files), ["docs/api/x.md:1: no link leads here from docs/README.md"]);
}

#[test]
fn code_holds_no_links() {
    let files = [("docs/README.md", "`[a](x.md)`\n```\n[a](x.md)\n# Not a heading\n```\n")];
    assert_eq!(complaints(&files), [""; 0]);
}
