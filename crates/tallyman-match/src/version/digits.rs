//! Decimal numbers of any length, compared without being parsed.

use std::cmp::Ordering;

/// Compares two runs of ASCII digits as numbers; the empty run is zero.
pub(super) fn compare(a: &str, b: &str) -> Ordering {
    let a = a.trim_start_matches('0');
    let b = b.trim_start_matches('0');
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

/// Splits off the leading run of ASCII digits, which may be empty.
pub(super) fn split(text: &str) -> (&str, &str) {
    let end = text.bytes().position(|b| !b.is_ascii_digit()).unwrap_or(text.len());
    text.split_at(end)
}
