//! Julia's order (Julia manual, `VersionNumber`): semantic versions whose build counts as well, which
//! tells the builds of one library apart (`OpenSSL_jll` 3.0.13+1).

use std::cmp::Ordering;

use super::Side;
use super::dart::compare_with_builds;
use super::semver::compare_prereleases;

/// Compares two versions of Julia packages.
pub(super) fn compare(a: &str, b: &str) -> Result<Ordering, Side> {
    compare_with_builds(a, b, |a, b| compare_prereleases(a.split('.'), b.split('.')))
}
