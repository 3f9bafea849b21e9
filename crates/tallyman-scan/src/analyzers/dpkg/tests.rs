use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use insta::assert_snapshot;
use proptest::prelude::{any, prop, prop_assert_eq, proptest};
use tallyman_model::package::Package;

use super::Dialect;
use crate::analyzers::Fault;

fn parse(content: &[u8], max_packages: usize) -> Result<Vec<Package>, Fault> {
    super::parse(content, Dialect::Dpkg, max_packages)
}

fn packages(text: &str) -> Vec<Package> {
    parse(text.as_bytes(), 1000).expect("a good database")
}

fn line(package: &Package) -> String {
    let source = package.source.as_ref();
    let (source, source_version) =
        source.map_or((&package.name, &package.version), |source| (&source.name, &source.version));
    let architecture = package.architecture.as_deref().unwrap_or("");
    format!("{} {} {architecture} {source} {source_version}", package.name, package.version)
}

fn lines(packages: &[Package]) -> String {
    packages.iter().map(|package| line(package) + "\n").collect()
}

#[test]
fn source_and_architecture_are_read_and_the_rest_is_passed_over() {
    let text = "Package: libc6\nStatus: install ok installed\nPriority: optional\n\
        Architecture: amd64\nSource: glibc (2.36-9)\nVersion: 2.36-9+deb12u4\n\
        Conffiles:\n /etc/ld.so.conf.d/x.conf d4e7a7b88a71b5ffd9e2644e71a0cfab\n\
        Description: GNU C Library\n .\n With a colon: and\n more\n\n\n\
        package:bash\nstatus:  hold  ok installed \nVERSION:5.2\nSource: bash\n\n\
        Package: tzdata\nStatus: install ok installed\nVersion: 2024a-0\n";
    assert_snapshot!(lines(&packages(text)), @"
    bash 5.2  bash 5.2
    libc6 2.36-9+deb12u4 amd64 glibc 2.36-9
    tzdata 2024a-0  tzdata 2024a-0
    ");
}

#[test]
fn a_package_counts_while_its_files_are_unpacked() {
    for (status, is_there) in [
        ("install ok installed", true),
        ("hold ok installed", true),
        ("deinstall ok installed", true),
        ("install reinstreq unpacked", true),
        ("install ok half-configured", true),
        ("install ok triggers-awaited", true),
        ("install ok triggers-pending", true),
        ("deinstall ok config-files", false),
        ("purge ok not-installed", false),
        ("install reinstreq half-installed", false),
    ] {
        let text = format!("Package: a\nStatus: {status}\nVersion: 1\n");
        assert_eq!(packages(&text).len(), usize::from(is_there), "{status}");
    }
}

#[test]
fn a_removed_package_needs_no_version() {
    assert_eq!(packages("Package: a\nStatus: purge ok not-installed\n"), []);
    assert_eq!(packages(""), []);
    assert_eq!(packages("\n\n"), []);
}

#[test]
fn a_paragraph_of_status_d_has_no_status() {
    assert_eq!(
        lines(&packages("Package: base-files\nVersion: 12\n")),
        "base-files 12  base-files 12\n"
    );
}

#[test]
fn malformed_databases_are_faults() {
    for bad in [
        "Package a\n",
        " continuation\n",
        "Package: a\n continued\nVersion: 1\n",
        "Package: a\n",
        "Version: 1\n",
        "Package: a b\nVersion: 1\n",
        "Package: a\nVersion: 1\nStatus: installed\n",
        "Package: a\nVersion: 1\nStatus: install ok installed again\n",
        "Package: a\nVersion: 1\nStatus: install ok flying\n",
        "Package: a\nVersion: 1\nSource: b (\n",
        "Package: a\nVersion: 1\nSource: b ()\n",
        "\0\0\0\0",
    ] {
        assert!(parse(bad.as_bytes(), 1000).is_err(), "{bad:?}");
    }
    assert!(parse(b"Package: \xff\nVersion: 1\n", 1000).is_err());
    assert!(parse(b"Package: a\nVersion: 1\nDescription: \xff\n", 1000).is_ok());
}

#[test]
fn no_more_packages_than_allowed_are_kept() {
    let text = "Package: a\nVersion: 1\n\nPackage: b\nVersion: 1\n\n";
    assert!(parse(text.as_bytes(), 2).is_ok());
    let fault = parse(text.as_bytes(), 1).expect_err("too many");
    assert_eq!(fault, Fault::too_many_packages(1));
    assert!(fault.reason.contains("over the limit layer-packages of 1 "), "{fault:?}");
}

#[test]
fn this_machines_database_is_read_as_dpkg_query_reads_it() {
    let format = "${db:Status-Status} ${Package} ${Version} ${Architecture} ${source:Package} \
        ${source:Version}\n";
    let output = Command::new("dpkg-query").args(["-W", "-f", format]).output();
    let (Ok(content), Ok(output)) = (fs::read("/var/lib/dpkg/status"), output) else {
        return;
    };
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let expected: BTreeSet<String> = text
        .lines()
        .filter_map(|line| line.split_once(' '))
        .filter(|(status, _)| {
            !matches!(*status, "not-installed" | "config-files" | "half-installed")
        })
        .map(|(_, rest)| rest.to_owned())
        .collect();
    let found = parse(&content, 1_000_000).expect("a good database");
    assert_eq!(found.iter().map(line).collect::<BTreeSet<_>>(), expected);
}

proptest! {
    #[test]
    fn no_bytes_make_the_parser_panic(bytes in prop::collection::vec(any::<u8>(), 0..500)) {
        let _ = parse(&bytes, 1000);
    }

    #[test]
    fn no_lines_make_the_parser_panic(
        text in "((Package|Version|Source|Status|X|)(:| |)[ a-z()0-9]{0,20}\r?\n){0,20}",
    ) {
        let _ = parse(text.as_bytes(), 1000);
    }

    #[test]
    fn what_was_written_is_read_back(
        entries in prop::collection::btree_map("[a-z0-9][a-z0-9+.-]{0,15}", "[0-9][0-9a-z.~+-]{0,15}", 0..20),
    ) {
        let text: String = entries
            .iter()
            .map(|(name, version)| {
                format!("Package: {name}\nStatus: install ok installed\nSource: s{name} (1:{version})\n\
                    Version: {version}\nArchitecture: all\nDescription: x\n y: z\n\n")
            })
            .collect();
        let expected: String = entries
            .iter()
            .map(|(name, version)| format!("{name} {version} all s{name} 1:{version}\n"))
            .collect();
        prop_assert_eq!(lines(&packages(&text)), expected);
    }
}
