use std::fs;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use tallyman_model::digest::{Algorithm, Digest};
use tempfile::TempDir;

use super::records::big_data_name;
use super::settings::StorePlace;
use super::{ContainersStorage, StoredLayerFiles};
use crate::archive::header::Header;
use crate::error::SourceError;
use crate::fixtures::tar_of;
use crate::media_type::{OCI_CONFIG, OCI_LAYER_GZIP, OCI_MANIFEST};
use crate::options::SourceOptions;
use crate::verify::digest_of;

const NAME: &str = "example.org/app:1";

fn sha(bytes: &[u8]) -> Digest {
    digest_of(bytes, Algorithm::Sha256)
}

/// A store of one driver that images are put into, as podman does it.
struct Store {
    dir: TempDir,
    driver: &'static str,
    images: Vec<String>,
    layers: Vec<String>,
}

impl Store {
    fn new(driver: &'static str) -> Self {
        Store {
            dir: TempDir::new().expect("tempdir"),
            driver,
            images: Vec::new(),
            layers: Vec::new(),
        }
    }

    fn path(&self, inside: &str) -> PathBuf {
        let path = self.dir.path().join(inside);
        fs::create_dir_all(path.parent().expect("a parent")).expect("directories");
        path
    }

    fn tree(&self, id: &str) -> String {
        match self.driver {
            "vfs" => format!("vfs/dir/{id}"),
            driver => format!("{driver}/{id}/diff"),
        }
    }

    /// Unpacks a layer of files; returns the digest of its tar.
    fn layer(&mut self, id: &str, parent: &str, files: &[(&str, &[u8])]) -> Digest {
        let tar = tar_of(files);
        for (path, content) in files {
            fs::write(self.path(&format!("{}/{path}", self.tree(id))), content).expect("a file");
        }
        self.tar_split(id, &split(&tar));
        let digest = sha(&tar);
        self.layers.push(format!(
            r#"{{"id":"{id}","parent":"{parent}","diff-digest":"{digest}","diff-size":{}}}"#,
            tar.len()
        ));
        digest
    }

    fn tar_split(&self, id: &str, lines: &str) {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(lines.as_bytes()).expect("memory");
        let path = self.path(&format!("{}-layers/{id}.tar-split.gz", self.driver));
        fs::write(path, gzip.finish().expect("memory")).expect("a file");
    }

    /// Adds an image; returns its id.
    fn image(&mut self, names: &[&str], top: &str, diff_ids: &[Digest]) -> Digest {
        let listed: Vec<String> = diff_ids.iter().map(|id| format!("\"{id}\"")).collect();
        let config = format!(
            r#"{{"os":"linux","architecture":"amd64","rootfs":{{"diff_ids":[{}]}}}}"#,
            listed.join(",")
        );
        let id = sha(config.as_bytes());
        let layer = format!(r#"{{"mediaType":"{OCI_LAYER_GZIP}","digest":"{id}","size":5}}"#);
        let manifest = format!(
            r#"{{"schemaVersion":2,"mediaType":"{OCI_MANIFEST}","config":{{
            "mediaType":"{OCI_CONFIG}","digest":"{id}","size":{}}},"layers":[{}]}}"#,
            config.len(),
            vec![layer; diff_ids.len()].join(",")
        );
        for (key, text) in [("manifest", &manifest), (&id.to_string(), &config)] {
            let directory = format!("{}-images/{}", self.driver, id.hex());
            fs::write(self.path(&format!("{directory}/{}", big_data_name(key))), text)
                .expect("a file");
        }
        self.images.push(format!(
            r#"{{"id":"{}","digest":"{}","names":{names:?},"layer":"{top}"}}"#,
            id.hex(),
            sha(manifest.as_bytes())
        ));
        id
    }

    fn write(&self) {
        for (what, list) in [("images", &self.images), ("layers", &self.layers)] {
            let path = self.path(&format!("{}-{what}/{what}.json", self.driver));
            fs::write(path, format!("[{}]", list.join(","))).expect("a list");
        }
    }

    fn open(&self) -> Result<ContainersStorage, SourceError> {
        self.write();
        let place = StorePlace { driver: None, root: self.dir.path().to_owned() };
        ContainersStorage::open(Some(&place), &SourceOptions::default())
    }

    fn failure(&self, reference: Option<&str>) -> String {
        self.open()
            .and_then(|storage| storage.resolve(reference, &SourceOptions::default()).map(|_| ()))
            .expect_err("refused")
            .to_string()
    }
}

/// Takes a tar apart: the headers and padding as segments, the content of files left out.
fn split(mut tar: &[u8]) -> String {
    let mut lines = String::new();
    let segment = |lines: &mut String, bytes: &[u8]| {
        let payload = STANDARD.encode(bytes);
        lines.push_str(&format!("{{\"type\":2,\"payload\":\"{payload}\",\"position\":0}}\n"));
    };
    while let Some((block, rest)) = tar.split_first_chunk::<512>() {
        let Ok(header) = Header::parse(block) else { break };
        segment(&mut lines, block);
        let size = usize::try_from(header.size).expect("small");
        let name = String::from_utf8(header.name).expect("UTF-8");
        lines.push_str(&format!("{{\"type\":1,\"name\":{name:?},\"size\":{size}}}\n"));
        segment(&mut lines, &rest[size..size.next_multiple_of(512)]);
        tar = &rest[size.next_multiple_of(512)..];
    }
    segment(&mut lines, tar);
    lines
}

fn read(files: &StoredLayerFiles, size: u64) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let mut reader = files.open(size).map_err(|error| error.to_string())?;
    reader.read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    Ok(bytes)
}

const BASE: &[(&str, &[u8])] = &[("etc/a", b"one"), ("etc/empty", b""), ("usr/b", &[7; 70_000])];
const UPPER: &[(&str, &[u8])] = &[("etc/.wh.a", b""), ("opt/c", b"three")];

fn two_layers(driver: &'static str) -> (Store, [Digest; 2], Digest) {
    let mut store = Store::new(driver);
    let digests = [store.layer("base", "", BASE), store.layer("upper", "base", UPPER)];
    let id = store.image(&[NAME, "localhost/mine:2"], "upper", &digests);
    (store, digests, id)
}

#[test]
fn the_tars_of_layers_are_put_together_byte_by_byte() {
    for driver in ["overlay", "vfs"] {
        let (store, digests, id) = two_layers(driver);
        let storage = store.open().expect("a store");
        let (image, files) =
            storage.resolve(None, &SourceOptions::default()).expect("the only image");
        assert_eq!((image.name.as_str(), &image.config_digest), (NAME, &id));
        assert!(image.manifest_digest.is_some());
        let tars = [tar_of(BASE), tar_of(UPPER)];
        for (index, layer) in image.layers.iter().enumerate() {
            assert_eq!(layer.digest, digests[index]);
            assert_eq!(layer.size_bytes, tars[index].len() as u64);
            assert_eq!(read(&files[index], layer.size_bytes).as_ref(), Ok(&tars[index]));
            let error = read(&files[index], layer.size_bytes - 1).expect_err("longer");
            assert!(error.contains("another size"), "{error}");
            let error = read(&files[index], layer.size_bytes + 1).expect_err("shorter");
            assert!(error.contains("another size"), "{error}");
        }
    }
}

#[test]
fn a_store_that_does_not_say_how_long_a_layer_is_is_counted() {
    let (mut store, _, _) = two_layers("overlay");
    for layer in &mut store.layers {
        let start = layer.find("\"diff-size\":").expect("a size");
        layer.replace_range(start.., "\"diff-size\":-1}");
    }
    let storage = store.open().expect("a store");
    let (image, _) = storage.resolve(None, &SourceOptions::default()).expect("an image");
    assert_eq!(image.layers[0].size_bytes, tar_of(BASE).len() as u64);
}

#[test]
fn an_image_is_chosen_by_name_meaning_digest_or_id() {
    let (mut store, digests, id) = two_layers("overlay");
    let other = store.image(&["docker.io/library/other:latest"], "base", &digests[..1]);
    let untagged = store.image(&[], "", &[]);
    let storage = store.open().expect("a store");
    let chosen = |reference: &str| {
        let found = storage.resolve(Some(reference), &SourceOptions::default());
        found.map(|(image, _)| image).expect(reference)
    };
    let manifest = chosen(NAME).manifest_digest.expect("has one");
    let short = &id.hex()[..12];
    for reference in [
        NAME,
        "localhost/mine:2",
        "mine:2",
        short,
        &format!("@{short}"),
        &id.to_string(),
        &format!("example.org/app@{manifest}"),
    ] {
        assert_eq!(chosen(reference).config_digest, id, "{reference}");
    }
    assert_eq!(chosen("localhost/mine:2").name, "localhost/mine:2");
    for reference in ["other", "docker.io/library/other:latest"] {
        assert_eq!(chosen(reference).config_digest, other, "{reference}");
    }
    assert_eq!(chosen(untagged.hex()).name, untagged.hex());
    assert_eq!(storage.images().len(), 3);
    let error = store.failure(None);
    assert!(
        error.contains("available: example.org/app:1 = localhost/mine:2, docker.io"),
        "{error}"
    );
    let error = store.failure(Some("nothing:1"));
    assert!(error.starts_with("find nothing:1 in the store "), "{error}");
}

#[test]
fn stores_that_contradict_themselves_are_refused() {
    let (store, _, _) = two_layers("overlay");
    let with_layers = |from: &str, to: &str| {
        let (mut store, _, _) = two_layers("overlay");
        for layer in &mut store.layers {
            *layer = layer.replace(from, to);
        }
        store.failure(None)
    };
    let with_images = |from: &str, to: &str| {
        let (mut store, _, _) = two_layers("overlay");
        store.images[0] = store.images[0].replace(from, to);
        store.failure(None)
    };
    let circle = with_layers(r#""parent":"""#, r#""parent":"upper""#);
    assert!(circle.contains("in a circle"), "{circle}");
    let gone = with_layers(r#""parent":"base""#, r#""parent":"gone""#);
    assert!(gone.contains("find layer gone of example.org/app:1"), "{gone}");
    let short = with_layers(r#""parent":"base""#, r#""parent":"""#);
    assert!(short.contains("its store has 1 layers, its configuration 2"), "{short}");
    let climbing = with_layers(r#""id":"base""#, r#""id":"../base""#);
    assert!(climbing.contains("`../base` is no id"), "{climbing}");
    let hidden = with_images(r#""id":""#, r#""id":".."#);
    assert!(hidden.contains("is no id"), "{hidden}");
    let other = sha(b"other").to_string();
    let digest = sha(&tar_of(BASE)).to_string();
    let exchanged = with_layers(&digest, &other);
    assert!(exchanged.contains("layer base of the store is not its "), "{exchanged}");
    let key = r#""digest":""#;
    let lying = with_images(key, &format!("{key}{other}\",\"x\":\""));
    assert!(lying.starts_with("verify the manifest of "), "{lying}");

    fs::remove_file(store.path("overlay-layers/base.tar-split.gz")).expect("removed");
    let without = store.failure(None);
    assert!(without.contains("`podman save`"), "{without}");
}

#[test]
fn unpacked_files_that_are_damaged_are_named_or_give_other_bytes() {
    let (store, digests, _) = two_layers("overlay");
    let storage = store.open().expect("a store");
    let (image, files) = storage.resolve(None, &SourceOptions::default()).expect("an image");
    let size = image.layers[0].size_bytes;
    let path = store.path("overlay/base/diff/etc/a");
    fs::write(&path, "two").expect("changed");
    assert_ne!(sha(&read(&files[0], size).expect("the same length")), digests[0]);
    fs::write(&path, "tw").expect("shorter");
    let error = read(&files[0], size).expect_err("shorter");
    assert!(error.starts_with("etc/a of the unpacked layer"), "{error}");
    fs::remove_file(&path).expect("removed");
    let error = read(&files[0], size).expect_err("gone");
    assert!(error.starts_with("etc/a of the unpacked layer"), "{error}");
}

#[test]
fn hostile_recipes_end_with_an_error() {
    let (store, _, _) = two_layers("overlay");
    let storage = store.open().expect("a store");
    let (_, files) = storage.resolve(None, &SourceOptions::default()).expect("an image");
    let outside = store.path("secret");
    fs::write(&outside, "secret").expect("a file");
    let long = format!("{{\"type\":2,\"payload\":\"{}", "A".repeat(9 << 20));
    for (lines, expect) in [
        (r#"{"type":1,"name":"../../../secret","size":6}"#, "of the unpacked layer"),
        (r#"{"type":1,"name":"etc","size":6}"#, "it is a directory"),
        (r#"{"type":1,"size":6}"#, "a file has no name"),
        (r#"{"type":2,"payload":"?"}"#, "a segment is no Base64"),
        (r#"{"type":3}"#, "of an unknown type"),
        ("[]", "a line is malformed"),
        (&long, "a line is too long"),
    ] {
        store.tar_split("base", lines);
        let error = read(&files[0], 1 << 20).expect_err(expect);
        assert!(error.contains(expect), "{error}");
    }
    let plain: &Path = &store.path("overlay-layers/base.tar-split.gz");
    fs::write(plain, "{}").expect("a file");
    assert!(read(&files[0], 1 << 20).is_err());
}

#[test]
fn names_that_are_not_utf8_are_found() {
    use std::os::unix::ffi::OsStrExt as _;
    let (store, _, _) = two_layers("vfs");
    let storage = store.open().expect("a store");
    let (_, files) = storage.resolve(None, &SourceOptions::default()).expect("an image");
    let name = std::ffi::OsStr::from_bytes(b"odd\xff");
    fs::write(store.path("vfs/dir/base/x").with_file_name(name), "odd").expect("a file");
    let raw = STANDARD.encode(b"odd\xff");
    store.tar_split("base", &format!("{{\"type\":1,\"name_raw\":\"{raw}\",\"size\":3}}\n"));
    assert_eq!(read(&files[0], 3).as_deref(), Ok(&b"odd"[..]));
}
