//! npm packages as they are installed: `package.json` (npm documentation, "package.json" and
//! "folders").
//!
//! `node_modules/NAME/package.json` is always a package, and so is one where Debian installs those of
//! npm (Debian JavaScript policy, "Node.js modules"). Elsewhere it may be one that another
//! package carries along (`next/dist/compiled/react-is`), or an application; it counts if it has a
//! name and a version and is not marked as private, which no published package is. pnpm links the
//! files of packages to a store, and the entry of the archive that has the content may be the
//! store's, so that its files are looked into as well.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use tallyman_model::limits::Limits;
use tallyman_model::package::Ecosystem;

use crate::analyzers::lock::PackageList;
use crate::analyzers::{Analysis, Analyzer, Candidate, Fault, FileClass, Reading};

pub(crate) const ANALYZER: Analyzer = Analyzer {
    id: "npm",
    version: 3,
    class: FileClass::Named,
    wants,
    reading: Reading::Whole(analyze),
};

fn wants(candidate: &Candidate<'_>) -> bool {
    candidate.base == "package.json" || is_in_pnpm_store(candidate)
}

/// Where Debian's packages install those of npm.
const DEBIAN_DIRECTORIES: [&str; 2] = ["usr/share/nodejs/", "usr/lib/nodejs/"];

/// Whether a file is certainly that of an installed package.
fn is_package_root(path: &str) -> bool {
    if let Some(below) = DEBIAN_DIRECTORIES.iter().find_map(|it| path.strip_prefix(it)) {
        let depth = if below.starts_with('@') { 2 } else { 1 };
        return below.matches('/').count() == depth;
    }
    let mut parents = path.rsplit('/').skip(1);
    match (parents.next(), parents.next(), parents.next()) {
        (Some(name), Some("node_modules"), _) => !name.starts_with(['@', '.']),
        (Some(_), Some(scope), Some("node_modules")) => scope.starts_with('@'),
        _ => false,
    }
}

/// `files/XX/REST`: the SHA-512 of the content in hexadecimal digits, the first two of which are a
/// directory. What is large is no `package.json`.
fn is_in_pnpm_store(candidate: &Candidate<'_>) -> bool {
    const HASH_DIGITS: usize = 128;
    const MAX_BYTES: u64 = 1 << 20;
    if candidate.base.len() != HASH_DIGITS - 2 || candidate.size > MAX_BYTES {
        return false;
    }
    let mut parents = candidate.path.rsplit('/').skip(1);
    parents.next().is_some_and(|first| first.len() == 2)
        && parents.next() == Some("files")
        && candidate.base.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn analyze(path: &str, content: &[u8], limits: &Limits) -> Analysis {
    if is_package_root(path) {
        return package(&read(content)?, limits);
    }
    // What is not a manifest, or names nothing, is no package at all: tests and templates.
    match read(content) {
        Ok(manifest) if !manifest.is_private => Ok(package(&manifest, limits).unwrap_or_default()),
        _ => Ok(Vec::new()),
    }
}

fn read(content: &[u8]) -> Result<Manifest, Fault> {
    // npm accepts a byte order mark, JSON does not.
    let content = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content);
    serde_json::from_slice(content)
        .map_err(|error| Fault::new(format!("it is not a package.json: {error}")))
}

fn package(manifest: &Manifest, limits: &Limits) -> Analysis {
    let mut list = PackageList::new(Ecosystem::Npm, limits);
    if let (Some(name), Some(version)) = (&manifest.name, &manifest.version) {
        list.add(name, version)?;
    }
    list.finish()
}

/// Name and version, where they are strings. As in JavaScript, the last of equal keys counts.
#[derive(Default)]
struct Manifest {
    name: Option<String>,
    version: Option<String>,
    is_private: bool,
}

impl<'de> Deserialize<'de> for Manifest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ManifestVisitor)
    }
}

struct ManifestVisitor;

impl<'de> Visitor<'de> for ManifestVisitor {
    type Value = Manifest;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Manifest, A::Error> {
        let mut manifest = Manifest::default();
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "name" => manifest.name = string(map.next_value()?),
                "version" => manifest.version = string(map.next_value()?),
                "private" => manifest.is_private = map.next_value::<&RawValue>()?.get() == "true",
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(manifest)
    }
}

fn string(value: &RawValue) -> Option<String> {
    serde_json::from_str(value.get()).ok()
}

#[cfg(test)]
mod tests;
