//! What cargo knows of the workspace: the resolved packages with their licences.

use std::env;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail};
use serde_json::Value;

/// A package that the lock file names.
pub(crate) struct LockedPackage {
    /// Its name.
    pub(crate) name: String,
    /// Its version.
    pub(crate) version: String,
    /// The licence that its manifest declares.
    pub(crate) licence: Option<String>,
    /// Whether it comes from a registry rather than from this repository.
    pub(crate) is_foreign: bool,
}

/// Asks cargo for the packages of the lock file.
pub(crate) fn locked_packages(root: &Path) -> anyhow::Result<Vec<LockedPackage>> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--locked", "--format-version", "1"])
        .current_dir(root)
        .output()
        .context("failed to run cargo metadata")?;
    if !output.status.success() {
        bail!("cargo metadata failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    let metadata: Value =
        serde_json::from_slice(&output.stdout).context("cargo metadata is not JSON")?;
    let packages = metadata.get("packages").and_then(Value::as_array);
    packages.context("cargo metadata names no packages")?.iter().map(read_package).collect()
}

fn read_package(package: &Value) -> anyhow::Result<LockedPackage> {
    let text = |field: &str| package.get(field).and_then(Value::as_str).map(str::to_owned);
    Ok(LockedPackage {
        name: text("name").context("a package has no name")?,
        version: text("version").context("a package has no version")?,
        licence: text("license"),
        is_foreign: package.get("source").is_some_and(|source| !source.is_null()),
    })
}
