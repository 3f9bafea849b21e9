//! The HTTP client for everything that is not a registry: same trust, no redirects.

use std::time::Duration;

use crate::error::SourceError;
use crate::registry::tls;

/// Makes a client that trusts the machine's certificate authorities and those given in PEM.
///
/// # Errors
///
/// [`SourceError::Malformed`] for a bad certificate.
pub fn client(extra_ca_pem: &str) -> Result<reqwest::Client, SourceError> {
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls::client_config(extra_ca_pem)?)
        .connect_timeout(Duration::from_secs(10))
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
        .map_err(|error| SourceError::malformed("the HTTP client's settings", error.to_string()))
}
