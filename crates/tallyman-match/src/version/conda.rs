//! Conda's order (conda documentation, "Package specification", and `VersionOrder` of
//! `conda.models.version`): lists of lists of numbers and words, in which what is missing is zero.

use std::cmp::Ordering;

use super::{Side, digits};

/// Compares two versions of conda packages.
pub(super) fn compare(a: &str, b: &str) -> Result<Ordering, Side> {
    let (a, b) = (normal(a), normal(b));
    let a = Version::parse(&a).ok_or(Side::Left)?;
    let b = Version::parse(&b).ok_or(Side::Right)?;
    Ok(digits::compare(a.epoch, b.epoch)
        .then_with(|| compare_components(&a.components, &b.components))
        .then_with(|| compare_components(&a.local, &b.local)))
}

/// A version with a number in it has its place in a range.
pub(super) fn is_rankable(version: &str) -> bool {
    version.bytes().any(|byte| byte.is_ascii_digit()) && Version::parse(&normal(version)).is_some()
}

/// Letters are small, and hyphens stand for underscores where there are none of these.
fn normal(text: &str) -> String {
    let lower = text.trim().to_ascii_lowercase();
    let replaces = lower.contains('-') && !lower.contains('_');
    if replaces { lower.replace('-', "_") } else { lower }
}

struct Version<'a> {
    epoch: &'a str,
    components: Vec<Vec<Item<'a>>>,
    local: Vec<Vec<Item<'a>>>,
}

/// A run of digits, asterisks or other characters; the order of the variants is theirs.
#[derive(Clone, Copy)]
enum Item<'a> {
    /// A word; `dev` in large letters.
    Word(&'a str),
    Number(&'a str),
    /// `post`.
    Infinite,
}

impl<'a> Version<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let is_of_version =
            |b: u8| matches!(b, b'*' | b'.' | b'+' | b'!' | b'_' | b'0'..=b'9' | b'a'..=b'z');
        if !text.bytes().all(is_of_version) {
            return None;
        }
        let (epoch, rest) = match text.split_once('!') {
            Some((epoch, rest)) if is_number(epoch) => (epoch, rest),
            Some(_) => return None,
            None => ("0", text),
        };
        let (version, local) = match rest.split_once('+') {
            Some((version, local)) => (version, Some(local)),
            None => (rest, None),
        };
        let is_second = |text: &str| text.contains(['!', '+']);
        if version.is_empty() || is_second(version) || local.is_some_and(is_second) {
            return None;
        }
        let local = local.map_or(Some(Vec::new()), |local| components(local.split(SEPARATORS)))?;
        let (before, last) = split_last(version);
        let parts = before.into_iter().flat_map(|before| before.split(SEPARATORS));
        let components = components(parts.chain([last]))?;
        Some(Version { epoch, components, local })
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

const SEPARATORS: [char; 2] = ['.', '_'];

/// Splits off the last component. An underscore at its end belongs to it: so do OpenSSL's letters
/// count upwards (`1.1.1_` is before `1.1.1a`).
fn split_last(version: &str) -> (Option<&str>, &str) {
    let body = version.strip_suffix('_').unwrap_or(version);
    match body.rfind(SEPARATORS) {
        Some(at) => (version.get(..at), version.get(at + 1..).unwrap_or("")),
        None => (None, version),
    }
}

/// Splits components into runs; none may be empty.
fn components<'a>(parts: impl Iterator<Item = &'a str>) -> Option<Vec<Vec<Item<'a>>>> {
    parts.map(|part| (!part.is_empty()).then(|| items(part))).collect()
}

/// Splits into runs, of which the first is a number.
fn items(part: &str) -> Vec<Item<'_>> {
    let mut items = Vec::new();
    let mut rest = part;
    while let Some(first) = rest.bytes().next() {
        let kind = |b: u8| (b.is_ascii_digit(), b == b'*');
        let end = rest.bytes().position(|b| kind(b) != kind(first)).unwrap_or(rest.len());
        let (run, tail) = rest.split_at(end);
        rest = tail;
        items.push(match run {
            "post" => Item::Infinite,
            // Large letters come before the underscore and before small ones.
            "dev" => Item::Word("DEV"),
            _ if first.is_ascii_digit() => Item::Number(run),
            _ => Item::Word(run),
        });
    }
    if !matches!(items.first(), Some(Item::Number(_))) {
        items.insert(0, Item::Number("0"));
    }
    items
}

/// Compares component by component and run by run; what is missing is zero.
fn compare_components(a: &[Vec<Item<'_>>], b: &[Vec<Item<'_>>]) -> Ordering {
    let empty: &[Item<'_>] = &[];
    for place in 0..a.len().max(b.len()) {
        let a = a.get(place).map_or(empty, Vec::as_slice);
        let b = b.get(place).map_or(empty, Vec::as_slice);
        for place in 0..a.len().max(b.len()) {
            let order = compare_items(item_at(a, place), item_at(b, place));
            if order.is_ne() {
                return order;
            }
        }
    }
    Ordering::Equal
}

fn item_at<'a>(items: &[Item<'a>], place: usize) -> Item<'a> {
    items.get(place).copied().unwrap_or(Item::Number("0"))
}

fn compare_items(a: Item<'_>, b: Item<'_>) -> Ordering {
    let rank = |item| match item {
        Item::Word(_) => 0,
        Item::Number(_) => 1,
        Item::Infinite => 2,
    };
    match (a, b) {
        (Item::Word(a), Item::Word(b)) => a.cmp(b),
        (Item::Number(a), Item::Number(b)) => digits::compare(a, b),
        (a, b) => rank(a).cmp(&rank(b)),
    }
}
