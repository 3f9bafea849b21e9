//! What travels between an agent and the server, as JSON.
//!
//! Each request is a POST to one of the paths below, signed as any call of the API (ACS3), with
//! the action's name in `x-acs-action`. Requests can be repeated: each says how things are.

use serde::{Deserialize, Serialize};
use tallyman_model::digest::Digest;
use tallyman_model::host::{HostFacts, ServerUuid};
use tallyman_model::image::ResolvedImage;
use tallyman_model::inventory::LayerInventory;

/// The version that travels in `x-acs-version`.
pub const VERSION: &str = "2026-11-24";

/// The path and action that ask which layers the server has no analysis of.
pub const FIND_MISSING_LAYERS: Endpoint =
    Endpoint { path: "/agent/v1/missing-layers", action: "FindMissingLayers" };
/// The path and action that bring the analysis of one layer.
pub const PUT_LAYER: Endpoint = Endpoint { path: "/agent/v1/layer", action: "PutLayer" };
/// The path and action that report the host and all its images.
pub const REPORT_SERVER: Endpoint = Endpoint { path: "/agent/v1/report", action: "ReportServer" };

/// A path of the server and the name of what it does, which RAM policies grant as
/// `tallyman:<action>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// The path.
    pub path: &'static str,
    /// The action.
    pub action: &'static str,
}

/// Asks which of these layers have to be analysed.
#[derive(Debug, Serialize, Deserialize)]
pub struct MissingLayersRequest {
    /// The server that asks.
    pub server_uuid: ServerUuid,
    /// The analyzer set of the agent.
    pub fingerprint: String,
    /// The layers of its images.
    pub digests: Vec<Digest>,
}

/// Names the layers to analyse.
#[derive(Debug, Serialize, Deserialize)]
pub struct MissingLayersAnswer {
    /// A subset of what was asked, in the same order.
    pub missing: Vec<Digest>,
}

/// Brings the analysis of one layer.
#[derive(Debug, Serialize, Deserialize)]
pub struct PutLayerRequest {
    /// The server on whose behalf it counts; for no other, until a trusted worker has read the
    /// same digest.
    pub server_uuid: ServerUuid,
    /// The analyzer set of the agent.
    pub fingerprint: String,
    /// The digest of the bytes that the agent read.
    pub digest: Digest,
    /// What it found.
    pub inventory: LayerInventory,
}

/// Says what a server is and which images it has; images that are not named are gone.
#[derive(Debug, Serialize, Deserialize)]
pub struct ReportRequest {
    /// The server.
    pub server_uuid: ServerUuid,
    /// What it says of itself.
    pub facts: HostFacts,
    /// The agent's version.
    pub agent_version: String,
    /// The analyzer set of the agent.
    pub fingerprint: String,
    /// All images on the server; `None` if they could not be listed, in which case the server
    /// keeps what it knows.
    pub images: Option<Vec<ReportedImage>>,
}

/// An image on a server.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ReportedImage {
    /// Where the agent found it: `docker`, `podman`, `oci-layout`, `archive`, `registry`.
    pub engine: String,
    /// All references that name it, as the engine writes them; may be empty.
    pub names: Vec<String>,
    /// The manifest and configuration.
    pub image: ResolvedImage,
    /// The size that the engine gives, in bytes, where it gives one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine_size_bytes: Option<u64>,
    /// Whether the registry gave it to anybody, where it was read from one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public: Option<bool>,
    /// Why it could not be analysed, if so; its layers are then not looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

/// Acknowledges a report: what it said is stored.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "outcome")]
pub enum ReportAnswer {
    /// Everything is stored and matched.
    Stored {
        /// How many images the server now has.
        images: usize,
    },
    /// Nothing is stored yet: these layers must be brought first.
    LayersMissing {
        /// The layers.
        missing: Vec<Digest>,
    },
}
