//! The counters of an image: derived from the findings of its package versions, kept in its row,
//! and summed up in the rows of the servers that have it. Written only if they changed.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use rusqlite::{Connection, params};

use crate::encoding::{from_json, from_zstd_json, to_json};
use crate::error::StoreError;
use crate::ids::{ImageId, PackageVersionId};
use crate::images::{PackageOfImage, SeverityCounts};
use crate::packages::current_revision;
use crate::settings::{Epoch, raise_epoch};
use crate::statement::{execute, fetch_all};

/// The counters of an image, as they stand or as they should.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Counters {
    vul_count: i64,
    vul_by_severity: SeverityCounts,
    is_matched: bool,
}

struct CountedImage {
    image_id: ImageId,
    stored: Counters,
    packages: BTreeSet<PackageVersionId>,
}

/// How much the sums of an image's servers change by.
pub(crate) struct Shift {
    pub(crate) image_id: ImageId,
    pub(crate) vul_count: i64,
    pub(crate) unjudged_count: i64,
}

/// Counts images again; returns those whose counters changed.
///
/// It runs in the transaction that writes: a count made before could overwrite a newer one.
pub(crate) fn refresh(
    connection: &Connection,
    image_ids: &[ImageId],
) -> Result<Vec<ImageId>, StoreError> {
    let images = counted_images(connection, image_ids)?;
    let all: BTreeSet<PackageVersionId> =
        images.iter().flat_map(|image| image.packages.iter().copied()).collect();
    let list = to_json(&all)?;
    let severities = severities_of(connection, &list)?;
    let unmatched = unmatched_among(connection, &list)?;
    let revision = current_revision(connection)?;

    let mut shifts = Vec::new();
    for image in &images {
        let mut counters = count(&image.packages, &severities);
        // An image that was once counted stays so while a new revision is being matched.
        counters.is_matched = image.stored.is_matched
            || (revision.is_some() && image.packages.iter().all(|id| !unmatched.contains(id)));
        if counters == image.stored {
            continue;
        }
        write(connection, image.image_id, &counters, revision.as_deref())?;
        shifts.push(Shift {
            image_id: image.image_id,
            vul_count: counters.vul_count - image.stored.vul_count,
            unjudged_count: 0,
        });
    }
    shift_servers(connection, &shifts)?;
    Ok(shifts.into_iter().map(|shift| shift.image_id).collect())
}

/// Adds to the sums of all servers that have these images, and raises the version of their rows.
pub(crate) fn shift_servers(connection: &Connection, shifts: &[Shift]) -> Result<(), StoreError> {
    if shifts.is_empty() {
        return Ok(());
    }
    let list: Vec<_> = shifts
        .iter()
        .map(|shift| (shift.image_id, shift.vul_count, shift.unjudged_count))
        .collect();
    execute(
        connection,
        "UPDATE server
         SET vul_count = server.vul_count + shift.vul_count,
             unjudged_count = server.unjudged_count + shift.unjudged_count,
             row_version = server.row_version + 1
         FROM (SELECT server_image.server_uuid AS server_uuid,
                      SUM(json_extract(change.value, '$[1]')) AS vul_count,
                      SUM(json_extract(change.value, '$[2]')) AS unjudged_count
               FROM json_each($1) AS change JOIN server_image
                 ON server_image.image_id = json_extract(change.value, '$[0]')
               GROUP BY server_image.server_uuid) AS shift
         WHERE server.server_uuid = shift.server_uuid",
        [to_json(&list)?],
    )?;
    raise_epoch(connection, Epoch::Images)
}

fn counted_images(
    connection: &Connection,
    image_ids: &[ImageId],
) -> Result<Vec<CountedImage>, StoreError> {
    fetch_all(
        connection,
        "SELECT image_id, vul_count, vul_by_severity, matched_revision IS NOT NULL, packages
         FROM image WHERE image_id IN (SELECT value FROM json_each($1))",
        [to_json(image_ids)?],
        |row| {
            let packages: Vec<PackageOfImage> =
                from_zstd_json("image.packages", row.get_ref(4)?.as_blob()?)?;
            Ok(CountedImage {
                image_id: ImageId(row.get(0)?),
                stored: Counters {
                    vul_count: row.get(1)?,
                    vul_by_severity: from_json("image.vul_by_severity", row.get_ref(2)?.as_str()?)?,
                    is_matched: row.get(3)?,
                },
                packages: packages.into_iter().map(|package| package.0).collect(),
            })
        },
    )
}

type Severities = HashMap<PackageVersionId, Vec<(String, u8)>>;

fn severities_of(connection: &Connection, list: &str) -> Result<Severities, StoreError> {
    let rows = fetch_all(
        connection,
        "SELECT package_version_id, vulnerability, severity FROM finding
         WHERE package_version_id IN (SELECT value FROM json_each($1))",
        [list],
        |row| Ok((PackageVersionId(row.get(0)?), (row.get(1)?, row.get(2)?))),
    )?;
    let mut severities = Severities::new();
    for (id, finding) in rows {
        severities.entry(id).or_default().push(finding);
    }
    Ok(severities)
}

fn unmatched_among(
    connection: &Connection,
    list: &str,
) -> Result<HashSet<PackageVersionId>, StoreError> {
    let rows = fetch_all(
        connection,
        "SELECT package_version_id FROM package_version
         WHERE package_version_id IN (SELECT value FROM json_each($1))
           AND matched_revision IS NULL",
        [list],
        |row| Ok(PackageVersionId(row.get(0)?)),
    )?;
    Ok(rows.into_iter().collect())
}

/// A vulnerability counts once per image, with the worst severity that any of its packages gives.
fn count(packages: &BTreeSet<PackageVersionId>, severities: &Severities) -> Counters {
    let mut worst: BTreeMap<&str, u8> = BTreeMap::new();
    for (vulnerability, severity) in packages.iter().filter_map(|id| severities.get(id)).flatten() {
        let entry = worst.entry(vulnerability).or_default();
        *entry = (*entry).max(*severity);
    }
    let mut vul_by_severity = SeverityCounts::default();
    for severity in worst.values() {
        if let Some(count) = vul_by_severity.0.get_mut(usize::from(*severity)) {
            *count += 1;
        }
    }
    let vul_count = crate::encoding::count_of(worst.len());
    Counters { vul_count, vul_by_severity, is_matched: false }
}

fn write(
    connection: &Connection,
    image_id: ImageId,
    counters: &Counters,
    revision: Option<&str>,
) -> Result<(), StoreError> {
    let revision = revision.filter(|_| counters.is_matched);
    execute(
        connection,
        "UPDATE image
         SET vul_count = $1, vul_by_severity = $2, matched_revision = $3,
             row_version = row_version + 1
         WHERE image_id = $4",
        params![counters.vul_count, to_json(&counters.vul_by_severity)?, revision, image_id.0],
    )?;
    Ok(())
}
