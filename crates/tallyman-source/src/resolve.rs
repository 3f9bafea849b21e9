//! From a manifest or an index to one image: choosing by platform, and checking that the
//! configuration and the manifest agree. Computes only; fetching is the caller's.

use std::collections::HashSet;

use tallyman_model::clock;
use tallyman_model::digest::Digest;
use tallyman_model::image::{LayerDescriptor, ResolvedImage};
use tallyman_model::limits::Limits;
use tallyman_model::platform::Platform;

use crate::document::{Config, Descriptor, Document, Manifest, RawPlatform, json};
use crate::error::SourceError;
use crate::media_type::{self, DocumentKind};

/// How many indexes may be inside one another (one in practice).
const MAX_INDEX_DEPTH: u32 = 3;
/// How many images are taken from one index; real ones have some twenty platforms.
const MAX_IMAGES: usize = 1_000;
/// How many manifests of attestations are taken for one image; builders write one.
const MAX_ATTESTATIONS: usize = 20;

/// What is to be fetched next.
#[derive(Debug)]
pub(crate) enum Step {
    /// The document was an index, and this entry of it was chosen.
    Descend(Descriptor),
    /// The document was a manifest; its configuration comes next.
    Image(Manifest),
}

/// The walk from a root document to one image.
pub(crate) struct Resolver<'a> {
    subject: String,
    wanted: Option<&'a Platform>,
    limits: &'a Limits,
    depth: u32,
    attestations: Vec<Descriptor>,
}

impl<'a> Resolver<'a> {
    pub(crate) fn new(
        subject: String,
        wanted: Option<&'a Platform>,
        limits: &'a Limits,
    ) -> Resolver<'a> {
        Resolver { subject, wanted, limits, depth: 0, attestations: Vec::new() }
    }

    /// Takes the verified bytes of a document and says what comes next.
    pub(crate) fn step(&mut self, bytes: &[u8], content_type: &str) -> Result<Step, SourceError> {
        match Document::parse(&format!("the manifest of {}", self.subject), bytes, content_type)? {
            Document::Manifest(manifest) => {
                self.check(&manifest)?;
                Ok(Step::Image(manifest))
            }
            Document::Index(manifests) => Ok(Step::Descend(self.choose(&manifests)?)),
        }
    }

    /// Chooses one entry of an index by platform.
    pub(crate) fn choose(&mut self, manifests: &[Descriptor]) -> Result<Descriptor, SourceError> {
        let entry = self.choose_image(manifests)?;
        self.attestations = attestations_of(&entry.digest, manifests);
        Ok(entry)
    }

    /// Returns what the index that named the image last names as attestations of it.
    pub(crate) fn into_attestations(self) -> Vec<Descriptor> {
        self.attestations
    }

    fn choose_image(&mut self, manifests: &[Descriptor]) -> Result<Descriptor, SourceError> {
        self.depth += 1;
        if self.depth > MAX_INDEX_DEPTH {
            return Err(SourceError::LimitExceeded {
                subject: self.subject.clone(),
                limit: "index depth",
                maximum: MAX_INDEX_DEPTH.into(),
            });
        }
        let real: Vec<&Descriptor> = manifests.iter().filter(|entry| is_image(entry)).collect();
        let host = Platform::host();
        let wanted = self.wanted.unwrap_or(&host);
        let fits = |entry: &&&Descriptor| {
            platform_of(entry.platform.as_ref()).is_some_and(|it| it.satisfies(wanted))
        };
        if let Some(entry) = real.iter().find(fits) {
            return Ok((*entry).clone());
        }
        if let [only] = real.as_slice()
            && platform_of(only.platform.as_ref()).is_none()
        {
            return Ok((*only).clone());
        }
        Err(SourceError::PlatformNotFound {
            subject: self.subject.clone(),
            wanted: wanted.clone(),
            available: real
                .iter()
                .map(|entry| {
                    platform_of(entry.platform.as_ref()).map_or_else(
                        || format!("{} (no platform)", entry.digest),
                        |p| p.to_string(),
                    )
                })
                .collect(),
        })
    }

    /// Puts the image together once its configuration has been read and verified.
    pub(crate) fn finish(
        &self,
        manifest: &Manifest,
        manifest_digest: Digest,
        config_bytes: &[u8],
    ) -> Result<ResolvedImage, SourceError> {
        let layers = manifest
            .layers
            .iter()
            .map(|layer| LayerDescriptor {
                digest: layer.digest.clone(),
                size_bytes: layer.size,
                compression: media_type::layer_compression(&layer.media_type),
                media_type: layer.media_type.clone(),
                urls: layer.urls.clone().unwrap_or_default(),
            })
            .collect();
        let parts = ConfigParts::parse(&self.subject, config_bytes, manifest.layers.len())?;
        // Entries of an index are trusted for their platform: images whose configuration names
        // the builder's platform are common. A lone manifest has nothing else that could tell.
        if let Some(wanted) = self.wanted
            && self.depth == 0
            && !parts.platform.satisfies(wanted)
        {
            return Err(SourceError::PlatformNotFound {
                subject: self.subject.clone(),
                wanted: wanted.clone(),
                available: vec![parts.platform.to_string()],
            });
        }
        Ok(ResolvedImage {
            name: self.subject.clone(),
            manifest_digest: Some(manifest_digest),
            config_digest: manifest.config.digest.clone(),
            platform: parts.platform,
            created_ms: parts.created_ms,
            layers,
        })
    }

    fn check(&self, manifest: &Manifest) -> Result<(), SourceError> {
        let config_type = &manifest.config.media_type;
        if !media_type::is_image_config(config_type) {
            return Err(SourceError::unsupported(
                &self.subject,
                format!(
                    "it is not a container image: its configuration has the type {config_type}"
                ),
            ));
        }
        check_layer_count(&self.subject, manifest.layers.len(), self.limits)
    }
}

/// The walk from some entries to the images of all platforms beneath them. Computes only, like
/// [`Resolver`].
pub(crate) struct PlatformWalk {
    subject: String,
    /// What is still to be looked at, the next one last, with its depth.
    pending: Vec<(Descriptor, u32)>,
    found: Vec<Descriptor>,
}

impl PlatformWalk {
    pub(crate) fn new(subject: String, entries: Vec<Descriptor>) -> Self {
        let mut walk = PlatformWalk { subject, pending: Vec::new(), found: Vec::new() };
        walk.push(entries, 0);
        walk
    }

    /// Returns the next document that has to be fetched, with its depth.
    pub(crate) fn next(&mut self) -> Option<(Descriptor, u32)> {
        while let Some((entry, depth)) = self.pending.pop() {
            // What is called a manifest is opened later, when it is its turn.
            match media_type::document_kind(&entry.media_type) {
                Some(DocumentKind::Manifest | DocumentKind::Schema1) => self.found.push(entry),
                Some(DocumentKind::Index) | None => return Some((entry, depth)),
            }
        }
        None
    }

    /// Takes the verified bytes of what [`PlatformWalk::next`] asked for.
    pub(crate) fn take(
        &mut self,
        entry: Descriptor,
        depth: u32,
        bytes: &[u8],
    ) -> Result<(), SourceError> {
        let subject = format!("the manifest of {}", self.subject);
        match Document::parse(&subject, bytes, &entry.media_type)? {
            Document::Manifest(_) => self.found.push(entry),
            Document::Index(_) if depth >= MAX_INDEX_DEPTH => {
                return Err(self.over("index depth", MAX_INDEX_DEPTH.into()));
            }
            Document::Index(entries) => self.push(entries, depth + 1),
        }
        if self.found.len() + self.pending.len() > MAX_IMAGES {
            let maximum = u64::try_from(MAX_IMAGES).unwrap_or(u64::MAX);
            return Err(self.over("images of an index", maximum));
        }
        Ok(())
    }

    /// Returns the manifests in the order of the index, each once.
    pub(crate) fn finish(self) -> Result<Vec<Descriptor>, SourceError> {
        let mut seen = HashSet::new();
        let mut found = self.found;
        found.retain(|entry| seen.insert(entry.digest.clone()));
        if found.is_empty() {
            return Err(SourceError::malformed(self.subject, "it holds no image"));
        }
        Ok(found)
    }

    fn push(&mut self, entries: Vec<Descriptor>, depth: u32) {
        let images = entries.into_iter().rev().filter(is_image);
        self.pending.extend(images.map(|entry| (entry, depth)));
    }

    fn over(&self, limit: &'static str, maximum: u64) -> SourceError {
        SourceError::LimitExceeded { subject: self.subject.clone(), limit, maximum }
    }
}

/// The parts of a configuration that an image is made of.
pub(crate) struct ConfigParts {
    pub(crate) platform: Platform,
    pub(crate) created_ms: Option<i64>,
    /// The digests of the layers' tars, from the base upwards.
    pub(crate) diff_ids: Vec<Digest>,
}

impl ConfigParts {
    /// Parses a configuration and checks that it has one diff id for each layer (image-spec,
    /// config.md, `rootfs`).
    pub(crate) fn parse(subject: &str, bytes: &[u8], layers: usize) -> Result<Self, SourceError> {
        let subject = format!("the configuration of {subject}");
        let config: Config = json(&subject, bytes)?;
        let diff_ids = config.rootfs.diff_ids.unwrap_or_default();
        if diff_ids.len() != layers {
            return Err(SourceError::malformed(
                subject,
                format!("it lists {} layers, the manifest {layers}", diff_ids.len()),
            ));
        }
        let Some(platform) = platform_of(Some(&config.platform)) else {
            return Err(SourceError::malformed(subject, "it names no os and architecture"));
        };
        // Docker writes the year 1 where it does not know.
        let created_ms =
            config.created.as_deref().and_then(clock::parse_rfc3339).filter(|ms| *ms >= 0);
        Ok(ConfigParts { platform, created_ms, diff_ids })
    }
}

pub(crate) fn check_layer_count(
    subject: &str,
    count: usize,
    limits: &Limits,
) -> Result<(), SourceError> {
    if count <= limits.layers {
        return Ok(());
    }
    Err(SourceError::LimitExceeded {
        subject: subject.to_owned(),
        limit: "layers",
        maximum: u64::try_from(limits.layers).unwrap_or(u64::MAX),
    })
}

/// Attestations are in an index beside the images, for the platform `unknown/unknown`
/// (docker/buildx, "Image attestation storage").
pub(crate) fn is_image(entry: &Descriptor) -> bool {
    let is_attestation = entry.platform.as_ref().is_some_and(|p| p.os == "unknown")
        || entry
            .annotations
            .as_ref()
            .is_some_and(|all| all.contains_key("vnd.docker.reference.type"));
    let known =
        entry.media_type.is_empty() || media_type::document_kind(&entry.media_type).is_some();
    known && !is_attestation
}

/// Returns what an index names as attestations of an image in it.
pub(crate) fn attestations_of(image: &Digest, manifests: &[Descriptor]) -> Vec<Descriptor> {
    let attestations = manifests.iter().filter(|entry| is_attestation_of(entry, image));
    attestations.take(MAX_ATTESTATIONS).cloned().collect()
}

/// Tells whether an entry of an index is a manifest of attestations of another entry (docker/buildx,
/// "Image attestation storage", "Attestation Manifest Descriptor").
fn is_attestation_of(entry: &Descriptor, image: &Digest) -> bool {
    let annotation = |name: &str| entry.annotations.as_ref()?.get(name).map(String::as_str);
    annotation("vnd.docker.reference.type") == Some("attestation-manifest")
        && annotation("vnd.docker.reference.digest").and_then(|it| it.parse().ok()).as_ref()
            == Some(image)
}

pub(crate) fn platform_of(raw: Option<&RawPlatform>) -> Option<Platform> {
    let raw = raw?;
    let named = !raw.os.is_empty() && !raw.architecture.is_empty();
    named.then(|| Platform {
        os: raw.os.clone(),
        architecture: raw.architecture.clone(),
        variant: raw.variant.clone().filter(|variant| !variant.is_empty()),
    })
}

#[cfg(test)]
mod tests;
