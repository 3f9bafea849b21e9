//! Decisions are numbered from 0001 without gaps, and each begins with its title.

#[cfg(test)]
mod tests;

use super::Complaint;
use crate::repository::Repository;

const FOLDER: &str = "docs/decisions/";

/// Checks the names and first lines of the pages in `docs/decisions/`.
pub(super) fn check(repository: &Repository) -> anyhow::Result<Vec<Complaint>> {
    let mut complaints = Vec::new();
    let mut expected = 1_u32;
    for file in repository.files() {
        let Some(name) = file.path.strip_prefix(FOLDER) else { continue };
        let Some(number) = number_of(name) else {
            let message = "name a decision NNNN-in-a-few-words.md";
            complaints.push(Complaint::new(&file.path, 1, message));
            continue;
        };
        if number != expected {
            let message = format!("number {expected:04} is expected here");
            complaints.push(Complaint::new(&file.path, 1, message));
        }
        let title = format!("# {number}. ");
        if !file.text.starts_with(&title) {
            let message = format!("begin with the title: `{title}…`");
            complaints.push(Complaint::new(&file.path, 1, message));
        }
        expected = number + 1;
    }
    Ok(complaints)
}

fn number_of(name: &str) -> Option<u32> {
    let (digits, rest) = name.split_once('-')?;
    let words = rest.strip_suffix(".md")?;
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if digits.len() != 4 || words.is_empty() || !words.chars().all(is_plain) {
        return None;
    }
    digits.parse().ok()
}
