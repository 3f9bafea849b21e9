//! The media types of manifests and layers (image-spec, media-types.md; Docker's "Image Manifest
//! Version 2, Schema 2").

use tallyman_model::image::Compression;

pub(crate) const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(crate) const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub(crate) const OCI_CONFIG: &str = "application/vnd.oci.image.config.v1+json";
pub(crate) const OCI_LAYER: &str = "application/vnd.oci.image.layer.v1.tar";
pub(crate) const OCI_LAYER_GZIP: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
pub(crate) const OCI_LAYER_ZSTD: &str = "application/vnd.oci.image.layer.v1.tar+zstd";
pub(crate) const DOCKER_LAYER_GZIP: &str = "application/vnd.docker.image.rootfs.diff.tar.gzip";
pub(crate) const DOCKER_LAYER: &str = "application/vnd.docker.image.rootfs.diff.tar";
pub(crate) const DOCKER_LAYER_ZSTD: &str = "application/vnd.docker.image.rootfs.diff.tar.zstd";

const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
const DOCKER_CONFIG: &str = "application/vnd.docker.container.image.v1+json";

/// What a client of a registry says it understands; schema 1 is left out on purpose.
pub(crate) const ACCEPT_MANIFESTS: &str = "application/vnd.oci.image.index.v1+json, \
     application/vnd.oci.image.manifest.v1+json, \
     application/vnd.docker.distribution.manifest.list.v2+json, \
     application/vnd.docker.distribution.manifest.v2+json";

/// What a manifest's bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DocumentKind {
    Manifest,
    Index,
    /// Docker's schema 1, signed or not.
    Schema1,
}

pub(crate) fn document_kind(media_type: &str) -> Option<DocumentKind> {
    match media_type {
        OCI_MANIFEST | DOCKER_MANIFEST => Some(DocumentKind::Manifest),
        OCI_INDEX | DOCKER_LIST => Some(DocumentKind::Index),
        other if other.starts_with("application/vnd.docker.distribution.manifest.v1+") => {
            Some(DocumentKind::Schema1)
        }
        _ => None,
    }
}

/// Tells whether a configuration of this type describes a container image. Old versions of Docker
/// pushed theirs as plain bytes.
pub(crate) fn is_image_config(media_type: &str) -> bool {
    matches!(media_type, OCI_CONFIG | DOCKER_CONFIG | "application/octet-stream")
}

/// Returns how a layer of this type is packed, or `None` where the type is unknown.
pub(crate) fn layer_compression(media_type: &str) -> Option<Compression> {
    match media_type {
        OCI_LAYER | DOCKER_LAYER => Some(Compression::None),
        OCI_LAYER_GZIP | DOCKER_LAYER_GZIP => Some(Compression::Gzip),
        OCI_LAYER_ZSTD | DOCKER_LAYER_ZSTD => Some(Compression::Zstd),
        foreign => foreign_compression(foreign),
    }
}

/// Tells whether a layer of this type is one that others than its maker may not give out, so that
/// it is often not stored with the image (image-spec, layer.md, "Non-Distributable Layers").
pub(crate) fn is_foreign(media_type: &str) -> bool {
    foreign_compression(media_type).is_some()
}

fn foreign_compression(media_type: &str) -> Option<Compression> {
    let packed =
        media_type.strip_prefix("application/vnd.oci.image.layer.nondistributable.v1.tar").or_else(
            || media_type.strip_prefix("application/vnd.docker.image.rootfs.foreign.diff.tar"),
        );
    match packed? {
        "" => Some(Compression::None),
        "+gzip" | ".gzip" => Some(Compression::Gzip),
        "+zstd" | ".zstd" => Some(Compression::Zstd),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use tallyman_model::image::Compression;

    use super::{OCI_LAYER_GZIP, is_foreign, layer_compression};

    #[test]
    fn foreign_layers_are_known_and_packed_like_others() {
        for (media_type, packed) in [
            ("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", Compression::Gzip),
            ("application/vnd.oci.image.layer.nondistributable.v1.tar", Compression::None),
            ("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", Compression::Gzip),
            ("application/vnd.oci.image.layer.nondistributable.v1.tar+zstd", Compression::Zstd),
        ] {
            assert!(is_foreign(media_type), "{media_type}");
            assert_eq!(layer_compression(media_type), Some(packed), "{media_type}");
        }
        assert!(!is_foreign(OCI_LAYER_GZIP));
        let unknown = "application/vnd.oci.image.layer.nondistributable.v1.tar+xz";
        assert_eq!((is_foreign(unknown), layer_compression(unknown)), (false, None));
    }
}
