//! apk's database of installed packages (apk-tools' documentation, "apk package list format"): a
//! paragraph a package, a letter a field.
//!
//! apk 3 has a binary format for packages and indexes, and keeps this one for what is installed.

use std::str;

use tallyman_model::inventory::Evidence;
use tallyman_model::limits::Limits;
use tallyman_model::package::{Ecosystem, Package, SourcePackage};

use crate::analyzers::{
    Analyzer, Candidate, Fault, FileClass, Owned, PathBudget, Reading, is_token,
};

pub(crate) const ANALYZER: Analyzer = Analyzer {
    id: "apk",
    version: 2,
    class: FileClass::Database,
    wants,
    reading: Reading::Whole(analyze),
};

fn wants(candidate: &Candidate<'_>) -> bool {
    candidate.base == "installed"
        && matches!(candidate.path, "lib/apk/db/installed" | "usr/lib/apk/db/installed")
}

fn analyze(_path: &str, content: &[u8], limits: &Limits) -> Result<Vec<Evidence>, Fault> {
    let (packages, owned) = parse(content, limits.layer_packages)?;
    let packages = (!packages.is_empty()).then_some(Evidence::Packages(packages));
    Ok(packages.into_iter().chain(owned.finish()).collect())
}

/// Returns the packages, ordered, and their files.
pub(crate) fn parse(content: &[u8], max_packages: usize) -> Result<(Vec<Package>, Owned), Fault> {
    if content.starts_with(b"ADB") {
        return Err(Fault::new("it is a binary database of apk 3, which no release of apk writes"));
    }
    let mut packages = Vec::new();
    let mut paragraph = Paragraph::default();
    let mut files = Files { directory: "", path: String::new(), budget: PathBudget::of(content) };
    let mut owned = Owned::default();
    for (index, line) in content.split(|byte| *byte == b'\n').enumerate() {
        match line {
            [] => {
                packages.extend(paragraph.finish(index)?);
                if packages.len() > max_packages {
                    return Err(Fault::too_many_packages(max_packages));
                }
                paragraph = Paragraph::default();
                files.directory = "";
            }
            [b'F', b':', directory @ ..] => {
                files.directory = str::from_utf8(directory).unwrap_or("")
            }
            [b'R', b':', name @ ..] => owned.add(files.path_of(name)?),
            [field, b':', value @ ..] => paragraph.set(*field, value),
            _ => return Err(malformed(index.saturating_add(1), "a line without a field")),
        }
    }
    packages.extend(paragraph.finish(content.len())?);
    packages.sort_unstable();
    packages.dedup();
    Ok((packages, owned))
}

/// The files of a package: their names stand behind their directory.
struct Files<'a> {
    directory: &'a str,
    path: String,
    budget: PathBudget,
}

impl Files<'_> {
    fn path_of(&mut self, name: &[u8]) -> Result<&str, Fault> {
        let name = str::from_utf8(name).unwrap_or("");
        self.path.clear();
        self.budget.take(self.directory.len().saturating_add(name.len()))?;
        for part in [self.directory, "/", name] {
            self.path.push_str(part);
        }
        Ok(&self.path)
    }
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
