//! Go programs: the modules and the Go version that the linker writes into every binary (Go
//! source, package `debug/buildinfo`, comments on the format; `runtime/debug`, "BuildInfo").
//!
//! The program is read as a stream: neither sections nor symbols are needed, so stripped programs
//! of every format are read alike. The layout before Go 1.18 is in `go/pointers.rs`.

mod pointers;

use std::str;

use memchr::memmem;
use tallyman_model::inventory::Evidence;
use tallyman_model::limits::Limits;
use tallyman_model::package::{Ecosystem, Package};

use crate::analyzers::go::pointers::Pointers;
use crate::analyzers::lookahead::Lookahead;
use crate::analyzers::{
    Analyzer, Candidate, Fault, FileClass, Probe, ProgramPart, Reading, Report, executable,
    is_token,
};

pub(crate) const ANALYZER: Analyzer = Analyzer {
    id: "go",
    version: 4,
    class: FileClass::Executable(ProgramPart::Section(".go.buildinfo")),
    wants: executable::wants,
    reading: Reading::Streamed(start),
};

const MAGIC: &[u8] = b"\xff Go buildinf:";

/// Magic, pointer size, flags, and two pointers or nothing.
const HEADER_BYTES: usize = 32;

/// Since Go 1.18 the two strings follow the header instead of being pointed to.
const FLAG_INLINE: u8 = 2;

/// The list of modules stands between two marks of this size.
const MARK_BYTES: usize = 16;

/// No Go version is longer.
const VERSION_BYTES: usize = 256;

fn start(_candidate: &Candidate<'_>, limits: &Limits) -> Box<dyn Probe> {
    Box::new(GoProbe {
        max_bytes: usize::try_from(limits.metadata_bytes).unwrap_or(usize::MAX),
        lookahead: Lookahead::new(MAGIC.len()),
        collected: None,
        info: None,
        is_too_long: false,
        pointers: Pointers::new(),
    })
}

struct GoProbe {
    max_bytes: usize,
    lookahead: Lookahead,
    /// Everything from a magic number on, while it is not clear what it is.
    collected: Option<Vec<u8>>,
    info: Option<BuildInfo>,
    is_too_long: bool,
    pointers: Pointers,
}

struct BuildInfo {
    go_version: String,
    modules: Vec<u8>,
}

/// What the bytes after a magic number are.
enum Decoded {
    Inline(BuildInfo),
    /// Where the two strings are pointed to.
    Pointers,
    NeedsMore,
    TooLong,
    Nothing,
}

impl Probe for GoProbe {
    fn feed(&mut self, piece: &[u8]) {
        if self.info.is_some() || self.is_too_long {
            return;
        }
        self.pointers.feed(piece, self.max_bytes);
        if let Some(collected) = &mut self.collected {
            collected.extend_from_slice(piece);
            self.decode(false);
        } else {
            self.search(piece);
        }
    }

    fn finish(mut self: Box<Self>) -> Report {
        self.decode(true);
        if self.is_too_long {
            return Err(Fault::new("its list of Go modules is too long (limit metadata-bytes)"))
                .into();
        }
        let pointers = self.pointers;
        let info = self.info.or_else(|| pointers.finish());
        let Some(info) = info else {
            return Report::default();
        };
        let Ok(modules) = str::from_utf8(&info.modules) else {
            return Err(Fault::new("its list of Go modules is not UTF-8")).into();
        };
        let packages = packages(&info.go_version, modules);
        let evidence = match packages.is_empty() {
            true => Vec::new(),
            false => vec![Evidence::Packages(packages)],
        };
        Report { evidence, faults: Vec::new() }
    }
}

impl GoProbe {
    /// Looks for magic numbers in what follows.
    fn search(&mut self, piece: &[u8]) {
        let mut found = None;
        self.lookahead.feed(piece, |window| {
            found = memmem::find(window.bytes, MAGIC).map(|at| window.from(at));
            found.is_none()
        });
        if let Some(collected) = found {
            self.lookahead = Lookahead::new(MAGIC.len());
            self.collected = Some(collected);
            self.decode(false);
        }
    }

    /// Reads what was collected, as often as a magic number is in it.
    fn decode(&mut self, is_complete: bool) {
        while let Some(collected) = &self.collected {
            match decode(collected, self.max_bytes, is_complete) {
                Decoded::NeedsMore => return,
                Decoded::Inline(info) => {
                    self.info = Some(info);
                    self.collected = None;
                }
                Decoded::TooLong => {
                    self.is_too_long = true;
                    self.collected = None;
                }
                Decoded::Pointers => {
                    self.pointers.note_header();
                    self.pass_over();
                }
                Decoded::Nothing => self.pass_over(),
            }
        }
    }

    /// Goes on behind a magic number that was none, in what has been collected.
    fn pass_over(&mut self) {
        let collected = self.collected.take().unwrap_or_default();
        let rest = collected.get(1..).unwrap_or_default();
        match memmem::find(rest, MAGIC) {
            Some(at) => self.collected = Some(rest.get(at..).unwrap_or_default().to_vec()),
            None => {
                let end = rest.len().saturating_sub(MAGIC.len());
                self.lookahead.feed(rest.get(end..).unwrap_or_default(), |_| true);
            }
        }
    }
}

fn decode(data: &[u8], max_bytes: usize, is_complete: bool) -> Decoded {
    let missing = if is_complete { Decoded::Nothing } else { Decoded::NeedsMore };
    let Some((header, rest)) = data.split_at_checked(HEADER_BYTES) else {
        return missing;
    };
    let flags = header.get(MAGIC.len().saturating_add(1)).copied().unwrap_or_default();
    if flags & FLAG_INLINE == 0 {
        let pointer_size = header.get(MAGIC.len()).copied().unwrap_or_default();
        return if matches!(pointer_size, 4 | 8) { Decoded::Pointers } else { Decoded::Nothing };
    }
    let (version, rest) = match split_string(rest) {
        Split::Text(version, rest) => (version, rest),
        Split::Missing(len) if len <= VERSION_BYTES => return missing,
        Split::Missing(_) => return Decoded::Nothing,
    };
    let Some(go_version) = as_version(version) else {
        return Decoded::Nothing;
    };
    let modules = match split_string(rest) {
        Split::Text(modules, _) => modules,
        Split::Missing(len) if len > max_bytes => return Decoded::TooLong,
        // A program without modules may end here.
        Split::Missing(_) if is_complete => &[],
        Split::Missing(_) => return Decoded::NeedsMore,
    };
    if modules.len() > max_bytes {
        return Decoded::TooLong;
    }
    Decoded::Inline(BuildInfo {
        go_version: go_version.to_owned(),
        modules: strip_marks(modules).to_vec(),
    })
}

fn as_version(text: &[u8]) -> Option<&str> {
    let text = str::from_utf8(text.get(..text.len().min(VERSION_BYTES))?).ok()?;
    (text.starts_with("go1") || text.starts_with("devel")).then_some(text)
}

/// A string with its length in front, or how long it is said to be while it is not all there.
enum Split<'a> {
    Text(&'a [u8], &'a [u8]),
    Missing(usize),
}

/// Splits off a string with its length as a varint (Go source, package `encoding/binary`).
fn split_string(data: &[u8]) -> Split<'_> {
    let mut len = 0_u64;
    for (index, byte) in data.iter().take(9).enumerate() {
        len |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            let len = usize::try_from(len).unwrap_or(usize::MAX);
            let rest = data.get(index.saturating_add(1)..).unwrap_or_default();
            return match rest.split_at_checked(len) {
                Some((text, rest)) => Split::Text(text, rest),
                None => Split::Missing(len),
            };
        }
    }
    // Nine bytes that all go on are no length.
    Split::Missing(if data.len() < 9 { 0 } else { usize::MAX })
}

fn strip_marks(modules: &[u8]) -> &[u8] {
    let end = modules.len().saturating_sub(MARK_BYTES);
    match modules.get(MARK_BYTES..end) {
        Some(inner) if inner.ends_with(b"\n") => inner,
        _ => &[],
    }
}

/// Reads the lines `mod`, `dep` and `=>` (path, version, hash) and the build settings.
fn packages(go_version: &str, modules: &str) -> Vec<Package> {
    let mut found: Vec<(&str, &str)> = Vec::new();
    let mut settings = Settings::default();
    for line in modules.lines() {
        let mut fields = line.split('\t');
        let (kind, path, version) = (fields.next(), fields.next(), fields.next());
        let module = (path.unwrap_or(""), version.unwrap_or(""));
        match kind {
            Some("mod") => settings.main = module,
            Some("dep") => found.push(module),
            // The module before it was replaced: by another one, or by a folder without version.
            Some("=>") => {
                found.pop();
                found.push(module);
            }
            Some("build") => settings.read(module.0),
            _ => {}
        }
    }
    let standard_library = go_version
        .strip_prefix("go")
        .and_then(|version| version.split_whitespace().next())
        .map(|version| ("stdlib", version));
    found.extend(standard_library);
    let main_version = settings.main_version();
    found.push((settings.main.0, &main_version));
    let mut packages: Vec<Package> = found
        .into_iter()
        .filter(|(path, version)| is_token(path) && is_token(version) && *version != "(devel)")
        .map(|(path, version)| Package::new(Ecosystem::Go, path, version))
        .collect();
    packages.sort_unstable();
    packages.dedup();
    packages
}

/// What tells the version of the program itself.
#[derive(Default)]
struct Settings<'a> {
    /// The main module, whose version is `(devel)` where it was built from a checkout.
    main: (&'a str, &'a str),
    flags: &'a str,
    revision: &'a str,
    time: &'a str,
}

impl<'a> Settings<'a> {
    fn read(&mut self, setting: &'a str) {
        match setting.split_once('=') {
            Some(("-ldflags", value)) => self.flags = value,
            Some(("vcs.revision", value)) => self.revision = value,
            Some(("vcs.time", value)) => self.time = value,
            _ => {}
        }
    }

    /// Returns the version of the main module: as it is said, as the linker was told to write it
    /// into a variable, or as the pseudo-version of the commit (Go Modules Reference,
    /// "Pseudo-versions").
    fn main_version(&self) -> String {
        if !matches!(self.main.1, "" | "(devel)") {
            return self.main.1.to_owned();
        }
        self.linked_version().or_else(|| self.pseudo_version()).unwrap_or_default()
    }

    /// `-X main.version=1.2.3`, in one of the ways in which it is quoted.
    fn linked_version(&self) -> Option<String> {
        self.flags.split(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '\\')).find_map(
            |word| {
                let (name, value) = word.split_once('=')?;
                let variable = name.rsplit('.').next()?;
                let numbers = value.strip_prefix('v').unwrap_or(value);
                let is_version = variable.eq_ignore_ascii_case("version")
                    && numbers.starts_with(|c: char| c.is_ascii_digit())
                    && numbers.contains('.')
                    && is_token(value);
                is_version.then(|| format!("v{numbers}"))
            },
        )
    }

    fn pseudo_version(&self) -> Option<String> {
        let digits: String = self.time.chars().filter(char::is_ascii_digit).take(14).collect();
        let revision = self.revision.get(..12)?;
        (digits.len() == 14).then(|| format!("v0.0.0-{digits}-{revision}"))
    }
}

#[cfg(test)]
mod tests;
