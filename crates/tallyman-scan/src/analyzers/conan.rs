//! Conan's locks, `conan.lock` of Conan 1 and 2, and the `conaninfo.txt` of a package in Conan 1's
//! cache (Conan documentation, "Lockfiles"; of Conan 1, "conaninfo.txt"). What is only used to build is
//! left out, as what is there for development is elsewhere.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;
use tallyman_model::limits::Limits;
use tallyman_model::package::Ecosystem;

use crate::analyzers::lock::{PackageList, Text, for_each_element, for_each_entry, json, text};
use crate::analyzers::{Analysis, Analyzer, Candidate, Fault, FileClass, Reading};

pub(crate) const ANALYZER: Analyzer = Analyzer {
    id: "conan",
    version: 1,
    class: FileClass::Named,
    wants,
    reading: Reading::Whole(analyze),
};

fn wants(candidate: &Candidate<'_>) -> bool {
    matches!(candidate.base, "conan.lock" | "conaninfo.txt")
}

fn analyze(path: &str, content: &[u8], limits: &Limits) -> Analysis {
    let (text, mut list) = (text(content)?, PackageList::new(Ecosystem::Conan, limits));
    if path.ends_with(".lock") {
        read_lock(text, &mut list)?;
    } else {
        read_info(path, text, &mut list)?;
    }
    list.finish()
}

#[derive(Deserialize)]
struct Lock<'a> {
    /// Conan 2.
    #[serde(borrow)]
    requires: Option<&'a RawValue>,
    /// Conan 1.
    #[serde(borrow)]
    graph_lock: Option<Graph<'a>>,
}

#[derive(Deserialize)]
struct Graph<'a> {
    #[serde(borrow)]
    nodes: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Node<'a> {
    /// The application itself may have none.
    #[serde(borrow, rename = "ref")]
    reference: Option<Cow<'a, str>>,
    #[serde(borrow)]
    context: Option<Cow<'a, str>>,
}

fn read_lock(text: &str, list: &mut PackageList) -> Result<(), Fault> {
    let lock: Lock<'_> = json(text, "a lock of Conan")?;
    for_each_element(lock.requires, |Text(reference)| add(list, &reference))?;
    let nodes = lock.graph_lock.and_then(|graph| graph.nodes);
    for_each_entry(nodes, |_, node: Node<'_>| match node.reference {
        Some(reference) if node.context.as_deref() != Some("build") => add(list, &reference),
        _ => Ok(()),
    })
}

/// The package is the one of the directory, `data/NAME/VERSION/USER/CHANNEL/package/ID/`, and what it
/// requires is in the file.
fn read_info(path: &str, text: &str, list: &mut PackageList) -> Result<(), Fault> {
    let parts: Vec<_> = path.rsplit('/').skip(1).take(7).collect();
    if let [_, "package", _, _, version, name, "data"] = parts.as_slice() {
        list.add(name, version)?;
    }
    let mut is_required = false;
    for line in text.lines().map(str::trim) {
        if line.starts_with('[') {
            is_required = line == "[full_requires]";
        } else if is_required && !line.is_empty() {
            add(list, line)?;
        }
    }
    Ok(())
}

/// Adds `NAME/VERSION`, behind which may stand `@USER/CHANNEL`, `#REVISION`, `:ID` and `%TIME`.
fn add(list: &mut PackageList, reference: &str) -> Result<(), Fault> {
    let package = reference.split(['@', '#', ':', '%']).next().unwrap_or_default();
    match package.split_once('/') {
        Some((name, version)) => list.add(name, version),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::proptest;
    use tallyman_model::limits::Limits;

    use super::analyze;
    use crate::analyzers::lock::tests::named;

    fn packages(path: &str, content: &str) -> Result<Vec<String>, String> {
        named(analyze(path, content.as_bytes(), &Limits::default()))
    }

    #[test]
    fn locks_of_both_versions_name_what_the_application_is_linked_with() {
        let second = r#"{"version": "0.5", "requires": ["zlib/1.3.1#f52e%1717.02",
            "openssl/3.2.1@user/channel"], "build_requires": ["cmake/3.28.1#0"],
            "python_requires": []}"#;
        let expected = ["openssl 3.2.1", "zlib 1.3.1"];
        assert_eq!(packages("conan.lock", second).as_deref(), Ok(&expected.map(String::from)[..]));
        let first = r#"{"graph_lock": {"nodes": {
            "0": {"options": "", "path": "conanfile.txt", "requires": ["1"]},
            "1": {"ref": "openssl/3.2.1#0", "package_id": "x", "context": "host"},
            "2": {"ref": "zlib/1.3.1@user/testing#0:1#2"},
            "3": {"ref": "cmake/3.28.1", "context": "build"}},
            "revisions_enabled": true}, "version": "0.4"}"#;
        assert_eq!(packages("conan.lock", first).as_deref(), Ok(&expected.map(String::from)[..]));
        assert_eq!(packages("conan.lock", "{}"), Ok(Vec::new()));
    }

    #[test]
    fn a_package_in_the_cache_is_named_with_what_it_requires() {
        let info = "[settings]\n    os=Linux\n\n[requires]\n    zlib/1.Y.Z\n\n[options]\n    a=b/c\n\n\
            [full_requires]\n    zlib/1.2.11:6af9cc\n\n[recipe_hash]\n    0123\n";
        let path = "root/.conan/data/openssl/1.1.1t/_/_/package/0123abc/conaninfo.txt";
        let expected = ["openssl 1.1.1t", "zlib 1.2.11"];
        assert_eq!(packages(path, info).as_deref(), Ok(&expected.map(String::from)[..]));
        assert_eq!(packages("p/conaninfo.txt", info), Ok(vec!["zlib 1.2.11".to_owned()]));
    }

    #[test]
    fn what_is_no_lock_is_a_fault() {
        for bad in ["", "[]", r#"{"requires": {}}"#, r#"{"requires": ["a b/1"]}"#] {
            assert!(packages("conan.lock", bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in r#"[a/@#:%\[\]"\n ]{0,60}"#) {
            let _ = packages("a/conaninfo.txt", &format!("[full_requires]\n{text}"));
            let _ = packages("conan.lock", &format!(r#"{{"requires": [{text}]}}"#));
        }
    }
}
