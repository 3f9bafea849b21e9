//! Writes images of one's own as an OCI image layout (image-spec, image-layout.md): layers are
//! streamed into blobs, so that an image larger than the memory can be made.

pub mod tar_writer;

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use flate2::Compression as GzipLevel;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use tallyman_model::clock;
use tallyman_model::digest::{Algorithm, Digest};
use tallyman_model::image::{Compression, LayerDescriptor};
use tallyman_model::platform::Platform;

use crate::error::SourceError;
use crate::layout::REF_NAME;
use crate::media_type::{OCI_CONFIG, OCI_INDEX, OCI_LAYER, OCI_LAYER_GZIP, OCI_MANIFEST};
use crate::verify::{Hasher, digest_of};

/// A layout that is being written.
#[derive(Debug)]
pub struct LayoutWriter {
    root: PathBuf,
    manifests: Vec<Value>,
}

/// How the layers of a new image are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LayerPacking {
    /// A plain tar.
    Plain,
    /// gzip, at a fast level.
    Gzip,
}

/// A layer that is in the layout and can be part of its images.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenLayer {
    /// The layer as the manifest lists it.
    pub descriptor: LayerDescriptor,
    /// The digest of its tar.
    pub diff_id: Digest,
}

/// What an image is called and made of.
#[derive(Clone, Debug)]
pub struct NewImage<'a> {
    /// The name within the layout.
    pub reference: &'a str,
    /// The platform it is for.
    pub platform: &'a Platform,
    /// When it was made; milliseconds since the epoch.
    pub created_ms: i64,
    /// Its layers from the base upwards.
    pub layers: &'a [WrittenLayer],
}

impl LayoutWriter {
    /// Starts a layout in a directory, which is made where it does not exist.
    pub fn create(root: &Path) -> Result<Self, SourceError> {
        let blobs = root.join("blobs/sha256");
        fs::create_dir_all(&blobs).map_err(|error| SourceError::io(&blobs, error))?;
        let writer = LayoutWriter { root: root.to_owned(), manifests: Vec::new() };
        writer.write_file("oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#)?;
        writer.write_index()?;
        Ok(writer)
    }

    /// Writes a layer. `fill` is given a writer for the bytes of the layer's tar.
    pub fn write_layer(
        &self,
        packing: LayerPacking,
        fill: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<WrittenLayer, SourceError> {
        // The name of a blob is known only at its end.
        let path = self.root.join("blobs/sha256/.partial");
        let (diff_id, digest, size_bytes) = write_blob(&path, packing, fill).map_err(|source| {
            // What was begun is of no use; that it stays is no worse than the failure.
            let _ = fs::remove_file(&path);
            SourceError::Io { path: path.clone(), source }
        })?;
        let blob = self.root.join("blobs/sha256").join(digest.hex());
        fs::rename(&path, &blob).map_err(|source| SourceError::Io { path: blob, source })?;
        let (compression, media_type) = match packing {
            LayerPacking::Plain => (Compression::None, OCI_LAYER),
            LayerPacking::Gzip => (Compression::Gzip, OCI_LAYER_GZIP),
        };
        let descriptor = LayerDescriptor {
            digest,
            size_bytes,
            compression: Some(compression),
            media_type: media_type.to_owned(),
            urls: Vec::new(),
        };
        Ok(WrittenLayer { descriptor, diff_id })
    }

    /// Writes the configuration and the manifest of an image, lists it in the index, and returns
    /// the manifest's digest.
    pub fn write_image(&mut self, image: &NewImage<'_>) -> Result<Digest, SourceError> {
        let mut config = json!({
            "created": clock::format_utc(image.created_ms),
            "os": image.platform.os,
            "architecture": image.platform.architecture,
            "config": {},
            "rootfs": {
                "type": "layers",
                "diff_ids": image.layers.iter().map(|layer| &layer.diff_id).collect::<Vec<_>>(),
            },
        });
        if let Some(variant) = &image.platform.variant {
            config["variant"] = json!(variant);
        }
        let layers: Vec<Value> = image
            .layers
            .iter()
            .map(|layer| {
                let it = &layer.descriptor;
                json!({"mediaType": it.media_type, "digest": it.digest, "size": it.size_bytes})
            })
            .collect();
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": self.write_json(OCI_CONFIG, &config)?.0,
            "layers": layers,
        });
        let (mut descriptor, digest) = self.write_json(OCI_MANIFEST, &manifest)?;
        descriptor["annotations"] = json!({ REF_NAME: image.reference });
        self.manifests.push(descriptor);
        self.write_index()?;
        Ok(digest)
    }

    fn write_json(&self, media_type: &str, value: &Value) -> Result<(Value, Digest), SourceError> {
        let bytes = value.to_string().into_bytes();
        let digest = digest_of(&bytes, Algorithm::Sha256);
        self.write_file(&format!("blobs/sha256/{}", digest.hex()), &bytes)?;
        let descriptor = json!({"mediaType": media_type, "digest": digest, "size": bytes.len()});
        Ok((descriptor, digest))
    }

    fn write_index(&self) -> Result<(), SourceError> {
        let index = json!({
            "schemaVersion": 2,
            "mediaType": OCI_INDEX,
            "manifests": self.manifests,
        });
        self.write_file("index.json", index.to_string().as_bytes())
    }

    fn write_file(&self, name: &str, bytes: &[u8]) -> Result<(), SourceError> {
        let path = self.root.join(name);
        fs::write(&path, bytes).map_err(|error| SourceError::io(&path, error))
    }
}

/// Writes a layer to a file; returns the digest of its tar, and the digest and size of the file.
fn write_blob(
    path: &Path,
    packing: LayerPacking,
    fill: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<(Digest, Digest, u64)> {
    let file = BufWriter::new(File::create(path)?);
    let (diff_id, stored) = pack(Counted::new(file), packing, fill)?;
    let (digest, size_bytes, mut file) = stored.finish();
    file.flush()?;
    Ok((diff_id, digest, size_bytes))
}

/// Runs `fill` through the packing, and returns the tar's digest and the writer below.
fn pack<W: Write>(
    stored: Counted<W>,
    packing: LayerPacking,
    fill: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<(Digest, Counted<W>)> {
    match packing {
        LayerPacking::Plain => {
            let mut tar = Counted::new(stored);
            fill(&mut tar)?;
            let (diff_id, _, stored) = tar.finish();
            Ok((diff_id, stored))
        }
        LayerPacking::Gzip => {
            let mut tar = Counted::new(GzEncoder::new(stored, GzipLevel::fast()));
            fill(&mut tar)?;
            let (diff_id, _, encoder) = tar.finish();
            Ok((diff_id, encoder.finish()?))
        }
    }
}

/// A writer that hashes and counts what passes through.
struct Counted<W> {
    inner: W,
    hasher: Hasher,
    bytes: u64,
}

impl<W: Write> Counted<W> {
    fn new(inner: W) -> Self {
        Counted { inner, hasher: Hasher::new(Algorithm::Sha256), bytes: 0 }
    }

    fn finish(self) -> (Digest, u64, W) {
        (self.hasher.finish(), self.bytes, self.inner)
    }
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(buffer)?;
        self.hasher.update(&buffer[..written]);
        self.bytes = self.bytes.saturating_add(u64::try_from(written).unwrap_or(u64::MAX));
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests;
