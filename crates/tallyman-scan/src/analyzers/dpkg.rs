//! dpkg's database: `var/lib/dpkg/status`, and distroless images' `status.d`.
//!
//! deb822(5) for the paragraphs, deb-src-control(5) and Debian Policy 5.6.1 for `Source`, dpkg(1)
//! "Package states" for `Status`.

use std::str;

use tallyman_model::inventory::Evidence;
use tallyman_model::limits::Limits;
use tallyman_model::package::{Ecosystem, Package, SourcePackage};

use crate::analyzers::{Analyzer, Candidate, Fault, FileClass, Reading, is_token};

pub(crate) const ANALYZER: Analyzer = Analyzer {
    id: "dpkg",
    version: 1,
    class: FileClass::Database,
    wants,
    reading: Reading::Whole(analyze),
};

fn wants(candidate: &Candidate<'_>) -> bool {
    let Some(rest) = candidate.path.strip_prefix("var/lib/dpkg/status") else {
        return false;
    };
    match rest.strip_prefix(".d/") {
        Some(name) => !name.contains('/') && !name.ends_with(".md5sums"),
        None => rest.is_empty(),
    }
}

fn analyze(_path: &str, content: &[u8], limits: &Limits) -> Result<Vec<Evidence>, Fault> {
    let packages = parse(content, Dialect::Dpkg, limits.layer_packages)?;
    Ok(if packages.is_empty() { Vec::new() } else { vec![Evidence::Packages(packages)] })
}

/// Whose database it is: opkg took over the form, and added states.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    Dpkg,
    Opkg,
}

/// Returns the packages whose files are on the disk, ordered.
pub(super) fn parse(
    content: &[u8],
    dialect: Dialect,
    max_packages: usize,
) -> Result<Vec<Package>, Fault> {
    let mut packages = Vec::new();
    let mut paragraph = Paragraph::default();
    let mut known_field = None;
    for (index, line) in Lines(content).enumerate() {
        let number = index.saturating_add(1);
        match line.first() {
            None => {
                packages.extend(paragraph.finish(dialect, number)?);
                if packages.len() > max_packages {
                    return Err(Fault::too_many_packages(max_packages));
                }
                paragraph = Paragraph::default();
                known_field = None;
            }
            // The continuation of a field. None of those that matter has one.
            Some(b' ' | b'\t') => match known_field {
                None => return Err(malformed(number, "a continuation of nothing")),
                Some(true) if !line.trim_ascii().is_empty() => {
                    return Err(malformed(number, "a name or version of several lines"));
                }
                Some(_) => {}
            },
            Some(_) => {
                let colon = memchr::memchr(b':', line)
                    .ok_or_else(|| malformed(number, "a line without a colon"))?;
                let (name, value) = line.split_at(colon);
                let value = value.get(1..).unwrap_or_default().trim_ascii();
                known_field = Some(paragraph.set(name, value));
            }
        }
    }
    packages.extend(paragraph.finish(dialect, 0)?);
    packages.sort_unstable();
    packages.dedup();
    Ok(packages)
}

fn malformed(line: usize, what: &str) -> Fault {
    Fault::new(match line {
        0 => format!("the last paragraph is malformed: {what}"),
        line => format!("line {line} is malformed: {what}"),
    })
}

/// The lines without their line feed; unlike `split` it gives no empty line after the last one.
struct Lines<'a>(&'a [u8]);

impl<'a> Iterator for Lines<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.0.is_empty() {
            return None;
        }
        let end = memchr::memchr(b'\n', self.0).unwrap_or(self.0.len());
        let line = self.0.get(..end)?;
        self.0 = self.0.get(end.saturating_add(1)..).unwrap_or_default();
        Some(line.strip_suffix(b"\r").unwrap_or(line))
    }
}

/// The fields of one package that matter.
#[derive(Default)]
struct Paragraph<'a> {
    any: bool,
    package: Option<&'a [u8]>,
    status: Option<&'a [u8]>,
    version: Option<&'a [u8]>,
    architecture: Option<&'a [u8]>,
    source: Option<&'a [u8]>,
}

impl<'a> Paragraph<'a> {
    /// Sets a field; tells whether it is one that matters. Names are compared without case.
    fn set(&mut self, name: &[u8], value: &'a [u8]) -> bool {
        self.any = true;
        // Most fields do not matter, and the length tells.
        let field = match name.len() {
            7 if name.eq_ignore_ascii_case(b"package") => &mut self.package,
            7 if name.eq_ignore_ascii_case(b"version") => &mut self.version,
            6 if name.eq_ignore_ascii_case(b"status") => &mut self.status,
            6 if name.eq_ignore_ascii_case(b"source") => &mut self.source,
            12 if name.eq_ignore_ascii_case(b"architecture") => &mut self.architecture,
            _ => return false,
        };
        *field = Some(value).filter(|value| !value.is_empty());
        true
    }

    fn finish(&self, dialect: Dialect, line: usize) -> Result<Option<Package>, Fault> {
        if !self.any || !self.is_on_disk(dialect, line)? {
            return Ok(None);
        }
        let name = required(self.package, line, "a package without a name")?;
        let version = required(self.version, line, "a package without a version")?;
        let architecture = match self.architecture {
            None => None,
            some => Some(required(some, line, "an architecture that is none")?.to_owned()),
        };
        let ecosystem = match dialect {
            Dialect::Dpkg => Ecosystem::Deb,
            Dialect::Opkg => Ecosystem::Opkg,
        };
        let source = match self.source {
            // There it is the path of the recipe.
            Some(_) if dialect == Dialect::Opkg => None,
            None => None,
            Some(source) => Some(parse_source(source, version, line)?),
        };
        Ok(Some(Package { architecture, source, ..Package::new(ecosystem, name, version) }))
    }

    /// The third word is the state. In all but the first three the package's files are unpacked,
    /// even if its scripts have not run. `status.d` has no status: what is there is installed.
    fn is_on_disk(&self, dialect: Dialect, line: usize) -> Result<bool, Fault> {
        let Some(status) = self.status else {
            return Ok(true);
        };
        let mut words = status.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
        match (words.nth(2), words.next()) {
            (Some(b"not-installed" | b"config-files" | b"half-installed"), None) => Ok(false),
            (
                Some(
                    b"unpacked" | b"half-configured" | b"triggers-awaited" | b"triggers-pending"
                    | b"installed",
                ),
                None,
            ) => Ok(true),
            (Some(b"post-inst-failed" | b"removal-failed"), None) if dialect == Dialect::Opkg => {
                Ok(true)
            }
            _ => Err(malformed(line, "a status that is none")),
        }
    }
}

fn required<'a>(value: Option<&'a [u8]>, line: usize, what: &str) -> Result<&'a str, Fault> {
    let text = value.and_then(|value| str::from_utf8(value).ok());
    text.filter(|text| is_token(text)).ok_or_else(|| malformed(line, what))
}

/// `glibc (2.36-9)`, or only the name where the version is the binary package's.
fn parse_source(source: &[u8], version: &str, line: usize) -> Result<SourcePackage, Fault> {
    let fault = || malformed(line, "a source that is none");
    let text = str::from_utf8(source).map_err(|_| fault())?;
    let (name, version) = match text.split_once('(') {
        None => (text, version),
        Some((name, rest)) => (name.trim_end(), rest.strip_suffix(')').ok_or_else(fault)?.trim()),
    };
    if !is_token(name) || !is_token(version) {
        return Err(fault());
    }
    Ok(SourcePackage { name: name.to_owned(), version: version.to_owned() })
}

#[cfg(test)]
mod tests;
