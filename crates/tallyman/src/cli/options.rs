//! Options that several commands have: where the data is, how results are written, how registries,
//! feeds and servers are reached, and limits.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use tallyman_model::limits::setting::LimitSetting;
use tallyman_source::feeds::Mirror;

/// Where an installation keeps its data.
#[derive(Args, Clone, Debug)]
pub(crate) struct DataArgs {
    /// The data directory of the installation [default: $XDG_DATA_HOME/tallyman].
    #[arg(long, env = "TALLYMAN_DATA", value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
}

/// How results are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum OutputFormat {
    /// For people.
    #[default]
    Table,
    /// For machines.
    Json,
}

#[derive(Args, Debug)]
pub(crate) struct FormatArgs {
    /// How to write the result.
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) format: OutputFormat,
}

/// How much of what comes from outside is read.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct LimitArgs {
    /// Changes a limit, such as layer-bytes=64GiB or image-time=30m; may be repeated. The limits are
    /// listed in docs/limits.md and told where a name is wrong. TALLYMAN_LIMITS may hold such
    /// settings as well, separated by commas.
    #[arg(long = "limit", value_name = "NAME=VALUE")]
    pub(crate) settings: Vec<LimitSetting>,
}

/// How registries are reached.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct RegistryArgs {
    /// Allows plain HTTP to this registry (host[:port]); loopback is always allowed.
    #[arg(long = "plain-http", value_name = "HOST")]
    pub(crate) plain_http: Vec<String>,
    /// Trusts the certificates of this PEM file as well.
    #[arg(long, value_name = "FILE")]
    pub(crate) ca_file: Option<PathBuf>,
    /// The user name for the image's registry; the password comes from the environment variable
    /// TALLYMAN_REGISTRY_PASSWORD. Without it, the docker and podman credential files are read.
    #[arg(long, value_name = "NAME")]
    pub(crate) registry_user: Option<String>,
    /// Reads every layer as a whole. Without it, of a layer with a table of contents (eStargz,
    /// zstd:chunked) only the files that are looked at are fetched.
    #[arg(long)]
    pub(crate) whole_layers: bool,
}

/// How feeds are fetched.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct FetchArgs {
    /// Fetches from another place: FEED=URL or HOST=URL replaces the publisher's scheme and host,
    /// *=URL puts URL/HOST/PATH in place of every address; may be repeated.
    #[arg(long, env = "TALLYMAN_MIRRORS", value_delimiter = ',', value_name = "WHAT=URL")]
    pub(crate) mirror: Vec<Mirror>,
    /// The proxy for everything [default: HTTPS_PROXY and HTTP_PROXY, with the exceptions of
    /// NO_PROXY].
    #[arg(long, value_name = "URL")]
    pub(crate) proxy: Option<String>,
    /// Allows plain HTTP to a mirror (host[:port]); loopback is always allowed.
    #[arg(long, value_name = "HOST")]
    pub(crate) feed_plain_http: Vec<String>,
    /// Trusts the certificates of this PEM file as well, for mirrors and proxies.
    #[arg(long, env = "TALLYMAN_FEED_CA_FILE", value_name = "FILE")]
    pub(crate) feed_ca_file: Option<PathBuf>,
}

/// Whose bundles are taken.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct TrustArgs {
    /// Takes bundles only that this key signed: a public key as `db keygen` prints it, or a file of
    /// such; may be repeated. The file trusted-keys in the data directory pins keys as well.
    #[arg(long, env = "TALLYMAN_TRUST_KEYS", value_delimiter = ',', value_name = "KEY|FILE")]
    pub(crate) trust_key: Vec<String>,
    /// Takes a bundle although it is older than what is there.
    #[arg(long)]
    pub(crate) allow_older: bool,
}

/// Which server to talk to, and as whom.
#[derive(Args, Clone, Debug)]
pub(crate) struct EndpointArgs {
    /// The server's address, such as http://127.0.0.1:8642 [default: the running server of --data].
    #[arg(long, visible_alias = "endpoint", env = "TALLYMAN_SERVER", value_name = "URL")]
    pub(crate) server: Option<String>,
    /// The AccessKey's id; its secret comes from the environment variable
    /// ALIBABA_CLOUD_ACCESS_KEY_SECRET [default: the key of --data].
    #[arg(long, env = "ALIBABA_CLOUD_ACCESS_KEY_ID", value_name = "ID")]
    pub(crate) access_key_id: Option<String>,
}
