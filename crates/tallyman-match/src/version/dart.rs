//! Pub's order for Dart packages: semantic versions whose build counts as well
//! (pub_semver, `Version.compareTo`).

use std::cmp::Ordering;

use super::semver::{Version, compare_parsed};
use super::{Side, digits};

/// Compares two versions of Dart packages.
pub(super) fn compare(a: &str, b: &str) -> Result<Ordering, Side> {
    compare_with_builds(a, b, |a, b| compare_parsed(a, b, integer))
}

/// Every version that can be read has its place in a range.
pub(super) fn is_rankable(version: &str) -> bool {
    Version::parse(version).is_some()
}

/// Compares two semantic versions and then their builds; none is below any.
pub(super) fn compare_with_builds(
    a: &str,
    b: &str,
    compare: fn(&str, &str) -> Ordering,
) -> Result<Ordering, Side> {
    let read = |text| Version::parse(text);
    let (left, right) = (read(a).ok_or(Side::Left)?, read(b).ok_or(Side::Right)?);
    let (of_left, of_right) = (left.prerelease(), right.prerelease());
    Ok(left
        .compare_numbers(&right)
        .then_with(|| of_left.is_empty().cmp(&of_right.is_empty()))
        .then_with(|| compare(of_left, of_right))
        .then_with(|| match (build(a), build(b)) {
            (Some(a), Some(b)) => compare(a, b),
            (a, b) => a.is_some().cmp(&b.is_some()),
        }))
}

/// Reads an integer as Dart's `int.tryParse` does, which knows signs and hexadecimal digits.
fn integer(text: &str) -> Option<i64> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text),
    };
    match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        Some(digits) if digits.starts_with(|c: char| c.is_ascii_hexdigit()) => {
            i64::from_str_radix(&format!("{sign}{digits}"), 16).ok()
        }
        _ => text.parse().ok(),
    }
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
