//! Versions and shared settings live in the root manifest; members inherit them.

#[cfg(test)]
mod tests;

use anyhow::Context;
use toml::{Table, Value};

use super::Complaint;
use super::edges::{dependencies, is_member_manifest, line_in};
use crate::repository::{Repository, TextFile};

/// What a member's `[package]` takes from the workspace.
const INHERITED: &[&str] = &["version", "edition", "rust-version", "license", "publish"];

/// Checks every member's manifest.
pub(super) fn check(repository: &Repository) -> anyhow::Result<Vec<Complaint>> {
    let mut complaints = Vec::new();
    for file in repository.files().iter().filter(|file| is_member_manifest(&file.path)) {
        complaints.extend(check_manifest(file)?);
    }
    Ok(complaints)
}

fn check_manifest(file: &TextFile) -> anyhow::Result<Vec<Complaint>> {
    let manifest: Table =
        file.text.parse().with_context(|| format!("failed to parse {}", file.path))?;
    let complain = |entry: &str, message: String| {
        Complaint::new(&file.path, line_in(&file.text, entry), message)
    };
    let mut complaints = Vec::new();

    let package = manifest.get("package").and_then(Value::as_table);
    for key in INHERITED {
        if !inherits(package.and_then(|package| package.get(*key))) {
            complaints.push(complain(key, format!("write `{key}.workspace = true`")));
        }
    }
    if !inherits(manifest.get("lints")) {
        complaints.push(complain("[lints]", "write `[lints]` with `workspace = true`".to_owned()));
    }
    for (section, dependency) in dependencies(&manifest) {
        if !inherits(manifest.get(section).and_then(|entries| entries.get(dependency))) {
            let message = format!(
                "name `{dependency}` with `workspace = true` and its version in the root manifest"
            );
            complaints.push(complain(dependency, message));
        }
    }
    let features = manifest.get("features").and_then(Value::as_table);
    for name in features.into_iter().flat_map(|table| table.keys()) {
        if !FEATURES.contains(&name.as_str()) {
            let message = format!("`{name}` is not among the features that a decision allows");
            complaints.push(complain("[features]", message));
        }
    }
    Ok(complaints)
}

/// Every feature doubles what has to be tested, so each has a page in `docs/decisions/`.
const FEATURES: [&str; 1] = ["zlib-ng"];

fn inherits(entry: Option<&Value>) -> bool {
    entry.and_then(|entry| entry.get("workspace")).and_then(Value::as_bool) == Some(true)
}
