//! RubyGems' order (`Gem::Version#<=>`): a word makes a pre-release, trailing zeros do not count.

use std::cmp::Ordering;

use super::{Side, digits};

/// Compares two gem versions.
pub(super) fn compare(a: &str, b: &str) -> Result<Ordering, Side> {
    let (a, b) = (segments(a), segments(b));
    for i in 0..a.len().max(b.len()) {
        let get = |segments: &[String]| segments.get(i).cloned().unwrap_or_else(|| "0".to_owned());
        let (a, b) = (get(&a), get(&b));
        let order = match (is_number(&a), is_number(&b)) {
            (true, true) => digits::compare(&a, &b),
            (true, false) => Ordering::Greater,
            (false, true) => Ordering::Less,
            (false, false) => a.cmp(&b),
        };
        if order.is_ne() {
            return Ok(order);
        }
    }
    Ok(Ordering::Equal)
}

/// Tells whether RubyGems would take the text for a version.
pub(super) fn is_rankable(version: &str) -> bool {
    version.trim().bytes().next().is_some_and(|b| b.is_ascii_digit())
}

fn is_number(segment: &str) -> bool {
    segment.bytes().all(|b| b.is_ascii_digit())
}

/// Returns runs of digits and of letters, without the zeros before the first word and at the end.
fn segments(text: &str) -> Vec<String> {
    let text = text.trim().replace('-', ".pre.");
    let mut segments: Vec<String> = Vec::new();
    let mut last: Option<bool> = None;
    for c in text.chars() {
        let kind = c.is_ascii_alphanumeric().then(|| c.is_ascii_digit());
        match (kind, last, segments.last_mut()) {
            (Some(kind), Some(last), Some(segment)) if kind == last => segment.push(c),
            (Some(_), ..) => segments.push(c.to_string()),
            (None, ..) => {}
        }
        last = kind;
    }
    let first_word = segments.iter().position(|segment| !is_number(segment));
    let rest = segments.split_off(first_word.unwrap_or(segments.len()));
    let mut canonical = without_trailing_zeros(segments);
    canonical.extend(without_trailing_zeros(rest));
    canonical
}

fn without_trailing_zeros(mut segments: Vec<String>) -> Vec<String> {
    while segments.last().is_some_and(|segment| segment.bytes().all(|b| b == b'0')) {
        segments.pop();
    }
    segments
}
