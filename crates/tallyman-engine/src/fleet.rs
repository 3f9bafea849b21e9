//! What servers report: their layers, their facts, their images.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tallyman_model::digest::Digest;
use tallyman_model::image::ResolvedImage;
use tallyman_model::inventory::LayerInventory;
use tallyman_store::error::StoreError;
use tallyman_store::ids::ImageId;
use tallyman_store::jobs::JobChanges;
use tallyman_store::layers::{LayerScope, NewLayer, StoredLayer};
use tallyman_store::servers::{ServerImage, ServerImageRow, ServerReport};

use crate::agent::protocol::{
    MissingLayersAnswer, MissingLayersRequest, PutLayerRequest, ReportAnswer, ReportRequest,
    ReportedImage,
};
use crate::analysis::{chain, check_totals};
use crate::image_identity::preferred_name;
use crate::images::{ImageError, in_order, record_failure, record_image};
use crate::installation::Installation;
use crate::suppressions::derive_suppressions;

/// The longest text that an agent may give for a name, a fact or a reason.
const MAX_TEXT_CHARS: usize = 4_096;
/// The images of one server, and the names of one image.
const MAX_IMAGES: usize = 100_000;
const MAX_NAMES: usize = 1_000;

/// Why a report was not taken.
#[derive(Debug, thiserror::Error)]
pub enum FleetError {
    /// The agent says something impossible.
    #[error("{reason}")]
    Unacceptable {
        /// What is wrong with it.
        reason: String,
    },
    /// The store failed.
    #[error("use the store")]
    Store(#[from] StoreError),
    /// An image could not be stored.
    #[error("store an image")]
    Image(#[from] ImageError),
}

/// Where an image on a server comes from, as far as its agent could tell; kept beside the image.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ImageProvenance {
    /// The digest under which the engine pulled it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manifest_digest: Option<Digest>,
    /// The size that the engine gives, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size_bytes: Option<u64>,
    /// Whether the registry gave it to anybody.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public: Option<bool>,
}

impl ImageProvenance {
    /// Reads what is kept beside an image on a server.
    pub fn of(row: &ServerImageRow) -> Self {
        ImageProvenance::of_value(row.registry.clone())
    }

    pub(crate) fn of_value(value: Option<serde_json::Value>) -> Self {
        value.and_then(|value| serde_json::from_value(value).ok()).unwrap_or_default()
    }
}

/// Says which layers an agent has to analyse.
///
/// # Errors
///
/// A [`FleetError`].
pub async fn find_missing_layers(
    installation: &Installation,
    request: MissingLayersRequest,
) -> Result<MissingLayersAnswer, FleetError> {
    check_fingerprint(&request.fingerprint)?;
    let scope = LayerScope::Server(request.server_uuid);
    let missing =
        installation.store().unknown_layers(&request.digests, &request.fingerprint, &scope).await?;
    Ok(MissingLayersAnswer { missing })
}

/// Stores an agent's analysis of a layer, for its own server only.
///
/// # Errors
///
/// A [`FleetError`].
pub async fn put_layer(
    installation: &Installation,
    request: PutLayerRequest,
) -> Result<serde_json::Value, FleetError> {
    check_fingerprint(&request.fingerprint)?;
    let layer = NewLayer {
        digest: request.digest,
        fingerprint: request.fingerprint,
        scope: LayerScope::Server(request.server_uuid),
        inventory: Arc::new(request.inventory),
    };
    installation.store().insert_layer(layer, installation.clock().now_ms()).await?;
    Ok(serde_json::json!({}))
}

/// Stores what a server is and which images it has; all of it, or nothing while layers are missing.
///
/// # Errors
///
/// A [`FleetError`].
pub async fn report_server(
    installation: &Installation,
    request: ReportRequest,
) -> Result<ReportAnswer, FleetError> {
    check_report(&request)?;
    let scope = LayerScope::Server(request.server_uuid.clone());
    let reported = request.images.as_deref().unwrap_or_default();
    let known = find_layers(installation, reported, &request.fingerprint, &scope).await?;
    let missing = missing_layers(reported, &known);
    if !missing.is_empty() {
        return Ok(ReportAnswer::LayersMissing { missing });
    }
    let images = match &request.images {
        Some(images) => {
            let mut rows: HashMap<ImageId, ServerImage> = HashMap::new();
            for image in images {
                let row = record(installation, image, &known, &request.fingerprint).await?;
                merge(rows.entry(row.image_id), row);
            }
            Some(rows.into_values().collect::<Vec<_>>())
        }
        None => None,
    };
    let count = images.as_ref().map_or(0, Vec::len);
    let report = ServerReport {
        server_uuid: request.server_uuid,
        facts: request.facts,
        agent_version: Some(request.agent_version),
        images,
    };
    let now_ms = installation.clock().now_ms();
    installation.store().report_server(report, JobChanges::default(), now_ms).await?;
    derive_suppressions(installation).await?;
    Ok(ReportAnswer::Stored { images: count })
}

async fn find_layers(
    installation: &Installation,
    images: &[ReportedImage],
    fingerprint: &str,
    scope: &LayerScope,
) -> Result<HashMap<Digest, StoredLayer>, StoreError> {
    let digests: BTreeSet<Digest> = images
        .iter()
        .filter(|image| image.failure.is_none())
        .flat_map(|image| image.image.layers.iter().map(|layer| layer.digest.clone()))
        .collect();
    let digests: Vec<Digest> = digests.into_iter().collect();
    installation.store().find_layers(&digests, fingerprint, scope).await
}

fn missing_layers(images: &[ReportedImage], known: &HashMap<Digest, StoredLayer>) -> Vec<Digest> {
    let missing: BTreeSet<Digest> = images
        .iter()
        .filter(|image| image.failure.is_none())
        .filter_map(|image| in_order(&image.image, known).err())
        .flatten()
        .collect();
    missing.into_iter().collect()
}

async fn record(
    installation: &Installation,
    reported: &ReportedImage,
    known: &HashMap<Digest, StoredLayer>,
    fingerprint: &str,
) -> Result<ServerImage, FleetError> {
    let image: &ResolvedImage = &reported.image;
    let jobs = JobChanges::default();
    let image_id = match (&reported.failure, in_order(image, known)) {
        (Some(reason), _) => record_failure(installation, image, reason, fingerprint, jobs).await?,
        (None, Ok(layers)) => {
            // The agent knows only the layers that it read itself.
            let distinct: HashMap<&Digest, &LayerInventory> =
                layers.iter().map(|it| (&it.inventory_digest, &*it.inventory)).collect();
            match check_totals(distinct.into_values(), installation.limits()) {
                Ok(()) => record_image(installation, image, layers, fingerprint, jobs).await?,
                Err(error) => {
                    let reason = chain(&error);
                    record_failure(installation, image, &reason, fingerprint, jobs).await?
                }
            }
        }
        (None, Err(_)) => {
            let reason = "layers went missing while the report was stored".to_owned();
            return Err(FleetError::Unacceptable { reason });
        }
    };
    let provenance = ImageProvenance {
        manifest_digest: image.manifest_digest.clone(),
        size_bytes: reported.engine_size_bytes,
        public: reported.public,
    };
    let mut names = reported.names.clone();
    names.sort_unstable();
    names.dedup();
    Ok(ServerImage {
        image_id,
        name: preferred_name(&names).unwrap_or(&image.name).to_owned(),
        names,
        engine: reported.engine.clone(),
        registry: serde_json::to_value(provenance).ok(),
    })
}

/// An image that two engines of a server have is one image with the names of both.
fn merge(entry: std::collections::hash_map::Entry<'_, ImageId, ServerImage>, row: ServerImage) {
    use std::collections::hash_map::Entry;
    match entry {
        Entry::Vacant(vacant) => {
            vacant.insert(row);
        }
        Entry::Occupied(mut occupied) => {
            let present = occupied.get_mut();
            present.names.extend(row.names);
            present.names.sort_unstable();
            present.names.dedup();
            if let Some(name) = preferred_name(&present.names) {
                present.name = name.to_owned();
            }
        }
    }
}

fn check_fingerprint(fingerprint: &str) -> Result<(), FleetError> {
    let good = (1..=128).contains(&fingerprint.len()) && fingerprint.is_ascii();
    if good { Ok(()) } else { Err(unacceptable("the fingerprint must have 1 to 128 characters")) }
}

fn check_report(request: &ReportRequest) -> Result<(), FleetError> {
    check_fingerprint(&request.fingerprint)?;
    let facts = &request.facts;
    let short = |text: &str| text.chars().count() <= MAX_TEXT_CHARS;
    let mut texts = vec![&facts.hostname, &facts.os, &request.agent_version];
    texts.extend(facts.os_name.iter().chain(&facts.kernel).chain(&facts.cpu_model));
    let images = request.images.as_deref().unwrap_or_default();
    for image in images {
        texts.extend(image.names.iter().chain(&image.failure).chain([&image.engine]));
        if image.names.len() > MAX_NAMES {
            return Err(unacceptable("an image has more than 1000 names"));
        }
    }
    if images.len() > MAX_IMAGES {
        return Err(unacceptable("a server has more than 100000 images"));
    }
    match texts.into_iter().all(|text| short(text)) {
        true => Ok(()),
        false => Err(unacceptable("a text has more than 4096 characters")),
    }
}

fn unacceptable(reason: &str) -> FleetError {
    FleetError::Unacceptable { reason: reason.to_owned() }
}
