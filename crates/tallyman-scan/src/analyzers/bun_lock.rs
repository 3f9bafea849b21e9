//! Bun's lock in text, `bun.lock` (Bun documentation, "Lockfile", and its type `BunLockFile`): JSON
//! with comments and trailing commas. The binary `bun.lockb` of old versions is not read.

use std::ops::Range;

use memchr::memmem;
use serde::Deserialize;
use serde_json::value::RawValue;
use tallyman_model::limits::Limits;
use tallyman_model::package::Ecosystem;

use crate::analyzers::lock::{
    PackageList, Text, for_each_entry, is_inside_a_package, json, split_at_sign, text,
};
use crate::analyzers::reach::DependencyGraph;
use crate::analyzers::{Analysis, Analyzer, Candidate, Fault, FileClass, Reading};

pub(crate) const ANALYZER: Analyzer = Analyzer {
    id: "bun-lock",
    version: 1,
    class: FileClass::Named,
    wants,
    reading: Reading::Whole(analyze),
};

fn wants(candidate: &Candidate<'_>) -> bool {
    candidate.base == "bun.lock" && !is_inside_a_package(candidate.path)
}

#[derive(Deserialize)]
struct Lock<'a> {
    #[serde(borrow)]
    workspaces: Option<&'a RawValue>,
    /// By place: `NAME`, or `PARENT/NAME` where the parent has its own.
    #[serde(borrow)]
    packages: Option<&'a RawValue>,
}

/// What a workspace or a package depends on.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Dependencies<'a> {
    #[serde(borrow)]
    dependencies: Option<&'a RawValue>,
    #[serde(borrow)]
    optional_dependencies: Option<&'a RawValue>,
    #[serde(borrow)]
    peer_dependencies: Option<&'a RawValue>,
    #[serde(borrow)]
    dev_dependencies: Option<&'a RawValue>,
}

struct Entry {
    place: String,
    name: String,
    version: String,
}

fn analyze(_path: &str, content: &[u8], limits: &Limits) -> Analysis {
    let text = plain_json(text(content)?)?;
    let lock: Lock<'_> = json(&text, "a lock of Bun")?;
    let mut graph = DependencyGraph::default();
    for_each_entry(lock.workspaces, |_, workspace: Dependencies<'_>| {
        each_of(&workspace, |name| graph.add_released(name.to_owned()))?;
        for_each_entry(workspace.dev_dependencies, |name, _: &RawValue| {
            graph.add_development(name.to_owned());
            Ok(())
        })
    })?;
    let mut entries: Vec<Entry> = Vec::new();
    for_each_entry(lock.packages, |place, parts: Vec<&RawValue>| {
        if entries.len() >= limits.layer_packages {
            return Err(Fault::too_many_packages(limits.layer_packages));
        }
        let Some((name, version)) = parts.first().and_then(|first| resolution(first)) else {
            return Err(Fault::new(format!("the package `{place}` has no resolution")));
        };
        entries.push(Entry { place: place.to_owned(), name, version });
        let Some(object) = parts.iter().find(|part| part.get().starts_with('{')) else {
            return Ok(());
        };
        let dependencies = json(object.get(), "a list of dependencies")?;
        each_of(&dependencies, |name| graph.add_edge(top_of(place).to_owned(), name.to_owned()))
    })?;
    let development = graph.into_development();
    let mut list = PackageList::new(Ecosystem::Npm, limits);
    for entry in entries.iter().filter(|entry| !development.contains(top_of(&entry.place))) {
        // What is no version is a path, an address or a part of the application.
        if !entry.version.contains([':', '/']) {
            list.add(&entry.name, &entry.version)?;
        }
    }
    list.finish()
}

fn each_of(dependencies: &Dependencies<'_>, mut each: impl FnMut(&str)) -> Result<(), Fault> {
    let groups = [
        dependencies.dependencies,
        dependencies.optional_dependencies,
        dependencies.peer_dependencies,
    ];
    groups.into_iter().try_for_each(|group| {
        for_each_entry(group, |name, _: &RawValue| {
            each(name);
            Ok(())
        })
    })
}

/// Returns name and version of `"NAME@VERSION"`.
fn resolution(value: &RawValue) -> Option<(String, String)> {
    let Text(resolution) = serde_json::from_str(value.get()).ok()?;
    let (name, version) = split_at_sign(&resolution)?;
    Some((name.to_owned(), version.to_owned()))
}

/// Returns the package at the top beneath which a place lies. What lies beneath one is there for it
/// alone, so that nothing but the packages at the top has to be followed.
fn top_of(place: &str) -> &str {
    let mut slashes = place.match_indices('/').map(|(at, _)| at);
    let slash = if place.starts_with('@') { slashes.nth(1) } else { slashes.next() };
    slash.and_then(|end| place.get(..end)).unwrap_or(place)
}

/// Replaces comments and trailing commas by spaces, so that every byte keeps its place.
fn plain_json(text: &str) -> Result<String, Fault> {
    let mut plain = text.as_bytes().to_vec();
    let mut comma = None;
    let mut at = 0;
    while let Some(rest) = text.as_bytes().get(at..).filter(|rest| !rest.is_empty()) {
        let (length, is_comment) = match rest {
            [b'/', b'/', ..] => (memchr::memchr(b'\n', rest).unwrap_or(rest.len()), true),
            [b'/', b'*', ..] => {
                (memmem::find(rest, b"*/").map_or(rest.len(), |end| end.saturating_add(2)), true)
            }
            [b'"', ..] => (string_length(rest), false),
            _ => (1, false),
        };
        let end = at.saturating_add(length);
        match rest.first() {
            _ if is_comment => blank(&mut plain, at..end),
            Some(b',') => comma = Some(at),
            Some(b'}' | b']') => {
                if let Some(comma) = comma.take() {
                    blank(&mut plain, comma..comma.saturating_add(1));
                }
            }
            Some(byte) if !byte.is_ascii_whitespace() => comma = None,
            _ => {}
        }
        at = end;
    }
    String::from_utf8(plain).map_err(|_| Fault::new("it is not UTF-8"))
}

fn blank(bytes: &mut [u8], range: Range<usize>) {
    for byte in bytes.get_mut(range).unwrap_or_default() {
        if *byte != b'\n' {
            *byte = b' ';
        }
    }
}

/// Returns the length of the string that begins here, its quotes included.
fn string_length(text: &[u8]) -> usize {
    let mut is_escaped = false;
    let end = text.iter().skip(1).position(|byte| {
        let ends = *byte == b'"' && !is_escaped;
        is_escaped = *byte == b'\\' && !is_escaped;
        ends
    });
    end.map_or(text.len(), |end| end.saturating_add(2))
}

#[cfg(test)]
mod tests;
