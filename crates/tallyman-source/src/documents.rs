//! Manifests and configurations that were read before, by their digest, so that an image that is
//! known costs one request: a folder with one file for each.
//!
//! What is read back is verified like what comes from a registry, so a file that was changed is as
//! good as none. The oldest files go when there are many. Nothing here may fail a scan: without the
//! folder everything is fetched.

use std::fs;
use std::path::{Path, PathBuf};

use tallyman_model::digest::Digest;

use crate::verify::verify;

/// About as many images; a file has some kilobytes.
const FILES_MAX: usize = 4_000;
/// So many go at once, so that the folder is not listed for each new file.
const FILES_KEPT: usize = 3_000;

/// The folder of documents.
#[derive(Clone, Debug)]
pub struct Documents {
    folder: PathBuf,
}

impl Documents {
    /// Takes a folder, which is made when the first document is kept.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Documents { folder: folder.into() }
    }

    /// Returns the document with a digest. Blocks.
    pub(crate) fn find(&self, digest: &Digest, maximum: u64) -> Option<Vec<u8>> {
        let path = self.path(digest);
        let size = fs::metadata(&path).ok()?.len();
        let bytes = (size <= maximum).then(|| fs::read(&path).ok()).flatten()?;
        verify("a kept document", &bytes, digest).ok()?;
        Some(bytes)
    }

    /// Keeps a document whose digest was verified. Blocks.
    pub(crate) fn keep(&self, digest: &Digest, bytes: &[u8]) {
        if let Err(error) = self.write(&self.path(digest), bytes) {
            tracing::debug!("Not keeping {digest} in {}: {error}", self.folder.display());
        }
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> std::io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        self.make_room()?;
        // Another process may write the same: each has a file of its own until it is whole.
        let part = path.with_extension(std::process::id().to_string());
        fs::write(&part, bytes)?;
        fs::rename(&part, path)
    }

    fn make_room(&self) -> std::io::Result<()> {
        let entries: Vec<_> = fs::read_dir(&self.folder)?.flatten().collect();
        if entries.len() < FILES_MAX {
            return Ok(());
        }
        let mut files: Vec<_> = entries
            .into_iter()
            .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
            .collect();
        files.sort();
        let surplus = files.len().saturating_sub(FILES_KEPT);
        files.into_iter().take(surplus).try_for_each(|(_, path)| fs::remove_file(path))
    }

    /// A digest is letters and digits, which is what makes it a file's name.
    fn path(&self, digest: &Digest) -> PathBuf {
        self.folder.join(format!("{}-{}", digest.algorithm().name(), digest.hex()))
    }
}

#[cfg(test)]
mod tests {
    use tallyman_model::digest::Algorithm;

    use super::{Documents, FILES_KEPT, FILES_MAX};
    use crate::verify::digest_of;

    #[test]
    fn a_document_comes_back_unless_its_file_was_changed_or_is_too_large() {
        let folder = tempfile::tempdir().expect("a folder");
        let documents = Documents::new(folder.path().join("documents"));
        let digest = digest_of(b"{}", Algorithm::Sha256);
        assert_eq!(documents.find(&digest, 100), None);
        documents.keep(&digest, b"{}");
        assert_eq!(documents.find(&digest, 100).as_deref(), Some(&b"{}"[..]));
        assert_eq!(documents.find(&digest, 1), None);
        std::fs::write(documents.path(&digest), b"[]").expect("written");
        assert_eq!(documents.find(&digest, 100), None);
    }

    #[test]
    fn the_oldest_documents_go_when_there_are_many() {
        let folder = tempfile::tempdir().expect("a folder");
        for number in 0..FILES_MAX {
            std::fs::write(folder.path().join(number.to_string()), b"").expect("written");
        }
        let documents = Documents::new(folder.path());
        let digest = digest_of(b"new", Algorithm::Sha256);
        documents.keep(&digest, b"new");
        assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), FILES_KEPT + 1);
        assert!(documents.find(&digest, 100).is_some());
    }
}
