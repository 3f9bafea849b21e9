//! Servers and which images they have. A report is written as its difference from the one before.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::types::Value;
use rusqlite::{Connection, Row, params, params_from_iter};
use serde::Serialize;
use tallyman_model::host::{HostFacts, ServerUuid};

use crate::encoding::{from_json, optional_from_json, parse, to_json, to_unsigned};
use crate::error::StoreError;
use crate::ids::ImageId;
use crate::images::{ImageSummary, SUMMARY_COLUMNS, known, read_summary};
use crate::jobs::{JobChanges, apply_job_changes};
use crate::settings::{Epoch, raise_epoch};
use crate::statement::{execute, fetch_all, fetch_one, fetch_optional};
use crate::store::Store;

/// An image that a server has. It is stored first ([`Store::insert_image`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerImage {
    /// The image.
    pub image_id: ImageId,
    /// The reference that lists show.
    pub name: String,
    /// All references that it has on this server.
    pub names: Vec<String>,
    /// The engine that has it, such as `docker`.
    pub engine: String,
    /// What is known of the repository that it came from.
    pub registry: Option<serde_json::Value>,
}

/// What a server says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerReport {
    /// The server.
    pub server_uuid: ServerUuid,
    /// The facts; they replace those of before.
    pub facts: HostFacts,
    /// The version of the agent.
    pub agent_version: Option<String>,
    /// All images; they replace those of before. `None` leaves them as they were.
    pub images: Option<Vec<ServerImage>>,
}

/// How the images of a server changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReportDifference {
    /// Images that the server did not have before.
    pub added: Vec<ImageId>,
    /// Images that have other names, or another engine or repository.
    pub changed: Vec<ImageId>,
    /// Images that the server has no more.
    pub removed: Vec<ImageId>,
}

/// One image on one server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerImageRow {
    /// The server.
    pub server_uuid: ServerUuid,
    /// The reference that lists show.
    pub name: String,
    /// All references that it has on this server.
    pub names: Vec<String>,
    /// The engine that has it.
    pub engine: String,
    /// What is known of the repository that it came from.
    pub registry: Option<serde_json::Value>,
    /// When the server first had it.
    pub first_seen_at: i64,
    /// The image.
    pub image: ImageSummary,
}

/// A server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerRow {
    /// The server.
    pub server_uuid: ServerUuid,
    /// What it last said of itself.
    pub facts: HostFacts,
    /// The version of the agent.
    pub agent_version: Option<String>,
    /// When it first reported.
    pub first_seen_at: i64,
    /// When it last reported.
    pub last_seen_at: i64,
    /// When it last reported its images.
    pub images_reported_at: Option<i64>,
    /// The number of images.
    pub image_count: u64,
    /// The sum of its images' vulnerabilities.
    pub vul_count: u64,
    /// The sum of its images' alerts.
    pub alarm_count: u64,
    /// The number of images whose analysis failed or that cannot be judged.
    pub unjudged_count: u64,
    /// Rises when anything that [`Store::list_server_images`] shows of it has changed.
    pub row_version: i64,
}

impl ServerRow {
    /// Tells whether any image has a vulnerability or an alert.
    pub fn is_at_risk(&self) -> bool {
        self.vul_count > 0 || self.alarm_count > 0
    }
}

/// Which servers to list; what is absent does not filter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerFilter {
    /// Only these.
    pub uuids: Option<Vec<ServerUuid>>,
    /// Part of the host name, in any case.
    pub hostname: Option<String>,
    /// One whole IP address.
    pub ip_address: Option<String>,
    /// Part of the host name, of an IP address or of the UUID, in any case.
    pub text: Option<String>,
    /// Whether any image has a vulnerability or an alert.
    pub is_at_risk: Option<bool>,
    /// Reported at this time or later.
    pub seen_since: Option<i64>,
}

/// The order of servers; equal ones follow by UUID.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ServerOrder {
    /// By UUID.
    #[default]
    Uuid,
    /// By host name.
    Hostname,
    /// Newest report first.
    LastSeen,
    /// Most vulnerabilities first.
    VulCount,
}

impl ServerOrder {
    fn sql(self) -> &'static str {
        match self {
            ServerOrder::Uuid => "server_uuid",
            ServerOrder::Hostname => "hostname, server_uuid",
            ServerOrder::LastSeen => "last_seen_at DESC, server_uuid",
            ServerOrder::VulCount => "vul_count DESC, server_uuid",
        }
    }
}

/// Which part of a list to return.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// How many rows to skip.
    pub offset: u32,
    /// How many rows to return at most.
    pub limit: u32,
}

/// The columns of [`ServerRow`] in their order.
const SERVER_COLUMNS: &str = "server_uuid, facts, agent_version, first_seen_at, last_seen_at,
    images_reported_at, image_count, vul_count, alarm_count, unjudged_count, row_version";

impl Store {
    /// Stores a report of a server: its facts, and the difference of its images.
    ///
    /// A report that says nothing new writes only when it came.
    pub async fn report_server(
        &self,
        report: ServerReport,
        jobs: JobChanges,
        now_ms: i64,
    ) -> Result<ReportDifference, StoreError> {
        self.write(move |connection| {
            upsert_server(connection, &report, now_ms)?;
            let mut difference = ReportDifference::default();
            if let Some(images) = &report.images {
                difference = replace_images(connection, &report.server_uuid, images, now_ms)?;
                if difference != ReportDifference::default() {
                    raise_row_version(connection, &report.server_uuid)?;
                }
                recount(connection, &report.server_uuid)?;
            }
            apply_job_changes(connection, &jobs, now_ms)?;
            Ok(difference)
        })
        .await
    }

    /// Returns the images of servers, ordered by server, name and image id; unknown servers have
    /// none.
    pub async fn list_server_images(
        &self,
        uuids: &[ServerUuid],
    ) -> Result<Vec<ServerImageRow>, StoreError> {
        let list = to_json(uuids)?;
        self.read(|connection| fetch_all(connection, LIST_SERVER_IMAGES, [list], read_server_image))
            .await
    }

    /// Returns the versions of servers' rows by UUID: what was read of a server's images is good
    /// until its version rises.
    pub async fn list_server_versions(
        &self,
        uuids: &[ServerUuid],
    ) -> Result<BTreeMap<ServerUuid, i64>, StoreError> {
        let list = to_json(uuids)?;
        self.read(|connection| {
            let rows = fetch_all(
                connection,
                "SELECT server_uuid, row_version FROM server
                 WHERE server_uuid IN (SELECT value FROM json_each($1))",
                [list],
                |row| Ok((parse("server_uuid", row.get_ref(0)?.as_str()?)?, row.get(1)?)),
            )?;
            Ok(rows.into_iter().collect())
        })
        .await
    }

    /// Returns a server.
    pub async fn find_server(&self, uuid: &ServerUuid) -> Result<Option<ServerRow>, StoreError> {
        self.read(|connection| {
            fetch_optional(
                connection,
                "SELECT server_uuid, facts, agent_version, first_seen_at, last_seen_at,
                        images_reported_at, image_count, vul_count, alarm_count, unjudged_count,
                        row_version
                 FROM server WHERE server_uuid = $1",
                [uuid.as_str()],
                read_server,
            )
        })
        .await
    }

    /// Returns the servers that pass the filter, a part at a time, and how many there are in all.
    pub async fn list_servers(
        &self,
        filter: &ServerFilter,
        order: ServerOrder,
        page: Page,
    ) -> Result<(Vec<ServerRow>, u64), StoreError> {
        let parts = FilterParts::new(filter)?;
        let rows_sql = format!(
            "SELECT {SERVER_COLUMNS} FROM server WHERE {} ORDER BY {} LIMIT ${} OFFSET ${}",
            parts.conditions(),
            order.sql(),
            parts.values.len() + 1,
            parts.values.len() + 2,
        );
        let total_sql = format!("SELECT COUNT(*) FROM server WHERE {}", parts.conditions());
        let mut values = parts.values.clone();
        values.extend([Value::from(page.limit), Value::from(page.offset)]);
        self.read_snapshot(|connection| {
            let rows = fetch_all(connection, &rows_sql, params_from_iter(&values), read_server)?;
            let total =
                fetch_one(connection, &total_sql, params_from_iter(&parts.values), |row| {
                    to_unsigned("COUNT(*)", row.get(0)?)
                })?;
            Ok((rows, total))
        })
        .await
    }

    /// Returns servers that pass the filter, ordered by UUID, from the one after `after` on.
    pub async fn list_servers_after(
        &self,
        filter: &ServerFilter,
        after: Option<&ServerUuid>,
        limit: u32,
    ) -> Result<Vec<ServerRow>, StoreError> {
        let mut parts = FilterParts::new(filter)?;
        let after = after.map_or("", ServerUuid::as_str).to_owned();
        parts.push("server_uuid > $", Value::from(after));
        let sql = format!(
            "SELECT {SERVER_COLUMNS} FROM server WHERE {} ORDER BY server_uuid LIMIT ${}",
            parts.conditions(),
            parts.values.len() + 1,
        );
        parts.values.push(Value::from(limit));
        self.read(|connection| {
            fetch_all(connection, &sql, params_from_iter(&parts.values), read_server)
        })
        .await
    }

    /// Deletes a server and its list of images; tells whether there was one.
    pub async fn delete_server(&self, uuid: &ServerUuid) -> Result<bool, StoreError> {
        let uuid = uuid.clone();
        self.write(move |connection| {
            let sql = "DELETE FROM server_image WHERE server_uuid = $1";
            execute(connection, sql, [uuid.as_str()])?;
            let sql = "DELETE FROM server WHERE server_uuid = $1";
            let deleted = execute(connection, sql, [uuid.as_str()])? > 0;
            if deleted {
                raise_epoch(connection, Epoch::Images)?;
            }
            Ok(deleted)
        })
        .await
    }
}

/// Conditions that are literal text, each with the parameters that it brings. Only the conditions
/// that filter are part of the statement, so that each has the plan it deserves.
struct FilterParts {
    conditions: Vec<String>,
    values: Vec<Value>,
}

impl FilterParts {
    fn new(filter: &ServerFilter) -> Result<Self, StoreError> {
        let mut parts = FilterParts { conditions: vec!["1 = 1".to_owned()], values: Vec::new() };
        if let Some(uuids) = &filter.uuids {
            let list = Value::from(to_json(uuids)?);
            parts.push("server_uuid IN (SELECT value FROM json_each($))", list);
        }
        if let Some(hostname) = &filter.hostname {
            parts.push(r"LOWER(hostname) LIKE $ ESCAPE '\'", contains(hostname));
        }
        if let Some(ip) = &filter.ip_address {
            parts.push(r"ip_addresses LIKE $ ESCAPE '\'", contains(&format!(",{ip},")));
        }
        if let Some(text) = &filter.text {
            parts.push(
                r"(LOWER(hostname) LIKE $ ESCAPE '\' OR ip_addresses LIKE $ ESCAPE '\'
                   OR LOWER(server_uuid) LIKE $ ESCAPE '\')",
                contains(text),
            );
        }
        match filter.is_at_risk {
            Some(true) => parts.conditions.push("(vul_count > 0 OR alarm_count > 0)".to_owned()),
            Some(false) => parts.conditions.push("vul_count = 0 AND alarm_count = 0".to_owned()),
            None => {}
        }
        if let Some(since) = filter.seen_since {
            parts.push("last_seen_at >= $", Value::from(since));
        }
        Ok(parts)
    }

    /// Adds a condition in which `$` stands for one parameter, which may occur several times.
    fn push(&mut self, condition: &str, value: Value) {
        self.values.push(value);
        self.conditions.push(condition.replace('$', &format!("${}", self.values.len())));
    }

    fn conditions(&self) -> String {
        self.conditions.join(" AND ")
    }
}

/// Returns the pattern of texts that contain `text`.
fn contains(text: &str) -> Value {
    let mut pattern = String::from("%");
    for c in text.to_lowercase().chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    Value::from(pattern)
}

const LIST_SERVER_IMAGES: &str = "
SELECT image.image_id, image.config_digest, image.manifest_digest, image.platform,
       image.created_at, image.size_bytes, image.state, image.state_reason,
       CASE WHEN package_list.vul_count > server_image.suppressed_count
            THEN package_list.vul_count - server_image.suppressed_count ELSE 0 END,
       package_list.vul_by_severity, image.alarm_count,
       image.row_version + package_list.row_version, image.analyzed_at,
       package_list.matched_revision, server_image.server_uuid, server_image.name,
       server_image.names, server_image.engine, server_image.registry, server_image.first_seen_at
FROM server_image JOIN image ON image.image_id = server_image.image_id
     JOIN package_list ON package_list.list_id = image.list_id
WHERE server_image.server_uuid IN (SELECT value FROM json_each($1))
ORDER BY server_image.server_uuid, server_image.name, server_image.image_id";

fn read_server_image(row: &Row<'_>) -> Result<ServerImageRow, StoreError> {
    let rest = SUMMARY_COLUMNS;
    Ok(ServerImageRow {
        image: read_summary(row, 0)?,
        server_uuid: parse("server_image.server_uuid", row.get_ref(rest)?.as_str()?)?,
        name: row.get(rest + 1)?,
        names: from_json("server_image.names", row.get_ref(rest + 2)?.as_str()?)?,
        engine: row.get(rest + 3)?,
        registry: optional_from_json(
            "server_image.registry",
            row.get_ref(rest + 4)?.as_str_or_null()?,
        )?,
        first_seen_at: row.get(rest + 5)?,
    })
}

fn read_server(row: &Row<'_>) -> Result<ServerRow, StoreError> {
    Ok(ServerRow {
        server_uuid: parse("server.server_uuid", row.get_ref(0)?.as_str()?)?,
        facts: from_json("server.facts", row.get_ref(1)?.as_str()?)?,
        agent_version: row.get(2)?,
        first_seen_at: row.get(3)?,
        last_seen_at: row.get(4)?,
        images_reported_at: row.get(5)?,
        image_count: to_unsigned("server.image_count", row.get(6)?)?,
        // Until suppressions are derived anew, more may be suppressed than there is.
        vul_count: to_unsigned("server.vul_count", row.get::<_, i64>(7)?.max(0))?,
        alarm_count: to_unsigned("server.alarm_count", row.get(8)?)?,
        unjudged_count: to_unsigned("server.unjudged_count", row.get(9)?)?,
        row_version: row.get(10)?,
    })
}

fn upsert_server(
    connection: &Connection,
    report: &ServerReport,
    now_ms: i64,
) -> Result<(), StoreError> {
    let ip_addresses: String =
        report.facts.ip_addresses.iter().map(|address| format!(",{address},")).collect();
    let images_reported_at = report.images.is_some().then_some(now_ms);
    execute(
        connection,
        "INSERT INTO server (server_uuid, hostname, ip_addresses, agent_version, first_seen_at,
                             last_seen_at, images_reported_at, image_count, vul_count, alarm_count,
                             unjudged_count, row_version, facts)
         VALUES ($1, $2, $3, $4, $5, $5, $6, 0, 0, 0, 0, 1, $7)
         ON CONFLICT (server_uuid) DO UPDATE
         SET hostname = excluded.hostname, ip_addresses = excluded.ip_addresses,
             agent_version = excluded.agent_version, last_seen_at = excluded.last_seen_at,
             images_reported_at =
                 COALESCE(excluded.images_reported_at, server.images_reported_at),
             row_version = server.row_version
                 + CASE WHEN server.facts = excluded.facts THEN 0 ELSE 1 END,
             facts = excluded.facts",
        params![
            report.server_uuid.as_str(),
            report.facts.hostname,
            ip_addresses.to_lowercase(),
            report.agent_version,
            now_ms,
            images_reported_at,
            to_json(&report.facts)?,
        ],
    )?;
    Ok(())
}

/// A row of `server_image` without its server and its date, as it is compared and written.
#[derive(PartialEq, Eq, Serialize)]
struct ImageColumns {
    image_id: ImageId,
    name: String,
    names: String,
    engine: String,
    registry: Option<String>,
}

fn replace_images(
    connection: &Connection,
    uuid: &ServerUuid,
    images: &[ServerImage],
    now_ms: i64,
) -> Result<ReportDifference, StoreError> {
    let mut stored = stored_images(connection, uuid)?;
    let mut reported = BTreeMap::new();
    for image in images {
        reported.insert(image.image_id, image_columns(image)?);
    }
    let mut difference = ReportDifference::default();
    let mut written = Vec::new();
    for (id, columns) in reported {
        match stored.remove(&id) {
            Some(before) if before == columns => continue,
            Some(_) => difference.changed.push(id),
            None => difference.added.push(id),
        }
        written.push(columns);
    }
    difference.removed = stored.into_keys().collect();
    check_known(connection, &difference.added)?;
    if !difference.removed.is_empty() {
        execute(
            connection,
            "DELETE FROM server_image
             WHERE server_uuid = $1 AND image_id IN (SELECT value FROM json_each($2))",
            params![uuid.as_str(), to_json(&difference.removed)?],
        )?;
    }
    if !written.is_empty() {
        execute(
            connection,
            "INSERT INTO server_image (server_uuid, image_id, name, names, engine, registry,
                                       first_seen_at)
             SELECT $1, json_extract(value, '$.image_id'), json_extract(value, '$.name'),
                    json_extract(value, '$.names'), json_extract(value, '$.engine'),
                    json_extract(value, '$.registry'), $2
             FROM json_each($3) WHERE true
             ON CONFLICT (server_uuid, image_id) DO UPDATE
             SET name = excluded.name, names = excluded.names, engine = excluded.engine,
                 registry = excluded.registry",
            params![uuid.as_str(), now_ms, to_json(&written)?],
        )?;
    }
    Ok(difference)
}

fn stored_images(
    connection: &Connection,
    uuid: &ServerUuid,
) -> Result<BTreeMap<ImageId, ImageColumns>, StoreError> {
    let rows = fetch_all(
        connection,
        "SELECT image_id, name, names, engine, registry FROM server_image
         WHERE server_uuid = $1 ORDER BY image_id",
        [uuid.as_str()],
        |row| {
            let image_id = ImageId(row.get(0)?);
            let columns = ImageColumns {
                image_id,
                name: row.get(1)?,
                names: row.get(2)?,
                engine: row.get(3)?,
                registry: row.get(4)?,
            };
            Ok((image_id, columns))
        },
    )?;
    Ok(rows.into_iter().collect())
}

fn image_columns(image: &ServerImage) -> Result<ImageColumns, StoreError> {
    let names: BTreeSet<&String> = image.names.iter().collect();
    Ok(ImageColumns {
        image_id: image.image_id,
        name: image.name.clone(),
        names: to_json(&names)?,
        engine: image.engine.clone(),
        registry: image.registry.as_ref().map(to_json).transpose()?,
    })
}

fn check_known(connection: &Connection, ids: &[ImageId]) -> Result<(), StoreError> {
    let known = known(connection, &to_json(ids)?)?;
    match ids.iter().find(|id| !known.contains(id)) {
        Some(unknown) => Err(StoreError::UnknownImage(*unknown)),
        None => Ok(()),
    }
}

fn raise_row_version(connection: &Connection, uuid: &ServerUuid) -> Result<(), StoreError> {
    execute(
        connection,
        "UPDATE server SET row_version = row_version + 1 WHERE server_uuid = $1",
        [uuid.as_str()],
    )?;
    raise_epoch(connection, Epoch::Images)
}

/// Sums a server's images up again. Changes of the images themselves are added to the sums
/// (`crate::counters::shift_servers`); this sets them anew with each report.
fn recount(connection: &Connection, uuid: &ServerUuid) -> Result<(), StoreError> {
    execute(
        connection,
        "UPDATE server
         SET image_count = sums.image_count, vul_count = sums.vul_count,
             alarm_count = sums.alarm_count, unjudged_count = sums.unjudged_count
         FROM (SELECT COUNT(*) AS image_count,
                      COALESCE(SUM(CASE
                          WHEN package_list.vul_count > server_image.suppressed_count
                          THEN package_list.vul_count - server_image.suppressed_count
                          ELSE 0 END), 0) AS vul_count,
                      COALESCE(SUM(image.alarm_count), 0) AS alarm_count,
                      COALESCE(SUM(CASE WHEN image.state = 'analyzed' THEN 0 ELSE 1 END), 0)
                          AS unjudged_count
               FROM server_image JOIN image ON image.image_id = server_image.image_id
                    JOIN package_list ON package_list.list_id = image.list_id
               WHERE server_image.server_uuid = $1) AS sums
         WHERE server.server_uuid = $1
           AND (server.image_count <> sums.image_count OR server.vul_count <> sums.vul_count
                OR server.alarm_count <> sums.alarm_count
                OR server.unjudged_count <> sums.unjudged_count)",
        [uuid.as_str()],
    )?;
    Ok(())
}

#[cfg(test)]
mod tests;
