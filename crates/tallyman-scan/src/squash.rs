//! From the inventories of an image's layers to what its final filesystem shows (OCI image-spec,
//! layer.md, "Applying Changesets").

mod key_hash;

use std::borrow::Borrow;
use std::collections::{HashMap, HashSet};

use tallyman_model::distribution::Distribution;
use tallyman_model::inventory::{
    Evidence, EvidenceFile, ImageInventory, InventoryAlert, InventoryDiagnostic, InventoryPackage,
    LayerInventory, ancestor_keys, owner_key, path_key,
};
use tallyman_model::package::Package;

use crate::analyzers;
use key_hash::KeyHashing;

/// Applies layers, the base first, and returns what is visible in the end.
///
/// Each item names its layer: that of the file it was found in; for a package of a database, which
/// upper layers rewrite as a whole, the first layer from which on the database always named it.
///
/// `archives` says what the archives are that do not say it for sure; see [`unnamed_archives`].
pub fn squash<L: Borrow<LayerInventory>>(
    layers: &[L],
    archives: &HashMap<String, Package>,
) -> ImageInventory {
    let mut image = ImageInventory::default();
    let mut best_distribution: Option<(usize, &Distribution)> = None;
    let mut hidden = Hidden::default();
    let mut owned = HashMap::with_hasher(KeyHashing::default());
    for (index, layer) in layers.iter().enumerate().rev() {
        let layer = layer.borrow();
        for file in layer.files.iter().filter(|file| !hidden.contains(&file.path)) {
            match &file.evidence {
                Evidence::Packages(packages) => {
                    let lower = layers.get(..index).unwrap_or_default();
                    add_packages(&mut image.packages, packages, file, lower);
                }
                Evidence::Nested { path, packages } => {
                    let path = format!("{}!/{path}", file.path);
                    image.packages.extend(packages.iter().map(|it| found(it, &path, index)));
                }
                Evidence::Archive { path, sha1, guess } => {
                    let path = match path.is_empty() {
                        true => file.path.clone(),
                        false => format!("{}!/{path}", file.path),
                    };
                    let package = archives.get(sha1).or(guess.as_ref());
                    image.packages.extend(package.map(|it| found(it, &path, index)));
                }
                Evidence::OwnedFiles(keys) => {
                    // From above downwards: the highest layer that rewrites the list counts.
                    owned.reserve(keys.len());
                    for key in keys {
                        owned.entry(*key).or_insert(index);
                    }
                }
                Evidence::Alert(alert) => image.alerts.push(InventoryAlert {
                    alert: alert.clone(),
                    path: file.path.clone(),
                    layer: index,
                }),
                Evidence::Distribution(distribution) => {
                    let rank = analyzers::distribution_preference(&file.path);
                    if best_distribution.is_none_or(|(best, _)| rank < best) {
                        best_distribution = Some((rank, distribution));
                    }
                }
            }
        }
        let shown = layer
            .diagnostics
            .iter()
            .filter(|diagnostic| diagnostic.path.is_empty() || !hidden.contains(&diagnostic.path));
        image
            .diagnostics
            .extend(shown.map(|it| InventoryDiagnostic { layer: index, diagnostic: it.clone() }));
        // Nothing is beneath the base, which hides the most.
        if index > 0 {
            hidden.add(layer);
        }
    }
    mark_owned(&mut image.packages, &owned);
    image.distribution = best_distribution.map(|(_, distribution)| distribution.clone());
    image.packages.sort_unstable();
    image.packages.dedup();
    image.alerts.sort_unstable();
    image.alerts.dedup();
    image.diagnostics.sort_unstable();
    image
}

/// Returns the SHA-1 of every archive that does not say for sure what it is.
pub fn unnamed_archives<L: Borrow<LayerInventory>>(layers: &[L]) -> impl Iterator<Item = &str> {
    let files = layers.iter().flat_map(|layer| &layer.borrow().files);
    files.filter_map(|file| match &file.evidence {
        Evidence::Archive { sha1, .. } => Some(sha1.as_str()),
        Evidence::Packages(_)
        | Evidence::Nested { .. }
        | Evidence::OwnedFiles(_)
        | Evidence::Distribution(_)
        | Evidence::Alert(_) => None,
    })
}

fn add_packages<L: Borrow<LayerInventory>>(
    all: &mut Vec<InventoryPackage>,
    packages: &[Package],
    file: &EvidenceFile,
    lower: &[L],
) {
    if analyzers::reads_databases(&file.analyzer) {
        let origins = origins(packages, file, lower);
        let items = packages.iter().zip(origins);
        all.extend(items.map(|(package, layer)| found(package, &file.path, layer)));
        return;
    }
    all.extend(packages.iter().map(|package| found(package, &file.path, lower.len())));
}

fn found(package: &Package, path: &str, layer: usize) -> InventoryPackage {
    let (package, path) = (package.clone(), path.to_owned());
    InventoryPackage { package, path, layer, is_owned: false }
}

/// Marks what lies in files of distributions' packages. A file that a layer above the package's
/// own brings is no longer the distribution's.
fn mark_owned(packages: &mut [InventoryPackage], owned: &HashMap<u64, usize, KeyHashing>) {
    if owned.is_empty() {
        return;
    }
    for item in packages.iter_mut().filter(|item| !item.package.ecosystem.is_distribution()) {
        let in_archive = item.path.contains('!').then(|| item.path.split_once("!/")).flatten();
        let file = in_archive.map_or(&*item.path, |(file, _)| file);
        item.is_owned = owned.get(&owner_key(file)).is_some_and(|owner| *owner >= item.layer);
    }
}

/// Returns for each package the lowest layer such that it and every layer from there up that
/// rewrites the database names the package.
fn origins<L: Borrow<LayerInventory>>(
    packages: &[Package],
    file: &EvidenceFile,
    lower: &[L],
) -> Vec<usize> {
    let mut origins = vec![lower.len(); packages.len()];
    // The packages that all versions of the database named so far, with their place.
    let mut open: HashMap<PackageKey<'_>, usize> =
        packages.iter().enumerate().map(|(place, package)| (package_key(package), place)).collect();
    for (index, layer) in lower.iter().enumerate().rev() {
        let layer = layer.borrow();
        if open.is_empty() {
            break;
        }
        let Some(named) = packages_of(layer, file) else {
            if hides(layer, &file.path) {
                break;
            }
            continue;
        };
        open.retain(|key, _| named.contains(key));
        for place in open.values() {
            if let Some(origin) = origins.get_mut(*place) {
                *origin = index;
            }
        }
    }
    origins
}

/// What makes two entries of a database the same installed thing.
type PackageKey<'a> = (&'a str, &'a str, Option<&'a str>);

fn package_key(package: &Package) -> PackageKey<'_> {
    (&package.name, &package.version, package.architecture.as_deref())
}

/// Returns what a layer's version of the same database names, if the layer has one.
fn packages_of<'a>(
    layer: &'a LayerInventory,
    file: &EvidenceFile,
) -> Option<HashSet<PackageKey<'a>>> {
    // The files of a layer are ordered by path.
    let start = layer.files.partition_point(|other| other.path < file.path);
    let same = layer
        .files
        .iter()
        .skip(start)
        .take_while(|other| other.path == file.path)
        .filter(|other| other.analyzer == file.analyzer);
    let mut named = None;
    for other in same {
        if let Evidence::Packages(packages) = &other.evidence {
            named.get_or_insert_with(HashSet::new).extend(packages.iter().map(package_key));
        }
    }
    named
}

/// What a number of layers hide from the layers beneath them.
#[derive(Default)]
struct Hidden {
    hides: HashSet<u64, KeyHashing>,
    opaque: HashSet<u64, KeyHashing>,
}

impl Hidden {
    fn add(&mut self, layer: &LayerInventory) {
        self.hides.extend(&layer.hides);
        self.opaque.extend(&layer.opaque);
    }

    /// Tells whether a path, or a directory that it is beneath, is hidden.
    fn contains(&self, path: &str) -> bool {
        if self.hides.is_empty() && self.opaque.is_empty() {
            return false;
        }
        is_hidden(path, |key| self.hides.contains(&key), |key| self.opaque.contains(&key))
    }
}

/// Tells whether one layer hides a path of the layers beneath it. Its keys are sorted.
fn hides(layer: &LayerInventory, path: &str) -> bool {
    let is_in = |keys: &[u64], key| keys.binary_search(&key).is_ok();
    is_hidden(path, |key| is_in(&layer.hides, key), |key| is_in(&layer.opaque, key))
}

/// What hides itself hides a path or an ancestor of it; an opaque directory only what is beneath.
fn is_hidden(path: &str, hides: impl Fn(u64) -> bool, is_opaque: impl Fn(u64) -> bool) -> bool {
    hides(path_key(path)) || ancestor_keys(path).any(|key| hides(key) || is_opaque(key))
}

#[cfg(test)]
mod tests;
