//! containerd's own store, read without containerd: `meta.db` says which images there are, the
//! content store has their blobs under their digests, as a layout has.

mod bolt;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use tallyman_model::digest::Digest;
use tallyman_model::image::ResolvedImage;
use tallyman_model::limits::Limits;
use tallyman_model::reference::ImageReference;

use crate::containerd::bolt::{Bolt, Bucket, Snapshot, Value};
use crate::document::Descriptor;
use crate::error::{SourceError, list, quoted};
use crate::layout::Layout;
use crate::listing::{Choice, Images, ListedImage, Platforms};
use crate::options::SourceOptions;

const DATABASE: &str = "io.containerd.metadata.v1.bolt/meta.db";
const CONTENT: &str = "io.containerd.content.v1.content";

/// Where the stores of containerd may be. All of those that exist are looked into.
#[derive(Clone, Debug)]
pub struct ContainerdSettings {
    /// The root directories (`root` in containerd's configuration).
    pub roots: Vec<PathBuf>,
}

impl Default for ContainerdSettings {
    fn default() -> Self {
        // containerd's own, those inside k3s, Docker and MicroK8s.
        let usual = [
            "/var/lib/containerd",
            "/var/lib/rancher/k3s/agent/containerd",
            "/var/lib/docker/containerd/daemon",
            "/var/snap/microk8s/common/var/lib/containerd",
        ];
        ContainerdSettings { roots: usual.into_iter().map(PathBuf::from).collect() }
    }
}

/// The images of one or more stores.
#[derive(Debug)]
pub(crate) struct Containerd {
    contents: Vec<Layout>,
    places: Vec<PathBuf>,
    images: Vec<NamedImage>,
}

/// An image as `meta.db` has it.
#[derive(Clone, Debug)]
struct NamedImage {
    /// The index of its store.
    store: usize,
    namespace: String,
    name: String,
    target: Descriptor,
}

impl Containerd {
    /// Reads which images there are. Blocks.
    pub(crate) fn open(root: Option<&Path>, options: &SourceOptions) -> Result<Self, SourceError> {
        let places = match root {
            Some(root) => vec![root.to_owned()],
            None => existing(&options.containerd.roots)?,
        };
        let mut images = Vec::new();
        for (store, place) in places.iter().enumerate() {
            let bolt = Bolt::open(&place.join(DATABASE)).map_err(|error| named(place, error))?;
            images.extend(bolt.read(|snapshot| read_images(snapshot, store))?);
        }
        let contents = places.iter().map(|place| Layout::Content(place.join(CONTENT))).collect();
        Ok(Containerd { contents, places, images })
    }

    /// Resolves one image, and says where its blobs are. Blocks.
    pub(crate) fn resolve(
        &self,
        reference: Option<&str>,
        options: &SourceOptions,
    ) -> Result<(ResolvedImage, Layout), SourceError> {
        let image = self.choose(reference)?;
        let content = self.content(&image)?;
        let found = content.resolve_entry(image.name.clone(), image.target.clone(), options)?;
        Ok((found, content.clone()))
    }

    /// Lists images, of an index those platforms that the store holds: containerd pulls one of them
    /// and keeps the whole index. Blocks.
    pub(crate) fn list(
        &self,
        reference: Option<&str>,
        choice: Choice,
        limits: &Limits,
    ) -> Result<Vec<ListedImage>, SourceError> {
        let chosen = match choice.images {
            Images::All => self.distinct(),
            Images::One => vec![self.choose(reference)?],
        };
        let mut listed = Vec::new();
        for image in chosen {
            match choice.platforms {
                Platforms::One => listed.push(ListedImage {
                    reference: format!("{}/{}", image.namespace, image.name),
                    ..ListedImage::entry(&image.name, &image.target)
                }),
                Platforms::All => {
                    let target = vec![image.target.clone()];
                    let found = self.content(&image)?.platforms(&image.name, target, limits)?;
                    if found.is_empty() {
                        return Err(SourceError::NotFound {
                            subject: format!("a platform of {}", image.name),
                            hint: "containerd holds its index alone".to_owned(),
                        });
                    }
                    listed.extend(found.iter().map(|entry| ListedImage::entry(&image.name, entry)));
                }
            }
        }
        Ok(listed)
    }

    fn content(&self, image: &NamedImage) -> Result<&Layout, SourceError> {
        let content = self.contents.get(image.store);
        content.ok_or_else(|| SourceError::malformed(&image.name, "it is in no store"))
    }

    /// Finds the image that a reference means: a name in any namespace, a namespace and a name in
    /// it, what means the same, a digest.
    fn choose(&self, reference: Option<&str>) -> Result<NamedImage, SourceError> {
        let found = match reference {
            None => self.distinct(),
            Some(reference) => self.named(reference),
        };
        let mut targets: Vec<&Digest> = found.iter().map(|image| &image.target.digest).collect();
        targets.sort_unstable();
        targets.dedup();
        let count = targets.len();
        match (count, found.into_iter().min_by_key(|image| rank(&image.name)), reference) {
            (1, Some(image), _) => Ok(image),
            (0, _, None) => Err(SourceError::NotFound {
                subject: format!("an image in {}", self.place()),
                hint: "containerd has none".to_owned(),
            }),
            (0, _, Some(reference)) => Err(SourceError::NotFound {
                subject: format!("{} in {}", quoted(reference), self.place()),
                hint: format!("available: {}", list(&self.available())),
            }),
            (_, _, _) => {
                Err(SourceError::Ambiguous { subject: self.place(), available: self.available() })
            }
        }
    }

    fn named(&self, reference: &str) -> Vec<NamedImage> {
        let by = |fits: &dyn Fn(&NamedImage) -> bool| -> Vec<NamedImage> {
            self.images.iter().filter(|image| fits(image)).cloned().collect()
        };
        let meaning = reference.parse::<ImageReference>().ok();
        let within = reference.split_once('/');
        let meaning_within = within.and_then(|(_, name)| name.parse::<ImageReference>().ok());
        let digest = reference.trim_start_matches('@').parse::<Digest>().ok();
        let is_in = |image: &NamedImage| within.is_some_and(|(it, _)| it == image.namespace);
        let ways: [&dyn Fn(&NamedImage) -> bool; 5] = [
            &|image| image.name == reference,
            &|image| is_in(image) && within.is_some_and(|(_, name)| name == image.name),
            &|image| is_in(image) && means(&image.name, meaning_within.as_ref()),
            &|image| means(&image.name, meaning.as_ref()),
            &|image| digest.as_ref() == Some(&image.target.digest),
        ];
        let found = ways.iter().map(|fits| by(*fits)).find(|found| !found.is_empty());
        found.or_else(|| Some(vec![self.nested(digest.as_ref()?)?])).unwrap_or_default()
    }

    /// Finds a manifest that no image names: one of an index.
    fn nested(&self, digest: &Digest) -> Option<NamedImage> {
        let found = self.contents.iter().enumerate();
        let (store, target) =
            found.filter_map(|(store, content)| Some((store, content.find(digest)?))).next()?;
        Some(NamedImage { store, namespace: String::new(), name: digest.to_string(), target })
    }

    /// Returns each image once, under its best name: Kubernetes gives an image three of them.
    fn distinct(&self) -> Vec<NamedImage> {
        let mut places: HashMap<(usize, &Digest), usize> = HashMap::new();
        let mut found: Vec<NamedImage> = Vec::new();
        for image in &self.images {
            let place = *places.entry((image.store, &image.target.digest)).or_insert(found.len());
            match found.get_mut(place) {
                Some(known) if rank(&image.name) < rank(&known.name) => *known = image.clone(),
                Some(_) => {}
                None => found.push(image.clone()),
            }
        }
        found
    }

    fn available(&self) -> Vec<String> {
        let shown = |image: NamedImage| format!("{}/{}", image.namespace, image.name);
        self.distinct().into_iter().map(shown).collect()
    }

    fn place(&self) -> String {
        let places: Vec<String> = self.places.iter().map(|it| it.display().to_string()).collect();
        format!("the store of containerd in {}", places.join(" and "))
    }
}

/// A name with a tag goes before one with a digest, and that before a mere digest.
fn rank(name: &str) -> u8 {
    match (name.contains('@'), name.starts_with("sha256:")) {
        (_, true) => 2,
        (true, false) => 1,
        (false, false) => 0,
    }
}

fn means(name: &str, wanted: Option<&ImageReference>) -> bool {
    wanted.is_some_and(|wanted| name.parse::<ImageReference>().is_ok_and(|name| name == *wanted))
}

/// Returns the places in which containerd has a store.
fn existing(places: &[PathBuf]) -> Result<Vec<PathBuf>, SourceError> {
    let found: Vec<PathBuf> = places
        .iter()
        // What may not be looked at is named when it is opened.
        .filter(|place| place.join(DATABASE).try_exists().unwrap_or(true))
        .cloned()
        .collect();
    if found.is_empty() {
        let places: Vec<String> = places.iter().map(|it| it.display().to_string()).collect();
        return Err(SourceError::NotFound {
            subject: "a store of containerd".to_owned(),
            hint: format!(
                "there is none in {}; name another place with containerd:[ROOT]REFERENCE",
                list(&places)
            ),
        });
    }
    Ok(found)
}

fn named(place: &Path, error: SourceError) -> SourceError {
    match error {
        SourceError::NotFound { .. } => SourceError::NotFound {
            subject: format!("a store of containerd in {}", place.display()),
            hint: format!("there is no {DATABASE}; check the path"),
        },
        SourceError::Io { path, source }
            if source.kind() == std::io::ErrorKind::PermissionDenied =>
        {
            let reason = "this user may not read it; run the scan as root";
            SourceError::unsupported(path.display().to_string(), reason)
        }
        error => error,
    }
}

/// Reads which images a database lists. Blocks.
pub(crate) fn read_database(path: &Path) -> Result<usize, SourceError> {
    let images = Bolt::open(path)?.read(|snapshot| read_images(snapshot, 0))?;
    Ok(images.len())
}

/// Reads the images of all namespaces (containerd, core/metadata/buckets.go).
fn read_images(snapshot: &Snapshot<'_>, store: usize) -> Result<Vec<NamedImage>, SourceError> {
    let mut images = Vec::new();
    let Some(version) = snapshot.bucket(&snapshot.root(), b"v1")? else {
        // Nothing was ever stored.
        return Ok(images);
    };
    for (namespace, value) in snapshot.entries(&version)? {
        let (Value::Bucket(bucket), Ok(namespace)) = (value, String::from_utf8(namespace)) else {
            continue;
        };
        let Some(bucket) = snapshot.bucket(&bucket, b"images")? else { continue };
        for (name, value) in snapshot.entries(&bucket)? {
            let (Value::Bucket(image), Ok(name)) = (value, String::from_utf8(name)) else {
                continue;
            };
            let target = read_target(snapshot, &image)?.ok_or_else(|| {
                SourceError::malformed(format!("image {}", quoted(&name)), "it has no target")
            })?;
            images.push(NamedImage { store, namespace: namespace.clone(), name, target });
        }
    }
    Ok(images)
}

fn read_target(snapshot: &Snapshot<'_>, image: &Bucket) -> Result<Option<Descriptor>, SourceError> {
    let Some(target) = snapshot.bucket(image, b"target")? else { return Ok(None) };
    let mut fields: HashMap<Vec<u8>, Vec<u8>> = HashMap::new();
    for (key, value) in snapshot.entries(&target)? {
        if let Value::Bytes(bytes) = value {
            fields.insert(key, bytes);
        }
    }
    let text = |key: &[u8]| fields.get(key).and_then(|bytes| std::str::from_utf8(bytes).ok());
    let digest = text(b"digest").and_then(|text| text.parse().ok());
    let size = fields.get(&b"size"[..]).and_then(|bytes| signed_varint(bytes));
    let (Some(digest), Some(size)) = (digest, size.and_then(|size| u64::try_from(size).ok()))
    else {
        return Ok(None);
    };
    let mut descriptor = Descriptor::of_document(digest, size);
    text(b"mediatype").unwrap_or_default().clone_into(&mut descriptor.media_type);
    Ok(Some(descriptor))
}

/// Reads a number as Go's `binary.PutVarint` writes it.
fn signed_varint(bytes: &[u8]) -> Option<i64> {
    let mut value = 0_u64;
    for (index, byte) in bytes.iter().enumerate().take(10) {
        let shift = u32::try_from(index).ok()?.checked_mul(7)?;
        value |= u64::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            let magnitude = i64::try_from(value >> 1).ok()?;
            return Some(if value & 1 == 0 { magnitude } else { !magnitude });
        }
    }
    None
}

#[cfg(test)]
mod tests;
