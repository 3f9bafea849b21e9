//! DescribeCloudCenterInstances: the servers, where the UUIDs of all other calls come from.
//!
//! Which facts fill which field is laid down in `docs/api/describe-cloud-center-instances.md`.

mod criteria;

use std::collections::HashMap;
use std::net::IpAddr;

use serde::Serialize;
use serde_json::json;
use tallyman_acs::error::{ApiError, catalogue};
use tallyman_acs::parameters::Parameters;
use tallyman_model::host::ServerUuid;
use tallyman_model::severity::Severity;
use tallyman_store::error::StoreError;
use tallyman_store::servers::{Page, ServerFilter, ServerImageRow, ServerOrder, ServerRow};
use tallyman_store::store::Store;

use crate::api::paging::Paging;
use crate::api::{Action, ActionContext, ActionResult};
use criteria::Criteria;

pub(super) const ACTION: Action = Action {
    name: "DescribeCloudCenterInstances",
    ram_action: "yundun-sas:DescribeCloudCenterInstances",
    run: |context| Box::pin(run(context)),
};

const DEFAULT_PAGE_SIZE: u32 = 20;
/// A server that was silent for longer than this is offline.
const ONLINE_WINDOW_MS: i64 = 15 * 60 * 1_000;
/// How many servers are read at once where a condition has to look at each.
const BATCH: u32 = 500;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Response {
    instances: Vec<Instance>,
    page_info: PageInfo,
    success: bool,
}

#[derive(Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
struct PageInfo {
    count: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    current_page: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
    page_size: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    total_count: Option<u64>,
}

#[derive(Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Instance {
    #[serde(skip_serializing_if = "Option::is_none")]
    alarm_status: Option<&'static str>,
    asset_type: &'static str,
    asset_type_name: &'static str,
    client_status: &'static str,
    client_sub_status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    cores: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cpu_info: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    has_container: Option<&'static str>,
    instance_id: String,
    instance_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    internet_ip: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    intranet_ip: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ip: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ip_list_string: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kernel: Option<String>,
    last_login_timestamp: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    mac_list_string: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mem: Option<u64>,
    os: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    os_name: Option<String>,
    region: String,
    region_id: String,
    risk_count: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    risk_status: Option<&'static str>,
    safe_event_count: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'static str>,
    uuid: String,
    vul_count: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    vul_status: Option<&'static str>,
}

/// The part of a list that was asked for.
struct Selection {
    rows: Vec<ServerRow>,
    page_info: PageInfo,
}

async fn run(context: ActionContext<'_>) -> ActionResult {
    let parameters = context.parameters;
    let paging = Paging::parse(parameters, DEFAULT_PAGE_SIZE)?;
    let criteria = Criteria::parse(parameters)?;
    let language = Language::parse(parameters);
    let store = context.installation.store();
    let selection = match wants_servers(parameters) {
        true => select(store, &criteria, paging, context.now_ms).await?,
        false => Selection::empty(&paging),
    };
    let uuids: Vec<ServerUuid> = selection.rows.iter().map(|row| row.server_uuid.clone()).collect();
    let mut images: HashMap<ServerUuid, Vec<ServerImageRow>> = HashMap::new();
    for image in store.list_server_images(&uuids).await? {
        images.entry(image.server_uuid.clone()).or_default().push(image);
    }
    let region = context.installation.region().await?;
    let describe = Describe { region: &region, language, now_ms: context.now_ms };
    let instances = selection
        .rows
        .iter()
        .map(|row| {
            let images = images.get(&row.server_uuid).map_or(&[][..], Vec::as_slice);
            describe.instance(row, images)
        })
        .collect();
    let response = Response { instances, page_info: selection.page_info, success: true };
    Ok(serde_json::to_value(response)?)
}

/// All assets here are servers, `ecs` in the API's words.
fn wants_servers(parameters: &Parameters) -> bool {
    parameters
        .find_string("MachineTypes")
        .is_none_or(|types| types.split(',').any(|machine_type| machine_type.trim() == "ecs"))
}

impl Selection {
    fn empty(paging: &Paging) -> Self {
        Selection { rows: Vec::new(), page_info: PageInfo::new(paging, 0, Some(0), None) }
    }
}

impl PageInfo {
    fn new(paging: &Paging, count: usize, total: Option<u64>, next_token: Option<String>) -> Self {
        match paging {
            Paging::Page { current_page, page_size } => PageInfo {
                count,
                current_page: Some(*current_page),
                next_token: None,
                page_size: *page_size,
                total_count: total,
            },
            // The total is documented as left out with this kind of paging.
            Paging::Token { page_size, .. } => PageInfo {
                count,
                current_page: None,
                next_token,
                page_size: *page_size,
                total_count: None,
            },
        }
    }
}

async fn select(
    store: &Store,
    criteria: &Criteria,
    paging: Paging,
    now_ms: i64,
) -> Result<Selection, crate::api::ActionError> {
    match &paging {
        Paging::Page { current_page, page_size } => {
            let offset = (current_page - 1).saturating_mul(*page_size);
            let (rows, total) = match criteria.is_empty() {
                true => {
                    let page = Page { offset, limit: *page_size };
                    store.list_servers(&ServerFilter::default(), ServerOrder::Uuid, page).await?
                }
                false => {
                    let all = matching(store, criteria, None, None, now_ms).await?;
                    let total = u64::try_from(all.len()).unwrap_or(u64::MAX);
                    let skip = usize::try_from(offset).unwrap_or(usize::MAX);
                    let take = usize::try_from(*page_size).unwrap_or(usize::MAX);
                    (all.into_iter().skip(skip).take(take).collect(), total)
                }
            };
            let page_info = PageInfo::new(&paging, rows.len(), Some(total), None);
            Ok(Selection { rows, page_info })
        }
        Paging::Token { next_token, page_size } => {
            let after = next_token.as_deref().map(read_token).transpose()?;
            let wanted = usize::try_from(*page_size).unwrap_or(usize::MAX);
            let mut rows = matching(store, criteria, after, Some(wanted + 1), now_ms).await?;
            let has_more = rows.len() > wanted;
            rows.truncate(wanted);
            let next = rows.last().filter(|_| has_more).map(|row| write_token(&row.server_uuid));
            let page_info = PageInfo::new(&paging, rows.len(), None, next);
            Ok(Selection { rows, page_info })
        }
    }
}

/// Returns the servers that meet the criteria, by UUID, from the one after `after` on; all of
/// them, or the first `limit`.
async fn matching(
    store: &Store,
    criteria: &Criteria,
    mut after: Option<ServerUuid>,
    limit: Option<usize>,
    now_ms: i64,
) -> Result<Vec<ServerRow>, StoreError> {
    let mut rows = Vec::new();
    loop {
        let batch =
            store.list_servers_after(&ServerFilter::default(), after.as_ref(), BATCH).await?;
        let Some(last) = batch.last() else { return Ok(rows) };
        after = Some(last.server_uuid.clone());
        rows.extend(batch.into_iter().filter(|row| criteria.meets(row, now_ms)));
        if limit.is_some_and(|limit| rows.len() >= limit) {
            return Ok(rows);
        }
    }
}

fn write_token(uuid: &ServerUuid) -> String {
    format!("after-{uuid}")
}

fn read_token(token: &str) -> Result<ServerUuid, ApiError> {
    token
        .strip_prefix("after-")
        .and_then(|uuid| uuid.parse().ok())
        .ok_or_else(|| catalogue::invalid_parameter("NextToken"))
}

/// The language of what the product itself says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Language {
    Chinese,
    English,
}

impl Language {
    /// `Lang`; Chinese where it is absent, as documented.
    fn parse(parameters: &Parameters) -> Self {
        match parameters.find_string("Lang") {
            Some("en") => Language::English,
            _ => Language::Chinese,
        }
    }
}

struct Describe<'a> {
    region: &'a str,
    language: Language,
    now_ms: i64,
}

impl Describe<'_> {
    fn instance(&self, row: &ServerRow, images: &[ServerImageRow]) -> Instance {
        let facts = &row.facts;
        let online = is_online(row, self.now_ms);
        let client_status = if online { "online" } else { "offline" };
        let addresses = Addresses::of(&facts.ip_addresses);
        let judged = row.images_reported_at.is_some() && row.unjudged_count == 0;
        Instance {
            alarm_status: flag(row.alarm_count, judged),
            asset_type: "0",
            asset_type_name: match self.language {
                Language::Chinese => "云服务器",
                Language::English => "Cloud server",
            },
            client_status,
            client_sub_status: client_status,
            cores: facts.cores,
            cpu_info: facts.cpu_model.clone(),
            has_container: facts.running_containers.map(|n| if n > 0 { "YES" } else { "NO" }),
            instance_id: row.server_uuid.to_string(),
            instance_name: facts.hostname.clone(),
            ip: addresses.public.clone().or_else(|| addresses.private.clone()),
            internet_ip: addresses.public,
            intranet_ip: addresses.private,
            ip_list_string: joined(&facts.ip_addresses),
            kernel: facts.kernel.clone(),
            last_login_timestamp: row.last_seen_at,
            mac_list_string: joined(&facts.mac_addresses),
            mem: facts.memory_mib,
            os: facts.os.clone(),
            os_name: facts.os_name.clone(),
            region: self.region.to_owned(),
            region_id: self.region.to_owned(),
            risk_count: risk_count(row, images),
            risk_status: flag(row.vul_count.saturating_add(row.alarm_count), judged),
            safe_event_count: row.alarm_count,
            // Whether a silent server still runs is not known.
            status: online.then_some("Running"),
            uuid: row.server_uuid.to_string(),
            vul_count: row.vul_count,
            vul_status: flag(row.vul_count, judged),
        }
    }
}

/// `NO` needs every image to be judged; `YES` needs one finding.
fn flag(count: u64, judged: bool) -> Option<&'static str> {
    match (count, judged) {
        (1.., _) => Some("YES"),
        (0, true) => Some("NO"),
        (0, false) => None,
    }
}

fn is_online(row: &ServerRow, now_ms: i64) -> bool {
    now_ms.saturating_sub(row.last_seen_at) <= ONLINE_WINDOW_MS
}

fn joined(values: &[String]) -> Option<String> {
    (!values.is_empty()).then(|| values.join(","))
}

/// The counters that are known, as a JSON text.
fn risk_count(row: &ServerRow, images: &[ServerImageRow]) -> String {
    let count = |severities: &[Severity]| -> u64 {
        let of_image = |image: &ServerImageRow| -> u64 {
            severities.iter().map(|severity| image.image.vul_by_severity.get(*severity)).sum()
        };
        images.iter().map(of_image).sum()
    };
    json!({
        "uuid": row.server_uuid.as_str(),
        "vul": row.vul_count,
        "imageVulAsap": count(&[Severity::Critical, Severity::High]),
        "imageVulLater": count(&[Severity::Medium]),
        "imageVulNntf": count(&[Severity::Low, Severity::Negligible, Severity::Unknown]),
        "suspicious": row.alarm_count,
    })
    .to_string()
}

/// The addresses that the API shows apart.
#[derive(Debug, Default, PartialEq)]
struct Addresses {
    public: Option<String>,
    private: Option<String>,
}

impl Addresses {
    fn of(all: &[String]) -> Self {
        let (mut private, mut public): (Vec<IpAddr>, Vec<IpAddr>) = all
            .iter()
            .filter_map(|address| address.parse::<IpAddr>().ok())
            .partition(|address| is_private(*address));
        // IPv4 first: that is what tools expect here.
        private.sort_unstable();
        public.sort_unstable();
        let first = |addresses: Vec<IpAddr>| addresses.first().map(ToString::to_string);
        Addresses { public: first(public), private: first(private) }
    }
}

fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_private() || v4.is_loopback() || v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_unique_local() || v6.is_loopback() || v6.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests;
