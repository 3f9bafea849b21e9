//! Where an image is, as a user writes it: `oci:PATH[:REF]`, `oci-archive:PATH[:REF]`,
//! `docker-archive:PATH[:REF]`, `containers-storage:[[STORE]][REF]`, `containerd:[[ROOT]][NAMESPACE/]REF`,
//! `dir:PATH`, `sbom:FILE`, `registry:REF`, `docker://REF`, or a path or a reference alone.

use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use tallyman_model::reference::ImageReference;

use crate::archive::TarIndex;
use crate::containers_storage::settings::StorePlace;
use crate::error::{SourceError, quoted};

/// Where an image is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// A directory in the OCI image layout.
    OciLayout {
        /// The directory.
        path: PathBuf,
        /// Which of its images, where there are several.
        reference: Option<String>,
    },
    /// The same within a tar file.
    OciArchive {
        /// The tar file.
        path: PathBuf,
        /// Which of its images, where there are several.
        reference: Option<String>,
    },
    /// The output of `docker save`.
    DockerArchive {
        /// The tar file.
        path: PathBuf,
        /// Which of its images, where there are several.
        reference: Option<String>,
    },
    /// An image in the store of podman and buildah.
    ContainersStorage {
        /// Which store, if not the user's own.
        store: Option<StorePlace>,
        /// Which of its images.
        reference: Option<String>,
    },
    /// An image in the store of containerd.
    Containerd {
        /// The root directory, if not a usual one.
        root: Option<PathBuf>,
        /// Which of its images, with or without its namespace.
        reference: Option<String>,
    },
    /// A root filesystem; no image, but it can be scanned like one.
    Directory {
        /// The directory.
        path: PathBuf,
    },
    /// A bill of materials in a file; no image, but it can be judged like one.
    Sbom {
        /// The file.
        path: PathBuf,
    },
    /// An image in a registry.
    Registry(ImageReference),
}

impl Location {
    /// Parses what a user wrote. Without a scheme it looks at the file system, and into an
    /// archive, to tell paths from references; it blocks for that.
    pub fn parse(text: &str) -> Result<Self, SourceError> {
        let on_disk = |rest: &str| split_path(rest);
        match text.split_once(':') {
            Some(("oci", rest)) => {
                let (path, reference) = on_disk(rest)?;
                Ok(Location::OciLayout { path, reference })
            }
            Some(("oci-archive", rest)) => {
                let (path, reference) = on_disk(rest)?;
                Ok(Location::OciArchive { path, reference })
            }
            Some(("docker-archive", rest)) => {
                let (path, reference) = on_disk(rest)?;
                Ok(Location::DockerArchive { path, reference })
            }
            Some(("containers-storage", rest)) if !is_port(rest) => stored(rest),
            Some(("containerd", rest)) if !is_port(rest) => {
                let (root, reference) = in_brackets(rest)?;
                Ok(Location::Containerd { root: root.map(PathBuf::from), reference })
            }
            Some(("dir", rest)) if !is_port(rest) => {
                Ok(Location::Directory { path: not_empty(rest)?.into() })
            }
            Some(("sbom", rest)) if !is_port(rest) => {
                Ok(Location::Sbom { path: not_empty(rest)?.into() })
            }
            Some(("registry", rest)) if !is_port(rest) => reference(rest),
            Some(("docker", rest)) if rest.starts_with("//") => {
                reference(rest.trim_start_matches('/'))
            }
            _ => without_scheme(text),
        }
    }

    /// Returns the same place with another image of it chosen; what holds one image stays as it is.
    #[must_use]
    pub fn with_reference(&self, reference: String) -> Self {
        let reference = Some(reference);
        match self.clone() {
            Location::OciLayout { path, .. } => Location::OciLayout { path, reference },
            Location::OciArchive { path, .. } => Location::OciArchive { path, reference },
            Location::DockerArchive { path, .. } => Location::DockerArchive { path, reference },
            Location::ContainersStorage { store, .. } => {
                Location::ContainersStorage { store, reference }
            }
            Location::Containerd { root, .. } => Location::Containerd { root, reference },
            one @ (Location::Directory { .. } | Location::Sbom { .. } | Location::Registry(_)) => {
                one
            }
        }
    }

    /// Returns the reference that chooses among several images.
    pub fn reference(&self) -> Option<&str> {
        match self {
            Location::OciLayout { reference, .. }
            | Location::OciArchive { reference, .. }
            | Location::DockerArchive { reference, .. }
            | Location::ContainersStorage { reference, .. }
            | Location::Containerd { reference, .. } => reference.as_deref(),
            Location::Directory { .. } | Location::Sbom { .. } | Location::Registry(_) => None,
        }
    }
}

impl FromStr for Location {
    type Err = SourceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Location::parse(text)
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, path, reference) = match self {
            Location::OciLayout { path, reference } => ("oci", path, reference),
            Location::OciArchive { path, reference } => ("oci-archive", path, reference),
            Location::DockerArchive { path, reference } => ("docker-archive", path, reference),
            Location::ContainersStorage { store, reference } => {
                let store = store.as_ref().map(StorePlace::text).unwrap_or_default();
                let reference = reference.as_deref().unwrap_or_default();
                return write!(f, "containers-storage:{store}{reference}");
            }
            Location::Containerd { root, reference } => {
                let root = root.as_ref().map(|root| format!("[{}]", root.display()));
                let reference = reference.as_deref().unwrap_or_default();
                return write!(f, "containerd:{}{reference}", root.unwrap_or_default());
            }
            Location::Directory { path } => return write!(f, "dir:{}", path.display()),
            Location::Sbom { path } => return write!(f, "sbom:{}", path.display()),
            Location::Registry(reference) => return write!(f, "registry:{reference}"),
        };
        write!(f, "{scheme}:{}", path.display())?;
        match reference {
            Some(reference) => write!(f, ":{reference}"),
            None => Ok(()),
        }
    }
}

/// Parses what follows `containers-storage:` (containers-transports(5)).
fn stored(text: &str) -> Result<Location, SourceError> {
    let (place, reference) = in_brackets(text)?;
    let store = place.map(|place| {
        let reason = "a store is written as [DRIVER@ROOT]";
        StorePlace::parse(place).ok_or_else(|| SourceError::malformed("the location", reason))
    });
    Ok(Location::ContainersStorage { store: store.transpose()?, reference })
}

/// Splits `[PLACE]REFERENCE`, of which both may be missing.
fn in_brackets(text: &str) -> Result<(Option<&str>, Option<String>), SourceError> {
    let (place, reference) = match text.strip_prefix('[') {
        None => (None, text),
        Some(rest) => match rest.split_once(']') {
            Some((place, reference)) if !place.is_empty() => (Some(place), reference),
            _ => {
                let reason = "the place of a store is written in brackets";
                return Err(SourceError::malformed("the location", reason));
            }
        },
    };
    Ok((place, Some(reference.to_owned()).filter(|reference| !reference.is_empty())))
}

/// `registry:5000/app` is a host named `registry`, not a scheme.
fn is_port(rest: &str) -> bool {
    rest.split('/').next().is_some_and(|port| port.parse::<u16>().is_ok())
}

fn reference(text: &str) -> Result<Location, SourceError> {
    text.parse().map(Location::Registry).map_err(
        |error: tallyman_model::reference::InvalidReference| {
            SourceError::malformed("the image reference", error.to_string())
        },
    )
}

/// Splits `PATH[:REF]` at the first colon, unless the whole text is a path that exists.
fn split_path(text: &str) -> Result<(PathBuf, Option<String>), SourceError> {
    let text = not_empty(text)?;
    if Path::new(text).exists() {
        return Ok((PathBuf::from(text), None));
    }
    match text.split_once(':') {
        Some((path, reference)) if !path.is_empty() && !reference.is_empty() => {
            Ok((PathBuf::from(path), Some(reference.to_owned())))
        }
        _ => Ok((PathBuf::from(text), None)),
    }
}

fn not_empty(path: &str) -> Result<&str, SourceError> {
    if path.is_empty() {
        return Err(SourceError::malformed("the location", "the path after the scheme is missing"));
    }
    Ok(path)
}

fn without_scheme(text: &str) -> Result<Location, SourceError> {
    let (path, reference_part) = split_path(text)?;
    if path.join("oci-layout").is_file() {
        return Ok(Location::OciLayout { path, reference: reference_part });
    }
    if path.is_file() {
        return archive(path, reference_part);
    }
    if looks_like_a_path(text) {
        let (subject, hint) = if path.is_dir() {
            let hint = "it is a directory without the file oci-layout; give the root of an OCI \
                        image layout, or write dir:PATH to scan it as a root filesystem";
            (text.to_owned(), hint)
        } else {
            let hint = "it does not exist; check the path, or write registry:REFERENCE for an \
                        image in a registry";
            (text.to_owned(), hint)
        };
        return Err(SourceError::NotFound { subject: quoted(&subject), hint: hint.to_owned() });
    }
    reference(text)
}

fn looks_like_a_path(text: &str) -> bool {
    text.starts_with(['/', '.', '~'])
        || [".tar", ".tgz", ".tar.gz", ".tar.zst"].iter().any(|end| text.ends_with(end))
}

/// Newer versions of Docker write both formats into one archive; the one with digests is better.
fn archive(path: PathBuf, reference: Option<String>) -> Result<Location, SourceError> {
    if is_json(&path)? {
        let hint = "it is JSON and no archive; write sbom:FILE to judge a bill of materials";
        return Err(SourceError::unsupported(path.display().to_string(), hint));
    }
    let index = TarIndex::open(&path)?;
    if index.contains("index.json") && index.contains("oci-layout") {
        return Ok(Location::OciArchive { path, reference });
    }
    if index.contains("manifest.json") {
        return Ok(Location::DockerArchive { path, reference });
    }
    Err(SourceError::unsupported(
        path.display().to_string(),
        "the tar holds neither index.json nor manifest.json; give an OCI archive or the output of \
         `docker save`",
    ))
}

/// Tells whether a file begins like a JSON object, which no tar and no compression does.
fn is_json(path: &Path) -> Result<bool, SourceError> {
    let failed = |error| SourceError::io(path, error);
    let mut start = [0; 1];
    let read = File::open(path).map_err(failed)?.read(&mut start).map_err(failed)?;
    Ok(read == start.len() && start == *b"{")
}

#[cfg(test)]
mod tests;
