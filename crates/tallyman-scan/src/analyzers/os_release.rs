//! The distribution: os-release(5), and the older files of Alpine and Debian.

use tallyman_model::distribution::Distribution;
use tallyman_model::inventory::Evidence;
use tallyman_model::limits::Limits;

use crate::analyzers::{Analyzer, Candidate, Fault, FileClass, Reading};

pub(crate) const ANALYZER: Analyzer = Analyzer {
    id: "os-release",
    version: 1,
    class: FileClass::Named,
    wants,
    reading: Reading::Whole(analyze),
};

/// The files in the order in which they are believed: os-release(5), "Description", then what
/// images from before 2012 have.
const PATHS: [&str; 4] =
    ["etc/os-release", "usr/lib/os-release", "etc/alpine-release", "etc/debian_version"];

/// Returns the rank of a file that describes the distribution; the lowest one is believed.
pub(crate) fn preference(path: &str) -> usize {
    PATHS.iter().position(|known| *known == path).unwrap_or(PATHS.len())
}

fn wants(candidate: &Candidate<'_>) -> bool {
    matches!(candidate.base, "os-release" | "alpine-release" | "debian_version")
        && PATHS.contains(&candidate.path)
}

fn analyze(path: &str, content: &[u8], _limits: &Limits) -> Result<Vec<Evidence>, Fault> {
    let text = String::from_utf8_lossy(content);
    let distribution = match path {
        "etc/alpine-release" => parse_version_file("alpine", &text),
        "etc/debian_version" => parse_version_file("debian", &text),
        _ => parse_os_release(&text),
    };
    match distribution {
        Some(distribution) => Ok(vec![Evidence::Distribution(distribution)]),
        None => Err(Fault::new("it names no distribution")),
    }
}

fn parse_os_release(text: &str) -> Option<Distribution> {
    let mut distribution = Distribution::default();
    let mut any = false;
    for line in text.lines().map(str::trim_start).filter(|line| !line.starts_with('#')) {
        let Some((name, value)) = line.split_once('=') else {
            continue;
        };
        let value = unquote(value.trim());
        any = true;
        match name {
            "ID" => distribution.id = value.to_lowercase(),
            "VERSION_ID" => distribution.version_id = some(value),
            "VERSION_CODENAME" => distribution.codename = some(value),
            "PRETTY_NAME" => distribution.pretty_name = some(value),
            "ID_LIKE" => {
                distribution.id_like = value.split_whitespace().map(str::to_lowercase).collect();
            }
            _ => {}
        }
    }
    if distribution.id.is_empty() {
        // The default of os-release(5).
        "linux".clone_into(&mut distribution.id);
    }
    any.then_some(distribution)
}

/// `3.20.3`, `12.5`; `trixie/sid` is Debian's way of saying that there is no number yet.
fn parse_version_file(id: &str, text: &str) -> Option<Distribution> {
    let word = text.split_whitespace().next()?;
    let mut distribution = Distribution { id: id.to_owned(), ..Distribution::default() };
    if word.starts_with(|c: char| c.is_ascii_digit()) {
        distribution.version_id = some(word.to_owned());
    } else {
        distribution.codename = word.split('/').next().map(str::to_owned);
    }
    Some(distribution)
}

fn some(value: String) -> Option<String> {
    Some(value).filter(|value| !value.is_empty())
}

/// Removes one pair of quotes; in double quotes a backslash protects `$`, `"`, `` ` `` and itself.
fn unquote(value: &str) -> String {
    if let Some(inner) = value.strip_prefix('\'') {
        return inner.strip_suffix('\'').unwrap_or(inner).to_owned();
    }
    let Some(inner) = value.strip_prefix('"') else {
        return value.to_owned();
    };
    let mut out = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => break,
            '\\' => match chars.next() {
                Some(escaped @ ('$' | '"' | '`' | '\\')) => out.push(escaped),
                Some(other) => out.extend(['\\', other]),
                None => out.push('\\'),
            },
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests;
