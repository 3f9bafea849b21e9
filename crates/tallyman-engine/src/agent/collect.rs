//! Finding the images of this host: in engines, in layouts, or where the user points.
//!
//! Finding is apart from opening: an image is opened when its turn has come, so that no more than
//! one export of an engine takes space at a time.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tallyman_model::digest::Digest;
use tallyman_model::image::ResolvedImage;
use tallyman_model::platform::Platform;
use tallyman_source::engine::docker::DockerEngine;
use tallyman_source::engine::{EngineImage, EngineImageDetails};
use tallyman_source::error::SourceError;
use tallyman_source::listing::{Choice, Images, Platforms, Target};
use tallyman_source::location::Location;
use tallyman_source::open::{OpenImage, Sources};

use super::protocol::ReportedImage;

/// An image of this host that was found.
#[derive(Clone, Debug)]
pub enum HostImage {
    /// It is where a user or an option points.
    Located(Box<Target>),
    /// An engine lists it.
    Listed {
        /// The engine.
        engine: Arc<Engine>,
        /// What it says of the image.
        image: EngineImage,
    },
}

/// A Docker-compatible engine.
#[derive(Debug)]
pub struct Engine {
    client: DockerEngine,
    kind: &'static str,
}

/// What an engine has.
#[derive(Debug)]
pub struct EngineContents {
    /// The images.
    pub images: Vec<HostImage>,
    /// The number of running containers.
    pub running_containers: u32,
}

/// Lists what an engine has.
///
/// # Errors
///
/// A [`SourceError`] where the engine cannot be asked.
pub async fn list_engine(socket: &Path) -> Result<EngineContents, SourceError> {
    let client = DockerEngine::connect(socket).await?;
    let kind = if socket.to_string_lossy().contains("podman") { "podman" } else { "docker" };
    let info = client.info().await?;
    let listed = client.list_images().await?;
    let engine = Arc::new(Engine { client, kind });
    let found = |image| HostImage::Listed { engine: Arc::clone(&engine), image };
    Ok(EngineContents {
        images: listed.into_iter().map(found).collect(),
        running_containers: u32::try_from(info.containers_running).unwrap_or(u32::MAX),
    })
}

/// Lists all images under a location.
///
/// # Errors
///
/// A [`SourceError`] where there is none.
pub async fn list_location(
    sources: &Sources,
    location: &Location,
) -> Result<Vec<HostImage>, SourceError> {
    let images = match location.reference() {
        Some(_) => Images::One,
        None => Images::All,
    };
    let choice = Choice { images, platforms: Platforms::One };
    let targets = sources.list(location, choice).await?;
    Ok(targets.into_iter().map(|target| HostImage::Located(Box::new(target))).collect())
}

/// Opens found images. What an engine gave once is remembered in a directory, so that an image is
/// exported only while some of its layers are wanted.
#[derive(Debug)]
pub struct Opener {
    /// Images are opened with this.
    pub sources: Sources,
    /// Exports live here while they are read.
    pub temporary: PathBuf,
    /// The place of the memory.
    pub memory: PathBuf,
    /// The largest export, in bytes.
    pub max_export_bytes: u64,
}

/// An image with its bytes at hand.
#[derive(Debug)]
pub struct OpenedImage {
    /// What will be reported of it.
    pub reported: ReportedImage,
    /// Its bytes; `None` where it cannot be read, and the report says why.
    pub open: Option<Arc<OpenImage>>,
}

impl Opener {
    /// Returns what was remembered of an image, if it is still the same.
    pub async fn recall(&self, image: &HostImage) -> Option<ReportedImage> {
        let HostImage::Listed { engine, image: listed } = image else { return None };
        let text = fs::read(self.memory_of(&listed.id)).ok()?;
        let remembered: ResolvedImage = serde_json::from_slice(&text).ok()?;
        let details = engine.client.inspect_image(&listed.id).await.ok()?;
        let layers = remembered.layers.iter().map(|layer| &layer.digest);
        layers
            .eq(details.diff_ids.iter())
            .then(|| describe(engine.kind, listed, &details, remembered))
    }

    /// Opens an image. One that is broken, or that an engine cannot give, is opened as failed.
    ///
    /// # Errors
    ///
    /// A [`SourceError`] that may pass.
    pub async fn open(&self, image: &HostImage) -> Result<OpenedImage, SourceError> {
        match image {
            HostImage::Located(target) => open_target(&self.sources, target).await,
            HostImage::Listed { engine, image: listed } => {
                match self.open_listed(engine, listed).await {
                    Ok(opened) => Ok(opened),
                    Err(error) if error.is_transient() => Err(error),
                    Err(error) => Ok(unreadable(engine.kind, listed, &error)),
                }
            }
        }
    }

    async fn open_listed(
        &self,
        engine: &Engine,
        listed: &EngineImage,
    ) -> Result<OpenedImage, SourceError> {
        let details = engine.client.inspect_image(&listed.id).await?;
        let open = self.export(&engine.client, &listed.id).await?;
        self.remember(&listed.id, open.image());
        let reported = describe(engine.kind, listed, &details, open.image().clone());
        Ok(OpenedImage { reported, open: Some(open) })
    }

    /// Writes an image into a file that has no name any more once it is open.
    async fn export(
        &self,
        engine: &DockerEngine,
        id: &Digest,
    ) -> Result<Arc<OpenImage>, SourceError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| SourceError::Io { path, source }
        };
        fs::create_dir_all(&self.temporary).map_err(failed(&self.temporary))?;
        let path = self.temporary.join(format!("{}.tar", id.hex()));
        let mut file = tokio::fs::File::create(&path).await.map_err(failed(&path))?;
        let opened = match engine.export(id, &mut file, self.max_export_bytes).await {
            Ok(_) => {
                let location = Location::DockerArchive { path: path.clone(), reference: None };
                self.sources.open(&location).await.map(Arc::new)
            }
            Err(error) => Err(error),
        };
        if let Err(error) = fs::remove_file(&path) {
            tracing::warn!(%error, path = %path.display(), "an export could not be removed");
        }
        opened
    }

    fn memory_of(&self, id: &Digest) -> PathBuf {
        self.memory.join(format!("{}.json", id.hex()))
    }

    fn remember(&self, id: &Digest, image: &ResolvedImage) {
        let written = fs::create_dir_all(&self.memory).and_then(|()| {
            fs::write(self.memory_of(id), serde_json::to_vec(image).unwrap_or_default())
        });
        if let Err(error) = written {
            tracing::warn!(%error, image.id = %id, "an image will be exported again");
        }
    }
}

async fn open_target(sources: &Sources, target: &Target) -> Result<OpenedImage, SourceError> {
    let open = Arc::new(sources.open_target(target).await?);
    let (engine, names, public) = match target.location() {
        Location::Registry(reference) => {
            let public = open.registry_facts().and_then(|facts| facts.is_public);
            ("registry", vec![reference.to_string()], public)
        }
        Location::Directory { .. } => ("directory", Vec::new(), None),
        Location::Containerd { .. } => ("containerd", vec![open.image().name.clone()], None),
        Location::ContainersStorage { .. } => {
            ("containers-storage", vec![open.image().name.clone()], None)
        }
        Location::Sbom { .. } => ("sbom", Vec::new(), None),
        Location::OciLayout { path, .. } => ("oci-layout", names_of(open.image(), path), None),
        Location::OciArchive { path, .. } => ("oci-archive", names_of(open.image(), path), None),
        Location::DockerArchive { path, .. } => {
            ("docker-archive", names_of(open.image(), path), None)
        }
    };
    let reported = ReportedImage {
        engine: engine.to_owned(),
        names,
        image: open.image().clone(),
        engine_size_bytes: None,
        public,
        failure: None,
    };
    Ok(OpenedImage { reported, open: Some(open) })
}

/// An image without a name of its own is called after its path, which is no reference.
fn names_of(image: &ResolvedImage, path: &Path) -> Vec<String> {
    let name = &image.name;
    let is_path = name.starts_with(&path.display().to_string());
    if is_path { Vec::new() } else { vec![name.clone()] }
}

fn describe(
    kind: &str,
    listed: &EngineImage,
    details: &EngineImageDetails,
    mut image: ResolvedImage,
) -> ReportedImage {
    let mut names = tagged_names(listed);
    if names.is_empty() {
        names.clone_from(&listed.repo_digests);
    }
    image.name = names.iter().min().cloned().unwrap_or_else(|| listed.id.to_string());
    image.manifest_digest = details
        .repo_digests
        .iter()
        .filter_map(|name| name.split_once('@')?.1.parse::<Digest>().ok())
        .min();
    ReportedImage {
        engine: kind.to_owned(),
        names,
        image,
        engine_size_bytes: Some(listed.size_bytes),
        public: None,
        failure: None,
    }
}

fn tagged_names(listed: &EngineImage) -> Vec<String> {
    listed.repo_tags.iter().filter(|name| !name.contains("<none>")).cloned().collect()
}

/// What little is known of an image that the engine lists and cannot give.
fn unreadable(kind: &str, listed: &EngineImage, error: &SourceError) -> OpenedImage {
    let names = tagged_names(listed);
    let image = ResolvedImage {
        name: names.iter().min().cloned().unwrap_or_else(|| listed.id.to_string()),
        manifest_digest: None,
        config_digest: listed.id.clone(),
        platform: Platform::host(),
        created_ms: listed.created_ms,
        layers: Vec::new(),
    };
    let reported = ReportedImage {
        engine: kind.to_owned(),
        names,
        image,
        engine_size_bytes: Some(listed.size_bytes),
        public: None,
        failure: Some(format!("failed to {}", crate::analysis::chain(error))),
    };
    OpenedImage { reported, open: None }
}
