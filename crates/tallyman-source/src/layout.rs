//! OCI image layouts, as a directory or within a tar (image-spec, image-layout.md). Blobs are
//! found by their digest alone; no name out of the layout becomes a path.

use std::collections::{BTreeSet, HashMap};
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tallyman_model::digest::Digest;
use tallyman_model::image::ResolvedImage;
use tallyman_model::limits::Limits;
use tallyman_model::reference::ImageReference;

use crate::archive::TarIndex;
use crate::archive::segment::Segment;
use crate::document::{Descriptor, Document};
use crate::error::{SourceError, quoted};
use crate::listing::{Choice, Images, ListedImage, Platforms};
use crate::options::SourceOptions;
use crate::resolve::{PlatformWalk, Resolver, Step, is_image};
use crate::verify::verify;

/// The annotation that names a manifest within `index.json` (image-spec, annotations.md).
pub(crate) const REF_NAME: &str = "org.opencontainers.image.ref.name";
/// The same, as containerd and Docker write it: the full reference.
const CONTAINERD_NAME: &str = "io.containerd.image.name";

/// The blobs of a layout.
#[derive(Clone, Debug)]
pub(crate) enum Layout {
    Directory(PathBuf),
    Archive(TarIndex),
    /// The blobs of containerd, without a list.
    Content(PathBuf),
}

impl Layout {
    /// Resolves one image of the layout. Blocks.
    pub(crate) fn resolve(
        &self,
        reference: Option<&str>,
        options: &SourceOptions,
    ) -> Result<ResolvedImage, SourceError> {
        let limits = &options.limits;
        let place = self.path().display().to_string();
        let entries = self.entries(limits)?;
        let entries = match self.nested(&entries, reference) {
            Some(nested) => vec![nested],
            None => named(&place, entries, reference)?,
        };
        let name = name_of(&place, entries.first());
        let mut resolver = Resolver::new(name, options.platform.as_ref(), limits);
        let next = match entries.as_slice() {
            // A layout with one image needs no platform; its manifest or index tells.
            [only] => only.clone(),
            _ => resolver.choose(&entries)?,
        };
        self.descend(resolver, next, limits)
    }

    /// Resolves the image of a manifest or an index. Blocks.
    pub(crate) fn resolve_entry(
        &self,
        name: String,
        entry: Descriptor,
        options: &SourceOptions,
    ) -> Result<ResolvedImage, SourceError> {
        let resolver = Resolver::new(name, options.platform.as_ref(), &options.limits);
        self.descend(resolver, entry, &options.limits)
    }

    fn descend(
        &self,
        mut resolver: Resolver<'_>,
        mut next: Descriptor,
        limits: &Limits,
    ) -> Result<ResolvedImage, SourceError> {
        loop {
            let bytes = self.blob(&next, "manifest-bytes", limits.manifest_bytes)?;
            match resolver.step(&bytes, &next.media_type)? {
                Step::Descend(entry) => next = entry,
                Step::Image(manifest) => {
                    let config =
                        self.blob(&manifest.config, "config-bytes", limits.config_bytes)?;
                    return resolver.finish(&manifest, next.digest, &config);
                }
            }
        }
    }

    /// Lists the images of the layout. Blocks.
    pub(crate) fn list(
        &self,
        reference: Option<&str>,
        choice: Choice,
        limits: &Limits,
    ) -> Result<Vec<ListedImage>, SourceError> {
        let place = self.path().display().to_string();
        let entries = self.entries(limits)?;
        let entries = match choice.images {
            Images::All => entries,
            Images::One => named(&place, entries, reference)?,
        };
        let mut images = Vec::new();
        for (name, group) in grouped(entries) {
            let shown = name_of(&place, group.first());
            match choice.platforms {
                Platforms::All => {
                    let found = self.platforms(&shown, group, limits)?;
                    images.extend(found.iter().map(|entry| ListedImage::entry(&shown, entry)));
                }
                Platforms::One => images.extend(one_platform(&shown, name, &group)),
            }
        }
        Ok(images)
    }

    /// Finds the images of all platforms beneath some entries. What a content store does not hold
    /// was never meant to be there.
    pub(crate) fn platforms(
        &self,
        name: &str,
        entries: Vec<Descriptor>,
        limits: &Limits,
    ) -> Result<Vec<Descriptor>, SourceError> {
        let mut walk = PlatformWalk::new(name.to_owned(), entries);
        while let Some((entry, depth)) = walk.next() {
            match self.blob(&entry, "manifest-bytes", limits.manifest_bytes) {
                Ok(bytes) => walk.take(entry, depth, &bytes)?,
                Err(SourceError::NotFound { .. }) if self.is_partial() => {}
                Err(error) => return Err(error),
            }
        }
        let mut found = walk.finish()?;
        if self.is_partial() {
            found.retain(|entry| self.find(&entry.digest).is_some());
        }
        Ok(found)
    }

    fn is_partial(&self) -> bool {
        matches!(self, Layout::Content(_))
    }

    /// Finds a manifest or an index by its digest.
    pub(crate) fn find(&self, digest: &Digest) -> Option<Descriptor> {
        let segment = self.segment(&blob_name(digest)).ok()?;
        Some(Descriptor::of_document(digest.clone(), segment.size_bytes()))
    }

    fn entries(&self, limits: &Limits) -> Result<Vec<Descriptor>, SourceError> {
        let bytes = self.read("index.json", "manifest-bytes", limits.manifest_bytes)?;
        let subject = format!("index.json of {}", self.path().display());
        match Document::parse(&subject, &bytes, "")? {
            Document::Index(entries) => Ok(entries),
            Document::Manifest(_) => {
                Err(SourceError::malformed(subject, "it is not an image index"))
            }
        }
    }

    /// Finds a manifest that is in the layout and not in `index.json` itself: a digest names it
    /// wherever it is.
    fn nested(&self, entries: &[Descriptor], reference: Option<&str>) -> Option<Descriptor> {
        let Some(Ok(digest)) = reference.map(|it| it.trim_start_matches('@').parse::<Digest>())
        else {
            return None;
        };
        match entries.iter().any(|entry| entry.digest == digest) {
            true => None,
            false => self.find(&digest),
        }
    }

    /// Opens the bytes of a layer. Blocks.
    pub(crate) fn open_blob(
        &self,
        digest: &Digest,
        size_bytes: u64,
    ) -> Result<Box<dyn Read + Send>, SourceError> {
        let segment = self.segment(&blob_name(digest))?;
        if segment.size_bytes() != size_bytes {
            return Err(SourceError::malformed(
                format!("blob {digest} of {}", self.path().display()),
                format!("it has {} bytes, its manifest says {size_bytes}", segment.size_bytes()),
            ));
        }
        Ok(Box::new(segment))
    }

    fn path(&self) -> &Path {
        match self {
            Layout::Directory(path) | Layout::Content(path) => path,
            Layout::Archive(index) => index.path(),
        }
    }

    /// Reads and verifies a small blob.
    fn blob(
        &self,
        descriptor: &Descriptor,
        limit: &'static str,
        maximum: u64,
    ) -> Result<Vec<u8>, SourceError> {
        let bytes = self.read(&blob_name(&descriptor.digest), limit, maximum)?;
        let subject = format!("blob {} of {}", descriptor.digest, self.path().display());
        check_size(&subject, &bytes, descriptor)?;
        verify(&subject, &bytes, &descriptor.digest)?;
        Ok(bytes)
    }

    fn read(&self, name: &str, limit: &'static str, maximum: u64) -> Result<Vec<u8>, SourceError> {
        let segment = self.segment(name)?;
        if segment.size_bytes() > maximum {
            let subject = format!("{name} of {}", self.path().display());
            return Err(SourceError::LimitExceeded { subject, limit, maximum });
        }
        segment.read_all().map_err(|error| SourceError::io(self.path(), error))
    }

    fn segment(&self, name: &str) -> Result<Segment, SourceError> {
        match self {
            Layout::Directory(root) => file_segment(&root.join(name)),
            Layout::Content(root) => file_segment(&root.join(name)).map_err(|error| match error {
                SourceError::NotFound { subject, .. } => SourceError::NotFound {
                    subject,
                    hint:
                        "containerd does not hold it: the image may have been pulled for another \
                           platform, or its layers were discarded once they were unpacked"
                            .to_owned(),
                },
                error => error,
            }),
            Layout::Archive(index) => index.find(name)?.ok_or_else(|| SourceError::NotFound {
                subject: format!("{name} in {}", index.path().display()),
                hint: "the archive is incomplete".to_owned(),
            }),
        }
    }
}

/// Checks the size that a descriptor claims (image-spec, descriptor.md, `size`).
pub(crate) fn check_size(
    subject: &str,
    bytes: &[u8],
    descriptor: &Descriptor,
) -> Result<(), SourceError> {
    if u64::try_from(bytes.len()) == Ok(descriptor.size) {
        return Ok(());
    }
    let reason = format!("it has {} bytes, its descriptor says {}", bytes.len(), descriptor.size);
    Err(SourceError::malformed(subject, reason))
}

/// Pipes and devices would block or never end, so they are refused before they are opened.
pub(crate) fn file_segment(path: &Path) -> Result<Segment, SourceError> {
    let metadata = fs::metadata(path).map_err(|error| SourceError::io(path, error))?;
    if !metadata.is_file() {
        let subject = path.display().to_string();
        return Err(SourceError::unsupported(subject, "it is not a regular file"));
    }
    let file = File::open(path).map_err(|error| SourceError::io(path, error))?;
    Ok(Segment::new(Arc::new(file), 0, metadata.len()))
}

fn blob_name(digest: &Digest) -> String {
    format!("blobs/{}/{}", digest.algorithm().name(), digest.hex())
}

/// Keeps the entries of `index.json` that the reference means; without one, all entries must
/// belong to the same image.
fn named(
    place: &str,
    entries: Vec<Descriptor>,
    reference: Option<&str>,
) -> Result<Vec<Descriptor>, SourceError> {
    let names: BTreeSet<Option<String>> = entries.iter().map(full_name).collect();
    let several = names.len() > 1;
    let available: Vec<String> = names.into_iter().flatten().collect();
    let Some(reference) = reference else {
        if several {
            return Err(SourceError::Ambiguous { subject: place.to_owned(), available });
        }
        return Ok(entries);
    };
    let found: Vec<Descriptor> =
        entries.into_iter().filter(|entry| is_named(entry, reference)).collect();
    if found.is_empty() {
        let available: Vec<String> = available.iter().take(20).map(|name| quoted(name)).collect();
        return Err(SourceError::NotFound {
            subject: format!("{} in {place}", quoted(reference)),
            hint: match available.is_empty() {
                true => "none of its images has a name; leave the reference out".to_owned(),
                false => format!("available: {}", available.join(", ")),
            },
        });
    }
    Ok(found)
}

/// Puts the entries with the same name together, in the order of their first ones.
fn grouped(entries: Vec<Descriptor>) -> Vec<(Option<String>, Vec<Descriptor>)> {
    let mut groups: Vec<(Option<String>, Vec<Descriptor>)> = Vec::new();
    let mut places: HashMap<Option<String>, usize> = HashMap::new();
    for entry in entries {
        let name = full_name(&entry);
        let place = *places.entry(name.clone()).or_insert(groups.len());
        match groups.get_mut(place) {
            Some((_, group)) => group.push(entry),
            None => groups.push((name, vec![entry])),
        }
    }
    groups
}

/// Entries of one name are one image for several platforms, of which the right one is chosen when
/// it is opened. Without a name nothing says that they belong together.
fn one_platform(shown: &str, name: Option<String>, group: &[Descriptor]) -> Vec<ListedImage> {
    match (name, group) {
        (Some(name), [_, _, ..]) => vec![ListedImage {
            name: shown.to_owned(),
            reference: name,
            manifest_digest: None,
            platform: None,
        }],
        (_, group) => group
            .iter()
            .filter(|entry| is_image(entry))
            .map(|entry| ListedImage::entry(shown, entry))
            .collect(),
    }
}

/// Says what an image is called.
fn name_of(place: &str, entry: Option<&Descriptor>) -> String {
    match entry.and_then(full_name) {
        Some(name) if name.contains(['/', ':']) => name,
        // A tag alone says little.
        Some(tag) => format!("{place}:{tag}"),
        None => place.to_owned(),
    }
}

fn full_name(entry: &Descriptor) -> Option<String> {
    let annotations = entry.annotations.as_ref()?;
    annotations.get(CONTAINERD_NAME).or_else(|| annotations.get(REF_NAME)).cloned()
}

fn is_named(entry: &Descriptor, reference: &str) -> bool {
    if entry.digest.to_string() == reference.trim_start_matches('@') {
        return true;
    }
    let wanted = reference.parse::<ImageReference>();
    [REF_NAME, CONTAINERD_NAME].iter().filter_map(|key| entry.annotations.as_ref()?.get(*key)).any(
        |name| {
            name == reference
                || wanted.as_ref().is_ok_and(|wanted| {
                    // Without a tag, `3.20` would mean the repository `library/3.20`.
                    name.contains(['/', ':'])
                        && name.parse::<ImageReference>().is_ok_and(|name| name == *wanted)
                })
        },
    )
}

#[cfg(test)]
mod tests;
