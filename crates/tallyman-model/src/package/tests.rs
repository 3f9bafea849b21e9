use super::{Ecosystem, Package, PackageVersion, SourcePackage};
use crate::distribution::DistributionRelease;

fn version(ecosystem: Ecosystem, name: &str, version: &str) -> PackageVersion {
    PackageVersion { package: Package::new(ecosystem, name, version), release: None }
}

#[test]
fn python_names_are_compared_as_pep_503_says() {
    for spelling in ["Friendly-Bard", "friendly.bard", "FRIENDLY_--.bard"] {
        assert_eq!(Ecosystem::PyPi.normalize_name(spelling), "friendly-bard");
    }
    assert_eq!(Ecosystem::Npm.normalize_name("JSONStream"), "JSONStream");
}

#[test]
fn advisories_speak_of_the_source_package() {
    let mut deb = version(Ecosystem::Deb, "libssl3", "3.0.15-1~deb12u1+b2");
    deb.package.architecture = Some("amd64".to_owned());
    deb.package.source =
        Some(SourcePackage { name: "openssl".to_owned(), version: "3.0.15-1~deb12u1".to_owned() });
    deb.release = Some(DistributionRelease::new("debian", "12"));
    assert_eq!(
        (deb.advisory_name().as_str(), deb.advisory_version()),
        ("openssl", "3.0.15-1~deb12u1")
    );
    assert_eq!(
        deb.purl(),
        "pkg:deb/debian/libssl3@3.0.15-1~deb12u1%2Bb2?arch=amd64&distro=debian-12"
    );
}

#[test]
fn package_urls_follow_each_types_rules() {
    let table = [
        (version(Ecosystem::Npm, "@angular/core", "17.0.0"), "pkg:npm/%40angular/core@17.0.0"),
        (
            version(Ecosystem::Go, "github.com/gorilla/mux", "v1.8.0"),
            "pkg:golang/github.com/gorilla/mux@v1.8.0",
        ),
        (version(Ecosystem::PyPi, "Flask_SQLAlchemy", "3.0"), "pkg:pypi/flask-sqlalchemy@3.0"),
        (version(Ecosystem::Cargo, "serde", "1.0.0+x"), "pkg:cargo/serde@1.0.0%2Bx"),
        (version(Ecosystem::Maven, "org.a:b", "1"), "pkg:maven/org.a/b@1"),
        (version(Ecosystem::Composer, "Sym/Http", "v1"), "pkg:composer/sym/http@v1"),
        (version(Ecosystem::Generic, "node", "20.1.0"), "pkg:generic/node@20.1.0"),
        (version(Ecosystem::Rpm, "x", "1:2-3.el8"), "pkg:rpm/x@2-3.el8?epoch=1"),
    ];
    for (package, expect) in table {
        assert_eq!(package.purl(), expect);
    }
}

#[test]
fn an_ecosystem_has_one_name_everywhere() {
    for ecosystem in Ecosystem::ALL {
        let json = serde_json::to_value(ecosystem).expect("a name");
        assert_eq!(json, ecosystem.name());
        assert_eq!(ecosystem.name().parse(), Ok(ecosystem));
    }
}

#[test]
fn some_distributions_advisories_speak_of_binary_rpms() {
    let mut rpm = version(Ecosystem::Rpm, "openssl-libs", "1:3.0.7-27.el9");
    rpm.package.source =
        Some(SourcePackage { name: "openssl".to_owned(), version: "1:3.0.7-27.el9".to_owned() });
    for (release, name) in [
        ("almalinux:9", "openssl-libs"),
        ("rhel:9", "openssl-libs"),
        ("alinux:3", "openssl-libs"),
        ("anolis:8", "openssl-libs"),
        ("rocky:9", "openssl"),
        ("opensuse-leap:15.6", "openssl"),
        ("openeuler:22.03-lts-sp3", "openssl"),
    ] {
        rpm.release = Some(DistributionRelease::from_stored(release));
        assert_eq!(rpm.advisory_name(), name, "{release}");
        assert_eq!(rpm.advisory_version(), "1:3.0.7-27.el9");
    }
}

#[test]
fn the_purl_of_an_rpm_has_its_epoch_and_module_apart() {
    let mut rpm = version(Ecosystem::Rpm, "npm", "1:8.19.2-1.16.18.1.3.module_el8.7.0+3370");
    rpm.package.module = Some("nodejs:16".to_owned());
    rpm.package.architecture = Some("x86_64".to_owned());
    rpm.release = Some(DistributionRelease::new("almalinux", "8"));
    assert_eq!(
        rpm.purl(),
        "pkg:rpm/almalinux/npm@8.19.2-1.16.18.1.3.module_el8.7.0%2B3370\
         ?arch=x86_64&distro=almalinux-8&epoch=1&rpmmod=nodejs:16"
    );
}

#[test]
fn the_purl_of_a_rolling_distributions_package_has_no_release() {
    let mut apk = version(Ecosystem::Apk, "zlib", "1.3-r0");
    apk.release = Some(DistributionRelease::new("wolfi", ""));
    assert_eq!(apk.purl(), "pkg:apk/wolfi/zlib@1.3-r0?distro=wolfi");
}
