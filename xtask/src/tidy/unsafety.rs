//! Unsafe code is in the files that a decision names, and nowhere else.

#[cfg(test)]
mod tests;

use super::Complaint;
use crate::repository::{Repository, TextFile};
use crate::rust_text::{Keep, blank, find_word, line_of};

/// The files that may, each with a decision's page behind it.
const FREE: &[&str] = &["crates/tallyman-match/src/index/mapping.rs"];

/// Checks all Rust files.
pub(super) fn check(repository: &Repository) -> anyhow::Result<Vec<Complaint>> {
    let bound = |file: &&TextFile| file.is_rust() && !FREE.contains(&file.path.as_str());
    Ok(repository.files().iter().filter(bound).flat_map(check_file).collect())
}

fn check_file(file: &TextFile) -> Vec<Complaint> {
    let code = blank(&file.text, Keep::Code);
    let found = find_word(&code, "unsafe").into_iter();
    let message =
        "`unsafe` needs a page in docs/decisions and a line in xtask/src/tidy/unsafety.rs";
    found.map(|at| Complaint::new(&file.path, line_of(&code, at), message)).collect()
}
