//! Numbers of the Common Weakness Enumeration (<https://cwe.mitre.org/>).

/// More weaknesses than this are not one vulnerability's.
const MOST: usize = 64;

/// Reads texts that begin as `CWE-79 …` does; others, such as `NVD-CWE-noinfo`, are none.
pub(super) fn numbers<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<u32> {
    let mut numbers: Vec<u32> = texts.filter_map(number).take(MOST).collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}

fn number(text: &str) -> Option<u32> {
    let rest = text.trim_start().strip_prefix("CWE-")?;
    let end = rest.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len());
    rest.get(..end)?.parse().ok()
}
