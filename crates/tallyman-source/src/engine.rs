//! Container engines: which images and containers a host has, and their export.
//!
//! One engine kind is known, Docker's HTTP API over a Unix socket, which Podman speaks too.

pub mod docker;
mod unix_http;

use std::path::{Path, PathBuf};

use tallyman_model::digest::Digest;
use tallyman_model::platform::Platform;

/// What an engine says of itself (Docker Engine API, `GET /info`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EngineInfo {
    /// The engine's own name of the host.
    pub name: String,
    /// The version of the engine.
    pub server_version: String,
    /// The operating system's full name, such as `Debian GNU/Linux 12 (bookworm)`.
    pub operating_system: String,
    /// The processor architecture, in the kernel's words (`x86_64`).
    pub architecture: String,
    /// The containers that run.
    pub containers_running: u64,
    /// All images, the unnamed ones included.
    pub images: u64,
}

/// An image that an engine has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineImage {
    /// The digest of the configuration, or of the manifest where the engine keeps images in
    /// containerd.
    pub id: Digest,
    /// The names, such as `docker.io/library/alpine:3.20`.
    pub repo_tags: Vec<String>,
    /// The names by digest, as they were pulled.
    pub repo_digests: Vec<String>,
    /// When it was built; milliseconds since the epoch.
    pub created_ms: Option<i64>,
    /// The size of its layers, unpacked.
    pub size_bytes: u64,
    /// The containers that use it, where the engine counts them.
    pub containers: Option<u64>,
}

/// An image as the engine describes it in full.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineImageDetails {
    /// The engine's id of the image.
    pub id: Digest,
    /// The platform it is for.
    pub platform: Platform,
    /// When it was built; milliseconds since the epoch.
    pub created_ms: Option<i64>,
    /// The digests of its layers, unpacked, from the base upwards. Claims of the engine.
    pub diff_ids: Vec<Digest>,
    /// The names.
    pub repo_tags: Vec<String>,
    /// The names by digest, as they were pulled.
    pub repo_digests: Vec<String>,
}

/// A container that runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineContainer {
    /// The engine's id of the container.
    pub id: String,
    /// The names, without the leading slash.
    pub names: Vec<String>,
    /// The image it runs.
    pub image_id: Digest,
    /// What the image was called when the container was made.
    pub image_name: String,
}

/// Lists the places where engines usually listen. `runtime_dir` is what the environment has as
/// `XDG_RUNTIME_DIR`, for engines without root.
pub fn default_sockets(runtime_dir: Option<&Path>) -> Vec<PathBuf> {
    let mut sockets =
        vec![PathBuf::from("/var/run/docker.sock"), PathBuf::from("/run/podman/podman.sock")];
    if let Some(runtime_dir) = runtime_dir {
        sockets.push(runtime_dir.join("docker.sock"));
        sockets.push(runtime_dir.join("podman/podman.sock"));
    }
    sockets
}
