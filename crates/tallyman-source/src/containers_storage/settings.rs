//! Where container stores are: what the user says, else containers-storage.conf(5), else the usual
//! place. The environment is the caller's.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::error::SourceError;

/// The bytes of a configuration file.
const MAX_CONFIG_BYTES: u64 = 1 << 20;

/// What is known of the machine's container stores.
#[derive(Clone, Debug)]
pub struct StorageSettings {
    /// The configuration files; the first that exists counts.
    pub config_files: Vec<StorageConfigFile>,
    /// Where the store is if no file says it.
    pub default_root: PathBuf,
    /// The driver, if it does not follow from the store.
    pub driver: Option<String>,
    /// Values for `$HOME`, `$UID` and the like in configuration files.
    pub variables: Vec<(String, String)>,
}

/// A configuration file of container stores.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StorageConfigFile {
    /// Where it is.
    pub path: PathBuf,
    /// Whose stores its `graphroot` speaks of.
    pub owner: ConfigOwner,
}

/// Whose a configuration file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfigOwner {
    /// That of the user who scans.
    User,
    /// The system's; other users' stores are where its `rootless_storage_path` says.
    System,
}

impl Default for StorageSettings {
    fn default() -> Self {
        let file = |path: &str| StorageConfigFile { path: path.into(), owner: ConfigOwner::User };
        StorageSettings {
            config_files: vec![
                file("/etc/containers/storage.conf"),
                file("/usr/share/containers/storage.conf"),
            ],
            default_root: PathBuf::from("/var/lib/containers/storage"),
            driver: None,
            variables: Vec::new(),
        }
    }
}

/// A store as a location names it (containers-transports(5), "storage-specifier").
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StorePlace {
    /// The storage driver, where it is named.
    pub driver: Option<String>,
    /// The store's root directory.
    pub root: PathBuf,
}

impl StorePlace {
    /// Parses `[DRIVER@]ROOT[+RUNROOT][:OPTIONS]`. The store's own directory is all that matters.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (driver, rest) = match text.split_once('@') {
            Some((driver, rest)) => (Some(driver.to_owned()), rest),
            None => (None, text),
        };
        let root = rest.split(['+', ':']).next().filter(|root| !root.is_empty())?;
        Some(StorePlace { driver, root: PathBuf::from(root) })
    }

    /// Writes the place as it is parsed.
    pub(crate) fn text(&self) -> String {
        let driver = self.driver.as_ref().map(|driver| format!("{driver}@")).unwrap_or_default();
        format!("[{driver}{}]", self.root.display())
    }
}

/// The drivers whose layers can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Driver {
    Overlay,
    Vfs,
}

impl Driver {
    const ALL: [Driver; 2] = [Driver::Overlay, Driver::Vfs];

    pub(super) fn name(self) -> &'static str {
        match self {
            Driver::Overlay => "overlay",
            Driver::Vfs => "vfs",
        }
    }
}

/// The root directory of a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct StoreRoot {
    pub(super) path: PathBuf,
    pub(super) driver: Driver,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Config {
    storage: StorageTable,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct StorageTable {
    driver: Option<String>,
    graphroot: Option<String>,
    rootless_storage_path: Option<String>,
    options: OptionsTable,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct OptionsTable {
    additionalimagestores: Vec<String>,
}

/// Finds the store and the read-only ones that it builds upon. Blocks.
pub(super) fn find_stores(
    place: Option<&StorePlace>,
    settings: &StorageSettings,
) -> Result<Vec<StoreRoot>, SourceError> {
    if let Some(place) = place {
        return Ok(vec![store_root(&place.root, place.driver.as_deref())?]);
    }
    let (config, owner) = read_config(settings)?;
    let storage = config.storage;
    let expand = |text: &String| PathBuf::from(expand(text, &settings.variables));
    let filled = |text: &Option<String>| text.as_ref().filter(|text| !text.is_empty()).map(expand);
    let root = match owner {
        ConfigOwner::User => filled(&storage.graphroot),
        ConfigOwner::System => filled(&storage.rootless_storage_path),
    };
    let root = root.unwrap_or_else(|| settings.default_root.clone());
    let driver = settings.driver.clone().or(storage.driver).filter(|driver| !driver.is_empty());
    let first = store_root(&root, driver.as_deref())?;
    let driver = first.driver;
    let more = storage.options.additionalimagestores.iter().map(expand);
    let more = more.map(|path| StoreRoot { path, driver });
    Ok(std::iter::once(first).chain(more).collect())
}

fn read_config(settings: &StorageSettings) -> Result<(Config, ConfigOwner), SourceError> {
    for file in &settings.config_files {
        match fs::metadata(&file.path) {
            Err(_) => continue,
            Ok(metadata) if metadata.len() > MAX_CONFIG_BYTES => {
                return Err(SourceError::LimitExceeded {
                    subject: file.path.display().to_string(),
                    limit: "configuration file",
                    maximum: MAX_CONFIG_BYTES,
                });
            }
            Ok(_) => {}
        }
        let text =
            fs::read_to_string(&file.path).map_err(|error| SourceError::io(&file.path, error))?;
        let config = toml::from_str(&text).map_err(|error| {
            SourceError::malformed(file.path.display().to_string(), error.message())
        })?;
        return Ok((config, file.owner));
    }
    Ok((Config::default(), ConfigOwner::User))
}

/// A store has a list of images for its driver.
fn store_root(path: &Path, driver: Option<&str>) -> Result<StoreRoot, SourceError> {
    let has = |driver: &Driver| path.join(format!("{}-images/images.json", driver.name())).exists();
    let found = match driver {
        Some(name) => {
            let known = Driver::ALL.into_iter().find(|driver| driver.name() == name);
            let known = known.ok_or_else(|| {
                let reason = format!(
                    "its driver is {name}, and only overlay and vfs are read; write the image with \
                     `podman save` and scan that"
                );
                SourceError::unsupported(path.display().to_string(), reason)
            })?;
            Some(known).filter(has)
        }
        None => Driver::ALL.into_iter().find(has),
    };
    match found {
        Some(driver) => Ok(StoreRoot { path: path.to_owned(), driver }),
        None => Err(SourceError::NotFound {
            subject: format!("a container store in {}", path.display()),
            hint: "there is no list of images of the drivers overlay and vfs; name another place \
                   with containers-storage:[DRIVER@ROOT]REFERENCE"
                .to_owned(),
        }),
    }
}

fn expand(text: &str, variables: &[(String, String)]) -> String {
    variables.iter().fold(text.to_owned(), |text, (name, value)| {
        text.replace(&format!("${{{name}}}"), value).replace(&format!("${name}"), value)
    })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    use super::{ConfigOwner, Driver, StorageConfigFile, StorageSettings, StorePlace, find_stores};

    fn store(root: &Path, driver: &str) {
        let directory = root.join(format!("{driver}-images"));
        fs::create_dir_all(&directory).expect("a directory");
        fs::write(directory.join("images.json"), "[]").expect("a list");
    }

    fn found(
        place: Option<&str>,
        settings: &StorageSettings,
    ) -> Result<Vec<(PathBuf, Driver)>, String> {
        let place = place.map(|text| StorePlace::parse(text).expect("a place"));
        let roots = find_stores(place.as_ref(), settings).map_err(|error| error.to_string())?;
        Ok(roots.into_iter().map(|root| (root.path, root.driver)).collect())
    }

    #[test]
    fn a_place_names_driver_and_root() {
        for (text, driver, root) in [
            ("/x", None, "/x"),
            ("vfs@/x", Some("vfs"), "/x"),
            ("overlay@/x+/run/x:a=b,c", Some("overlay"), "/x"),
        ] {
            let place = StorePlace::parse(text).expect(text);
            assert_eq!((place.driver.as_deref(), place.root.to_str()), (driver, Some(root)));
        }
        assert_eq!(StorePlace::parse("vfs@"), None);
        let place = StorePlace { driver: Some("vfs".to_owned()), root: "/x".into() };
        assert_eq!(place.text(), "[vfs@/x]");
    }

    #[test]
    fn the_place_goes_before_the_configuration_and_that_before_the_usual_place() {
        let dir = tempfile::tempdir().expect("a directory");
        let at = |name: &str| dir.path().join(name);
        store(&at("named"), "vfs");
        store(&at("graph"), "overlay");
        store(&at("graph"), "vfs");
        store(&at("home/7"), "vfs");
        store(&at("usual"), "vfs");
        let config = format!(
            "[storage]\ngraphroot = {:?}\nrootless_storage_path = \"${{BASE}}/home/$UID\"\n\
             [storage.options]\nadditionalimagestores = [\"/more\"]\n",
            at("graph")
        );
        fs::write(at("storage.conf"), config).expect("a file");
        let file = |owner| StorageConfigFile { path: at("storage.conf"), owner };
        let mut settings = StorageSettings {
            config_files: vec![
                StorageConfigFile { path: at("absent"), owner: ConfigOwner::User },
                file(ConfigOwner::User),
            ],
            default_root: at("usual"),
            driver: None,
            variables: vec![
                ("BASE".to_owned(), dir.path().display().to_string()),
                ("UID".to_owned(), "7".to_owned()),
            ],
        };
        let named = at("named").display().to_string();
        assert_eq!(found(Some(&named), &settings), Ok(vec![(at("named"), Driver::Vfs)]));
        let more = |driver| (PathBuf::from("/more"), driver);
        let expected = vec![(at("graph"), Driver::Overlay), more(Driver::Overlay)];
        assert_eq!(found(None, &settings), Ok(expected));
        settings.driver = Some("vfs".to_owned());
        assert_eq!(found(None, &settings), Ok(vec![(at("graph"), Driver::Vfs), more(Driver::Vfs)]));
        settings.config_files = vec![file(ConfigOwner::System)];
        assert_eq!(
            found(None, &settings),
            Ok(vec![(at("home/7"), Driver::Vfs), more(Driver::Vfs)])
        );
        settings.config_files.clear();
        assert_eq!(found(None, &settings), Ok(vec![(at("usual"), Driver::Vfs)]));
    }

    #[test]
    fn what_is_no_store_is_named() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().display().to_string();
        let settings = StorageSettings::default();
        let error = found(Some(&path), &settings).expect_err("empty");
        assert!(error.starts_with(&format!("find a container store in {path}")), "{error}");
        let error = found(Some(&format!("btrfs@{path}")), &settings).expect_err("a driver");
        assert!(error.contains("only overlay and vfs"), "{error}");
        let broken = dir.path().join("storage.conf");
        fs::write(&broken, "[storage\n").expect("a file");
        let config_files = vec![StorageConfigFile { path: broken, owner: ConfigOwner::User }];
        let settings = StorageSettings { config_files, ..StorageSettings::default() };
        assert!(found(None, &settings).expect_err("broken").contains("storage.conf"));
    }
}
