//! OCI layouts with one image.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tallyman_model::digest::Digest;

use crate::layer::digest;

/// Writes a layout whose only image has these gzip layers; returns the digest of its manifest.
///
/// The diff ids are those of nothing: what a config claims must not matter.
pub fn write(root: &Path, name: &str, layers: &[Vec<u8>]) -> Digest {
    fs::create_dir_all(root.join("blobs/sha256")).unwrap();
    fs::write(root.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
    let blob = |bytes: &[u8]| {
        let digest = digest(bytes);
        fs::write(root.join("blobs/sha256").join(digest.hex()), bytes).unwrap();
        digest
    };
    let json = |value: &Value| {
        let bytes = value.to_string().into_bytes();
        (blob(&bytes), bytes.len())
    };
    let config = json!({
        "created": "2026-01-02T03:04:05Z", "os": "linux", "architecture": "amd64",
        "rootfs": {"type": "layers", "diff_ids": vec![digest(b""); layers.len()]},
    });
    let (config_digest, config_size) = json(&config);
    let listed: Vec<Value> = layers
        .iter()
        .map(|bytes| {
            json!({
                "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip",
                "digest": blob(bytes), "size": bytes.len(),
            })
        })
        .collect();
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {
            "mediaType": "application/vnd.oci.image.config.v1+json",
            "digest": config_digest, "size": config_size,
        },
        "layers": listed,
    });
    let (manifest_digest, manifest_size) = json(&manifest);
    let index = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [{
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "digest": manifest_digest, "size": manifest_size,
            "annotations": {"org.opencontainers.image.ref.name": name},
        }],
    });
    fs::write(root.join("index.json"), index.to_string()).unwrap();
    manifest_digest
}
