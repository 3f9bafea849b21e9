//! What is read from files: archives of images, the stores of engines, feeds of advisories.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use tallyman_match::fuzzing as advisories;
use tallyman_model::limits::Limits;
use tallyman_source::fuzzing as sources;
use tempfile::TempDir;

use super::images::{raw_zstd, sealed};

/// Runs `show` on a file with these bytes. The directory stays until the process ends.
fn with_file(bytes: &[u8], show: impl FnOnce(&Path, &Path)) {
    static DIRECTORY: OnceLock<TempDir> = OnceLock::new();
    let directory = DIRECTORY.get_or_init(|| tempfile::tempdir().expect("a place for files"));
    let thread = std::thread::current().id();
    let folder: PathBuf = directory.path().join(format!("{thread:?}"));
    let path = folder.join("file");
    fs::create_dir_all(&folder).and_then(|()| fs::write(&path, bytes)).expect("a file");
    show(&path, &folder);
}

/// A tar as `docker save` makes it, or with an OCI layout in it.
pub(super) fn image_archive(bytes: &[u8]) {
    with_file(&sealed(bytes), |path, _| {
        sources::archive(path);
    });
}

/// The database of containerd. Its first pages get the right checksums.
pub(super) fn containerd_database(bytes: &[u8]) {
    let mut database = bytes.to_vec();
    for page in database.chunks_mut(4096).take(2) {
        if let Some(meta) = page.get_mut(16..80) {
            let sum = meta[..56].iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
                (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
            });
            meta[56..].copy_from_slice(&sum.to_le_bytes());
        }
    }
    with_file(&database, |path, _| {
        sources::containerd_database(path);
    });
}

/// The record of a layer's tar in the store of podman.
pub(super) fn tar_split(bytes: &[u8]) {
    with_file(bytes, |path, folder| {
        sources::tar_split(path, folder);
    });
}

/// A file of advisories in any format and packing.
pub(super) fn feed(bytes: &[u8]) {
    with_file(bytes, |path, _| {
        advisories::feed(path, &Limits::default());
    });
}

/// The same in a tar.
pub(super) fn feed_tar(bytes: &[u8]) {
    feed(&sealed(bytes));
}

/// A vendor's document in one of the formats that say much in many words.
pub(super) fn csaf(bytes: &[u8]) {
    advisories::document("csaf", bytes, &Limits::default());
}

pub(super) fn oval(bytes: &[u8]) {
    advisories::document("oval", bytes, &Limits::default());
}

pub(super) fn updateinfo(bytes: &[u8]) {
    advisories::document("updateinfo", bytes, &Limits::default());
}

/// What is said of vulnerabilities themselves: CISA's catalogue, a table of EPSS, a CVE record.
pub(super) fn kev(bytes: &[u8]) {
    advisories::document("kev", bytes, &Limits::default());
}

pub(super) fn epss(bytes: &[u8]) {
    advisories::document("epss", bytes, &Limits::default());
}

pub(super) fn cve(bytes: &[u8]) {
    advisories::document("cve", bytes, &Limits::default());
}

/// What another installation exported: what is in its frame of zstd.
pub(super) fn exported_feeds(bytes: &[u8]) {
    advisories::exported(&raw_zstd(bytes), &Limits::default());
}

/// A bundle of another installation: its lines of text, and what is in its frame of zstd.
pub(super) fn carried_bundle(bytes: &[u8]) {
    let ends = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1);
    let (head, rest) = bytes.split_at(ends.take(3).last().unwrap_or(0));
    advisories::carried(&[head, &raw_zstd(rest)].concat(), &Limits::default());
}
