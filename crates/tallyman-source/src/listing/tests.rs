use std::fs;
use std::path::Path;

use tallyman_model::digest::Algorithm;
use tempfile::TempDir;

use super::{Choice, Images, Platforms, Target};
use crate::error::SourceError;
use crate::fixtures::tar_of;
use crate::location::Location;
use crate::media_type::{OCI_CONFIG, OCI_INDEX, OCI_MANIFEST};
use crate::open::Sources;
use crate::options::SourceOptions;
use crate::verify::digest_of;

const ALL_IMAGES: Choice = Choice { images: Images::All, platforms: Platforms::One };
const ALL_PLATFORMS: Choice = Choice { images: Images::One, platforms: Platforms::All };
const EVERYTHING: Choice = Choice { images: Images::All, platforms: Platforms::All };

/// Writes a blob; returns its descriptor.
fn blob(root: &Path, media_type: &str, text: &str, more: &str) -> String {
    let digest = digest_of(text.as_bytes(), Algorithm::Sha256);
    let directory = root.join("blobs/sha256");
    fs::create_dir_all(&directory).expect("a directory");
    fs::write(directory.join(digest.hex()), text).expect("a blob");
    let size = text.len();
    format!(r#"{{"mediaType":"{media_type}","digest":"{digest}","size":{size}{more}}}"#)
}

fn index(root: &Path, entries: &[String], more: &str) -> String {
    let text = format!(r#"{{"schemaVersion":2,"manifests":[{}]}}"#, entries.join(","));
    blob(root, OCI_INDEX, &text, more)
}

fn config(architecture: &str) -> String {
    format!(r#"{{"os":"linux","architecture":"{architecture}","rootfs":{{"diff_ids":[]}}}}"#)
}

/// Writes an image without layers.
fn image(root: &Path, architecture: &str, more: &str) -> String {
    let config = blob(root, OCI_CONFIG, &config(architecture), "");
    let text = format!(r#"{{"schemaVersion":2,"config":{config},"layers":[]}}"#);
    blob(root, OCI_MANIFEST, &text, more)
}

fn platform(architecture: &str) -> String {
    format!(r#","platform":{{"os":"linux","architecture":"{architecture}"}}"#)
}

fn name(name: &str) -> String {
    format!(r#","annotations":{{"org.opencontainers.image.ref.name":"{name}"}}"#)
}

/// A layout with an image for two platforms, one for one platform, and one without a name.
fn layout() -> (TempDir, Location) {
    let dir = TempDir::new().expect("tempdir");
    let root = dir.path();
    let attestation = r#","platform":{"os":"unknown","architecture":"unknown"}"#;
    let both = [
        image(root, "amd64", &platform("amd64")),
        image(root, "arm64", &platform("arm64")),
        image(root, "s390x", attestation),
    ];
    let entries = [
        index(root, &both, &name("a/both:1")),
        image(root, "riscv64", &name("a/one:1")),
        image(root, "386", ""),
    ];
    let index = format!(r#"{{"schemaVersion":2,"manifests":[{}]}}"#, entries.join(","));
    fs::write(root.join("index.json"), index).expect("an index");
    fs::write(root.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).expect("a mark");
    let location = Location::OciLayout { path: root.to_owned(), reference: None };
    (dir, location)
}

fn sources(platform: Option<&str>) -> Sources {
    let platform = platform.map(|text| text.parse().expect("a platform"));
    Sources::new(SourceOptions { platform, ..SourceOptions::default() }).expect("sources")
}

/// Opens a target; returns its name and platform, or the error.
async fn opened(sources: &Sources, target: &Target) -> String {
    match sources.open_target(target).await {
        Ok(open) => format!("{} {}", open.image().name, open.image().platform),
        Err(error) => error.to_string(),
    }
}

async fn all_opened(sources: &Sources, location: &Location, choice: Choice) -> Vec<String> {
    let targets = sources.list(location, choice).await.expect("a list");
    let mut found = Vec::new();
    for target in targets {
        let by_itself = sources.open(target.location()).await.map(|open| open.image().clone());
        let by_target = sources.open_target(&target).await.map(|open| open.image().clone());
        if let (Ok(one), Ok(other)) = (by_itself, by_target) {
            assert_eq!(one.config_digest, other.config_digest, "{target:?}");
        }
        found.push(opened(sources, &target).await);
    }
    found
}

#[tokio::test]
async fn all_images_of_a_layout_are_listed_and_opened_for_the_platform() {
    let (_dir, location) = layout();
    let path = location.to_string().replace("oci:", "");
    let found = all_opened(&sources(Some("linux/arm64")), &location, ALL_IMAGES).await;
    let wrong = |name: &str, has: &str| {
        format!("choose a platform of {name}: there is no linux/arm64; available: linux/{has}")
    };
    let expected =
        ["a/both:1 linux/arm64".to_owned(), wrong("a/one:1", "riscv64"), wrong(&path, "386")];
    assert_eq!(found, expected);
}

#[tokio::test]
async fn all_platforms_of_an_image_are_listed_without_attestations() {
    let (_dir, location) = layout();
    let both = location.with_reference("a/both:1".to_owned());
    let found = all_opened(&sources(None), &both, ALL_PLATFORMS).await;
    assert_eq!(found, ["a/both:1 linux/amd64", "a/both:1 linux/arm64"]);
    let one = location.with_reference("a/one:1".to_owned());
    assert_eq!(all_opened(&sources(None), &one, ALL_PLATFORMS).await, ["a/one:1 linux/riscv64"]);
    let error = sources(None).list(&location, ALL_PLATFORMS).await.expect_err("which?");
    assert!(matches!(error, SourceError::Ambiguous { .. }), "{error}");
    assert_eq!(all_opened(&sources(None), &location, EVERYTHING).await.len(), 4);
}

#[tokio::test]
async fn a_target_that_is_broken_does_not_hide_the_others() {
    let (dir, location) = layout();
    let config = digest_of(config("amd64").as_bytes(), Algorithm::Sha256);
    fs::remove_file(dir.path().join("blobs/sha256").join(config.hex())).expect("removed");
    let found = all_opened(&sources(None), &location, EVERYTHING).await;
    assert!(found[0].starts_with("find "), "{found:?}");
    assert_eq!(found[1], "a/both:1 linux/arm64");
}

#[tokio::test]
async fn all_images_of_an_archive_are_listed() {
    let dir = TempDir::new().expect("tempdir");
    let path = dir.path().join("save.tar");
    let manifest = r#"[{"Config":"a","RepoTags":["x:1","x:2"],"Layers":[]},
        {"Config":"b","RepoTags":null,"Layers":[]}]"#;
    let tar = tar_of(&[
        ("a", config("amd64").as_bytes()),
        ("b", config("arm64").as_bytes()),
        ("manifest.json", manifest.as_bytes()),
    ]);
    fs::write(&path, tar).expect("write");
    let location = Location::DockerArchive { path, reference: None };
    let found = all_opened(&sources(None), &location, EVERYTHING).await;
    let second = location.with_reference("@1".to_owned());
    assert_eq!(found, ["x:1 linux/amd64".to_owned(), format!("{second} linux/arm64")]);
}

#[tokio::test]
async fn without_a_choice_nothing_is_looked_at() {
    let location = Location::OciLayout { path: "/does/not/exist".into(), reference: None };
    let targets = sources(None).list(&location, Choice::default()).await.expect("a list");
    let [target] = targets.as_slice() else { panic!("{targets:?}") };
    assert_eq!((target.location(), target.name()), (&location, location.to_string()));
}
