use super::{PurlError, PurlPackage, image_purl, parse_purl, with_upstream};
use crate::distribution::DistributionRelease;
use crate::package::{Ecosystem, Package, PackageVersion, SourcePackage};

#[test]
fn an_image_has_a_package_url_where_its_registry_is_known() {
    let digest = format!("sha256:{}", "0a".repeat(32)).parse().expect("a digest");
    let purl = |name| image_purl(name, &digest, Some("arm64"));
    assert_eq!(
        purl("registry.example.com:5000/team/app").expect("a purl"),
        format!(
            "pkg:oci/app@{digest}?arch=arm64&repository_url=registry.example.com:5000%2Fteam%2Fapp\
             &tag=latest"
        )
    );
    let by_digest = format!("docker.io/library/alpine@{digest}");
    assert_eq!(
        image_purl(&by_digest, &digest, Some("arm64")).expect("a purl"),
        format!("pkg:oci/alpine@{digest}?arch=arm64&repository_url=docker.io%2Flibrary%2Falpine")
    );
    for name in ["alpine:3.20", "layout/app:1", "/srv/images/app:1", "./app:1", ""] {
        assert_eq!(purl(name), None, "{name}");
    }
}

#[test]
fn the_source_package_is_a_qualifier_of_the_package_url() {
    let source =
        |version: &str| SourcePackage { name: "openssl".to_owned(), version: version.to_owned() };
    let purl = "pkg:deb/debian/libssl3@3.0.15-1%2Bb2?arch=amd64&distro=debian-12";
    assert_eq!(
        with_upstream(purl, "3.0.15-1+b2", &source("3.0.15-1")),
        format!("{purl}&upstream=openssl%403.0.15-1")
    );
    assert_eq!(
        with_upstream(purl, "3.0.15-1+b2", &source("3.0.15-1+b2")),
        format!("{purl}&upstream=openssl")
    );
    assert_eq!(
        with_upstream("pkg:rpm/fedora/libssl@3-1?epoch=1", "1:3-1", &source("1:3-1")),
        "pkg:rpm/fedora/libssl@3-1?epoch=1&upstream=openssl-3-1.src.rpm"
    );
    assert_eq!(with_upstream("no purl", "1", &source("2")), "no purl");
}

/// Shows `ecosystem name version [architecture] [source version] [distribution version]`.
fn show(text: &str) -> String {
    let PurlPackage { package, distribution_id, distribution_version } =
        parse_purl(text).expect(text);
    let mut shown = format!("{} {} {}", package.ecosystem, package.name, package.version);
    let source = package.source.map(|source| format!("{} {}", source.name, source.version));
    let more =
        [package.architecture, source, distribution_id, distribution_version, package.module];
    for text in more.into_iter().flatten() {
        shown.push(' ');
        shown.push_str(&text);
    }
    shown
}

#[test]
fn package_urls_of_other_tools_are_read() {
    let table = [
        (
            "pkg:deb/debian/libc6@2.36-9%2Bdeb12u10?arch=amd64&upstream=glibc&distro=debian-12.5",
            "deb libc6 2.36-9+deb12u10 amd64 glibc 2.36-9+deb12u10 debian 12.5",
        ),
        (
            "pkg:deb/debian/perl@5.36.0-7?arch=amd64&epoch=1&distro=debian-12",
            "deb perl 1:5.36.0-7 amd64 debian 12",
        ),
        (
            "pkg:apk/alpine/ssl_client@1.36.1-r15?arch=x86_64&upstream=busybox&distro=3.19.1",
            "apk ssl_client 1.36.1-r15 x86_64 busybox 1.36.1-r15 alpine 3.19.1",
        ),
        ("pkg:apk/wolfi/zlib@1.3-r0?distro=wolfi", "apk zlib 1.3-r0 wolfi"),
        (
            "pkg:rpm/redhat/bash@5.1.8-6.el9?arch=x86_64&epoch=4&\
             upstream=bash-5.1.8-6.el9.src.rpm&distro=rhel-9.4",
            "rpm bash 4:5.1.8-6.el9 x86_64 bash 4:5.1.8-6.el9 rhel 9.4",
        ),
        (
            "pkg:rpm/redhat/npm@6-1?distro=rhel-8.4&rpmmod=nodejs:12:8030020201124:229f0a1c",
            "rpm npm 6-1 rhel 8.4 nodejs:12",
        ),
        (
            "pkg:rpm/opensuse/zypper@1.14-1?epoch=0&distro=opensuse-leap-15.5",
            "rpm zypper 1.14-1 opensuse-leap 15.5",
        ),
        ("pkg:ebuild/app-misc/jq@1.7", "ebuild app-misc/jq 1.7"),
        ("pkg:npm/%40babel/core@7.0.0", "npm @babel/core 7.0.0"),
        ("pkg:npm/@babel/core@7.0.0", "npm @babel/core 7.0.0"),
        (
            "pkg:golang/github.com/Masterminds/vcs@v1.13.2",
            "golang github.com/Masterminds/vcs v1.13.2",
        ),
        ("pkg:golang/github.com/Foo/bar@v2.1.0#baz/v2", "golang github.com/Foo/bar/baz/v2 v2.1.0"),
        ("pkg:golang/github.com/foo/bar@v2.1.0#baz/v2", "golang github.com/foo/bar/baz/v2 v2.1.0"),
        ("pkg:maven/org.apache/commons@1.2?type=jar", "maven org.apache:commons 1.2"),
    ];
    for (text, expect) in table {
        assert_eq!(show(text), expect);
    }
}

#[test]
fn what_names_no_package_that_could_be_judged_says_why() {
    let error = |text: &str| parse_purl(text).expect_err(text);
    assert_eq!(error("glibc 2.36"), PurlError::Malformed("glibc 2.36".to_owned()));
    assert_eq!(error("pkg:github/a/b@1"), PurlError::UnknownType("github".to_owned()));
    assert_eq!(error("pkg:pypi/a"), PurlError::NoVersion("pkg:pypi/a".to_owned()));
}

#[test]
fn what_a_package_version_writes_is_read_back() {
    for ecosystem in Ecosystem::ALL {
        let name = match ecosystem {
            Ecosystem::Maven => "org.apache:commons",
            Ecosystem::Swift => "github.com/apple/swift-nio",
            _ if ecosystem.is_distribution() => "name",
            Ecosystem::Composer | Ecosystem::Npm | Ecosystem::Go => "space/name",
            _ => "name",
        };
        let name = if ecosystem == Ecosystem::Ebuild { "app-misc/name" } else { name };
        let version = PackageVersion {
            package: Package {
                ecosystem,
                name: name.to_owned(),
                version: "1:2.3+4~5".to_owned(),
                architecture: ecosystem.is_distribution().then(|| "arm64".to_owned()),
                module: (ecosystem == Ecosystem::Rpm).then(|| "nodejs:16".to_owned()),
                source: None,
            },
            release: ecosystem
                .is_distribution()
                .then(|| DistributionRelease::new("opensuse-leap", "15.5")),
        };
        let read = parse_purl(&version.purl()).expect("a package");
        assert_eq!(read.package, version.package);
        if ecosystem.is_distribution() {
            assert_eq!(read.distribution_id.as_deref(), Some("opensuse-leap"), "{ecosystem}");
            assert_eq!(read.distribution_version.as_deref(), Some("15.5"), "{ecosystem}");
        }
    }
}
