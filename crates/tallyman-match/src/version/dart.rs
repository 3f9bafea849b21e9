//! Pub's order for Dart packages: semantic versions whose build counts as well
//! (pub_semver, `Version.compareTo`).

use std::cmp::Ordering;

use super::semver::{Version, compare_prereleases};
use super::{Side, digits};

/// Compares two versions of Dart packages.
pub(super) fn compare(a: &str, b: &str) -> Result<Ordering, Side> {
    let read = |text| Version::parse(text);
    let (left, right) = (read(a).ok_or(Side::Left)?, read(b).ok_or(Side::Right)?);
    Ok(left.compare(&right).then_with(|| match (build(a), build(b)) {
        (None, None) => Ordering::Equal,
        (None, Some(_)) => Ordering::Less,
        (Some(_), None) => Ordering::Greater,
        (Some(a), Some(b)) => compare_prereleases(a.split('.'), b.split('.')),
    }))
}

/// Every version that can be read has its place in a range.
pub(super) fn is_rankable(version: &str) -> bool {
    Version::parse(version).is_some()
}

/// Returns the build: what follows the plus sign, and what follows a third number.
fn build(text: &str) -> Option<&str> {
    if let Some((_, build)) = text.split_once('+') {
        return Some(build);
    }
    let mut rest = text.trim().trim_start_matches(['v', 'V', '=', ' ']);
    for _ in 0..3 {
        rest = digits::split(rest).1.strip_prefix('.')?;
    }
    Some(rest)
}
