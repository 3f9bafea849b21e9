//! One archive of Java classes and the archives in it, read as their bytes come.

use tallyman_model::inventory::Evidence;
use tallyman_model::limits::{Limits, Over};
use tallyman_model::package::Package;

use crate::analyzers::java::content::Content;
use crate::analyzers::java::identity::{self, Identity};
use crate::analyzers::java::manifest::{Manifest, ManifestReader};
use crate::analyzers::java::properties::{self, Coordinates};
use crate::analyzers::java::{extension_of, is_archive};
use crate::analyzers::{Fault, Report};
use crate::path::{normalize, split};
use crate::zip::{Budget, Event, Problem, ZipStream};

/// Real ones have some hundred bytes.
const PROPERTIES_BYTES_MAX: usize = 64 << 10;

/// Further faults of one file are counted.
const FAULTS_MAX: usize = 100;

/// Reads one archive.
pub(super) struct Archive {
    zip: ZipStream,
    /// The path inside the outermost file, which itself has none.
    path: String,
    base: String,
    depth: u32,
    /// What is wrong with it as an entry has been told.
    is_told: bool,
    current: Current,
    manifest: Manifest,
    poms: Vec<Coordinates>,
    content: Content,
}

/// The entry that is being read.
enum Current {
    None,
    Manifest(ManifestReader),
    Properties { path: String, content: Vec<u8> },
    Archive(Box<Archive>),
}

/// What a file and all archives in it share.
pub(super) struct Shared {
    pub(super) limits: Limits,
    pub(super) budget: Budget,
    pub(super) is_exhausted: bool,
    evidence: Vec<Evidence>,
    packages: usize,
    faults: Vec<Fault>,
    further_faults: u64,
}

/// What an entry is to us.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Manifest,
    Properties,
    Archive,
}

fn kind_of(name: &[u8]) -> Option<Kind> {
    let base = name.rsplit(|byte| *byte == b'/').next().unwrap_or(name);
    // Such names are no case of their own to the runtime (JAR File Specification, "Notes on
    // Manifest and Signature Files").
    if name.eq_ignore_ascii_case(b"META-INF/MANIFEST.MF") {
        return Some(Kind::Manifest);
    }
    if base == b"pom.properties" {
        return Some(Kind::Properties);
    }
    std::str::from_utf8(extension_of(base)?).is_ok_and(is_archive).then_some(Kind::Archive)
}

fn is_wanted(name: &[u8]) -> bool {
    kind_of(name).is_some()
}

impl Archive {
    /// Starts at the first byte of a file with this base name.
    pub(super) fn new(base: &str) -> Self {
        Archive::nested(String::new(), base.to_owned(), 0)
    }

    fn nested(path: String, base: String, depth: u32) -> Self {
        Archive {
            zip: ZipStream::new(is_wanted),
            path,
            base,
            depth,
            is_told: false,
            current: Current::None,
            manifest: Manifest::default(),
            poms: Vec::new(),
            content: Content::new(),
        }
    }

    /// Looks at the next bytes.
    pub(super) fn feed(&mut self, mut piece: &[u8], shared: &mut Shared) {
        self.content.add(piece);
        while !shared.is_exhausted {
            let (count, event) = self.zip.step(piece, &mut shared.budget);
            piece = piece.get(count..).unwrap_or_default();
            match event {
                Event::NeedsMore => return,
                Event::Begin(name) => {
                    let begun = begin(name, &self.path, self.depth, shared);
                    match begun {
                        Ok(current) => {
                            if matches!(current, Current::Archive(_)) {
                                self.content.keep_nothing();
                            }
                            self.current = current;
                        }
                        Err(reason) => {
                            self.zip.skip_entry();
                            shared.add_fault(&self.path, &reason);
                        }
                    }
                }
                Event::Content(content) => {
                    let is_enough = match &mut self.current {
                        Current::None => false,
                        Current::Manifest(reader) => !reader.feed(content),
                        Current::Properties { content: kept, .. } => {
                            kept.extend_from_slice(content);
                            kept.len() > PROPERTIES_BYTES_MAX
                        }
                        Current::Archive(archive) => {
                            archive.feed(content, shared);
                            false
                        }
                    };
                    if is_enough {
                        self.zip.skip_entry();
                        self.end_entry(shared);
                    }
                }
                Event::End(result) => {
                    if let Err(reason) = result {
                        let path = self.current_path();
                        shared.add_fault(&path, reason);
                        if let Current::Archive(archive) = &mut self.current {
                            archive.is_told = true;
                        }
                    }
                    self.end_entry(shared);
                }
                Event::Exhausted(reason) => {
                    shared.add_fault(&self.path, reason);
                    shared.is_exhausted = true;
                }
            }
        }
    }

    /// Takes down what the archive is and what is wrong with it.
    pub(super) fn finish(mut self, shared: &mut Shared) {
        self.end_entry(shared);
        let is_empty = self.zip.position() == 0;
        let end = self.zip.finish();
        // The name of what is no archive tells nothing.
        if end != Err(Problem::NoArchive) {
            let named = self.poms.len();
            let identity = identity::identify(&self.base, &self.manifest, self.poms);
            let is_whole = end.is_ok() && !self.is_told && !shared.is_exhausted;
            let content = is_whole.then_some(self.content);
            shared.add_identity(&self.path, identity, named, content);
        }
        match end {
            // The reading ended, not the archive.
            Err(_) if shared.is_exhausted || self.is_told => {}
            Err(Problem::NoArchive) if is_empty || !is_sure(&self.base) => {}
            Err(problem) => shared.add_fault(&self.path, &problem.to_string()),
            Ok(()) => {}
        }
    }

    fn current_path(&self) -> String {
        match &self.current {
            Current::None => self.path.clone(),
            Current::Manifest(_) => join(&self.path, "META-INF/MANIFEST.MF"),
            Current::Properties { path, .. } => join(&self.path, path),
            Current::Archive(archive) => archive.path.clone(),
        }
    }

    fn end_entry(&mut self, shared: &mut Shared) {
        match std::mem::replace(&mut self.current, Current::None) {
            Current::None => {}
            Current::Manifest(reader) => self.manifest = reader.finish(),
            Current::Properties { path, content } => {
                if content.len() > PROPERTIES_BYTES_MAX {
                    let reason = format!("it has more than {PROPERTIES_BYTES_MAX} bytes");
                    shared.add_fault(&join(&self.path, &path), &reason);
                } else if let Some(pom) = properties::parse(&path, &content) {
                    self.poms.push(pom);
                    shared.count_package(&self.path);
                }
            }
            Current::Archive(archive) => archive.finish(shared),
        }
    }
}

impl Shared {
    pub(super) fn new(limits: Limits, budget: Budget) -> Self {
        Shared {
            limits,
            budget,
            is_exhausted: false,
            evidence: Vec::new(),
            packages: 0,
            faults: Vec::new(),
            further_faults: 0,
        }
    }

    /// Takes down what an archive is. Those of its packages that its entries named are counted.
    fn add_identity(
        &mut self,
        path: &str,
        identity: Identity,
        named: usize,
        content: Option<Content>,
    ) {
        let Identity { packages, is_known, guess } = identity;
        if packages.len() > named {
            self.count_package(path);
        }
        if !packages.is_empty() {
            self.evidence.push(evidence_of(path, packages));
        }
        if is_known {
            return;
        }
        let itself = match (content.and_then(Content::sha1), guess) {
            (Some(sha1), guess) => Evidence::Archive { path: path.to_owned(), sha1, guess },
            (None, Some(guess)) => evidence_of(path, vec![guess]),
            (None, None) => return,
        };
        self.count_package(path);
        self.evidence.push(itself);
    }

    fn count_package(&mut self, path: &str) {
        self.packages = self.packages.saturating_add(1);
        let max = self.limits.layer_packages;
        if self.packages > max && !self.is_exhausted {
            self.add_fault(path, &Fault::too_many_packages(max).reason);
            self.is_exhausted = true;
        }
    }

    fn add_fault(&mut self, path: &str, reason: &str) {
        if self.faults.len() >= FAULTS_MAX {
            self.further_faults = self.further_faults.saturating_add(1);
            return;
        }
        let told = if path.is_empty() { reason.to_owned() } else { format!("{path}: {reason}") };
        self.faults.push(Fault::new(told));
    }

    pub(super) fn finish(mut self) -> Report {
        if self.further_faults > 0 {
            let reason = format!("it has {} further faults", self.further_faults);
            self.faults.push(Fault::new(reason));
        }
        Report { evidence: self.evidence, faults: self.faults }
    }
}

/// Says how an entry is read, or why it is not.
fn begin(name: &[u8], parent: &str, depth: u32, shared: &Shared) -> Result<Current, String> {
    let mut path = String::new();
    if name.len() > shared.limits.path_bytes {
        let over = Over { limit: "path-bytes", value: shared.limits.path_bytes as u64 };
        return Err(format!("the path of an entry has {} bytes, {over}", name.len()));
    }
    normalize(name, &mut path).map_err(|error| error.to_string())?;
    match kind_of(name) {
        None => Ok(Current::None),
        Some(Kind::Manifest) => Ok(Current::Manifest(ManifestReader::new())),
        Some(Kind::Properties) => Ok(Current::Properties { path, content: Vec::new() }),
        Some(Kind::Archive) => {
            let depth = depth.saturating_add(1);
            if depth > shared.limits.archive_depth {
                let (limit, value) = ("archive-depth", shared.limits.archive_depth.into());
                return Err(format!("{path} is not looked into, {}", Over { limit, value }));
            }
            let base = split(&path).1.to_owned();
            Ok(Current::Archive(Box::new(Archive::nested(join(parent, &path), base, depth))))
        }
    }
}

/// Makes evidence of the packages that the archive of a path is.
fn evidence_of(path: &str, packages: Vec<Package>) -> Evidence {
    match path.is_empty() {
        true => Evidence::Packages(packages),
        false => Evidence::Nested { path: path.to_owned(), packages },
    }
}

/// Joins the path of an archive and of an entry in it.
fn join(archive: &str, entry: &str) -> String {
    if archive.is_empty() { entry.to_owned() } else { format!("{archive}!/{entry}") }
}

/// Tells whether only an archive bears such a name.
fn is_sure(base: &str) -> bool {
    let extension = extension_of(base.as_bytes()).unwrap_or_default();
    [&b"jar"[..], b"war", b"ear", b"jpi", b"hpi"]
        .iter()
        .any(|known| extension.eq_ignore_ascii_case(known))
}
