//! apk's database of installed packages (apk-tools' documentation, "apk package list format"): a
//! paragraph a package, a letter a field.

use std::str;

use tallyman_model::inventory::Evidence;
use tallyman_model::limits::Limits;
use tallyman_model::package::{Ecosystem, Package, SourcePackage};

use crate::analyzers::{Analyzer, Candidate, Fault, FileClass, Reading, is_token};

pub(crate) const ANALYZER: Analyzer = Analyzer {
    id: "apk",
    version: 1,
    class: FileClass::Database,
    wants,
    reading: Reading::Whole(analyze),
};

fn wants(candidate: &Candidate<'_>) -> bool {
    candidate.base == "installed"
        && matches!(candidate.path, "lib/apk/db/installed" | "usr/lib/apk/db/installed")
}

fn analyze(_path: &str, content: &[u8], limits: &Limits) -> Result<Vec<Evidence>, Fault> {
    let packages = parse(content, limits.layer_packages)?;
    Ok(if packages.is_empty() { Vec::new() } else { vec![Evidence::Packages(packages)] })
}

/// Returns the packages, ordered.
pub(crate) fn parse(content: &[u8], max_packages: usize) -> Result<Vec<Package>, Fault> {
    let mut packages = Vec::new();
    let mut paragraph = Paragraph::default();
    for (index, line) in content.split(|byte| *byte == b'\n').enumerate() {
        match line {
            [] => {
                packages.extend(paragraph.finish(index)?);
                if packages.len() > max_packages {
                    return Err(Fault::new(format!("more than {max_packages} packages")));
                }
                paragraph = Paragraph::default();
            }
            [field, b':', value @ ..] => paragraph.set(*field, value),
            _ => return Err(malformed(index.saturating_add(1), "a line without a field")),
        }
    }
    packages.extend(paragraph.finish(content.len())?);
    packages.sort_unstable();
    packages.dedup();
    Ok(packages)
}

fn malformed(line: usize, what: &str) -> Fault {
    Fault::new(format!("line {line} is malformed: {what}"))
}

#[derive(Default)]
struct Paragraph<'a> {
    any: bool,
    name: Option<&'a [u8]>,
    version: Option<&'a [u8]>,
    architecture: Option<&'a [u8]>,
    origin: Option<&'a [u8]>,
}

impl<'a> Paragraph<'a> {
    fn set(&mut self, field: u8, value: &'a [u8]) {
        self.any = true;
        match field {
            b'P' => self.name = Some(value),
            b'V' => self.version = Some(value),
            b'A' => self.architecture = Some(value),
            b'o' => self.origin = Some(value),
            _ => {}
        }
    }

    fn finish(&self, line: usize) -> Result<Option<Package>, Fault> {
        if !self.any {
            return Ok(None);
        }
        let token = |value: Option<&'a [u8]>, what| match value {
            None => Ok(None),
            Some(value) => match str::from_utf8(value) {
                Ok(text) if is_token(text) => Ok(Some(text.to_owned())),
                _ => Err(malformed(line, what)),
            },
        };
        let missing = |what| move || malformed(line, what);
        let name = token(self.name, "a name")?.ok_or_else(missing("a package without a name"))?;
        let version =
            token(self.version, "a version")?.ok_or_else(missing("a package without a version"))?;
        let architecture = token(self.architecture, "an architecture")?;
        // All packages of one origin are built together and share its version.
        let origin = token(self.origin, "an origin")?;
        let source = origin.map(|name| SourcePackage { name, version: version.clone() });
        Ok(Some(Package { architecture, source, ..Package::new(Ecosystem::Apk, name, version) }))
    }
}

#[cfg(test)]
mod tests;
