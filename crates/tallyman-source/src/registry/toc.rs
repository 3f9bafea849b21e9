//! The annotations by which a layer's descriptor names its table of contents: those of eStargz
//! (stargz-snapshotter, docs/estargz.md, "Content Verification in eStargz") and of zstd:chunked
//! (containers/storage, package `chunked`). The manifest's digest covers them.

use tallyman_model::image::{Compression, LayerToc, TocFormat};

use crate::document::Descriptor;
use crate::media_type::layer_compression;

const ESTARGZ_DIGEST: &str = "containerd.io/snapshot/stargz/toc.digest";
/// The second name is that of older versions.
const CHUNKED_DIGEST: [&str; 2] = [
    "io.github.containers.zstd-chunked.manifest-checksum",
    "io.containers.zstd-chunked.manifest-checksum",
];
const CHUNKED_POSITION: [&str; 2] = [
    "io.github.containers.zstd-chunked.manifest-position",
    "io.containers.zstd-chunked.manifest-position",
];

/// Reads the annotations of a layer. A table that is not named as it should be is none: the layer
/// can be read without.
pub(crate) fn find(layer: &Descriptor) -> Option<LayerToc> {
    let annotations = layer.annotations.as_ref()?;
    let first = |names: &[&str]| names.iter().find_map(|name| annotations.get(*name));
    let (format, digest) = match layer_compression(&layer.media_type)? {
        Compression::Gzip => (TocFormat::Estargz, first(&[ESTARGZ_DIGEST])?),
        Compression::Zstd => (parse_position(first(&CHUNKED_POSITION)?)?, first(&CHUNKED_DIGEST)?),
        Compression::None => return None,
    };
    Some(LayerToc { format, digest: digest.parse().ok()? })
}

/// `offset:length:uncompressed length:type`, where the only type is 1.
fn parse_position(text: &str) -> Option<TocFormat> {
    let mut parts = text.split(':');
    let mut number = || parts.next()?.parse::<u64>().ok();
    let (offset, length, _) = (number()?, number()?, number()?);
    let is_known = number()? == 1 && parts.next().is_none();
    is_known.then_some(TocFormat::ZstdChunked { offset, length })
}

#[cfg(test)]
mod tests {
    use tallyman_model::image::{LayerToc, TocFormat};

    use super::find;
    use crate::document::Descriptor;

    const DIGEST: &str = "sha256:1111111111111111111111111111111111111111111111111111111111111111";

    fn layer(packing: &str, annotations: &str) -> Option<LayerToc> {
        let json = format!(
            r#"{{"mediaType":"application/vnd.oci.image.layer.v1.tar+{packing}",
            "digest":"{DIGEST}","size":1,"annotations":{{{annotations}}}}}"#
        );
        let descriptor: Descriptor = serde_json::from_str(&json).expect("a descriptor");
        find(&descriptor)
    }

    #[test]
    fn annotations_of_both_formats_are_read_where_they_fit_the_packing() {
        let digest = DIGEST.parse().expect("a digest");
        let estargz = format!(r#""containerd.io/snapshot/stargz/toc.digest":"{DIGEST}""#);
        let found = layer("gzip", &estargz).expect("a table");
        assert_eq!(found, LayerToc { format: TocFormat::Estargz, digest });
        assert_eq!(layer("zstd", &estargz), None);
        let named = |name: &str, position: &str| {
            format!(
                r#""{name}.manifest-checksum":"{DIGEST}","{name}.manifest-position":"{position}""#
            )
        };
        for name in ["io.github.containers.zstd-chunked", "io.containers.zstd-chunked"] {
            let found = layer("zstd", &named(name, "10:20:300:1")).expect("a table");
            assert_eq!(found.format, TocFormat::ZstdChunked { offset: 10, length: 20 });
        }
        let chunked = |position: &str| named("io.github.containers.zstd-chunked", position);
        assert_eq!(layer("gzip", &chunked("10:20:300:1")), None);
        for position in ["", "10:20:300", "10:20:300:2", "10:20:300:1:0", "10:-20:300:1", "a:1:1:1"]
        {
            assert_eq!(layer("zstd", &chunked(position)), None, "{position}");
        }
        assert_eq!(layer("gzip", r#""containerd.io/snapshot/stargz/toc.digest":"md5:1""#), None);
        assert_eq!(layer("gzip", ""), None);
    }
}
