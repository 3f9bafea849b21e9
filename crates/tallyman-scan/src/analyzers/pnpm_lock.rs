//! pnpm's lock, `pnpm-lock.yaml`, of versions 5 to 9 (pnpm's specification of its lock file, and
//! its documents on dependency paths).
//!
//! Up to version 6 a package says itself whether it is there only for development. Since version 9
//! it follows from the dependencies of the application's parts.

use std::borrow::Cow;

use tallyman_model::limits::Limits;
use tallyman_model::package::Ecosystem;

use crate::analyzers::lock::{PackageList, is_inside_a_package, split_at_sign, text};
use crate::analyzers::reach::DependencyGraph;
use crate::analyzers::yaml_lines::{Line, YamlLines, scalar};
use crate::analyzers::{Analysis, Analyzer, Candidate, Fault, FileClass, Reading};

pub(crate) const ANALYZER: Analyzer = Analyzer {
    id: "pnpm-lock",
    version: 1,
    class: FileClass::Named,
    wants,
    reading: Reading::Whole(analyze),
};

fn wants(candidate: &Candidate<'_>) -> bool {
    candidate.base == "pnpm-lock.yaml" && !is_inside_a_package(candidate.path)
}

fn analyze(_path: &str, content: &[u8], limits: &Limits) -> Analysis {
    let mut reader = Reader::default();
    for line in YamlLines::new(text(content)?) {
        reader.read(line);
    }
    let Some(format) = reader.format else {
        return Err(Fault::new("it is not a lock of pnpm: it has no lockfileVersion"));
    };
    let development = reader.graph.into_development();
    let mut list = PackageList::new(Ecosystem::Npm, limits);
    for entry in &reader.entries {
        let is_development = entry.is_development || development.contains(&entry.key);
        if let (false, Some((name, version))) = (is_development, entry.name_and_version(format)) {
            list.add(name, version)?;
        }
    }
    list.finish()
}

/// The versions of the lock, as far as they differ here.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    /// Up to version 5: `/NAME/VERSION_PEERS`.
    Slash,
    /// Version 6: `/NAME@VERSION(PEERS)`.
    At,
    /// Version 9: `NAME@VERSION`, and apart from it `NAME@VERSION(PEERS)` with the dependencies.
    Snapshots,
}

impl Format {
    fn parse(version: &str) -> Option<Format> {
        let major: u32 = version.split('.').next()?.parse().ok()?;
        Some(match major {
            ..6 => Format::Slash,
            6..9 => Format::At,
            9.. => Format::Snapshots,
        })
    }
}

/// An entry of `packages`.
struct Entry<'a> {
    key: Cow<'a, str>,
    /// Where the key has none.
    name: Option<Cow<'a, str>>,
    version: Option<Cow<'a, str>>,
    is_development: bool,
}

impl Entry<'_> {
    /// Returns nothing for what has no version: a path or an address.
    fn name_and_version(&self, format: Format) -> Option<(&str, &str)> {
        let (key_name, key_version) = split_key(&self.key, format).unwrap_or_default();
        let name = self.name.as_deref().unwrap_or(key_name);
        let version = self.version.as_deref().unwrap_or(key_version);
        let is_complete = !name.is_empty() && !version.is_empty();
        (is_complete && !version.contains([':', '/'])).then_some((name, version))
    }
}

fn split_key(key: &str, format: Format) -> Option<(&str, &str)> {
    // Before the name stands nothing, or the registry.
    let path = || key.split_once('/').map(|(_, path)| path);
    match format {
        Format::Slash => {
            let (name, version) = path()?.rsplit_once('/')?;
            Some((name, version.split('_').next()?))
        }
        Format::At => split_at_sign(without_peers(path()?)),
        Format::Snapshots => split_at_sign(without_peers(key)),
    }
}

fn without_peers(text: &str) -> &str {
    text.split('(').next().unwrap_or(text)
}

#[derive(Default)]
struct Reader<'a> {
    format: Option<Format>,
    /// The keys above the current line, by their depth.
    section: Cow<'a, str>,
    item: Cow<'a, str>,
    group: Cow<'a, str>,
    dependency: Cow<'a, str>,
    entries: Vec<Entry<'a>>,
    graph: DependencyGraph<'a>,
}

impl<'a> Reader<'a> {
    fn read(&mut self, line: Line<'a>) {
        match line.indent {
            0 => {
                if line.key == "lockfileVersion" {
                    self.format = Format::parse(&scalar(line.value));
                }
                self.section = line.key;
            }
            2 => self.begin_item(line.key),
            4 if self.section == "packages" => self.set_field(&line),
            4 => self.group = line.key,
            6 if self.section == "snapshots" => self.add_edge(&line.key, line.value),
            6 => self.dependency = line.key,
            8 if self.section == "importers" && line.key == "version" => self.add_root(line.value),
            _ => {}
        }
    }

    fn begin_item(&mut self, key: Cow<'a, str>) {
        match self.section.as_ref() {
            "packages" => {
                self.entries.push(Entry { key, name: None, version: None, is_development: false })
            }
            "snapshots" => {
                // An entry has the key without peers and counts as what its variants do.
                let entry = without_peers(&key).to_owned();
                if entry != key {
                    self.graph.add_edge(key.clone(), entry);
                }
                self.item = key;
            }
            _ => {}
        }
        self.group = Cow::Borrowed("");
    }

    fn set_field(&mut self, line: &Line<'a>) {
        let Some(entry) = self.entries.last_mut() else {
            return;
        };
        match line.key.as_ref() {
            "name" => entry.name = Some(scalar(line.value)),
            "version" => entry.version = Some(scalar(line.value)),
            "dev" => entry.is_development = line.value == "true",
            _ => {}
        }
    }

    fn add_edge(&mut self, name: &str, reference: &str) {
        if matches!(self.group.as_ref(), "dependencies" | "optionalDependencies") {
            self.graph.add_edge(self.item.clone(), key_of(name, &scalar(reference)));
        }
    }

    /// Adds a dependency of a part of the application; tools that pnpm itself needs count as those
    /// for development.
    fn add_root(&mut self, reference: &str) {
        let key = key_of(&self.dependency, &scalar(reference));
        match self.group.as_ref() {
            "dependencies" | "optionalDependencies" => self.graph.add_released(key),
            _ => self.graph.add_development(key),
        }
    }
}

/// Returns the key that a reference leads to: the reference is a key itself if it has a name, else
/// it lacks the name.
fn key_of(name: &str, reference: &str) -> String {
    let at = reference.find('@');
    let is_before = |other: Option<usize>| match (at, other) {
        (Some(at), Some(other)) => at < other,
        (at, _) => at.is_some(),
    };
    if reference.starts_with('@')
        || is_before(reference.find(':')) && is_before(reference.find('('))
    {
        return reference.to_owned();
    }
    format!("{name}@{reference}")
}

#[cfg(test)]
mod tests;
