//! The distribution: os-release(5), and the files that distributions had before it or still have
//! beside it, some of which are all that a cut-down image keeps.

mod older;

use tallyman_model::distribution::Distribution;
use tallyman_model::inventory::Evidence;
use tallyman_model::limits::Limits;

use crate::analyzers::{Analyzer, Candidate, Fault, FileClass, Reading};

pub(crate) const ANALYZER: Analyzer = Analyzer {
    id: "os-release",
    version: 2,
    class: FileClass::Named,
    wants,
    reading: Reading::Whole(analyze),
};

/// How a file describes the distribution.
#[derive(Clone, Copy)]
enum Form {
    /// os-release(5).
    OsRelease,
    /// The same as shell assignments of other names (lsb_release(1)).
    LsbRelease,
    /// A sentence: `CentOS Linux release 7.9.2009 (Core)`.
    Sentence,
    /// Only the version, of the distribution of this id.
    Version(&'static str),
    /// Nothing but its existence, of the distribution of this id.
    Existence(&'static str),
}

/// The files in the order in which they are believed: os-release(5), "Description"; then each
/// distribution's own, then those that derivatives copy or that several share.
const FILES: [(&str, Form); 28] = [
    ("etc/os-release", Form::OsRelease),
    ("usr/lib/os-release", Form::OsRelease),
    ("etc/alpine-release", Form::Version("alpine")),
    ("etc/openEuler-release", Form::Sentence),
    ("etc/anolis-release", Form::Sentence),
    ("etc/alinux-release", Form::Sentence),
    ("etc/oracle-release", Form::Sentence),
    ("etc/almalinux-release", Form::Sentence),
    ("etc/rocky-release", Form::Sentence),
    ("etc/centos-release", Form::Sentence),
    ("usr/lib/centos-release", Form::Sentence),
    ("etc/fedora-release", Form::Sentence),
    ("usr/lib/fedora-release", Form::Sentence),
    ("etc/mageia-release", Form::Sentence),
    ("etc/azurelinux-release", Form::Sentence),
    ("etc/mariner-release", Form::Sentence),
    ("etc/photon-release", Form::Sentence),
    ("etc/SuSE-release", Form::Sentence),
    ("etc/gentoo-release", Form::Sentence),
    ("etc/redhat-release", Form::Sentence),
    ("etc/system-release", Form::Sentence),
    ("usr/lib/redhat-release", Form::Sentence),
    ("usr/lib/system-release", Form::Sentence),
    ("etc/openwrt_release", Form::LsbRelease),
    ("etc/lsb-release", Form::LsbRelease),
    ("usr/lib/lsb-release", Form::LsbRelease),
    ("etc/arch-release", Form::Existence("arch")),
    ("etc/debian_version", Form::Version("debian")),
];

/// Returns the rank of a file that describes the distribution; the lowest one is believed.
pub(crate) fn preference(path: &str) -> usize {
    FILES.iter().position(|(known, _)| *known == path).unwrap_or(FILES.len())
}

fn wants(candidate: &Candidate<'_>) -> bool {
    (candidate.path.starts_with("etc/") || candidate.path.starts_with("usr/lib/"))
        && (candidate.base.ends_with("release") || candidate.base == "debian_version")
        && FILES.iter().any(|(known, _)| *known == candidate.path)
}

fn analyze(path: &str, content: &[u8], _limits: &Limits) -> Result<Vec<Evidence>, Fault> {
    let text = String::from_utf8_lossy(content);
    let form = FILES.iter().find(|(known, _)| *known == path).map(|(_, form)| *form);
    let distribution = match form {
        Some(Form::OsRelease) | None => parse_os_release(&text),
        Some(Form::LsbRelease) => parse_lsb_release(&text),
        Some(Form::Sentence) => older::parse_sentence(&text),
        Some(Form::Version(id)) => parse_version_file(id, &text),
        Some(Form::Existence(id)) => {
            Some(Distribution { id: id.to_owned(), ..Distribution::default() })
        }
    };
    match distribution {
        Some(distribution) => Ok(vec![Evidence::Distribution(distribution)]),
        None => Err(Fault::new("it names no distribution")),
    }
}

fn parse_os_release(text: &str) -> Option<Distribution> {
    let mut distribution = Distribution::default();
    let mut any = false;
    let mut base_codename = None;
    for (name, value) in assignments(text) {
        any = true;
        match name {
            "UBUNTU_CODENAME" | "DEBIAN_CODENAME" => base_codename = some(value),
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
    distribution.codename = base_codename.or(distribution.codename);
    if distribution.id.is_empty() {
        // The default of os-release(5).
        "linux".clone_into(&mut distribution.id);
    }
    any.then_some(distribution)
}

fn parse_lsb_release(text: &str) -> Option<Distribution> {
    let mut distribution = Distribution::default();
    for (name, value) in assignments(text) {
        match name {
            "DISTRIB_ID" => distribution.id = value.to_lowercase(),
            "DISTRIB_RELEASE" => distribution.version_id = some(value),
            "DISTRIB_CODENAME" => distribution.codename = some(value),
            "DISTRIB_DESCRIPTION" => distribution.pretty_name = some(value),
            _ => {}
        }
    }
    (!distribution.id.is_empty()).then_some(distribution)
}

/// Returns the names and values of shell assignments.
fn assignments(text: &str) -> impl Iterator<Item = (&str, String)> {
    let lines = text.lines().map(str::trim_start).filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| {
        let (name, value) = line.split_once('=')?;
        Some((name, unquote(value.trim())))
    })
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
