//! Which modules are compiled for tests only, by their declarations.

use crate::rust_text::{Keep, blank};

/// Returns the paths, without `.rs`, of the modules that the Rust file at `path` declares under
/// `#[cfg(test)]`.
pub(super) fn test_modules(path: &str, text: &str) -> Vec<String> {
    let code = blank(text, Keep::Code);
    let folder = module_folder(path);
    code.match_indices("#[cfg(test)]")
        .filter_map(|(at, attribute)| declared_module(code.get(at + attribute.len()..)?))
        .map(|name| format!("{folder}{name}"))
        .collect()
}

/// Returns the folder, with a slash, in which the modules of the file at `path` lie.
fn module_folder(path: &str) -> String {
    let stem = path.strip_suffix(".rs").unwrap_or(path);
    match stem.rsplit_once('/') {
        Some((folder, "lib" | "main")) => format!("{folder}/"),
        _ => format!("{stem}/"),
    }
}

/// Returns the name in `mod name;` at the start of `code`.
fn declared_module(code: &str) -> Option<&str> {
    let code = code.trim_start();
    let code =
        code.strip_prefix("pub(crate) ").or_else(|| code.strip_prefix("pub ")).unwrap_or(code);
    let (name, _) = code.strip_prefix("mod ")?.split_once(';')?;
    name.chars().all(|c| c.is_alphanumeric() || c == '_').then_some(name)
}
