//! Which images a location stands for: one, all images of an archive or layout, all platforms.
//!
//! Listing opens no image. Each target can be opened by itself, so that one that is broken does
//! not hide the others.

use std::sync::Arc;

use tallyman_model::digest::Digest;
use tallyman_model::platform::Platform;

use crate::archive::TarIndex;
use crate::background;
use crate::containerd::Containerd;
use crate::containers_storage::ContainersStorage;
use crate::docker_archive::DockerArchive;
use crate::document::Descriptor;
use crate::error::SourceError;
use crate::layout::Layout;
use crate::location::Location;
use crate::open::{OpenImage, Sources};
use crate::options::SourceOptions;
use crate::registry::image::list_platforms;
use crate::resolve::platform_of;

/// Which images of a location are meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    /// Which images, where there are several.
    pub images: Images,
    /// Which platforms of each.
    pub platforms: Platforms,
}

/// Which images of an archive or a layout.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Images {
    /// The one that the location names, or the only one.
    #[default]
    One,
    /// All of them.
    All,
}

/// Which platforms of an image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Platforms {
    /// That of the options.
    #[default]
    One,
    /// All that there are. The options must name none.
    All,
}

/// One image that a location stands for.
#[derive(Clone, Debug)]
pub struct Target {
    location: Location,
    name: Option<String>,
    manifest_digest: Option<Digest>,
    platform: Option<Platform>,
    archive: Option<Arc<DockerArchive>>,
    /// The index of a registry that names it.
    index: Option<Descriptor>,
}

/// What a list within a layout says of one image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ListedImage {
    pub(crate) name: String,
    /// What chooses it within the layout.
    pub(crate) reference: String,
    pub(crate) manifest_digest: Option<Digest>,
    pub(crate) platform: Option<Platform>,
}

impl ListedImage {
    /// Describes an image that its digest chooses.
    pub(crate) fn entry(name: &str, entry: &Descriptor) -> Self {
        ListedImage {
            name: name.to_owned(),
            reference: entry.digest.to_string(),
            manifest_digest: Some(entry.digest.clone()),
            platform: platform_of(entry.platform.as_ref()),
        }
    }
}

impl Target {
    /// Returns where the image is; it can be opened from there again.
    pub fn location(&self) -> &Location {
        &self.location
    }

    /// Returns what the image is called.
    pub fn name(&self) -> String {
        self.name.clone().unwrap_or_else(|| self.location.to_string())
    }

    /// Returns the digest of the manifest or of its index, where the list has one.
    pub fn manifest_digest(&self) -> Option<&Digest> {
        self.manifest_digest.as_ref()
    }

    /// Returns the platform, where the list has one. It is a claim of the list.
    pub fn platform(&self) -> Option<&Platform> {
        self.platform.as_ref()
    }

    fn listed(location: &Location, listed: ListedImage) -> Self {
        Target {
            location: location.with_reference(listed.reference),
            name: Some(listed.name),
            manifest_digest: listed.manifest_digest,
            platform: listed.platform,
            archive: None,
            index: None,
        }
    }
}

impl From<Location> for Target {
    fn from(location: Location) -> Self {
        Target {
            location,
            name: None,
            manifest_digest: None,
            platform: None,
            archive: None,
            index: None,
        }
    }
}

impl Sources {
    /// Lists the images that a location stands for.
    pub async fn list(
        &self,
        location: &Location,
        choice: Choice,
    ) -> Result<Vec<Target>, SourceError> {
        if choice == Choice::default() {
            return Ok(vec![location.clone().into()]);
        }
        let options = Arc::clone(self.options());
        let this = location.clone();
        let subject = location.to_string();
        match location.clone() {
            Location::Directory { .. } | Location::Sbom { .. } => Ok(vec![this.into()]),
            Location::Registry(reference) => match choice.platforms {
                Platforms::One => Ok(vec![this.into()]),
                Platforms::All => {
                    let (transport, tokens) = self.connections()?;
                    let (found, index) =
                        list_platforms(&reference, &options, transport, tokens).await?;
                    let target = |entry: Descriptor| Target {
                        location: Location::Registry(reference.with_digest(entry.digest.clone())),
                        name: Some(reference.to_string()),
                        platform: platform_of(entry.platform.as_ref()),
                        index: (entry.digest != index.digest).then(|| index.clone()),
                        manifest_digest: Some(entry.digest),
                        archive: None,
                    };
                    Ok(found.into_iter().map(target).collect())
                }
            },
            Location::ContainersStorage { store, .. } => match choice.images {
                Images::One => Ok(vec![this.into()]),
                Images::All => {
                    background::run(&subject, move || {
                        let storage = ContainersStorage::open(store.as_ref(), &options)?;
                        let images = storage.images().into_iter();
                        Ok(images.map(|image| Target::listed(&this, image)).collect())
                    })
                    .await
                }
            },
            Location::Containerd { root, reference } => {
                background::run(&subject, move || {
                    let store = Containerd::open(root.as_deref(), &options)?;
                    let images = store.list(reference.as_deref(), choice, &options.limits)?;
                    Ok(images.into_iter().map(|image| Target::listed(&this, image)).collect())
                })
                .await
            }
            Location::OciLayout { path, reference } => {
                background::run(&subject, move || {
                    list_layout(&this, Layout::Directory(path), reference, choice, &options)
                })
                .await
            }
            Location::OciArchive { path, reference } => {
                background::run(&subject, move || {
                    let layout = Layout::Archive(TarIndex::open(&path)?);
                    list_layout(&this, layout, reference, choice, &options)
                })
                .await
            }
            Location::DockerArchive { path, .. } => match choice.images {
                Images::One => Ok(vec![this.into()]),
                Images::All => {
                    background::run(&subject, move || {
                        let archive = DockerArchive::open(&path, &options.limits)?;
                        Ok(list_archive(&this, archive))
                    })
                    .await
                }
            },
        }
    }

    /// Opens a target for the platform of the options.
    pub async fn open_target(&self, target: &Target) -> Result<OpenImage, SourceError> {
        let opened = match (&target.archive, &target.location) {
            (Some(archive), Location::DockerArchive { reference, .. }) => {
                self.open_archived(&target.location, Arc::clone(archive), reference.clone()).await
            }
            (_, location) => self.open(location).await,
        };
        opened.map(|mut open| {
            if let Some(index) = &target.index {
                open.set_index(index.clone());
            }
            match &target.name {
                Some(name) => open.named(name.clone()),
                None => open,
            }
        })
    }
}

fn list_layout(
    location: &Location,
    layout: Layout,
    reference: Option<String>,
    choice: Choice,
    options: &SourceOptions,
) -> Result<Vec<Target>, SourceError> {
    let images = layout.list(reference.as_deref(), choice, &options.limits)?;
    Ok(images.into_iter().map(|image| Target::listed(location, image)).collect())
}

fn list_archive(location: &Location, archive: DockerArchive) -> Vec<Target> {
    let images = archive.images();
    let archive = Arc::new(archive);
    images
        .into_iter()
        .map(|image| {
            let location = location.with_reference(image.reference);
            Target {
                name: Some(image.name.unwrap_or_else(|| location.to_string())),
                location,
                manifest_digest: None,
                platform: None,
                archive: Some(Arc::clone(&archive)),
                index: None,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests;
