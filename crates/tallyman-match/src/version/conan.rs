//! Conan's order: semantic versions of any number of parts, where a part may be a word
//! (Conan documentation, "Version ranges", and `conan.internal.model.version`).

use std::cmp::Ordering;

use super::{Side, digits};

/// Compares two Conan versions. Any text is one.
#[expect(clippy::unnecessary_wraps, reason = "the signature of all orders")]
pub(super) fn compare(a: &str, b: &str) -> Result<Ordering, Side> {
    let (a, b) = (Version::parse(a), Version::parse(b));
    let parts = compare_parts(a.parts, b.parts);
    Ok(match (a.prerelease, b.prerelease) {
        // A pre-release comes before its release, whatever their builds.
        (Some(_), None) => parts.then(Ordering::Less),
        (None, Some(_)) => parts.then(Ordering::Greater),
        (a_prerelease, b_prerelease) => parts
            .then_with(|| compare_optional(a_prerelease, b_prerelease))
            .then_with(|| compare_optional(a.build, b.build)),
    })
}

/// What has no number in it, such as a branch, has no place in a range.
pub(super) fn is_rankable(version: &str) -> bool {
    version.bytes().any(|byte| byte.is_ascii_digit())
}

fn compare_optional(a: Option<&str>, b: Option<&str>) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) => compare_parts(a, b),
        (a, b) => a.is_some().cmp(&b.is_some()),
    }
}

struct Version<'a> {
    parts: &'a str,
    prerelease: Option<&'a str>,
    build: Option<&'a str>,
}

impl<'a> Version<'a> {
    fn parse(text: &'a str) -> Self {
        let (version, build) = match text.rsplit_once('+') {
            Some((version, build)) => (version, Some(build)),
            None => (text, None),
        };
        let (parts, prerelease) = match version.split_once('-') {
            Some((parts, prerelease)) => (parts, Some(prerelease)),
            None => (version, None),
        };
        Version { parts, prerelease, build }
    }
}

/// Compares part by part; zeros at the end do not count.
fn compare_parts(a: &str, b: &str) -> Ordering {
    let (a, b) = (significant(a), significant(b));
    let order = a.iter().zip(&b).map(|(a, b)| compare_part(a, b)).find(|order| order.is_ne());
    order.unwrap_or_else(|| a.len().cmp(&b.len()))
}

fn significant(parts: &str) -> Vec<&str> {
    let is_zero = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte == b'0');
    let mut parts: Vec<&str> = parts.split('.').collect();
    while parts.last().is_some_and(is_zero) {
        parts.pop();
    }
    parts
}

fn compare_part(a: &str, b: &str) -> Ordering {
    match (number(a), number(b)) {
        (Some(a), Some(b)) => digits::compare(a, b),
        // A number is compared with a word as the text that it is.
        (a_number, b_number) => a_number.unwrap_or(a).cmp(b_number.unwrap_or(b)),
    }
}

/// Returns a number without the zeros before it.
fn number(part: &str) -> Option<&str> {
    if part.is_empty() || !part.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let significant = part.trim_start_matches('0');
    Some(if significant.is_empty() { "0" } else { significant })
}
