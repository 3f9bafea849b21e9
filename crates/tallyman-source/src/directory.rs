//! Root filesystems: a directory of this machine as one tar stream, in a fixed order, that a
//! scanner reads like a layer.
//!
//! Only the content that the caller asks for is read; other files stand in the stream with their
//! names and without content. Owners and times are left out, so that the stream depends on nothing
//! but names, modes, link targets and the content that was read. The walk is in `walk.rs`.

mod names;
mod problems;
mod walk;

use std::borrow::Cow;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::Path;

use tallyman_model::inventory::{Diagnostic, DiagnosticKind};
use tallyman_model::limits::{Limits, Over};

use crate::archive::header::BLOCK;
use crate::directory::problems::Problems;
use crate::directory::walk::{Found, Walk};
use crate::error::SourceError;
use crate::layout_writer::tar_writer::{RawHeader, padding};

/// How much of a file is shown to a filter that asks for its head: an ELF header.
const HEAD_BYTES: usize = 64;

/// Names with this prefix remove files when a layer is applied (OCI image-spec, layer.md,
/// "Whiteouts"). In a directory they are ordinary names.
const WHITEOUT_PREFIX: &[u8] = b".wh.";

/// How a directory is read.
#[derive(Clone, Debug, Default)]
pub struct DirectoryOptions {
    /// Whether other file systems are read as well.
    pub mounts: Mounts,
    /// The limits on outside data.
    pub limits: Limits,
}

/// What happens where another file system is mounted beneath the directory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mounts {
    /// It is left out, with a diagnostic.
    #[default]
    Stay,
    /// It is read as well, unless it holds no files (procfs, sysfs).
    Cross,
}

/// A regular file as it is seen before its content.
#[derive(Clone, Copy, Debug)]
pub struct SeenFile<'a> {
    /// The path inside the directory, without a leading slash; what is not UTF-8 is replaced.
    pub path: &'a str,
    /// The size in bytes.
    pub size_bytes: u64,
    /// The permission bits.
    pub mode: u32,
    /// The first bytes, when they were asked for.
    pub head: Option<&'a [u8]>,
}

/// What a caller wants of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interest {
    /// Its name is enough.
    Name,
    /// The first bytes decide; the filter is asked again with them.
    Head,
    /// The content.
    Content {
        /// A larger file is noted and not read.
        limit: Over<'static>,
        /// What it costs the answer when the file cannot be read.
        loss: DiagnosticKind,
    },
}

/// Says what a caller wants of a file.
pub type FileFilter = Box<dyn Fn(&SeenFile<'_>) -> Interest + Send>;

/// Reads a directory as a tar. What could not be read is in the diagnostics, not in the stream.
pub struct DirectoryReader {
    walk: Walk,
    filter: FileFilter,
    problems: Problems,
    /// Headers and padding that are to be given out next.
    output: Vec<u8>,
    given: usize,
    content: Option<Content>,
    ended: bool,
}

/// The file that is being read.
struct Content {
    file: File,
    path: String,
    size_bytes: u64,
    offset: u64,
    loss: DiagnosticKind,
    state: FileState,
    is_short: bool,
}

/// What changes when a file is written to.
#[derive(PartialEq, Eq)]
struct FileState {
    size_bytes: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl DirectoryReader {
    /// Opens a directory. Its own path may lead through symbolic links; none beneath it is
    /// followed.
    pub fn open(
        path: &Path,
        options: &DirectoryOptions,
        filter: FileFilter,
    ) -> Result<Self, SourceError> {
        let mut problems = Problems::new(options.limits.diagnostics);
        let walk = Walk::open(path, options, &mut problems)?;
        let mut reader = DirectoryReader {
            walk,
            filter,
            problems,
            output: Vec::new(),
            given: 0,
            content: None,
            ended: false,
        };
        // The root comes first: the stream must not begin with a name that looks like gzip.
        reader.header(b'5', reader.walk.root_mode(), 0, b"");
        Ok(reader)
    }

    /// Returns what could not be read, in a stable order.
    pub fn into_diagnostics(self) -> Vec<Diagnostic> {
        self.problems.into_diagnostics()
    }

    /// Prepares the next entry.
    fn advance(&mut self) -> Result<(), SourceError> {
        let Some(found) = self.walk.next(&mut self.problems)? else {
            self.output.extend_from_slice(&[0; 2 * BLOCK]);
            self.ended = true;
            return Ok(());
        };
        let base = self.walk.path().rsplit(|byte| *byte == b'/').next().unwrap_or_default();
        let is_whiteout = base.starts_with(WHITEOUT_PREFIX);
        match found {
            Found::File { size_bytes, mode } => self.file(size_bytes, mode, is_whiteout),
            Found::Unknown(error) => self.unknown(&error),
            _ if is_whiteout => {}
            Found::Directory { mode } => self.header(b'5', mode, 0, b""),
            Found::Symlink { target } => self.header(b'2', 0o777, 0, &target),
            Found::Special { kind, mode } => self.header(kind, mode, 0, b""),
        }
        Ok(())
    }

    fn header(&mut self, kind: u8, mode: u32, size_bytes: u64, target: &[u8]) {
        let path = self.walk.path();
        let path = match kind {
            b'5' if path.is_empty() => Cow::Borrowed(&b"./"[..]),
            b'5' => Cow::Owned([path, b"/"].concat()),
            _ => Cow::Borrowed(path),
        };
        let header = RawHeader { path: &path, target, kind, mode, modified_seconds: 0, size_bytes };
        header.write_to(&mut self.output).expect("memory takes it");
    }

    fn file(&mut self, size_bytes: u64, mode: u32, is_whiteout: bool) {
        let path = String::from_utf8_lossy(self.walk.path()).into_owned();
        let mut seen = SeenFile { path: &path, size_bytes, mode, head: None };
        let mut interest = (self.filter)(&seen);
        let mut opened = None;
        let mut head = [0; HEAD_BYTES];
        if interest == Interest::Head {
            match self.walk.open_file().and_then(|file| Ok((read_head(&file, &mut head)?, file))) {
                Ok((count, file)) => {
                    seen.head = head.get(..count);
                    interest = (self.filter)(&seen);
                    opened = Some(file);
                }
                Err(error) => self.problems.add(&path, DiagnosticKind::Skipped, &reason(&error)),
            }
        }
        let Interest::Content { limit, loss } = interest else {
            if !is_whiteout {
                self.header(b'0', mode, 0, b"");
            }
            return;
        };
        if is_whiteout {
            let reason = "its name is that of a whiteout in a layer, so it is not looked into";
            self.problems.add(&path, loss, reason);
            return;
        }
        let opened = opened.map_or_else(|| self.walk.open_file(), Ok);
        match opened.and_then(|file| Ok((FileState::of(&file)?, file))) {
            Err(error) => self.problems.add(&path, loss, &reason(&error)),
            Ok((state, _)) if state.size_bytes > limit.value => {
                let reason = format!("it has {} bytes, {limit}", state.size_bytes);
                self.problems.add(&path, loss, &reason);
            }
            Ok((state, file)) => {
                let size_bytes = state.size_bytes;
                self.header(b'0', mode, size_bytes, b"");
                let is_short = false;
                self.content =
                    Some(Content { file, path, size_bytes, offset: 0, loss, state, is_short });
            }
        }
    }

    /// Notes what is lost if the entry is what its path says.
    fn unknown(&mut self, error: &io::Error) {
        let path = String::from_utf8_lossy(self.walk.path());
        let loss =
            match (self.filter)(&SeenFile { path: &path, size_bytes: 0, mode: 0, head: None }) {
                Interest::Content { loss, .. } => loss,
                Interest::Name | Interest::Head => DiagnosticKind::Skipped,
            };
        self.problems.add(&path, loss, &reason(error));
    }

    fn finish_content(&mut self) {
        let Some(content) = self.content.take() else { return };
        self.output.resize(padding(content.size_bytes), 0);
        let is_changed = match FileState::of(&content.file) {
            Ok(state) => content.is_short || state != content.state,
            Err(_) => true,
        };
        if is_changed {
            let reason = "it changed while it was read; scan again";
            self.problems.add(&content.path, content.loss, reason);
        }
    }
}

impl fmt::Debug for DirectoryReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DirectoryReader").field("at", &self.walk.path()).finish_non_exhaustive()
    }
}

impl Read for DirectoryReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            let waiting = self.output.get(self.given..).unwrap_or_default();
            if !waiting.is_empty() {
                let count = waiting.len().min(buffer.len());
                buffer[..count].copy_from_slice(&waiting[..count]);
                self.given += count;
                return Ok(count);
            }
            self.output.clear();
            self.given = 0;
            match &mut self.content {
                Some(content) if content.offset < content.size_bytes => {
                    return Ok(content.read(buffer, &mut self.problems));
                }
                Some(_) => self.finish_content(),
                None if self.ended => return Ok(0),
                None => self.advance().map_err(io::Error::other)?,
            }
        }
    }
}

impl Content {
    /// Reads on. The header has announced the size, so what is missing becomes zeros, and the file
    /// is noted.
    fn read(&mut self, buffer: &mut [u8], problems: &mut Problems) -> usize {
        let left = self.size_bytes.saturating_sub(self.offset);
        let wanted = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        let buffer = &mut buffer[..wanted];
        let read = match self.file.read_at(buffer, self.offset) {
            _ if self.is_short => 0,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                return self.read(buffer, problems);
            }
            Err(error) => {
                problems.add(&self.path, self.loss, &reason(&error));
                0
            }
        };
        let given = if read == 0 {
            self.is_short = true;
            buffer.fill(0);
            wanted
        } else {
            read
        };
        self.offset = self.offset.saturating_add(u64::try_from(given).unwrap_or(u64::MAX));
        given
    }
}

impl FileState {
    /// Fails for what is no regular file: it took the place of one after it was listed.
    fn of(file: &File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(io::Error::other("it is no regular file any more"));
        }
        Ok(FileState {
            size_bytes: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        })
    }
}

fn read_head(file: &File, head: &mut [u8]) -> io::Result<usize> {
    FileState::of(file)?;
    let mut filled = 0;
    while filled < head.len() {
        let offset = u64::try_from(filled).unwrap_or(u64::MAX);
        match file.read_at(&mut head[filled..], offset) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

fn reason(error: &io::Error) -> String {
    format!("it cannot be read: {error}")
}

#[cfg(test)]
mod tests;
