//! The packages of images, shared: a set is what one layer brings to what an image shows, a list is
//! the sets of an image. Equal sets and equal lists are one row, however many images have them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use rusqlite::{Connection, params};
use tallyman_model::coverage::CoverageGap;
use tallyman_model::package::PackageVersion;

use crate::counters::{SetCounts, refresh};
use crate::encoding::{from_json, from_zstd_json, to_json, to_zstd_json};
use crate::error::StoreError;
use crate::ids::{PackageListId, PackageSetId, PackageVersionId, id_of, sha256};
use crate::images::{NewImagePackage, SeverityCounts};
use crate::packages::{intern, package_version_id, package_versions};
use crate::statement::{execute, fetch_all, fetch_optional};
use crate::store::Store;

/// The packages that one layer brings to what an image shows. Images share it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackageSet {
    id: PackageSetId,
    sha256: [u8; 32],
    /// With the paths of the files that name them, sorted.
    members: Vec<(PackageVersionId, String)>,
    versions: HashMap<PackageVersionId, PackageVersion>,
}

impl PackageSet {
    /// Makes a set of package versions and the paths of the files that name them.
    ///
    /// # Errors
    ///
    /// When a package version cannot be written.
    pub fn new(
        packages: impl IntoIterator<Item = (PackageVersion, String)>,
    ) -> Result<Self, StoreError> {
        let mut versions = HashMap::new();
        let mut members = Vec::new();
        for (version, path) in packages {
            let id = package_version_id(&version)?;
            versions.insert(id, version);
            members.push((id, path));
        }
        members.sort_unstable();
        let text = to_json(&members)?;
        let id = PackageSetId(id_of(&text));
        Ok(PackageSet { id, sha256: sha256(text.as_bytes()), members, versions })
    }

    fn kinds(&self) -> BTreeSet<CoverageGap> {
        self.versions
            .values()
            .map(|version| CoverageGap {
                ecosystem: version.package.ecosystem,
                release: version.release.clone(),
            })
            .collect()
    }
}

/// The set that a layer of an image brings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerPackages {
    /// The index of the layer.
    pub layer: usize,
    /// The packages.
    pub set: Arc<PackageSet>,
}

/// Sorts the packages of an image by their layers.
///
/// # Errors
///
/// When a package version cannot be written.
pub fn by_layer(
    packages: impl IntoIterator<Item = NewImagePackage>,
) -> Result<Vec<LayerPackages>, StoreError> {
    let mut layers: BTreeMap<usize, Vec<(PackageVersion, String)>> = BTreeMap::new();
    for NewImagePackage { version, layer, path } in packages {
        layers.entry(layer).or_default().push((version, path));
    }
    let layers = layers.into_iter();
    layers
        .map(|(layer, packages)| {
            Ok(LayerPackages { layer, set: Arc::new(PackageSet::new(packages)?) })
        })
        .collect()
}

/// The packages of images that show the same ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackageListKinds {
    /// The list.
    pub id: PackageListId,
    /// The ecosystems and releases of its packages, sorted.
    pub kinds: Vec<CoverageGap>,
}

impl Store {
    /// Returns lists of packages with the ecosystems and releases in them, a page at a time, by id.
    pub async fn list_package_list_kinds_after(
        &self,
        after: Option<PackageListId>,
        limit: u32,
    ) -> Result<Vec<PackageListKinds>, StoreError> {
        let after = after.map_or(-1, |id| id.0);
        self.read_snapshot(|connection| {
            let lists = fetch_all(
                connection,
                "SELECT list_id, sets FROM package_list WHERE list_id > $1
                 ORDER BY list_id LIMIT $2",
                params![after, limit],
                |row| Ok((PackageListId(row.get(0)?), read_sets(row.get_ref(1)?.as_str()?)?)),
            )?;
            let sets: BTreeSet<PackageSetId> =
                lists.iter().flat_map(|(_, sets)| sets.iter().map(|(set, _)| *set)).collect();
            let kinds: HashMap<PackageSetId, Vec<CoverageGap>> = fetch_all(
                connection,
                "SELECT set_id, kinds FROM package_set
                 WHERE set_id IN (SELECT value FROM json_each($1))",
                [to_json(&sets)?],
                |row| {
                    let kinds = from_json("package_set.kinds", row.get_ref(1)?.as_str()?)?;
                    Ok((PackageSetId(row.get(0)?), kinds))
                },
            )?
            .into_iter()
            .collect();
            let all = lists.into_iter().map(|(id, sets)| {
                let kinds: BTreeSet<&CoverageGap> =
                    sets.iter().filter_map(|(set, _)| kinds.get(set)).flatten().collect();
                PackageListKinds { id, kinds: kinds.into_iter().cloned().collect() }
            });
            Ok(all.collect())
        })
        .await
    }
}

/// How `package_list.sets` holds what layers bring.
pub(crate) type SetsOfList = Vec<(PackageSetId, usize)>;

pub(crate) fn read_sets(text: &str) -> Result<SetsOfList, StoreError> {
    from_json("package_list.sets", text)
}

/// Stores the sets of an image that are not there yet, and their list; returns the list.
pub(crate) fn store_list(
    connection: &Connection,
    layers: &[LayerPackages],
) -> Result<PackageListId, StoreError> {
    let sets: SetsOfList = layers.iter().map(|it| (it.set.id, it.layer)).collect();
    let text = to_json(&sets)?;
    let list_id = PackageListId(id_of(&text));
    let sql = "SELECT sets FROM package_list WHERE list_id = $1";
    let stored: Option<String> =
        fetch_optional(connection, sql, [list_id.0], |row| Ok(row.get(0)?))?;
    match stored {
        Some(stored) if stored == text => {
            // A set of the same id that holds something else must not be taken for this one.
            missing_sets(connection, layers)?;
            return Ok(list_id);
        }
        Some(_) => return Err(StoreError::Collision { what: "package list", id: list_id.0 }),
        None => {}
    }
    store_sets(connection, layers)?;
    execute(
        connection,
        "INSERT INTO package_list (list_id, sets, vul_count, vul_by_severity, row_version)
         VALUES ($1, $2, 0, $3, 0)",
        params![list_id.0, text, to_json(&SeverityCounts::default())?],
    )?;
    let ids: BTreeSet<PackageSetId> = sets.iter().map(|(set, _)| *set).collect();
    execute(
        connection,
        "INSERT INTO package_list_set (set_id, list_id) SELECT value, $1 FROM json_each($2)",
        params![list_id.0, to_json(&ids)?],
    )?;
    refresh(connection, &[list_id], &mut SetCounts::default())?;
    Ok(list_id)
}

/// Returns the sets that are not stored, each once.
fn missing_sets<'l>(
    connection: &Connection,
    layers: &'l [LayerPackages],
) -> Result<BTreeMap<PackageSetId, &'l PackageSet>, StoreError> {
    let mut missing: BTreeMap<PackageSetId, &PackageSet> =
        layers.iter().map(|it| (it.set.id, it.set.as_ref())).collect();
    let ids: Vec<PackageSetId> = missing.keys().copied().collect();
    let stored: Vec<(PackageSetId, Vec<u8>)> = fetch_all(
        connection,
        "SELECT set_id, sha256 FROM package_set
         WHERE set_id IN (SELECT value FROM json_each($1))",
        [to_json(&ids)?],
        |row| Ok((PackageSetId(row.get(0)?), row.get(1)?)),
    )?;
    for (id, sha256) in stored {
        let set = missing.remove(&id);
        if set.is_some_and(|set| set.sha256.as_slice() != sha256) {
            return Err(StoreError::Collision { what: "package set", id: id.0 });
        }
    }
    Ok(missing)
}

fn store_sets(connection: &Connection, layers: &[LayerPackages]) -> Result<(), StoreError> {
    let missing = missing_sets(connection, layers)?;
    let versions = missing.values().flat_map(|set| &set.versions).map(|(id, it)| (*id, it));
    intern(connection, &versions.collect())?;
    for set in missing.values() {
        execute(
            connection,
            "INSERT INTO package_set (set_id, sha256, kinds, packages) VALUES ($1, $2, $3, $4)",
            params![
                set.id.0,
                set.sha256.as_slice(),
                to_json(&set.kinds())?,
                to_zstd_json(&set.members)?
            ],
        )?;
        let ids: BTreeSet<&PackageVersionId> = set.versions.keys().collect();
        execute(
            connection,
            "INSERT INTO package_set_member (package_version_id, set_id)
             SELECT value, $1 FROM json_each($2)",
            params![set.id.0, to_json(&ids)?],
        )?;
    }
    Ok(())
}

/// A package of a list: its version, the index of its layer, and the file that names it.
pub(crate) type PackageOfList = (PackageVersionId, usize, String);

/// Returns the packages of an image, in no particular order; `None` if there is no such image.
pub(crate) fn packages_of_image(
    connection: &Connection,
    image_id: i64,
) -> Result<Option<Vec<PackageOfList>>, StoreError> {
    let sets = fetch_optional(
        connection,
        "SELECT package_list.sets
         FROM image JOIN package_list ON package_list.list_id = image.list_id
         WHERE image.image_id = $1",
        [image_id],
        |row| read_sets(row.get_ref(0)?.as_str()?),
    )?;
    let Some(sets) = sets else { return Ok(None) };
    let ids: BTreeSet<PackageSetId> = sets.iter().map(|(set, _)| *set).collect();
    let members = members_of(connection, &ids)?;
    let mut packages = Vec::new();
    for (set, layer) in sets {
        let members = members.get(&set).ok_or_else(|| StoreError::Corrupt {
            what: "package_list.sets",
            reason: format!("set {} is missing", set.0),
        })?;
        packages.extend(members.iter().map(|(id, path)| (*id, layer, path.clone())));
    }
    Ok(Some(packages))
}

/// The package versions of a set, each with the file that names it.
type Members = Vec<(PackageVersionId, String)>;

fn members_of(
    connection: &Connection,
    sets: &BTreeSet<PackageSetId>,
) -> Result<HashMap<PackageSetId, Members>, StoreError> {
    let rows = fetch_all(
        connection,
        "SELECT set_id, packages FROM package_set
         WHERE set_id IN (SELECT value FROM json_each($1))",
        [to_json(sets)?],
        |row| {
            let packages = from_zstd_json("package_set.packages", row.get_ref(1)?.as_blob()?)?;
            Ok((PackageSetId(row.get(0)?), packages))
        },
    )?;
    Ok(rows.into_iter().collect())
}

/// Returns the package versions of stored sets.
pub(crate) fn versions_of(
    connection: &Connection,
    sets: &BTreeSet<PackageSetId>,
) -> Result<HashMap<PackageSetId, Vec<PackageVersionId>>, StoreError> {
    let members = members_of(connection, sets)?.into_iter();
    let ids = |members: Members| members.into_iter().map(|(version, _)| version).collect();
    Ok(members.map(|(set, members)| (set, ids(members))).collect())
}

/// Deletes those of the lists that no image has, and the sets that no list has; returns the package
/// versions that these held.
pub(crate) fn purge_lists(
    connection: &Connection,
    lists: &BTreeSet<PackageListId>,
) -> Result<BTreeSet<PackageVersionId>, StoreError> {
    let deleted = fetch_all(
        connection,
        "DELETE FROM package_list
         WHERE list_id IN (SELECT value FROM json_each($1))
           AND NOT EXISTS (SELECT 1 FROM image WHERE image.list_id = package_list.list_id)
         RETURNING list_id, sets",
        [to_json(lists)?],
        |row| Ok((PackageListId(row.get(0)?), read_sets(row.get_ref(1)?.as_str()?)?)),
    )?;
    let pairs: BTreeSet<(PackageSetId, PackageListId)> =
        deleted.iter().flat_map(|(list, sets)| sets.iter().map(|(set, _)| (*set, *list))).collect();
    execute(
        connection,
        "DELETE FROM package_list_set WHERE (set_id, list_id) IN (
             SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each($1))",
        [to_json(&pairs)?],
    )?;
    let sets: BTreeSet<PackageSetId> = pairs.iter().map(|(set, _)| *set).collect();
    let deleted: Vec<(PackageSetId, Members)> = fetch_all(
        connection,
        "DELETE FROM package_set
         WHERE set_id IN (SELECT value FROM json_each($1))
           AND NOT EXISTS (
               SELECT 1 FROM package_list_set WHERE package_list_set.set_id = package_set.set_id)
         RETURNING set_id, packages",
        [to_json(&sets)?],
        |row| {
            let packages = from_zstd_json("package_set.packages", row.get_ref(1)?.as_blob()?)?;
            Ok((PackageSetId(row.get(0)?), packages))
        },
    )?;
    let sets: Vec<PackageSetId> = deleted.iter().map(|(set, _)| *set).collect();
    execute(
        connection,
        "DELETE FROM stale_set WHERE set_id IN (SELECT value FROM json_each($1))",
        [to_json(&sets)?],
    )?;
    let pairs: BTreeSet<(PackageVersionId, PackageSetId)> = deleted
        .iter()
        .flat_map(|(set, members)| members.iter().map(|(version, _)| (*version, *set)))
        .collect();
    execute(
        connection,
        "DELETE FROM package_set_member WHERE (package_version_id, set_id) IN (
             SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each($1))",
        [to_json(&pairs)?],
    )?;
    Ok(pairs.into_iter().map(|(version, _)| version).collect())
}

/// How many images are brought to the new tables in one read.
const CONVERT_BATCH: u32 = 500;

/// Fills sets and lists from the packages that each image's row held before there were any.
pub(crate) fn convert(connection: &Connection) -> Result<(), StoreError> {
    let mut after = -1_i64;
    loop {
        let images: Vec<(i64, Vec<PackageOfList>)> = fetch_all(
            connection,
            "SELECT image_id, packages FROM image WHERE image_id > $1
             ORDER BY image_id LIMIT $2",
            params![after, CONVERT_BATCH],
            |row| {
                let packages = from_zstd_json("image.packages", row.get_ref(1)?.as_blob()?)?;
                Ok((row.get(0)?, packages))
            },
        )?;
        let Some((last, _)) = images.last() else { return Ok(()) };
        after = *last;
        for (image_id, packages) in images {
            convert_image(connection, image_id, packages)?;
        }
    }
}

fn convert_image(
    connection: &Connection,
    image_id: i64,
    packages: Vec<PackageOfList>,
) -> Result<(), StoreError> {
    let ids: BTreeSet<PackageVersionId> = packages.iter().map(|package| package.0).collect();
    let versions = package_versions(connection, &to_json(&ids)?)?;
    let packages = packages.into_iter().map(|(id, layer, path)| {
        let version = versions.get(&id).cloned().ok_or_else(|| StoreError::Corrupt {
            what: "image.packages",
            reason: format!("package version {id} is missing"),
        })?;
        Ok(NewImagePackage { version, layer, path })
    });
    let layers = by_layer(packages.collect::<Result<Vec<_>, StoreError>>()?)?;
    let list_id = store_list(connection, &layers)?;
    let sql = "UPDATE image SET list_id = $1 WHERE image_id = $2";
    execute(connection, sql, params![list_id.0, image_id])?;
    Ok(())
}

#[cfg(test)]
mod tests;
