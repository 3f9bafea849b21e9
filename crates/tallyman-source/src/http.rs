//! The HTTP client for everything that is not a registry: same trust, no redirects.

use std::time::Duration;

use reqwest::ClientBuilder;

use crate::error::SourceError;
use crate::registry::address::Reach;
use crate::registry::resolver::GuardedResolver;
use crate::registry::tls;

/// Makes a client that trusts the machine's certificate authorities and those given in PEM.
///
/// # Errors
///
/// [`SourceError::Malformed`] for a bad certificate.
pub fn client(extra_ca_pem: &str) -> Result<reqwest::Client, SourceError> {
    build(builder(extra_ca_pem)?)
}

/// Makes a client that connects to no address further inside than `ceiling`, whatever names say,
/// but for those that are exempt.
pub(crate) fn guarded_client(
    extra_ca_pem: &str,
    ceiling: Reach,
    exempt: &[&str],
) -> Result<reqwest::Client, SourceError> {
    let exempt = exempt.iter().map(|name| (*name).to_owned()).collect();
    build(builder(extra_ca_pem)?.dns_resolver(GuardedResolver { ceiling, exempt }))
}

fn builder(extra_ca_pem: &str) -> Result<ClientBuilder, SourceError> {
    Ok(reqwest::Client::builder()
        .tls_backend_preconfigured(tls::client_config(extra_ca_pem)?)
        .connect_timeout(Duration::from_secs(10))
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy())
}

fn build(builder: ClientBuilder) -> Result<reqwest::Client, SourceError> {
    let unfit = |error: reqwest::Error| {
        SourceError::malformed("the HTTP client's settings", error.to_string())
    };
    builder.build().map_err(unfit)
}
