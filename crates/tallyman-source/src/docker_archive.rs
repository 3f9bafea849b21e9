//! `docker save` archives (moby image-spec v1.2, "Combined Image JSON + Filesystem Changeset
//! Format"). They have no manifest with digests, so the digests are computed here, once.

use std::collections::HashMap;
use std::io::{self, Read};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use serde::Deserialize;
use tallyman_model::digest::{Algorithm, Digest};
use tallyman_model::image::{Compression, LayerDescriptor, ResolvedImage};
use tallyman_model::limits::Limits;
use tallyman_model::reference::ImageReference;

use crate::archive::TarIndex;
use crate::archive::segment::Segment;
use crate::document::json;
use crate::error::{SourceError, list, quoted};
use crate::media_type::{DOCKER_LAYER, DOCKER_LAYER_GZIP, DOCKER_LAYER_ZSTD};
use crate::options::SourceOptions;
use crate::resolve::{ConfigParts, check_layer_count};
use crate::verify::{Hasher, digest_of};

/// An archive whose list of images has been read. What its layers hash to is remembered, since
/// images share them.
#[derive(Debug)]
pub(crate) struct DockerArchive {
    index: TarIndex,
    items: Vec<Item>,
    hashed: Mutex<HashMap<u64, LayerDescriptor>>,
}

/// An image of the archive, by the names it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ArchivedImage {
    /// What chooses it: its place in the list (containers-transports(5), "docker-archive").
    pub(crate) reference: String,
    /// Its first tag.
    pub(crate) name: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
struct Item {
    #[serde(rename = "Config")]
    config: String,
    #[serde(default, rename = "RepoTags")]
    repo_tags: Option<Vec<String>>,
    #[serde(default, rename = "Layers")]
    layers: Option<Vec<String>>,
}

impl DockerArchive {
    /// Opens an archive. Blocks.
    pub(crate) fn open(path: &Path, limits: &Limits) -> Result<Self, SourceError> {
        let index = TarIndex::open(path)?;
        let manifest = read(&index, "manifest.json", "manifest-bytes", limits.manifest_bytes)?;
        let items = json(&format!("manifest.json of {}", path.display()), &manifest)?;
        Ok(DockerArchive { index, items, hashed: Mutex::default() })
    }

    /// Lists the images.
    pub(crate) fn images(&self) -> Vec<ArchivedImage> {
        let image = |(index, item): (usize, &Item)| ArchivedImage {
            reference: format!("@{index}"),
            name: item.repo_tags.iter().flatten().next().cloned(),
        };
        self.items.iter().enumerate().map(image).collect()
    }

    /// Resolves one image and finds the bytes of its layers. Blocks, and reads layers that it has
    /// not read before.
    pub(crate) fn resolve(
        &self,
        reference: Option<&str>,
        options: &SourceOptions,
    ) -> Result<(ResolvedImage, Vec<Segment>), SourceError> {
        let limits = &options.limits;
        let place = self.index.path().display().to_string();
        let item = self.choose(&place, reference)?;
        let names = item.layers.as_deref().unwrap_or_default();
        check_layer_count(&place, names.len(), limits)?;
        let tag = item.repo_tags.iter().flatten().next().map(String::as_str);
        let named = reference.filter(|reference| place_in_list(reference).is_none());
        let name = named.or(tag).unwrap_or(&place).to_owned();
        let config = read(&self.index, &item.config, "config-bytes", limits.config_bytes)?;
        let config_digest = config_digest(&place, &item.config, &config)?;
        let parts = ConfigParts::parse(&name, &config, names.len())?;
        if let Some(wanted) = &options.platform
            && !parts.platform.satisfies(wanted)
        {
            return Err(SourceError::PlatformNotFound {
                subject: name,
                wanted: wanted.clone(),
                available: vec![parts.platform.to_string()],
            });
        }
        let (layers, segments) = self.layers(names, limits.layer_bytes)?;
        let image = ResolvedImage {
            name,
            manifest_digest: None,
            config_digest,
            platform: parts.platform,
            created_ms: parts.created_ms,
            layers,
        };
        Ok((image, segments))
    }

    fn choose(&self, place: &str, reference: Option<&str>) -> Result<&Item, SourceError> {
        let by_place = reference.and_then(place_in_list);
        let is_meant = |(index, item): &(usize, &Item)| match (by_place, reference) {
            (Some(place), _) => *index == place,
            (None, Some(reference)) => is_named(item, reference),
            (None, None) => true,
        };
        let found: Vec<(usize, &Item)> = self.items.iter().enumerate().filter(is_meant).collect();
        match (found.as_slice(), reference) {
            ([(_, item)], _) => Ok(item),
            ([], Some(reference)) => Err(SourceError::NotFound {
                subject: format!("{} in {place}", quoted(reference)),
                hint: format!("available: {}", list(&self.available())),
            }),
            ([], None) => Err(SourceError::malformed(place, "it holds no image")),
            (_, _) => Err(SourceError::Ambiguous {
                subject: place.to_owned(),
                available: self.available(),
            }),
        }
    }

    /// Says what may follow the path; the names of one image are one entry.
    fn available(&self) -> Vec<String> {
        let shown = |(index, item): (usize, &Item)| {
            let tags = item.repo_tags.iter().flatten().cloned().collect::<Vec<_>>();
            if tags.is_empty() { format!("@{index}") } else { tags.join(" = ") }
        };
        self.items.iter().enumerate().map(shown).collect()
    }

    /// Old versions link layers that occur twice, so each place in the file is hashed once.
    fn layers(
        &self,
        names: &[String],
        limit: u64,
    ) -> Result<(Vec<LayerDescriptor>, Vec<Segment>), SourceError> {
        let archive = &self.index;
        let mut known = self.hashed.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut layers, mut segments) = (Vec::new(), Vec::new());
        for name in names {
            let segment = archive.find(name)?.ok_or_else(|| missing(archive, name))?;
            if segment.size_bytes() > limit {
                return Err(SourceError::LimitExceeded {
                    subject: format!("{} in {}", quoted(name), archive.path().display()),
                    limit: "layer-bytes",
                    maximum: limit,
                });
            }
            let layer = match known.get(&segment.offset()) {
                Some(layer) => layer.clone(),
                None => describe(segment.clone())
                    .map_err(|error| SourceError::io(archive.path(), error))?,
            };
            known.insert(segment.offset(), layer.clone());
            layers.push(layer);
            segments.push(segment);
        }
        Ok((layers, segments))
    }
}

/// Reads `@N`.
fn place_in_list(reference: &str) -> Option<usize> {
    reference.strip_prefix('@')?.parse().ok()
}

fn is_named(item: &Item, reference: &str) -> bool {
    let wanted = reference.parse::<ImageReference>();
    item.repo_tags.iter().flatten().any(|tag| {
        tag == reference
            || wanted
                .as_ref()
                .is_ok_and(|wanted| tag.parse().is_ok_and(|tag: ImageReference| tag == *wanted))
    }) || reference.parse::<Digest>().is_ok_and(|id| item.config.contains(id.hex()))
}

/// The name of the configuration is the image's id in every version of the format, so it is
/// checked like a digest.
fn config_digest(place: &str, name: &str, bytes: &[u8]) -> Result<Digest, SourceError> {
    let actual = digest_of(bytes, Algorithm::Sha256);
    let stem = name.rsplit('/').next().unwrap_or(name).trim_end_matches(".json");
    match format!("sha256:{stem}").parse::<Digest>() {
        Ok(expected) if expected != actual => Err(SourceError::DigestMismatch {
            subject: format!("the configuration in {place}"),
            expected,
            actual,
        }),
        _ => Ok(actual),
    }
}

fn describe(mut segment: Segment) -> io::Result<LayerDescriptor> {
    let size_bytes = segment.size_bytes();
    let mut hasher = Hasher::new(Algorithm::Sha256);
    let mut buffer = vec![0; 128 << 10];
    let mut compression = None;
    loop {
        let read = segment.read(&mut buffer)?;
        let bytes = &buffer[..read];
        compression.get_or_insert_with(|| sniff(bytes));
        if read == 0 {
            break;
        }
        hasher.update(bytes);
    }
    let compression = compression.unwrap_or(Compression::None);
    let media_type = match compression {
        Compression::None => DOCKER_LAYER,
        Compression::Gzip => DOCKER_LAYER_GZIP,
        Compression::Zstd => DOCKER_LAYER_ZSTD,
    };
    Ok(LayerDescriptor {
        digest: hasher.finish(),
        size_bytes,
        compression: Some(compression),
        media_type: media_type.to_owned(),
        urls: Vec::new(),
    })
}

/// The format does not say how a layer is packed; its first bytes do.
fn sniff(bytes: &[u8]) -> Compression {
    match bytes {
        [0x1f, 0x8b, ..] => Compression::Gzip,
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Compression::Zstd,
        _ => Compression::None,
    }
}

fn read(
    archive: &TarIndex,
    name: &str,
    limit: &'static str,
    maximum: u64,
) -> Result<Vec<u8>, SourceError> {
    archive.read(name, limit, maximum)?.ok_or_else(|| missing(archive, name))
}

fn missing(archive: &TarIndex, name: &str) -> SourceError {
    SourceError::NotFound {
        subject: format!("{} in {}", quoted(name), archive.path().display()),
        hint: "the archive is incomplete".to_owned(),
    }
}

#[cfg(test)]
mod tests;
