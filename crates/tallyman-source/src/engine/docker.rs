//! Docker's Engine API, in the parts that Podman's compatible API has too. Paths carry no
//! version: the engine's own is always one that it serves.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use tallyman_model::clock;
use tallyman_model::digest::Digest;
use tallyman_model::platform::Platform;
use tokio::io::{AsyncWrite, AsyncWriteExt as _};

use crate::document::json;
use crate::engine::unix_http::{self, Answer};
use crate::engine::{EngineContainer, EngineImage, EngineImageDetails, EngineInfo};
use crate::error::SourceError;
use crate::options::Timeouts;

/// The list of a host with ten thousand images has some ten megabytes.
const MAX_ANSWER_BYTES: u64 = 64 << 20;

/// An engine behind a Unix socket.
#[derive(Clone, Debug)]
pub struct DockerEngine {
    socket: PathBuf,
    timeouts: Timeouts,
}

impl DockerEngine {
    /// Checks that an engine answers at the socket.
    pub async fn connect(socket: &Path) -> Result<Self, SourceError> {
        Self::connect_with(socket, Timeouts::default()).await
    }

    /// The same, with other limits on time.
    pub async fn connect_with(socket: &Path, timeouts: Timeouts) -> Result<Self, SourceError> {
        let engine = DockerEngine { socket: socket.to_owned(), timeouts };
        let answer = engine.get("/_ping").await?;
        answer.body(&engine.subject("/_ping"), engine.timeouts.idle, MAX_ANSWER_BYTES).await?;
        Ok(engine)
    }

    /// Returns what the engine says of itself.
    pub async fn info(&self) -> Result<EngineInfo, SourceError> {
        let wire: WireInfo = self.get_json("/info").await?;
        Ok(EngineInfo {
            name: wire.name,
            server_version: wire.server_version,
            operating_system: wire.operating_system,
            architecture: wire.architecture,
            containers_running: count(wire.containers_running).unwrap_or(0),
            images: count(wire.images).unwrap_or(0),
        })
    }

    /// Lists the images, without the intermediate ones of builds.
    pub async fn list_images(&self) -> Result<Vec<EngineImage>, SourceError> {
        let wire: Vec<WireImage> = self.get_json("/images/json").await?;
        let mut images = Vec::new();
        for image in wire {
            let Some(id) = image_id(&image.id) else {
                tracing::warn!("Leaving out an image whose id is no digest");
                continue;
            };
            images.push(EngineImage {
                id,
                repo_tags: names(image.repo_tags),
                repo_digests: names(image.repo_digests),
                created_ms: image.created.filter(|s| *s > 0).and_then(|s| s.checked_mul(1000)),
                size_bytes: count(image.size).unwrap_or(0),
                containers: count(image.containers),
            });
        }
        Ok(images)
    }

    /// Describes one image.
    pub async fn inspect_image(&self, id: &Digest) -> Result<EngineImageDetails, SourceError> {
        let target = format!("/images/{id}/json");
        let wire: WireDetails = self.get_json(&target).await?;
        let subject = self.subject(&target);
        let diff_ids = wire
            .root_fs
            .layers
            .unwrap_or_default()
            .iter()
            .map(|text| text.parse())
            .collect::<Result<Vec<Digest>, _>>()
            .map_err(|error| SourceError::malformed(subject, error.to_string()))?;
        Ok(EngineImageDetails {
            id: image_id(&wire.id).unwrap_or_else(|| id.clone()),
            platform: Platform {
                os: wire.os,
                architecture: wire.architecture,
                variant: Some(wire.variant).filter(|variant| !variant.is_empty()),
            },
            created_ms: wire.created.as_deref().and_then(clock::parse_rfc3339).filter(|t| *t >= 0),
            diff_ids,
            repo_tags: names(wire.repo_tags),
            repo_digests: names(wire.repo_digests),
        })
    }

    /// Writes an image as `docker save` does, and returns the number of bytes. More than
    /// `maximum` bytes are an error.
    pub async fn export<W: AsyncWrite + Unpin>(
        &self,
        id: &Digest,
        writer: &mut W,
        maximum: u64,
    ) -> Result<u64, SourceError> {
        let target = format!("/images/{id}/get");
        let subject = self.subject(&target);
        let failed =
            |error| SourceError::Io { path: PathBuf::from("the exported image"), source: error };
        // Old versions pack the whole image before they begin to answer.
        let mut answer = self.get_within(&target, self.timeouts.layer).await?;
        let mut written = 0_u64;
        while let Some(piece) = answer.piece(&subject, self.timeouts.idle).await? {
            written = written.saturating_add(u64::try_from(piece.len()).unwrap_or(u64::MAX));
            if written > maximum {
                return Err(SourceError::LimitExceeded {
                    subject,
                    limit: "exported image",
                    maximum,
                });
            }
            writer.write_all(&piece).await.map_err(failed)?;
        }
        writer.flush().await.map_err(failed)?;
        Ok(written)
    }

    /// Lists the containers that run.
    pub async fn list_containers(&self) -> Result<Vec<EngineContainer>, SourceError> {
        let wire: Vec<WireContainer> = self.get_json("/containers/json").await?;
        let known = wire.into_iter().filter_map(|container| {
            let Some(image_id) = image_id(&container.image_id) else {
                tracing::warn!("Leaving out container {}, whose image is no digest", container.id);
                return None;
            };
            let names = container.names.unwrap_or_default();
            Some(EngineContainer {
                id: container.id,
                names: names.iter().map(|name| name.trim_start_matches('/').to_owned()).collect(),
                image_id,
                image_name: container.image,
            })
        });
        Ok(known.collect())
    }

    async fn get_json<T: DeserializeOwned>(&self, target: &str) -> Result<T, SourceError> {
        let subject = self.subject(target);
        let answer = self.get(target).await?;
        let bytes = answer.body(&subject, self.timeouts.idle, MAX_ANSWER_BYTES).await?;
        json(&subject, &bytes)
    }

    async fn get(&self, target: &str) -> Result<Answer, SourceError> {
        self.get_within(target, self.timeouts.request).await
    }

    async fn get_within(&self, target: &str, timeout: Duration) -> Result<Answer, SourceError> {
        let answer = unix_http::get(&self.socket, target, timeout).await?;
        let status = answer.response.status();
        if status.is_success() {
            return Ok(answer);
        }
        let subject = self.subject(target);
        let bytes = answer.body(&subject, self.timeouts.idle, MAX_ANSWER_BYTES).await?;
        let message = serde_json::from_slice::<WireError>(&bytes)
            .map(|error| format!(": {}", crate::error::quoted(&error.message)))
            .unwrap_or_default();
        Err(match status.as_u16() {
            404 => SourceError::NotFound { subject, hint: format!("the engine lacks it{message}") },
            _ => SourceError::Refused { subject, status: status.as_u16(), message },
        })
    }

    fn subject(&self, target: &str) -> String {
        format!("{target} of {}", self.socket.display())
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", default)]
#[derive(Default)]
struct WireInfo {
    name: String,
    server_version: String,
    operating_system: String,
    architecture: String,
    containers_running: Option<i64>,
    images: Option<i64>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct WireImage {
    id: String,
    repo_tags: Option<Vec<String>>,
    repo_digests: Option<Vec<String>>,
    created: Option<i64>,
    size: Option<i64>,
    containers: Option<i64>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct WireDetails {
    id: String,
    os: String,
    architecture: String,
    variant: String,
    created: Option<String>,
    #[serde(rename = "RootFS")]
    root_fs: WireRootFs,
    repo_tags: Option<Vec<String>>,
    repo_digests: Option<Vec<String>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct WireRootFs {
    layers: Option<Vec<String>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct WireContainer {
    id: String,
    names: Option<Vec<String>>,
    image: String,
    #[serde(rename = "ImageID")]
    image_id: String,
}

#[derive(Deserialize)]
struct WireError {
    #[serde(default)]
    message: String,
}

/// Some versions of Podman leave the algorithm out.
fn image_id(text: &str) -> Option<Digest> {
    text.parse().or_else(|_| format!("sha256:{text}").parse()).ok()
}

/// Docker writes -1 for what it has not counted.
fn count(number: Option<i64>) -> Option<u64> {
    number.and_then(|number| u64::try_from(number).ok())
}

/// Docker lists untagged images under placeholders.
fn names(list: Option<Vec<String>>) -> Vec<String> {
    let mut names = list.unwrap_or_default();
    names.retain(|name| !name.contains("<none>"));
    names
}

#[cfg(test)]
mod tests;
