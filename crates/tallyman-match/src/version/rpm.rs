//! RPM's order: `rpmvercmp` with `~` and `^` (rpm-version(7), "Sorting"), and `epoch:version-release`.

use std::cmp::Ordering;

use super::{Side, digits, segments};

/// Compares two versions with or without epoch and release.
pub(super) fn compare(a: &str, b: &str) -> Result<Ordering, Side> {
    let (a, b) = (Evr::parse(a), Evr::parse(b));
    let releases = || match (a.release, b.release) {
        (None, None) => Ordering::Equal,
        (None, Some(_)) => Ordering::Less,
        (Some(_), None) => Ordering::Greater,
        (Some(a), Some(b)) => compare_parts(a, b),
    };
    let order = digits::compare(a.epoch, b.epoch)
        .then_with(|| compare_parts(a.version, b.version))
        .then_with(releases);
    Ok(order)
}

/// Every text has a place.
pub(super) fn is_rankable(version: &str) -> bool {
    version.bytes().any(|b| b.is_ascii_alphanumeric())
}

struct Evr<'a> {
    epoch: &'a str,
    version: &'a str,
    release: Option<&'a str>,
}

impl<'a> Evr<'a> {
    /// Only digits before a colon are an epoch; the release begins at the last hyphen.
    fn parse(text: &'a str) -> Self {
        let (epoch, rest) = match text.split_once(':') {
            Some((epoch, rest)) if epoch.bytes().all(|b| b.is_ascii_digit()) => (epoch, rest),
            _ => ("", text),
        };
        match rest.rsplit_once('-') {
            Some((version, release)) => Evr { epoch, version, release: Some(release) },
            None => Evr { epoch, version: rest, release: None },
        }
    }
}

/// Compares segment by segment; separators only part them.
fn compare_parts<'a>(mut a: &'a str, mut b: &'a str) -> Ordering {
    let is_separator = |c: char| !c.is_ascii_alphanumeric() && c != '~' && c != '^';
    loop {
        a = a.trim_start_matches(is_separator);
        b = b.trim_start_matches(is_separator);
        match (a.strip_prefix('~'), b.strip_prefix('~')) {
            (Some(rest_of_a), Some(rest_of_b)) => {
                (a, b) = (rest_of_a, rest_of_b);
                continue;
            }
            (Some(_), None) => return Ordering::Less,
            (None, Some(_)) => return Ordering::Greater,
            (None, None) => {}
        }
        match (a.strip_prefix('^'), b.strip_prefix('^')) {
            (Some(rest_of_a), Some(rest_of_b)) => {
                (a, b) = (rest_of_a, rest_of_b);
                continue;
            }
            // A caret is above the end and below anything else.
            (Some(_), None) => {
                return if b.is_empty() { Ordering::Greater } else { Ordering::Less };
            }
            (None, Some(_)) => {
                return if a.is_empty() { Ordering::Less } else { Ordering::Greater };
            }
            (None, None) => {}
        }
        if a.is_empty() || b.is_empty() {
            return a.len().cmp(&b.len());
        }
        let (order, rest_of_a, rest_of_b) = segments::compare_first(a, b);
        if order.is_ne() {
            return order;
        }
        (a, b) = (rest_of_a, rest_of_b);
    }
}
