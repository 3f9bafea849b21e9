//! The store of podman, buildah and CRI-O (containers/storage), read without any of them: the
//! drivers overlay and vfs.
//!
//! A store keeps each image's manifest and configuration as they were pulled, and each layer
//! unpacked. The layer's tar is put together again in `tar_split.rs`; its digest is the layer's
//! diff id, which the configuration names. Where stores are is decided in `settings.rs`.

mod records;
pub mod settings;
pub(crate) mod tar_split;
mod tree;

use std::io::Read;
use std::path::{Path, PathBuf};

use tallyman_model::digest::{Algorithm, Digest};
use tallyman_model::image::{Compression, LayerDescriptor, ResolvedImage};
use tallyman_model::reference::ImageReference;

use crate::containers_storage::records::{ImageRecord, LayerRecord, Records, big_data_name};
use crate::containers_storage::settings::{Driver, StorePlace, StoreRoot, find_stores};
use crate::containers_storage::tar_split::TarSplitReader;
use crate::error::{SourceError, list, quoted};
use crate::layout::file_segment;
use crate::listing::ListedImage;
use crate::media_type::OCI_LAYER;
use crate::options::SourceOptions;
use crate::resolve::{ConfigParts, Resolver, Step};
use crate::verify::{digest_of, verify};

/// The shortest beginning of an image's id that chooses it.
const MIN_ID_CHARS: usize = 3;

/// A store, with the read-only stores that it builds upon.
#[derive(Debug)]
pub(crate) struct ContainersStorage {
    roots: Vec<StoreRoot>,
    records: Records,
}

/// Where the parts of a layer are.
#[derive(Clone, Debug)]
pub(crate) struct StoredLayerFiles {
    /// How the tar is put together.
    tar_split: PathBuf,
    /// The unpacked files.
    tree: PathBuf,
}

impl ContainersStorage {
    /// Reads the lists of a store. Blocks.
    pub(crate) fn open(
        place: Option<&StorePlace>,
        options: &SourceOptions,
    ) -> Result<Self, SourceError> {
        let roots = find_stores(place, &options.containers_storage)?;
        let records = Records::read(&roots)?;
        Ok(ContainersStorage { roots, records })
    }

    /// Lists the images.
    pub(crate) fn images(&self) -> Vec<ListedImage> {
        let image = |(_, record): &(usize, ImageRecord)| ListedImage {
            name: record.names.first().unwrap_or(&record.id).clone(),
            reference: record.id.clone(),
            manifest_digest: None,
            platform: None,
        };
        self.records.images.iter().map(image).collect()
    }

    /// Resolves one image, and finds the files of its layers. Blocks.
    pub(crate) fn resolve(
        &self,
        reference: Option<&str>,
        options: &SourceOptions,
    ) -> Result<(ResolvedImage, Vec<StoredLayerFiles>), SourceError> {
        let (root, record) = self.choose(reference)?;
        let name = record.names.iter().find(|name| Some(name.as_str()) == reference);
        let name = name.or(record.names.first()).unwrap_or(&record.id).clone();
        let limits = &options.limits;
        let manifest_bytes =
            self.big_data(root, record, "manifest", "manifest-bytes", limits.manifest_bytes)?;
        let digest = self.manifest_digest(record, &manifest_bytes)?;
        let mut resolver = Resolver::new(name.clone(), options.platform.as_ref(), limits);
        let Step::Image(manifest) = resolver.step(&manifest_bytes, "")? else {
            let reason = "the store names an index as its manifest";
            return Err(SourceError::malformed(&name, reason));
        };
        let config_digest = &manifest.config.digest;
        let key = config_digest.to_string();
        let config = self.big_data(root, record, &key, "config-bytes", limits.config_bytes)?;
        verify(&format!("the configuration of {name}"), &config, config_digest)?;
        let mut image = resolver.finish(&manifest, digest, &config)?;
        let diff_ids = ConfigParts::parse(&name, &config, manifest.layers.len())?.diff_ids;
        let chain = self.chain(&name, record)?;
        if chain.len() != diff_ids.len() {
            let reason = format!(
                "its store has {} layers, its configuration {}",
                chain.len(),
                diff_ids.len()
            );
            return Err(SourceError::malformed(&name, reason));
        }
        let mut files = Vec::with_capacity(chain.len());
        image.layers.clear();
        for ((root, layer), diff_id) in chain.into_iter().zip(diff_ids) {
            if layer.diff_digest.as_ref().is_some_and(|digest| *digest != diff_id) {
                let reason = format!("layer {} of the store is not its {diff_id}", layer.id);
                return Err(SourceError::malformed(&name, reason));
            }
            let layer_files = self.files(root, layer)?;
            let size_bytes = match layer.diff_size.and_then(|size| u64::try_from(size).ok()) {
                Some(size) if size > 0 => size,
                _ => tar_split::size_of(&layer_files.tar_split)?,
            };
            image.layers.push(LayerDescriptor {
                digest: diff_id,
                size_bytes,
                compression: Some(Compression::None),
                media_type: OCI_LAYER.to_owned(),
                urls: Vec::new(),
            });
            files.push(layer_files);
        }
        Ok((image, files))
    }

    /// Finds the image that a reference means: a name as the store has it, a name that means the
    /// same, a digest, or an id.
    fn choose(&self, reference: Option<&str>) -> Result<(&StoreRoot, &ImageRecord), SourceError> {
        let all: Vec<&(usize, ImageRecord)> = self.records.images.iter().collect();
        let found = match reference {
            None => all,
            Some(reference) => self.named(reference),
        };
        match (found.as_slice(), reference) {
            ([(root, record)], _) => match self.roots.get(*root) {
                Some(root) => Ok((root, record)),
                None => Err(SourceError::malformed(self.place(), "an image is in no store")),
            },
            ([], None) => Err(SourceError::NotFound {
                subject: format!("an image in {}", self.place()),
                hint: "the store is empty; rootless podman has a store for each user".to_owned(),
            }),
            ([], Some(reference)) => Err(SourceError::NotFound {
                subject: format!("{} in {}", quoted(reference), self.place()),
                hint: format!("available: {}", list(&self.available())),
            }),
            (_, _) => {
                Err(SourceError::Ambiguous { subject: self.place(), available: self.available() })
            }
        }
    }

    fn named(&self, reference: &str) -> Vec<&(usize, ImageRecord)> {
        let images = &self.records.images;
        let by = |fits: &dyn Fn(&ImageRecord) -> bool| -> Vec<&(usize, ImageRecord)> {
            images.iter().filter(|(_, record)| fits(record)).collect()
        };
        let wanted: Vec<ImageReference> = [reference.to_owned(), format!("localhost/{reference}")]
            .iter()
            .filter_map(|text| text.parse().ok())
            .collect();
        let id = reference.trim_start_matches('@');
        let id = id.strip_prefix("sha256:").unwrap_or(id);
        let is_id = id.len() >= MIN_ID_CHARS && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        let ways: [&dyn Fn(&ImageRecord) -> bool; 4] = [
            &|record| record.names.iter().any(|name| name == reference),
            &|record| record.names.iter().any(|name| means(name, &wanted)),
            &|record| wanted.iter().any(|wanted| has_digest(record, wanted)),
            &|record| is_id && record.id.starts_with(id),
        ];
        ways.iter().map(|fits| by(*fits)).find(|found| !found.is_empty()).unwrap_or_default()
    }

    fn available(&self) -> Vec<String> {
        let name = |(_, record): &(usize, ImageRecord)| match record.names.is_empty() {
            true => record.id.chars().take(12).collect(),
            false => record.names.join(" = "),
        };
        self.records.images.iter().map(name).collect()
    }

    /// The store says what digest the manifest has; an image that was built here may have none.
    fn manifest_digest(&self, record: &ImageRecord, bytes: &[u8]) -> Result<Digest, SourceError> {
        match &record.digest {
            Some(digest) => {
                verify(&format!("the manifest of {}", record.id), bytes, digest)?;
                Ok(digest.clone())
            }
            None => Ok(digest_of(bytes, Algorithm::Sha256)),
        }
    }

    /// Returns the layers of an image from the base upwards.
    fn chain(
        &self,
        name: &str,
        record: &ImageRecord,
    ) -> Result<Vec<(&StoreRoot, &LayerRecord)>, SourceError> {
        let mut chain = Vec::new();
        let mut next = record.layer.as_deref().filter(|id| !id.is_empty());
        while let Some(id) = next {
            let found = self.records.layers.get(id);
            let Some((root, layer)) =
                found.and_then(|(root, layer)| Some((self.roots.get(*root)?, layer)))
            else {
                return Err(SourceError::NotFound {
                    subject: format!("layer {} of {name} in {}", quoted(id), self.place()),
                    hint: "the store may have changed just now; scan again".to_owned(),
                });
            };
            chain.push((root, layer));
            if chain.len() > self.records.layers.len() {
                return Err(SourceError::malformed(name, "its layers go in a circle"));
            }
            next = layer.parent.as_deref().filter(|id| !id.is_empty());
        }
        chain.reverse();
        Ok(chain)
    }

    fn files(
        &self,
        root: &StoreRoot,
        layer: &LayerRecord,
    ) -> Result<StoredLayerFiles, SourceError> {
        let tree = match root.driver {
            Driver::Overlay => root.path.join("overlay").join(&layer.id).join("diff"),
            Driver::Vfs => root.path.join("vfs/dir").join(&layer.id),
        };
        let name = format!("{}.tar-split.gz", layer.id);
        let tar_split = root.path.join(format!("{}-layers", root.driver.name())).join(name);
        if !tar_split.exists() {
            return Err(SourceError::unsupported(
                tar_split.display().to_string(),
                "without this file the layer's bytes cannot be verified; it is missing where only \
                 parts of a layer were pulled: write the image with `podman save` and scan that",
            ));
        }
        Ok(StoredLayerFiles { tar_split, tree })
    }

    fn big_data(
        &self,
        root: &StoreRoot,
        record: &ImageRecord,
        key: &str,
        limit: &'static str,
        maximum: u64,
    ) -> Result<Vec<u8>, SourceError> {
        let images = root.path.join(format!("{}-images", root.driver.name()));
        let path = images.join(&record.id).join(big_data_name(key));
        read_bounded(&path, limit, maximum)
    }

    fn place(&self) -> String {
        let path = self.roots.first().map(|root| root.path.display().to_string());
        format!("the store {}", path.unwrap_or_default())
    }
}

impl StoredLayerFiles {
    /// Opens the tar of the layer. Blocks.
    pub(crate) fn open(&self, size_bytes: u64) -> Result<Box<dyn Read + Send>, SourceError> {
        Ok(Box::new(TarSplitReader::open(&self.tar_split, &self.tree, size_bytes)?))
    }
}

/// Reads a small file whole.
fn read_bounded(path: &Path, limit: &'static str, maximum: u64) -> Result<Vec<u8>, SourceError> {
    let segment = file_segment(path)?;
    if segment.size_bytes() > maximum {
        let subject = path.display().to_string();
        return Err(SourceError::LimitExceeded { subject, limit, maximum });
    }
    segment.read_all().map_err(|error| SourceError::io(path, error))
}

fn means(name: &str, wanted: &[ImageReference]) -> bool {
    name.parse::<ImageReference>().is_ok_and(|name| wanted.contains(&name))
}

/// `NAME@DIGEST` means an image of that repository with that manifest, whatever its tag.
fn has_digest(record: &ImageRecord, wanted: &ImageReference) -> bool {
    let Some(digest) = wanted.digest() else { return false };
    let is_digest = record.digest.as_ref() == Some(digest)
        || record.big_data_digests.values().any(|known| known == digest);
    is_digest
        && record.names.iter().filter_map(|name| name.parse::<ImageReference>().ok()).any(|name| {
            (name.registry(), name.repository()) == (wanted.registry(), wanted.repository())
        })
}

#[cfg(test)]
mod tests;
