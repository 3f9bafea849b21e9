//! Opening an image wherever it is: one entry point, one handle for its layers.

use std::io::Read;
use std::ops::Range;
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};

use tallyman_model::image::{LayerDescriptor, LayerToc, ResolvedImage};
use tallyman_model::platform::Platform;

use crate::archive::TarIndex;
use crate::archive::segment::Segment;
use crate::background;
use crate::containerd::Containerd;
use crate::containers_storage::{ContainersStorage, StoredLayerFiles};
use crate::docker_archive::DockerArchive;
use crate::document::Descriptor;
use crate::error::{SourceError, quoted};
use crate::layout::Layout;
use crate::location::Location;
use crate::media_type;
use crate::options::SourceOptions;
use crate::registry::attached::AttachedSboms;
use crate::registry::facts::RegistryFacts;
use crate::registry::image::RegistryImage;
use crate::registry::ranges::RangedBlob;
use crate::registry::session::Tokens;
use crate::registry::transport::Transport;
use crate::webhook::WebhookClient;

/// Opens images; keeps connections and tokens of registries from one image to the next. Clones
/// share them.
#[derive(Clone, Debug)]
pub struct Sources {
    options: Arc<SourceOptions>,
    /// Made when the first registry is asked: the machine's certificates are many files, and a
    /// local image needs none of them.
    transport: Arc<OnceLock<Arc<Transport>>>,
    tokens: Arc<Tokens>,
    webhooks: Arc<OnceLock<WebhookClient>>,
}

/// An image whose manifest and configuration have been read and verified, and whose layers can be
/// read. It can be shared between threads.
#[derive(Debug)]
pub struct OpenImage {
    image: ResolvedImage,
    layers: Layers,
    layer_bytes_limit: u64,
}

/// A layer of which single ranges can be read.
#[derive(Debug)]
pub struct RangedLayer {
    blob: RangedBlob,
}

#[derive(Debug)]
enum Layers {
    Layout(Arc<Layout>),
    Segments(Vec<Segment>),
    Storage(Vec<StoredLayerFiles>),
    Registry(Box<RegistryImage>),
}

/// Opens one image. A program that opens many keeps a [`Sources`].
pub async fn open(location: &Location, options: &SourceOptions) -> Result<OpenImage, SourceError> {
    Sources::new(options.clone())?.open(location).await
}

impl Sources {
    /// Prepares the HTTP clients; fails where the options hold a bad certificate or proxy.
    pub fn new(options: SourceOptions) -> Result<Self, SourceError> {
        let sources = Sources {
            options: Arc::new(options),
            transport: Arc::default(),
            tokens: Arc::default(),
            webhooks: Arc::default(),
        };
        if !sources.options.extra_ca_pem.is_empty() || sources.options.proxy.is_some() {
            sources.transport()?;
        }
        Ok(sources)
    }

    fn transport(&self) -> Result<Arc<Transport>, SourceError> {
        if let Some(transport) = self.transport.get() {
            return Ok(Arc::clone(transport));
        }
        let transport = Arc::new(Transport::new(&self.options)?);
        Ok(Arc::clone(self.transport.get_or_init(|| transport)))
    }

    /// Returns what sends messages to webhooks, with the trust of the options.
    ///
    /// # Errors
    ///
    /// [`SourceError::Malformed`] where the options hold a bad certificate.
    pub fn webhooks(&self) -> Result<&WebhookClient, SourceError> {
        if let Some(client) = self.webhooks.get() {
            return Ok(client);
        }
        let client = WebhookClient::new(&self.options.extra_ca_pem)?;
        Ok(self.webhooks.get_or_init(|| client))
    }

    /// Opens an image for the platform of the options.
    pub async fn open(&self, location: &Location) -> Result<OpenImage, SourceError> {
        self.open_with(location, Arc::clone(&self.options)).await
    }

    /// Opens an image for another platform than that of the options.
    pub async fn open_for(
        &self,
        location: &Location,
        platform: &Platform,
    ) -> Result<OpenImage, SourceError> {
        let mut options = SourceOptions::clone(&self.options);
        options.platform = Some(platform.clone());
        self.open_with(location, Arc::new(options)).await
    }

    async fn open_with(
        &self,
        location: &Location,
        options: Arc<SourceOptions>,
    ) -> Result<OpenImage, SourceError> {
        let subject = location.to_string();
        let layer_bytes_limit = options.limits.layer_bytes;
        let (image, layers) = match location.clone() {
            Location::Registry(reference) => {
                let transport = self.transport()?;
                let (image, layers) =
                    RegistryImage::open(reference, &options, transport, Arc::clone(&self.tokens))
                        .await?;
                (image, Layers::Registry(Box::new(layers)))
            }
            Location::Directory { .. } => {
                let reason = "it is a directory and no image; `tallyman scan` reads it";
                return Err(SourceError::unsupported(subject, reason));
            }
            Location::ContainersStorage { store, reference } => {
                background::run(&subject, move || {
                    let storage = ContainersStorage::open(store.as_ref(), &options)?;
                    let (image, files) = storage.resolve(reference.as_deref(), &options)?;
                    Ok((image, Layers::Storage(files)))
                })
                .await?
            }
            Location::Containerd { root, reference } => {
                background::run(&subject, move || {
                    let store = Containerd::open(root.as_deref(), &options)?;
                    let (image, content) = store.resolve(reference.as_deref(), &options)?;
                    Ok((image, Layers::Layout(Arc::new(content))))
                })
                .await?
            }
            Location::Sbom { .. } => {
                let reason = "it is a bill of materials and no image; `tallyman scan` judges it";
                return Err(SourceError::unsupported(subject, reason));
            }
            Location::OciLayout { path, reference } => {
                background::run(&subject, move || {
                    resolve_layout(Layout::Directory(path), reference.as_deref(), &options)
                })
                .await?
            }
            Location::OciArchive { path, reference } => {
                background::run(&subject, move || {
                    let layout = Layout::Archive(TarIndex::open(&path)?);
                    resolve_layout(layout, reference.as_deref(), &options)
                })
                .await?
            }
            Location::DockerArchive { path, reference } => {
                background::run(&subject, move || {
                    let archive = DockerArchive::open(&path, &options.limits)?;
                    let (image, segments) = archive.resolve(reference.as_deref(), &options)?;
                    Ok((image, Layers::Segments(segments)))
                })
                .await?
            }
        };
        Ok(OpenImage { image, layers, layer_bytes_limit })
    }

    /// Opens an image of an archive that has been opened before.
    pub(crate) async fn open_archived(
        &self,
        location: &Location,
        archive: Arc<DockerArchive>,
        reference: Option<String>,
    ) -> Result<OpenImage, SourceError> {
        let options = Arc::clone(&self.options);
        let layer_bytes_limit = options.limits.layer_bytes;
        let (image, segments) = background::run(&location.to_string(), move || {
            archive.resolve(reference.as_deref(), &options)
        })
        .await?;
        Ok(OpenImage { image, layers: Layers::Segments(segments), layer_bytes_limit })
    }

    pub(crate) fn options(&self) -> &Arc<SourceOptions> {
        &self.options
    }

    pub(crate) fn connections(&self) -> Result<(Arc<Transport>, Arc<Tokens>), SourceError> {
        Ok((self.transport()?, Arc::clone(&self.tokens)))
    }
}

fn resolve_layout(
    layout: Layout,
    reference: Option<&str>,
    options: &SourceOptions,
) -> Result<(ResolvedImage, Layers), SourceError> {
    let image = layout.resolve(reference, options)?;
    Ok((image, Layers::Layout(Arc::new(layout))))
}

impl OpenImage {
    /// Returns the image as its manifest and configuration describe it.
    pub fn image(&self) -> &ResolvedImage {
        &self.image
    }

    pub(crate) fn named(mut self, name: String) -> Self {
        self.image.name = name;
        self
    }

    /// Tells an image of a registry which index it was listed in.
    pub(crate) fn set_index(&mut self, index: Descriptor) {
        match &mut self.layers {
            Layers::Registry(registry) => registry.set_index(index),
            Layers::Layout(_) | Layers::Segments(_) | Layers::Storage(_) => {}
        }
    }

    /// Returns what is known of the registry, for an image that came from one.
    pub fn registry_facts(&self) -> Option<&RegistryFacts> {
        match &self.layers {
            Layers::Registry(registry) => Some(registry.facts()),
            Layers::Layout(_) | Layers::Segments(_) | Layers::Storage(_) => None,
        }
    }

    /// Begins to look for bills of materials that are attached to the image; `None` where it came
    /// from no registry.
    pub fn attached_sboms(&self) -> Option<AttachedSboms> {
        match &self.layers {
            Layers::Registry(registry) => {
                let manifest = self.image.manifest_digest.clone()?;
                Some(registry.attached_sboms(manifest))
            }
            Layers::Layout(_) | Layers::Segments(_) | Layers::Storage(_) => None,
        }
    }

    /// Begins to look for VEX documents that are attached to the image; `None` where it came
    /// from no registry.
    pub fn attached_vex(&self) -> Option<AttachedSboms> {
        match &self.layers {
            Layers::Registry(registry) => {
                let manifest = self.image.manifest_digest.clone()?;
                Some(registry.attached_vex(manifest))
            }
            Layers::Layout(_) | Layers::Segments(_) | Layers::Storage(_) => None,
        }
    }

    /// Returns the table of contents of a layer, for one that can be read by that.
    pub fn layer_toc(&self, index: usize) -> Option<&LayerToc> {
        match &self.layers {
            Layers::Registry(registry) => registry.toc(index),
            Layers::Layout(_) | Layers::Segments(_) | Layers::Storage(_) => None,
        }
    }

    /// Returns a layer of which ranges can be read; `None` where the source has none. It is to be
    /// called on the async runtime, and the layer read elsewhere.
    pub fn ranged_layer(&self, index: usize) -> Option<RangedLayer> {
        match &self.layers {
            Layers::Registry(registry) => {
                let layer = self.image.layers.get(index)?;
                let is_allowed = layer.size_bytes <= self.layer_bytes_limit;
                let blob = is_allowed.then(|| registry.ranged(layer)).flatten()?;
                Some(RangedLayer { blob })
            }
            Layers::Layout(_) | Layers::Segments(_) | Layers::Storage(_) => None,
        }
    }

    /// Opens the bytes of a layer as they are stored, counted from the base. The reader gives
    /// exactly as many bytes as the layer's descriptor says, or an error; whether they have the
    /// layer's digest is for the reader's owner to check.
    ///
    /// The reader blocks: it must not be read on a thread of the async runtime. Dropping it ends
    /// the download.
    pub async fn open_layer(&self, index: usize) -> Result<Box<dyn Read + Send>, SourceError> {
        let Some(layer) = self.image.layers.get(index) else {
            return Err(SourceError::NotFound {
                subject: format!("layer {index} of {}", self.image.name),
                hint: format!("it has {} layers", self.image.layers.len()),
            });
        };
        if layer.size_bytes > self.layer_bytes_limit {
            return Err(SourceError::LimitExceeded {
                subject: format!("layer {} of {}", layer.digest, self.image.name),
                limit: "layer-bytes",
                maximum: self.layer_bytes_limit,
            });
        }
        let opened: Result<Box<dyn Read + Send>, _> = match &self.layers {
            Layers::Registry(registry) => registry.open_layer(layer).await,
            Layers::Segments(segments) => match segments.get(index) {
                Some(segment) => Ok(Box::new(segment.clone())),
                None => Err(SourceError::malformed(&self.image.name, "a layer has no bytes")),
            },
            Layers::Storage(files) => match files.get(index).cloned() {
                Some(files) => {
                    let size_bytes = layer.size_bytes;
                    background::run(&self.image.name, move || files.open(size_bytes)).await
                }
                None => Err(SourceError::malformed(&self.image.name, "a layer has no files")),
            },
            Layers::Layout(layout) => {
                let (layout, layer) = (Arc::clone(layout), layer.clone());
                background::run(&self.image.name, move || {
                    layout.open_blob(&layer.digest, layer.size_bytes)
                })
                .await
            }
        };
        match opened {
            Err(SourceError::NotFound { .. }) if is_elsewhere(layer) => Err(elsewhere(layer)),
            opened => opened,
        }
    }
}

impl RangedLayer {
    /// Begins to fetch ranges of the layer's stored bytes. The reader gives all of them, one after
    /// the other, or an error; it blocks, and dropping it ends the requests.
    pub fn read(&self, ranges: Vec<Range<u64>>) -> Box<dyn Read + Send> {
        self.blob.read(ranges)
    }

    /// Returns how many bytes have been fetched so far.
    pub fn fetched_bytes(&self) -> u64 {
        self.blob.fetched.load(Ordering::Relaxed)
    }
}

fn is_elsewhere(layer: &LayerDescriptor) -> bool {
    media_type::is_foreign(&layer.media_type) || !layer.urls.is_empty()
}

/// Fetching it would let a manifest make this machine connect to any address.
fn elsewhere(layer: &LayerDescriptor) -> SourceError {
    let place = match layer.urls.first() {
        Some(url) => format!("its manifest says it is at {}", quoted(url)),
        None => "its manifest does not say where it is".to_owned(),
    };
    SourceError::Unsupported {
        subject: format!("layer {}", layer.digest),
        reason: format!(
            "it is a foreign layer ({}), which is not stored with the image; {place}, and nothing \
             is fetched from there",
            quoted(&layer.media_type)
        ),
    }
}

#[cfg(test)]
mod tests;
