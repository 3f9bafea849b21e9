//! Entries for fuzzing: bytes from outside are shown to one parser, and what it makes of them is
//! dropped. Programs have no use for them.

use std::io;
use std::path::Path;

use reqwest::header::{HeaderMap, HeaderValue, WWW_AUTHENTICATE};
use tallyman_model::limits::Limits;
use tallyman_model::platform::Platform;

use crate::archive::TarIndex;
use crate::containerd;
use crate::containers_storage::tar_split::{TarSplitReader, size_of};
use crate::docker_archive::DockerArchive;
use crate::document::Document;
use crate::layout::Layout;
use crate::options::SourceOptions;
use crate::registry;
use crate::resolve::{ConfigParts, Resolver};

/// Shows a manifest, an index or a configuration; tells whether it is any of them.
pub fn document(bytes: &[u8]) -> bool {
    let limits = Limits::default();
    let wanted: Option<Platform> = "linux/arm64".parse().ok();
    let mut is_read = false;
    if let Ok(document) = Document::parse("a document", bytes, "") {
        is_read = true;
        match document {
            Document::Index(entries) => {
                let mut resolver = Resolver::new("an index".to_owned(), wanted.as_ref(), &limits);
                let _ = resolver.choose(&entries);
            }
            Document::Manifest(manifest) => {
                for layer in &manifest.layers {
                    let _ = registry::toc::find(layer);
                }
            }
        }
    }
    let mut resolver = Resolver::new("a document".to_owned(), None, &limits);
    is_read |= resolver.step(bytes, "").is_ok();
    is_read | ConfigParts::parse("a configuration", bytes, 1).is_ok()
}

/// Shows what a registry answers: a challenge, a token, a list of tags.
pub fn registry_answer(bytes: &[u8]) -> bool {
    let challenge = HeaderValue::from_bytes(bytes).ok().and_then(|value| {
        let mut headers = HeaderMap::new();
        headers.insert(WWW_AUTHENTICATE, value);
        registry::challenge::Challenge::find(&headers)
    });
    challenge.is_some() | registry::token::Token::parse("a token", bytes).is_ok()
}

/// Shows a tar file as an archive of images in both formats; tells whether it is one.
pub fn archive(path: &Path) -> bool {
    let options = SourceOptions::default();
    let mut is_read = false;
    if let Ok(archive) = DockerArchive::open(path, &options.limits) {
        for image in archive.images() {
            is_read |= archive.resolve(Some(&image.reference), &options).is_ok();
        }
    }
    let layout = TarIndex::open(path).map(Layout::Archive);
    is_read | layout.is_ok_and(|layout| layout.resolve(None, &options).is_ok())
}

/// Shows the database of containerd; tells whether it is one.
pub fn containerd_database(path: &Path) -> bool {
    containerd::read_database(path).is_ok()
}

/// Shows the record of a layer's tar in the store of podman, with a directory for its files; tells
/// whether the tar can be put together.
pub fn tar_split(path: &Path, files: &Path) -> bool {
    let reader = size_of(path).and_then(|size| TarSplitReader::open(path, files, size));
    reader.is_ok_and(|mut reader| io::copy(&mut reader, &mut io::sink()).is_ok())
}

/// Shows credentials of Docker; tells whether they are any.
pub fn credentials(bytes: &[u8]) -> bool {
    let text = str::from_utf8(bytes).unwrap_or_default();
    crate::credentials::credentials_from_docker_config(text).is_ok()
}
