//! Every line of the osv-scalibr project's vectors (Apache-2.0), where they are at hand.

use std::cmp::Ordering;
use std::io::Read;
use std::path::Path;

use crate::version::{Scheme, compare_by};

const ARCHIVE: &str = "../../../shared/data/vectors/osv-scalibr-semantic.tar.zst";

/// Which orders a file of vectors states, with the least number of lines it has.
const FILES: [(&str, &[Scheme], usize); 19] = [
    ("alpine-versions.txt", &[Scheme::Apk], 700),
    ("alpine-versions-generated.txt", &[Scheme::Apk], 13_000),
    ("cran-versions.txt", &[Scheme::Cran], 20),
    ("cran-versions-generated.txt", &[Scheme::Cran], 50),
    ("debian-versions.txt", &[Scheme::Deb], 25),
    ("debian-versions-generated.txt", &[Scheme::Deb], 14_000),
    ("hackage-versions.txt", &[Scheme::Hackage], 10),
    ("maven-versions.txt", &[Scheme::Maven], 90),
    ("maven-versions-generated.txt", &[Scheme::Maven], 14_000),
    ("nuget-versions.txt", &[Scheme::NuGet], 30),
    ("packagist-versions.txt", &[Scheme::Packagist], 90),
    ("packagist-versions-generated.txt", &[Scheme::Packagist], 10_000),
    ("pub-versions.txt", &[Scheme::Pub], 90),
    ("pypi-versions.txt", &[Scheme::Pep440], 35),
    ("pypi-versions-generated.txt", &[Scheme::Pep440], 12_000),
    ("redhat-versions.txt", &[Scheme::Rpm], 160),
    ("rubygems-versions.txt", &[Scheme::RubyGems], 20),
    ("rubygems-versions-generated.txt", &[Scheme::RubyGems], 4_000),
    ("semver-versions.txt", &[Scheme::Semver, Scheme::Go], 80),
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
        let Some((_, schemes, least)) = FILES.iter().find(|(file, ..)| *file == name) else {
            continue;
        };
        let mut text = String::new();
        entry.read_to_string(&mut text).unwrap();
        for scheme in *schemes {
            let lines = check_file(&name, *scheme, &text);
            assert!(lines >= *least, "{name}: only {lines} lines");
        }
        seen += 1;
    }
    assert_eq!(seen, FILES.len());
}

fn check_file(name: &str, scheme: Scheme, text: &str) -> usize {
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
        let swapped = compare_by(scheme, b, a).map(Ordering::reverse);
        if compare_by(scheme, a, b) != Ok(expected) || swapped != Ok(expected) {
            wrong.push(line);
        }
    }
    assert!(wrong.is_empty(), "{scheme}, {name}: {} of {count}: {wrong:#?}", wrong.len());
    count
}
