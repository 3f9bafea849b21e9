use tallyman_model::distribution::{Distribution, DistributionRelease};
use tallyman_model::package::{Ecosystem, Package, PackageVersion, SourcePackage};
use tallyman_model::vex::ProductName;

use super::{ImageView, PackageView, Product, VersionPattern, image_is, name_of};

fn digest(digit: &str) -> tallyman_model::digest::Digest {
    format!("sha256:{}", digit.repeat(64)).parse().expect("a digest")
}

fn image() -> ImageView {
    ImageView {
        digests: vec![digest("1"), digest("2")],
        names: vec!["registry.example/team/app:1.2".to_owned(), "alpine:3".to_owned()],
        architecture: Some("amd64".to_owned()),
        distribution: Some(Distribution {
            id: "rhel".to_owned(),
            version_id: Some("9.4".to_owned()),
            ..Distribution::default()
        }),
    }
}

fn version(ecosystem: Ecosystem, name: &str, version: &str) -> PackageVersion {
    PackageVersion { package: Package::new(ecosystem, name, version), release: None }
}

fn view<'a>(version: &'a PackageVersion, path: &'a str) -> PackageView<'a> {
    let package = &version.package;
    let named = (&*package.name, &*package.version);
    let source = package.source.as_ref();
    PackageView::new(package.ecosystem, named, source, path, &version.purl())
}

fn holds(name: &str, package: &PackageVersion) -> bool {
    let product = name_of(name).as_ref().and_then(Product::parse);
    product.is_some_and(|product| product.holds(&image(), &view(package, "a")))
}

#[test]
fn a_package_url_without_a_version_means_all_and_its_qualifiers_must_hold() {
    let python = version(Ecosystem::PyPi, "Flask_Login", "1.0");
    for (name, expected) in [
        ("pkg:pypi/flask-login", true),
        ("pkg:pypi/flask-login@1.0", true),
        ("pkg:pypi/flask-login@1.0.0", true),
        ("pkg:pypi/flask-login@1.1", false),
        ("pkg:pypi/flask", false),
        ("pkg:npm/flask-login", false),
        ("pkg:pypi/flask-login?build=7", false),
        ("pkg:pypi/flask-login?type=jar", false),
        ("pkg:pypi/flask-login?download_url=https://a.example", true),
        ("pkg:pypi/flask-login?vers=vers:pypi/%3C2", true),
        ("pkg:pypi/flask-login?vers=vers:pypi/%3C1", false),
        ("pkg:unheard/flask-login", false),
        ("cpe:2.3:a:pocoo:flask_login:1.0:*:*:*:*:*:*:*", true),
        ("cpe:2.3:a:pocoo:flask-login:1.0:*:*:*:*:*:*:*", true),
        ("cpe:2.3:a:pocoo:flask_login:2.0:*:*:*:*:*:*:*", false),
        ("cpe:/o:pocoo:flask_login", false),
    ] {
        assert_eq!(holds(name, &python), expected, "{name}");
    }
    let java = version(Ecosystem::Maven, "org.example:lib", "2.0");
    assert!(holds("pkg:maven/org.example/lib@2.0?type=jar", &java));
    assert!(!holds("pkg:maven/org.other/lib@2.0", &java));
}

#[test]
fn packages_of_distributions_are_named_with_release_architecture_and_source() {
    let mut rpm = version(Ecosystem::Rpm, "openssl-libs", "1:3.0.7-24.el9");
    rpm.package.architecture = Some("x86_64".to_owned());
    rpm.release = Some(DistributionRelease::new("rhel", "9"));
    let source = SourcePackage { name: "openssl".into(), version: "1:3.0.7-24.el9".into() };
    rpm.package.source = Some(source);
    for (name, expected) in [
        ("pkg:rpm/redhat/openssl-libs", true),
        ("pkg:rpm/openssl-libs@3.0.7-24.el9?epoch=1", true),
        ("pkg:rpm/redhat/openssl-libs@3.0.7-24.el9?epoch=1&arch=x86_64", true),
        ("pkg:rpm/redhat/openssl-libs@3.0.7-24.el9?arch=aarch64", false),
        ("pkg:rpm/redhat/openssl?arch=src", true),
        ("pkg:rpm/redhat/openssl@3.0.7-24.el9?arch=src&epoch=1", true),
        ("pkg:rpm/redhat/openssl", false),
        ("pkg:rpm/redhat/openssl-libs?distro=rhel-9", true),
        ("pkg:rpm/redhat/openssl-libs?distro=rhel-9.4", true),
        ("pkg:rpm/redhat/openssl-libs?distro=rhel-8", false),
        ("pkg:rpm/suse/openssl-libs", false),
    ] {
        assert_eq!(holds(name, &rpm), expected, "{name}");
    }
}

#[test]
fn images_are_known_by_digest_or_by_name() {
    let any = version(Ecosystem::PyPi, "a", "1");
    let one = digest("1");
    let three = digest("3");
    for (name, expected) in [
        (format!("pkg:oci/app@{one}"), true),
        (format!("pkg:oci/app@{one}?repository_url=mirror.example/app"), true),
        (format!("pkg:oci/app@{one}?arch=arm64"), false),
        (format!("pkg:oci/app@{three}"), false),
        ("pkg:oci/app".to_owned(), true),
        ("pkg:oci/other".to_owned(), false),
        ("pkg:oci/app?repository_url=registry.example/team/app".to_owned(), true),
        ("pkg:oci/app?repository_url=registry.example/team/app&tag=1.3".to_owned(), false),
        ("pkg:docker/team/app@1.2?repository_url=registry.example".to_owned(), true),
        ("pkg:docker/library/alpine".to_owned(), true),
        (one.to_string(), true),
        ("registry.example/team/app".to_owned(), true),
        ("registry.example/team/app:2".to_owned(), false),
        ("other.example/team/app".to_owned(), false),
        ("registry.example/team/other".to_owned(), false),
        ("pkg:docker/other/app".to_owned(), false),
        ("alpine".to_owned(), true),
        ("https://registry.example/team/app".to_owned(), false),
    ] {
        assert_eq!(holds(&name, &any), expected, "{name}");
    }
}

#[test]
fn rules_name_images_by_patterns_as_well() {
    for (pattern, expected) in [
        ("registry.example/team/*", true),
        ("registry.example/*:1.*", true),
        ("registry.example/*:2.*", false),
        ("alp*", true),
        ("alpin?", true),
        ("docker.io/library/alpine:?", true),
        ("sha256:1111*", true),
        ("alpine:3", true),
        ("alpine:4", false),
    ] {
        assert_eq!(image_is(pattern, &image()), expected, "{pattern}");
    }
}

#[test]
fn a_component_is_looked_for_within_its_product_only() {
    let app = version(Ecosystem::Maven, "org.example:app", "1");
    let lib = version(Ecosystem::Maven, "org.example:lib", "1");
    let all = [view(&app, "app.jar"), view(&lib, "app.jar!/lib.jar"), view(&lib, "other.jar")];
    let contains = |name: &str, at: usize| {
        let product = name_of(name).as_ref().and_then(Product::parse).expect(name);
        product.contains(&image(), &all, &all[at])
    };
    assert!(contains("pkg:maven/org.example/app", 1));
    assert!(!contains("pkg:maven/org.example/app", 2));
    assert!(contains("alpine:3", 2));
    let rpm = version(Ecosystem::Rpm, "bash", "5");
    let product = ProductName::Cpe("cpe:/a:redhat:enterprise_linux:9::appstream".to_owned());
    let platform = Product::parse(&product).expect("a platform");
    assert!(platform.contains(&image(), &[], &view(&rpm, "rpmdb")));
    assert!(!platform.contains(&image(), &[], &all[0]), "not of the distribution");
    assert!(!platform.holds(&image(), &view(&rpm, "rpmdb")), "never all of a distribution");
    for other in [
        "cpe:/o:redhat:enterprise_linux:8",
        "cpe:/o:redhat:openshift:9",
        "cpe:/o:x:enterprise_linux",
    ] {
        let product = Product::parse(&ProductName::Cpe(other.to_owned())).expect("a platform");
        assert!(!product.contains(&image(), &[], &view(&rpm, "rpmdb")), "{other}");
    }
}

#[test]
fn ranges_of_versions_hold_as_their_specification_says() {
    let holds = |range: &str, version: &str| {
        VersionPattern::parse(range).is_some_and(|one| one.holds(Ecosystem::PyPi, version))
    };
    for (range, version, expected) in [
        ("vers:pypi/*", "1", true),
        ("vers:pypi/1.0|2.0", "2.0", true),
        ("vers:pypi/1.0|2.0", "1.5", false),
        ("vers:pypi/>=1|<2", "1.5", true),
        ("vers:pypi/>=1|<2", "2", false),
        ("vers:pypi/>=1|<2|>=3|<4", "2.5", false),
        ("vers:pypi/>=1|<2|>=3|<4", "3.5", true),
        ("vers:pypi/>=1|<2|>=3", "9", true),
        ("vers:pypi/<=1", "1", true),
        ("vers:pypi/<=1", "1.1", false),
        ("vers:pypi/!=1", "1", false),
        ("vers:pypi/!=1", "2", true),
        ("vers:pypi/>=1|!=1.5|<2", "1.5", false),
        ("vers:pypi", "1", false),
        ("all versions before 3", "1", false),
    ] {
        assert_eq!(holds(range, version), expected, "{range} {version}");
    }
    let range = VersionPattern::parse("vers:npm/>=nonsense").expect("a range");
    assert!(!range.holds(Ecosystem::Npm, "1.0.0"), "what cannot be compared does not hold");
}

#[test]
fn what_is_no_reference_names_an_image_as_it_is_called() {
    let image = ImageView { names: vec!["<none> built here".to_owned()], ..image() };
    assert!(image_is("<none> built here", &image));
    assert!(!image_is("<none>", &image));
}

#[test]
fn a_package_is_within_another_by_its_path() {
    let is_within = |inner: (Ecosystem, &str), outer: (Ecosystem, &str)| {
        let (a, b) = (version(inner.0, "a", "1"), version(outer.0, "b", "1"));
        view(&a, inner.1).is_within(&view(&b, outer.1))
    };
    use Ecosystem::{Cargo, Go, Maven, Npm, PyPi};
    for (inner, outer, expected) in [
        ((Go, "bin/app"), (Go, "bin/app"), true),
        ((Go, "bin/app2"), (Go, "bin/app"), false),
        ((Maven, "app.jar!/lib/a.jar"), (Maven, "app.jar"), true),
        ((Maven, "app.jar.old"), (Maven, "app.jar"), false),
        ((Cargo, "bin/app"), (Cargo, "bin/app"), true),
        ((Cargo, "app/Cargo.lock"), (Cargo, "app/Cargo.lock"), false),
        ((Npm, "app/node_modules/a/package.json"), (Npm, "app/package.json"), true),
        ((Npm, "other/package.json"), (Npm, "app/package.json"), false),
        ((Npm, "app/node_modules/a/package.json"), (Npm, "app/yarn.lock"), false),
        ((PyPi, "app/a"), (PyPi, "app/a"), false),
    ] {
        assert_eq!(is_within(inner, outer), expected, "{inner:?} {outer:?}");
    }
}

#[test]
fn versions_that_are_only_words_mean_no_version_at_all() {
    let parse = |versions: &[&str]| {
        let versions = versions.iter().map(|text| (*text).to_owned()).collect();
        Product::parse(&ProductName::Purl { purl: "pkg:pypi/a".to_owned(), versions })
    };
    assert!(parse(&["all versions before 3"]).is_none());
    assert!(parse(&[""]).is_none());
    let product = parse(&["all versions before 3", "1"]).expect("one is a version");
    assert!(product.holds(&image(), &view(&version(Ecosystem::PyPi, "a", "1"), "a")));
    assert!(!product.holds(&image(), &view(&version(Ecosystem::PyPi, "a", "2"), "a")));
}

#[test]
fn only_distributions_leave_out_a_namespace_and_epochs_are_written_once() {
    let scoped = version(Ecosystem::Npm, "@angular/core", "1.0.0");
    assert!(holds("pkg:npm/%40angular/core", &scoped));
    assert!(!holds("pkg:npm/core", &scoped));
    let rpm = version(Ecosystem::Rpm, "bash", "1:5-1");
    for (name, expected) in [
        ("pkg:rpm/bash@5-1?epoch=1", true),
        ("pkg:rpm/bash@1:5-1?epoch=1", true),
        ("pkg:rpm/bash@1:5-1", true),
        ("pkg:rpm/bash@5-1", false),
        ("pkg:rpm/bash@5-1?epoch=2", false),
        ("pkg:rpm/bash@1:5-1?arch=src", false),
    ] {
        assert_eq!(holds(name, &rpm), expected, "{name}");
    }
    assert!(super::is_distro("debian-12", "debian-12.5"));
    assert!(!super::is_distro("debian-12", "debian-120"));
    assert!(!super::is_distro("debian-12", "debian-11"));
}
