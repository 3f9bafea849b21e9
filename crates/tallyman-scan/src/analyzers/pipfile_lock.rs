//! Pipenv's lock, `Pipfile.lock` (Pipenv documentation, "Pipfile & Pipfile.lock").

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;
use tallyman_model::limits::Limits;
use tallyman_model::package::Ecosystem;

use crate::analyzers::lock::{PackageList, for_each_entry, is_inside_a_package, json, text};
use crate::analyzers::{Analysis, Analyzer, Candidate, FileClass, Reading};

pub(crate) const ANALYZER: Analyzer = Analyzer {
    id: "pipfile-lock",
    version: 1,
    class: FileClass::Named,
    wants,
    reading: Reading::Whole(analyze),
};

fn wants(candidate: &Candidate<'_>) -> bool {
    candidate.base == "Pipfile.lock" && !is_inside_a_package(candidate.path)
}

/// Packages for development are in `develop`.
#[derive(Deserialize)]
struct Lock<'a> {
    #[serde(borrow)]
    default: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Entry<'a> {
    /// `==VERSION`; absent for what comes from an address or a path.
    #[serde(borrow)]
    version: Option<Cow<'a, str>>,
}

fn analyze(_path: &str, content: &[u8], limits: &Limits) -> Analysis {
    let lock: Lock<'_> = json(text(content)?, "a lock of Pipenv")?;
    let mut list = PackageList::new(Ecosystem::PyPi, limits);
    for_each_entry(lock.default, |name, entry: Entry<'_>| match entry.version {
        Some(version) => list.add(name, version.trim_start_matches('=')),
        None => Ok(()),
    })?;
    list.finish()
}

#[cfg(test)]
mod tests {
    use tallyman_model::limits::Limits;

    use super::analyze;
    use crate::analyzers::lock::tests::named;

    fn packages(lock: &str) -> Result<Vec<String>, String> {
        named(analyze("app/Pipfile.lock", lock.as_bytes(), &Limits::default()))
    }

    #[test]
    fn the_packages_of_the_application_are_named_with_their_versions() {
        let lock = r#"{
            "_meta": {"hash": {"sha256": "0"}, "pipfile-spec": 6},
            "default": {
                "jinja2": {"hashes": ["sha256:0"], "index": "pypi", "version": "==3.1.2"},
                "part": {"editable": true, "path": "."},
                "git": {"git": "https://example.com/git.git", "ref": "0123"}
            },
            "develop": {"pytest": {"version": "==7.4.0"}}
        }"#;
        assert_eq!(packages(lock), Ok(vec!["jinja2 3.1.2".to_owned()]));
        assert_eq!(packages("{}"), Ok(Vec::new()));
    }

    #[test]
    fn what_is_no_lock_is_a_fault() {
        for bad in
            ["", "[]", r#"{"default": []}"#, r#"{"default": {"a": {"version": 1}}}"#, "{\"default"]
        {
            assert!(packages(bad).is_err(), "{bad}");
        }
        let odd = packages(r#"{"default": {"a": {"version": "== 1"}}}"#);
        assert_eq!(odd, Err("the package `a` has a name or version that is none".to_owned()));
    }
}
