//! Opening a file of an unpacked layer: links are followed, but never out of the layer, as they
//! were when it was unpacked.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt as _;
use std::path::Path;

use rustix::fs::{AtFlags, FileType, Mode, OFlags, openat, readlinkat, statat};

/// How many links one path may lead through (path_resolution(7)).
const MAX_LINKS: u32 = 40;

const STEP: OFlags =
    OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
const FILE: OFlags = OFlags::RDONLY
    .union(OFlags::NOFOLLOW)
    .union(OFlags::NONBLOCK)
    .union(OFlags::NOCTTY)
    .union(OFlags::CLOEXEC);

/// A directory that paths are looked up in.
pub(super) struct Tree {
    root: OwnedFd,
}

impl Tree {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Tree { root: rustix::fs::open(path, flags, Mode::empty())? })
    }

    /// Opens a regular file.
    pub(super) fn open_file(&self, path: &[u8]) -> io::Result<File> {
        let mut parents: Vec<OwnedFd> = Vec::new();
        let mut left: Vec<Vec<u8>> = components(path);
        let mut links = 0;
        while let Some(name) = left.pop() {
            if name == b".." {
                parents.pop();
                continue;
            }
            let parent = parents.last().unwrap_or(&self.root);
            let stat = statat(parent, name.as_slice(), AtFlags::SYMLINK_NOFOLLOW)?;
            match FileType::from_raw_mode(stat.st_mode) {
                FileType::Directory => {
                    let next = openat(parent, name.as_slice(), STEP, Mode::empty())?;
                    parents.push(next);
                }
                FileType::Symlink => {
                    links += 1;
                    if links > MAX_LINKS {
                        return Err(io::Error::other("its links go in a circle"));
                    }
                    let target = readlinkat(parent, name.as_slice(), Vec::new())?.into_bytes();
                    if target.first() == Some(&b'/') {
                        parents.clear();
                    }
                    left.extend(components(&target));
                }
                FileType::RegularFile if left.is_empty() => {
                    return open_regular(parent, &name);
                }
                _ => return Err(io::Error::other("it is no regular file")),
            }
        }
        Err(io::Error::other("it is a directory"))
    }
}

fn open_regular(parent: &OwnedFd, name: &[u8]) -> io::Result<File> {
    let file = File::from(openat(parent, name, FILE, Mode::empty())?);
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::other("it is no regular file any more")),
    }
}

/// Returns the components of a path, the first one last.
fn components(path: &[u8]) -> Vec<Vec<u8>> {
    path.split(|byte| *byte == b'/')
        .rev()
        .filter(|name| !name.is_empty() && *name != b".")
        .map(<[u8]>::to_vec)
        .collect()
}

/// Makes a path for a message.
pub(super) fn shown(path: &[u8]) -> String {
    crate::error::quoted(&OsString::from_vec(path.to_vec()).to_string_lossy())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Read as _;
    use std::os::unix::fs::symlink;
    use std::path::Path;

    use super::Tree;

    fn content(root: &Path, path: &str) -> Result<String, String> {
        let mut text = String::new();
        let tree = Tree::open(root).expect("a tree");
        let mut file = tree.open_file(path.as_bytes()).map_err(|error| error.to_string())?;
        file.read_to_string(&mut text).expect("text");
        Ok(text)
    }

    #[test]
    fn links_stay_inside() {
        let dir = tempfile::tempdir().expect("a directory");
        let root = dir.path().join("root");
        fs::create_dir_all(root.join("usr/lib")).expect("directories");
        fs::write(root.join("usr/lib/f"), "inside").expect("a file");
        fs::write(dir.path().join("f"), "outside").expect("a file");
        let link = |target: &str, path: &str| symlink(target, root.join(path)).expect("a link");
        link("usr/lib", "lib");
        link("/usr/lib/f", "absolute");
        link("/usr/lib/f", "usr/deep");
        link("../../../../usr/lib/../lib/f", "up");
        link("../f", "escape");
        link("circle", "circle");
        let directory = dir.path().to_str().expect("UTF-8");
        link(directory, "way-out");
        for path in ["usr/lib/f", "./lib/f", "/lib//f", "absolute", "usr/deep", "up"] {
            assert_eq!(content(&root, path).as_deref(), Ok("inside"), "{path}");
        }
        assert!(content(&root, "escape").is_err());
        assert!(content(&root, "../f").is_err());
        assert!(content(&root, "way-out/f").is_err());
        assert!(content(&root, "circle").expect_err("endless").contains("circle"));
        assert!(content(&root, "usr").expect_err("a directory").contains("directory"));
        assert!(content(&root, "usr/lib/f/x").is_err());
    }
}
