//! Rust programs with a list of their crates (cargo-auditable, "PARSING.md"): zlib-compressed JSON
//! in a section of the program.

use auditable_info::Error;
use serde::Deserialize;
use tallyman_model::inventory::Evidence;
use tallyman_model::limits::Limits;
use tallyman_model::package::{Ecosystem, Package};

use crate::analyzers::{Analyzer, Fault, FileClass, executable, is_token};

pub(crate) const ANALYZER: Analyzer = Analyzer {
    id: "cargo",
    version: 1,
    class: FileClass::Executable,
    wants: executable::wants,
    analyze,
};

#[derive(Deserialize)]
struct VersionInfo {
    packages: Vec<Crate>,
}

#[derive(Deserialize)]
struct Crate {
    name: String,
    version: String,
    source: String,
    /// `build` for what only ran while building; absent means `runtime`.
    #[serde(default)]
    kind: Option<String>,
}

fn analyze(_path: &str, content: &[u8], limits: &Limits) -> Result<Vec<Evidence>, Fault> {
    let max_bytes = usize::try_from(limits.metadata_bytes).unwrap_or(usize::MAX);
    let json = match auditable_info::json_from_slice(content, max_bytes) {
        Ok(json) => json,
        // Most programs have no list, and what is no program that we can read is not Rust's.
        Err(Error::NoAuditData | Error::BinaryParsing(_)) => return Ok(Vec::new()),
        Err(error) => return Err(Fault::new(format!("its list of crates is broken: {error}"))),
    };
    let packages = parse(&json)?;
    Ok(if packages.is_empty() { Vec::new() } else { vec![Evidence::Packages(packages)] })
}

/// Returns the crates of the list that come from a registry and are part of the program.
fn parse(json: &str) -> Result<Vec<Package>, Fault> {
    let info: VersionInfo = serde_json::from_str(json)
        .map_err(|error| Fault::new(format!("its list of crates is broken: {error}")))?;
    let mut packages = Vec::new();
    for item in info.packages {
        let is_runtime = item.kind.as_deref().is_none_or(|kind| kind == "runtime");
        if !is_runtime || !matches!(item.source.as_str(), "crates.io" | "registry") {
            continue;
        }
        if !is_token(&item.name) || !is_token(&item.version) {
            return Err(Fault::new("its list of crates has a name or version that is none"));
        }
        packages.push(Package {
            ecosystem: Ecosystem::Cargo,
            name: item.name,
            version: item.version,
            architecture: None,
            source: None,
        });
    }
    packages.sort_unstable();
    packages.dedup();
    Ok(packages)
}

#[cfg(test)]
mod tests;
