//! Installed conda packages: `conda-meta/NAME-VERSION-BUILD.json` (conda documentation, "Package
//! records" of `PrefixRecord`).

use std::borrow::Cow;

use serde::Deserialize;
use tallyman_model::limits::Limits;
use tallyman_model::package::Ecosystem;

use crate::analyzers::lock::{PackageList, json, text};
use crate::analyzers::{Analysis, Analyzer, Candidate, FileClass, Reading};

pub(crate) const ANALYZER: Analyzer = Analyzer {
    id: "conda",
    version: 1,
    class: FileClass::Named,
    wants,
    reading: Reading::Whole(analyze),
};

fn wants(candidate: &Candidate<'_>) -> bool {
    candidate.base.ends_with(".json") && candidate.path.rsplit('/').nth(1) == Some("conda-meta")
}

#[derive(Deserialize)]
struct Record<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    version: Cow<'a, str>,
}

fn analyze(_path: &str, content: &[u8], limits: &Limits) -> Analysis {
    let record: Record<'_> = json(text(content)?, "a record of conda")?;
    let mut list = PackageList::new(Ecosystem::Conda, limits);
    list.add(&record.name, &record.version)?;
    list.finish()
}

#[cfg(test)]
mod tests {
    use tallyman_model::limits::Limits;

    use super::{analyze, wants};
    use crate::analyzers::Candidate;
    use crate::analyzers::lock::tests::named;

    fn package(record: &str) -> Result<Vec<String>, String> {
        named(analyze("conda-meta/a.json", record.as_bytes(), &Limits::default()))
    }

    #[test]
    fn a_record_is_one_package() {
        let record = r#"{"arch": "x86_64", "build": "h0_1", "depends": ["a >=1"], "files": ["b"],
            "link": {"type": 1}, "name": "openssl", "version": "3.0.11"}"#;
        assert_eq!(package(record), Ok(vec!["openssl 3.0.11".to_owned()]));
    }

    #[test]
    fn a_record_without_name_or_version_is_a_fault() {
        for bad in ["", "[]", "{}", r#"{"name": "a"}"#, r#"{"name": "a", "version": 1}"#] {
            assert!(package(bad).is_err(), "{bad}");
        }
        assert!(package(r#"{"name": "a b", "version": "1"}"#).is_err());
    }

    #[test]
    fn only_records_of_an_environment_are_read() {
        let is_wanted = |path: &str| wants(&Candidate::new(path, 100, 0o644));
        assert!(is_wanted("opt/conda/conda-meta/openssl-3.0.11-h0_1.json"));
        for other in ["opt/conda/conda-meta/history", "conda-meta/a/b.json", "opt/a.json", "a.json"]
        {
            assert!(!is_wanted(other), "{other}");
        }
    }
}
