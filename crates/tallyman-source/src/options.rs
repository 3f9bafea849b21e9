//! What a caller decides about reading images: platform, credentials, trust, limits, time.

use std::fmt;
use std::time::Duration;

use tallyman_model::limits::Limits;
use tallyman_model::platform::Platform;
use url::Url;

use crate::containerd::ContainerdSettings;
use crate::containers_storage::settings::StorageSettings;
use crate::credentials::RegistryCredentials;
use crate::documents::Documents;

/// How images are read. The default has no credentials, speaks HTTPS to everything but loopback
/// hosts, and uses no proxy.
#[derive(Clone, Debug, Default)]
pub struct SourceOptions {
    /// The platform that is chosen from an image index; where absent, that of this machine.
    pub platform: Option<Platform>,
    /// The credentials of registries.
    pub credentials: Vec<RegistryCredentials>,
    /// The hosts (`host` or `host:port`) that are spoken to without TLS. Loopback hosts need not
    /// be listed.
    pub plain_http: Vec<String>,
    /// The hosts that are exempt from the rules for redirects and token realms: a registry may
    /// redirect to them although they are private, and credentials may be sent to a token realm
    /// there.
    pub trusted_hosts: Vec<String>,
    /// Where registries may be.
    pub registries: RegistryPlaces,
    /// Certificate authorities in PEM, besides those of the machine.
    pub extra_ca_pem: String,
    /// The proxy for all that is fetched.
    pub proxy: Option<Proxy>,
    /// The proxy for what is fetched without TLS, where that is another one.
    pub plain_http_proxy: Option<Proxy>,
    /// How layers of registries are read.
    pub layer_reading: LayerReading,
    /// The limits on outside data.
    pub limits: Limits,
    /// The limits on time.
    pub timeouts: Timeouts,
    /// How often a request is made again.
    pub retry: RetryPolicy,
    /// Where the stores of podman and buildah are.
    pub containers_storage: StorageSettings,
    /// Where the stores of containerd may be.
    pub containerd: ContainerdSettings,
    /// Where manifests and configurations of registries are kept for the next time.
    pub documents: Option<Documents>,
}

/// Where a registry may be, for references that did not come from the operator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RegistryPlaces {
    /// Anywhere but in link-local and reserved networks.
    #[default]
    Anywhere,
    /// On public addresses and at trusted hosts: what an agent or a webhook names must not make
    /// this machine ask services inside its own network.
    PublicOrTrusted,
}

/// How layers of registries are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LayerReading {
    /// By their table of contents where they have one, and else as a whole.
    #[default]
    ByToc,
    /// As a whole: every layer's digest is verified over all its bytes.
    Whole,
}

/// An HTTP proxy. Addresses behind it cannot be checked: every registry counts as public then,
/// so that a redirect to a literal private address stays forbidden.
#[derive(Clone)]
pub struct Proxy {
    /// Where the proxy listens.
    pub url: Url,
    /// The hosts that are reached without it, separated by commas as in `NO_PROXY`.
    pub exceptions: String,
}

impl fmt::Debug for Proxy {
    /// Leaves out the user name and password that the URL may carry.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy")
            .field("host", &self.url.host_str())
            .field("port", &self.url.port())
            .field("exceptions", &self.exceptions)
            .finish_non_exhaustive()
    }
}

/// How long the other side may take.
#[derive(Clone, Debug)]
pub struct Timeouts {
    /// For a connection.
    pub connect: Duration,
    /// Between two pieces of an answer.
    pub idle: Duration,
    /// For a manifest, a configuration or a token, from start to end.
    pub request: Duration,
    /// For a layer, from start to end, with all resumptions; and for an engine to pack an image.
    pub layer: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Timeouts {
            connect: Duration::from_secs(10),
            idle: Duration::from_secs(30),
            request: Duration::from_secs(60),
            layer: Duration::from_secs(2 * 60 * 60),
        }
    }
}

/// How often a request that failed for a passing reason is made again.
#[derive(Clone, Debug)]
pub struct RetryPolicy {
    /// The number of attempts, the first included.
    pub attempts: u32,
    /// The wait before the second attempt; it doubles each time.
    pub first_wait: Duration,
    /// The longest wait, also where the registry asks for a longer one.
    pub max_wait: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        RetryPolicy {
            attempts: 4,
            first_wait: Duration::from_millis(500),
            max_wait: Duration::from_secs(60),
        }
    }
}

impl RetryPolicy {
    /// Returns the wait after the attempt with this number, counted from one.
    pub(crate) fn wait_after(&self, attempt: u32, asked: Option<Duration>) -> Duration {
        let doubled = self.first_wait.saturating_mul(1_u32 << attempt.saturating_sub(1).min(16));
        asked.unwrap_or(doubled).min(self.max_wait)
    }
}
