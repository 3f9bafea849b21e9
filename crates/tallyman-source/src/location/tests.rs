use std::fs;

use tempfile::TempDir;

use super::Location;
use crate::fixtures::{tar_of, tar_of_directory, write_layout};

fn parsed(text: &str) -> String {
    match Location::parse(text) {
        Ok(location) => location.to_string(),
        Err(error) => format!("failed to {error}"),
    }
}

#[test]
fn schemes_say_what_follows() {
    for (text, expect) in [
        ("oci:/x", "oci:/x"),
        ("oci:/x:v1", "oci:/x:v1"),
        ("oci-archive:x.tar:a/b:v1", "oci-archive:x.tar:a/b:v1"),
        ("docker-archive:/x.tar:alpine:3", "docker-archive:/x.tar:alpine:3"),
        ("registry:alpine", "registry:docker.io/library/alpine:latest"),
        ("docker://quay.io/a/b:1", "registry:quay.io/a/b:1"),
        ("registry:5000/app", "registry:registry:5000/app:latest"),
        ("quay.io/a", "registry:quay.io/a:latest"),
        ("containers-storage:", "containers-storage:"),
        ("containers-storage:app:1", "containers-storage:app:1"),
        ("containers-storage:[/x]app:1", "containers-storage:[/x]app:1"),
        ("containers-storage:[vfs@/x+/y:z]@0123", "containers-storage:[vfs@/x]@0123"),
        (
            "containers-storage:[]x",
            "failed to parse the location: the place of a store is written in brackets",
        ),
        (
            "containers-storage:[vfs@]x",
            "failed to parse the location: a store is written as [DRIVER@ROOT]",
        ),
        ("containerd:app:1", "containerd:app:1"),
        ("containerd:[/x]k8s.io/app:1", "containerd:[/x]k8s.io/app:1"),
        ("containerd:5000/app", "registry:containerd:5000/app:latest"),
        (
            "containerd:[/x",
            "failed to parse the location: the place of a store is written in brackets",
        ),
        ("dir:/x:y", "dir:/x:y"),
        ("sbom:/x:y", "sbom:/x:y"),
        ("sbom:5000/app", "registry:sbom:5000/app:latest"),
        ("dir:5000/app", "registry:dir:5000/app:latest"),
        ("dir:", "failed to parse the location: the path after the scheme is missing"),
        ("oci:", "failed to parse the location: the path after the scheme is missing"),
    ] {
        assert_eq!(parsed(text), expect, "{text}");
    }
}

#[test]
fn without_a_scheme_the_disk_is_asked() {
    let dir = TempDir::new().expect("tempdir");
    let at = |name: &str| dir.path().join(name).display().to_string();
    write_layout(&dir.path().join("layout"), "v1");
    let packed = tar_of_directory(&dir.path().join("layout"));
    fs::write(at("oci.tar"), packed).expect("write");
    fs::write(at("docker.tar"), tar_of(&[("manifest.json", b"[]")])).expect("write");
    fs::write(at("other.tar"), tar_of(&[("a", b"")])).expect("write");
    fs::write(at("name:with:colons"), tar_of(&[("manifest.json", b"[]")])).expect("write");
    fs::write(at("text"), "hello, this is no tar").expect("write");
    fs::write(at("packed.tar.gz"), [0x1f, 0x8b, 8, 0]).expect("write");
    assert_eq!(parsed(&at("layout")), format!("oci:{}", at("layout")));
    assert_eq!(parsed(&at("layout:v1")), format!("oci:{}", at("layout:v1")));
    assert_eq!(parsed(&at("oci.tar")), format!("oci-archive:{}", at("oci.tar")));
    assert_eq!(parsed(&at("docker.tar:a:b")), format!("docker-archive:{}", at("docker.tar:a:b")));
    assert_eq!(
        parsed(&at("name:with:colons")),
        format!("docker-archive:{}", at("name:with:colons"))
    );
    assert!(parsed(&at("other.tar")).contains("neither index.json nor manifest.json"));
    assert!(parsed(&at("text")).contains("ends within a header"), "{}", parsed(&at("text")));
    assert!(parsed(&at("packed.tar.gz")).contains("unpack it with gunzip first"));
    assert!(parsed(&at("")).contains("without the file oci-layout"));
}

#[test]
fn a_path_that_does_not_exist_is_named_with_the_next_step() {
    for text in ["/does/not/exist", "./nothing", "image.tar"] {
        let error = parsed(text);
        assert!(error.starts_with(&format!("failed to find {text}: it does not exist")), "{error}");
        assert!(error.contains("registry:REFERENCE"), "{error}");
    }
    assert!(parsed("Not A Reference").contains("is not an image reference"));
}
