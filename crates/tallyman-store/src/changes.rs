//! What changed for images when the advisories did, or what suppresses their findings.
//!
//! What differs in findings is noted per package version, in the transaction that writes it
//! ([`note_findings`]), and what differs in suppressions per place. When the counters and the
//! suppressions have followed, it is settled ([`Store::settle_changes`]): one row for each list of
//! packages whose answer is another, however many images show it. This file reads the rows.

mod note;
mod places;
mod settle;

use std::collections::HashMap;

use rusqlite::{Connection, Row, params};
use serde::{Deserialize, Serialize};
use tallyman_model::coverage::AnalysisState;
use tallyman_model::host::ServerUuid;
use tallyman_model::package::Ecosystem;
use tallyman_model::severity::Severity;

use crate::encoding::{from_json, optional_from_json, parse, to_json, to_unsigned};
use crate::error::StoreError;
use crate::ids::ImageId;
use crate::images::{ImageSummary, SeverityCounts, read_summary};
use crate::statement::{fetch_all, fetch_optional};
use crate::store::Store;

pub use crate::changes::places::{SuppressionCause, SuppressorFate};
pub use crate::changes::settle::Settled;

pub(crate) use crate::changes::note::{
    FindingDifference, note_findings, note_revision, note_states,
};

/// How many servers are named with each image.
const NAMED_SERVERS: u32 = 100;

/// Whether an answer became worse or better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Direction {
    /// Nothing came, something went.
    Better,
    /// Something came and something else went.
    Both,
    /// Something came, nothing went.
    Worse,
}

impl Direction {
    fn number(self) -> i64 {
        match self {
            Direction::Better => -1,
            Direction::Both => 0,
            Direction::Worse => 1,
        }
    }

    fn of_number(number: i64) -> Self {
        match number.signum() {
            -1 => Direction::Better,
            1 => Direction::Worse,
            _ => Direction::Both,
        }
    }
}

/// A vulnerability that is not as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VulnerabilityChange {
    /// Its name.
    pub vulnerability: String,
    /// How severe it was; `None`: it was not there.
    pub before: Option<Severity>,
    /// How severe it is; `None`: it is gone.
    pub after: Option<Severity>,
    /// One package that it is about, while that is known.
    pub package: Option<ChangedPackage>,
    /// The record that is or was decisive, while that is known.
    pub record: Option<DecisiveRecord>,
    /// Who began or ceased to suppress it, where that is why.
    pub cause: Option<SuppressionCause>,
}

/// The package version for which a vulnerability came or went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangedPackage {
    /// The ecosystem.
    pub ecosystem: Ecosystem,
    /// The name.
    pub name: String,
    /// The version.
    pub version: String,
}

/// What is kept of a finding that came or went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecisiveRecord {
    /// The record's id in its feed.
    pub advisory: String,
    /// The feed.
    pub feed: String,
    /// The severity.
    pub severity: Severity,
    /// The first version without it, where one is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fixed_version: Option<String>,
}

/// A server that has an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerOfImage {
    /// The server.
    pub server_uuid: ServerUuid,
    /// All references that the image has there.
    pub names: Vec<String>,
}

/// What is known of an image at one time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnswerFacts {
    /// How far the analysis can be trusted.
    pub state: AnalysisState,
    /// The number of vulnerabilities by severity.
    pub vul_by_severity: SeverityCounts,
}

/// An image of which the answer changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RiskChange {
    /// The place of the change among all; images that show the same packages share it.
    pub sequence: i64,
    /// The number of the advisory revision that brought it.
    pub revision_number: i64,
    /// The revision itself, while it is known.
    pub revision: Option<String>,
    /// When it came about.
    pub changed_at: i64,
    /// Whether it is worse or better.
    pub direction: Direction,
    /// What was known before.
    pub before: AnswerFacts,
    /// What was known then.
    pub after: AnswerFacts,
    /// The vulnerabilities that are not as they were, the most severe first.
    pub vulnerabilities: Vec<VulnerabilityChange>,
    /// The number of further ones.
    pub left_out: u64,
    /// The image as it is now.
    pub image: ImageSummary,
    /// The first servers that have it now, ordered.
    pub servers: Vec<ServerOfImage>,
    /// The number of all servers that have it.
    pub server_count: u64,
}

/// Which changes to list; what is absent does not filter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChangeFilter {
    /// Only after this revision became the current one, and not what came with it.
    pub after_revision: Option<i64>,
    /// Only what advisories have a part in.
    pub is_by_advisories: bool,
    /// Only from this time on.
    pub since: Option<i64>,
    /// Only those for the worse, or for the better; what went both ways is both.
    pub direction: Option<Direction>,
    /// Only where these servers have the image now.
    pub servers: Option<Vec<ServerUuid>>,
}

/// Where a page of changes begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChangeCursor {
    /// The sequence of the last change of the page before.
    pub sequence: i64,
    /// Its image.
    pub image_id: ImageId,
}

impl RiskChange {
    /// Returns where the next page begins after this change.
    pub fn cursor(&self) -> ChangeCursor {
        ChangeCursor { sequence: self.sequence, image_id: self.image.image_id }
    }
}

/// A row of `risk_change`, with its image.
struct ChangeRow {
    change: RiskChange,
    vulnerabilities: Vec<ChangedVulnerability>,
    causes: Vec<SuppressionCause>,
    /// As `risk_change.places` says.
    places: i64,
}

/// How `risk_change.vulnerabilities` holds one: name, severities, the finding's change or, as a
/// negative number, the cause.
type ChangedVulnerability = (String, Option<u8>, Option<u8>, i64);

impl Store {
    /// Returns changes, the newest first, a page at a time.
    pub async fn list_risk_changes(
        &self,
        filter: &ChangeFilter,
        before: Option<ChangeCursor>,
        limit: u32,
    ) -> Result<Vec<RiskChange>, StoreError> {
        let cursor =
            before.unwrap_or(ChangeCursor { sequence: i64::MAX, image_id: ImageId(i64::MAX) });
        self.read_snapshot(|connection| {
            let direction = filter.direction.map(Direction::number);
            let rows = match &filter.servers {
                None => fetch_all(
                    connection,
                    NEWEST,
                    params![
                        cursor.sequence,
                        cursor.image_id.0,
                        filter.after_revision.unwrap_or(-1),
                        filter.since.unwrap_or(0),
                        direction,
                        filter.is_by_advisories,
                        limit
                    ],
                    read_change,
                )?,
                Some(servers) => fetch_all(
                    connection,
                    NEWEST_OF_SERVERS,
                    params![
                        cursor.sequence,
                        cursor.image_id.0,
                        filter.after_revision.unwrap_or(-1),
                        filter.since.unwrap_or(0),
                        direction,
                        filter.is_by_advisories,
                        to_json(servers)?,
                        limit
                    ],
                    read_change,
                )?,
            };
            complete(connection, rows)
        })
        .await
    }

    /// Returns the changes of a part of the sequence in its order, a page at a time.
    pub async fn list_risk_changes_between(
        &self,
        after: ChangeCursor,
        through_sequence: i64,
        limit: u32,
    ) -> Result<Vec<RiskChange>, StoreError> {
        self.read_snapshot(|connection| {
            let rows = fetch_all(
                connection,
                IN_ORDER,
                params![after.sequence, after.image_id.0, through_sequence, limit],
                read_change,
            )?;
            complete(connection, rows)
        })
        .await
    }

    /// Finds a revision by its number or by how its name begins; the newest of several.
    pub async fn find_revision_number(&self, text: &str) -> Result<Option<i64>, StoreError> {
        let beginning = format!("{}%", text.replace(['%', '_'], ""));
        self.read(|connection| {
            fetch_optional(
                connection,
                "SELECT revision_number FROM advisory_revision
                 WHERE CAST(revision_number AS TEXT) = $1
                    OR (LENGTH($1) >= 8 AND revision LIKE $2)
                 ORDER BY revision_number DESC LIMIT 1",
                params![text, beginning],
                |row| Ok(row.get(0)?),
            )
        })
        .await
    }
}

/// What is read of a change and of an image as it is now.
macro_rules! change_columns {
    () => {
        "SELECT risk_change.sequence, risk_change.revision_number, advisory_revision.revision,
                risk_change.changed_at, risk_change.direction, risk_change.state_before,
                risk_change.state_after, risk_change.vul_by_severity_before,
                risk_change.vul_by_severity_after, risk_change.vulnerabilities,
                risk_change.left_out, risk_change.causes, risk_change.places,
                image.image_id, image.config_digest, image.manifest_digest, image.platform,
                image.created_at, image.size_bytes, image.state, image.state_reason,
                package_list.vul_count, package_list.vul_by_severity, image.alarm_count,
                image.row_version + package_list.row_version, image.analyzed_at,
                package_list.matched_revision
         FROM risk_change
         JOIN package_list ON package_list.list_id = risk_change.list_id
         JOIN image ON image.list_id = risk_change.list_id
          AND (risk_change.image_id IS NULL OR risk_change.image_id = image.image_id)
          AND image.analyzed_at < risk_change.changed_at
         LEFT JOIN advisory_revision
           ON advisory_revision.revision_number = risk_change.revision_number "
    };
}

macro_rules! newest_where {
    () => {
        "WHERE risk_change.sequence <= $1
           AND (risk_change.sequence < $1 OR image.image_id < $2)
           AND risk_change.revision_number >= $3
           AND (risk_change.revision_number > $3 OR risk_change.is_by_suppressions = 1)
           AND risk_change.changed_at >= $4
           AND ($5 IS NULL OR risk_change.direction IN (0, $5))
           AND ($6 = 0 OR risk_change.is_by_suppressions = 0) "
    };
}

/// A place of the image, that the change is about.
macro_rules! meant_place {
    () => {
        "SELECT 1 FROM server_image
         WHERE server_image.image_id = image.image_id
           AND EXISTS (SELECT 1 FROM risk_change_place
                       WHERE risk_change_place.sequence = risk_change.sequence
                         AND risk_change_place.image_id = server_image.image_id
                         AND risk_change_place.server_uuid = server_image.server_uuid)
               = (risk_change.places = 1) "
    };
}

/// The change is about the image: on a server, or it is on none and none is named, for
/// suppressions are of images on servers.
macro_rules! is_meant {
    () => {
        concat!(
            "AND ((risk_change.places = 0 AND risk_change.is_by_suppressions = 0
                   AND NOT EXISTS (SELECT 1 FROM risk_change_place
                                   WHERE risk_change_place.sequence = risk_change.sequence
                                     AND risk_change_place.image_id = image.image_id))
                  OR EXISTS (",
            meant_place!(),
            ")) "
        )
    };
}

/// Where a column of the image begins.
const IMAGE_COLUMN: usize = 13;

const NEWEST: &str = concat!(
    change_columns!(),
    newest_where!(),
    is_meant!(),
    "ORDER BY risk_change.sequence DESC, image.image_id DESC LIMIT $7"
);

const NEWEST_OF_SERVERS: &str = concat!(
    change_columns!(),
    newest_where!(),
    "AND EXISTS (",
    meant_place!(),
    "  AND server_image.server_uuid IN (SELECT value FROM json_each($7)))
     ORDER BY risk_change.sequence DESC, image.image_id DESC LIMIT $8"
);

const IN_ORDER: &str = concat!(
    change_columns!(),
    "WHERE risk_change.sequence >= $1
       AND (risk_change.sequence > $1 OR image.image_id > $2)
       AND risk_change.sequence <= $3 ",
    is_meant!(),
    "ORDER BY risk_change.sequence, image.image_id LIMIT $4"
);

fn read_change(row: &Row<'_>) -> Result<ChangeRow, StoreError> {
    let image = read_summary(row, IMAGE_COLUMN)?;
    let state = |column: usize, what| -> Result<AnalysisState, StoreError> {
        let stored = optional_from_json(what, row.get_ref(column)?.as_str_or_null()?)?;
        Ok(stored.unwrap_or_else(|| image.state.clone()))
    };
    let counts = |column: usize, what| from_json(what, row.get_ref(column)?.as_str()?);
    let before = AnswerFacts {
        state: state(5, "risk_change.state_before")?,
        vul_by_severity: counts(7, "risk_change.vul_by_severity_before")?,
    };
    let after = AnswerFacts {
        state: state(6, "risk_change.state_after")?,
        vul_by_severity: counts(8, "risk_change.vul_by_severity_after")?,
    };
    let vulnerabilities = row.get_ref(9)?.as_str()?;
    let causes = row.get_ref(11)?.as_str_or_null()?;
    Ok(ChangeRow {
        causes: optional_from_json("risk_change.causes", causes)?.unwrap_or_default(),
        places: row.get(12)?,
        vulnerabilities: from_json("risk_change.vulnerabilities", vulnerabilities)?,
        change: RiskChange {
            sequence: row.get(0)?,
            revision_number: row.get(1)?,
            revision: row.get(2)?,
            changed_at: row.get(3)?,
            direction: Direction::of_number(row.get(4)?),
            before,
            after,
            vulnerabilities: Vec::new(),
            left_out: to_unsigned("risk_change.left_out", row.get(10)?)?,
            image,
            servers: Vec::new(),
            server_count: 0,
        },
    })
}

/// Adds what stands in other tables.
fn complete(connection: &Connection, rows: Vec<ChangeRow>) -> Result<Vec<RiskChange>, StoreError> {
    let details = details_of(connection, &rows)?;
    let mut servers = servers_of(connection, &rows)?;
    let changes =
        rows.into_iter().map(|ChangeRow { mut change, vulnerabilities, causes, .. }| {
            change.vulnerabilities = vulnerabilities
                .into_iter()
                .map(|(vulnerability, before, after, id)| {
                    let detail = details.get(&id).cloned();
                    let (package, record) = detail.unwrap_or_default();
                    let (before, after) = (before.map(severity), after.map(severity));
                    let cause = cause_of(&causes, id).cloned();
                    VulnerabilityChange { vulnerability, before, after, package, record, cause }
                })
                .collect();
            if let Some((count, named)) = servers.remove(&(change.sequence, change.image.image_id))
            {
                change.server_count = count;
                change.servers = named;
            }
            change
        });
    Ok(changes.collect())
}

/// The first cause is -1.
fn cause_of(causes: &[SuppressionCause], id: i64) -> Option<&SuppressionCause> {
    causes.get(usize::try_from(id.checked_neg()?.checked_sub(1)?).ok()?)
}

fn severity(number: u8) -> Severity {
    Severity::ALL.get(usize::from(number)).copied().unwrap_or(Severity::Unknown)
}

type Details = (Option<ChangedPackage>, Option<DecisiveRecord>);

fn details_of(
    connection: &Connection,
    rows: &[ChangeRow],
) -> Result<HashMap<i64, Details>, StoreError> {
    let ids: Vec<i64> =
        rows.iter().flat_map(|row| row.vulnerabilities.iter().map(|it| it.3)).collect();
    let rows = fetch_all(
        connection,
        "SELECT finding_change.change_id, finding_change.before, finding_change.after,
                package_version.ecosystem, package_version.name, package_version.version
         FROM finding_change LEFT JOIN package_version
           ON package_version.package_version_id = finding_change.package_version_id
         WHERE finding_change.change_id IN (SELECT value FROM json_each($1))",
        [to_json(&ids)?],
        |row| {
            let record = |column: usize, what| {
                optional_from_json::<DecisiveRecord>(what, row.get_ref(column)?.as_str_or_null()?)
            };
            let before = record(1, "finding_change.before")?;
            let after = record(2, "finding_change.after")?;
            let ecosystem = row.get_ref(3)?.as_str_or_null()?;
            let package = match ecosystem {
                Some(ecosystem) => Some(ChangedPackage {
                    ecosystem: parse("package_version.ecosystem", ecosystem)?,
                    name: row.get(4)?,
                    version: row.get(5)?,
                }),
                None => None,
            };
            Ok((row.get(0)?, (package, after.or(before))))
        },
    )?;
    Ok(rows.into_iter().collect())
}

type ServersOfImages = HashMap<(i64, ImageId), (u64, Vec<ServerOfImage>)>;

fn servers_of(connection: &Connection, rows: &[ChangeRow]) -> Result<ServersOfImages, StoreError> {
    let keys: Vec<(i64, ImageId, i64)> = rows
        .iter()
        .map(|row| (row.change.sequence, row.change.image.image_id, row.places))
        .collect();
    let rows = fetch_all(
        connection,
        "SELECT sequence, image_id, server_uuid, names, total
         FROM (SELECT json_extract(meant.value, '$[0]') AS sequence,
                      server_image.image_id AS image_id, server_image.server_uuid AS server_uuid,
                      server_image.names AS names,
                      COUNT(*) OVER (PARTITION BY meant.key) AS total,
                      ROW_NUMBER() OVER (PARTITION BY meant.key
                                         ORDER BY server_image.server_uuid) AS place
               FROM json_each($1) AS meant
               JOIN server_image ON server_image.image_id = json_extract(meant.value, '$[1]')
               WHERE EXISTS (
                   SELECT 1 FROM risk_change_place
                   WHERE risk_change_place.sequence = json_extract(meant.value, '$[0]')
                     AND risk_change_place.image_id = server_image.image_id
                     AND risk_change_place.server_uuid = server_image.server_uuid)
                   = json_extract(meant.value, '$[2]')) AS numbered
         WHERE place <= $2 ORDER BY sequence, image_id, server_uuid",
        params![to_json(&keys)?, NAMED_SERVERS],
        |row| {
            let server = ServerOfImage {
                server_uuid: parse("server_uuid", row.get_ref(2)?.as_str()?)?,
                names: from_json("server_image.names", row.get_ref(3)?.as_str()?)?,
            };
            let key = (row.get(0)?, ImageId(row.get(1)?));
            Ok((key, to_unsigned("COUNT(*)", row.get(4)?)?, server))
        },
    )?;
    let mut servers = ServersOfImages::new();
    for (key, count, server) in rows {
        let entry = servers.entry(key).or_default();
        entry.0 = count;
        entry.1.push(server);
    }
    Ok(servers)
}

#[cfg(test)]
mod tests;
