use std::fs;
use std::process::Command;

use tallyman_model::digest::Digest;
use tempfile::TempDir;

use super::{OpenImage, Sources, open};
use crate::error::SourceError;
use crate::fixtures::{has_program, layer_tars, read_layer, tar_of_directory, write_layout};
use crate::location::Location;
use crate::options::SourceOptions;

async fn opened(location: &str) -> OpenImage {
    let location: Location = location.parse().expect("a location");
    open(&location, &SourceOptions::default()).await.expect("an image")
}

#[tokio::test]
async fn layers_of_layouts_and_archives_are_read() {
    fn shareable<T: Send + Sync>(_: &T) {}
    let dir = TempDir::new().expect("tempdir");
    let root = dir.path().join("layout");
    write_layout(&root, "v1");
    let tar = dir.path().join("layout.tar");
    fs::write(&tar, tar_of_directory(&root)).expect("write");
    for location in [format!("oci:{}", root.display()), tar.display().to_string()] {
        let image = opened(&location).await;
        shareable(&image);
        assert!(image.registry_facts().is_none());
        assert_eq!(read_layer(&image, 0).await.expect("a layer"), layer_tars()[0]);
        let packed = read_layer(&image, 1).await.expect("a layer");
        assert_eq!(packed.len() as u64, image.image().layers[1].size_bytes);
        let error = image.open_layer(2).await.err().expect("two layers").to_string();
        assert!(error.ends_with("it has 2 layers"), "{error}");
    }
}

#[tokio::test]
async fn an_archive_in_both_formats_is_read_as_either() {
    let dir = TempDir::new().expect("tempdir");
    let root = dir.path().join("layout");
    write_layout(&root, "v1");
    let image = opened(&root.display().to_string()).await;
    let blob = |digest: &Digest| format!("blobs/sha256/{}", digest.hex());
    let layers: Vec<String> =
        image.image().layers.iter().map(|layer| format!("{:?}", blob(&layer.digest))).collect();
    let manifest = format!(
        r#"[{{"Config":"{}","RepoTags":["app:v1"],"Layers":[{}]}}]"#,
        blob(&image.image().config_digest),
        layers.join(",")
    );
    fs::write(root.join("manifest.json"), manifest).expect("write");
    let tar = dir.path().join("save.tar").display().to_string();
    fs::write(&tar, tar_of_directory(&root)).expect("write");
    let oci = opened(&tar).await;
    assert_eq!(oci.image().layers, image.image().layers);
    assert_eq!(oci.image().manifest_digest, image.image().manifest_digest);
    let docker = opened(&format!("docker-archive:{tar}")).await;
    assert_eq!(docker.image().config_digest, image.image().config_digest);
    for (index, layer) in image.image().layers.iter().enumerate() {
        assert_eq!(docker.image().layers[index].digest, layer.digest);
        assert_eq!(docker.image().layers[index].compression, layer.compression);
        assert_eq!(
            read_layer(&docker, index).await.expect("a layer"),
            read_layer(&oci, index).await.expect("a layer")
        );
    }
}

#[tokio::test]
async fn archives_that_skopeo_writes_are_read() {
    if !has_program("skopeo") {
        return;
    }
    let dir = TempDir::new().expect("tempdir");
    let root = dir.path().join("layout");
    write_layout(&root, "v1");
    let from = opened(&root.display().to_string()).await;
    for scheme in ["docker-archive", "oci-archive"] {
        let path = dir.path().join(format!("{scheme}.tar"));
        let name = if scheme == "docker-archive" { "example.org/app:v1" } else { "v1" };
        let out = Command::new("skopeo")
            .args(["copy", "--insecure-policy"])
            .arg(format!("oci:{}:v1", root.display()))
            .arg(format!("{scheme}:{}:{name}", path.display()))
            .output()
            .expect("skopeo runs");
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        let image = opened(&path.display().to_string()).await;
        assert!(image.image().name.ends_with(name), "{}", image.image().name);
        assert_eq!(image.image().config_digest, from.image().config_digest);
        assert_eq!(image.image().layers.len(), 2);
        if scheme == "docker-archive" {
            // Layers are unpacked there.
            assert_eq!(read_layer(&image, 1).await.expect("a layer"), layer_tars()[1]);
        }
    }
}

#[tokio::test]
async fn another_platform_can_be_asked_for_each_image() {
    let dir = TempDir::new().expect("tempdir");
    write_layout(dir.path(), "v1");
    let location = Location::OciLayout { path: dir.path().to_owned(), reference: None };
    let sources = Sources::new(SourceOptions::default()).expect("options");
    assert!(sources.open(&location).await.is_ok());
    let platform = "linux/s390x".parse().expect("a platform");
    let error = sources.open_for(&location, &platform).await.expect_err("another platform");
    assert!(matches!(error, SourceError::PlatformNotFound { .. }), "{error}");
}

#[tokio::test]
async fn bad_settings_are_named_at_the_beginning() {
    let options = SourceOptions {
        extra_ca_pem: "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".to_owned(),
        ..SourceOptions::default()
    };
    let error = Sources::new(options).expect_err("no certificate").to_string();
    assert!(error.starts_with("parse the extra certificate authorities"), "{error}");
}

#[tokio::test]
async fn a_layer_that_is_kept_elsewhere_is_not_called_missing() {
    let dir = TempDir::new().expect("tempdir");
    write_layout(dir.path(), "v1");
    let location = Location::OciLayout { path: dir.path().to_owned(), reference: None };
    let image = opened(&location.to_string()).await;
    let layer = &image.image().layers[1];
    fs::remove_file(dir.path().join("blobs/sha256").join(layer.digest.hex())).expect("removed");
    let error = image.open_layer(1).await.err().expect("missing");
    assert!(matches!(error, SourceError::NotFound { .. }), "{error}");

    let mut image = image;
    image.image.layers[1].urls = vec!["https://example.org/layer\n".to_owned()];
    let error = image.open_layer(1).await.err().expect("elsewhere").to_string();
    assert!(
        error.contains("its manifest says it is at https://example.org/layer , and"),
        "{error}"
    );
    image.image.layers[1].urls.clear();
    image.image.layers[1].media_type =
        "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip".to_owned();
    let error = image.open_layer(1).await.err().expect("elsewhere").to_string();
    assert!(error.contains("its manifest does not say where it is"), "{error}");
}
