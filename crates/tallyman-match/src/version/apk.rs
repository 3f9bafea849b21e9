//! apk's order, as apk-tools 3 and its documentation (`apk-package(5)`, "Package version") have
//! it: `number{.number}…{letter}{_suffix{number}}…{~hash}{-r#}`.
//!
//! Nothing is refused: apk gives every text a place, and what breaks the grammar sorts before
//! every way in which the grammar could have gone on at that point.

use std::cmp::Ordering;

use super::{Side, digits};

/// Compares two apk versions.
pub(super) fn compare(a: &str, b: &str) -> Result<Ordering, Side> {
    if a.is_empty() {
        return Err(Side::Left);
    }
    if b.is_empty() {
        return Err(Side::Right);
    }
    let mut a = Tokens::new(a);
    let mut b = Tokens::new(b);
    loop {
        let (left, right) = (a.next_token(), b.next_token());
        let order = compare_tokens(&left, &right);
        if order != Ordering::Equal || left.is_last() || right.is_last() {
            return Ok(order);
        }
    }
}

/// A version takes part in ranges when it starts with a number: a mere word would be before
/// everything, and so be hit by every range.
pub(super) fn is_rankable(version: &str) -> bool {
    version.starts_with(|c: char| c.is_ascii_digit())
}

/// A piece of a version. The order of the variants is that of the grammar; the text of an invalid
/// one is all that is left.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Token<'a> {
    FirstNumber(&'a str),
    Number(&'a str),
    Letter(u8),
    Suffix(Suffix),
    SuffixNumber(&'a str),
    Hash(&'a str),
    Revision(&'a str),
    End,
    Invalid(&'a str),
}

impl Token<'_> {
    fn rank(&self) -> u8 {
        match self {
            Token::FirstNumber(_) => 0,
            Token::Number(_) => 1,
            Token::Letter(_) => 2,
            Token::Suffix(_) => 3,
            Token::SuffixNumber(_) => 4,
            Token::Hash(_) => 5,
            Token::Revision(_) => 6,
            Token::End => 7,
            Token::Invalid(_) => 8,
        }
    }

    fn is_last(&self) -> bool {
        matches!(self, Token::End | Token::Invalid(_))
    }

    fn is_before_release(&self) -> bool {
        matches!(self, Token::Suffix(suffix) if *suffix < Suffix::Cvs)
    }
}

/// The known suffixes in their order; those before `cvs` come before the release itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Suffix {
    Alpha,
    Beta,
    Pre,
    Rc,
    Cvs,
    Svn,
    Git,
    Hg,
    P,
}

/// `pre` must be tried before `p`.
const SUFFIXES: [(&str, Suffix); 9] = [
    ("alpha", Suffix::Alpha),
    ("beta", Suffix::Beta),
    ("pre", Suffix::Pre),
    ("rc", Suffix::Rc),
    ("cvs", Suffix::Cvs),
    ("svn", Suffix::Svn),
    ("git", Suffix::Git),
    ("hg", Suffix::Hg),
    ("p", Suffix::P),
];

fn compare_tokens(a: &Token<'_>, b: &Token<'_>) -> Ordering {
    match (a, b) {
        (Token::Number(a), Token::Number(b)) if a.starts_with('0') || b.starts_with('0') => {
            // A leading zero makes both into digits behind a decimal point.
            a.cmp(b)
        }
        (Token::FirstNumber(a), Token::FirstNumber(b))
        | (Token::Number(a), Token::Number(b))
        | (Token::SuffixNumber(a), Token::SuffixNumber(b))
        | (Token::Revision(a), Token::Revision(b)) => digits::compare(a, b),
        (Token::Letter(a), Token::Letter(b)) => a.cmp(b),
        (Token::Suffix(a), Token::Suffix(b)) => a.cmp(b),
        (Token::Hash(a), Token::Hash(b)) => a.cmp(b),
        // What is wrong with a revision is not looked into.
        (Token::Invalid(a), Token::Invalid(b)) if a.starts_with('-') || b.starts_with('-') => {
            Ordering::Equal
        }
        (Token::Invalid(a), Token::Invalid(b)) => a.cmp(b),
        _ if a.is_before_release() && !b.is_before_release() => Ordering::Less,
        _ if b.is_before_release() && !a.is_before_release() => Ordering::Greater,
        // Of two that were equal so far the one that goes on is greater.
        _ => b.rank().cmp(&a.rank()),
    }
}

struct Tokens<'a> {
    rest: &'a str,
    /// The rank of the last token: the grammar only ever goes forward.
    at: Option<u8>,
}

impl<'a> Tokens<'a> {
    fn new(version: &'a str) -> Self {
        Tokens { rest: version, at: None }
    }

    fn next_token(&mut self) -> Token<'a> {
        let token = self.parse().unwrap_or(Token::Invalid(self.rest));
        self.at = Some(token.rank());
        token
    }

    fn parse(&mut self) -> Option<Token<'a>> {
        let Some(at) = self.at else {
            return self.take_number(self.rest).map(Token::FirstNumber);
        };
        let Some(first) = self.rest.bytes().next() else {
            return Some(Token::End);
        };
        let tail = self.rest.get(1..).unwrap_or("");
        match first {
            b'.' if at <= 1 => self.take_number(tail).map(Token::Number),
            b'a'..=b'z' if at <= 1 => {
                self.rest = tail;
                Some(Token::Letter(first))
            }
            // apk-tools 3 refuses `1.9.5p2`; version 2 and sudo's packages do not.
            b'0'..=b'9' if at == 2 => self.take_number(self.rest).map(Token::Number),
            b'0'..=b'9' if at == 3 => self.take_number(self.rest).map(Token::SuffixNumber),
            b'_' if at <= 4 => self.take_suffix(tail),
            b'~' if at <= 4 => self.take_hash(tail),
            b'-' if at <= 5 => self.take_revision(tail),
            _ => None,
        }
    }

    fn take_number(&mut self, text: &'a str) -> Option<&'a str> {
        let (number, rest) = digits::split(text);
        if number.is_empty() {
            return None;
        }
        self.rest = rest;
        Some(number)
    }

    fn take_suffix(&mut self, text: &'a str) -> Option<Token<'a>> {
        let end = text.bytes().position(|b| !b.is_ascii_lowercase()).unwrap_or(text.len());
        let (name, rest) = text.split_at(end);
        let (_, suffix) = SUFFIXES.into_iter().find(|(known, _)| *known == name)?;
        self.rest = rest;
        Some(Token::Suffix(suffix))
    }

    fn take_hash(&mut self, text: &'a str) -> Option<Token<'a>> {
        let is_hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        let end = text.bytes().position(|b| !is_hex(b)).unwrap_or(text.len());
        let (hash, rest) = text.split_at(end);
        self.rest = rest;
        (!hash.is_empty()).then_some(Token::Hash(hash))
    }

    fn take_revision(&mut self, text: &'a str) -> Option<Token<'a>> {
        let (number, rest) = digits::split(text.strip_prefix('r')?);
        // `-r` alone is revision 0, `-ruff` is none.
        if number.is_empty() && rest.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return None;
        }
        self.rest = rest;
        Some(Token::Revision(number))
    }
}
