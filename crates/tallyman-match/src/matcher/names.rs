//! Which records speak of a package, by the names and the architecture that they give.
//!
//! A release's advisories name source packages or binary ones, the same in all of them
//! ([`Naming::Usual`]). Where a distribution publishes lists of both kinds, each statement says
//! which it means.

use std::collections::BTreeSet;

use tallyman_model::advisory::{Affected, Naming, PackageKey};
use tallyman_model::package::{Ecosystem, PackageVersion};

use super::package_key;
use crate::index::{AdvisoryIndex, Found, IndexError};

/// Returns the keys under which statements on a package are found, the usual one first.
pub(super) fn keys(package: &PackageVersion) -> Vec<PackageKey> {
    let usual = package_key(package);
    let mut keys = vec![usual.clone()];
    // Debian's and Ubuntu's lists all name source packages.
    if matches!(package.package.ecosystem, Ecosystem::Rpm | Ecosystem::Apk) {
        for name in [own_name(package), package.source_name_and_version().0] {
            if keys.iter().all(|key| key.name != name) {
                keys.push(PackageKey { name, ..usual.clone() });
            }
        }
    }
    keys
}

/// Tells whether a statement found under one of [`keys`] is about the package.
pub(super) fn speaks_of(affected: &Affected, package: &PackageVersion) -> bool {
    let is_named = affected.key.name
        == match affected.naming {
            Naming::Usual => package.advisory_name(),
            Naming::Source => package.source_name_and_version().0,
            Naming::Binary => own_name(package),
        };
    let is_built_for = match &package.package.architecture {
        Some(architecture) if !affected.architectures.is_empty() => {
            affected.architectures.contains(architecture)
        }
        _ => true,
    };
    is_named && is_built_for
}

/// Leaves out what a record says of the source package where it speaks of the binary one as well:
/// a kernel's binary packages may be fixed while another source of the same name is not.
pub(super) fn keep_the_nearest(
    index: &AdvisoryIndex,
    all: &mut Vec<Found>,
) -> Result<(), IndexError> {
    let has = |naming: Naming| all.iter().filter(move |one| one.affected.naming == naming);
    if has(Naming::Source).next().is_none() {
        return Ok(());
    }
    let near: Result<BTreeSet<_>, _> = has(Naming::Binary).map(|one| index.identity(one)).collect();
    let near = near?;
    let mut kept = Vec::with_capacity(all.len());
    for one in all.drain(..) {
        if one.affected.naming != Naming::Source || !near.contains(&index.identity(&one)?) {
            kept.push(one);
        }
    }
    *all = kept;
    Ok(())
}

/// Returns the version that a statement's ranges are compared with.
pub(super) fn version<'a>(affected: &Affected, package: &'a PackageVersion) -> &'a str {
    match affected.naming {
        Naming::Usual => package.advisory_version(),
        Naming::Source => package.source_name_and_version().1,
        Naming::Binary => &package.package.version,
    }
}

fn own_name(package: &PackageVersion) -> String {
    package.package.ecosystem.normalize_name(&package.package.name)
}
