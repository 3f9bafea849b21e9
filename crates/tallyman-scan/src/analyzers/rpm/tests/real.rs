//! A database that rpm itself made is read as rpm reads it. Where rpm is not installed, nothing is
//! shown, and a line says so.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, process};

use tallyman_model::inventory::{Evidence, owner_key};
use tallyman_model::limits::Limits;

use super::show;
use crate::analyzers::rpm::analyze;

const QUERY: &str = "%{NAME} %|EPOCH?{%{EPOCH}:}|%{VERSION}-%{RELEASE} %{ARCH} %{SOURCERPM} \
    %|MODULARITYLABEL?{%{MODULARITYLABEL}}:{-}|\n";

/// A directory that is removed in the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = env::temp_dir().join(format!("tallyman-{name}-{}", process::id()));
        fs::create_dir_all(&path).expect("a temporary directory");
        Scratch(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A source package with `count` binary packages, among them one with many files, one with an
/// epoch and one of a module.
fn spec(count: usize) -> String {
    let mut spec = "Name: first\nVersion: 1.2\nRelease: 3\nSummary: s\nLicense: MIT\n\
        BuildArch: noarch\n%define _build_id_links none\n%description\nd\n"
        .to_owned();
    let mut files = "%files\n".to_owned();
    for number in 0..count {
        let _ = write!(
            spec,
            "%package -n sub{number}\nSummary: s\nVersion: {number}~rc1\n%description -n sub{number}\nd\n"
        );
        let _ = writeln!(files, "%files -n sub{number}");
    }
    spec.push_str("%package -n aged\nEpoch: 2\nSummary: s\n%description -n aged\nd\n");
    spec.push_str("%package -n full\nSummary: s\n%description -n full\nd\n");
    files
        .push_str("%files -n aged\n%files -n full\n/usr/bin/*\n/opt/many\n%ghost /usr/bin/ghost\n");
    spec.push_str(
        "%install\nmkdir -p %{buildroot}/usr/bin %{buildroot}/opt/many\n\
         touch %{buildroot}/usr/bin/tool %{buildroot}/usr/bin/ghost\n\
         for i in $(seq 2000); do touch %{buildroot}/opt/many/a-file-of-many-$i; done\n",
    );
    spec + &files
}

/// Builds packages and installs them into an empty database; `None` if there is no rpm.
fn build(scratch: &Path) -> Option<PathBuf> {
    let run = |command: &mut Command| {
        let output = command.output().ok()?;
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{command:?}: {errors}");
        Some(())
    };
    let define = |name: &str, value: &Path| format!("{name} {}", value.display());
    let database = scratch.join("db");
    let packages = scratch.join("packages");
    for (name, text) in [("plain.spec", spec(40)), ("modular.spec", modular_spec())] {
        fs::write(scratch.join(name), text).expect("a spec");
        run(Command::new("rpmbuild")
            .args(["-bb", "--define", &define("_topdir", &scratch.join("top"))])
            .args(["--define", &define("_rpmdir", &packages)])
            .arg(scratch.join(name)))?;
    }
    let files = fs::read_dir(packages.join("noarch")).expect("packages");
    let files = files.map(|entry| entry.expect("a package").path());
    run(Command::new("rpm")
        .args(["-i", "--justdb", "--nodeps", "--dbpath"])
        .arg(&database)
        .args(files))?;
    Some(database)
}

fn modular_spec() -> String {
    "Name: modular\nVersion: 16.1\nRelease: 1.module_el8\nEpoch: 1\nSummary: s\nLicense: MIT\n\
     BuildArch: noarch\nModularityLabel: nodejs:16:8070020221212:bd1311ed\n%description\nd\n%files\n"
        .to_owned()
}

#[test]
fn the_database_of_the_installed_rpm_is_read_as_rpm_reads_it() {
    let scratch = Scratch::new("rpm");
    let Some(database) = build(&scratch.0) else {
        note("rpm is not installed: nothing is compared");
        return;
    };
    let file = fs::read_dir(&database)
        .expect("a database")
        .map(|entry| entry.expect("a file").path())
        .find(|path| {
            let name = path.file_name().and_then(|name| name.to_str());
            matches!(name, Some("rpmdb.sqlite" | "Packages.db" | "Packages"))
        })
        .expect("a format that is known");
    let content = fs::read(&file).expect("the database");
    let path = file.to_str().expect("UTF-8");
    let evidence = analyze(path, &content, &Limits::default()).expect("a good database");

    let query =
        Command::new("rpm").args(["-qa", "--qf", QUERY, "--dbpath"]).arg(&database).output();
    let expected = String::from_utf8(query.expect("rpm").stdout).expect("UTF-8");
    let expected: BTreeSet<&str> = expected.lines().collect();
    let [Evidence::Packages(packages), Evidence::OwnedFiles(owned)] = evidence.as_slice() else {
        panic!("packages and their files: {evidence:?}");
    };
    let found: Vec<String> = packages.iter().map(as_query).collect();
    assert_eq!(found.iter().map(String::as_str).collect::<BTreeSet<_>>(), expected);
    assert_eq!(found.len(), 44, "{}", show(packages));
    assert!(owned.contains(&owner_key("usr/bin/tool")));
    assert!(owned.contains(&owner_key("opt/many/a-file-of-many-2000")));
    assert!(!owned.contains(&owner_key("usr/bin/ghost")));

    for length in [0, 1, 99, 100, 4096, content.len() / 2, content.len() - 1] {
        let cut = &content[..length];
        assert!(analyze(path, cut, &Limits::default()).is_err(), "cut at {length}");
    }
}

#[expect(clippy::print_stderr, reason = "a test that shows nothing says so")]
fn note(text: &str) {
    eprintln!("{text}");
}

/// A package in the words of [`QUERY`].
fn as_query(package: &tallyman_model::package::Package) -> String {
    let source = package.source.as_ref().expect("a source");
    let version = source.version.split_once(':').map_or(&*source.version, |(_, version)| version);
    let module = match package.module.as_deref() {
        Some("nodejs:16") => "nodejs:16:8070020221212:bd1311ed",
        _ => "-",
    };
    format!(
        "{} {} {} {}-{version}.src.rpm {module}",
        package.name,
        package.version,
        package.architecture.as_deref().unwrap_or("-"),
        source.name,
    )
}
