//! Each kind of thing is named in one explicit list: a file that no list names does nothing.
//!
//! A file in the folder that other files there use is no kind, but what the kinds share.

#[cfg(test)]
mod tests;

use super::Complaint;
use crate::repository::{Repository, TextFile};
use crate::rust_text::{Keep, blank, find_word};

/// A folder with one file a kind, and the file that lists them.
struct List {
    folder: &'static str,
    ending: &'static str,
    list: &'static str,
}

/// Every list there is. A folder that does not exist has nothing to list.
const LISTS: &[List] = &[
    List { folder: "crates/tallyman/src/cli/", ending: ".rs", list: "crates/tallyman/src/cli.rs" },
    List {
        folder: "crates/tallyman-scan/src/analyzers/",
        ending: ".rs",
        list: "crates/tallyman-scan/src/analyzers.rs",
    },
    List {
        folder: "crates/tallyman-match/src/feed/",
        ending: ".rs",
        list: "crates/tallyman-match/src/feed.rs",
    },
    List {
        folder: "crates/tallyman-engine/src/sbom/",
        ending: ".rs",
        list: "crates/tallyman-engine/src/sbom.rs",
    },
    List {
        folder: "crates/tallyman-server/src/api/actions/",
        ending: ".rs",
        list: "crates/tallyman-server/src/api/actions.rs",
    },
    List {
        folder: "crates/tallyman-store/migrations/",
        ending: ".sql",
        list: "crates/tallyman-store/src/migration.rs",
    },
];

/// Checks every list.
pub(super) fn check(repository: &Repository) -> anyhow::Result<Vec<Complaint>> {
    Ok(LISTS.iter().flat_map(|list| check_list(repository, list)).collect())
}

fn check_list(repository: &Repository, list: &List) -> Vec<Complaint> {
    let text = repository.find(list.list).map(named_text).unwrap_or_default();
    let mut complaints = Vec::new();
    for file in repository.files().iter().filter(|file| !file.is_for_tests) {
        let name = file.path.strip_prefix(list.folder).and_then(|n| n.strip_suffix(list.ending));
        let Some(name) = name.filter(|name| !name.contains('/')) else { continue };
        if find_word(&text, name).is_empty() && !is_shared(repository, list, name) {
            let message = format!("`{name}` is not named in {}", list.list);
            complaints.push(Complaint::new(&file.path, 1, message));
        }
    }
    complaints
}

/// Returns whether another file of the folder uses the module `name`.
fn is_shared(repository: &Repository, list: &List, name: &str) -> bool {
    let own = format!("{}{name}", list.folder);
    repository.files().iter().any(|file| {
        file.is_rust()
            && !file.is_for_tests
            && file.path.starts_with(list.folder)
            && !file.path.starts_with(&format!("{own}."))
            && !file.path.starts_with(&format!("{own}/"))
            && !find_word(&blank(&file.text, Keep::Code), name).is_empty()
    })
}

/// Returns the list's text without comments and without the lines that only declare a module.
fn named_text(file: &TextFile) -> String {
    let declares = |line: &&str| {
        let line = line.trim();
        let line = line.strip_prefix("pub(crate) ").unwrap_or(line);
        let line = line.strip_prefix("pub ").unwrap_or(line);
        line.starts_with("mod ")
    };
    let text = blank(&file.text, Keep::CodeAndStrings);
    let named: Vec<&str> = text.lines().filter(|line| !declares(line)).collect();
    named.join("\n")
}
