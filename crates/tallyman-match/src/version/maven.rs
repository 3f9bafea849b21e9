//! Maven's order (POM reference, "Version Order Specification").

use std::cmp::Ordering;

use super::{Side, digits};

/// Compares two Maven versions.
pub(super) fn compare(a: &str, b: &str) -> Result<Ordering, Side> {
    let (a, b) = (tokens(a), tokens(b));
    for i in 0..a.len().max(b.len()) {
        let order = match (a.get(i), b.get(i)) {
            (Some(a), Some(b)) => a.compare(b),
            (Some(a), None) => a.compare(&a.padding()),
            (None, Some(b)) => b.padding().compare(b),
            (None, None) => Ordering::Equal,
        };
        if order.is_ne() {
            return Ok(order);
        }
    }
    Ok(Ordering::Equal)
}

/// Maven orders any text; what does not begin with a number is most likely no version.
pub(super) fn is_rankable(version: &str) -> bool {
    version.trim().bytes().next().is_some_and(|b| b.is_ascii_digit())
}

/// The qualifiers that come before all others, from the lowest up; the empty one is a release.
const QUALIFIERS: [&str; 7] = ["alpha", "beta", "milestone", "rc", "snapshot", "", "sp"];

/// A number or a qualifier, with the separator before it.
#[derive(Debug)]
struct Token {
    is_after_hyphen: bool,
    value: String,
}

impl Token {
    fn is_number(&self) -> bool {
        self.value.bytes().next().is_some_and(|b| b.is_ascii_digit())
    }

    /// Tells whether the token says no more than its absence would.
    fn is_null(&self) -> bool {
        self.value.bytes().all(|b| b == b'0')
    }

    /// Returns what stands for this token in a version that has ended.
    fn padding(&self) -> Token {
        let value = if self.is_number() && !self.is_after_hyphen { "0" } else { "" };
        Token { is_after_hyphen: self.is_after_hyphen, value: value.to_owned() }
    }

    fn compare(&self, other: &Token) -> Ordering {
        self.rank().cmp(&other.rank()).then_with(|| match self.is_number() {
            true => digits::compare(&self.value, &other.value),
            false => self.compare_qualifiers(other),
        })
    }

    /// `.qualifier`, `-qualifier`, `-number`, `.number`, from the lowest up. The specification
    /// calls the first two equal; Maven itself does not.
    fn rank(&self) -> u8 {
        match (self.is_number(), self.is_after_hyphen) {
            (false, false) => 0,
            (false, true) => 1,
            (true, true) => 2,
            (true, false) => 3,
        }
    }

    fn compare_qualifiers(&self, other: &Token) -> Ordering {
        let place = |value: &str| {
            QUALIFIERS.iter().position(|known| *known == value).unwrap_or(QUALIFIERS.len())
        };
        let order = place(&self.value).cmp(&place(&other.value));
        order.then_with(|| self.value.cmp(&other.value))
    }
}

/// Splits at dots, hyphens and between digits and other characters, and trims what says nothing.
fn tokens(text: &str) -> Vec<Token> {
    let mut tokens: Vec<Token> = Vec::new();
    let mut value = String::new();
    let mut is_after_hyphen = false;
    let text = text.trim().to_lowercase();
    let mut last: Option<bool> = None;
    for c in text.chars() {
        if matches!(c, '.' | '-') {
            push(&mut tokens, &mut value, is_after_hyphen, false);
            (is_after_hyphen, last) = (c != '.', None);
            continue;
        }
        let is_digit = c.is_ascii_digit();
        if last.is_some_and(|last| last != is_digit) {
            push(&mut tokens, &mut value, is_after_hyphen, is_digit);
            is_after_hyphen = true;
        }
        value.push(c);
        last = Some(is_digit);
    }
    push(&mut tokens, &mut value, is_after_hyphen, false);
    trim(tokens)
}

fn push(tokens: &mut Vec<Token>, value: &mut String, is_after_hyphen: bool, before_number: bool) {
    let value = match (std::mem::take(value).as_str(), before_number) {
        ("", _) => "0".to_owned(),
        ("a", true) => "alpha".to_owned(),
        ("b", true) => "beta".to_owned(),
        ("m", true) => "milestone".to_owned(),
        ("cr", _) => "rc".to_owned(),
        ("ga" | "final" | "release", _) => String::new(),
        (other, _) => other.to_owned(),
    };
    tokens.push(Token { is_after_hyphen, value });
}

/// Drops null tokens at the end, and before each hyphen; the first token stays.
fn trim(tokens: Vec<Token>) -> Vec<Token> {
    let mut kept = Vec::with_capacity(tokens.len());
    let mut is_end = true;
    for (i, token) in tokens.into_iter().enumerate().rev() {
        let is_dropped = is_end && i > 0 && token.is_null();
        is_end = is_dropped || token.is_after_hyphen;
        if !is_dropped {
            kept.push(token);
        }
    }
    kept.reverse();
    kept
}
