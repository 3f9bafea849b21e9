//! The walk through a directory: every entry once, in an order that only names decide, without
//! following a link and without leaving the file system.
//!
//! Each directory is opened from the root down, one component after the other and never through
//! a symbolic link, so that nothing that changes meanwhile leads out of it. One directory is open at a
//! time, and of the others only the names that are still to be visited are kept.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat, fstat, fstatfs, openat, statat};
use tallyman_model::inventory::DiagnosticKind;

use crate::directory::names::Names;
use crate::directory::problems::Problems;
use crate::directory::{DirectoryOptions, Mounts, reason};
use crate::error::SourceError;

/// The names that are kept at any time, in bytes.
const MAX_NAMES_BYTES: usize = 24 << 20;

/// File systems whose files are made up by the kernel, some of them endless (statfs(2)).
const NO_FILES: [(u64, &str); 2] = [(0x9fa0, "procfs"), (0x6265_6572, "sysfs")];

const DIRECTORY: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
const STEP: OFlags =
    OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
/// A FIFO or a terminal that took a file's place must not hold up the walk.
const FILE: OFlags = OFlags::RDONLY
    .union(OFlags::NOFOLLOW)
    .union(OFlags::NONBLOCK)
    .union(OFlags::NOCTTY)
    .union(OFlags::CLOEXEC);

/// An entry of the directory.
#[derive(Debug)]
pub(super) enum Found {
    Directory {
        mode: u32,
    },
    File {
        size_bytes: u64,
        mode: u32,
    },
    Symlink {
        target: Vec<u8>,
    },
    /// A device, FIFO or socket, with its type in a tar.
    Special {
        kind: u8,
        mode: u32,
    },
    /// Something that cannot even be looked at.
    Unknown(io::Error),
}

pub(super) struct Walk {
    root: OwnedFd,
    place: PathBuf,
    device: u64,
    mounts: Mounts,
    max_path_bytes: usize,
    /// The directory whose files are being listed.
    current: Option<Current>,
    /// The directories that are still to be visited, from the root down.
    levels: Vec<Level>,
    names_bytes: usize,
    /// The path of the entry that was found last.
    path: Vec<u8>,
}

struct Current {
    directory: OwnedFd,
    files: Names,
    path_bytes: usize,
}

/// The subdirectories of one directory.
struct Level {
    names: Names,
    path_bytes: usize,
}

impl Walk {
    pub(super) fn open(
        path: &Path,
        options: &DirectoryOptions,
        problems: &mut Problems,
    ) -> Result<Self, SourceError> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = rustix::fs::open(path, flags, Mode::empty()).map_err(|error| match error {
            rustix::io::Errno::NOTDIR => SourceError::unsupported(
                path.display().to_string(),
                "it is no directory; leave the prefix out for an image in a file",
            ),
            error => SourceError::io(path, error.into()),
        })?;
        let stat = fstat(&root).map_err(|error| SourceError::io(path, error.into()))?;
        let mut walk = Walk {
            root,
            place: path.to_owned(),
            device: stat.st_dev,
            mounts: options.mounts,
            max_path_bytes: options.limits.path_bytes,
            current: None,
            levels: Vec::new(),
            names_bytes: 0,
            path: Vec::new(),
        };
        if let Some(reason) = walk.enter(problems)? {
            return Err(SourceError::unsupported(path.display().to_string(), reason));
        }
        Ok(walk)
    }

    /// Returns the path of the entry that was found last.
    pub(super) fn path(&self) -> &[u8] {
        &self.path
    }

    pub(super) fn root_mode(&self) -> u32 {
        fstat(&self.root).map_or(0, |stat| stat.st_mode)
    }

    /// Finds the next entry: the files of a directory before its subdirectories.
    pub(super) fn next(&mut self, problems: &mut Problems) -> Result<Option<Found>, SourceError> {
        loop {
            if let Some(current) = &mut self.current {
                self.path.truncate(current.path_bytes);
                if current.files.append_next(&mut self.path) {
                    let found = look(&current.directory, &self.path);
                    return Ok(Some(found.unwrap_or_else(Found::Unknown)));
                }
                self.names_bytes = self.names_bytes.saturating_sub(current.files.size_bytes());
                self.current = None;
            }
            let Some(level) = self.levels.last_mut() else { return Ok(None) };
            self.path.truncate(level.path_bytes);
            if !level.names.append_next(&mut self.path) {
                self.names_bytes = self.names_bytes.saturating_sub(level.names.size_bytes());
                self.levels.pop();
                continue;
            }
            if self.path.len() > self.max_path_bytes {
                // The reader of the stream refuses the entry itself and names it.
                return Ok(Some(Found::Directory { mode: 0 }));
            }
            let reason = self.enter(problems)?;
            let mode = match (&self.current, reason) {
                (Some(current), _) => fstat(&current.directory).map_or(0, |stat| stat.st_mode),
                (None, Some(reason)) => {
                    let path = String::from_utf8_lossy(&self.path);
                    problems.add(&path, DiagnosticKind::Skipped, &reason);
                    0
                }
                (None, None) => 0,
            };
            return Ok(Some(Found::Directory { mode }));
        }
    }

    /// Opens the file that was found last.
    pub(super) fn open_file(&self) -> io::Result<File> {
        let Some(current) = &self.current else {
            return Err(io::Error::other("no file was found"));
        };
        let file = openat(&current.directory, base(&self.path), FILE, Mode::empty())?;
        Ok(File::from(file))
    }

    /// Opens and lists the directory at the current path. What cannot be listed is noted as a
    /// failure: any package may be in it. The result is the reason why it is left out on purpose.
    fn enter(&mut self, problems: &mut Problems) -> Result<Option<String>, SourceError> {
        let listed = self.open_here().and_then(|directory| {
            let stat = fstat(&directory)?;
            match self.reason_to_skip(&directory, &stat)? {
                Some(reason) => Ok(Err(reason)),
                None => Ok(Ok((list(&directory, MAX_NAMES_BYTES - self.names_bytes)?, directory))),
            }
        });
        let (listing, directory) = match listed {
            Ok(Ok(found)) => found,
            Ok(Err(reason)) => return Ok(Some(reason)),
            Err(error) if self.path.is_empty() => return Err(SourceError::io(&self.place, error)),
            Err(error) => {
                let is_gone = error.kind() == io::ErrorKind::NotFound;
                let kind = if is_gone { DiagnosticKind::Skipped } else { DiagnosticKind::Failed };
                problems.add(&String::from_utf8_lossy(&self.path), kind, &reason(&error));
                return Ok(None);
            }
        };
        let Some(Listing { files, directories }) = listing else {
            return Err(SourceError::LimitExceeded {
                subject: self
                    .place
                    .join(String::from_utf8_lossy(&self.path).as_ref())
                    .display()
                    .to_string(),
                limit: "directory names",
                maximum: u64::try_from(MAX_NAMES_BYTES).unwrap_or(u64::MAX),
            });
        };
        self.names_bytes += files.size_bytes() + directories.size_bytes();
        let path_bytes = self.path.len();
        self.current = Some(Current { directory, files, path_bytes });
        self.levels.push(Level { names: directories, path_bytes });
        Ok(None)
    }

    fn open_here(&self) -> io::Result<OwnedFd> {
        let mut parent: Option<OwnedFd> = None;
        let mut components = self.path.split(|byte| *byte == b'/').peekable();
        while let Some(component) = components.next() {
            let is_last = components.peek().is_none();
            let flags = if is_last { DIRECTORY } else { STEP };
            let name = if component.is_empty() { b"." } else { component };
            let from = parent.as_ref().unwrap_or(&self.root);
            parent = Some(openat(from, name, flags, Mode::empty())?);
        }
        parent.ok_or_else(|| io::Error::other("an empty path has one component"))
    }

    fn reason_to_skip(&self, directory: &OwnedFd, stat: &Stat) -> io::Result<Option<String>> {
        let kind = u64::try_from(fstatfs(directory)?.f_type).unwrap_or(0);
        if let Some((_, name)) = NO_FILES.iter().find(|(magic, _)| *magic == kind) {
            return Ok(Some(format!("{name} holds no files, so it is left out")));
        }
        let reason = "another file system is mounted here, which is left out";
        let stays = self.mounts == Mounts::Stay && stat.st_dev != self.device;
        Ok(stays.then(|| reason.to_owned()))
    }
}

struct Listing {
    files: Names,
    directories: Names,
}

/// Lists a directory; `None` if there are more names than may be kept.
fn list(directory: &OwnedFd, max_bytes: usize) -> io::Result<Option<Listing>> {
    let mut listing = Listing { files: Names::default(), directories: Names::default() };
    for entry in Dir::read_from(directory)? {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if matches!(name, b"." | b"..") {
            continue;
        }
        let kind = match entry.file_type() {
            FileType::Unknown => statat(directory, name, AtFlags::SYMLINK_NOFOLLOW)
                .map_or(FileType::Unknown, |stat| FileType::from_raw_mode(stat.st_mode)),
            kind => kind,
        };
        let names = match kind {
            FileType::Directory => &mut listing.directories,
            _ => &mut listing.files,
        };
        let fits = names.push(name);
        if !fits || listing.files.size_bytes() + listing.directories.size_bytes() > max_bytes {
            return Ok(None);
        }
    }
    listing.files.sort();
    listing.directories.sort();
    Ok(Some(listing))
}

/// Looks at an entry that was no directory when it was listed.
fn look(directory: &OwnedFd, path: &[u8]) -> io::Result<Found> {
    let name = base(path);
    let stat = statat(directory, name, AtFlags::SYMLINK_NOFOLLOW)?;
    let mode = stat.st_mode & 0o7777;
    Ok(match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => {
            Found::File { size_bytes: u64::try_from(stat.st_size).unwrap_or(0), mode }
        }
        FileType::Symlink => {
            let target = rustix::fs::readlinkat(directory, name, Vec::new())?;
            Found::Symlink { target: target.into_bytes() }
        }
        FileType::CharacterDevice => Found::Special { kind: b'3', mode },
        FileType::BlockDevice => Found::Special { kind: b'4', mode },
        FileType::Fifo | FileType::Socket => Found::Special { kind: b'6', mode },
        FileType::Directory | FileType::Unknown => {
            return Err(io::Error::other("it became a directory after it was listed"));
        }
    })
}

fn base(path: &[u8]) -> &[u8] {
    path.rsplit(|byte| *byte == b'/').next().unwrap_or_default()
}
