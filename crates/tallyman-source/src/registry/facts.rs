//! What is known of the registry that an image came from.

use tallyman_model::digest::Digest;

/// What the registry and the reference said, besides the image itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistryFacts {
    /// The registry's host and port as the reference names it (`docker.io`, not the host that
    /// Docker's registry is really on).
    pub host: String,
    /// Whether the registry was spoken to through TLS.
    pub is_https: bool,
    /// The repository's full name.
    pub repository: String,
    /// The tag that was asked for.
    pub tag: Option<String>,
    /// The digest that the reference means: that of the index where there is one, else that of
    /// the manifest.
    pub digest: Digest,
    /// Whether the registry gave the image to anybody; `None` where that cannot be told.
    pub is_public: Option<bool>,
}
