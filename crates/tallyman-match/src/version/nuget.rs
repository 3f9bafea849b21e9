//! NuGet's order: semantic versions with four numbers, whatever the case
//! (NuGet documentation, "Package versioning").

use std::cmp::Ordering;

use super::semver::compare_parsed;
use super::{Side, digits};

/// Compares two NuGet versions.
pub(super) fn compare(a: &str, b: &str) -> Result<Ordering, Side> {
    let a = Version::parse(a).ok_or(Side::Left)?;
    let b = Version::parse(b).ok_or(Side::Right)?;
    for i in 0..a.numbers.len().max(b.numbers.len()) {
        let get = |version: &Version| version.numbers.get(i).cloned().unwrap_or_default();
        let order = digits::compare(&get(&a), &get(&b));
        if order.is_ne() {
            return Ok(order);
        }
    }
    // Numbers are what `int.TryParse` reads: with a sign, and within 32 bits.
    let integer = |text: &str| text.parse::<i32>().ok().map(i64::from);
    let is_release = |version: &Version| version.prerelease.is_empty();
    Ok(is_release(&a)
        .cmp(&is_release(&b))
        .then_with(|| compare_parsed(&a.prerelease, &b.prerelease, integer)))
}

/// Every version that can be read has its place in a range.
pub(super) fn is_rankable(version: &str) -> bool {
    Version::parse(version).is_some()
}

struct Version {
    numbers: Vec<String>,
    /// In lower case; empty for a release.
    prerelease: String,
}

impl Version {
    fn parse(text: &str) -> Option<Self> {
        let text = text.trim().trim_start_matches(['v', 'V']);
        let without_build = text.split('+').next().unwrap_or_default();
        let (core, prerelease) = without_build.split_once('-').unwrap_or((without_build, ""));
        let numbers: Vec<String> = core.split('.').map(|part| part.trim().to_owned()).collect();
        let is_number =
            |part: &String| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        let valid = numbers.iter().all(is_number);
        valid.then(|| Version { numbers, prerelease: prerelease.to_ascii_lowercase() })
    }
}
