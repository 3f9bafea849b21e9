use std::fs;
use std::path::Path;

use tallyman_model::digest::{Algorithm, Digest};
use tallyman_model::limits::Limits;
use tempfile::TempDir;

use super::bolt::tests::{Put, leaf, write};
use super::{CONTENT, Containerd, DATABASE, signed_varint};
use crate::listing::{Choice, Images, Platforms};
use crate::media_type::{OCI_CONFIG, OCI_INDEX, OCI_MANIFEST};
use crate::options::SourceOptions;
use crate::verify::digest_of;

const APP: &str = "docker.io/library/app:1";

fn blob(root: &Path, text: &str) -> (Digest, usize) {
    let digest = digest_of(text.as_bytes(), Algorithm::Sha256);
    let directory = root.join(CONTENT).join("blobs/sha256");
    fs::create_dir_all(&directory).expect("a directory");
    fs::write(directory.join(digest.hex()), text).expect("a blob");
    (digest, text.len())
}

fn descriptor(media_type: &str, (digest, size): &(Digest, usize), more: &str) -> String {
    format!(r#"{{"mediaType":"{media_type}","digest":"{digest}","size":{size}{more}}}"#)
}

/// Writes an image without layers; returns the digest of its manifest.
fn image(root: &Path, architecture: &str) -> (Digest, usize) {
    let config =
        format!(r#"{{"os":"linux","architecture":"{architecture}","rootfs":{{"diff_ids":[]}}}}"#);
    let config = descriptor(OCI_CONFIG, &blob(root, &config), "");
    blob(root, &format!(r#"{{"schemaVersion":2,"config":{config},"layers":[]}}"#))
}

fn varint(number: usize) -> Vec<u8> {
    let mut left = number << 1;
    let mut bytes = Vec::new();
    while left >= 0x80 {
        bytes.push(u8::try_from(left & 0x7f).expect("seven bits") | 0x80);
        left >>= 7;
    }
    bytes.push(u8::try_from(left).expect("seven bits"));
    bytes
}

fn target(media_type: &str, (digest, size): &(Digest, usize)) -> Put {
    Put::Inline(vec![(
        b"target".to_vec(),
        Put::Inline(vec![
            (b"digest".to_vec(), Put::Bytes(digest.to_string().into_bytes())),
            (b"mediatype".to_vec(), Put::Bytes(media_type.as_bytes().to_vec())),
            (b"size".to_vec(), Put::Bytes(varint(*size))),
        ]),
    )])
}

type Named = Vec<(Vec<u8>, Put)>;

fn database(root: &Path, namespaces: Vec<(&str, Named)>) {
    let path = root.join(DATABASE);
    fs::create_dir_all(path.parent().expect("a parent")).expect("directories");
    let mut version = vec![(b"version".to_vec(), Put::Bytes(vec![6]))];
    for (namespace, images) in namespaces {
        let images = vec![(b"images".to_vec(), Put::Inline(images))];
        version.push((namespace.as_bytes().to_vec(), Put::Inline(images)));
    }
    write(&path, &[leaf(3, &[(b"v1".to_vec(), Put::Tree(4))]), leaf(4, &version)]);
}

/// A store with one image for two platforms of which one is held, under the names that Kubernetes
/// gives it, and two other images.
fn store() -> (TempDir, Digest) {
    let dir = TempDir::new().expect("tempdir");
    let root = dir.path();
    let amd64 = image(root, "amd64");
    let arm64 = (digest_of(b"not pulled", Algorithm::Sha256), 10);
    let platform = |name: &str| format!(r#","platform":{{"os":"linux","architecture":"{name}"}}"#);
    let entries = [
        descriptor(OCI_MANIFEST, &arm64, &platform("arm64")),
        descriptor(OCI_MANIFEST, &amd64, &platform("amd64")),
    ];
    let index = format!(r#"{{"schemaVersion":2,"manifests":[{}]}}"#, entries.join(","));
    let index = blob(root, &index);
    let names = ["sha256:0123", &format!("docker.io/library/app@{}", index.0), APP];
    let kubernetes =
        names.iter().map(|name| (name.as_bytes().to_vec(), target(OCI_INDEX, &index))).collect();
    let other = |architecture| target(OCI_MANIFEST, &image(root, architecture));
    let default = vec![
        (b"docker.io/library/app:1".to_vec(), other("riscv64")),
        (b"example.org/k8s.io/x:1".to_vec(), other("s390x")),
    ];
    database(root, vec![("default", default), ("empty", Vec::new()), ("k8s.io", kubernetes)]);
    (dir, index.0)
}

fn options(platform: &str) -> SourceOptions {
    SourceOptions {
        platform: Some(platform.parse().expect("a platform")),
        ..SourceOptions::default()
    }
}

fn chosen(root: &Path, reference: Option<&str>, platform: &str) -> String {
    let options = options(platform);
    let found = Containerd::open(Some(root), &options)
        .and_then(|store| store.resolve(reference, &options).map(|(image, _)| image));
    match found {
        Ok(image) => format!("{} {}", image.name, image.platform),
        Err(error) => error.to_string(),
    }
}

#[test]
fn an_image_is_chosen_by_name_namespace_meaning_or_digest() {
    let (dir, index) = store();
    let app = format!("{APP} linux/amd64");
    let manifest = image(dir.path(), "amd64").0.to_string();
    for (reference, expect) in [
        ("k8s.io/docker.io/library/app:1", &app),
        ("k8s.io/app:1", &app),
        (&*index.to_string(), &app),
        ("sha256:0123", &app.replace(APP, "sha256:0123")),
        (&*manifest, &format!("{manifest} linux/amd64")),
    ] {
        assert_eq!(chosen(dir.path(), Some(reference), "linux/amd64"), *expect, "{reference}");
    }
    assert_eq!(
        chosen(dir.path(), Some("example.org/k8s.io/x:1"), "linux/s390x"),
        "example.org/k8s.io/x:1 linux/s390x"
    );
    assert_eq!(
        chosen(dir.path(), Some("default/app:1"), "linux/riscv64"),
        "docker.io/library/app:1 linux/riscv64"
    );
    let several = "available: default/docker.io/library/app:1, default/example.org/k8s.io/x:1, \
                   k8s.io/docker.io/library/app:1";
    for reference in [None, Some("app:1"), Some(APP)] {
        let error = chosen(dir.path(), reference, "linux/amd64");
        assert!(error.starts_with("choose an image") && error.contains(several), "{error}");
    }
    let error = chosen(dir.path(), Some("none:1"), "linux/amd64");
    assert!(error.starts_with("find none:1 in the store of containerd in "), "{error}");
}

#[test]
fn a_platform_that_was_not_pulled_is_said_to_be_missing() {
    let (dir, _) = store();
    let error = chosen(dir.path(), Some("k8s.io/app:1"), "linux/arm64");
    assert!(error.contains("pulled for another platform"), "{error}");
}

#[test]
fn images_are_listed_once_and_the_platforms_that_are_there() {
    let (dir, _) = store();
    let store = Containerd::open(Some(dir.path()), &SourceOptions::default()).expect("a store");
    let listed = |images, platforms, reference| {
        let choice = Choice { images, platforms };
        let listed = store.list(reference, choice, &Limits::default()).expect("a list");
        listed.into_iter().map(|image| (image.name, image.reference)).collect::<Vec<_>>()
    };
    let all = listed(Images::All, Platforms::One, None);
    let names: Vec<&str> = all.iter().map(|image| image.0.as_str()).collect();
    assert_eq!(names, [APP, "example.org/k8s.io/x:1", APP]);
    assert_eq!(all[2].1, format!("k8s.io/{APP}"));
    let manifest = image(dir.path(), "amd64").0.to_string();
    let platforms = listed(Images::One, Platforms::All, Some("k8s.io/app:1"));
    assert_eq!(platforms, [(APP.to_owned(), manifest)]);
    assert_eq!(listed(Images::All, Platforms::All, None).len(), 3);
}

#[test]
fn what_is_no_store_is_named() {
    let dir = TempDir::new().expect("tempdir");
    let error = chosen(dir.path(), None, "linux/amd64");
    assert!(error.starts_with("find a store of containerd in "), "{error}");
    let mut options = SourceOptions::default();
    options.containerd.roots = vec![dir.path().to_owned()];
    let error = Containerd::open(None, &options).expect_err("no store").to_string();
    assert!(error.contains("name another place with containerd:[ROOT]"), "{error}");
    database(dir.path(), Vec::new());
    let error = chosen(dir.path(), None, "linux/amd64");
    assert!(error.ends_with("containerd has none"), "{error}");
    assert!(Containerd::open(None, &options).is_ok());
    database(dir.path(), vec![("a", vec![(b"x".to_vec(), Put::Inline(Vec::new()))])]);
    let error = chosen(dir.path(), None, "linux/amd64");
    assert_eq!(error, "parse image x: it has no target");
}

#[test]
fn sizes_are_read_as_go_writes_them() {
    for number in [0, 1, 63, 64, 300, usize::MAX >> 1] {
        let expected = i64::try_from(number).expect("fits");
        assert_eq!(signed_varint(&varint(number)), Some(expected));
    }
    assert_eq!(signed_varint(&[0x01]), Some(-1));
    for broken in [&[][..], &[0x80], &[0xff; 12]] {
        assert_eq!(signed_varint(broken), None);
    }
}
