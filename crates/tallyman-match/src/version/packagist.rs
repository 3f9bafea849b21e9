//! Packagist's order: PHP's `version_compare` without a leading `v`
//! (PHP manual, "version_compare").

use std::cmp::Ordering;

use super::{Side, digits};

/// Compares two versions of PHP packages.
pub(super) fn compare(a: &str, b: &str) -> Result<Ordering, Side> {
    let (a, b) = (canonical(a), canonical(b));
    Ok(compare_parts(&parts(&a), &parts(&b)))
}

/// A version that begins with a number has its place in a range; a branch has none.
pub(super) fn is_rankable(version: &str) -> bool {
    let version = version.trim_start_matches(['v', 'V']);
    version.bytes().next().is_some_and(|b| b.is_ascii_digit())
}

/// What stands for a number where a word is compared with one.
const NUMBER: &str = "#";

/// The words from the lowest up; anything else is lower still.
const WORDS: [&str; 6] = ["dev", "a", "b", "rc", NUMBER, "p"];

/// Puts a dot for each separator and between digits and words.
fn canonical(text: &str) -> String {
    let text = text.strip_prefix(['v', 'V']).unwrap_or(text);
    let mut canonical = String::with_capacity(text.len() + 8);
    let mut last = '.';
    for c in text.chars() {
        let c = if matches!(c, '-' | '_' | '+') { '.' } else { c };
        let changes = c != '.' && last != '.' && c.is_ascii_digit() != last.is_ascii_digit();
        // Separators in a row are one.
        if changes || (c == '.' && last != '.') {
            canonical.push('.');
        }
        if c != '.' {
            canonical.push(c);
        }
        last = c;
    }
    canonical
}

fn parts(canonical: &str) -> Vec<&str> {
    canonical.split('.').collect()
}

fn compare_parts(a: &[&str], b: &[&str]) -> Ordering {
    for (a, b) in a.iter().zip(b) {
        let order = match (is_number(a), is_number(b)) {
            (true, true) => digits::compare(a, b),
            (true, false) => weight(NUMBER).cmp(&weight(b)),
            (false, true) => weight(a).cmp(&weight(NUMBER)),
            (false, false) => weight(a).cmp(&weight(b)),
        };
        if order.is_ne() {
            return order;
        }
    }
    match a.len().cmp(&b.len()) {
        Ordering::Equal => Ordering::Equal,
        Ordering::Greater => rest(&a[b.len()..]),
        Ordering::Less => rest(&b[a.len()..]).reverse(),
    }
}

/// Compares what one version has beyond the other: more numbers are higher, more words are as
/// high as they are above a number.
fn rest(parts: &[&str]) -> Ordering {
    match parts.first() {
        None => Ordering::Equal,
        Some(first) if is_number(first) => Ordering::Greater,
        Some(_) => compare_parts(parts, &[NUMBER]),
    }
}

fn is_number(part: &str) -> bool {
    !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit())
}

fn weight(part: &str) -> usize {
    if part.starts_with("RC") {
        return weight("rc");
    }
    WORDS.iter().position(|word| part.starts_with(word)).map_or(0, |place| place + 1)
}
