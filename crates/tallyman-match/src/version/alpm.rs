//! Arch Linux's order (vercmp(8), and `alpm_pkg_vercmp` of libalpm), an older one of RPM's: letters
//! behind a number announce it (`1.0rc` is before `1.0`), and how many separators there are counts.

use std::cmp::Ordering;

use super::{Side, digits, segments};

/// Compares two versions with or without epoch and release. Any text is one.
#[expect(clippy::unnecessary_wraps, reason = "the signature of all orders")]
pub(super) fn compare(a: &str, b: &str) -> Result<Ordering, Side> {
    let (a, b) = (Evr::parse(a), Evr::parse(b));
    // One that says no release stands for all of them.
    let releases = || match (a.release, b.release) {
        (Some(a), Some(b)) => compare_parts(a, b),
        _ => Ordering::Equal,
    };
    Ok(compare_parts(a.epoch, b.epoch)
        .then_with(|| compare_parts(a.version, b.version))
        .then_with(releases))
}

/// What has no letter and no digit has no place in a range.
pub(super) fn is_rankable(version: &str) -> bool {
    version.bytes().any(|byte| byte.is_ascii_alphanumeric())
}

struct Evr<'a> {
    epoch: &'a str,
    version: &'a str,
    release: Option<&'a str>,
}

impl<'a> Evr<'a> {
    /// Only digits before a colon are an epoch; the release begins at the last hyphen.
    fn parse(text: &'a str) -> Self {
        let (number, rest) = digits::split(text);
        let (epoch, rest) = match rest.strip_prefix(':') {
            Some(rest) if number.is_empty() => ("0", rest),
            Some(rest) => (number, rest),
            None => ("0", text),
        };
        match rest.rsplit_once('-') {
            Some((version, release)) => Evr { epoch, version, release: Some(release) },
            None => Evr { epoch, version: rest, release: None },
        }
    }
}

fn compare_parts<'a>(mut a: &'a str, mut b: &'a str) -> Ordering {
    if a == b {
        return Ordering::Equal;
    }
    while !a.is_empty() && !b.is_empty() {
        let (separators_of_a, rest_of_a) = split_separators(a);
        let (separators_of_b, rest_of_b) = split_separators(b);
        (a, b) = (rest_of_a, rest_of_b);
        if a.is_empty() || b.is_empty() {
            break;
        }
        if separators_of_a.len() != separators_of_b.len() {
            return separators_of_a.len().cmp(&separators_of_b.len());
        }
        let (order, rest_of_a, rest_of_b) = segments::compare_first(a, b);
        if order.is_ne() {
            return order;
        }
        (a, b) = (rest_of_a, rest_of_b);
    }
    // Letters that are left over are less than nothing, anything else is more.
    let is_letter = |text: &str| text.bytes().next().is_some_and(|b| b.is_ascii_alphabetic());
    match (a.is_empty(), b.is_empty()) {
        (true, true) => Ordering::Equal,
        (true, false) if !is_letter(b) => Ordering::Less,
        _ if is_letter(a) => Ordering::Less,
        _ => Ordering::Greater,
    }
}

fn split_separators(text: &str) -> (&str, &str) {
    let end = text.bytes().position(|b| b.is_ascii_alphanumeric()).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}
