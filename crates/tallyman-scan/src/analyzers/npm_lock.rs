//! npm's locks: `package-lock.json` and `npm-shrinkwrap.json` of versions 1 to 3 (npm
//! documentation, "package-lock.json").

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;
use tallyman_model::limits::Limits;
use tallyman_model::package::Ecosystem;

use crate::analyzers::lock::{PackageList, for_each_entry, is_inside_a_package, json, text};
use crate::analyzers::{Analysis, Analyzer, Candidate, Fault, FileClass, Reading};

pub(crate) const ANALYZER: Analyzer = Analyzer {
    id: "npm-lock",
    version: 1,
    class: FileClass::Named,
    wants,
    reading: Reading::Whole(analyze),
};

/// npm itself nests few; each level is read once more.
const MAX_DEPTH: usize = 32;

fn wants(candidate: &Candidate<'_>) -> bool {
    matches!(candidate.base, "package-lock.json" | "npm-shrinkwrap.json")
        && !is_inside_a_package(candidate.path)
}

#[derive(Deserialize)]
struct Lock<'a> {
    /// By place, since version 2.
    #[serde(borrow)]
    packages: Option<&'a RawValue>,
    /// By name; since version 2 only for old clients.
    #[serde(borrow)]
    dependencies: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Entry<'a> {
    /// Where it is not that of the place.
    #[serde(borrow)]
    name: Option<Cow<'a, str>>,
    #[serde(borrow)]
    version: Option<Cow<'a, str>>,
    #[serde(default)]
    dev: bool,
    /// Version 1 nests what is installed below.
    #[serde(borrow)]
    dependencies: Option<&'a RawValue>,
}

fn analyze(_path: &str, content: &[u8], limits: &Limits) -> Analysis {
    let lock: Lock<'_> = json(text(content)?, "an npm lock")?;
    let mut list = PackageList::new(Ecosystem::Npm, limits);
    match lock.packages {
        Some(_) => for_each_entry(lock.packages, |place, entry| add(&mut list, place, &entry))?,
        None => add_nested(&mut list, lock.dependencies, 0)?,
    }
    list.finish()
}

/// Adds what lies at `node_modules/NAME` or below such a place; other places are parts of the
/// application itself. A link has no version.
fn add(list: &mut PackageList, place: &str, entry: &Entry<'_>) -> Result<(), Fault> {
    let below = place.rsplit_once("node_modules/").map(|(_, name)| name);
    match (below, &entry.version) {
        (Some(below), Some(version)) if !entry.dev => {
            list.add(entry.name.as_deref().unwrap_or(below), version)
        }
        _ => Ok(()),
    }
}

fn add_nested(
    list: &mut PackageList,
    dependencies: Option<&RawValue>,
    depth: usize,
) -> Result<(), Fault> {
    if depth > MAX_DEPTH {
        return Err(Fault::new(format!("dependencies are nested deeper than {MAX_DEPTH}")));
    }
    for_each_entry(dependencies, |name, entry: Entry<'_>| {
        if let (Some(version), false) = (&entry.version, entry.dev) {
            add_named(list, name, version)?;
        }
        add_nested(list, entry.dependencies, depth.saturating_add(1))
    })
}

/// Version 1 writes where a package comes from in place of its version: `npm:NAME@VERSION` for
/// another name, else an address or a path, which is no version.
fn add_named(list: &mut PackageList, name: &str, version: &str) -> Result<(), Fault> {
    match version.strip_prefix("npm:") {
        Some(other) => match other.rsplit_once('@') {
            Some((name, version)) => list.add(name, version),
            None => Ok(()),
        },
        None if version.contains([':', '/']) => Ok(()),
        None => list.add(name, version),
    }
}

#[cfg(test)]
mod tests;
