//! An image as its manifest and configuration describe it (OCI image-spec, manifest.md, config.md).

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::platform::Platform;

/// How the bytes of a layer are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    /// A plain tar.
    None,
    /// gzip, also with several members.
    Gzip,
    /// Zstandard.
    Zstd,
}

/// The table of contents that a layer carries inside its bytes, as its descriptor names it. With it
/// single files can be read without the rest of the layer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LayerToc {
    /// Its format, with what the descriptor says of its place.
    pub format: TocFormat,
    /// The digest that it must have.
    pub digest: Digest,
}

/// The formats of layers that carry a table of contents.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum TocFormat {
    /// eStargz: one gzip member for each file. The digest is that of the JSON; its place stands in
    /// the last bytes of the layer.
    Estargz,
    /// zstd:chunked: one frame for each chunk of a file. The digest is that of the compressed JSON.
    ZstdChunked {
        /// Where the compressed JSON begins in the layer.
        offset: u64,
        /// The bytes of the compressed JSON.
        length: u64,
    },
}

/// A layer as the manifest lists it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LayerDescriptor {
    /// The digest of the bytes as they are stored or sent.
    pub digest: Digest,
    /// The size of those bytes.
    pub size_bytes: u64,
    /// How they are packed, by the media type; `None` where the media type is not known to be a
    /// layer that can be read.
    pub compression: Option<Compression>,
    /// The media type as the manifest gives it.
    pub media_type: String,
    /// Where the manifest says that others give the layer out. Nothing is ever fetched from there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub urls: Vec<String>,
}

/// An image whose manifest and configuration have been read and verified.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResolvedImage {
    /// What the user or the engine called it.
    pub name: String,
    /// The digest of the manifest; absent for formats that have none (docker-archive).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifest_digest: Option<Digest>,
    /// The digest of the configuration, which engines call the image id.
    pub config_digest: Digest,
    /// The platform that the configuration names.
    pub platform: Platform,
    /// When the image was built, by its configuration; milliseconds since the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_ms: Option<i64>,
    /// The layers from the base upwards.
    pub layers: Vec<LayerDescriptor>,
}

impl ResolvedImage {
    /// Returns the size of all layers as they are stored or sent, in bytes.
    pub fn size_bytes(&self) -> u64 {
        self.layers.iter().fold(0, |sum, layer| sum.saturating_add(layer.size_bytes))
    }
}
