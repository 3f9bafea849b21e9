//! Locks of Python's tools in TOML: `poetry.lock`, `pdm.lock`, `uv.lock` (also of a script,
//! `SCRIPT.py.lock`) and the common `pylock.toml` (PyPA, "pylock.toml Specification"). Poetry's and
//! PDM's are described by their documents on groups, uv's by its own on locking.

use std::borrow::Cow;

use tallyman_model::limits::Limits;
use tallyman_model::package::Ecosystem;

use crate::analyzers::lock::{PackageList, is_inside_a_package, text};
use crate::analyzers::reach::DependencyGraph;
use crate::analyzers::toml_lines::{Item, TomlItems, elements, field, string};
use crate::analyzers::{Analysis, Analyzer, Candidate, FileClass, Reading};

pub(crate) const ANALYZER: Analyzer = Analyzer {
    id: "python-lock",
    version: 1,
    class: FileClass::Named,
    wants,
    reading: Reading::Whole(analyze),
};

fn wants(candidate: &Candidate<'_>) -> bool {
    let base = candidate.base;
    let is_lock = match base.len() {
        7 => base == "uv.lock",
        8 => base == "pdm.lock",
        11 => base == "poetry.lock" || base == "pylock.toml",
        _ => false,
    };
    let is_named =
        || base.ends_with(".py.lock") || base.starts_with("pylock.") && base.ends_with(".toml");
    (is_lock || is_named()) && !is_inside_a_package(candidate.path)
}

fn analyze(_path: &str, content: &[u8], limits: &Limits) -> Analysis {
    let mut items = TomlItems::new(text(content)?);
    let mut reader = Reader::default();
    while let Some(item) = items.next()? {
        reader.read(&item);
    }
    reader.finish(limits)
}

/// An element of `package`.
#[derive(Default)]
struct Entry<'a> {
    name: Option<Cow<'a, str>>,
    version: Option<Cow<'a, str>>,
    /// It lies in the application's own folders.
    is_local: bool,
    is_development: bool,
}

#[derive(Default)]
struct Reader<'a> {
    entries: Vec<Entry<'a>>,
    table: &'a str,
    graph: DependencyGraph<'a>,
}

impl<'a> Reader<'a> {
    fn read(&mut self, item: &Item<'a>) {
        match *item {
            Item::Table { name, is_element } => {
                // PEP 751 has the plural.
                if is_element && matches!(name, "package" | "packages") {
                    self.entries.push(Entry::default());
                }
                self.table = name;
            }
            Item::Value { key, value } => self.read_value(key, value),
        }
    }

    fn read_value(&mut self, key: &'a str, value: &'a str) {
        let Some(entry) = self.entries.last_mut() else {
            return;
        };
        match self.table {
            "package" | "packages" => match key {
                "name" => entry.name = string(value),
                "version" => entry.version = string(value),
                // Up to Poetry 1.4.
                "category" => entry.is_development |= value == "\"dev\"",
                "groups" => entry.is_development |= is_development(value),
                "source" => entry.is_local |= is_part(value),
                "path" | "directory" => entry.is_local = true,
                "dependencies" => self.add_dependencies(value, Kind::Released),
                _ => {}
            },
            "package.source" if key == "type" => entry.is_local |= value == "\"directory\"",
            "packages.directory" => entry.is_local = true,
            "package.optional-dependencies" => self.add_dependencies(value, Kind::Released),
            "package.dev-dependencies" => self.add_dependencies(value, Kind::Development),
            _ => {}
        }
    }

    /// uv names what depends on what. Development dependencies are those of the application's
    /// parts; a package of which there are several versions counts as one.
    fn add_dependencies(&mut self, list: &'a str, kind: Kind) {
        let Some(from) = self.entries.last().and_then(|entry| entry.name.clone()) else {
            return;
        };
        for name in elements(list).filter_map(|element| string(field(element, "name")?)) {
            match kind {
                Kind::Released => self.graph.add_edge(from.clone(), name),
                Kind::Development => self.graph.add_development(name),
            }
        }
    }

    fn finish(mut self, limits: &Limits) -> Analysis {
        for part in self.entries.iter().filter(|entry| entry.is_local) {
            if let Some(name) = &part.name {
                self.graph.add_released(name.clone());
            }
        }
        let development = self.graph.into_development();
        let mut list = PackageList::new(Ecosystem::PyPi, limits);
        for entry in self.entries.iter().filter(|entry| !entry.is_local && !entry.is_development) {
            if let (Some(name), Some(version)) = (&entry.name, &entry.version)
                && !development.contains(name)
            {
                list.add(name, version)?;
            }
        }
        list.finish()
    }
}

enum Kind {
    Released,
    Development,
}

/// Poetry 2 and PDM name the groups of a package. Poetry's `main` and PDM's `default` are released,
/// and so may be the others, which are optional; only `dev` is certain.
fn is_development(groups: &str) -> bool {
    let mut groups = elements(groups).peekable();
    groups.peek().is_some() && groups.all(|group| string(group).as_deref() == Some("dev"))
}

/// uv: `source = { virtual = "." }` and the like are the application's own folders.
fn is_part(source: &str) -> bool {
    ["virtual", "editable", "directory"].iter().any(|key| field(source, key).is_some())
}

#[cfg(test)]
mod tests;
