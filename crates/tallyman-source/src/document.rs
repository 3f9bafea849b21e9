//! Manifests, image indexes and configurations as they are written (image-spec, manifest.md,
//! image-index.md, config.md). Parsing only: which one is chosen is decided in `resolve`.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;
use tallyman_model::digest::Digest;

use crate::error::SourceError;
use crate::media_type::{self, DocumentKind};

/// A descriptor (image-spec, descriptor.md).
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Descriptor {
    #[serde(default, rename = "mediaType")]
    pub(crate) media_type: String,
    pub(crate) digest: Digest,
    pub(crate) size: u64,
    #[serde(default)]
    pub(crate) platform: Option<RawPlatform>,
    #[serde(default)]
    pub(crate) annotations: Option<BTreeMap<String, String>>,
    #[serde(default)]
    pub(crate) urls: Option<Vec<String>>,
}

impl Descriptor {
    /// Returns a descriptor of a manifest or an index of which only the digest is known.
    pub(crate) fn of_document(digest: Digest, size: u64) -> Self {
        Descriptor {
            media_type: String::new(),
            digest,
            size,
            platform: None,
            annotations: None,
            urls: None,
        }
    }
}

/// A platform whose fields may be empty.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct RawPlatform {
    #[serde(default)]
    pub(crate) os: String,
    #[serde(default)]
    pub(crate) architecture: String,
    #[serde(default)]
    pub(crate) variant: Option<String>,
}

/// A manifest whose parts are known to be there.
#[derive(Clone, Debug)]
pub(crate) struct Manifest {
    pub(crate) config: Descriptor,
    pub(crate) layers: Vec<Descriptor>,
}

/// The bytes of one manifest, told apart.
#[derive(Clone, Debug)]
pub(crate) enum Document {
    Manifest(Manifest),
    Index(Vec<Descriptor>),
}

/// The parts of a configuration that are used here.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Config {
    #[serde(flatten)]
    pub(crate) platform: RawPlatform,
    #[serde(default)]
    pub(crate) created: Option<String>,
    #[serde(default)]
    pub(crate) rootfs: RootFs,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct RootFs {
    #[serde(default)]
    pub(crate) diff_ids: Option<Vec<Digest>>,
}

#[derive(Deserialize)]
struct RawDocument {
    #[serde(default, rename = "schemaVersion")]
    schema_version: Option<u32>,
    #[serde(default, rename = "mediaType")]
    media_type: Option<String>,
    #[serde(default)]
    config: Option<Descriptor>,
    #[serde(default)]
    layers: Option<Vec<Descriptor>>,
    #[serde(default)]
    manifests: Option<Vec<Descriptor>>,
    #[serde(default, rename = "fsLayers")]
    fs_layers: Option<IgnoredAny>,
}

impl Document {
    /// Parses a manifest or an index. `content_type` is what the registry or the descriptor said;
    /// the bytes themselves decide, because only they are covered by the digest.
    pub(crate) fn parse(
        subject: &str,
        bytes: &[u8],
        content_type: &str,
    ) -> Result<Document, SourceError> {
        let raw: RawDocument = json(subject, bytes)?;
        if raw.schema_version == Some(1) || raw.fs_layers.is_some() {
            return Err(schema1(subject));
        }
        // A document that is both would be read as one thing here and as another elsewhere
        // (image-spec advisory GHSA-77vh-xpmg-72qh).
        if raw.manifests.is_some() && (raw.layers.is_some() || raw.config.is_some()) {
            return Err(SourceError::malformed(subject, "it is both a manifest and an index"));
        }
        let named = raw.media_type.as_deref().filter(|t| !t.is_empty()).unwrap_or(content_type);
        let shape =
            if raw.manifests.is_some() { DocumentKind::Index } else { DocumentKind::Manifest };
        match media_type::document_kind(named) {
            Some(DocumentKind::Schema1) => return Err(schema1(subject)),
            Some(kind) if raw.media_type.is_some() && kind != shape => {
                return Err(SourceError::malformed(
                    subject,
                    format!("its media type {named} does not fit its content"),
                ));
            }
            Some(DocumentKind::Manifest | DocumentKind::Index) | None => {}
        }
        match (raw.manifests, raw.config, raw.layers) {
            (Some(manifests), _, _) => Ok(Document::Index(manifests)),
            (None, Some(config), layers) => {
                Ok(Document::Manifest(Manifest { config, layers: layers.unwrap_or_default() }))
            }
            (None, None, _) => {
                Err(SourceError::malformed(subject, "it is neither a manifest nor an index"))
            }
        }
    }
}

/// Parses JSON with an error that names the subject.
pub(crate) fn json<'de, T: Deserialize<'de>>(
    subject: &str,
    bytes: &'de [u8],
) -> Result<T, SourceError> {
    serde_json::from_slice(bytes)
        .map_err(|error| SourceError::malformed(subject, error.to_string()))
}

fn schema1(subject: &str) -> SourceError {
    SourceError::unsupported(
        subject,
        "it is a Docker schema 1 image, a format that registries have given up; push it again \
         with a current client",
    )
}
