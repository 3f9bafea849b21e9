//! SQL lives in the store and nowhere else.

#[cfg(test)]
mod tests;

use super::Complaint;
use crate::repository::{Repository, TextFile};
use crate::rust_text::{Keep, blank};

/// The crate that may hold SQL.
const STORE: &str = "tallyman-store";

/// How statements begin, each as the words that must all stand in a line, in this order.
const STATEMENTS: &[&[&str]] = &[
    &["SELECT ", " FROM "],
    &["INSERT INTO "],
    &["INSERT OR "],
    &["UPDATE ", " SET "],
    &["DELETE FROM "],
    &["CREATE TABLE "],
    &["CREATE INDEX "],
    &["ALTER TABLE "],
    &["DROP TABLE "],
    &["PRAGMA "],
];

/// Checks the Rust files outside the store and outside tests.
pub(super) fn check(repository: &Repository) -> anyhow::Result<Vec<Complaint>> {
    let outside = |file: &&TextFile| {
        file.is_rust() && !file.is_for_tests && !matches!(file.crate_name(), Some(STORE | "xtask"))
    };
    Ok(repository.files().iter().filter(outside).flat_map(check_file).collect())
}

fn check_file(file: &TextFile) -> Vec<Complaint> {
    let text = blank(&file.text, Keep::CodeAndStrings);
    let lines = text.lines().enumerate();
    lines
        .filter(|(_, line)| holds_statement(line))
        .map(|(index, _)| {
            let message = "SQL outside the store; give the store a method that does this";
            Complaint::new(&file.path, index + 1, message)
        })
        .collect()
}

fn holds_statement(line: &str) -> bool {
    // A blank more, so that a word that ends the line counts.
    let line = format!(" {line} ");
    STATEMENTS.iter().any(|words| {
        let mut rest = line.as_str();
        words.iter().all(|word| match rest.find(word) {
            Some(at) => {
                // The blank that ends one word may begin the next.
                rest = rest.get(at + word.len() - 1..).unwrap_or_default();
                true
            }
            None => false,
        })
    })
}
