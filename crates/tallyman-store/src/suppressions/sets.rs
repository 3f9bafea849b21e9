//! The vulnerabilities that do not count together, with who says so, and noting where that is
//! another than before. How a change is told of it is `changes/places.rs`.

use std::collections::BTreeMap;

use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};
use tallyman_model::severity::Severity;

use super::DERIVED_AT;
use crate::encoding::{from_json, to_json};
use crate::error::StoreError;
use crate::ids::{SuppressionSetId, id_of};
use crate::settings::find_setting;
use crate::statement::{execute, fetch_all, fetch_optional};

/// What says that vulnerabilities do not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SuppressorKind {
    /// An ignore rule.
    Rule,
    /// A statement of a VEX document.
    Vex,
}

/// Who says that vulnerabilities do not count.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Suppressor {
    /// What it is.
    pub kind: SuppressorKind,
    /// The identifier of the rule or the document.
    pub id: String,
    /// Who wrote it.
    pub author: String,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A vulnerability that does not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SuppressedVulnerability {
    /// How severe it is.
    pub severity: Severity,
    /// Who says that it does not count.
    pub by: Suppressor,
}

/// The vulnerabilities that do not count in an image on a server, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SuppressionSet(BTreeMap<String, SuppressedVulnerability>);

/// How a set is stored: each who says something once.
#[derive(Serialize, Deserialize)]
struct Content {
    by: Vec<Suppressor>,
    vulnerabilities: Vec<(String, Severity, usize)>,
}

impl SuppressionSet {
    /// Makes a set of vulnerabilities; `None` of none.
    pub fn new(vulnerabilities: BTreeMap<String, SuppressedVulnerability>) -> Option<Self> {
        (!vulnerabilities.is_empty()).then_some(SuppressionSet(vulnerabilities))
    }

    /// Returns the identifier, which is made of the content.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if it cannot be written as JSON.
    pub fn id(&self) -> Result<SuppressionSetId, StoreError> {
        Ok(SuppressionSetId(id_of(&self.content()?)))
    }

    /// Returns the number of vulnerabilities.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Tells whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Finds a vulnerability.
    pub(crate) fn get(&self, name: &str) -> Option<&SuppressedVulnerability> {
        self.0.get(name)
    }

    /// Returns all of them by name.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &SuppressedVulnerability)> {
        self.0.iter().map(|(name, it)| (name.as_str(), it))
    }

    fn content(&self) -> Result<String, StoreError> {
        let mut numbers: BTreeMap<&Suppressor, usize> = BTreeMap::new();
        for it in self.0.values() {
            numbers.entry(&it.by).or_default();
        }
        for (number, it) in numbers.values_mut().enumerate() {
            *it = number;
        }
        let vulnerabilities = self.0.iter().map(|(name, it)| {
            (name.clone(), it.severity, numbers.get(&it.by).copied().unwrap_or_default())
        });
        let vulnerabilities = vulnerabilities.collect();
        to_json(&Content { by: numbers.into_keys().cloned().collect(), vulnerabilities })
    }

    fn of_content(text: &str) -> Result<Self, StoreError> {
        let Content { by, vulnerabilities } = from_json("suppression_set.content", text)?;
        let known = vulnerabilities.into_iter().filter_map(|(name, severity, number)| {
            let by = by.get(number)?.clone();
            Some((name, SuppressedVulnerability { severity, by }))
        });
        Ok(SuppressionSet(known.collect()))
    }
}

/// Stores the sets that are not stored.
pub(super) fn store(
    connection: &Connection,
    sets: &BTreeMap<SuppressionSetId, SuppressionSet>,
) -> Result<(), StoreError> {
    for (id, set) in sets {
        let content = set.content()?;
        let sql = "SELECT content = $1 FROM suppression_set WHERE set_id = $2";
        match fetch_optional(connection, sql, params![content, id.0], |row| Ok(row.get(0)?))? {
            Some(true) => {}
            Some(false) => {
                return Err(StoreError::Collision { what: "suppression set", id: id.0 });
            }
            None => {
                let sql = "INSERT INTO suppression_set (set_id, content) VALUES ($1, $2)";
                execute(connection, sql, params![id.0, content])?;
            }
        }
    }
    Ok(())
}

/// Notes what was suppressed until now in the places that are to be written. A place that came, or
/// whose image was analysed, since suppressions were last derived had no answer before that could
/// be another now; nor is it known of one that an earlier program counted.
pub(super) fn note(connection: &Connection, places: &str, now_ms: i64) -> Result<(), StoreError> {
    let derived = find_setting(connection, DERIVED_AT)?.and_then(|text| text.parse().ok());
    execute(
        connection,
        "INSERT INTO suppression_change (image_id, server_uuid, before_set_id)
         SELECT server_image.image_id, server_image.server_uuid, server_image.suppression_set_id
         FROM json_each($1) AS change
         JOIN server_image ON server_image.server_uuid = json_extract(change.value, '$[0]')
          AND server_image.image_id = json_extract(change.value, '$[1]')
         JOIN image ON image.image_id = server_image.image_id
         WHERE server_image.first_seen_at <= $2 AND image.analyzed_at <= $2
           AND (server_image.suppression_set_id IS NOT NULL OR server_image.suppressed_count = 0)
         ON CONFLICT (image_id, server_uuid) DO NOTHING",
        params![places, derived.unwrap_or(now_ms)],
    )?;
    Ok(())
}

/// Returns sets by identifier.
pub(crate) fn load(
    connection: &Connection,
    ids: &[SuppressionSetId],
) -> Result<BTreeMap<SuppressionSetId, SuppressionSet>, StoreError> {
    let rows = fetch_all(
        connection,
        "SELECT set_id, content FROM suppression_set
         WHERE set_id IN (SELECT value FROM json_each($1))",
        [to_json(ids)?],
        |row| {
            let set = SuppressionSet::of_content(row.get_ref(1)?.as_str()?)?;
            Ok((SuppressionSetId(row.get(0)?), set))
        },
    )?;
    Ok(rows.into_iter().collect())
}

/// Forgets the sets that no place names any more; when what was noted of them is settled.
pub(crate) fn purge(connection: &Connection) -> Result<(), StoreError> {
    execute(
        connection,
        "DELETE FROM suppression_set
         WHERE NOT EXISTS (SELECT 1 FROM server_image
                           WHERE server_image.suppression_set_id = suppression_set.set_id)",
        [],
    )?;
    Ok(())
}
