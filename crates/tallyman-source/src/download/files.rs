//! The files of a download: the part that is there, what it is a part of, and the finished file with
//! its description.

use std::io;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::fs::{self, File, OpenOptions};
use tokio::io::{AsyncWriteExt as _, BufWriter};

use crate::download::{Downloaded, Validators, Wanted, length};
use crate::error::SourceError;
use crate::registry::reply::plain;

/// A description is small; whatever is larger is not ours.
const MAX_DESCRIPTION_BYTES: u64 = 64 << 10;

/// Where a download goes: the finished file; others of its name are beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DownloadPath(PathBuf);

impl DownloadPath {
    /// Names the finished file.
    pub fn new(path: PathBuf) -> Self {
        DownloadPath(path)
    }

    /// Returns the finished file.
    pub fn file(&self) -> &Path {
        &self.0
    }

    fn with(&self, ending: &str) -> PathBuf {
        let mut name = self.0.as_os_str().to_owned();
        name.push(ending);
        name.into()
    }

    fn part(&self) -> PathBuf {
        self.with(".part")
    }

    fn part_description(&self) -> PathBuf {
        self.with(".part.json")
    }

    fn description(&self) -> PathBuf {
        self.with(".json")
    }

    /// Finds a file that was downloaded as a whole before.
    pub async fn find(&self) -> Option<Downloaded> {
        let downloaded: Downloaded = read_description(&self.description()).await?;
        let metadata = fs::metadata(&self.0).await.ok()?;
        (metadata.is_file() && metadata.len() == downloaded.size_bytes).then_some(downloaded)
    }

    /// Removes the finished file, which was used.
    pub async fn remove(&self) {
        // What cannot be removed now is written over by the next download.
        drop(fs::remove_file(self.description()).await);
        drop(fs::remove_file(&self.0).await);
    }

    /// Removes everything, also what is not finished.
    pub async fn remove_all(&self) {
        self.remove().await;
        drop(fs::remove_file(self.part_description()).await);
        drop(fs::remove_file(self.part()).await);
    }
}

/// What a part is a part of.
#[derive(Serialize, Deserialize)]
struct PartDescription {
    url: String,
    validators: Validators,
    total_bytes: Option<u64>,
}

/// A download that is going on.
pub(crate) struct Partial {
    path: DownloadPath,
    file: BufWriter<File>,
    pub(crate) validators: Validators,
    pub(crate) size_bytes: u64,
    pub(crate) total_bytes: Option<u64>,
    pub(crate) is_resumed: bool,
}

impl Partial {
    /// Finds what an earlier try left, if it can be gone on with.
    pub(crate) async fn find(wanted: &Wanted) -> Result<Option<Self>, SourceError> {
        let path = wanted.path.clone();
        let Some(description) = read_description::<PartDescription>(&path.part_description()).await
        else {
            return Ok(None);
        };
        let PartDescription { url, validators, total_bytes } = description;
        let Ok(metadata) = fs::metadata(path.part()).await else { return Ok(None) };
        let size_bytes = metadata.len();
        let is_open = total_bytes.is_none_or(|total| size_bytes < total) && size_bytes > 0;
        if url != plain(&wanted.url) || validators.strong().is_none() || !is_open {
            return Ok(None);
        }
        let opened = OpenOptions::new().append(true).open(path.part()).await;
        let file = BufWriter::new(opened.map_err(|error| SourceError::io(&path.part(), error))?);
        Ok(Some(Partial { path, file, validators, size_bytes, total_bytes, is_resumed: true }))
    }

    /// Begins from nothing.
    pub(crate) async fn start(
        wanted: &Wanted,
        validators: Validators,
        total_bytes: Option<u64>,
    ) -> Result<Self, SourceError> {
        let path = wanted.path.clone();
        let created = File::create(path.part()).await;
        let file = BufWriter::new(created.map_err(|error| SourceError::io(&path.part(), error))?);
        let description = PartDescription {
            url: plain(&wanted.url),
            validators: validators.clone(),
            total_bytes,
        };
        write_description(&path.part_description(), &description).await?;
        Ok(Partial { path, file, validators, size_bytes: 0, total_bytes, is_resumed: false })
    }

    pub(crate) fn part(&self) -> PathBuf {
        self.path.part()
    }

    pub(crate) async fn append(&mut self, bytes: &[u8]) -> Result<(), SourceError> {
        let written = self.file.write_all(bytes).await;
        written.map_err(|error| SourceError::io(&self.part(), error))?;
        self.size_bytes = self.size_bytes.saturating_add(length(bytes.len()));
        Ok(())
    }

    pub(crate) async fn flush(&mut self) -> Result<(), SourceError> {
        let flushed = self.file.flush().await;
        flushed.map_err(|error| SourceError::io(&self.part(), error))
    }

    /// Throws away what is there.
    pub(crate) async fn remove(self) {
        let path = self.path.clone();
        drop(self);
        drop(fs::remove_file(path.part_description()).await);
        drop(fs::remove_file(path.part()).await);
    }

    /// Makes it the finished file.
    pub(crate) async fn finish(mut self, downloaded: &Downloaded) -> Result<(), SourceError> {
        self.flush().await?;
        let (part, file) = (self.part(), self.path.file().to_owned());
        let synced = self.file.get_ref().sync_all().await;
        synced.map_err(|error| SourceError::io(&part, error))?;
        // Without its description a file does not count, so that it is told apart from a newer one.
        drop(fs::remove_file(self.path.description()).await);
        fs::rename(&part, &file).await.map_err(|error| SourceError::io(&file, error))?;
        drop(fs::remove_file(self.path.part_description()).await);
        write_description(&self.path.description(), downloaded).await
    }
}

async fn read_description<T: DeserializeOwned>(path: &Path) -> Option<T> {
    let metadata = fs::metadata(path).await.ok()?;
    if metadata.len() > MAX_DESCRIPTION_BYTES {
        return None;
    }
    serde_json::from_slice(&fs::read(path).await.ok()?).ok()
}

async fn write_description<T: Serialize>(path: &Path, value: &T) -> Result<(), SourceError> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".tmp");
    let temporary = PathBuf::from(temporary);
    let written = async {
        fs::write(&temporary, serde_json::to_vec(value).map_err(io::Error::from)?).await?;
        fs::rename(&temporary, path).await
    };
    written.await.map_err(|error| SourceError::io(path, error))
}
