//! An order for the versions of programs whose makers define none: OpenSSL's `1.1.1w`,
//! PostgreSQL's `17rc1`, OpenSSH's `9.6p1`.
//!
//! A version is a list of numbers and words, wherever they meet or anything stands between them.
//! Words that announce a release come before it, all others after it; zeros at the end say nothing,
//! nor do those before a word that announces one (`1.20rc1` is `1.20.0-rc.1`).

use std::cmp::Ordering;

use super::{Side, digits};

/// Words that announce a release, each with what it is written as, the earliest first.
const ANNOUNCING: [&[&str]; 6] = [
    &["dev", "devel"],
    &["snapshot"],
    &["alpha"],
    &["beta"],
    &["milestone"],
    &["rc", "cr", "pre", "preview", "ea"],
];

/// Letters that are short for these if a number follows at once, as in Python's `3.14.0b2`.
const SHORT: [(&str, &str); 4] = [("a", "alpha"), ("b", "beta"), ("m", "milestone"), ("c", "rc")];

/// Compares two versions. Any text is one.
pub(super) fn compare(a: &str, b: &str) -> Result<Ordering, Side> {
    let (mut a, mut b) = (Parts::of(a), Parts::of(b));
    loop {
        let (one, other) = (a.next_part(), b.next_part());
        if one.is_none() && other.is_none() {
            return Ok(Ordering::Equal);
        }
        let end = Part::Number("0");
        let order = one.unwrap_or(end).compare(other.unwrap_or(end));
        if order.is_ne() {
            return Ok(order);
        }
    }
}

/// What has no number in it has no place in a range.
pub(super) fn is_rankable(version: &str) -> bool {
    version.bytes().any(|byte| byte.is_ascii_digit())
}

#[derive(Clone, Copy)]
enum Part<'a> {
    /// A word that announces a release, by its place in the list.
    Announcing(usize),
    Number(&'a str),
    Word(&'a str),
}

impl Part<'_> {
    fn compare(self, other: Self) -> Ordering {
        match (self, other) {
            (Part::Announcing(a), Part::Announcing(b)) => a.cmp(&b),
            (Part::Number(a), Part::Number(b)) => digits::compare(a, b),
            (Part::Word(a), Part::Word(b)) => a.to_lowercase().cmp(&b.to_lowercase()),
            (a, b) => a.rank().cmp(&b.rank()),
        }
    }

    fn is_zero(self) -> bool {
        matches!(self, Part::Number(number) if number.bytes().all(|byte| byte == b'0'))
    }

    /// The order of different kinds; zero is where a version may end.
    fn rank(self) -> u8 {
        match self {
            Part::Announcing(_) => 0,
            Part::Number(_) if self.is_zero() => 1,
            Part::Word(_) => 2,
            Part::Number(_) => 3,
        }
    }
}

struct Parts<'a> {
    rest: &'a str,
    /// So many zeros come next of which it is known that no such word follows them.
    plain_zeros: usize,
}

impl<'a> Parts<'a> {
    fn of(text: &'a str) -> Self {
        let text = text.trim();
        // `v1.0` is 1.0.
        let bare =
            text.strip_prefix(['v', 'V']).filter(|it| it.starts_with(|c: char| c.is_ascii_digit()));
        Parts { rest: bare.unwrap_or(text), plain_zeros: 0 }
    }

    /// Takes the next part, but zeros before a word that announces a release.
    fn next_part(&mut self) -> Option<Part<'a>> {
        let part = self.take();
        if !part.is_some_and(Part::is_zero) {
            return part;
        }
        if let Some(others) = self.plain_zeros.checked_sub(1) {
            self.plain_zeros = others;
            return part;
        }
        let mut ahead = Parts { rest: self.rest, plain_zeros: 0 };
        let mut zeros = 0;
        loop {
            match ahead.take() {
                Some(next) if next.is_zero() => zeros += 1,
                Some(word @ Part::Announcing(_)) => {
                    self.rest = ahead.rest;
                    return Some(word);
                }
                _ => {
                    self.plain_zeros = zeros;
                    return part;
                }
            }
        }
    }

    fn take(&mut self) -> Option<Part<'a>> {
        let text = self.rest.trim_start_matches(|c: char| !c.is_alphanumeric());
        let (number, rest) = digits::split(text);
        if !number.is_empty() {
            self.rest = rest;
            return Some(Part::Number(number));
        }
        let is_of_word = |c: char| c.is_alphanumeric() && !c.is_ascii_digit();
        let end = text.find(|c: char| !is_of_word(c)).unwrap_or(text.len());
        let (word, rest) = text.split_at(end);
        self.rest = rest;
        let has_number = rest.starts_with(|c: char| c.is_ascii_digit());
        (!word.is_empty()).then(|| part_of_word(word, has_number))
    }
}

fn part_of_word(word: &str, has_number: bool) -> Part<'_> {
    let lower = word.to_lowercase();
    let short = SHORT.iter().find(|(short, _)| has_number && *short == lower);
    let name = short.map_or(lower.as_str(), |(_, name)| *name);
    match ANNOUNCING.iter().position(|words| words.contains(&name)) {
        Some(place) => Part::Announcing(place),
        None => Part::Word(word),
    }
}
