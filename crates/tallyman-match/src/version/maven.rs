//! Maven's order (POM reference, "Version Order Specification", and `ComparableVersion` of
//! maven-artifact, which is the specification where the two differ).
//!
//! A version is a list of numbers and qualifiers whose last item may be a list again: a hyphen
//! begins one, and so does every change between digits and other characters. Maven changed its
//! order in 3.8: before, a qualifier behind a dot came before every one behind a hyphen, since,
//! both are alike. Advisories have been written for the older order, and so is this one.

use std::cmp::Ordering;

use super::{Side, digits};

/// Compares two Maven versions.
pub(super) fn compare(a: &str, b: &str) -> Result<Ordering, Side> {
    let (a, b) = (lists(a), lists(b));
    let (mut left, mut right) = (a.as_slice(), b.as_slice());
    // Two lists at the same place are the last items of both, so nothing is left behind.
    while let (Some((list_of_a, inner_a)), Some((list_of_b, inner_b))) =
        (left.split_first(), right.split_first())
    {
        let common = list_of_a.len().min(list_of_b.len());
        let order = list_of_a.iter().zip(list_of_b).map(|(a, b)| a.compare(b));
        if let Some(order) = order.into_iter().find(|order| order.is_ne()) {
            return Ok(order);
        }
        let (rest_of_a, rest_of_b) = (&list_of_a[common..], &list_of_b[common..]);
        let order = match (rest_of_a.first(), rest_of_b.first()) {
            (None, None) => Ordering::Equal,
            (Some(item), None) if !inner_b.is_empty() => item.compare_with_list(),
            (None, Some(item)) if !inner_a.is_empty() => item.compare_with_list().reverse(),
            (Some(_), None) => return Ok(compare_with_end(rest_of_a, inner_a)),
            (None, Some(_)) => return Ok(compare_with_end(rest_of_b, inner_b).reverse()),
            (Some(a), Some(b)) => a.compare(b),
        };
        if order.is_ne() {
            return Ok(order);
        }
        (left, right) = (inner_a, inner_b);
    }
    Ok(compare_with_end(&[], left).then(compare_with_end(&[], right).reverse()))
}

/// Maven orders any text; what does not begin with a number is most likely no version.
pub(super) fn is_rankable(version: &str) -> bool {
    version.trim().bytes().next().is_some_and(|b| b.is_ascii_digit())
}

/// The qualifiers that come before all others, from the lowest up; the empty one is a release.
const QUALIFIERS: [&str; 7] = ["alpha", "beta", "milestone", "rc", "snapshot", "", "sp"];

/// A number or a qualifier; the qualifiers that say no more than their absence are empty.
#[derive(Debug)]
enum Item {
    Number(String),
    Qualifier(String),
}

impl Item {
    fn number(digits: &str) -> Self {
        Item::Number(digits.to_owned())
    }

    fn qualifier(word: &str, before_number: bool) -> Self {
        let name = match (word, before_number) {
            ("a", true) => "alpha",
            ("b", true) => "beta",
            ("m", true) => "milestone",
            ("cr", _) => "rc",
            ("ga" | "final" | "release", _) => "",
            (other, _) => other,
        };
        Item::Qualifier(name.to_owned())
    }

    /// Tells whether the item says no more than its absence would.
    fn is_null(&self) -> bool {
        match self {
            Item::Number(digits) => digits.bytes().all(|b| b == b'0'),
            Item::Qualifier(name) => name.is_empty(),
        }
    }

    fn compare(&self, other: &Item) -> Ordering {
        match (self, other) {
            (Item::Number(a), Item::Number(b)) => digits::compare(a, b),
            (Item::Qualifier(a), Item::Qualifier(b)) => compare_qualifiers(a, b),
            (Item::Number(_), Item::Qualifier(_)) => Ordering::Greater,
            (Item::Qualifier(_), Item::Number(_)) => Ordering::Less,
        }
    }

    /// A list stands between all qualifiers and all numbers.
    fn compare_with_list(&self) -> Ordering {
        match self {
            Item::Number(_) => Ordering::Greater,
            Item::Qualifier(_) => Ordering::Less,
        }
    }

    fn compare_with_end(&self) -> Ordering {
        match self {
            Item::Number(digits) => digits::compare(digits, "0"),
            Item::Qualifier(name) => compare_qualifiers(name, ""),
        }
    }
}

fn compare_qualifiers(a: &str, b: &str) -> Ordering {
    let place =
        |name: &str| QUALIFIERS.iter().position(|known| *known == name).unwrap_or(QUALIFIERS.len());
    place(a).cmp(&place(b)).then_with(|| a.cmp(b))
}

/// Compares what one version has beyond the other, which has ended.
fn compare_with_end(items: &[Item], inner: &[Vec<Item>]) -> Ordering {
    let all = items.iter().chain(inner.iter().flatten());
    all.map(Item::compare_with_end).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}

/// Splits a version into lists, each the last item of the one before it, and trims them.
fn lists(text: &str) -> Vec<Vec<Item>> {
    let text = text.trim().to_lowercase();
    let mut lists = vec![Vec::new()];
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let is_number = rest.starts_with(|c: char| c.is_ascii_digit());
        let is_end = |c: char| matches!(c, '.' | '-') || c.is_ascii_digit() != is_number;
        let (part, tail) = rest.split_at(rest.find(is_end).unwrap_or(rest.len()));
        let next = tail.chars().next();
        let before_number = next.is_some_and(|c| c.is_ascii_digit());
        let item = match (part.is_empty(), is_number) {
            (true, _) => Item::number("0"),
            (false, true) => Item::number(part),
            (false, false) => Item::qualifier(part, before_number),
        };
        if let Some(list) = lists.last_mut() {
            list.push(item);
        }
        if next.is_some_and(|c| c != '.') {
            lists.push(Vec::new());
        }
        rest = tail.strip_prefix(['.', '-']).unwrap_or(tail);
    }
    trim(lists)
}

/// Drops what says nothing from the end of each list, and lists that are empty then.
fn trim(lists: Vec<Vec<Item>>) -> Vec<Vec<Item>> {
    let mut kept: Vec<Vec<Item>> = Vec::with_capacity(lists.len());
    let mut lists = lists.into_iter().peekable();
    while let Some(mut list) = lists.next() {
        let end = list.iter().rposition(|item| !item.is_null()).map_or(0, |last| last + 1);
        // `1-ga-1` is `1-1` by the specification. To Maven alone it is another version, as the
        // list in a list that its trimming leaves behind.
        let is_skipped = end == 0
            && !kept.is_empty()
            && list.iter().all(|item| matches!(item, Item::Qualifier(_)))
            && matches!(lists.peek().and_then(|next| next.first()), Some(Item::Number(_)));
        list.truncate(end);
        if !is_skipped {
            kept.push(list);
        }
    }
    while kept.last().is_some_and(Vec::is_empty) {
        kept.pop();
    }
    kept
}
