//! `tallyman db compare`: checks lines such as `1.0~rc1 < 1.0` against an order of versions.

use std::cmp::Ordering;
use std::io::BufRead;

use anyhow::Context;
use tallyman_match::version::{Scheme, compare_by};

use crate::exit::Exit;
use crate::output;

/// Reads lines and prints those that do not hold.
pub(super) fn run(scheme: Scheme, input: impl BufRead) -> anyhow::Result<Exit> {
    let (mut checked, mut wrong) = (0_u64, 0_u64);
    for (number, line) in (1_u64..).zip(input.lines()) {
        let line = line.context("reading standard input")?;
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') || line.starts_with("//") {
            continue;
        }
        checked += 1;
        if let Err(reason) = check(scheme, line) {
            wrong += 1;
            output::line(&format!("{line}  (line {number}: {reason})"))?;
        }
    }
    output::note(&format!("{checked} lines by the order of {scheme}, {wrong} do not hold"));
    Ok(if wrong == 0 { Exit::Clean } else { Exit::Found })
}

/// Says why a line does not hold.
fn check(scheme: Scheme, line: &str) -> Result<(), String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [a, sign, b] = words.as_slice() else {
        return Err("expected two versions with <, = or > between them".to_owned());
    };
    let expected = match *sign {
        "<" => Ordering::Less,
        "=" | "==" => Ordering::Equal,
        ">" => Ordering::Greater,
        _ => return Err("expected two versions with <, = or > between them".to_owned()),
    };
    let found = compare_by(scheme, a, b).map_err(|error| error.to_string())?;
    if found == expected {
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

    use super::check;

    #[test]
    fn lines_hold_or_say_why_not() {
        assert_eq!(check(Scheme::Deb, "1.0~rc1 < 1.0"), Ok(()));
        assert_eq!(check(Scheme::Deb, "1.0~rc1 > 1.0"), Err("found 1.0~rc1 < 1.0".to_owned()));
        assert_eq!(check(Scheme::Maven, "1.0.0 = 1"), Ok(()));
        assert!(check(Scheme::Deb, "1.0 <").expect_err("an error").contains("two versions"));
        assert!(check(Scheme::NuGet, "x < 1").expect_err("an error").contains("`x`"));
    }
}
