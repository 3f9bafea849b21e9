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
        ("pkg:pypi/flask-login?download_url=https://a.example", true),
        ("pkg:pypi/flask-login?vers=vers:pypi/%3C2", true),
        ("pkg:pypi/flask-login?vers=vers:pypi/%3C1", false),
        ("pkg:unheard/flask-login", false),
        ("cpe:2.3:a:pocoo:flask_login:1.0:*:*:*:*:*:*:*", true),
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
    let other = ProductName::Cpe("cpe:/o:redhat:enterprise_linux:8".to_owned());
    let other = Product::parse(&other).expect("a platform");
    assert!(!other.contains(&image(), &[], &view(&rpm, "rpmdb")));
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
