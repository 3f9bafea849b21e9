//! The files of the repository as the checks see them: read once, in a stable order.
//!
//! With git at hand these are the files that are tracked or would be; without it, everything
//! below the root except what builds leave behind.

mod test_modules;
#[cfg(test)]
mod tests;

use std::env;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};

use self::test_modules::test_modules;

/// Directories that hold no source, looked at only when git cannot say what is tracked.
const SKIPPED_DIRECTORIES: &[&str] = &[".git", "target", "node_modules", "__pycache__"];

/// A text file of the repository.
pub(crate) struct TextFile {
    /// The path from the root, with `/` between its parts.
    pub(crate) path: String,
    /// What the file says.
    pub(crate) text: String,
    /// Whether the file is only ever compiled for tests, examples or benchmarks.
    pub(crate) is_for_tests: bool,
}

impl TextFile {
    /// Returns whether the file is Rust.
    pub(crate) fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// Returns the name of the crate that the file belongs to.
    pub(crate) fn crate_name(&self) -> Option<&str> {
        match self.path.split_once('/')? {
            ("crates", rest) => rest.split('/').next(),
            ("xtask", _) => Some("xtask"),
            _ => None,
        }
    }
}

/// The repository that is checked.
pub(crate) struct Repository {
    root: PathBuf,
    files: Vec<TextFile>,
    paths: Vec<String>,
}

impl Repository {
    /// Reads the repository that this program belongs to.
    pub(crate) fn open() -> anyhow::Result<Self> {
        // What cargo says at run time wins: a target directory may be shared by several clones.
        let manifest = env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let root = manifest.parent().context("xtask lies in the root")?.to_owned();
        let paths = match tracked_paths(&root)? {
            Some(paths) => paths,
            None => walked_paths(&root)?,
        };
        let mut files = Vec::new();
        for path in &paths {
            match fs::read(root.join(path)) {
                Ok(bytes) => {
                    // What is not UTF-8 is data, and none of the checks concern it.
                    if let Ok(text) = String::from_utf8(bytes) {
                        files.push((path.clone(), text));
                    }
                }
                // Deleted but still in git's index, or a link to a directory.
                Err(error)
                    if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::IsADirectory) => {}
                Err(error) => return Err(error).context(format!("failed to read {path}")),
            }
        }
        Ok(Repository { root, files: classify(files), paths })
    }

    /// Makes a repository of the given files, for tests.
    #[cfg(test)]
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let files: Vec<(String, String)> =
            files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
        let paths = files.iter().map(|(path, _)| path.clone()).collect();
        Repository { root: PathBuf::new(), files: classify(files), paths }
    }

    /// Returns the root's directory.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Returns the text files, sorted by path.
    pub(crate) fn files(&self) -> &[TextFile] {
        &self.files
    }

    /// Returns the file at `path`, if there is one.
    pub(crate) fn find(&self, path: &str) -> Option<&TextFile> {
        self.files.iter().find(|file| file.path == path)
    }

    /// Returns whether `path` names a file or a directory of the repository.
    pub(crate) fn holds(&self, path: &str) -> bool {
        let directory = format!("{path}/");
        self.paths.iter().any(|known| known == path || known.starts_with(&directory))
    }
}

/// Marks the files that are for tests: by their folder, or because their module is declared so.
fn classify(files: Vec<(String, String)>) -> Vec<TextFile> {
    let rust = files.iter().filter(|(path, _)| path.ends_with(".rs"));
    let modules: Vec<String> = rust.flat_map(|(path, text)| test_modules(path, text)).collect();
    files
        .into_iter()
        .map(|(path, text)| {
            let is_declared = modules.iter().any(|module| {
                path.strip_prefix(module.as_str())
                    .is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
            });
            let is_for_tests = is_declared || lies_among_tests(&path);
            TextFile { path, text, is_for_tests }
        })
        .collect()
}

fn lies_among_tests(path: &str) -> bool {
    let mut parts = path.split('/').rev();
    parts.next() == Some("tests.rs")
        || path.starts_with("crates/tallyman-testkit/")
        || parts.any(|part| matches!(part, "tests" | "examples" | "benches" | "fuzz"))
}

/// Asks git for the paths that are tracked or not ignored; `None` without git or its directory.
fn tracked_paths(root: &Path) -> anyhow::Result<Option<Vec<String>>> {
    if !root.join(".git").exists() {
        return Ok(None);
    }
    let output = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root)
        .output();
    let output = match output {
        Ok(output) => output,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).context("failed to run git ls-files"),
    };
    if !output.status.success() {
        bail!("git ls-files failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    let listing = String::from_utf8(output.stdout).context("a tracked path is not UTF-8")?;
    let mut paths: Vec<String> =
        listing.split('\0').filter(|path| !path.is_empty()).map(str::to_owned).collect();
    paths.sort();
    paths.dedup();
    Ok(Some(paths))
}

fn walked_paths(root: &Path) -> anyhow::Result<Vec<String>> {
    let mut paths = Vec::new();
    let mut pending = vec![(root.to_owned(), String::new())];
    while let Some((directory, prefix)) = pending.pop() {
        for entry in fs::read_dir(&directory)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let kind = entry.file_type()?;
            if kind.is_dir() {
                if !SKIPPED_DIRECTORIES.contains(&name.as_str()) {
                    pending.push((entry.path(), format!("{prefix}{name}/")));
                }
            } else if kind.is_file() {
                paths.push(format!("{prefix}{name}"));
            }
        }
    }
    paths.sort();
    Ok(paths)
}
