//! pacman's database (Arch Linux and what descends from it): `var/lib/pacman/local/NAME-VERSION/desc`,
//! a heading in percent signs, its values one a line, an empty line (pacman's `lib/libalpm/be_local.c`).

use std::str;

use tallyman_model::inventory::Evidence;
use tallyman_model::limits::Limits;
use tallyman_model::package::{Ecosystem, Package, SourcePackage};

use crate::analyzers::{Analysis, Analyzer, Candidate, Fault, FileClass, Reading, is_token};

pub(crate) const ANALYZER: Analyzer = Analyzer {
    id: "pacman",
    version: 1,
    class: FileClass::Database,
    wants,
    reading: Reading::Whole(analyze),
};

fn wants(candidate: &Candidate<'_>) -> bool {
    candidate.base == "desc" && is_of_package(candidate.path)
}

/// Tells whether a path is a file of a package's directory.
pub(super) fn is_of_package(path: &str) -> bool {
    let rest = path.strip_prefix("var/lib/pacman/local/");
    rest.is_some_and(|rest| rest.split('/').count() == 2)
}

fn analyze(_path: &str, content: &[u8], _limits: &Limits) -> Analysis {
    let value = |heading: &str| match first_value(content, heading) {
        None => Ok(None),
        Some(value) => match str::from_utf8(value) {
            Ok(text) if is_token(text) => Ok(Some(text)),
            _ => Err(Fault::new(format!("the value of {heading} is malformed"))),
        },
    };
    let missing = |what: &str| Fault::new(format!("a package without a {what}"));
    let name = value("%NAME%")?.ok_or_else(|| missing("name"))?;
    let version = value("%VERSION%")?.ok_or_else(|| missing("version"))?;
    // All packages that one recipe makes have its version.
    let source = value("%BASE%")?
        .map(|base| SourcePackage { name: base.to_owned(), version: version.to_owned() });
    Ok(vec![Evidence::Packages(vec![Package {
        architecture: value("%ARCH%")?.map(str::to_owned),
        source,
        ..Package::new(Ecosystem::Alpm, name, version)
    }])])
}

fn first_value<'a>(content: &'a [u8], heading: &str) -> Option<&'a [u8]> {
    let mut lines = content.split(|byte| *byte == b'\n');
    lines.find(|line| *line == heading.as_bytes())?;
    lines.next().filter(|line| !line.is_empty())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop, proptest};
    use tallyman_model::inventory::Evidence;
    use tallyman_model::limits::Limits;

    use super::{analyze, wants};
    use crate::analyzers::Candidate;

    fn package(content: &[u8]) -> Option<String> {
        match analyze("", content, &Limits::default()).ok()?.pop() {
            Some(Evidence::Packages(packages)) => {
                let package = packages.first()?;
                let source = package.source.as_ref().map_or("-", |source| &source.name);
                let architecture = package.architecture.as_deref().unwrap_or("-");
                Some(format!("{} {} {architecture} {source}", package.name, package.version))
            }
            _ => None,
        }
    }

    #[test]
    fn the_description_of_a_package_is_read() {
        assert!(wants(&Candidate::new("var/lib/pacman/local/curl-8.5.0-1/desc", 1, 0o644)));
        assert!(!wants(&Candidate::new("var/lib/pacman/local/desc", 1, 0o644)));
        assert!(!wants(&Candidate::new("var/lib/pacman/local/curl-8.5.0-1/files", 1, 0o644)));
        let desc = "%NAME%\nlibcurl\n\n%VERSION%\n1:8.5.0-1\n\n%BASE%\ncurl\n\n%DESC%\nA tool\n\n\
            %ARCH%\nx86_64\n\n%DEPENDS%\nglibc\nzlib\n\n";
        assert_eq!(package(desc.as_bytes()).as_deref(), Some("libcurl 1:8.5.0-1 x86_64 curl"));
    }

    #[test]
    fn a_description_that_is_cut_short_is_a_fault() {
        for bad in [
            "",
            "%NAME%\n",
            "%NAME%\na\n\n%VERSION%",
            "%NAME%\na b\n%VERSION%\n1\n",
            "%VERSION%\n1\n",
        ] {
            assert_eq!(package(bad.as_bytes()), None, "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_parser_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = package(&bytes);
        }

        #[test]
        fn no_lines_make_the_parser_panic(text in "(%(NAME|VERSION|BASE)%\n|[a-z ]{0,5}\n){0,9}") {
            let _ = package(text.as_bytes());
        }
    }
}
