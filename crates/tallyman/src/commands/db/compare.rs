//! `tallyman db compare`: checks lines such as `1.0~rc1 < 1.0` against an order of versions.

use std::cmp::Ordering;
use std::io::BufRead;

use anyhow::Context;
use tallyman_match::version::{Scheme, compare_by};

use crate::exit::Exit;
use crate::output;

/// Reads lines and prints those that do not hold.
pub(super) fn run(scheme: Scheme, mut input: impl BufRead) -> anyhow::Result<Exit> {
    let (mut checked, mut wrong, mut number) = (0_u64, 0_u64, 0_u64);
    let mut bytes = Vec::new();
    while input.read_until(b'\n', &mut bytes).context("reading standard input")? > 0 {
        number += 1;
        let line = String::from_utf8_lossy(&bytes);
        if let Some(line) = statement(&line) {
            checked += 1;
            if let Err(reason) = check(scheme, line) {
                wrong += 1;
                output::line(&format!("{line}  (line {number}: {reason})"))?;
            }
        }
        bytes.clear();
    }
    output::note(&format!("{checked} lines by the order of {scheme}, {wrong} do not hold"));
    Ok(if wrong == 0 { Exit::Clean } else { Exit::Found })
}

/// Returns what a line states, or nothing if it is empty or a comment.
fn statement(line: &str) -> Option<&str> {
    let line = line.trim_start_matches('\u{feff}').trim();
    (!line.is_empty() && !is_comment(line)).then_some(line)
}

fn is_comment(text: &str) -> bool {
    text.starts_with('#') || text.starts_with("//")
}

/// Says why a line does not hold.
fn check(scheme: Scheme, line: &str) -> Result<(), String> {
    let form = || "expected two versions with <, = or > between them".to_owned();
    let words: Vec<&str> = line.split_whitespace().collect();
    let ([a, sign, b], rest) = words.split_first_chunk().ok_or_else(form)?;
    let holds: fn(Ordering) -> bool = match *sign {
        "<" | "lt" => Ordering::is_lt,
        "=" | "==" | "eq" => Ordering::is_eq,
        ">" | "gt" => Ordering::is_gt,
        "<=" | "le" => Ordering::is_le,
        ">=" | "ge" => Ordering::is_ge,
        "!=" | "ne" => Ordering::is_ne,
        _ => return Err(form()),
    };
    if rest.first().is_some_and(|word| !is_comment(word)) {
        return Err(form());
    }
    let found = compare_by(scheme, a, b).map_err(|error| error.to_string())?;
    if holds(found) {
        return Ok(());
    }
    let sign = match found {
        Ordering::Less => '<',
        Ordering::Equal => '=',
        Ordering::Greater => '>',
    };
    Err(format!("found {a} {sign} {b}"))
}

#[cfg(test)]
mod tests {
    use tallyman_match::version::Scheme;

    use super::{check, statement};

    #[test]
    fn lines_hold_or_say_why_not() {
        assert_eq!(check(Scheme::Deb, "1.0~rc1 < 1.0"), Ok(()));
        assert_eq!(check(Scheme::Deb, "1.0~rc1 > 1.0"), Err("found 1.0~rc1 < 1.0".to_owned()));
        assert_eq!(check(Scheme::Maven, "1.0.0 = 1"), Ok(()));
        assert!(check(Scheme::Deb, "1.0 <").expect_err("an error").contains("two versions"));
        assert!(check(Scheme::NuGet, "x < 1").expect_err("an error").contains("`x`"));
        assert!(check(Scheme::NuGet, "1 < x").expect_err("an error").contains("`x`"));
    }

    #[test]
    fn any_sign_may_stand_between_the_versions_and_a_comment_behind_them() {
        for line in ["1 < 2", "1 lt 2", "1 <= 2", "2 >= 2", "2 ge 1", "1 != 2", "01 == 1", "2 gt 1"]
        {
            assert_eq!(check(Scheme::Deb, line), Ok(()), "{line}");
        }
        assert_eq!(check(Scheme::Deb, "1\t<\t2 # as ever"), Ok(()));
        assert_eq!(check(Scheme::Deb, "1 < 2 // as ever"), Ok(()));
        assert_eq!(check(Scheme::Deb, "2 <= 1"), Err("found 2 > 1".to_owned()));
        assert!(check(Scheme::Deb, "1 < 2 3").is_err());
        assert!(check(Scheme::Deb, "1 ~ 2").is_err());
    }

    #[test]
    fn comments_and_empty_lines_state_nothing() {
        for line in ["", " \t\r\n", "# 1 < 2", "  // 1 < 2\r\n", "\u{feff}\r\n"] {
            assert_eq!(statement(line), None, "{line:?}");
        }
        assert_eq!(statement("\u{feff} 1 < 2\r\n"), Some("1 < 2"));
    }
}
