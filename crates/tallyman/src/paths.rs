//! Where things are on this machine: data directories, engines' sockets, registry credentials.

use std::env;
use std::path::PathBuf;

use anyhow::Context;

use crate::cli::DataArgs;

impl DataArgs {
    /// Returns the data directory: the option, else `$XDG_DATA_HOME/tallyman`, else
    /// `~/.local/share/tallyman`.
    pub(crate) fn directory(&self) -> anyhow::Result<PathBuf> {
        if let Some(directory) = &self.data {
            return Ok(directory.clone());
        }
        let base = match non_empty("XDG_DATA_HOME") {
            Some(base) => PathBuf::from(base),
            None => PathBuf::from(
                non_empty("HOME").context("neither --data, XDG_DATA_HOME nor HOME is set")?,
            )
            .join(".local/share"),
        };
        Ok(base.join("tallyman"))
    }
}

/// Returns the value of an environment variable that is set to something.
pub(crate) fn non_empty(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// Returns the files in which docker and podman keep registry credentials, those that exist.
pub(crate) fn credential_files() -> Vec<PathBuf> {
    let home = non_empty("HOME").map(PathBuf::from);
    let candidates = [
        non_empty("REGISTRY_AUTH_FILE").map(PathBuf::from),
        non_empty("DOCKER_CONFIG").map(|directory| PathBuf::from(directory).join("config.json")),
        home.map(|home| home.join(".docker/config.json")),
        non_empty("XDG_RUNTIME_DIR").map(|run| PathBuf::from(run).join("containers/auth.json")),
    ];
    candidates.into_iter().flatten().filter(|path| path.is_file()).collect()
}
