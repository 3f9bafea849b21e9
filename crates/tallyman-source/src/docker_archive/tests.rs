use std::fs;
use std::io::Read as _;
use std::path::PathBuf;

use tallyman_model::digest::Algorithm;
use tallyman_model::image::Compression;
use tallyman_model::limits::Limits;
use tempfile::TempDir;

use super::{ArchivedImage, DockerArchive};
use crate::error::SourceError;
use crate::fixtures::tar_of;
use crate::layout_writer::tar_writer::{EntryMeta, TarWriter};
use crate::options::SourceOptions;
use crate::verify::digest_of;

const D: &str = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

fn config(layers: usize) -> String {
    let diff_ids = vec![format!("\"{D}\""); layers].join(",");
    format!(
        r#"{{"os":"linux","architecture":"amd64","created":"2024-01-01T00:00:00Z",
        "rootfs":{{"type":"layers","diff_ids":[{diff_ids}]}}}}"#
    )
}

fn archive(bytes: Vec<u8>) -> (TempDir, DockerArchive) {
    let dir = TempDir::new().expect("tempdir");
    let path: PathBuf = dir.path().join("save.tar");
    fs::write(&path, bytes).expect("write");
    let archive = DockerArchive::open(&path, &Limits::default()).expect("an archive");
    (dir, archive)
}

fn failure(archive: &DockerArchive, reference: Option<&str>) -> SourceError {
    archive.resolve(reference, &SourceOptions::default()).expect_err("refused")
}

#[test]
fn an_old_archive_with_linked_layers_is_read() {
    let config = config(3);
    let layer = tar_of(&[("etc/x", b"1")]);
    let mut tar = TarWriter::new(Vec::new());
    let mut put = |path: &str, bytes: &[u8]| {
        let meta = EntryMeta { path, mode: 0o644, modified_seconds: 0 };
        let mut bytes = bytes;
        tar.file(meta, bytes.len() as u64, &mut bytes).expect("memory");
    };
    put("c.json", config.as_bytes());
    put("one/layer.tar", &layer);
    put("three/layer.tar", &[0x1f, 0x8b, 8, 0, 0]);
    put(
        "manifest.json",
        br#"[{"Config":"c.json","RepoTags":["app:v1"],
        "Layers":["one/layer.tar","two/layer.tar","three/layer.tar"]}]"#,
    );
    let meta = EntryMeta { path: "two/layer.tar", mode: 0o777, modified_seconds: 0 };
    tar.symlink(meta, "../one/layer.tar").expect("memory");
    let (_dir, archive) = archive(tar.finish().expect("memory"));
    let (image, segments) = archive.resolve(None, &SourceOptions::default()).expect("an image");
    assert_eq!(image.name, "app:v1");
    assert_eq!(image.manifest_digest, None);
    assert_eq!(image.config_digest, digest_of(config.as_bytes(), Algorithm::Sha256));
    assert_eq!(image.layers[0], image.layers[1]);
    assert_eq!(image.layers[0].digest, digest_of(&layer, Algorithm::Sha256));
    assert_eq!(image.layers[2].compression, Some(Compression::Gzip));
    let mut bytes = Vec::new();
    segments[1].clone().read_to_end(&mut bytes).expect("read");
    assert_eq!(bytes, layer);
}

#[test]
fn several_images_are_chosen_by_tag_id_or_place() {
    let config = config(0);
    let id = digest_of(config.as_bytes(), Algorithm::Sha256);
    let name = format!("{}.json", id.hex());
    let manifest = format!(
        r#"[{{"Config":"c.json","RepoTags":["docker.io/library/a:latest"],"Layers":[]}},
        {{"Config":"{name}","RepoTags":null,"Layers":null}}]"#
    );
    let (_dir, archive) = archive(tar_of(&[
        ("c.json", config.as_bytes()),
        (&name, config.as_bytes()),
        ("manifest.json", manifest.as_bytes()),
    ]));
    let options = SourceOptions::default();
    for reference in ["a", "docker.io/library/a:latest", &id.to_string()] {
        let (image, _) = archive.resolve(Some(reference), &options).expect(reference);
        assert_eq!(image.name, reference);
        assert!(image.layers.is_empty());
    }
    let untagged = archive.resolve(Some("@1"), &options).expect("the second").0;
    assert_eq!(untagged.config_digest, id);
    assert!(untagged.name.ends_with("save.tar"), "{}", untagged.name);
    let tag = Some("docker.io/library/a:latest".to_owned());
    let listed = [
        ArchivedImage { reference: "@0".to_owned(), name: tag },
        ArchivedImage { reference: "@1".to_owned(), name: None },
    ];
    assert_eq!(archive.images(), listed);
    assert!(matches!(failure(&archive, None), SourceError::Ambiguous { .. }));
    for reference in ["b", "@2", "@x"] {
        let error = failure(&archive, Some(reference)).to_string();
        assert!(error.contains("available: docker.io/library/a:latest, @1"), "{error}");
    }
}

#[test]
fn hostile_archives_are_refused_with_the_reason() {
    let config = config(1);
    let wrong_id = format!("{}.json", "ab".repeat(32));
    let item =
        |config: &str, layer: &str| format!(r#"[{{"Config":"{config}","Layers":["{layer}"]}}]"#);
    let table = [
        (item("c.json", "missing.tar"), "find missing.tar"),
        (item("c.json", "../../../etc/passwd"), "the archive is incomplete"),
        (item("/etc/passwd", "l.tar"), "the archive is incomplete"),
        (item(&wrong_id, "l.tar"), "verify the configuration"),
        (r#"[{"Config":"c.json","Layers":["l.tar","l.tar"]}]"#.to_owned(), "it lists 1 layers"),
        ("[]".to_owned(), "it holds no image"),
        ("{}".to_owned(), "parse manifest.json"),
    ];
    for (manifest, expect) in table {
        let dir = TempDir::new().expect("tempdir");
        let path = dir.path().join("save.tar");
        let tar = tar_of(&[
            ("c.json", config.as_bytes()),
            (&wrong_id, config.as_bytes()),
            ("l.tar", b""),
            ("manifest.json", manifest.as_bytes()),
        ]);
        fs::write(&path, tar).expect("write");
        let error = DockerArchive::open(&path, &Limits::default())
            .and_then(|archive| archive.resolve(None, &SourceOptions::default()))
            .expect_err("refused")
            .to_string();
        assert!(error.contains(expect), "{manifest}: {error}");
    }
}

#[test]
fn a_layer_over_the_limit_is_not_hashed() {
    let mut options = SourceOptions::default();
    options.limits.layer_bytes = 10;
    let (_dir, archive) = archive(tar_of(&[
        ("c.json", config(1).as_bytes()),
        ("l.tar", &[0; 11]),
        ("manifest.json", br#"[{"Config":"c.json","Layers":["l.tar"]}]"#),
    ]));
    let error = archive.resolve(None, &options).expect_err("too large");
    assert!(matches!(error, SourceError::LimitExceeded { limit: "layer-bytes", .. }), "{error}");
}
