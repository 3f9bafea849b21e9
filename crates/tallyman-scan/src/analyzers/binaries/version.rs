//! The version in the bytes around a text: where it begins and ends, and what may be a part of it.

use std::str;

/// What a version looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    /// How many numbers it has at least and at most.
    pub(super) numbers: (usize, usize),
    pub(super) tail: Tail,
}

/// What may follow the numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tail {
    /// Nothing that belongs to the version, and no letter or digit.
    Nothing,
    /// Whatever: texts of some programs stand side by side without a separator.
    Anything,
    /// One or two letters: `1.1.1w`.
    Letters,
    /// A patch level, which is not missing: `9.2p1`.
    Patch,
    /// A pre-release or patch level: `-rc1`, `beta2`, `p20`.
    Pre,
}

/// No real version is longer.
pub(super) const VERSION_BYTES_MAX: usize = 64;

/// What may mark a pre-release or patch level.
const MARKS: [&str; 8] = ["alpha", "beta", "rc", "RC", "preview", "pre", "dev", "p"];

/// Reads the version at the beginning of bytes, which may be followed by more if `goes_on`; what the
/// bytes may have cut is none.
pub(super) fn at_start(bytes: &[u8], shape: Shape, goes_on: bool) -> Option<&str> {
    if goes_on && bytes.len() < VERSION_BYTES_MAX {
        return None;
    }
    let end = end_of_version(bytes, shape).filter(|end| *end < VERSION_BYTES_MAX)?;
    str::from_utf8(bytes.get(..end)?).ok()
}

/// Reads the numbers at the end of bytes, before which there may be more if `goes_on`.
pub(super) fn at_end(bytes: &[u8], shape: Shape, goes_on: bool) -> Option<&str> {
    let is_part = |byte: &&u8| byte.is_ascii_digit() || **byte == b'.';
    let length = bytes.iter().rev().take(VERSION_BYTES_MAX).take_while(is_part).count();
    if length == bytes.len() && goes_on {
        return None;
    }
    let run = bytes.get(bytes.len().checked_sub(length)?..)?;
    let run = run.get(run.iter().take_while(|byte| **byte == b'.').count()..)?;
    at_start(run, shape, false).filter(|version| version.len() == run.len())
}

fn end_of_version(bytes: &[u8], shape: Shape) -> Option<usize> {
    let (least, most) = shape.numbers;
    let mut end = digits(bytes);
    let mut numbers = usize::from(end > 0);
    while numbers > 0 && numbers < most {
        let rest = bytes.get(end..)?;
        let length = rest.strip_prefix(b".").map_or(0, digits);
        if length == 0 {
            break;
        }
        end = end.saturating_add(1).saturating_add(length);
        numbers = numbers.saturating_add(1);
    }
    let rest = bytes.get(end..)?;
    let is_complete = numbers >= least;
    let tail = match shape.tail {
        Tail::Nothing => 0,
        Tail::Anything => return is_complete.then_some(end),
        Tail::Letters => letters(rest).filter(|length| *length <= 2).unwrap_or_default(),
        Tail::Patch => pre_release(rest)?,
        Tail::Pre => pre_release(rest).unwrap_or_default(),
    };
    let next = rest.get(tail).copied().unwrap_or_default();
    let is_separate = !next.is_ascii_alphanumeric() && next != b'_';
    (is_complete && is_separate).then_some(end.saturating_add(tail))
}

fn digits(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|byte| byte.is_ascii_digit()).count()
}

fn letters(bytes: &[u8]) -> Option<usize> {
    Some(bytes.iter().take_while(|byte| byte.is_ascii_lowercase()).count())
}

/// Returns the length of a pre-release or patch level with its number.
fn pre_release(bytes: &[u8]) -> Option<usize> {
    let separator =
        usize::from(bytes.first().is_some_and(|byte| matches!(byte, b'-' | b'.' | b'~')));
    let rest = bytes.get(separator..)?;
    let mark = MARKS.iter().find(|mark| rest.starts_with(mark.as_bytes()))?;
    let rest = rest.get(mark.len()..)?;
    let dot = usize::from(rest.strip_prefix(b".").is_some_and(|rest| digits(rest) > 0));
    let number = digits(rest.get(dot..)?);
    let is_word = number == 0 && rest.first().is_some_and(u8::is_ascii_alphanumeric);
    let length = separator.checked_add(mark.len())?.checked_add(dot)?.checked_add(number)?;
    (!is_word).then_some(length)
}

#[cfg(test)]
mod tests {
    use super::{Shape, Tail, at_end, at_start};

    const fn shape(tail: Tail) -> Shape {
        Shape { numbers: (2, 4), tail }
    }

    fn check(text: &str, tail: Tail, expected: Option<&str>) {
        assert_eq!(at_start(text.as_bytes(), shape(tail), false), expected, "{text} {tail:?}");
    }

    #[test]
    fn a_version_ends_where_its_shape_does() {
        check("18.20.4\0", Tail::Nothing, Some("18.20.4"));
        check("7.88.1-10+deb12u1\0", Tail::Nothing, Some("7.88.1"));
        check("2.4.57 (Debian)", Tail::Nothing, Some("2.4.57"));
        check("2.4.57.", Tail::Nothing, Some("2.4.57"));
        check("1.2.3.4.5", Tail::Nothing, Some("1.2.3.4"));
        check("1.1.1w\0", Tail::Letters, Some("1.1.1w"));
        check("3.0.22 25 Aug", Tail::Letters, Some("3.0.22"));
        check("9.2p1 Debian", Tail::Patch, Some("9.2p1"));
        check("2.6-dev1\0", Tail::Pre, Some("2.6-dev1"));
        check("17.0beta2 on", Tail::Pre, Some("17.0beta2"));
        check("1.2.3-rc.1\0", Tail::Pre, Some("1.2.3-rc.1"));
        check("3.1.7p261 (2025", Tail::Pre, Some("3.1.7p261"));
        check("1.41.0cli/", Tail::Anything, Some("1.41.0"));
    }

    #[test]
    fn what_has_another_shape_is_no_version() {
        check("7\0", Tail::Nothing, None);
        check("7.\0", Tail::Nothing, None);
        check("%s\0", Tail::Nothing, None);
        check("", Tail::Nothing, None);
        check("1.2x", Tail::Nothing, None);
        check("1.2_3", Tail::Nothing, None);
        check("1.1.1www\0", Tail::Letters, None);
        check("7.4*", Tail::Patch, None);
        check("1.2prefix", Tail::Pre, None);
    }

    #[test]
    fn a_version_that_may_be_cut_is_none() {
        let start =
            |text: &str| at_start(text.as_bytes(), shape(Tail::Pre), true).map(str::to_owned);
        assert_eq!(start("1.2"), None);
        assert_eq!(start(&format!("1.2-r{}", "\0".repeat(58))), None);
        assert_eq!(start(&format!("1.2-rc1{}", "\0".repeat(60))).as_deref(), Some("1.2-rc1"));
        assert_eq!(start(&format!("{}.2 ", "1".repeat(64))), None);
    }

    #[test]
    fn a_version_can_end_before_a_text() {
        let end = |text: &str, goes_on| {
            at_end(text.as_bytes(), shape(Tail::Nothing), goes_on).map(str::to_owned)
        };
        assert_eq!(end("x10.11.19", true).as_deref(), Some("10.11.19"));
        assert_eq!(end("10.11.19", false).as_deref(), Some("10.11.19"));
        assert_eq!(end("10.11.19", true), None);
        assert_eq!(end("..1.2", false).as_deref(), Some("1.2"));
        assert_eq!(end("1..2", false), None);
        assert_eq!(end("a7", false), None);
        assert_eq!(end("", false), None);
    }
}
