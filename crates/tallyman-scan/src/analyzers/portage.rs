//! Portage's database (Gentoo): a directory `var/db/pkg/CATEGORY/NAME-VERSION` for each package, whose
//! file `PF` repeats the last part (Package Manager Specification, "Filesystem-based metadata").

use tallyman_model::inventory::Evidence;
use tallyman_model::limits::Limits;
use tallyman_model::package::{Ecosystem, Package};

use crate::analyzers::{Analysis, Analyzer, Candidate, Fault, FileClass, Reading, is_token};

pub(crate) const ANALYZER: Analyzer = Analyzer {
    id: "portage",
    version: 1,
    class: FileClass::Database,
    wants,
    reading: Reading::Whole(analyze),
};

fn wants(candidate: &Candidate<'_>) -> bool {
    candidate.base == "PF" && directory_of(candidate.path).is_some()
}

/// Returns category and directory of the package that a file describes.
pub(super) fn directory_of(path: &str) -> Option<(&str, &str)> {
    let mut parts = path.strip_prefix("var/db/pkg/")?.split('/');
    let directory = (parts.next()?, parts.next()?);
    // What Portage is merging, or was when it was killed, begins so.
    let is_complete = !directory.1.starts_with("-MERGING-");
    (is_complete && parts.next().is_some() && parts.next().is_none()).then_some(directory)
}

fn analyze(path: &str, content: &[u8], _limits: &Limits) -> Analysis {
    let (category, directory) =
        directory_of(path).ok_or_else(|| Fault::new("it describes no package"))?;
    if content.trim_ascii() != directory.as_bytes() {
        return Err(Fault::new("it names another package than its directory"));
    }
    let (name, version) = split_version(directory)
        .filter(|_| is_token(category) && is_token(directory))
        .ok_or_else(|| Fault::new(format!("`{directory}` is no name with a version")))?;
    let name = format!("{category}/{name}");
    Ok(vec![Evidence::Packages(vec![Package::new(Ecosystem::Ebuild, name, version)])])
}

/// Splits `gcc-13.2.1_p20240210-r1` at the last hyphen that a digit follows: a name never ends in
/// what could be a version ("3.1.2. Package names").
fn split_version(directory: &str) -> Option<(&str, &str)> {
    let is_start = |at: &usize| {
        let rest = directory.get(at.saturating_add(1)..);
        rest.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    };
    let at = directory.rmatch_indices('-').map(|(at, _)| at).find(is_start)?;
    let (name, version) = (directory.get(..at)?, directory.get(at.checked_add(1)?..)?);
    (!name.is_empty()).then_some((name, version))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop, proptest};
    use tallyman_model::inventory::Evidence;
    use tallyman_model::limits::Limits;

    use super::{analyze, wants};
    use crate::analyzers::Candidate;

    fn package(category: &str, directory: &str, content: &[u8]) -> Option<String> {
        let path = format!("var/db/pkg/{category}/{directory}/PF");
        match analyze(&path, content, &Limits::default()).ok()?.pop() {
            Some(Evidence::Packages(packages)) => {
                packages.first().map(|package| format!("{} {}", package.name, package.version))
            }
            _ => None,
        }
    }

    #[test]
    fn name_and_version_are_told_apart() {
        for (directory, expected) in [
            ("openssl-3.0.13", "dev/openssl 3.0.13"),
            ("gcc-13.2.1_p20240210-r1", "dev/gcc 13.2.1_p20240210-r1"),
            ("font-100dpi-1.0", "dev/font-100dpi 1.0"),
            ("gtk+-2.24.33-r3", "dev/gtk+ 2.24.33-r3"),
            ("live-9999", "dev/live 9999"),
        ] {
            let content = format!("{directory}\n");
            let found = package("dev", directory, content.as_bytes());
            assert_eq!(found.as_deref(), Some(expected), "{directory}");
        }
    }

    #[test]
    fn files_that_describe_another_package_or_none_are_faults() {
        assert_eq!(package("dev", "openssl-3.0.13", b""), None);
        assert_eq!(package("dev", "openssl-3.0.13", b"openssl-3"), None);
        assert_eq!(package("dev", "openssl", b"openssl"), None);
        assert_eq!(package("dev", "-1", b"-1"), None);
    }

    #[test]
    fn what_is_being_merged_is_not_there_yet() {
        let is_wanted = |path| wants(&Candidate::new(path, 1, 0o644));
        assert!(is_wanted("var/db/pkg/dev-libs/openssl-3.0.13/PF"));
        assert!(!is_wanted("var/db/pkg/dev-libs/-MERGING-openssl-3.0.13/PF"));
        assert!(!is_wanted("var/db/pkg/dev-libs/PF"));
        assert!(!is_wanted("var/db/pkg/dev-libs/openssl-3.0.13/files/PF"));
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_parser_panic(
            directory in "[-a-z0-9.\u{e4}]{0,12}",
            bytes in prop::collection::vec(any::<u8>(), 0..100),
        ) {
            let _ = package("dev", &directory, &bytes);
            let _ = package("dev", &directory, directory.as_bytes());
        }
    }
}
