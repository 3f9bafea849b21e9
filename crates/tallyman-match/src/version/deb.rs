//! Debian's order: deb-version(7) and Debian Policy 5.6.12, as `dpkg --compare-versions` has it.

use std::cmp::Ordering;

use super::{Side, digits};

/// Compares two Debian versions; refused is what dpkg refuses, not what it only warns of.
pub(super) fn compare(a: &str, b: &str) -> Result<Ordering, Side> {
    let a = Version::parse(a).ok_or(Side::Left)?;
    let b = Version::parse(b).ok_or(Side::Right)?;
    Ok(a.epoch
        .cmp(&b.epoch)
        .then_with(|| compare_part(a.upstream, b.upstream))
        .then_with(|| compare_part(a.revision, b.revision)))
}

/// Whatever dpkg can compare has its place in a range.
pub(super) fn is_rankable(version: &str) -> bool {
    Version::parse(version).is_some()
}

/// Compares two versions of opam packages: Debian's order of whatever text (opam manual, "Version
/// ordering").
pub(super) fn compare_opam(a: &str, b: &str) -> Result<Ordering, Side> {
    let (a, b) = (a.trim(), b.trim());
    if a.is_empty() {
        return Err(Side::Left);
    }
    if b.is_empty() {
        return Err(Side::Right);
    }
    let split = |text| {
        let (epoch, rest) = str::split_once(text, ':').unwrap_or(("", text));
        let (upstream, revision) = rest.rsplit_once('-').unwrap_or((rest, ""));
        [epoch, upstream, revision]
    };
    let orders = split(a).into_iter().zip(split(b)).map(|(a, b)| compare_part(a, b));
    Ok(orders.into_iter().find(|order| order.is_ne()).unwrap_or(Ordering::Equal))
}

/// opam orders any text; what does not begin with a number is most likely a branch.
pub(super) fn is_rankable_by_opam(version: &str) -> bool {
    version.starts_with(|c: char| c.is_ascii_digit())
}

struct Version<'a> {
    epoch: i32,
    upstream: &'a str,
    revision: &'a str,
}

impl<'a> Version<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let text = text.trim_matches(is_space);
        if text.is_empty() || text.contains(is_space) {
            return None;
        }
        let (epoch, rest) = match text.split_once(':') {
            Some((epoch, rest)) => (parse_epoch(epoch)?, rest),
            None => (0, text),
        };
        let (upstream, revision) = match rest.rsplit_once('-') {
            Some((_, "")) => return None,
            Some((upstream, revision)) => (upstream, revision),
            None => (rest, ""),
        };
        (!upstream.is_empty()).then_some(Version { epoch, upstream, revision })
    }
}

fn is_space(c: char) -> bool {
    c.is_ascii_whitespace() || c == '\u{b}'
}

/// dpkg reads the epoch by C's `strtol` into an `int`.
fn parse_epoch(epoch: &str) -> Option<i32> {
    epoch.parse::<i32>().ok().filter(|number| *number >= 0)
}

/// Compares an upstream version or a revision: runs of non-digits and of digits by turns.
fn compare_part(mut a: &str, mut b: &str) -> Ordering {
    while !a.is_empty() || !b.is_empty() {
        let (text_a, rest_a) = split_text(a);
        let (text_b, rest_b) = split_text(b);
        let (number_a, rest_a) = digits::split(rest_a);
        let (number_b, rest_b) = digits::split(rest_b);
        let order = compare_text(text_a, text_b).then_with(|| digits::compare(number_a, number_b));
        if order != Ordering::Equal {
            return order;
        }
        (a, b) = (rest_a, rest_b);
    }
    Ordering::Equal
}

fn split_text(text: &str) -> (&str, &str) {
    let end = text.bytes().position(|b| b.is_ascii_digit()).unwrap_or(text.len());
    text.split_at(end)
}

fn compare_text(a: &str, b: &str) -> Ordering {
    // The end of the run weighs as much as a digit: more than a tilde, less than anything else.
    a.bytes().map(weight).chain([0]).cmp(b.bytes().map(weight).chain([0]))
}

/// The tilde sorts before the end, letters before all other characters.
fn weight(byte: u8) -> i32 {
    match byte {
        b'~' => -1,
        b if b.is_ascii_alphabetic() => i32::from(b),
        b => i32::from(b) + 256,
    }
}
