//! Lists of numbers, for Hackage (Haskell package versioning policy) and CRAN
//! (R documentation, `package_version`): of two lists that begin alike the longer one is higher.

use std::cmp::Ordering;

use super::{Side, digits};

/// Compares two Hackage versions.
pub(super) fn compare_hackage(a: &str, b: &str) -> Result<Ordering, Side> {
    compare(a, b, &['.'])
}

/// Compares two CRAN versions.
pub(super) fn compare_cran(a: &str, b: &str) -> Result<Ordering, Side> {
    compare(a, b, &['.', '-'])
}

/// A list of numbers has its place in a range.
pub(super) fn is_rankable(version: &str) -> bool {
    parse(version, &['.', '-']).is_some()
}

fn compare(a: &str, b: &str, separators: &[char]) -> Result<Ordering, Side> {
    let a = parse(a, separators).ok_or(Side::Left)?;
    let b = parse(b, separators).ok_or(Side::Right)?;
    let order = a.iter().zip(&b).map(|(a, b)| digits::compare(a, b)).find(|order| order.is_ne());
    Ok(order.unwrap_or_else(|| a.len().cmp(&b.len())))
}

fn parse<'a>(text: &'a str, separators: &[char]) -> Option<Vec<&'a str>> {
    let numbers: Vec<&str> = text.trim().split(separators).collect();
    let is_number =
        |number: &&str| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    numbers.iter().all(is_number).then_some(numbers)
}
