use serde_json::value::RawValue;
use tallyman_model::inventory::Evidence;
use tallyman_model::limits::Limits;
use tallyman_model::package::Ecosystem;

use super::{PackageList, for_each_entry, is_inside_a_package, text};
use crate::analyzers::{Analysis, Fault};

/// Returns `NAME VERSION` for each package, or the fault.
pub(crate) fn named(analysis: Analysis) -> Result<Vec<String>, String> {
    let mut names = Vec::new();
    for evidence in analysis.map_err(|fault| fault.reason)? {
        match evidence {
            Evidence::Packages(packages) => {
                names.extend(packages.iter().map(|it| format!("{} {}", it.name, it.version)));
            }
            other => panic!("no packages: {other:?}"),
        }
    }
    Ok(names)
}

#[test]
fn locks_of_installed_packages_are_not_those_of_an_application() {
    for inside in [
        "app/node_modules/a/yarn.lock",
        "usr/lib/python3/dist-packages/a/poetry.lock",
        "root/.cargo/registry/src/index/a-1.0/Cargo.lock",
        "root/.cargo/git/checkouts/a/0123456/Cargo.lock",
        "go/pkg/mod/example.com/a@v1/package-lock.json",
        "usr/local/bundle/gems/a-1.0/Gemfile.lock",
        "app/vendor/a/b/composer.lock",
    ] {
        assert!(is_inside_a_package(inside), "{inside}");
    }
    for outside in [
        "Cargo.lock",
        "app/yarn.lock",
        "srv/my-gems/Gemfile.lock",
        "srv/registry/yarn.lock",
        "srv/git/yarn.lock",
        "opt/vendor/app/yarn.lock",
        "srv/pkg/app/yarn.lock",
    ] {
        assert!(!is_inside_a_package(outside), "{outside}");
    }
}

#[test]
fn a_list_is_ordered_and_without_repetitions() {
    let mut list = PackageList::new(Ecosystem::Npm, &Limits::default());
    for (name, version) in [("b", "1"), ("a", "2"), ("b", "1"), ("a", "1")] {
        list.add(name, version).expect("a package");
    }
    assert_eq!(named(list.finish()).as_deref(), Ok(&["a 1", "a 2", "b 1"].map(String::from)[..]));
}

#[test]
fn a_list_takes_sound_names_up_to_the_limit() {
    let limits = Limits { layer_packages: 1, ..Limits::default() };
    let mut list = PackageList::new(Ecosystem::Npm, &limits);
    for (name, version) in [("", "1"), ("a", ""), ("a b", "1"), ("a", "\u{1b}[31m")] {
        assert!(list.add(name, version).is_err(), "{name} {version}");
    }
    list.add("a", "1").expect("a package");
    let fault = list.add("b", "1").expect_err("one too many");
    assert_eq!(fault, Fault::too_many_packages(1));
    assert!(fault.reason.contains("over the limit layer-packages of 1 "), "{fault:?}");
}

#[test]
fn text_has_no_byte_order_mark_and_is_utf8() {
    assert_eq!(text(b"\xef\xbb\xbfa"), Ok("a"));
    assert_eq!(text(b"ab\xff").expect_err("no text").reason, "byte 2 is not UTF-8");
}

#[test]
fn entries_are_shown_in_their_order_until_one_is_refused() {
    let object: Box<RawValue> =
        serde_json::from_str(r#"{"a": 1, "\u0062": 2, "c": 3}"#).expect("an object");
    let mut seen = Vec::new();
    for_each_entry(Some(&object), |key, value: u32| {
        seen.push((key.to_owned(), value));
        Ok(())
    })
    .expect("entries");
    assert_eq!(seen, [("a".into(), 1), ("b".into(), 2), ("c".into(), 3)]);
    let refused = for_each_entry(Some(&object), |key, _: u32| match key {
        "b" => Err(Fault::new("not b")),
        _ => Ok(()),
    });
    assert_eq!(refused.expect_err("a fault").reason, "not b");
    assert!(for_each_entry(Some(&object), |_, _: bool| Ok(())).is_err());
    assert_eq!(for_each_entry(None, |_, _: bool| Ok(())), Ok(()));
}
