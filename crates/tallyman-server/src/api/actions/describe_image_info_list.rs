//! DescribeImageInfoList: the images on the given servers.
//!
//! Where each field comes from is laid down in `docs/api/describe-image-info-list.md`.

use std::collections::BTreeSet;

use serde::Serialize;
use tallyman_acs::error::ApiError;
use tallyman_acs::parameters::Parameters;
use tallyman_engine::fleet::ImageProvenance;
use tallyman_engine::image_identity::{ImageIdentity, RegistryKind};
use tallyman_engine::risk::Risk;
use tallyman_model::coverage::AnalysisState;
use tallyman_model::host::ServerUuid;
use tallyman_store::servers::ServerImageRow;

use crate::api::{Action, ActionContext, ActionResult};

pub(super) const ACTION: Action = Action {
    name: "DescribeImageInfoList",
    ram_action: "yundun-sas:DescribeImageInfoList",
    run: |context| Box::pin(run(context)),
};

/// The largest number of different UUIDs in one call.
const MAX_UUIDS: usize = 1_000;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Response {
    image_infos: Vec<ImageInfo>,
}

#[derive(Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
struct ImageInfo {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    endpoints: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    risk_status: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vul_status: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image_create: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    alarm_status: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    registry_type: Option<&'static str>,
    image_update: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    tag: Option<String>,
    instance_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    repo_type: Option<&'static str>,
    region_id: String,
    uuid: String,
    image_size: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    repo_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vul_count: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    alarm_count: Option<u64>,
    image_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    repo_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    repo_namespace: Option<String>,
}

async fn run(context: ActionContext<'_>) -> ActionResult {
    let uuids = parse_uuids(context.parameters)?;
    let rows = context.installation.store().list_server_images(&uuids).await?;
    let region = context.installation.region().await?;
    let image_infos = rows.iter().map(|row| image_info(row, &region)).collect();
    Ok(serde_json::to_value(Response { image_infos })?)
}

/// Reads `Uuids`: each UUID once, ordered.
pub(super) fn parse_uuids(parameters: &Parameters) -> Result<Vec<ServerUuid>, ApiError> {
    let text = parameters.get_string("Uuids")?;
    let uuids: BTreeSet<ServerUuid> = text
        .split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .map(|part| part.parse().map_err(|_| invalid_uuids("it must hold server UUIDs only")))
        .collect::<Result<_, _>>()?;
    if uuids.is_empty() {
        return Err(tallyman_acs::error::catalogue::missing_parameter("Uuids"));
    }
    if uuids.len() > MAX_UUIDS {
        return Err(invalid_uuids("at most 1000 UUIDs can be given in one call"));
    }
    Ok(uuids.into_iter().collect())
}

fn invalid_uuids(reason: &str) -> ApiError {
    let message = format!("Specified parameter Uuids is not valid: {reason}.");
    ApiError::new(400, "InvalidUuids", message)
}

fn image_info(row: &ServerImageRow, region: &str) -> ImageInfo {
    let identity = ImageIdentity::of_names(&row.names).unwrap_or_default();
    let provenance = ImageProvenance::of(row);
    let risk = risk(row);
    ImageInfo {
        status: status(row),
        endpoints: identity.endpoint,
        risk_status: yes_no(risk.risky),
        vul_status: yes_no(risk.vulnerabilities.map(|count| count > 0)),
        image_create: row.image.created_ms,
        alarm_status: yes_no(risk.alarms.map(|count| count > 0)),
        digest: provenance
            .manifest_digest
            .or(row.image.manifest_digest.clone())
            .map(|digest| digest.hex().to_owned()),
        registry_type: identity.kind.map(registry_type),
        image_update: row.first_seen_at,
        tag: identity.tag,
        instance_id: row.server_uuid.to_string(),
        repo_type: provenance.public.map(|public| if public { "PUBLIC" } else { "PRIVATE" }),
        region_id: identity.region.unwrap_or_else(|| region.to_owned()),
        uuid: row.server_uuid.to_string(),
        image_size: provenance.size_bytes.unwrap_or(row.image.size_bytes),
        repo_id: identity.repository_id,
        vul_count: risk.vulnerabilities,
        alarm_count: risk.alarms,
        image_id: row.image.config_digest.hex().to_owned(),
        repo_name: identity.name,
        repo_namespace: identity.namespace,
    }
}

/// `NORMAL` is the only value that is documented; the others say that the answer has a hole.
fn status(row: &ServerImageRow) -> &'static str {
    match row.image.state {
        AnalysisState::Analyzed => "NORMAL",
        AnalysisState::Unsupported { .. } => "SCAN_UNSUPPORTED",
        AnalysisState::Failed { .. } => "SCAN_FAILED",
    }
}

fn registry_type(kind: RegistryKind) -> &'static str {
    match kind {
        RegistryKind::Acr => "acr",
        RegistryKind::Quay => "quay",
    }
}

pub(super) fn yes_no(answer: Option<bool>) -> Option<&'static str> {
    answer.map(|yes| if yes { "YES" } else { "NO" })
}

fn risk(row: &ServerImageRow) -> Risk {
    let image = &row.image;
    let found = Some(image.vul_count).filter(|_| image.matched_revision.is_some());
    Risk::of(&image.state, found, image.alarm_count)
}

#[cfg(test)]
mod tests;
