//! One image of a registry: its manifest, its configuration, its layers.

use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use tallyman_model::digest::{Algorithm, Digest};
use tallyman_model::image::{LayerDescriptor, LayerToc, ResolvedImage};
use tallyman_model::reference::ImageReference;
use tokio::runtime::Handle;

use crate::document::Descriptor;
use crate::error::SourceError;
use crate::layout::check_size;
use crate::media_type::ACCEPT_MANIFESTS;
use crate::options::{LayerReading, SourceOptions};
use crate::registry::facts::RegistryFacts;
use crate::registry::ranges::RangedBlob;
use crate::registry::session::{Session, Tokens};
use crate::registry::transport::{Part, Request, Transport};
use crate::registry::{blob, toc};
use crate::resolve::{PlatformWalk, Resolver, Step};
use crate::verify::{digest_of, verify};

/// An image that has been resolved, with the session its layers come through.
#[derive(Debug)]
pub(crate) struct RegistryImage {
    session: Arc<Session>,
    facts: RegistryFacts,
    layer_timeout: Duration,
    /// For each layer, if it has one that is to be used.
    tocs: Vec<Option<LayerToc>>,
}

impl RegistryImage {
    pub(crate) async fn open(
        reference: ImageReference,
        options: &SourceOptions,
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
                    bytes = fetch(&session, options, "manifests", &entry).await?;
                    digest = entry.digest;
                    content_type = entry.media_type;
                }
                Step::Image(manifest) => {
                    let config = fetch(&session, options, "blobs", &manifest.config).await?;
                    let tocs = match options.layer_reading {
                        LayerReading::ByToc => manifest.layers.iter().map(find_toc).collect(),
                        LayerReading::Whole => Vec::new(),
                    };
                    break (resolver.finish(&manifest, digest, &config)?, tocs);
                }
            }
        };
        let layer_timeout = options.timeouts.layer;
        Ok((image, RegistryImage { session: Arc::new(session), facts, layer_timeout, tocs }))
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
            timeout: self.layer_timeout,
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
        download.start(self.layer_timeout).await
    }
}

/// Lists the images of all platforms that a reference stands for.
pub(crate) async fn list_platforms(
    reference: &ImageReference,
    options: &SourceOptions,
    transport: Arc<Transport>,
    tokens: Arc<Tokens>,
) -> Result<Vec<Descriptor>, SourceError> {
    let session = Session::connect(reference, options, transport, tokens).await?;
    let root = root(&session, reference, options.limits.manifest_bytes).await?;
    let size = u64::try_from(root.bytes.len()).unwrap_or(u64::MAX);
    let mut entry = Descriptor::of_document(root.digest, size);
    entry.media_type = root.content_type;
    let mut walk = PlatformWalk::new(reference.to_string(), Vec::new());
    walk.take(entry, 0, &root.bytes)?;
    while let Some((entry, depth)) = walk.next() {
        let bytes = fetch(&session, options, "manifests", &entry).await?;
        walk.take(entry, depth, &bytes)?;
    }
    walk.finish()
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

/// Gets and verifies something that a descriptor names, unless it was kept from before.
async fn fetch(
    session: &Session,
    options: &SourceOptions,
    kind: &'static str,
    descriptor: &Descriptor,
) -> Result<Vec<u8>, SourceError> {
    let (limit, maximum) = match kind {
        "blobs" => ("config-bytes", options.limits.config_bytes),
        _ => ("manifest-bytes", options.limits.manifest_bytes),
    };
    let documents = options.documents.as_ref();
    let kept = documents.and_then(|documents| documents.find(&descriptor.digest, maximum));
    if let Some(bytes) = kept {
        return Ok(bytes);
    }
    let subject = subject(session, &descriptor.digest);
    if descriptor.size > maximum {
        return Err(SourceError::LimitExceeded { subject, limit, maximum });
    }
    let url = session.url(kind, &descriptor.digest.to_string())?;
    let accept = if kind == "blobs" { "*/*" } else { ACCEPT_MANIFESTS };
    let request = Request { url, accept, part: Part::Whole };
    let (bytes, _) = session.get_small(&subject, &request, limit, maximum).await?;
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
