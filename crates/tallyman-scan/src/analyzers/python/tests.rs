use std::fs;
use std::path::PathBuf;

use tallyman_model::inventory::Evidence;
use tallyman_model::limits::Limits;

use super::analyze;

fn package(content: &[u8]) -> Result<String, String> {
    match analyze("x.dist-info/METADATA", content, &Limits::default()) {
        Ok(found) => match found.first() {
            Some(Evidence::Packages(packages)) => {
                let names = packages.iter().map(|p| format!("{} {}", p.name, p.version));
                Ok(names.collect::<Vec<_>>().join(","))
            }
            other => Err(format!("no packages: {other:?}")),
        },
        Err(fault) => Err(fault.reason),
    }
}

#[test]
fn only_the_headers_count() {
    let content = b"Metadata-Version: 2.1\r\nNAME: Zope.Interface\r\nVersion: 5.4.0\r\n\
        Description-Content-Type: text/markdown\r\n\r\nName: no\r\nVersion: 0\r\n";
    assert_eq!(package(content).as_deref(), Ok("Zope.Interface 5.4.0"));
    assert_eq!(package(b"Version: 1\nName: a\nVersion: 2").as_deref(), Ok("a 1"));
    let folded = b"Name: a\nSummary: x\n Version: 9\nVersion: 1\n";
    assert_eq!(package(folded).as_deref(), Ok("a 1"));
}

#[test]
fn metadata_without_name_or_version_are_faults() {
    for bad in ["", "Name: a\n\nVersion: 1\n", "Version: 1\n", "Name: a b\nVersion: 1\n"] {
        assert!(package(bad.as_bytes()).is_err(), "{bad:?}");
    }
    assert!(package(b"Name: \xff\nVersion: 1\n").is_err());
}

#[test]
fn the_distributions_of_this_machine_are_named_as_their_folders_are() {
    let roots = ["/usr/lib/python3/dist-packages", "/usr/local/lib/python3/site-packages"];
    let folders = roots.iter().filter_map(|root| fs::read_dir(root).ok()).flatten();
    let paths: Vec<PathBuf> = folders.filter_map(|entry| Some(entry.ok()?.path())).collect();
    for path in paths.iter().filter(|path| path.extension().is_some_and(|it| it == "dist-info")) {
        let Ok(content) = fs::read(path.join("METADATA")) else {
            continue;
        };
        let stem = path.file_stem().and_then(|stem| stem.to_str()).expect("UTF-8");
        let normalize = |text: &str| text.replace(['-', '.', '_', ' '], "-").to_lowercase();
        let found = package(&content).expect("a package");
        assert_eq!(normalize(&found), normalize(stem));
    }
}
