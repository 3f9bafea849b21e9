//! Paths that exist on one machine only have no place in what everybody reads.

#[cfg(test)]
mod tests;

use super::Complaint;
use crate::repository::{Repository, TextFile};

/// A path that must not appear, and the folders in which it may.
struct Forbidden {
    text: &'static str,
    free: &'static [&'static str],
}

const FORBIDDEN: &[Forbidden] = &[
    Forbidden { text: "/build/", free: &[] },
    Forbidden { text: "../beside", free: &["tests", "scripts"] },
];

/// This check has to name what it looks for.
const SELF: &str = "xtask/src/tidy/words";

/// Checks every text file.
pub(super) fn check(repository: &Repository) -> anyhow::Result<Vec<Complaint>> {
    let files = repository.files().iter().filter(|file| !file.path.starts_with(SELF));
    Ok(files.flat_map(check_file).collect())
}

fn check_file(file: &TextFile) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    let applies =
        |forbidden: &&Forbidden| !file.path.split('/').any(|part| forbidden.free.contains(&part));
    for forbidden in FORBIDDEN.iter().filter(applies) {
        for (index, line) in file.text.lines().enumerate() {
            if begins_somewhere(line, forbidden.text) {
                let message = format!("`{}` is a path of one machine", forbidden.text);
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
