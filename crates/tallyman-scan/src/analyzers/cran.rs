//! Installed R packages: `NAME/DESCRIPTION` (R manual, "Writing R Extensions", section 1.1.1), to
//! which R adds the field `Built` when it installs one; those of R itself have a priority.

use tallyman_model::limits::Limits;
use tallyman_model::package::Ecosystem;

use crate::analyzers::lock::PackageList;
use crate::analyzers::{Analysis, Analyzer, Candidate, Fault, FileClass, Reading};

pub(crate) const ANALYZER: Analyzer = Analyzer {
    id: "cran",
    version: 1,
    class: FileClass::Named,
    wants,
    reading: Reading::Whole(analyze),
};

fn wants(candidate: &Candidate<'_>) -> bool {
    candidate.base == "DESCRIPTION"
}

/// The encoding is that of the field `Encoding`; names and versions are ASCII.
fn analyze(_path: &str, content: &[u8], limits: &Limits) -> Analysis {
    let content = String::from_utf8_lossy(content);
    let (mut name, mut version, mut is_built) = (None, None, false);
    for (field, value) in content.lines().filter_map(|line| line.split_once(':')) {
        match field {
            "Package" => name = name.or(Some(value.trim())),
            "Version" => version = version.or(Some(value.trim())),
            "Built" => is_built = true,
            // What is R itself is not built as a package in every case.
            "Priority" => is_built |= value.trim() == "base",
            _ => {}
        }
    }
    let mut list = PackageList::new(Ecosystem::Cran, limits);
    match (name, version) {
        // A source package, or a file of the same name that is something else.
        _ if !is_built => {}
        (Some(name), Some(version)) => list.add(name, version)?,
        _ => return Err(Fault::new("the description has no package or no version")),
    }
    list.finish()
}

#[cfg(test)]
mod tests {
    use tallyman_model::limits::Limits;

    use super::analyze;
    use crate::analyzers::lock::tests::named;

    fn packages(content: &[u8]) -> Result<Vec<String>, String> {
        named(analyze("usr/lib/R/library/a/DESCRIPTION", content, &Limits::default()))
    }

    #[test]
    fn what_r_built_is_a_package() {
        let description = b"Package: ggplot2\nTitle: Gr\xe4phics\nVersion: 3.4.0\n\
            Authors@R: c(person(\"A\", \"B\"),\n    Version: 9\nLicense: MIT + file LICENSE\n\
            Built: R 4.2.2; ; 2022-12-01 10:00:00 UTC; unix\n";
        assert_eq!(packages(description), Ok(vec!["ggplot2 3.4.0".to_owned()]));
        let of_r = b"Package: translations\nVersion: 4.2.2\nPriority: base\n";
        assert_eq!(packages(of_r), Ok(vec!["translations 4.2.2".to_owned()]));
    }

    #[test]
    fn what_r_did_not_build_is_none() {
        for other in [&b"Package: a\nVersion: 1.0\n"[..], b"", b"Just words.\n", b"\xff\xfe"] {
            assert_eq!(packages(other), Ok(Vec::new()));
        }
        assert!(packages(b"Package: a\nBuilt: R\n").is_err());
        assert!(packages(b"Package: a b\nVersion: 1\nBuilt: R\n").is_err());
    }
}
