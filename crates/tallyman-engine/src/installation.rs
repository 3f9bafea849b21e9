//! An installation: a data directory with a store, a key and advisories, opened once per process.
//!
//! Everything that asks for time, data or limits gets it from here.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::json;
use tallyman_model::clock::{Clock, format_utc};
use tallyman_model::limits::Limits;
use tallyman_store::error::StoreError;
use tallyman_store::secret::{MasterKey, MasterKeyError};
use tallyman_store::settings::Epoch;
use tallyman_store::store::{Durability, Store, StoreOptions};

use crate::advisories::{Advisories, AdvisoriesError};

/// The RegionId of an installation that was given none.
const DEFAULT_REGION: &str = "local";

/// Why an installation cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum InstallationError {
    /// The data directory cannot be made or entered.
    #[error("use the data directory {path}")]
    Directory {
        /// The directory.
        path: PathBuf,
        /// What went wrong.
        #[source]
        source: std::io::Error,
    },
    /// The key that seals secrets cannot be used.
    #[error("use the master key of {path}")]
    MasterKey {
        /// The data directory.
        path: PathBuf,
        /// What went wrong.
        #[source]
        source: MasterKeyError,
    },
    /// The store cannot be opened.
    #[error("open the store")]
    Store(#[from] StoreError),
    /// The advisories cannot be opened.
    #[error(transparent)]
    Advisories(#[from] AdvisoriesError),
}

/// The files of a data directory.
#[derive(Clone, Debug)]
pub struct DataDirectory {
    root: PathBuf,
}

impl DataDirectory {
    /// Names the files below `root`.
    pub fn new(root: &Path) -> Self {
        DataDirectory { root: root.to_owned() }
    }

    /// Returns the directory itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Returns the SQLite database.
    pub fn database(&self) -> PathBuf {
        self.root.join("tallyman.db")
    }

    /// Returns the key that seals AccessKey secrets in the database.
    pub fn master_key(&self) -> PathBuf {
        self.root.join("master.key")
    }

    /// Returns the directory of advisories.
    pub fn advisories(&self) -> PathBuf {
        self.root.join("advisories")
    }

    /// Returns the file of the public keys whose bundles of advisories are taken.
    pub fn trusted_keys(&self) -> PathBuf {
        self.root.join("trusted-keys")
    }

    /// Returns the directory of manifests and configurations that were read before.
    pub fn documents(&self) -> PathBuf {
        self.root.join("documents")
    }

    /// Returns the directory for files that only live while a command runs.
    pub fn temporary(&self) -> PathBuf {
        self.root.join("tmp")
    }

    /// Returns the directory in which an agent remembers what it has read.
    pub fn agent(&self) -> PathBuf {
        self.root.join("agent")
    }

    /// Returns the file that names the address of the running server.
    pub fn endpoint(&self) -> PathBuf {
        self.root.join("endpoint")
    }

    /// Returns the file that the running server holds locked.
    pub fn server_lock(&self) -> PathBuf {
        self.root.join("server.lock")
    }

    /// Returns the file with an address and a key for clients on this machine.
    pub fn access(&self) -> PathBuf {
        self.root.join("access.json")
    }

    /// Makes the directory, readable for its owner only.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn create(&self) -> std::io::Result<()> {
        fs::create_dir_all(&self.root)?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            fs::set_permissions(&self.root, fs::Permissions::from_mode(0o700))?;
        }
        Ok(())
    }
}

/// An opened installation.
pub struct Installation {
    data: DataDirectory,
    store: Store,
    advisories: Advisories,
    clock: Arc<dyn Clock>,
    limits: Limits,
}

impl Installation {
    /// Opens the installation of a data directory, making it if it is not there.
    ///
    /// # Errors
    ///
    /// Any [`InstallationError`].
    pub async fn open(
        root: &Path,
        clock: Arc<dyn Clock>,
        limits: Limits,
    ) -> Result<Self, InstallationError> {
        Installation::open_with(root, clock, limits, Durability::Full).await
    }

    /// Opens the installation for someone who only stores what a scan finds out, and would find out
    /// again.
    ///
    /// # Errors
    ///
    /// Any [`InstallationError`].
    pub async fn open_for_scans(
        root: &Path,
        clock: Arc<dyn Clock>,
        limits: Limits,
    ) -> Result<Self, InstallationError> {
        Installation::open_with(root, clock, limits, Durability::Cache).await
    }

    async fn open_with(
        root: &Path,
        clock: Arc<dyn Clock>,
        limits: Limits,
        durability: Durability,
    ) -> Result<Self, InstallationError> {
        let data = DataDirectory::new(root);
        data.create()
            .map_err(|source| InstallationError::Directory { path: root.to_owned(), source })?;
        let key = MasterKey::load_or_create(&data.master_key())
            .map_err(|source| InstallationError::MasterKey { path: root.to_owned(), source })?;
        let options = StoreOptions { durability, ..StoreOptions::new(data.database(), key) };
        let store = Store::open(options)?;
        let advisories =
            Advisories::open(data.advisories(), limits.clone(), Arc::clone(&clock)).await?;
        Ok(Installation { data, store, advisories, clock, limits })
    }

    /// Returns the files.
    pub fn data(&self) -> &DataDirectory {
        &self.data
    }

    /// Returns the store.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Returns the advisories.
    pub fn advisories(&self) -> &Advisories {
        &self.advisories
    }

    /// Returns the clock.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// Returns the limits on outside data.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Returns the RegionId of what has no region of its own.
    ///
    /// # Errors
    ///
    /// A [`StoreError`].
    pub async fn region(&self) -> Result<String, StoreError> {
        Ok(self.store.find_region().await?.unwrap_or_else(|| DEFAULT_REGION.to_owned()))
    }

    /// Describes the state of the installation; an error means that it does not work.
    ///
    /// # Errors
    ///
    /// A [`StoreError`].
    pub async fn health(&self) -> Result<serde_json::Value, StoreError> {
        let store = self.store.health().await?;
        let index = self.advisories.current();
        let newest = index.feeds().iter().filter_map(|feed| feed.data_ms).max();
        Ok(json!({
            "status": "ok",
            "version": env!("CARGO_PKG_VERSION"),
            "schema_version": store.schema_version,
            "database_bytes": store.database_bytes,
            "advisories": {
                "revision": index.revision(),
                "newest": newest.map(format_utc),
            },
            "accounts_epoch": self.store.epoch(Epoch::Accounts).await?,
        }))
    }
}
