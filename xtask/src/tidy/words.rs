//! Paths that exist on one machine only have no place in what everybody reads: the folder that
//! this checkout lies in, and people's home folders.

#[cfg(test)]
mod tests;

use super::Complaint;
use crate::repository::{Repository, TextFile};

/// Folders that have somebody's name behind them.
const HOMES: [&str; 2] = ["/home/", "/Users/"];

/// This check has to name what it looks for.
const SELF: &str = "xtask/src/tidy/words";

/// Checks every text file.
pub(super) fn check(repository: &Repository) -> anyhow::Result<Vec<Complaint>> {
    let place = repository.root().parent().map(|parent| format!("{}/", parent.display()));
    // A checkout right below the root of a machine says nothing.
    let place = place.filter(|place| place.len() > 2);
    let forbidden: Vec<&str> = HOMES.into_iter().chain(place.as_deref()).collect();
    let files = repository.files().iter().filter(|file| !file.path.starts_with(SELF));
    Ok(files.flat_map(|file| check_file(file, &forbidden)).collect())
}

fn check_file(file: &TextFile, forbidden: &[&str]) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for path in forbidden {
        for (index, line) in file.text.lines().enumerate() {
            if begins_somewhere(line, path) {
                let message = format!("`{path}` is a path of one machine");
                complaints.push(Complaint::new(&file.path, index + 1, message));
            }
        }
    }
    complaints
}

/// Returns whether `path` stands in `line` and is not merely the middle of a longer path.
fn begins_somewhere(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        let before = line.get(..at).and_then(|head| head.chars().next_back());
        !before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | '}'))
    })
}
