//! How a source file is made: named after its concept, introduced, of a size to read, finished.

#[cfg(test)]
mod tests;

use super::Complaint;
use crate::repository::{Repository, TextFile};
use crate::rust_text::{Keep, blank, find_word, line_of};

/// A file past this is split.
const MAX_LINES: usize = 800;

/// Kinds of source file that the size counts for.
const SOURCE_ENDINGS: &[&str] = &[".rs", ".py", ".sh", ".js", ".mjs", ".sql"];

/// Names that say nothing about what lives in a module.
const EMPTY_NAMES: &[&str] = &["util", "utils", "helper", "helpers", "common", "misc"];

/// What a finished file does not hold.
const UNFINISHED: &[(&str, &str)] = &[
    ("todo!", "finish it or leave it out"),
    ("unimplemented!", "finish it or leave it out"),
    ("dbg!", "remove it"),
];

/// Checks the source files.
pub(super) fn check(repository: &Repository) -> anyhow::Result<Vec<Complaint>> {
    let mut complaints = Vec::new();
    for file in repository.files() {
        if SOURCE_ENDINGS.iter().any(|ending| file.path.ends_with(ending)) {
            complaints.extend(check_size(file));
        }
        if file.is_rust() {
            complaints.extend(check_name(file));
            complaints.extend(check_introduction(file));
            complaints.extend(check_code(file));
        }
    }
    Ok(complaints)
}

fn check_size(file: &TextFile) -> Option<Complaint> {
    let lines = file.text.lines().count();
    (lines > MAX_LINES).then(|| {
        let message = format!("{lines} lines; split it before {MAX_LINES}");
        Complaint::new(&file.path, MAX_LINES + 1, message)
    })
}

fn check_name(file: &TextFile) -> Option<Complaint> {
    let mut parts = file.path.split('/');
    let name = parts.next_back().unwrap_or_default().trim_end_matches(".rs");
    if name == "mod" {
        let message = "write `foo.rs` beside `foo/` instead of `foo/mod.rs`";
        return Some(Complaint::new(&file.path, 1, message));
    }
    let says_nothing = |part: &str| EMPTY_NAMES.contains(&part);
    let empty = if says_nothing(name) { Some(name) } else { parts.find(|part| says_nothing(part)) };
    empty.map(|empty| {
        let message = format!("`{empty}` says nothing; name the concept");
        Complaint::new(&file.path, 1, message)
    })
}

/// A file of tests needs no introduction: its names are the sentences.
fn check_introduction(file: &TextFile) -> Option<Complaint> {
    if file.is_for_tests || file.text.starts_with("//!") {
        return None;
    }
    let message = "begin with `//!`: what lives here, what does not, where to look next";
    Some(Complaint::new(&file.path, 1, message))
}

fn check_code(file: &TextFile) -> Vec<Complaint> {
    let code = blank(&file.text, Keep::Code);
    let mut complaints = Vec::new();
    for (word, instead) in UNFINISHED {
        for at in find_word(&code, word) {
            let message = format!("`{word}` is not for finished code: {instead}");
            complaints.push(Complaint::new(&file.path, line_of(&code, at), message));
        }
    }
    for (at, attribute) in attributes(&code) {
        let message = if !find_word(attribute, "allow(").is_empty() {
            "write `#[expect(lint, reason = \"…\")]` instead of `allow`"
        } else if !find_word(attribute, "ignore").is_empty() {
            "assert what happens today instead of ignoring the test"
        } else {
            continue;
        };
        complaints.push(Complaint::new(&file.path, line_of(&code, at), message));
    }
    complaints
}

/// Returns the attributes of blanked code with their offsets.
fn attributes(code: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices('#') {
        let rest = code.get(at..).unwrap_or_default();
        if !rest.starts_with("#[") && !rest.starts_with("#![") {
            continue;
        }
        let mut depth = 0_usize;
        for (end, c) in rest.char_indices() {
            match c {
                '[' => depth += 1,
                ']' if depth == 1 => {
                    found.push((at, rest.get(..end).unwrap_or_default()));
                    break;
                }
                ']' => depth -= 1,
                _ => {}
            }
        }
    }
    found
}
