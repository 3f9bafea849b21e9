//! The trust in certificates: those of the machine and those the options add.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

use crate::error::SourceError;

/// Makes the TLS settings that all clients share. A machine without certificates is no error: a
/// registry without TLS, or one whose authority is given in the options, still works.
pub(crate) fn client_config(extra_ca_pem: &str) -> Result<ClientConfig, SourceError> {
    let mut roots = RootCertStore::empty();
    let (added, _) =
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    for certificate in CertificateDer::pem_slice_iter(extra_ca_pem.as_bytes()) {
        let certificate = certificate.map_err(|error| bad_ca(&error.to_string()))?;
        roots.add(certificate).map_err(|error| bad_ca(&error.to_string()))?;
    }
    if added == 0 && extra_ca_pem.is_empty() {
        tracing::warn!(
            "The machine has no certificate authorities; registries over HTTPS cannot be trusted \
             unless the settings add some"
        );
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| bad_ca(&error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(config)
}

fn bad_ca(reason: &str) -> SourceError {
    SourceError::malformed("the extra certificate authorities", reason)
}
