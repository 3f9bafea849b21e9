//! Pinned requirements of Python applications: `requirements.txt` (pip documentation,
//! "Requirements File Format"). Only what is pinned by `==` says which version is there.

use tallyman_model::limits::Limits;
use tallyman_model::package::Ecosystem;

use crate::analyzers::lock::{PackageList, is_inside_a_package};
use crate::analyzers::{Analysis, Analyzer, Candidate, FileClass, Reading};

pub(crate) const ANALYZER: Analyzer = Analyzer {
    id: "requirements",
    version: 1,
    class: FileClass::Named,
    wants,
    reading: Reading::Whole(analyze),
};

/// `requirements-dev.txt` and the like are for development.
fn wants(candidate: &Candidate<'_>) -> bool {
    candidate.base == "requirements.txt" && !is_inside_a_package(candidate.path)
}

/// People write this file, so that a line that is not understood is none that pins.
fn analyze(_path: &str, content: &[u8], limits: &Limits) -> Analysis {
    let mut list = PackageList::new(Ecosystem::PyPi, limits);
    for line in String::from_utf8_lossy(content).lines() {
        if let Some((name, version)) = pinned(line) {
            list.add(name, version)?;
        }
    }
    list.finish()
}

/// Returns name and version of `NAME[EXTRAS] == VERSION ; MARKER --OPTION # COMMENT`.
fn pinned(line: &str) -> Option<(&str, &str)> {
    let requirement = line.split([';', '#', '\\']).next()?.split(" --").next()?;
    let (name, version) = requirement.split_once("==")?;
    let name = name.split('[').next()?.trim().trim_start_matches('\u{feff}');
    let version = version.trim_start_matches('=').split(',').next()?.trim();
    // PEP 508, "Names"; a wildcard is a range.
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let is_version = |c: char| c.is_ascii_alphanumeric() || "-_.!+".contains(c);
    let is_pinned = !name.is_empty()
        && name.chars().all(is_name)
        && !version.is_empty()
        && version.chars().all(is_version);
    (is_pinned && name.len().max(version.len()) < 200).then_some((name, version))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::proptest;
    use tallyman_model::limits::Limits;

    use super::{analyze, pinned};
    use crate::analyzers::lock::tests::named;

    #[test]
    fn only_what_is_pinned_is_named() {
        for (line, expected) in [
            ("jinja2==3.1.2", Some(("jinja2", "3.1.2"))),
            ("requests[socks, use] == 2.31.0 ; python_version > '3'", Some(("requests", "2.31.0"))),
            ("a===1.0+local --hash=sha256:0 # why", Some(("a", "1.0+local"))),
            ("a==1.0 \\", Some(("a", "1.0"))),
            ("a==1!2.0,!=1!2.1", Some(("a", "1!2.0"))),
            ("a==1.*", None),
            ("a>=1.0", None),
            ("a", None),
            ("==1", None),
            ("# a==1", None),
            ("-r other.txt", None),
            ("--index-url https://x/?y==1", None),
            ("a @ https://x/a.whl", None),
            ("a; python_version=='3'", None),
            ("    --hash=sha256:0==", None),
        ] {
            assert_eq!(pinned(line), expected, "{line}");
        }
    }

    #[test]
    fn a_file_is_read_to_its_end_whatever_its_lines_hold() {
        let content = b"\xef\xbb\xbfb==2\r\n\xff==1\n\n-e .\na==1";
        let found = named(analyze("requirements.txt", content, &Limits::default()));
        assert_eq!(found, Ok(vec!["a 1".to_owned(), "b 2".to_owned()]));
    }

    proptest! {
        #[test]
        fn no_text_is_a_fault(text in r#"[a=\[\];#,\\ -]{0,40}"#) {
            let limits = Limits::default();
            assert!(analyze("requirements.txt", text.as_bytes(), &limits).is_ok());
        }
    }
}
