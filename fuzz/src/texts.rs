//! Names, documents and answers.

use std::cmp::Ordering;

use tallyman_match::version::{Scheme, compare_by};
use tallyman_match::vex::judge::{ImageView, PackageView, Suppressions};
use tallyman_match::vex::{self, ignore_file};
use tallyman_model::digest::Digest;
use tallyman_model::limits::Limits;
use tallyman_model::package::Ecosystem;
use tallyman_model::package_url::parse_purl;
use tallyman_model::platform::Platform;
use tallyman_model::reference::ImageReference;
use tallyman_scan::attestation;
use tallyman_scan::sbom::read_sbom;
use tallyman_source::fuzzing as sources;
use tallyman_source::location::Location;

/// What names an image, a platform or a digest; what is written of it reads as the same.
pub(super) fn reference(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(reference) = text.parse::<ImageReference>() {
        assert_eq!(reference.to_string().parse::<ImageReference>().ok(), Some(reference));
    }
    if let Ok(platform) = text.parse::<Platform>() {
        assert_eq!(platform.to_string().parse::<Platform>().ok(), Some(platform));
    }
    if let Ok(digest) = text.parse::<Digest>() {
        assert_eq!(digest.to_string().parse::<Digest>().ok(), Some(digest));
    }
    let _ = Location::parse(&text);
}

/// A manifest, an index or a configuration.
pub(super) fn document(bytes: &[u8]) {
    sources::document(bytes);
}

/// What a registry answers.
pub(super) fn registry_answer(bytes: &[u8]) {
    sources::registry_answer(bytes);
}

/// Docker's file of credentials.
pub(super) fn credentials(bytes: &[u8]) {
    sources::credentials(bytes);
}

/// A package URL.
pub(super) fn package_url(bytes: &[u8]) {
    let _ = parse_purl(&String::from_utf8_lossy(bytes));
}

/// Three versions, one a line: every order must be one. Four are none by their specification: Maven
/// fills the shorter version up with something else for each longer one, Conan compares numbers
/// as numbers and as words with words, to PHP a word that begins with `#` equals every number, and
/// to Arch Linux a version without a release equals it with any.
pub(super) fn version(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let mut lines = text.split('\n');
    let [a, b, c] = [lines.next(), lines.next(), lines.next()].map(Option::unwrap_or_default);
    for name in Scheme::names() {
        let scheme: Scheme = name.parse().expect("a name that is listed");
        if scheme.to_string() != name {
            continue;
        }
        let compare = |a: &str, b: &str| compare_by(scheme, a, b).ok();
        let reversed = compare(b, a).map(Ordering::reverse);
        assert_eq!(compare(a, b), reversed, "{scheme}: {a:?} and {b:?}");
        if compare(a, a).is_some() {
            assert_eq!(compare(a, a), Some(Ordering::Equal), "{scheme}: {a:?}");
        }
        let is_between = [compare(a, b), compare(b, c)] == [Some(Ordering::Less); 2];
        if is_between
            && !matches!(scheme, Scheme::Maven | Scheme::Conan | Scheme::Packagist | Scheme::Alpm)
        {
            assert_eq!(compare(a, c), Some(Ordering::Less), "{scheme}: {a:?}, {b:?}, {c:?}");
        }
    }
}

/// A bill of materials.
pub(super) fn sbom(bytes: &[u8]) {
    let _ = read_sbom(bytes, &Limits::default());
}

/// A bill of materials in an envelope.
pub(super) fn attestation(bytes: &[u8]) {
    if let Ok(opened) = attestation::open(bytes) {
        let _ = read_sbom(&opened.document, &Limits::default());
    }
}

/// A VEX document, alone or in an envelope; its products are compared with a package.
pub(super) fn vex_document(bytes: &[u8]) {
    let limits = Limits::default();
    let opened = attestation::open_vex(bytes);
    let document = opened.as_ref().map_or(bytes, |opened| &opened.document);
    let Ok(read) = vex::read(document, &limits) else { return };
    let products: usize = read.statements.iter().map(|it| it.products.len()).sum();
    assert!(products <= limits.vex_products);
    let suppressions = Suppressions::new(std::slice::from_ref(&read), &[]);
    compare(&suppressions);
}

/// A file of ignore rules; they are compared with a package.
pub(super) fn rules(bytes: &[u8]) {
    if let Ok(rules) = ignore_file::read(bytes, &Limits::default()) {
        assert!(rules.iter().all(|rule| rule.check().is_ok()));
        compare(&Suppressions::new(&[], &rules));
    }
}

/// Asks for every vulnerability that is spoken of, for one package of one image.
fn compare(suppressions: &Suppressions) {
    let purl = "pkg:npm/one@1.0.0";
    let package = PackageView::new(Ecosystem::Npm, ("one", "1.0.0"), None, "a/package.json", purl);
    let image =
        ImageView { names: vec!["registry.example/a/b:1".to_owned()], ..ImageView::default() };
    suppressions.show_all(&image, &package);
}
