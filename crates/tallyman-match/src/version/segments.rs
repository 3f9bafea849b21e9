//! Runs of digits or of letters, which RPM's order and Arch Linux's compare one after the other.

use std::cmp::Ordering;

use super::digits;

/// Compares the first segments of two texts that begin with a letter or digit; returns what is
/// behind them as well. A number is more than letters.
pub(super) fn compare_first<'a>(a: &'a str, b: &'a str) -> (Ordering, &'a str, &'a str) {
    let (segment_of_a, rest_of_a) = segment(a);
    let (segment_of_b, rest_of_b) = segment(b);
    let order = match (is_number(segment_of_a), is_number(segment_of_b)) {
        (true, true) => digits::compare(segment_of_a, segment_of_b),
        (true, false) => Ordering::Greater,
        (false, true) => Ordering::Less,
        (false, false) => segment_of_a.cmp(segment_of_b),
    };
    (order, rest_of_a, rest_of_b)
}

fn is_number(segment: &str) -> bool {
    segment.bytes().next().is_some_and(|b| b.is_ascii_digit())
}

/// Splits off a run of digits or of letters.
fn segment(text: &str) -> (&str, &str) {
    let number = is_number(text);
    let belongs = |b: u8| if number { b.is_ascii_digit() } else { b.is_ascii_alphabetic() };
    text.split_at(text.bytes().position(|b| !belongs(b)).unwrap_or(text.len()))
}
