//! Gentoo's order: the Package Manager Specification, chapter 3, "Version specifications" and
//! "Version comparison": `number{.number}…{letter}{_suffix{number}}…{-r#}`.

use std::cmp::Ordering;

use super::{Side, digits};

/// Compares two versions of ebuilds; refused is what the specification has no place for.
pub(super) fn compare(a: &str, b: &str) -> Result<Ordering, Side> {
    let a = Version::parse(a).ok_or(Side::Left)?;
    let b = Version::parse(b).ok_or(Side::Right)?;
    Ok(compare_numbers(&a.numbers, &b.numbers)
        .then_with(|| a.letter.cmp(&b.letter))
        .then_with(|| compare_suffixes(&a.suffixes, &b.suffixes))
        .then_with(|| digits::compare(a.revision, b.revision)))
}

/// Every version of an ebuild has its place in a range.
pub(super) fn is_rankable(version: &str) -> bool {
    Version::parse(version).is_some()
}

/// A version; an absent number of a suffix and an absent revision are the empty text, which is zero.
struct Version<'a> {
    numbers: Vec<&'a str>,
    letter: Option<u8>,
    suffixes: Vec<(Suffix, &'a str)>,
    revision: &'a str,
}

/// The suffixes in their order; all but the last come before the release.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Suffix {
    Alpha,
    Beta,
    Pre,
    Rc,
    P,
}

/// `pre` must be tried before `p`.
const SUFFIXES: [(&str, Suffix); 5] = [
    ("alpha", Suffix::Alpha),
    ("beta", Suffix::Beta),
    ("pre", Suffix::Pre),
    ("rc", Suffix::Rc),
    ("p", Suffix::P),
];

impl<'a> Version<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let (first, mut rest) = number(text)?;
        let mut numbers = vec![first];
        while let Some(tail) = rest.strip_prefix('.') {
            let (next, tail) = number(tail)?;
            numbers.push(next);
            rest = tail;
        }
        let letter = rest.bytes().next().filter(u8::is_ascii_lowercase);
        rest = rest.get(usize::from(letter.is_some())..)?;
        let mut suffixes = Vec::new();
        while let Some(tail) = rest.strip_prefix('_') {
            let known = |(name, suffix)| tail.strip_prefix(name).map(|tail| (suffix, tail));
            let (suffix, tail) = SUFFIXES.into_iter().find_map(known)?;
            let (digits, tail) = digits::split(tail);
            suffixes.push((suffix, digits));
            rest = tail;
        }
        let (revision, rest) = match rest.strip_prefix("-r") {
            Some(tail) => number(tail)?,
            None => ("", rest),
        };
        rest.is_empty().then_some(Version { numbers, letter, suffixes, revision })
    }
}

/// Splits off a number of at least one digit.
fn number(text: &str) -> Option<(&str, &str)> {
    let (number, rest) = digits::split(text);
    (!number.is_empty()).then_some((number, rest))
}

/// Compares the first numbers as such; of the others, a zero in front makes both into digits behind
/// a decimal point.
fn compare_numbers(a: &[&str], b: &[&str]) -> Ordering {
    let compare = |(place, (a, b)): (usize, (&&str, &&str))| {
        if place > 0 && (a.starts_with('0') || b.starts_with('0')) {
            a.trim_end_matches('0').cmp(b.trim_end_matches('0'))
        } else {
            digits::compare(a, b)
        }
    };
    let order = a.iter().zip(b).enumerate().map(compare).find(|order| order.is_ne());
    order.unwrap_or_else(|| a.len().cmp(&b.len()))
}

/// Of two lists that begin alike the longer one is higher if it goes on with a patch.
fn compare_suffixes(a: &[(Suffix, &str)], b: &[(Suffix, &str)]) -> Ordering {
    let compare = |((suffix_of_a, a), (suffix_of_b, b)): (&(Suffix, &str), &(Suffix, &str))| {
        suffix_of_a.cmp(suffix_of_b).then_with(|| digits::compare(a, b))
    };
    let order = a.iter().zip(b).map(compare).find(|order| order.is_ne());
    let raises = |(suffix, _): &(Suffix, &str)| {
        if *suffix == Suffix::P { Ordering::Greater } else { Ordering::Less }
    };
    order.unwrap_or_else(|| match (a.get(b.len()), b.get(a.len())) {
        (Some(next), _) => raises(next),
        (None, Some(next)) => raises(next).reverse(),
        (None, None) => Ordering::Equal,
    })
}
