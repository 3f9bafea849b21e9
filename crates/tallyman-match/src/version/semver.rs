//! Semantic Versioning 2.0.0, section 11, for npm and crates.io; numbers may be of any length.
//!
//! It reads what npm's loose mode reads: a leading `v` or `=`, leading zeros, a pre-release
//! without its hyphen, or with a dot in its place; and missing parts, which are zero. Numbers behind
//! the third are ignored like build metadata.

use std::cmp::Ordering;

use super::{Side, digits};

/// Compares two semantic versions.
pub(super) fn compare(a: &str, b: &str) -> Result<Ordering, Side> {
    let a = Version::parse(a).ok_or(Side::Left)?;
    let b = Version::parse(b).ok_or(Side::Right)?;
    Ok(a.compare(&b))
}

/// Every version that can be read has its place in a range.
pub(super) fn is_rankable(version: &str) -> bool {
    Version::parse(version).is_some()
}

/// A semantic version, without its build metadata.
#[derive(Clone, Copy, Debug)]
pub(super) struct Version<'a> {
    numbers: [&'a str; 3],
    /// The pre-release, empty for a release.
    prerelease: &'a str,
    /// Whether the pre-release stands right behind a number, without the hyphen.
    attached: bool,
}

impl<'a> Version<'a> {
    /// Reads a version.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let text = text.trim().trim_start_matches(['v', 'V', '=', ' ']);
        let mut numbers = ["0"; 3];
        let (first, mut rest) = digits::split(text);
        if first.is_empty() {
            return None;
        }
        numbers[0] = first;
        let mut count = 1;
        while let Some(tail) = rest.strip_prefix('.') {
            let (number, tail) = digits::split(tail);
            // `1.0.0.beta1`: a word behind three numbers is a pre-release.
            let is_word = tail.starts_with(|c: char| c.is_ascii_alphabetic());
            if number.is_empty() && is_word && count >= 3 {
                rest = tail;
                break;
            }
            if number.is_empty() {
                return None;
            }
            if let Some(slot) = numbers.get_mut(count) {
                *slot = number;
            }
            count += 1;
            rest = tail;
        }
        let before_build = rest.split('+').next().unwrap_or("");
        let (prerelease, attached) = match before_build.strip_prefix('-') {
            Some("") => return None,
            Some(prerelease) => (prerelease, false),
            None => (before_build, true),
        };
        let is_identifier =
            |id: &str| !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        let valid = prerelease.is_empty() || prerelease.split('.').all(is_identifier);
        valid.then_some(Version { numbers, prerelease, attached })
    }

    /// Compares by precedence (section 11).
    pub(super) fn compare(&self, other: &Self) -> Ordering {
        self.compare_numbers(other).then_with(|| {
            compare_prereleases(self.prerelease.split('.'), other.prerelease.split('.'))
        })
    }

    /// Compares major, minor and patch.
    pub(super) fn compare_numbers(&self, other: &Self) -> Ordering {
        self.numbers
            .iter()
            .zip(other.numbers)
            .map(|(a, b)| digits::compare(a, b))
            .find(|order| order.is_ne())
            .unwrap_or(Ordering::Equal)
    }

    /// Returns the pre-release, empty for a release.
    pub(super) fn prerelease(&self) -> &'a str {
        self.prerelease
    }

    /// Tells whether the pre-release stands right behind a number, as in `1.21rc2`.
    pub(super) fn is_attached(&self) -> bool {
        self.attached
    }
}

/// Compares pre-releases by their identifiers; a single empty one stands for a release.
pub(super) fn compare_prereleases<'a>(
    mut a: impl Iterator<Item = &'a str>,
    mut b: impl Iterator<Item = &'a str>,
) -> Ordering {
    loop {
        let order = match (a.next(), b.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(""), Some("")) => return Ordering::Equal,
            (Some(""), Some(_)) => return Ordering::Greater,
            (Some(_), Some("")) => return Ordering::Less,
            (Some(a), Some(b)) => compare_identifiers(a, b),
        };
        if order.is_ne() {
            return order;
        }
    }
}

/// Compares pre-releases or builds whose identifiers are numbers where the language's own parser of
/// integers takes them for such, with a sign and within limits.
pub(super) fn compare_parsed(a: &str, b: &str, parse: fn(&str) -> Option<i64>) -> Ordering {
    let (mut a, mut b) = (a.split('.'), b.split('.'));
    loop {
        let order = match (a.next(), b.next()) {
            (None, None) => return Ordering::Equal,
            (a, b) if a.is_none() || b.is_none() => a.is_some().cmp(&b.is_some()),
            (a, b) => {
                let (a, b) = (a.unwrap_or_default(), b.unwrap_or_default());
                match (parse(a), parse(b)) {
                    (Some(a), Some(b)) => a.cmp(&b),
                    (None, None) => a.cmp(b),
                    (a_number, b_number) => b_number.is_some().cmp(&a_number.is_some()),
                }
            }
        };
        if order.is_ne() {
            return order;
        }
    }
}

fn compare_identifiers(a: &str, b: &str) -> Ordering {
    let is_number = |id: &str| id.bytes().all(|b| b.is_ascii_digit());
    match (is_number(a), is_number(b)) {
        (true, true) => digits::compare(a, b),
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
        (false, false) => a.cmp(b),
    }
}
