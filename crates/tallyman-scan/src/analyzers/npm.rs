//! Installed npm packages: `node_modules/NAME/package.json` (npm documentation, "package.json"
//! and "folders").

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use tallyman_model::inventory::Evidence;
use tallyman_model::limits::Limits;
use tallyman_model::package::{Ecosystem, Package};

use crate::analyzers::{Analyzer, Candidate, Fault, FileClass, Reading, is_token};

pub(crate) const ANALYZER: Analyzer = Analyzer {
    id: "npm",
    version: 1,
    class: FileClass::Named,
    wants,
    reading: Reading::Whole(analyze),
};

/// `node_modules/NAME/package.json` and `node_modules/@SCOPE/NAME/package.json`; a `package.json`
/// deeper inside a package is not a package of its own.
fn wants(candidate: &Candidate<'_>) -> bool {
    if candidate.base != "package.json" {
        return false;
    }
    let mut parents = candidate.path.rsplit('/').skip(1);
    match (parents.next(), parents.next(), parents.next()) {
        (Some(name), Some("node_modules"), _) => !name.starts_with(['@', '.']),
        (Some(_), Some(scope), Some("node_modules")) => scope.starts_with('@'),
        _ => false,
    }
}

fn analyze(_path: &str, content: &[u8], _limits: &Limits) -> Result<Vec<Evidence>, Fault> {
    // npm accepts a byte order mark, JSON does not.
    let content = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content);
    let manifest: Manifest = serde_json::from_slice(content)
        .map_err(|error| Fault::new(format!("it is not a package.json: {error}")))?;
    let (Some(name), Some(version)) = (manifest.name, manifest.version) else {
        return Ok(Vec::new());
    };
    if !is_token(&name) || !is_token(&version) {
        return Err(Fault::new("its name or version is none"));
    }
    Ok(vec![Evidence::Packages(vec![Package::new(Ecosystem::Npm, name, version)])])
}

/// Name and version, where they are strings. As in JavaScript, the last of equal keys counts.
#[derive(Default)]
struct Manifest {
    name: Option<String>,
    version: Option<String>,
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
