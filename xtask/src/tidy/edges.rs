//! Which crate may depend on which: the picture in ARCHITECTURE.md as a table.

#[cfg(test)]
mod tests;

use anyhow::Context;
use toml::{Table, Value};

use super::Complaint;
use crate::repository::{Repository, TextFile};

/// A crate, and the crates of this workspace that it may know.
const EDGES: &[(&str, &[&str])] = &[
    ("tallyman-model", &[]),
    ("tallyman-acs", &[]),
    ("tallyman-scan", &["tallyman-model"]),
    ("tallyman-match", &["tallyman-model"]),
    ("tallyman-source", &["tallyman-model"]),
    ("tallyman-store", &["tallyman-model"]),
    (
        "tallyman-engine",
        &[
            "tallyman-acs",
            "tallyman-match",
            "tallyman-model",
            "tallyman-scan",
            "tallyman-source",
            "tallyman-store",
        ],
    ),
    ("tallyman-server", &["tallyman-acs", "tallyman-engine", "tallyman-model", "tallyman-store"]),
    (
        "tallyman",
        &[
            "tallyman-acs",
            "tallyman-engine",
            "tallyman-match",
            "tallyman-model",
            "tallyman-scan",
            "tallyman-server",
            "tallyman-source",
            "tallyman-store",
        ],
    ),
    ("tallyman-testkit", &["tallyman-model"]),
    ("xtask", &[]),
];

/// The crate that only tests may use.
const TESTKIT: &str = "tallyman-testkit";

/// Checks every member's manifest against [`EDGES`].
pub(super) fn check(repository: &Repository) -> anyhow::Result<Vec<Complaint>> {
    let mut complaints = Vec::new();
    for file in repository.files().iter().filter(|file| is_member_manifest(&file.path)) {
        complaints.extend(check_manifest(file)?);
    }
    Ok(complaints)
}

/// Returns whether `path` is the manifest of a crate of this workspace.
pub(super) fn is_member_manifest(path: &str) -> bool {
    let parts: Vec<&str> = path.split('/').collect();
    matches!(parts.as_slice(), ["crates", _, "Cargo.toml"] | ["xtask", "Cargo.toml"])
}

fn check_manifest(file: &TextFile) -> anyhow::Result<Vec<Complaint>> {
    let manifest: Table =
        file.text.parse().with_context(|| format!("failed to parse {}", file.path))?;
    let name = manifest.get("package").and_then(|package| package.get("name")?.as_str());
    let name = name.with_context(|| format!("{} names no package", file.path))?;
    let Some((_, allowed)) = EDGES.iter().find(|(known, _)| *known == name) else {
        let message = format!(
            "crate `{name}` is not in the table; say what it may know in xtask/src/tidy/edges.rs \
             and in ARCHITECTURE.md"
        );
        return Ok(vec![Complaint::new(&file.path, 1, message)]);
    };

    let mut complaints = Vec::new();
    for (section, dependency) in dependencies(&manifest) {
        if !is_ours(dependency) || allowed.contains(&dependency) {
            continue;
        }
        if dependency == TESTKIT && section == "dev-dependencies" {
            continue;
        }
        let message = if dependency == TESTKIT {
            format!("`{TESTKIT}` is for dev-dependencies only")
        } else {
            format!(
                "`{name}` may not know `{dependency}`; a new edge needs a page in docs/decisions/ \
                 and a line in xtask/src/tidy/edges.rs"
            )
        };
        complaints.push(Complaint::new(&file.path, line_in(&file.text, dependency), message));
    }
    Ok(complaints)
}

fn is_ours(dependency: &str) -> bool {
    EDGES.iter().any(|(name, _)| *name == dependency)
}

/// Returns the dependencies of a manifest, each with the kind of section that names it.
pub(super) fn dependencies(manifest: &Table) -> Vec<(&'static str, &str)> {
    const SECTIONS: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];
    let targets = manifest.get("target").and_then(Value::as_table);
    let targets = targets.into_iter().flat_map(Table::values).filter_map(Value::as_table);
    let mut found = Vec::new();
    for table in std::iter::once(manifest).chain(targets) {
        for section in SECTIONS {
            let entries = table.get(section).and_then(Value::as_table);
            found.extend(entries.into_iter().flat_map(Table::keys).map(|key| (section, &**key)));
        }
    }
    found
}

/// Returns the line on which a manifest's entry begins.
pub(super) fn line_in(manifest: &str, entry: &str) -> usize {
    let begins = |line: &str| {
        let rest = line.trim_start().strip_prefix(entry);
        rest.is_some_and(|rest| rest.starts_with(['.', ' ', '=']))
    };
    manifest.lines().position(begins).map_or(1, |index| index + 1)
}
