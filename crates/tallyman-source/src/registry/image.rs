//! One image of a registry: its manifest, its configuration, its layers.

use std::io::Read;
use std::sync::Arc;

use tallyman_model::digest::{Algorithm, Digest};
use tallyman_model::image::{LayerDescriptor, LayerToc, ResolvedImage};
use tallyman_model::reference::ImageReference;
use tokio::runtime::Handle;

use crate::document::Descriptor;
use crate::error::SourceError;
use crate::layout::check_size;
use crate::media_type::ACCEPT_MANIFESTS;
use crate::options::{LayerReading, SourceOptions};
use crate::registry::artifact::Wanted;
use crate::registry::attached::AttachedSboms;
use crate::registry::facts::RegistryFacts;
use crate::registry::ranges::RangedBlob;
use crate::registry::session::{Bounds, Session, Tokens};
use crate::registry::transport::{Part, Request, Transport};
use crate::registry::{blob, toc};
use crate::resolve::{PlatformWalk, Resolver, Step};
use crate::verify::{digest_of, verify};

/// An image that has been resolved, with the session its layers come through.
#[derive(Debug)]
pub(crate) struct RegistryImage {
    session: Arc<Session>,
    facts: RegistryFacts,
    options: Arc<SourceOptions>,
    /// The index that the image was chosen from, with what it names as attestations of it.
    index: FromIndex,
    /// For each layer, if it has one that is to be used.
    tocs: Vec<Option<LayerToc>>,
}

impl RegistryImage {
    pub(crate) async fn open(
        reference: ImageReference,
        options: &Arc<SourceOptions>,
        transport: Arc<Transport>,
        tokens: Arc<Tokens>,
    ) -> Result<(ResolvedImage, Self), SourceError> {
        let session = Session::connect(&reference, options, transport, tokens).await?;
        let name = reference.to_string();
        let maximum = options.limits.manifest_bytes;
        let Root { mut bytes, mut content_type, mut digest } =
            root(&session, &reference, maximum).await?;
        let facts = RegistryFacts {
            host: session.host().to_owned(),
            is_https: session.is_https(),
            repository: reference.repository().to_owned(),
            tag: reference.tag().map(str::to_owned),
            digest: digest.clone(),
            is_public: session.is_public(),
        };
        let mut resolver = Resolver::new(name, options.platform.as_ref(), &options.limits);
        let (image, tocs) = loop {
            match resolver.step(&bytes, &content_type)? {
                Step::Descend(entry) => {
                    bytes = fetch(&session, options, Kind::Manifest, &entry).await?;
                    digest = entry.digest;
                    content_type = entry.media_type;
                }
                Step::Image(manifest) => {
                    let config = fetch(&session, options, Kind::Config, &manifest.config).await?;
                    let tocs = match options.layer_reading {
                        LayerReading::ByToc => manifest.layers.iter().map(find_toc).collect(),
                        LayerReading::Whole => Vec::new(),
                    };
                    break (resolver.finish(&manifest, digest, &config)?, tocs);
                }
            }
        };
        let index = FromIndex::Read(resolver.into_attestations());
        let (session, options) = (Arc::new(session), Arc::clone(options));
        Ok((image, RegistryImage { session, facts, options, index, tocs }))
    }

    /// Tells which index the image was listed in, for one that was opened by its own digest.
    pub(crate) fn set_index(&mut self, index: Descriptor) {
        self.index = FromIndex::Listed(index);
    }

    /// Begins to look for bills of materials that are attached to the image.
    pub(crate) fn attached_sboms(&self, manifest: Digest) -> AttachedSboms {
        self.attached(manifest, Wanted::Sboms)
    }

    /// Begins to look for VEX documents that are attached to the image.
    pub(crate) fn attached_vex(&self, manifest: Digest) -> AttachedSboms {
        self.attached(manifest, Wanted::Vex)
    }

    fn attached(&self, manifest: Digest, wanted: Wanted) -> AttachedSboms {
        let (session, options) = (Arc::clone(&self.session), Arc::clone(&self.options));
        let root = self.facts.digest.clone();
        AttachedSboms::new(session, options, [manifest, root], self.index.clone(), wanted)
    }

    pub(crate) fn facts(&self) -> &RegistryFacts {
        &self.facts
    }

    /// Returns the table of contents of a layer, if it is to be read by that.
    pub(crate) fn toc(&self, index: usize) -> Option<&LayerToc> {
        self.tocs.get(index)?.as_ref()
    }

    /// Returns a layer of which ranges can be read; `None` outside a runtime.
    pub(crate) fn ranged(&self, layer: &LayerDescriptor) -> Option<RangedBlob> {
        Some(RangedBlob {
            session: Arc::clone(&self.session),
            subject: subject(&self.session, &layer.digest),
            url: self.session.url("blobs", &layer.digest.to_string()).ok()?,
            timeout: self.options.timeouts.layer,
            runtime: Handle::try_current().ok()?,
            fetched: Arc::default(),
        })
    }

    pub(crate) async fn open_layer(
        &self,
        layer: &LayerDescriptor,
    ) -> Result<Box<dyn Read + Send>, SourceError> {
        let subject = subject(&self.session, &layer.digest);
        let url = self.session.url("blobs", &layer.digest.to_string())?;
        let download = blob::Download {
            session: Arc::clone(&self.session),
            subject,
            url,
            size_bytes: layer.size_bytes,
        };
        download.start(self.options.timeouts.layer).await
    }
}

/// What is known of the index that an image was chosen from.
#[derive(Clone, Debug)]
pub(super) enum FromIndex {
    /// It was read on the way to the image, and names these as attestations of it; none where
    /// there is no index.
    Read(Vec<Descriptor>),
    /// It was read for the list of its images.
    Listed(Descriptor),
}

/// Lists the images of all platforms that a reference stands for, and describes the index that
/// names them, or the only one of them.
pub(crate) async fn list_platforms(
    reference: &ImageReference,
    options: &SourceOptions,
    transport: Arc<Transport>,
    tokens: Arc<Tokens>,
) -> Result<(Vec<Descriptor>, Descriptor), SourceError> {
    let session = Session::connect(reference, options, transport, tokens).await?;
    let root = root(&session, reference, options.limits.manifest_bytes).await?;
    let size = u64::try_from(root.bytes.len()).unwrap_or(u64::MAX);
    let mut entry = Descriptor::of_document(root.digest, size);
    entry.media_type = root.content_type;
    let mut walk = PlatformWalk::new(reference.to_string(), Vec::new());
    walk.take(entry.clone(), 0, &root.bytes)?;
    let root = entry;
    while let Some((entry, depth)) = walk.next() {
        let bytes = fetch(&session, options, Kind::Manifest, &entry).await?;
        walk.take(entry, depth, &bytes)?;
    }
    Ok((walk.finish()?, root))
}

/// The manifest or index that a reference stands for.
struct Root {
    bytes: Vec<u8>,
    content_type: String,
    digest: Digest,
}

async fn root(
    session: &Session,
    reference: &ImageReference,
    maximum: u64,
) -> Result<Root, SourceError> {
    let name = reference.to_string();
    let url = session.url("manifests", &reference.version())?;
    let request = Request { url, accept: ACCEPT_MANIFESTS, part: Part::Whole };
    let (bytes, content_type) =
        session.get_small(&name, &request, "manifest-bytes", maximum).await?;
    // Asked by tag, the digest is that of the bytes: a header of the registry is a claim.
    let digest = match reference.digest() {
        Some(digest) => {
            verify(&name, &bytes, digest)?;
            digest.clone()
        }
        None => digest_of(&bytes, Algorithm::Sha256),
    };
    Ok(Root { bytes, content_type, digest })
}

/// A smaller layer is there sooner than its table of contents and what that leads to.
const BYTES_WORTH_A_TABLE: u64 = 256 << 10;

fn find_toc(layer: &Descriptor) -> Option<LayerToc> {
    (layer.size >= BYTES_WORTH_A_TABLE).then(|| toc::find(layer)).flatten()
}

/// What a descriptor names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Manifest,
    Config,
    Sbom,
}

/// Gets and verifies something that a descriptor names, unless it was kept from before.
pub(super) async fn fetch(
    session: &Session,
    options: &SourceOptions,
    kind: Kind,
    descriptor: &Descriptor,
) -> Result<Vec<u8>, SourceError> {
    let (limits, request) = (&options.limits, options.timeouts.request);
    let (place, accept, limit, maximum, timeout) = match kind {
        Kind::Manifest => {
            ("manifests", ACCEPT_MANIFESTS, "manifest-bytes", limits.manifest_bytes, request)
        }
        Kind::Config => ("blobs", "*/*", "config-bytes", limits.config_bytes, request),
        // One may be as large as a layer.
        Kind::Sbom => ("blobs", "*/*", "sbom-bytes", limits.sbom_bytes, options.timeouts.layer),
    };
    let documents = options.documents.as_ref().filter(|_| kind != Kind::Sbom);
    let kept = documents.and_then(|documents| documents.find(&descriptor.digest, maximum));
    if let Some(bytes) = kept {
        return Ok(bytes);
    }
    let subject = subject(session, &descriptor.digest);
    if descriptor.size > maximum {
        return Err(SourceError::LimitExceeded { subject, limit, maximum });
    }
    let url = session.url(place, &descriptor.digest.to_string())?;
    let request = Request { url, accept, part: Part::Whole };
    let bounds = Bounds { limit, maximum, timeout };
    let bytes = session.get_whole(&subject, &request, &bounds).await?.bytes;
    check_size(&subject, &bytes, descriptor)?;
    verify(&subject, &bytes, &descriptor.digest)?;
    if let Some(documents) = documents {
        documents.keep(&descriptor.digest, &bytes);
    }
    Ok(bytes)
}

fn subject(session: &Session, digest: &Digest) -> String {
    format!("{digest} at {}", session.host())
}
