//! DescribeImageRiskChanges: the images of which the answer changed with the advisories.
//!
//! An action of Tallyman's own, in the manner of Security Center, which has none like it; see
//! `docs/api/describe-image-risk-changes.md`.

use serde::Serialize;
use tallyman_acs::error::{ApiError, catalogue};
use tallyman_acs::parameters::Parameters;
use tallyman_engine::changes::{VulnerabilityFate, risks};
use tallyman_engine::image_identity::ImageIdentity;
use tallyman_store::changes::{
    ChangeCursor, ChangeFilter, Direction, RiskChange, ServerOfImage, SuppressionCause,
    SuppressorFate, VulnerabilityChange,
};
use tallyman_store::ids::ImageId;
use tallyman_store::suppressions::sets::SuppressorKind;

use super::describe_image_info_list::{parse_uuids, yes_no};
use crate::api::{Action, ActionContext, ActionError, ActionResult};

pub(super) const ACTION: Action = Action {
    name: "DescribeImageRiskChanges",
    ram_action: "yundun-sas:DescribeImageRiskChanges",
    run: |context| Box::pin(run(context)),
};

const DEFAULT_RESULTS: u32 = 20;
const MAX_RESULTS: u32 = 100;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Response {
    changes: Vec<Change>,
    max_results: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Change {
    change: &'static str,
    change_time: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    endpoints: Option<String>,
    image_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    repo_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    repo_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    repo_namespace: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<String>,
    revision_number: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    risk_status_after: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    risk_status_before: Option<&'static str>,
    server_count: u64,
    servers: Vec<Server>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tag: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vul_count_after: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vul_count_before: Option<u64>,
    vulnerabilities: Vec<Vulnerability>,
    vulnerabilities_left_out: u64,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Server {
    instance_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    repo_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    repo_namespace: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tag: Option<String>,
    uuid: String,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Vulnerability {
    #[serde(skip_serializing_if = "Option::is_none")]
    advisory_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<CauseOfChange>,
    change: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    feed: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fixed_version: Option<String>,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    package_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    package_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    package_version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    severity_after: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    severity_before: Option<&'static str>,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
struct CauseOfChange {
    author: String,
    effect: &'static str,
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(rename = "Type")]
    kind: &'static str,
}

async fn run(context: ActionContext<'_>) -> ActionResult {
    let max_results = max_results(context.parameters)?;
    let before = context.parameters.find_string("NextToken").map(read_token).transpose()?;
    let filter = filter(context).await?;
    let store = context.installation.store();
    let mut found = store.list_risk_changes(&filter, before, max_results + 1).await?;
    let wanted = usize::try_from(max_results).unwrap_or(usize::MAX);
    let has_more = found.len() > wanted;
    found.truncate(wanted);
    let next_token = found.last().filter(|_| has_more).map(|last| write_token(last.cursor()));
    let changes = found.iter().map(change).collect();
    Ok(serde_json::to_value(Response { changes, max_results, next_token })?)
}

fn max_results(parameters: &Parameters) -> Result<u32, ApiError> {
    match parameters.find_i32("MaxResults")? {
        None => Ok(DEFAULT_RESULTS),
        Some(number) => u32::try_from(number)
            .ok()
            .filter(|number| (1..=MAX_RESULTS).contains(number))
            .ok_or_else(|| catalogue::invalid_parameter("MaxResults")),
    }
}

async fn filter(context: ActionContext<'_>) -> Result<ChangeFilter, ActionError> {
    let parameters = context.parameters;
    let direction = match parameters.find_string("Change") {
        None => None,
        Some("Worse") => Some(Direction::Worse),
        Some("Better") => Some(Direction::Better),
        Some(_) => return Err(catalogue::invalid_parameter("Change").into()),
    };
    let after_revision = match parameters.find_string("SinceRevision") {
        None => None,
        Some(text) => {
            let number = context.installation.store().find_revision_number(text).await?;
            Some(number.ok_or_else(|| catalogue::invalid_parameter("SinceRevision"))?)
        }
    };
    let servers = match parameters.find_string("Uuids") {
        None => None,
        Some(_) => Some(parse_uuids(parameters)?),
    };
    let since = parameters.find_i64("StartTime")?;
    Ok(ChangeFilter { after_revision, since, direction, servers, is_by_advisories: false })
}

fn write_token(cursor: ChangeCursor) -> String {
    format!("before-{}-{}", cursor.sequence, cursor.image_id)
}

fn read_token(token: &str) -> Result<ChangeCursor, ApiError> {
    let parse = || {
        let (sequence, image_id) = token.strip_prefix("before-")?.split_once('-')?;
        let image_id = ImageId(image_id.parse().ok()?);
        Some(ChangeCursor { sequence: sequence.parse().ok()?, image_id })
    };
    parse().ok_or_else(|| catalogue::invalid_parameter("NextToken"))
}

fn change(change: &RiskChange) -> Change {
    let (before, after) = risks(change);
    let image = &change.image;
    let first = change.servers.first();
    let identity = first.and_then(|it| ImageIdentity::of_names(&it.names)).unwrap_or_default();
    Change {
        change: match change.direction {
            Direction::Better => "Better",
            Direction::Both => "Both",
            Direction::Worse => "Worse",
        },
        change_time: change.changed_at,
        digest: image.manifest_digest.as_ref().map(|digest| digest.hex().to_owned()),
        endpoints: identity.endpoint,
        image_id: image.config_digest.hex().to_owned(),
        repo_id: identity.repository_id,
        repo_name: identity.name,
        repo_namespace: identity.namespace,
        revision: change.revision.clone(),
        revision_number: change.revision_number,
        risk_status_after: yes_no(after.risky),
        risk_status_before: yes_no(before.risky),
        server_count: change.server_count,
        servers: change.servers.iter().map(server).collect(),
        tag: identity.tag,
        vul_count_after: after.vulnerabilities,
        vul_count_before: before.vulnerabilities,
        vulnerabilities: change.vulnerabilities.iter().map(vulnerability).collect(),
        vulnerabilities_left_out: change.left_out,
    }
}

fn server(server: &ServerOfImage) -> Server {
    let identity = ImageIdentity::of_names(&server.names).unwrap_or_default();
    Server {
        instance_id: server.server_uuid.to_string(),
        repo_name: identity.name,
        repo_namespace: identity.namespace,
        tag: identity.tag,
        uuid: server.server_uuid.to_string(),
    }
}

fn vulnerability(change: &VulnerabilityChange) -> Vulnerability {
    let (package, record) = (change.package.as_ref(), change.record.as_ref());
    Vulnerability {
        advisory_id: record.map(|record| record.advisory.clone()),
        cause: change.cause.as_ref().map(cause),
        change: match VulnerabilityFate::of(change) {
            VulnerabilityFate::Came => "Came",
            VulnerabilityFate::Went => "Went",
            VulnerabilityFate::Rated => "Rated",
        },
        feed: record.map(|record| record.feed.clone()),
        fixed_version: record.and_then(|record| record.fixed_version.clone()),
        name: change.vulnerability.clone(),
        package_name: package.map(|package| package.name.clone()),
        package_type: package.map(|package| package.ecosystem.name()),
        package_version: package.map(|package| package.version.clone()),
        severity_after: change.after.map(|severity| severity.name()),
        severity_before: change.before.map(|severity| severity.name()),
    }
}

fn cause(cause: &SuppressionCause) -> CauseOfChange {
    CauseOfChange {
        author: cause.by.author.clone(),
        effect: match cause.fate {
            SuppressorFate::Suppresses => "Suppresses",
            SuppressorFate::Expired => "Expired",
            SuppressorFate::Removed => "Removed",
            SuppressorFate::Changed => "Changed",
        },
        id: cause.by.id.clone(),
        reason: cause.by.reason.clone(),
        kind: match cause.by.kind {
            SuppressorKind::Rule => "IgnoreRule",
            SuppressorKind::Vex => "VexDocument",
        },
    }
}

#[cfg(test)]
mod tests;
