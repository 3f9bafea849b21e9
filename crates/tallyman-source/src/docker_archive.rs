//! `docker save` archives (moby image-spec v1.2, "Combined Image JSON + Filesystem Changeset
//! Format"). They have no manifest with digests, so the digests are computed here, once.

use std::collections::HashMap;
use std::io::{self, Read};

use serde::Deserialize;
use tallyman_model::digest::{Algorithm, Digest};
use tallyman_model::image::{Compression, LayerDescriptor, ResolvedImage};
use tallyman_model::reference::ImageReference;

use crate::archive::TarIndex;
use crate::archive::segment::Segment;
use crate::document::json;
use crate::error::{SourceError, quoted};
use crate::media_type::{DOCKER_LAYER, DOCKER_LAYER_GZIP, DOCKER_LAYER_ZSTD};
use crate::options::SourceOptions;
use crate::resolve::{ConfigParts, check_layer_count};
use crate::verify::{Hasher, digest_of};

#[derive(Deserialize)]
struct Item {
    #[serde(rename = "Config")]
    config: String,
    #[serde(default, rename = "RepoTags")]
    repo_tags: Option<Vec<String>>,
    #[serde(default, rename = "Layers")]
    layers: Option<Vec<String>>,
}

/// Resolves one image of the archive and finds the bytes of its layers. Blocks, and reads the
/// whole image once.
pub(crate) fn resolve(
    archive: &TarIndex,
    reference: Option<&str>,
    options: &SourceOptions,
) -> Result<(ResolvedImage, Vec<Segment>), SourceError> {
    let limits = &options.limits;
    let place = archive.path().display().to_string();
    let manifest = read(archive, "manifest.json", "manifest-bytes", limits.manifest_bytes)?;
    let items: Vec<Item> = json(&format!("manifest.json of {place}"), &manifest)?;
    let item = choose(&place, items, reference)?;
    let names = item.layers.unwrap_or_default();
    check_layer_count(&place, names.len(), limits)?;
    let tags = item.repo_tags.unwrap_or_default();
    let name = reference.or(tags.first().map(String::as_str)).unwrap_or(&place).to_owned();
    let config = read(archive, &item.config, "config-bytes", limits.config_bytes)?;
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
    let (layers, segments) = layers(archive, &names, limits.layer_bytes)?;
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

fn choose(place: &str, items: Vec<Item>, reference: Option<&str>) -> Result<Item, SourceError> {
    let available: Vec<String> = items
        .iter()
        .map(|item| {
            let tags = item.repo_tags.iter().flatten().cloned().collect::<Vec<_>>();
            if tags.is_empty() { item.config.clone() } else { tags.join(" = ") }
        })
        .collect();
    let mut found: Vec<Item> =
        items.into_iter().filter(|item| reference.is_none_or(|r| is_named(item, r))).collect();
    match (found.len(), reference) {
        (1, _) => Ok(found.remove(0)),
        (0, Some(reference)) => Err(SourceError::NotFound {
            subject: format!("{} in {place}", quoted(reference)),
            hint: format!(
                "available: {}",
                available.iter().take(20).map(|name| quoted(name)).collect::<Vec<_>>().join(", ")
            ),
        }),
        (0, None) => Err(SourceError::malformed(place, "it holds no image")),
        (_, _) => Err(SourceError::Ambiguous { subject: place.to_owned(), available }),
    }
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

/// Old versions link layers that occur twice, so each place in the file is hashed once.
fn layers(
    archive: &TarIndex,
    names: &[String],
    limit: u64,
) -> Result<(Vec<LayerDescriptor>, Vec<Segment>), SourceError> {
    let mut known: HashMap<u64, LayerDescriptor> = HashMap::new();
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
            None => {
                describe(segment.clone()).map_err(|error| SourceError::io(archive.path(), error))?
            }
        };
        known.insert(segment.offset(), layer.clone());
        layers.push(layer);
        segments.push(segment);
    }
    Ok((layers, segments))
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
