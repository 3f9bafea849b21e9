//! Python's order: PEP 440 with all its spellings, and before it the versions of older times in
//! the order that setuptools gave them.

mod legacy;

use std::cmp::Ordering;

use super::{Side, digits};

/// Compares two Python versions; one that PEP 440 does not know comes before all that it knows.
pub(super) fn compare(a: &str, b: &str) -> Result<Ordering, Side> {
    let (a, b) = (a.trim(), b.trim());
    if a.is_empty() {
        return Err(Side::Left);
    }
    if b.is_empty() {
        return Err(Side::Right);
    }
    Ok(match (Version::parse(a), Version::parse(b)) {
        (Some(a), Some(b)) => a.compare(&b),
        (Some(_), None) => Ordering::Greater,
        (None, Some(_)) => Ordering::Less,
        (None, None) => legacy::compare(a, b),
    })
}

/// An old version takes part in ranges when it starts as a version does (`2004d`); a mere word
/// would be before everything, and so be hit by every range.
pub(super) fn is_rankable(version: &str) -> bool {
    let version = version.trim();
    let without_v = version.strip_prefix(['v', 'V']).unwrap_or(version);
    without_v.starts_with(|c: char| c.is_ascii_digit())
}

/// A version by PEP 440, "Summary of permitted suffixes and relative ordering". Absent numbers of
/// a suffix are the empty text, which is zero.
#[derive(Debug)]
struct Version<'a> {
    epoch: &'a str,
    release: Vec<&'a str>,
    pre: Option<(PreKind, &'a str)>,
    post: Option<&'a str>,
    dev: Option<&'a str>,
    local: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum PreKind {
    Alpha,
    Beta,
    Candidate,
}

/// Longer spellings first, as PEP 440's own expression tries them.
const PRE_SPELLINGS: [(&str, PreKind); 8] = [
    ("alpha", PreKind::Alpha),
    ("a", PreKind::Alpha),
    ("beta", PreKind::Beta),
    ("b", PreKind::Beta),
    ("preview", PreKind::Candidate),
    ("pre", PreKind::Candidate),
    ("rc", PreKind::Candidate),
    ("c", PreKind::Candidate),
];

const POST_SPELLINGS: [(&str, ()); 3] = [("post", ()), ("rev", ()), ("r", ())];
const DEV_SPELLINGS: [(&str, ()); 1] = [("dev", ())];

impl<'a> Version<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let text = text.strip_prefix(['v', 'V']).unwrap_or(text);
        let (number, rest) = digits::split(text);
        let (epoch, text) = match rest.strip_prefix('!') {
            Some(rest) if !number.is_empty() => (number, rest),
            _ => ("", text),
        };
        let (release, text) = parse_release(text)?;
        let (pre, text) = parse_suffix(text, &PRE_SPELLINGS);
        let (post, text) = match parse_implicit_post(text) {
            Some((number, rest)) => (Some(((), number)), rest),
            None => parse_suffix(text, &POST_SPELLINGS),
        };
        let (dev, text) = parse_suffix(text, &DEV_SPELLINGS);
        let local = match text.strip_prefix('+') {
            Some(local) => Some(parse_local(local)?),
            None if text.is_empty() => None,
            None => return None,
        };
        let post = post.map(|((), number)| number);
        let dev = dev.map(|((), number)| number);
        Some(Version { epoch, release, pre, post, dev, local })
    }

    fn compare(&self, other: &Self) -> Ordering {
        digits::compare(self.epoch, other.epoch)
            .then_with(|| compare_releases(&self.release, &other.release))
            .then_with(|| compare_pre(&self.pre_key(), &other.pre_key()))
            .then_with(|| compare_post(self.post, other.post))
            .then_with(|| compare_dev(self.dev, other.dev))
            .then_with(|| compare_local(self.local.as_deref(), other.local.as_deref()))
    }

    /// A development release of a final release comes before its pre-releases.
    fn pre_key(&self) -> Pre<'a> {
        match self.pre {
            Some((kind, number)) => Pre::Some(kind, number),
            None if self.post.is_none() && self.dev.is_some() => Pre::Before,
            None => Pre::After,
        }
    }
}

enum Pre<'a> {
    Before,
    Some(PreKind, &'a str),
    After,
}

fn parse_release(text: &str) -> Option<(Vec<&str>, &str)> {
    let (number, mut rest) = digits::split(text);
    if number.is_empty() {
        return None;
    }
    let mut release = vec![number];
    while let Some(tail) = rest.strip_prefix('.') {
        let (number, tail) = digits::split(tail);
        if number.is_empty() {
            break;
        }
        release.push(number);
        rest = tail;
    }
    Some((release, rest))
}

/// `[-_.]? spelling [-_.]? digits*`
fn parse_suffix<'a, K: Copy>(
    text: &'a str,
    spellings: &[(&str, K)],
) -> (Option<(K, &'a str)>, &'a str) {
    let separators = ['-', '_', '.'];
    let after_separator = text.strip_prefix(separators).unwrap_or(text);
    for (spelling, kind) in spellings {
        let Some((word, rest)) = after_separator.split_at_checked(spelling.len()) else {
            continue;
        };
        if word.eq_ignore_ascii_case(spelling) {
            let rest = rest.strip_prefix(separators).unwrap_or(rest);
            let (number, rest) = digits::split(rest);
            return (Some((*kind, number)), rest);
        }
    }
    (None, text)
}

/// `1.0-1` is a post-release.
fn parse_implicit_post(text: &str) -> Option<(&str, &str)> {
    let (number, rest) = digits::split(text.strip_prefix('-')?);
    (!number.is_empty()).then_some((number, rest))
}

fn parse_local(text: &str) -> Option<String> {
    let is_segment = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_alphanumeric());
    let valid = text.split(['-', '_', '.']).all(is_segment);
    valid.then(|| text.to_ascii_lowercase())
}

/// Trailing zeros do not count.
fn compare_releases(a: &[&str], b: &[&str]) -> Ordering {
    let length = a.len().max(b.len());
    (0..length)
        .map(|i| digits::compare(a.get(i).unwrap_or(&""), b.get(i).unwrap_or(&"")))
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal)
}

fn compare_pre(a: &Pre<'_>, b: &Pre<'_>) -> Ordering {
    let rank = |pre: &Pre<'_>| match pre {
        Pre::Before => 0,
        Pre::Some(..) => 1,
        Pre::After => 2,
    };
    match (a, b) {
        (Pre::Some(kind_a, a), Pre::Some(kind_b, b)) => {
            kind_a.cmp(kind_b).then_with(|| digits::compare(a, b))
        }
        _ => rank(a).cmp(&rank(b)),
    }
}

fn compare_post(a: Option<&str>, b: Option<&str>) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) => digits::compare(a, b),
        _ => a.is_some().cmp(&b.is_some()),
    }
}

fn compare_dev(a: Option<&str>, b: Option<&str>) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) => digits::compare(a, b),
        _ => b.is_some().cmp(&a.is_some()),
    }
}

fn compare_local(a: Option<&str>, b: Option<&str>) -> Ordering {
    let (Some(a), Some(b)) = (a, b) else {
        return a.is_some().cmp(&b.is_some());
    };
    let is_number = |segment: &str| segment.bytes().all(|b| b.is_ascii_digit());
    let mut left = a.split(['-', '_', '.']);
    let mut right = b.split(['-', '_', '.']);
    loop {
        let order = match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (Some(a), Some(b)) => match (is_number(a), is_number(b)) {
                (true, true) => digits::compare(a, b),
                (false, false) => a.cmp(b),
                (a_is_number, b_is_number) => a_is_number.cmp(&b_is_number),
            },
        };
        if order.is_ne() {
            return order;
        }
    }
}
