//! opkg's database (OpenWrt until 24.10, Yocto): `status`, in the form of dpkg's.

use tallyman_model::inventory::Evidence;
use tallyman_model::limits::Limits;

use crate::analyzers::dpkg::{self, Dialect};
use crate::analyzers::{Analysis, Analyzer, Candidate, FileClass, Reading};

pub(crate) const ANALYZER: Analyzer = Analyzer {
    id: "opkg",
    version: 1,
    class: FileClass::Database,
    wants,
    reading: Reading::Whole(analyze),
};

fn wants(candidate: &Candidate<'_>) -> bool {
    candidate.base == "status"
        && matches!(candidate.path, "usr/lib/opkg/status" | "var/lib/opkg/status")
}

fn analyze(_path: &str, content: &[u8], limits: &Limits) -> Analysis {
    let packages = dpkg::parse(content, Dialect::Opkg, limits.layer_packages)?;
    Ok(if packages.is_empty() { Vec::new() } else { vec![Evidence::Packages(packages)] })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop, proptest};
    use tallyman_model::inventory::Evidence;
    use tallyman_model::limits::Limits;

    use super::analyze;

    fn names(content: &[u8]) -> Option<Vec<String>> {
        match analyze("", content, &Limits::default()).ok()?.pop() {
            Some(Evidence::Packages(packages)) => Some(
                packages
                    .iter()
                    .map(|it| {
                        format!("{} {} {} {:?}", it.ecosystem, it.name, it.version, it.source)
                    })
                    .collect(),
            ),
            _ => Some(Vec::new()),
        }
    }

    #[test]
    fn installed_packages_are_read_with_opkgs_own_states() {
        let status = "Package: busybox\nVersion: 1.36.1-1\nDepends: libc\n\
            Status: install user installed\nArchitecture: x86_64\nInstalled-Time: 1700000000\n\n\
            Package: libc\nVersion: 1.2.4-4\nSource: package/libs/toolchain\n\
            Status: install hold,user installed\nArchitecture: x86_64\n\n\
            Package: broken\nVersion: 1\nStatus: install ok post-inst-failed\n\n\
            Package: gone\nVersion: 1\nStatus: deinstall ok not-installed\n\n";
        let expected =
            ["opkg broken 1 None", "opkg busybox 1.36.1-1 None", "opkg libc 1.2.4-4 None"];
        assert_eq!(names(status.as_bytes()).expect("a good database"), expected);
    }

    #[test]
    fn a_database_that_is_cut_short_is_a_fault() {
        for bad in
            ["Package: a\n", "Package", "Package: a\nVersion: 1\nStatus: install ok flying\n", "\0"]
        {
            assert_eq!(names(bad.as_bytes()), None, "{bad:?}");
        }
        assert_eq!(names(b""), Some(Vec::new()));
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_parser_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = names(&bytes);
        }
    }
}
