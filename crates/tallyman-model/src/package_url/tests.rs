use super::{image_purl, with_upstream};
use crate::package::SourcePackage;

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
    assert_eq!(with_upstream("no purl", "1", &source("2")), "no purl");
}
