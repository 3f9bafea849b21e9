//! What several commands need first: an opened installation, image sources, a client.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use tallyman_acs::secret::Secret;
use tallyman_engine::accounts::Accounts;
use tallyman_engine::api_client::{ApiClient, Credentials};
use tallyman_engine::installation::{DataDirectory, Installation};
use tallyman_model::clock::SystemClock;
use tallyman_model::limits::Limits;
use tallyman_model::limits::setting::parse_list;
use tallyman_model::platform::Platform;
use tallyman_source::credentials::{RegistryCredentials, credentials_from_docker_config};
use tallyman_source::documents::Documents;
use tallyman_source::location::Location;
use tallyman_source::open::Sources;
use tallyman_source::options::{LayerReading, SourceOptions};
use tallyman_store::access_keys::AccessKeyStatus;
use tallyman_store::secret::MasterKey;
use tallyman_store::store::{Store, StoreOptions};

use crate::cli::options::{DataArgs, EndpointArgs, LimitArgs, OutputFormat, RegistryArgs};
use crate::exit::UsageError;
use crate::output;
use crate::paths::{containerd, containers_storage, credential_files, non_empty};

const SECRET_VARIABLE: &str = "ALIBABA_CLOUD_ACCESS_KEY_SECRET";
const TOKEN_VARIABLE: &str = "ALIBABA_CLOUD_SECURITY_TOKEN";
const PASSWORD_VARIABLE: &str = "TALLYMAN_REGISTRY_PASSWORD";
const LIMITS_VARIABLE: &str = "TALLYMAN_LIMITS";

/// An address and a key for clients on this machine, as `access.json` holds them.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Access {
    pub(super) endpoint: String,
    pub(super) access_key_id: String,
    pub(super) access_key_secret: String,
    pub(super) server_uuids: Vec<String>,
}

/// Returns the limits: the options' go before the environment's, those before the defaults.
pub(super) fn limits(args: &LimitArgs) -> anyhow::Result<Limits> {
    let mut limits = Limits::default();
    let variable = non_empty(LIMITS_VARIABLE).unwrap_or_default();
    let set_outside = parse_list(&variable)
        .map_err(|error| UsageError(format!("{LIMITS_VARIABLE} is wrong: {error}")))?;
    set_outside.iter().chain(&args.settings).for_each(|setting| setting.apply(&mut limits));
    Ok(limits)
}

/// Opens the installation that the options name, without options on limits.
pub(super) async fn installation(data: &DataArgs) -> anyhow::Result<Installation> {
    open(&data.directory()?, limits(&LimitArgs::default())?).await
}

/// Opens the installation of a directory.
pub(super) async fn open(directory: &Path, limits: Limits) -> anyhow::Result<Installation> {
    Installation::open(directory, Arc::new(SystemClock), limits)
        .await
        .with_context(|| format!("opening the installation in {}", directory.display()))
}

/// Opens the installation of a directory for scans, which store nothing that they would not find
/// again.
pub(super) async fn open_for_scans(
    directory: &Path,
    limits: Limits,
) -> anyhow::Result<Installation> {
    Installation::open_for_scans(directory, Arc::new(SystemClock), limits)
        .await
        .with_context(|| format!("opening the installation in {}", directory.display()))
}

/// Opens the accounts of an installation, without its advisories.
pub(super) async fn accounts(data: &DataArgs) -> anyhow::Result<Accounts> {
    Ok(Accounts::new(store(data)?, Arc::new(SystemClock)))
}

/// Opens the store of an installation, without its advisories.
pub(super) fn store(data: &DataArgs) -> anyhow::Result<Store> {
    let directory = DataDirectory::new(&data.directory()?);
    directory
        .create()
        .map_err(anyhow::Error::from)
        .and_then(|()| open_store(&directory))
        .with_context(|| format!("opening the installation in {}", directory.root().display()))
}

/// Prepares the reading of images; `image` is what the user named, if anything.
pub(super) fn sources(
    data: &DataDirectory,
    registry: &RegistryArgs,
    limits: &Limits,
    platform: Option<Platform>,
    image: Option<&Location>,
) -> anyhow::Result<Sources> {
    let mut credentials = Vec::new();
    if let (Some(username), Some(Location::Registry(reference))) = (&registry.registry_user, image)
    {
        let password = non_empty(PASSWORD_VARIABLE).ok_or_else(|| {
            let text = format!("--registry-user needs the password in {PASSWORD_VARIABLE}");
            UsageError(text)
        })?;
        credentials.push(RegistryCredentials {
            scope: reference.registry().to_owned(),
            username: username.clone(),
            password: tallyman_source::credentials::Secret::new(password),
        });
    }
    for path in credential_files() {
        let text = fs::read_to_string(&path)
            .with_context(|| format!("reading the registry credentials in {}", path.display()))?;
        let config = credentials_from_docker_config(&text)
            .with_context(|| format!("reading the registry credentials in {}", path.display()))?;
        for helper in config.unsupported {
            tracing::warn!(
                registry = helper,
                "credential helpers are not supported; use an entry in `auths`"
            );
        }
        credentials.extend(config.credentials);
    }
    let extra_ca_pem = match &registry.ca_file {
        Some(path) => fs::read_to_string(path)
            .with_context(|| format!("reading the certificates in {}", path.display()))?,
        None => String::new(),
    };
    let options = SourceOptions {
        platform,
        credentials,
        plain_http: registry.plain_http.clone(),
        extra_ca_pem,
        layer_reading: match registry.whole_layers {
            true => LayerReading::Whole,
            false => LayerReading::ByToc,
        },
        containers_storage: containers_storage(),
        containerd: containerd(),
        limits: limits.clone(),
        documents: Some(Documents::new(data.documents())),
        ..SourceOptions::default()
    };
    Sources::new(options).context("preparing the registry client")
}

/// Makes a client for the server and the key that the options name, else for the running server
/// and a key of the data directory.
pub(super) async fn client(endpoint: &EndpointArgs, data: &DataArgs) -> anyhow::Result<ApiClient> {
    let directory = DataDirectory::new(&data.directory()?);
    let access = read_access(&directory.access())?;
    let running = fs::read_to_string(directory.endpoint()).ok();
    let server = endpoint
        .server
        .clone()
        .or_else(|| running.map(|address| address.trim().to_owned()))
        .or_else(|| access.as_ref().map(|access| access.endpoint.clone()));
    let Some(server) = server else {
        bail!(UsageError(format!(
            "no server is known: give --server, or start `tallyman serve --data {}`",
            directory.root().display()
        )));
    };
    let credentials = match (&endpoint.access_key_id, access) {
        (Some(id), _) => credentials_from_environment(id)?,
        (None, Some(access)) => access.credentials(),
        (None, None) => account_key(&directory).await?,
    };
    client_for(&with_scheme(server), credentials)
}

fn read_access(path: &Path) -> anyhow::Result<Option<Access>> {
    match fs::read(path) {
        Ok(text) => Ok(Some(
            serde_json::from_slice(&text).with_context(|| format!("reading {}", path.display()))?,
        )),
        Err(_) => Ok(None),
    }
}

/// Who can read the data directory can read its keys: the newest active key of the account is as
/// good as one that was written down.
async fn account_key(directory: &DataDirectory) -> anyhow::Result<Credentials> {
    let unknown = || {
        UsageError(format!(
            "no AccessKey is known: give --access-key-id and {SECRET_VARIABLE}, or make one with \
             `tallyman key create --root --data {}`",
            directory.root().display()
        ))
    };
    if !directory.database().exists() {
        bail!(unknown());
    }
    let store = open_store(directory)?;
    let keys = store.list_access_keys(None).await?;
    let newest = keys
        .into_iter()
        .filter(|key| key.user_name.is_none() && key.status == AccessKeyStatus::Active)
        .max_by_key(|key| key.created_at)
        .ok_or_else(unknown)?;
    let key = store.find_access_key(&newest.access_key_id).await?.ok_or_else(unknown)?;
    Ok(Credentials {
        access_key_id: newest.access_key_id,
        secret: Secret::new(key.secret.expose()),
        security_token: None,
    })
}

fn open_store(directory: &DataDirectory) -> anyhow::Result<Store> {
    let master_key = MasterKey::load_or_create(&directory.master_key())?;
    Ok(Store::open(StoreOptions::new(directory.database(), master_key))?)
}

/// `host:port` is what the SDKs take.
fn with_scheme(server: String) -> String {
    if server.contains("://") { server } else { format!("http://{server}") }
}

/// Makes a client.
pub(super) fn client_for(server: &str, credentials: Credentials) -> anyhow::Result<ApiClient> {
    let http = tallyman_source::http::client("").context("preparing the HTTP client")?;
    Ok(ApiClient::new(http, server, credentials, Arc::new(SystemClock))?)
}

fn credentials_from_environment(id: &str) -> anyhow::Result<Credentials> {
    let secret = non_empty(SECRET_VARIABLE).ok_or_else(|| {
        UsageError(format!("--access-key-id needs the secret in {SECRET_VARIABLE}"))
    })?;
    Ok(Credentials {
        access_key_id: id.to_owned(),
        secret: Secret::new(secret),
        security_token: non_empty(TOKEN_VARIABLE),
    })
}

impl Access {
    fn credentials(self) -> Credentials {
        Credentials {
            access_key_id: self.access_key_id,
            secret: Secret::new(self.access_key_secret),
            security_token: None,
        }
    }

    /// Writes the file so that only its owner can read it.
    pub(super) fn write(&self, path: &Path) -> anyhow::Result<()> {
        let text = serde_json::to_vec_pretty(self)?;
        write_private(path, &text).with_context(|| format!("writing {}", path.display()))
    }
}

fn write_private(path: &Path, text: &[u8]) -> std::io::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let temporary = path.with_extension("tmp");
    // A file left by a killed process may have another mode.
    let _ = fs::remove_file(&temporary);
    let mut file =
        fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
    file.write_all(text)?;
    file.sync_all()?;
    fs::rename(&temporary, path)
}

/// Shows new credentials; the secret is not shown again.
pub(super) fn show_credentials(
    credentials: &Credentials,
    expiration: Option<String>,
    format: OutputFormat,
) -> anyhow::Result<()> {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Shown<'a> {
        access_key_id: &'a str,
        access_key_secret: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        security_token: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        expiration: Option<String>,
    }
    let shown = Shown {
        access_key_id: &credentials.access_key_id,
        access_key_secret: credentials.secret.expose(),
        security_token: credentials.security_token.as_deref(),
        expiration,
    };
    match format {
        OutputFormat::Json => output::json(&shown),
        OutputFormat::Table => {
            output::line(&format!("AccessKeyId      {}", shown.access_key_id))?;
            output::line(&format!("AccessKeySecret  {}", shown.access_key_secret))?;
            if let Some(token) = shown.security_token {
                output::line(&format!("SecurityToken    {token}"))?;
            }
            if let Some(expiration) = &shown.expiration {
                output::line(&format!("Expiration       {expiration}"))?;
            }
            output::note("The secret is not shown again.");
            Ok(())
        }
    }
}
