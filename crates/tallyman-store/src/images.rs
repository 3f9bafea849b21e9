//! Images: one row for equal images, however many servers have them.
//!
//! A row's key covers everything that the row says, down to the inventories of its layers. Equal
//! facts share a row without trust between servers, and an agent that lies gets a row of its own.

use std::collections::{BTreeSet, HashMap, HashSet};

use rusqlite::{Connection, Row, params};
use serde::{Deserialize, Serialize};
use tallyman_model::coverage::AnalysisState;
use tallyman_model::digest::Digest;
use tallyman_model::distribution::Distribution;
use tallyman_model::host::ServerUuid;
use tallyman_model::image::LayerDescriptor;
use tallyman_model::inventory::{InventoryAlert, InventoryDiagnostic};
use tallyman_model::package::PackageVersion;
use tallyman_model::platform::Platform;
use tallyman_model::severity::Severity;

use crate::archives::KnownArchive;
use crate::changes::note_states;
use crate::counters::shift_unjudged;
use crate::encoding::{
    count_of, from_json, from_zstd_json, optional_from_json, parse, to_integer, to_json,
    to_unsigned, to_zstd_json,
};
use crate::error::StoreError;
use crate::findings::{StoredFinding, findings_of};
use crate::ids::{ImageId, PackageListId, PackageVersionId, id_of, sha256};
use crate::jobs::{JobChanges, apply_job_changes};
use crate::package_sets::{LayerPackages, PackageOfList, packages_of_image, store_list};
use crate::packages::package_versions;
use crate::statement::{execute, fetch_all, fetch_optional};
use crate::store::Store;

/// What an image is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ImageFacts {
    /// The digest of the configuration, which engines call the image id.
    pub config_digest: Digest,
    /// The digest of the manifest, where there is one.
    pub manifest_digest: Option<Digest>,
    /// The platform.
    pub platform: Platform,
    /// When it was built, by its configuration.
    pub created_ms: Option<i64>,
    /// The layers from the base upwards.
    pub layers: Vec<LayerDescriptor>,
    /// The digests of the layers' inventories, in the same order; fewer where a layer could not
    /// be read.
    pub inventory_digests: Vec<Digest>,
    /// The analyzer set that made them.
    pub fingerprint: String,
    /// What the index of archives says of those in the layers. Most images have none, and a key
    /// that does not speak of it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub archives: Vec<KnownArchive>,
}

impl ImageFacts {
    /// Returns the SHA-256 of all facts, in hexadecimal.
    pub fn image_key(&self) -> Result<String, StoreError> {
        Ok(hex::encode(sha256(to_json(self)?.as_bytes())))
    }

    /// Returns the id of the image's row, which is made of its key.
    pub fn image_id(&self) -> Result<ImageId, StoreError> {
        Ok(ImageId(id_of(&self.image_key()?)))
    }

    /// Returns the size of all layers as they are stored or sent, in bytes.
    pub fn size_bytes(&self) -> u64 {
        self.layers.iter().fold(0, |sum, layer| sum.saturating_add(layer.size_bytes))
    }
}

/// A package of an image that is to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewImagePackage {
    /// The package version.
    pub version: PackageVersion,
    /// The index of the layer that brought it.
    pub layer: usize,
    /// The file that names it.
    pub path: String,
}

/// An image that is to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewImage {
    /// What it is made of.
    pub facts: ImageFacts,
    /// Its distribution, where one was found.
    pub distribution: Option<Distribution>,
    /// How far the analysis can be trusted.
    pub state: AnalysisState,
    /// Its packages ([`by_layer`](crate::package_sets::by_layer)).
    pub packages: Vec<LayerPackages>,
    /// Its alerts.
    pub alerts: Vec<InventoryAlert>,
    /// What could not be read.
    pub diagnostics: Vec<InventoryDiagnostic>,
}

/// How many vulnerabilities there are of each severity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SeverityCounts(pub [u64; 6]);

impl SeverityCounts {
    /// Returns the number of one severity.
    pub fn get(&self, severity: Severity) -> u64 {
        self.iter().find(|(s, _)| *s == severity).map_or(0, |(_, count)| count)
    }

    /// Returns all severities in rising order with their numbers.
    pub fn iter(&self) -> impl Iterator<Item = (Severity, u64)> + '_ {
        Severity::ALL.into_iter().zip(self.0)
    }

    /// Returns the worst severity that there is any of.
    pub fn worst(&self) -> Option<Severity> {
        self.iter().filter(|(_, count)| *count > 0).map(|(severity, _)| severity).last()
    }
}

/// What lists show of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageSummary {
    /// The id of the row.
    pub image_id: ImageId,
    /// The digest of the configuration.
    pub config_digest: Digest,
    /// The digest of the manifest, where there is one.
    pub manifest_digest: Option<Digest>,
    /// The platform.
    pub platform: Platform,
    /// When it was built, by its configuration.
    pub created_ms: Option<i64>,
    /// The size of all layers.
    pub size_bytes: u64,
    /// How far the analysis can be trusted.
    pub state: AnalysisState,
    /// The number of distinct vulnerabilities.
    pub vul_count: u64,
    /// The same by severity.
    pub vul_by_severity: SeverityCounts,
    /// The number of alerts.
    pub alarm_count: u64,
    /// Rises with each change of the row.
    pub row_version: i64,
    /// When it was analysed.
    pub analyzed_at: i64,
    /// The advisory revision of the last change of the counters; `None` while it is not matched,
    /// when the counters say nothing yet.
    pub matched_revision: Option<String>,
}

/// Everything that is stored of an image but its packages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredImage {
    /// What lists show.
    pub summary: ImageSummary,
    /// The SHA-256 of its facts.
    pub image_key: String,
    /// The analyzer set.
    pub fingerprint: String,
    /// Its distribution, where one was found.
    pub distribution: Option<Distribution>,
    /// The layers from the base upwards.
    pub layers: Vec<LayerDescriptor>,
    /// Its alerts.
    pub alerts: Vec<InventoryAlert>,
    /// What could not be read.
    pub diagnostics: Vec<InventoryDiagnostic>,
}

/// A package of a stored image.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredImagePackage {
    /// The id of the package version.
    pub package_version_id: PackageVersionId,
    /// The package version.
    pub version: PackageVersion,
    /// The index of the layer that brought it.
    pub layer: usize,
    /// The file that names it.
    pub path: String,
    /// Its vulnerabilities, ordered by name.
    pub findings: Vec<StoredFinding>,
}

/// The columns of [`ImageSummary`] start at the given place of a row.
pub(crate) const SUMMARY_COLUMNS: usize = 14;

impl Store {
    /// Stores an image and interns its package versions; returns its id.
    ///
    /// An image with the same facts is the same row: then only a differing state is written.
    pub async fn insert_image(
        &self,
        image: NewImage,
        jobs: JobChanges,
        now_ms: i64,
    ) -> Result<ImageId, StoreError> {
        let image = KeyedImage::new(image)?;
        self.write(move |connection| {
            insert_or_set_state(connection, &image, now_ms)?;
            apply_job_changes(connection, &jobs, now_ms)?;
            Ok(image.id)
        })
        .await
    }

    /// Stores many images as [`Store::insert_image`] does, in one transaction: all or none.
    pub async fn insert_images(
        &self,
        images: Vec<NewImage>,
        now_ms: i64,
    ) -> Result<Vec<ImageId>, StoreError> {
        let images =
            images.into_iter().map(KeyedImage::new).collect::<Result<Vec<_>, StoreError>>()?;
        self.write_many(move |connection| {
            for image in &images {
                insert_or_set_state(connection, image, now_ms)?;
            }
            Ok(images.iter().map(|image| image.id).collect())
        })
        .await
    }

    /// Returns those of `ids` that are stored.
    pub async fn known_images(&self, ids: &[ImageId]) -> Result<HashSet<ImageId>, StoreError> {
        let list = to_json(ids)?;
        self.read(|connection| known(connection, &list)).await
    }

    /// Returns an image.
    pub async fn find_image(&self, image_id: ImageId) -> Result<Option<StoredImage>, StoreError> {
        self.read(|connection| {
            fetch_optional(
                connection,
                "SELECT image_id, config_digest, manifest_digest, platform, created_at, size_bytes,
                        state, state_reason, vul_count, vul_by_severity, alarm_count,
                        image.row_version + package_list.row_version, analyzed_at,
                        matched_revision, image_key, fingerprint, distribution, layers, alerts,
                        diagnostics
                 FROM image JOIN package_list ON package_list.list_id = image.list_id
                 WHERE image_id = $1",
                [image_id.0],
                read_image,
            )
        })
        .await
    }

    /// Returns images, a page at a time, by id.
    pub async fn list_images_after(
        &self,
        after: Option<ImageId>,
        limit: u32,
    ) -> Result<Vec<ImageSummary>, StoreError> {
        let after = after.map_or(-1, |id| id.0);
        self.read(|connection| {
            fetch_all(
                connection,
                "SELECT image_id, config_digest, manifest_digest, platform, created_at, size_bytes,
                        state, state_reason, vul_count, vul_by_severity, alarm_count,
                        image.row_version + package_list.row_version, analyzed_at,
                        matched_revision
                 FROM image JOIN package_list ON package_list.list_id = image.list_id
                 WHERE image_id > $1 ORDER BY image_id LIMIT $2",
                params![after, limit],
                |row| read_summary(row, 0),
            )
        })
        .await
    }

    /// Returns the images whose configuration or manifest has this digest, newest analysis first.
    pub async fn list_images_by_digest(
        &self,
        digest: &Digest,
        limit: u32,
    ) -> Result<Vec<ImageSummary>, StoreError> {
        let digest = digest.to_string();
        self.read(|connection| {
            fetch_all(
                connection,
                "SELECT image_id, config_digest, manifest_digest, platform, created_at, size_bytes,
                        state, state_reason, vul_count, vul_by_severity, alarm_count,
                        image.row_version + package_list.row_version, analyzed_at,
                        matched_revision
                 FROM image JOIN package_list ON package_list.list_id = image.list_id
                 WHERE config_digest = $1 OR manifest_digest = $1
                 ORDER BY analyzed_at DESC, image_id LIMIT $2",
                params![digest, limit],
                |row| read_summary(row, 0),
            )
        })
        .await
    }

    /// Returns the servers that have an image, ordered, each with the name it has there.
    pub async fn list_servers_with_image(
        &self,
        image_id: ImageId,
        after: Option<&ServerUuid>,
        limit: u32,
    ) -> Result<Vec<(ServerUuid, String)>, StoreError> {
        let after = after.map_or("", ServerUuid::as_str);
        self.read(|connection| {
            fetch_all(
                connection,
                "SELECT server_uuid, name FROM server_image
                 WHERE image_id = $1 AND server_uuid > $2 ORDER BY server_uuid LIMIT $3",
                params![image_id.0, after, limit],
                |row| Ok((parse("server_uuid", row.get_ref(0)?.as_str()?)?, row.get(1)?)),
            )
        })
        .await
    }

    /// Returns all packages of an image with their findings, in the order of the inventory;
    /// `None` if there is no such image.
    pub async fn find_image_packages(
        &self,
        image_id: ImageId,
    ) -> Result<Option<Vec<StoredImagePackage>>, StoreError> {
        self.read_snapshot(|connection| {
            let packages = packages_of_image(connection, image_id.0)?;
            packages.map(|packages| with_findings(connection, packages)).transpose()
        })
        .await
    }

    /// Returns the packages of an image that have findings; `None` if there is no such image.
    pub async fn image_findings(
        &self,
        image_id: ImageId,
    ) -> Result<Option<Vec<StoredImagePackage>>, StoreError> {
        let packages = self.find_image_packages(image_id).await?;
        Ok(packages.map(|mut packages| {
            packages.retain(|package| !package.findings.is_empty());
            packages
        }))
    }

    /// Sets the states of images; returns those whose state was another.
    pub async fn set_image_states(
        &self,
        states: Vec<(ImageId, AnalysisState)>,
    ) -> Result<Vec<ImageId>, StoreError> {
        self.write_many(move |connection| set_states_noted(connection, &states)).await
    }

    /// Sets the state of all images that show these lists of packages, but for those that could
    /// not be read; returns those whose state was another.
    pub async fn set_list_states(
        &self,
        states: Vec<(PackageListId, AnalysisState)>,
    ) -> Result<Vec<ImageId>, StoreError> {
        self.write_many(move |connection| {
            let mut of_images = Vec::new();
            for (list_id, state) in states {
                let images = fetch_all(
                    connection,
                    "SELECT image_id FROM image WHERE list_id = $1 AND state <> 'failed'",
                    [list_id.0],
                    |row| Ok((ImageId(row.get(0)?), state.clone())),
                )?;
                of_images.extend(images);
            }
            set_states_noted(connection, &of_images)
        })
        .await
    }
}

/// An image with the key and the id that its facts give it.
struct KeyedImage {
    id: ImageId,
    key: String,
    image: NewImage,
}

impl KeyedImage {
    fn new(image: NewImage) -> Result<Self, StoreError> {
        let key = image.facts.image_key()?;
        Ok(KeyedImage { id: ImageId(id_of(&key)), key, image })
    }
}

fn insert_or_set_state(
    connection: &Connection,
    keyed: &KeyedImage,
    now_ms: i64,
) -> Result<(), StoreError> {
    let KeyedImage { id, key, image } = keyed;
    match stored_key(connection, *id)? {
        Some(stored) if stored == *key => {
            set_states(connection, &[(*id, image.state.clone())])?;
            Ok(())
        }
        Some(_) => Err(StoreError::Collision { what: "image", id: id.0 }),
        None => insert(connection, *id, key, image, now_ms),
    }
}

/// Returns those ids of a JSON list that are stored.
pub(crate) fn known(connection: &Connection, list: &str) -> Result<HashSet<ImageId>, StoreError> {
    let rows = fetch_all(
        connection,
        "SELECT image_id FROM image WHERE image_id IN (SELECT value FROM json_each($1))",
        [list],
        |row| Ok(ImageId(row.get(0)?)),
    )?;
    Ok(rows.into_iter().collect())
}

/// Reads the columns from `first` on, in the order of the fields.
pub(crate) fn read_summary(row: &Row<'_>, first: usize) -> Result<ImageSummary, StoreError> {
    let manifest_digest = row.get_ref(first + 2)?.as_str_or_null()?;
    Ok(ImageSummary {
        image_id: ImageId(row.get(first)?),
        config_digest: parse("image.config_digest", row.get_ref(first + 1)?.as_str()?)?,
        manifest_digest: manifest_digest
            .map(|text| parse("image.manifest_digest", text))
            .transpose()?,
        platform: from_json("image.platform", row.get_ref(first + 3)?.as_str()?)?,
        created_ms: row.get(first + 4)?,
        size_bytes: to_unsigned("image.size_bytes", row.get(first + 5)?)?,
        state: read_state(row.get_ref(first + 6)?.as_str()?, row.get(first + 7)?)?,
        vul_count: to_unsigned("image.vul_count", row.get(first + 8)?)?,
        vul_by_severity: from_json("image.vul_by_severity", row.get_ref(first + 9)?.as_str()?)?,
        alarm_count: to_unsigned("image.alarm_count", row.get(first + 10)?)?,
        row_version: row.get(first + 11)?,
        analyzed_at: row.get(first + 12)?,
        matched_revision: row.get(first + 13)?,
    })
}

fn read_image(row: &Row<'_>) -> Result<StoredImage, StoreError> {
    let rest = SUMMARY_COLUMNS;
    let distribution = row.get_ref(rest + 2)?.as_str_or_null()?;
    Ok(StoredImage {
        summary: read_summary(row, 0)?,
        image_key: row.get(rest)?,
        fingerprint: row.get(rest + 1)?,
        distribution: optional_from_json("image.distribution", distribution)?,
        layers: from_json("image.layers", row.get_ref(rest + 3)?.as_str()?)?,
        alerts: from_json("image.alerts", row.get_ref(rest + 4)?.as_str()?)?,
        diagnostics: from_zstd_json("image.diagnostics", row.get_ref(rest + 5)?.as_blob()?)?,
    })
}

pub(crate) fn read_state(state: &str, reason: Option<String>) -> Result<AnalysisState, StoreError> {
    let reason = reason.unwrap_or_default();
    match state {
        "analyzed" => Ok(AnalysisState::Analyzed),
        "unsupported" => Ok(AnalysisState::Unsupported { reason }),
        "failed" => Ok(AnalysisState::Failed { reason }),
        other => Err(StoreError::Corrupt { what: "image.state", reason: other.to_owned() }),
    }
}

fn state_columns(state: &AnalysisState) -> (&'static str, Option<&str>) {
    match state {
        AnalysisState::Analyzed => ("analyzed", None),
        AnalysisState::Unsupported { reason } => ("unsupported", Some(reason)),
        AnalysisState::Failed { reason } => ("failed", Some(reason)),
    }
}

fn stored_key(connection: &Connection, image_id: ImageId) -> Result<Option<String>, StoreError> {
    let sql = "SELECT image_key FROM image WHERE image_id = $1";
    fetch_optional(connection, sql, [image_id.0], |row| Ok(row.get(0)?))
}

fn insert(
    connection: &Connection,
    image_id: ImageId,
    key: &str,
    image: &NewImage,
    now_ms: i64,
) -> Result<(), StoreError> {
    let list_id = store_list(connection, &image.packages)?;
    let facts = &image.facts;
    let (state, reason) = state_columns(&image.state);
    execute(
        connection,
        "INSERT INTO image (image_id, image_key, config_digest, manifest_digest, platform,
                            created_at, size_bytes, state, state_reason, alarm_count,
                            row_version, analyzed_at, fingerprint, distribution, layers, alerts,
                            diagnostics, list_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 1, $11, $12, $13, $14, $15, $16, $17)",
        params![
            image_id.0,
            key,
            facts.config_digest.to_string(),
            facts.manifest_digest.as_ref().map(Digest::to_string),
            to_json(&facts.platform)?,
            facts.created_ms,
            to_integer(facts.size_bytes()),
            state,
            reason,
            count_of(image.alerts.len()),
            now_ms,
            facts.fingerprint,
            image.distribution.as_ref().map(to_json).transpose()?,
            to_json(&facts.layers)?,
            to_json(&image.alerts)?,
            to_zstd_json(&image.diagnostics)?,
            list_id.0,
        ],
    )?;
    Ok(())
}

/// Sets states that a change of the advisories decided anew, and notes what they were.
fn set_states_noted(
    connection: &Connection,
    states: &[(ImageId, AnalysisState)],
) -> Result<Vec<ImageId>, StoreError> {
    let before = set_states(connection, states)?;
    note_states(connection, &before)?;
    Ok(before.into_iter().map(|(image_id, _)| image_id).collect())
}

/// Returns the images whose state was another, with that.
fn set_states(
    connection: &Connection,
    states: &[(ImageId, AnalysisState)],
) -> Result<Vec<(ImageId, AnalysisState)>, StoreError> {
    let ids: Vec<ImageId> = states.iter().map(|(id, _)| *id).collect();
    let mut stored: HashMap<ImageId, AnalysisState> = fetch_all(
        connection,
        "SELECT image_id, state, state_reason FROM image
         WHERE image_id IN (SELECT value FROM json_each($1))",
        [to_json(&ids)?],
        |row| {
            let state = read_state(row.get_ref(1)?.as_str()?, row.get(2)?)?;
            Ok((ImageId(row.get(0)?), state))
        },
    )?
    .into_iter()
    .collect();
    let mut shifts = Vec::new();
    let mut changed = Vec::new();
    for (image_id, state) in states {
        let Some(before) = stored.get(image_id).filter(|before| *before != state) else { continue };
        let (name, reason) = state_columns(state);
        execute(
            connection,
            "UPDATE image SET state = $1, state_reason = $2, row_version = row_version + 1
             WHERE image_id = $3",
            params![name, reason, image_id.0],
        )?;
        let unjudged_count = unjudged(state) - unjudged(before);
        shifts.push((*image_id, unjudged_count));
        changed.extend(stored.insert(*image_id, state.clone()).map(|before| (*image_id, before)));
    }
    shift_unjudged(connection, &shifts)?;
    Ok(changed)
}

fn unjudged(state: &AnalysisState) -> i64 {
    match state {
        AnalysisState::Analyzed => 0,
        AnalysisState::Unsupported { .. } | AnalysisState::Failed { .. } => 1,
    }
}

fn with_findings(
    connection: &Connection,
    packages: Vec<PackageOfList>,
) -> Result<Vec<StoredImagePackage>, StoreError> {
    let ids: BTreeSet<PackageVersionId> = packages.iter().map(|package| package.0).collect();
    let list = to_json(&ids)?;
    let versions = package_versions(connection, &list)?;
    let findings = findings_of(connection, &list)?;
    let packages = packages.into_iter().map(|(id, layer, path)| {
        let version = versions.get(&id).cloned().ok_or_else(|| StoreError::Corrupt {
            what: "package_set.packages",
            reason: format!("package version {id} is missing"),
        })?;
        let findings = findings.get(&id).cloned().unwrap_or_default();
        Ok(StoredImagePackage { package_version_id: id, version, layer, path, findings })
    });
    let mut packages = packages.collect::<Result<Vec<_>, StoreError>>()?;
    // The order of the inventory.
    packages.sort_by(|a, b| {
        let place = |it: &StoredImagePackage| (it.layer, it.package_version_id);
        let by_package = a.version.package.cmp(&b.version.package);
        by_package.then_with(|| a.path.cmp(&b.path)).then_with(|| place(a).cmp(&place(b)))
    });
    Ok(packages)
}

#[cfg(test)]
mod tests;
