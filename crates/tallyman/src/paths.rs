//! Where things are on this machine: data directories, engines' sockets, registry credentials.

use std::env;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;

use anyhow::Context;

use tallyman_source::containerd::ContainerdSettings;
use tallyman_source::containers_storage::settings::{
    ConfigOwner, StorageConfigFile, StorageSettings,
};

use crate::cli::options::DataArgs;

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

/// Says where containerd keeps images: the usual places, and that of a user's own containerd.
pub(crate) fn containerd() -> ContainerdSettings {
    let mut settings = ContainerdSettings::default();
    settings
        .roots
        .extend(under_home("XDG_DATA_HOME", ".local/share").map(|data| data.join("containerd")));
    settings
}

/// Returns the directory that a variable names, else the usual one in the user's home.
fn under_home(variable: &str, inside: &str) -> Option<PathBuf> {
    let base = non_empty(variable).map(PathBuf::from);
    base.or_else(|| Some(PathBuf::from(non_empty("HOME")?).join(inside)))
}

/// Says where podman and buildah keep images: those of root, or of the user who is not root
/// (containers-storage.conf(5), "FILES").
pub(crate) fn containers_storage() -> StorageSettings {
    let owner = fs::metadata("/proc/self").map_or(0, |metadata| metadata.uid());
    let mut settings =
        StorageSettings { driver: non_empty("STORAGE_DRIVER"), ..Default::default() };
    let own = |path: PathBuf| StorageConfigFile { path, owner: ConfigOwner::User };
    if owner != 0 {
        for file in &mut settings.config_files {
            file.owner = ConfigOwner::System;
        }
        if let Some(config) = under_home("XDG_CONFIG_HOME", ".config") {
            settings.config_files.insert(0, own(config.join("containers/storage.conf")));
        }
        if let Some(data) = under_home("XDG_DATA_HOME", ".local/share") {
            settings.default_root = data.join("containers/storage");
        }
    }
    if let Some(path) = non_empty("CONTAINERS_STORAGE_CONF") {
        settings.config_files.insert(0, own(path.into()));
    }
    settings.variables = vec![("UID".to_owned(), owner.to_string())];
    settings.variables.extend(non_empty("HOME").map(|home| ("HOME".to_owned(), home)));
    settings
}
