use std::fs;
use std::path::Path;

use tallyman_model::image::Compression;
use tallyman_model::platform::Platform;
use tempfile::TempDir;

use super::Layout;
use crate::archive::TarIndex;
use crate::error::SourceError;
use crate::fixtures::{tar_of_directory, write_layout};
use crate::options::SourceOptions;

fn layout() -> (TempDir, Layout) {
    let dir = TempDir::new().expect("tempdir");
    write_layout(dir.path(), "app:v1");
    let layout = Layout::Directory(dir.path().to_owned());
    (dir, layout)
}

fn failure(layout: &Layout, reference: Option<&str>) -> String {
    layout.resolve(reference, &SourceOptions::default()).expect_err("refused").to_string()
}

fn edit(path: &Path, change: impl FnOnce(String) -> String) {
    let text = fs::read_to_string(path).expect("read");
    fs::write(path, change(text)).expect("write");
}

/// Returns the manifest's blob.
fn manifest(root: &Path) -> std::path::PathBuf {
    let index = fs::read_to_string(root.join("index.json")).expect("read");
    let at = index.find("sha256:").expect("a digest") + 7;
    root.join("blobs/sha256").join(&index[at..at + 64])
}

#[test]
fn a_directory_and_its_tar_give_the_same_image() {
    let (dir, layout) = layout();
    let options = SourceOptions::default();
    let image = layout.resolve(None, &options).expect("an image");
    assert_eq!(image.name, "app:v1");
    assert_eq!(image.platform, Platform::host());
    assert_eq!(image.created_ms, Some(1000));
    let packed: Vec<_> = image.layers.iter().map(|layer| layer.compression).collect();
    assert_eq!(packed, [Some(Compression::None), Some(Compression::Gzip)]);
    for reference in [
        "app:v1",
        "docker.io/library/app:v1",
        &image.manifest_digest.clone().expect("has one").to_string(),
    ] {
        assert_eq!(layout.resolve(Some(reference), &options).expect(reference), image);
    }
    let tar = dir.path().join("x.tar");
    fs::write(&tar, tar_of_directory(dir.path())).expect("write");
    let archive = Layout::Archive(TarIndex::open(&tar).expect("a tar"));
    assert_eq!(archive.resolve(None, &options).expect("an image"), image);
}

#[test]
fn a_reference_that_is_not_there_lists_what_is() {
    let (_dir, layout) = layout();
    let error = failure(&layout, Some("other"));
    assert!(error.starts_with("find other in ") && error.ends_with("available: app:v1"), "{error}");
}

#[test]
fn several_images_need_a_reference() {
    let (dir, layout) = layout();
    edit(&dir.path().join("index.json"), |text| {
        let start = text.find("[{").expect("a list") + 1;
        let end = text.rfind("}]").expect("a list") + 1;
        let other = text[start..end].replace("app:v1", "app:v2");
        format!("{},{other}{}", &text[..end], &text[end..])
    });
    let error = failure(&layout, None);
    assert!(
        error.contains(
            "append a reference to the path, or ask for all of them; available: app:v1, app:v2"
        ),
        "{error}"
    );
    let image = layout.resolve(Some("app:v2"), &SourceOptions::default()).expect("an image");
    assert_eq!(image.name, "app:v2");
}

#[test]
fn changed_blobs_and_lying_sizes_are_found() {
    let (dir, layout) = layout();
    edit(&manifest(dir.path()), |text| text.replace("\"size\":", "\"size\": "));
    assert!(failure(&layout, None).contains("its descriptor says"));

    let (dir, layout) = self::layout();
    edit(&manifest(dir.path()), |text| text.replace("schemaVersion\":2", "schemaVersion\":3"));
    let error = layout.resolve(None, &SourceOptions::default()).expect_err("changed");
    assert!(matches!(error, SourceError::DigestMismatch { .. }), "{error}");

    let (dir, layout) = self::layout();
    let image = layout.resolve(None, &SourceOptions::default()).expect("an image");
    let layer = &image.layers[0];
    let blob = dir.path().join("blobs/sha256").join(layer.digest.hex());
    fs::write(&blob, "short").expect("write");
    let error = layout.open_blob(&layer.digest, layer.size_bytes).err().expect("another size");
    assert!(error.to_string().contains("it has 5 bytes"), "{error}");
}

#[test]
fn manifests_over_the_limit_are_not_read() {
    let (dir, layout) = layout();
    let file = fs::File::options().write(true).open(dir.path().join("index.json")).expect("open");
    file.set_len(5 << 20).expect("grow");
    assert!(failure(&layout, None).contains("over the limit manifest-bytes of 4 MiB"));
}

#[test]
fn an_index_that_names_paths_is_refused() {
    let (dir, layout) = layout();
    edit(&dir.path().join("index.json"), |text| {
        let at = text.find("sha256:").expect("a digest");
        format!("{}../../etc/passwd{}", &text[..at], &text[at + 71..])
    });
    let error = failure(&layout, None);
    assert!(error.contains("`../../etc/passwd` is not a digest"), "{error}");
}

#[test]
fn pipes_and_missing_files_are_refused_before_they_are_opened() {
    let dir = TempDir::new().expect("tempdir");
    let layout = Layout::Directory(dir.path().to_owned());
    assert!(failure(&layout, None).contains("it does not exist; check the path"));
    fs::create_dir(dir.path().join("index.json")).expect("a directory");
    assert!(failure(&layout, None).contains("not a regular file"));
}
