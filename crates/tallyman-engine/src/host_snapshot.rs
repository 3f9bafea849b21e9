//! Chooses what of this host's filesystem is worth packing into an image: the package databases,
//! the metadata of language packages, and Go and Rust executables of modest size.
//!
//! Only the choice is made here; the image is written by `tallyman_source::layout_writer`.

use std::fs;
use std::path::{Path, PathBuf};

/// What to leave out for size.
const MAX_EXECUTABLE_BYTES: u64 = 64 << 20;
const MAX_EXECUTABLES_BYTES: u64 = 256 << 20;
const MAX_METADATA_BYTES: u64 = 4 << 20;
const MAX_DEPTH: usize = 12;

/// One layer of the snapshot.
#[derive(Debug)]
pub struct SnapshotLayer {
    /// What the layer holds, for the image's history.
    pub title: &'static str,
    /// Regular files: the path inside the image and the path on the host.
    pub files: Vec<(String, PathBuf)>,
}

/// Chooses the files below `root`, in three layers: system packages, language packages,
/// executables. Symbolic links are neither packed nor followed.
pub fn choose(root: &Path) -> Vec<SnapshotLayer> {
    let layers = [
        SnapshotLayer { title: "system packages", files: system_files(root) },
        SnapshotLayer { title: "language packages", files: language_files(root) },
        SnapshotLayer { title: "executables", files: executables(root) },
    ];
    layers.into_iter().filter(|layer| !layer.files.is_empty()).collect()
}

fn system_files(root: &Path) -> Vec<(String, PathBuf)> {
    let mut files = Vec::new();
    for path in [
        "etc/os-release",
        "usr/lib/os-release",
        "etc/alpine-release",
        "etc/debian_version",
        "var/lib/dpkg/status",
        "lib/apk/db/installed",
        "usr/lib/apk/db/installed",
    ] {
        // os-release is a link on most hosts: the file behind it is what an image would hold.
        let on_host = root.join(path);
        if let Ok(real) = fs::canonicalize(&on_host)
            && real.is_file()
        {
            files.push((path.to_owned(), real));
        }
    }
    let status_d = root.join("var/lib/dpkg/status.d");
    walk(root, &status_d, 1, &mut |_, _| true, &mut files);
    files
}

fn language_files(root: &Path) -> Vec<(String, PathBuf)> {
    let mut files = Vec::new();
    for directory in ["usr/lib", "usr/local/lib", "usr/share/nodejs", "opt", "root", "home", "srv"]
    {
        walk(root, &root.join(directory), MAX_DEPTH, &mut is_package_metadata, &mut files);
    }
    files
}

fn is_package_metadata(path: &str, metadata: &fs::Metadata) -> bool {
    if metadata.len() > MAX_METADATA_BYTES {
        return false;
    }
    let mut components = path.rsplit('/');
    let name = components.next().unwrap_or_default();
    let parent = components.next().unwrap_or_default();
    match name {
        "METADATA" => parent.ends_with(".dist-info"),
        "PKG-INFO" => parent.ends_with(".egg-info"),
        "package.json" => path.contains("node_modules/"),
        _ => name.ends_with(".egg-info"),
    }
}

fn executables(root: &Path) -> Vec<(String, PathBuf)> {
    let mut files = Vec::new();
    for directory in ["usr/local/bin", "usr/bin", "usr/sbin", "usr/local/sbin", "bin"] {
        let mut is_small = |_: &str, metadata: &fs::Metadata| {
            metadata.len() <= MAX_EXECUTABLE_BYTES && is_executable(metadata)
        };
        walk(root, &root.join(directory), 1, &mut is_small, &mut files);
    }
    let mut budget = MAX_EXECUTABLES_BYTES;
    files.retain(|(_, path)| {
        let size = fs::metadata(path).map_or(u64::MAX, |metadata| metadata.len());
        let keep = size <= budget && names_its_modules(path);
        if keep {
            budget -= size;
        }
        keep
    });
    files
}

#[cfg(unix)]
fn is_executable(metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    metadata.permissions().mode() & 0o111 != 0
}

#[cfg(not(unix))]
fn is_executable(_: &fs::Metadata) -> bool {
    true
}

/// Tells whether a Go or an auditable Rust executable is inside, by the marks their linkers leave.
fn names_its_modules(path: &Path) -> bool {
    const MARKS: [&[u8]; 2] = [b"\xff Go buildinf:", b".dep-v0"];
    let Ok(bytes) = fs::read(path) else { return false };
    bytes.starts_with(b"\x7fELF")
        && MARKS.iter().any(|mark| memchr::memmem::find(&bytes, mark).is_some())
}

/// Collects regular files below `directory`, in a stable order; what cannot be read is passed over.
fn walk(
    root: &Path,
    directory: &Path,
    depth: usize,
    wanted: &mut dyn FnMut(&str, &fs::Metadata) -> bool,
    files: &mut Vec<(String, PathBuf)>,
) {
    let Ok(entries) = fs::read_dir(directory) else { return };
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort_unstable();
    for path in paths {
        let Ok(metadata) = fs::symlink_metadata(&path) else { continue };
        if metadata.is_dir() && depth > 1 {
            walk(root, &path, depth - 1, wanted, files);
        } else if metadata.is_file()
            && let Ok(inside) = path.strip_prefix(root)
            && let Some(inside) = inside.to_str()
            && wanted(inside, &metadata)
        {
            files.push((inside.to_owned(), path.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::choose;

    #[test]
    fn only_what_names_packages_is_chosen() {
        let root = tempfile::tempdir().expect("a directory");
        let root = root.path();
        for (path, text) in [
            ("etc/os-release", "ID=debian"),
            ("etc/passwd", "root"),
            ("var/lib/dpkg/status", "Package: a"),
            ("usr/lib/python3/dist-packages/x.dist-info/METADATA", "Name: x"),
            ("usr/lib/python3/dist-packages/x/METADATA", "no"),
            ("usr/lib/node_modules/npm/package.json", "{}"),
            ("usr/lib/app/package.json", "{}"),
        ] {
            let path = root.join(path);
            fs::create_dir_all(path.parent().expect("a parent")).expect("directories");
            fs::write(path, text).expect("a file");
        }
        let chosen: Vec<(&str, Vec<String>)> = choose(root)
            .into_iter()
            .map(|layer| (layer.title, layer.files.into_iter().map(|file| file.0).collect()))
            .collect();
        let expect = [
            ("system packages", vec!["etc/os-release", "var/lib/dpkg/status"]),
            (
                "language packages",
                vec![
                    "usr/lib/node_modules/npm/package.json",
                    "usr/lib/python3/dist-packages/x.dist-info/METADATA",
                ],
            ),
        ];
        let expect: Vec<(&str, Vec<String>)> = expect
            .into_iter()
            .map(|(title, files)| (title, files.into_iter().map(str::to_owned).collect()))
            .collect();
        assert_eq!(chosen, expect);
    }
}
