//! PHP packages: what Composer installed, `composer/installed.json` in its directory of packages, and
//! its lock, `composer.lock` (Composer documentation, "Basic usage" and "The composer.json schema").

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;
use tallyman_model::limits::Limits;
use tallyman_model::package::Ecosystem;

use crate::analyzers::lock::{PackageList, for_each_element, is_inside_a_package, json, text};
use crate::analyzers::{Analysis, Analyzer, Candidate, FileClass, Reading};

pub(crate) const ANALYZER: Analyzer = Analyzer {
    id: "composer",
    version: 1,
    class: FileClass::Named,
    wants,
    reading: Reading::Whole(analyze),
};

fn wants(candidate: &Candidate<'_>) -> bool {
    match candidate.base {
        "installed.json" => candidate.path.rsplit('/').nth(1) == Some("composer"),
        "composer.lock" => !is_inside_a_package(candidate.path),
        _ => false,
    }
}

/// Both have the packages that are not for development here. What is for development and was
/// installed all the same is among them in `installed.json`; in a lock it is in `packages-dev`.
#[derive(Deserialize)]
struct Packages<'a> {
    #[serde(borrow)]
    packages: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Entry<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    /// `1.2.3`, `v1.2.3` or the name of a branch, `dev-main`.
    #[serde(borrow)]
    version: Cow<'a, str>,
}

fn analyze(_path: &str, content: &[u8], limits: &Limits) -> Analysis {
    let text = text(content)?;
    // Composer 1 has the list alone.
    let packages: Option<&RawValue> = match text.trim_start().starts_with('[') {
        true => Some(json(text, "a list of Composer's packages")?),
        false => json::<Packages<'_>>(text, "a file of Composer")?.packages,
    };
    let mut list = PackageList::new(Ecosystem::Composer, limits);
    for_each_element(packages, |entry: Entry<'_>| list.add(&entry.name, &entry.version))?;
    list.finish()
}

#[cfg(test)]
mod tests {
    use tallyman_model::limits::Limits;

    use super::{analyze, wants};
    use crate::analyzers::Candidate;
    use crate::analyzers::lock::tests::named;

    fn packages(content: &str) -> Result<Vec<String>, String> {
        named(analyze("vendor/composer/installed.json", content.as_bytes(), &Limits::default()))
    }

    #[test]
    fn both_versions_of_the_list_of_what_is_installed_are_read() {
        let list = r#"[{"name": "monolog/monolog", "version": "2.9.1", "version_normalized": "2.9.1.0",
            "dist": {"type": "zip", "url": "https://x"}, "require": {"php": ">=7.2"}},
            {"version": "v6.0.0", "name": "symfony/console"}]"#;
        let expected = ["monolog/monolog 2.9.1", "symfony/console v6.0.0"];
        let expected = Ok(expected.map(String::from).to_vec());
        assert_eq!(packages(list), expected);
        let second =
            format!(r#"{{"packages": {list}, "dev": true, "dev-package-names": ["a/b"]}}"#);
        assert_eq!(packages(&second), expected);
    }

    #[test]
    fn a_lock_has_the_packages_for_development_apart() {
        let lock = r#"{"_readme": ["x"], "content-hash": "0",
            "packages": [{"name": "a/b", "version": "dev-main"}],
            "packages-dev": [{"name": "phpunit/phpunit", "version": "9.0.0"}], "aliases": []}"#;
        assert_eq!(packages(lock), Ok(vec!["a/b dev-main".to_owned()]));
        assert_eq!(packages("{}"), Ok(Vec::new()));
    }

    #[test]
    fn what_is_none_of_these_is_a_fault() {
        for bad in [
            "",
            "[",
            "null",
            r#"{"packages": {}}"#,
            r#"[{"name": "a/b"}]"#,
            r#"[{"name": "a b", "version": "1"}]"#,
            r#"[{"name": "a/b", "version": 1}]"#,
        ] {
            assert!(packages(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn files_are_known_by_their_places() {
        let is_wanted = |path: &str| wants(&Candidate::new(path, 100, 0o644));
        for path in ["srv/vendor/composer/installed.json", "srv/composer.lock", "composer.lock"] {
            assert!(is_wanted(path), "{path}");
        }
        for path in ["srv/installed.json", "srv/vendor/a/b/composer.lock", "composer.json"] {
            assert!(!is_wanted(path), "{path}");
        }
    }
}
