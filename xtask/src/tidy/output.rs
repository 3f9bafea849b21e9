//! Only the binary prints, exits or reads the environment.

#[cfg(test)]
mod tests;

use super::Complaint;
use crate::repository::{Repository, TextFile};
use crate::rust_text::{Keep, blank, find_word, line_of};

/// The crates that may.
const FREE: &[&str] = &["tallyman", "xtask"];

/// What the others may not write, and what they do instead.
const FORBIDDEN: &[(&str, &str)] = &[
    ("println!", "return the text; the binary prints"),
    ("eprintln!", "return an error or trace; the binary prints"),
    ("print!", "return the text; the binary prints"),
    ("eprint!", "return an error or trace; the binary prints"),
    ("process::exit", "return an error; the binary exits"),
    ("process::abort", "return an error; the binary exits"),
    ("env::var", "take a setting; the binary reads the environment"),
    ("env::var_os", "take a setting; the binary reads the environment"),
    ("env::vars", "take a setting; the binary reads the environment"),
    ("env::vars_os", "take a setting; the binary reads the environment"),
    ("env::args", "take a setting; the binary reads the command line"),
    ("env::args_os", "take a setting; the binary reads the command line"),
    ("io::stdout", "return the text; the binary prints"),
    ("io::stderr", "return an error or trace; the binary prints"),
];

/// Checks the Rust files of the other crates outside tests.
pub(super) fn check(repository: &Repository) -> anyhow::Result<Vec<Complaint>> {
    let bound = |file: &&TextFile| {
        let is_free = file.crate_name().is_none_or(|name| FREE.contains(&name));
        file.is_rust() && !file.is_for_tests && !is_free
    };
    Ok(repository.files().iter().filter(bound).flat_map(check_file).collect())
}

fn check_file(file: &TextFile) -> Vec<Complaint> {
    let code = blank(&file.text, Keep::Code);
    let mut complaints = Vec::new();
    for (word, instead) in FORBIDDEN {
        for at in find_word(&code, word) {
            let message = format!("`{word}` outside the binary: {instead}");
            complaints.push(Complaint::new(&file.path, line_of(&code, at), message));
        }
    }
    complaints
}
