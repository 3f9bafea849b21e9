//! The list of analyzers: what each wants to see and how much of it is read.
//!
//! An analyzer is a file in `analyzers/` and a line in `ANALYZERS`. Its functions are pure: a
//! path and bytes in, evidence out.

mod apk;
mod binaries;
mod bun_lock;
mod cargo;
mod cargo_lock;
mod composer;
mod conan;
mod conda;
mod cran;
mod dotnet;
mod dotnet_bundle;
mod dpkg;
mod dpkg_files;
mod eicar;
mod executable;
mod gem;
mod gemfile_lock;
mod go;
mod go_mod;
mod hackage_lock;
mod hex_lock;
mod java;
mod lock;
mod lookahead;
mod luarocks;
mod npm;
mod npm_lock;
mod nuget;
mod opkg;
mod opkg_files;
mod os_release;
mod pacman;
mod pacman_files;
mod pipfile_lock;
mod pnpm_lock;
mod portage;
mod portage_files;
mod preload;
mod pub_lock;
mod python;
mod python_lock;
mod reach;
mod requirements;
mod rpm;
mod rpm_journal;
mod rpm_manifest;
mod swift_lock;
mod toml_lines;
mod version_files;
mod yaml_lines;
mod yarn_lock;

use std::fmt::Write;

use ring::digest::{SHA256, digest};
use serde_json::Value;
use tallyman_model::inventory::{DiagnosticKind, Evidence, owner_key};
use tallyman_model::limits::{Limits, Over};

#[cfg(test)]
pub(crate) use crate::analyzers::eicar::test_file as eicar_test_file;
pub(crate) use crate::analyzers::executable::has_magic;
pub(crate) use crate::analyzers::os_release::preference as distribution_preference;

/// The version of everything that turns evidence into inventories: the tar reader, whiteouts,
/// squash. Raise it when the same layer would give another inventory.
const FORMAT_VERSION: u32 = 1;

/// One analyzer.
pub(crate) struct Analyzer {
    /// Its name in inventories and in documents; never changes.
    pub(crate) id: &'static str,
    /// Raised whenever the same file would give other evidence.
    pub(crate) version: u32,
    /// What kind of file it reads.
    pub(crate) class: FileClass,
    /// Tells from the outside whether it wants the content; called for every file.
    pub(crate) wants: fn(&Candidate<'_>) -> bool,
    /// Reads the content.
    pub(crate) reading: Reading,
}

impl Analyzer {
    /// Returns the limit on the size of the files that it reads.
    pub(crate) fn max_bytes(&self, limits: &Limits) -> Over<'static> {
        let by_class = self.class.max_bytes(limits);
        match self.reading {
            Reading::Whole(_) if limits.held_bytes < by_class.value => {
                Over { limit: "held-bytes", value: limits.held_bytes }
            }
            Reading::Whole(_) | Reading::Streamed(_) => by_class,
        }
    }

    /// Tells whether a file is held in memory for it.
    pub(crate) fn holds(&self, candidate: &Candidate<'_>, limits: &Limits) -> bool {
        matches!(self.reading, Reading::Whole(_)) && candidate.size <= self.max_bytes(limits).value
    }
}

/// How an analyzer reads the content of a file.
#[derive(Clone, Copy)]
pub(crate) enum Reading {
    /// As a whole, by its path. For what is small.
    Whole(fn(&str, &[u8], &Limits) -> Analysis),
    /// Piece by piece as it comes, so that a file of any size takes no memory.
    Streamed(fn(&Candidate<'_>, &Limits) -> Box<dyn Probe>),
}

/// What an analyzer says of one file that it read as a whole.
pub(crate) type Analysis = Result<Vec<Evidence>, Fault>;

/// Reads one file from its first byte to its last.
pub(crate) trait Probe {
    /// Looks at the next bytes.
    fn feed(&mut self, piece: &[u8]);

    /// Says what was found, once the content is complete.
    fn finish(self: Box<Self>) -> Report;
}

/// What was found in a file, and what of it could not be read.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Report {
    pub(crate) evidence: Vec<Evidence>,
    pub(crate) faults: Vec<Fault>,
}

impl From<Analysis> for Report {
    fn from(analysis: Analysis) -> Self {
        match analysis {
            Ok(evidence) => Report { evidence, faults: Vec::new() },
            Err(fault) => Report { evidence: Vec::new(), faults: vec![fault] },
        }
    }
}

/// The analyzers. Their order does not matter.
pub(crate) static ANALYZERS: &[Analyzer] = &[
    os_release::ANALYZER,
    dpkg::ANALYZER,
    dpkg_files::ANALYZER,
    apk::ANALYZER,
    rpm::ANALYZER,
    rpm_journal::ANALYZER,
    rpm_manifest::ANALYZER,
    pacman::ANALYZER,
    pacman_files::ANALYZER,
    portage::ANALYZER,
    portage_files::ANALYZER,
    opkg::ANALYZER,
    opkg_files::ANALYZER,
    python::ANALYZER,
    conda::ANALYZER,
    python_lock::ANALYZER,
    pipfile_lock::ANALYZER,
    requirements::ANALYZER,
    npm::ANALYZER,
    npm_lock::ANALYZER,
    yarn_lock::ANALYZER,
    pnpm_lock::ANALYZER,
    bun_lock::ANALYZER,
    gem::ANALYZER,
    gemfile_lock::ANALYZER,
    composer::ANALYZER,
    cargo_lock::ANALYZER,
    dotnet::ANALYZER,
    nuget::ANALYZER,
    pub_lock::ANALYZER,
    hex_lock::ANALYZER,
    swift_lock::ANALYZER,
    cran::ANALYZER,
    hackage_lock::ANALYZER,
    luarocks::ANALYZER,
    conan::ANALYZER,
    go_mod::ANALYZER,
    go::ANALYZER,
    cargo::ANALYZER,
    dotnet_bundle::ANALYZER,
    binaries::ANALYZER,
    version_files::ANALYZER,
    java::ANALYZER,
    preload::ANALYZER,
    eicar::ANALYZER,
];

/// The kinds of files that analyzers read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileClass {
    /// A database of installed packages, known by its path.
    Database,
    /// Any other file that is known by its path.
    Named,
    /// A file that its size makes interesting, whatever its name.
    AnyName,
    /// A program or library; read only if it begins like one.
    Executable(ProgramPart),
    /// An archive that is known by its path, with files in it.
    Archive,
}

impl FileClass {
    fn max_bytes(self, limits: &Limits) -> Over<'static> {
        let (limit, value) = match self {
            FileClass::Database => ("database-bytes", limits.database_bytes),
            FileClass::Named | FileClass::AnyName => ("metadata-bytes", limits.metadata_bytes),
            FileClass::Executable(_) => ("executable-bytes", limits.executable_bytes),
            FileClass::Archive => ("archive-bytes", limits.archive_bytes),
        };
        Over { limit, value }
    }

    /// Returns how much of the answer is lost with such a file.
    pub(crate) fn loss(self) -> DiagnosticKind {
        match self {
            FileClass::Database => DiagnosticKind::Failed,
            FileClass::Named
            | FileClass::AnyName
            | FileClass::Executable(_)
            | FileClass::Archive => DiagnosticKind::Skipped,
        }
    }

    /// Tells whether the path alone makes such a file what it is.
    pub(crate) fn is_known_by_path(self) -> bool {
        match self {
            FileClass::Database | FileClass::Named | FileClass::Archive => true,
            FileClass::AnyName | FileClass::Executable(_) => false,
        }
    }

    /// Tells whether such a file must begin like a program.
    pub(crate) fn is_program(self) -> bool {
        match self {
            FileClass::Executable(_) => true,
            FileClass::Database | FileClass::Named | FileClass::AnyName | FileClass::Archive => {
                false
            }
        }
    }
}

/// The part of a program in which an analyzer finds what it looks for. Analyzers read programs as
/// streams and are shown all of them; this is for layers whose bytes can be left unread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProgramPart {
    /// The section with this name.
    Section(&'static str),
    /// What can hold texts: all sections but code and those for linkers and debuggers.
    Texts,
    /// What follows the last section, and the program before it.
    Appendix,
}

/// A regular file as it is seen before its content.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Candidate<'a> {
    /// The normalised path.
    pub(crate) path: &'a str,
    /// Its last component.
    pub(crate) base: &'a str,
    /// The size in bytes.
    pub(crate) size: u64,
    /// The permission bits.
    pub(crate) mode: u32,
}

impl<'a> Candidate<'a> {
    pub(crate) fn new(path: &'a str, size: u64, mode: u32) -> Self {
        Candidate { path, base: crate::path::split(path).1, size, mode }
    }
}

/// Why a file gave no evidence although it should have.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) reason: String,
}

impl Fault {
    pub(crate) fn new(reason: impl Into<String>) -> Self {
        Fault { reason: reason.into() }
    }

    /// A file that names more packages than a layer may have.
    pub(crate) fn too_many_packages(max: usize) -> Self {
        let over = Over { limit: "layer-packages", value: max as u64 };
        Fault::new(format!("the number of its packages is {over}"))
    }
}

/// A set of analyzers, as bits by their index.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Selection(u64);

impl Selection {
    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = (usize, &'static Analyzer)> {
        ANALYZERS.iter().enumerate().filter(move |(index, _)| self.0 & (1 << index) != 0)
    }

    /// Returns the parts of programs that its analyzers look at.
    pub(crate) fn program_parts(self) -> impl Iterator<Item = ProgramPart> {
        self.iter().filter_map(|(_, analyzer)| match analyzer.class {
            FileClass::Executable(part) => Some(part),
            FileClass::Database | FileClass::Named | FileClass::AnyName | FileClass::Archive => {
                None
            }
        })
    }
}

/// Returns the analyzers that want a file.
pub(crate) fn select(candidate: &Candidate<'_>) -> Selection {
    let bits = ANALYZERS.iter().enumerate().fold(0, |bits, (index, analyzer)| {
        bits | (u64::from((analyzer.wants)(candidate)) << index)
    });
    Selection(bits)
}

/// How much of a regular file is looked at, as far as it can be told from the outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Want {
    /// Nothing.
    Nothing,
    /// If it is a program, what these analyzers look for.
    Program(Selection),
    /// All of it.
    Content,
}

/// Tells how much of a regular file is looked at.
pub(crate) fn want(path: &str, size: u64, mode: u32, limits: &Limits) -> Want {
    let selection = select(&Candidate::new(path, size, mode));
    let mut wanted =
        selection.iter().filter(|(_, analyzer)| size <= analyzer.max_bytes(limits).value);
    if wanted.any(|(_, analyzer)| !analyzer.class.is_program()) {
        Want::Content
    } else if !selection.is_empty() && size <= limits.executable_bytes {
        Want::Program(selection)
    } else {
        Want::Nothing
    }
}

/// Returns the evidence that a distribution's package owns files, of which only those are kept that
/// could be evidence for an analyzer; `None` if there are none.
pub(crate) fn owned_files<'a>(paths: impl IntoIterator<Item = &'a str>) -> Option<Evidence> {
    let mut owned = Owned::default();
    paths.into_iter().for_each(|path| owned.add(path));
    owned.finish()
}

/// Collects what [`owned_files`] returns, path by path.
#[derive(Default)]
pub(crate) struct Owned {
    keys: Vec<u64>,
}

impl Owned {
    pub(crate) fn add(&mut self, path: &str) {
        let path = path.trim_start_matches('/');
        if may_be_evidence(path) {
            self.keys.push(owner_key(path));
        }
    }

    pub(crate) fn finish(mut self) -> Option<Evidence> {
        self.keys.sort_unstable();
        self.keys.dedup();
        (!self.keys.is_empty()).then_some(Evidence::OwnedFiles(self.keys))
    }
}

/// How many bytes of paths may still be put together of parts that several share, so that a small
/// database cannot name gigabytes.
pub(crate) struct PathBudget {
    bytes_left: usize,
}

impl PathBudget {
    /// A database says more of a file than its path, and few paths are long: all are shorter than
    /// this many times its own length.
    const TIMES: usize = 16;

    /// What a path costs however short it is.
    const PATH_COST: usize = 256;

    pub(crate) fn of(database: &[u8]) -> Self {
        PathBudget { bytes_left: database.len().saturating_mul(Self::TIMES) }
    }

    pub(crate) fn take(&mut self, path_bytes: usize) -> Result<(), Fault> {
        let left = self.bytes_left.checked_sub(path_bytes.saturating_add(Self::PATH_COST));
        self.bytes_left =
            left.ok_or_else(|| Fault::new("the paths of its files take more room than it has"))?;
        Ok(())
    }
}

/// Tells from name and mode whether a file may be a program or library that is looked into.
pub(crate) fn may_be_program(candidate: &Candidate<'_>) -> bool {
    executable::may_be(candidate) || binaries::is_known_library(candidate.base)
}

/// Tells whether an analyzer could find packages in a file, as far as its path tells.
fn may_be_evidence(path: &str) -> bool {
    const WITHOUT_PROGRAMS: [&str; 5] =
        ["usr/share/doc/", "usr/share/man/", "usr/share/locale/", "etc/", "var/lib/dpkg/"];
    let candidate = Candidate::new(path, 4096, 0o644);
    let is_program = || {
        (executable::may_be(&candidate) || binaries::is_known(candidate.base))
            && !WITHOUT_PROGRAMS.iter().any(|prefix| path.starts_with(prefix))
    };
    let is_named = |analyzer: &Analyzer| {
        matches!(analyzer.class, FileClass::Named | FileClass::Archive)
            && (analyzer.wants)(&candidate)
    };
    ANALYZERS.iter().any(is_named) || is_program()
}

/// Tells whether an analyzer reads package databases, which layers rewrite as a whole.
pub(crate) fn reads_databases(id: &str) -> bool {
    ANALYZERS.iter().any(|analyzer| analyzer.id == id && analyzer.class == FileClass::Database)
}

/// Tells whether a text can be a package's name or version: short, without spaces and control
/// characters. What lies in an image must not spoil a report.
pub(crate) fn is_token(text: &str) -> bool {
    let is_sound = |c: char| !c.is_control() && !c.is_whitespace();
    !text.is_empty() && text.len() <= 1024 && text.chars().all(is_sound)
}

/// The limits that do not change what a layer's inventory says: they are on what comes before a
/// layer, on whole images, or on other things than images.
const LIMITS_WITHOUT_EFFECT: [&str; 14] = [
    "manifest-bytes",
    "config-bytes",
    "layers",
    "image-bytes",
    "image-uncompressed-bytes",
    "image-entries",
    "image-packages",
    "image-time",
    "sbom-bytes",
    "sbom-packages",
    "vex-bytes",
    "vex-products",
    "advisory-record-bytes",
    "advisory-records",
];

/// Returns the fingerprint of the analyzer set under these limits: it changes exactly when layers
/// have to be analysed again.
pub fn fingerprint(limits: &Limits) -> String {
    let mut lines = vec![format!("format {FORMAT_VERSION}\n")];
    lines.extend(ANALYZERS.iter().map(|a| format!("analyzer {} {}\n", a.id, a.version)));
    let limits = serde_json::to_value(limits);
    let limits = limits.as_ref().ok().and_then(Value::as_object);
    let limits = limits.expect("the limits are a structure of numbers");
    let with_effect =
        limits.iter().filter(|(name, _)| !LIMITS_WITHOUT_EFFECT.contains(&name.as_str()));
    lines.extend(with_effect.map(|(name, value)| format!("limit {name} {value}\n")));
    lines.sort();
    let hash = digest(&SHA256, lines.concat().as_bytes());
    hash.as_ref().iter().take(16).fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Shows content to one analyzer, whatever its path; `None` if there is no such analyzer. An entry
/// for fuzzing: the answer is evidence or the reason why there is none.
pub fn analyze_content(
    id: &str,
    path: &str,
    content: &[u8],
    limits: &Limits,
) -> Option<Result<Vec<Evidence>, String>> {
    let analyzer = ANALYZERS.iter().find(|analyzer| analyzer.id == id)?;
    let report = read_whole(analyzer, path, content, limits);
    Some(answer(report))
}

/// Shows content to one analyzer in pieces of `size` bytes, as [`analyze_content`] does as a whole;
/// the answer must be the same.
pub fn analyze_pieces(
    id: &str,
    path: &str,
    content: &[u8],
    size: usize,
    limits: &Limits,
) -> Option<Result<Vec<Evidence>, String>> {
    let analyzer = ANALYZERS.iter().find(|analyzer| analyzer.id == id)?;
    let Reading::Streamed(start) = analyzer.reading else {
        return analyze_content(id, path, content, limits);
    };
    let mut probe = start(&Candidate::new(path, content.len() as u64, 0), limits);
    content.chunks(size.max(1)).for_each(|piece| probe.feed(piece));
    Some(answer(probe.finish()))
}

fn answer(report: Report) -> Result<Vec<Evidence>, String> {
    match report.faults.into_iter().next() {
        Some(fault) => Err(fault.reason),
        None => Ok(report.evidence),
    }
}

/// Shows content that is in memory to an analyzer, however it reads.
pub(crate) fn read_whole(
    analyzer: &Analyzer,
    path: &str,
    content: &[u8],
    limits: &Limits,
) -> Report {
    match analyzer.reading {
        Reading::Whole(analyze) => analyze(path, content, limits).into(),
        Reading::Streamed(start) => {
            let mut probe = start(&Candidate::new(path, content.len() as u64, 0), limits);
            probe.feed(content);
            probe.finish()
        }
    }
}

/// Returns the id and version of every analyzer, for documents and for `--version`.
pub fn list() -> impl Iterator<Item = (&'static str, u32)> {
    ANALYZERS.iter().map(|analyzer| (analyzer.id, analyzer.version))
}

#[cfg(test)]
mod tests;
