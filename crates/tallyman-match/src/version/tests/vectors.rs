//! Every line of the osv-scalibr project's vectors (Apache-2.0), where they are at hand.

use std::cmp::Ordering;
use std::io::Read;
use std::path::Path;

use tallyman_model::package::Ecosystem;

use crate::version::compare;

const ARCHIVE: &str = "../../../shared/data/vectors/osv-scalibr-semantic.tar.zst";

/// Which ecosystems' order a file of vectors states, with the least number of lines it has.
const FILES: [(&str, &[Ecosystem], usize); 7] = [
    ("alpine-versions.txt", &[Ecosystem::Apk], 700),
    ("alpine-versions-generated.txt", &[Ecosystem::Apk], 13_000),
    ("debian-versions.txt", &[Ecosystem::Deb], 25),
    ("debian-versions-generated.txt", &[Ecosystem::Deb], 14_000),
    ("pypi-versions.txt", &[Ecosystem::PyPi], 35),
    ("pypi-versions-generated.txt", &[Ecosystem::PyPi], 12_000),
    ("semver-versions.txt", &[Ecosystem::Npm, Ecosystem::Cargo, Ecosystem::Go], 80),
];

#[test]
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn all_foreign_vectors_hold() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(ARCHIVE);
    let Ok(file) = std::fs::File::open(&path) else {
        eprintln!("skipped: no vectors at {}", path.display());
        return;
    };
    let mut archive = tar::Archive::new(zstd::Decoder::new(file).unwrap());
    let mut seen = 0;
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().into_owned();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let Some((_, ecosystems, least)) = FILES.iter().find(|(file, ..)| *file == name) else {
            continue;
        };
        let mut text = String::new();
        entry.read_to_string(&mut text).unwrap();
        for ecosystem in *ecosystems {
            let lines = check_file(&name, *ecosystem, &text);
            assert!(lines >= *least, "{name}: only {lines} lines");
        }
        seen += 1;
    }
    assert_eq!(seen, FILES.len());
}

fn check_file(name: &str, ecosystem: Ecosystem, text: &str) -> usize {
    let mut wrong = Vec::new();
    let mut count = 0;
    for line in text.lines() {
        let line = line.trim();
        if line.is_empty() || line.starts_with("//") || line.starts_with('#') {
            continue;
        }
        count += 1;
        let mut words = line.split(' ');
        let (Some(a), Some(sign), Some(b)) = (words.next(), words.next(), words.next()) else {
            panic!("{name}: {line}");
        };
        let expected = match sign {
            "<" => Ordering::Less,
            "=" => Ordering::Equal,
            ">" => Ordering::Greater,
            _ => panic!("{name}: {line}"),
        };
        let swapped = compare(ecosystem, b, a).map(Ordering::reverse);
        if compare(ecosystem, a, b) != Ok(expected) || swapped != Ok(expected) {
            wrong.push(line);
        }
    }
    assert!(wrong.is_empty(), "{ecosystem}, {name}: {} of {count}: {wrong:#?}", wrong.len());
    count
}
