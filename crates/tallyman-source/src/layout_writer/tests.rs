use std::fs;
use std::process::Command;

use tempfile::TempDir;

use super::tar_writer::{EntryMeta, TarWriter};
use super::{LayerPacking, LayoutWriter};
use crate::archive::TarIndex;
use crate::fixtures::has_program;

fn meta(path: &str) -> EntryMeta<'_> {
    EntryMeta { path, mode: 0o755, modified_seconds: 86_400 }
}

#[test]
fn other_programs_read_the_tars() {
    let long = format!("{}/file", "directory/".repeat(30).trim_end_matches('/'));
    let target = "t".repeat(150);
    let mut tar = TarWriter::new(Vec::new());
    tar.directory(meta("bin")).expect("memory");
    tar.file(meta("bin/sh"), 5, &mut b"shell".as_slice()).expect("memory");
    tar.file(meta(&long), 1, &mut b"x".as_slice()).expect("memory");
    tar.symlink(meta("link"), &target).expect("memory");
    let bytes = tar.finish().expect("memory");
    let dir = TempDir::new().expect("tempdir");
    let path = dir.path().join("x.tar");
    fs::write(&path, bytes).expect("write");
    let index = TarIndex::open(&path).expect("a tar");
    assert!(index.contains("bin/sh") && index.contains(&long) && index.contains("link"));
    if has_program("tar") {
        let out = Command::new("tar").args(["-tvf"]).arg(&path).env("TZ", "UTC").output();
        let out = out.expect("tar runs");
        let text = String::from_utf8(out.stdout).expect("UTF-8");
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        assert!(text.contains("drwxr-xr-x 0/0               0 1970-01-02 00:00 bin/\n"), "{text}");
        assert!(text.contains(&format!("{long}\n")), "{text}");
        assert!(text.contains(&format!("link -> {target}\n")), "{text}");
    }
}

#[test]
fn a_file_that_became_shorter_is_an_error() {
    let mut tar = TarWriter::new(Vec::new());
    assert!(tar.file(meta("a"), 5, &mut b"four".as_slice()).is_err());
}

#[test]
fn a_layer_that_fails_leaves_no_blob() {
    let dir = TempDir::new().expect("tempdir");
    let writer = LayoutWriter::create(dir.path()).expect("a layout");
    let result = writer.write_layer(LayerPacking::Plain, |to| {
        to.write_all(b"abc")?;
        Err(std::io::Error::other("the source broke"))
    });
    assert!(result.is_err());
    let blobs: Vec<_> = fs::read_dir(dir.path().join("blobs/sha256")).expect("list").collect();
    assert!(blobs.is_empty(), "{blobs:?}");
}

#[test]
fn the_same_layer_twice_is_one_blob() {
    let dir = TempDir::new().expect("tempdir");
    let writer = LayoutWriter::create(dir.path()).expect("a layout");
    let write = || writer.write_layer(LayerPacking::Gzip, |to| to.write_all(b"abc"));
    assert_eq!(write().expect("a layer"), write().expect("a layer"));
    assert_eq!(fs::read_dir(dir.path().join("blobs/sha256")).expect("list").count(), 1);
}
