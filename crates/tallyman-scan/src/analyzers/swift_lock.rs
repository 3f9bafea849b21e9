//! Swift's lock, `Package.resolved` of versions 1 to 3 (Swift Package Manager documentation,
//! "Resolving and updating dependencies"; its source, `PinsStore.swift`).

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;
use tallyman_model::limits::Limits;
use tallyman_model::package::Ecosystem;

use crate::analyzers::lock::{PackageList, for_each_element, is_inside_a_package, json, text};
use crate::analyzers::{Analysis, Analyzer, Candidate, FileClass, Reading};

pub(crate) const ANALYZER: Analyzer = Analyzer {
    id: "swift-lock",
    version: 1,
    class: FileClass::Named,
    wants,
    reading: Reading::Whole(analyze),
};

fn wants(candidate: &Candidate<'_>) -> bool {
    matches!(candidate.base, "Package.resolved" | ".package.resolved")
        && !is_inside_a_package(candidate.path)
}

#[derive(Deserialize)]
struct Lock<'a> {
    /// Since version 2.
    #[serde(borrow)]
    pins: Option<&'a RawValue>,
    /// Version 1.
    #[serde(borrow)]
    object: Option<Object<'a>>,
}

#[derive(Deserialize)]
struct Object<'a> {
    #[serde(borrow)]
    pins: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Pin<'a> {
    /// The name in a registry, where there is no address.
    #[serde(borrow)]
    identity: Option<Cow<'a, str>>,
    #[serde(borrow, alias = "repositoryURL")]
    location: Option<Cow<'a, str>>,
    #[serde(borrow)]
    state: State<'a>,
}

#[derive(Deserialize)]
struct State<'a> {
    /// Absent for a branch or a commit.
    #[serde(borrow)]
    version: Option<Cow<'a, str>>,
}

fn analyze(_path: &str, content: &[u8], limits: &Limits) -> Analysis {
    let lock: Lock<'_> = json(text(content)?, "a Package.resolved")?;
    let pins = lock.pins.or_else(|| lock.object?.pins);
    let mut list = PackageList::new(Ecosystem::Swift, limits);
    for_each_element(pins, |pin: Pin<'_>| {
        let location = pin.location.as_deref().filter(|location| !location.is_empty());
        let identity = || pin.identity.as_deref().map(Cow::Borrowed);
        match (location.map(repository).or_else(identity), &pin.state.version) {
            (Some(name), Some(version)) => list.add(&name, version),
            _ => Ok(()),
        }
    })?;
    list.finish()
}

/// Returns `HOST/PATH` of an address, which is how advisories name a package.
fn repository(address: &str) -> Cow<'_, str> {
    let (has_scheme, rest) = match address.split_once("://") {
        Some((_, rest)) => (true, rest),
        None => (false, address),
    };
    let host = rest.split('/').next().unwrap_or_default();
    let user_length = host.rfind('@').map_or(0, |at| at.saturating_add(1));
    let path = rest.get(user_length..).unwrap_or(rest).trim_end_matches('/');
    let path = path.strip_suffix(".git").unwrap_or(path);
    // `git@HOST:PATH`, as SSH has it.
    match path.split_once(':').filter(|_| !has_scheme) {
        Some((host, path)) => Cow::Owned(format!("{host}/{path}")),
        None => Cow::Borrowed(path),
    }
}

#[cfg(test)]
mod tests {
    use tallyman_model::limits::Limits;

    use super::{analyze, repository};
    use crate::analyzers::lock::tests::named;

    fn packages(lock: &str) -> Result<Vec<String>, String> {
        named(analyze("app/Package.resolved", lock.as_bytes(), &Limits::default()))
    }

    #[test]
    fn all_versions_of_the_lock_name_repositories() {
        let first = r#"{"object": {"pins": [
            {"package": "NIO", "repositoryURL": "https://github.com/apple/swift-nio.git",
             "state": {"branch": null, "revision": "0123", "version": "2.41.1"}},
            {"package": "B", "repositoryURL": "https://github.com/b/b",
             "state": {"branch": "main", "revision": "0123", "version": null}}
        ]}, "version": 1}"#;
        assert_eq!(packages(first), Ok(vec!["github.com/apple/swift-nio 2.41.1".to_owned()]));
        let second = r#"{"originHash": "0", "pins": [
            {"identity": "swift-nio", "kind": "remoteSourceControl",
             "location": "https://github.com/apple/swift-nio.git",
             "state": {"revision": "0123", "version": "2.41.1"}},
            {"identity": "mona.LinkedList", "kind": "registry", "location": "",
             "state": {"version": "1.2.0"}}
        ], "version": 3}"#;
        let expected = ["github.com/apple/swift-nio 2.41.1", "mona.LinkedList 1.2.0"];
        assert_eq!(packages(second).as_deref(), Ok(&expected.map(String::from)[..]));
        assert_eq!(packages(r#"{"pins": [], "version": 2}"#), Ok(Vec::new()));
    }

    #[test]
    fn an_address_is_reduced_to_host_and_path() {
        for address in [
            "https://github.com/a/b.git",
            "https://github.com/a/b/",
            "ssh://git@github.com/a/b.git",
            "https://user:secret@github.com/a/b",
            "git@github.com:a/b.git",
            "github.com/a/b",
        ] {
            assert_eq!(repository(address), "github.com/a/b", "{address}");
        }
        assert_eq!(repository("https://example.com/@a/b"), "example.com/@a/b");
    }

    #[test]
    fn what_is_no_lock_is_a_fault() {
        for bad in ["", "[]", r#"{"pins": {}}"#, r#"{"pins": [{}]}"#] {
            assert!(packages(bad).is_err(), "{bad}");
        }
        let odd = r#"{"pins": [{"location": "https://x/a b", "state": {"version": "1"}}]}"#;
        assert!(packages(odd).is_err());
    }
}
