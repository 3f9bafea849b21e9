//! What Azure Linux and CBL-Mariner leave of rpm's database in their distroless images: the list
//! `container-manifest-2`, a package a line, the fields set apart by tabs. They are those of rpm's
//! query `%{NAME} %{VERSION}-%{RELEASE} %{INSTALLTIME} %{BUILDTIME} %{VENDOR} %{EPOCH} %{SIZE}
//! %{ARCH} %{EPOCHNUM} %{SOURCERPM}`.

use std::str;

use tallyman_model::inventory::Evidence;
use tallyman_model::limits::Limits;
use tallyman_model::package::{Ecosystem, Package};

use crate::analyzers::{Analysis, Analyzer, Candidate, Fault, FileClass, Reading, is_token, rpm};

pub(crate) const ANALYZER: Analyzer = Analyzer {
    id: "rpm-manifest",
    version: 1,
    class: FileClass::Database,
    wants,
    reading: Reading::Whole(analyze),
};

fn wants(candidate: &Candidate<'_>) -> bool {
    candidate.path == "var/lib/rpmmanifest/container-manifest-2"
}

fn analyze(_path: &str, content: &[u8], limits: &Limits) -> Analysis {
    let mut packages = Vec::new();
    for (index, line) in content.split(|byte| *byte == b'\n').enumerate() {
        if line.trim_ascii().is_empty() {
            continue;
        }
        let package = str::from_utf8(line).ok().and_then(parse_line);
        let number = index.saturating_add(1);
        packages.push(package.ok_or_else(|| Fault::new(format!("line {number} is malformed")))?);
        if packages.len() > limits.layer_packages {
            return Err(Fault::too_many_packages(limits.layer_packages));
        }
    }
    packages.sort_unstable();
    packages.dedup();
    Ok(if packages.is_empty() { Vec::new() } else { vec![Evidence::Packages(packages)] })
}

fn parse_line(line: &str) -> Option<Package> {
    let fields: Vec<&str> = line.trim_end_matches('\r').split('\t').collect();
    let [name, version, _, _, _, _, _, architecture, epoch, source, ..] = fields.as_slice() else {
        return None;
    };
    let epoch = epoch.parse().ok()?;
    if !is_token(name) || !is_token(version) || !version.contains('-') {
        return None;
    }
    let version = match epoch {
        0 => (*version).to_owned(),
        epoch => format!("{epoch}:{version}"),
    };
    Some(Package {
        architecture: Some((*architecture).to_owned()).filter(|it| is_token(it)),
        source: rpm::source_of(source, epoch),
        ..Package::new(Ecosystem::Rpm, *name, version)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop, proptest};
    use tallyman_model::inventory::Evidence;
    use tallyman_model::limits::Limits;

    use super::analyze;

    fn lines(content: &str) -> Option<Vec<String>> {
        let found = analyze("", content.as_bytes(), &Limits::default()).ok()?.pop();
        let Some(Evidence::Packages(packages)) = found else {
            return Some(Vec::new());
        };
        let line = |package: &tallyman_model::package::Package| {
            let source = package.source.as_ref();
            let source = source.map_or("-".to_owned(), |it| format!("{} {}", it.name, it.version));
            let architecture = package.architecture.as_deref().unwrap_or("-");
            format!("{} {} {architecture} {source}", package.name, package.version)
        };
        Some(packages.iter().map(line).collect())
    }

    #[test]
    fn a_line_is_a_package() {
        let manifest = "glibc\t2.38-8.azl3\t1718000000\t1717000000\tMicrosoft Corporation\t(none)\t\
            10\tx86_64\t0\tglibc-2.38-8.azl3.src.rpm\n\
            openssl-libs\t3.3.0-1.azl3\t1\t1\tMicrosoft Corporation\t1\t10\tx86_64\t1\t\
            openssl-3.3.0-1.azl3.src.rpm\n";
        let expected = [
            "glibc 2.38-8.azl3 x86_64 glibc 2.38-8.azl3",
            "openssl-libs 1:3.3.0-1.azl3 x86_64 openssl 1:3.3.0-1.azl3",
        ];
        assert_eq!(lines(manifest).expect("a good manifest"), expected);
        assert_eq!(lines(""), Some(Vec::new()));
    }

    #[test]
    fn a_line_that_is_cut_short_is_a_fault() {
        for bad in
            ["glibc", "glibc\t2.38-8", "a\t1\t\t\t\t\t\t\t0\t", "a\t1-1\t\t\t\t\t\t\tx\t", "\0\0"]
        {
            assert_eq!(lines(bad), None, "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_parser_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = analyze("", &bytes, &Limits::default());
        }
    }
}
