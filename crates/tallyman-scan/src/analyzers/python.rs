//! Installed Python distributions: `*.dist-info/METADATA` (PyPA, "Core metadata specifications"
//! and "Recording installed projects") and setuptools' `egg-info`.

use std::str;

use tallyman_model::inventory::Evidence;
use tallyman_model::limits::Limits;
use tallyman_model::package::{Ecosystem, Package};

use crate::analyzers::{Analyzer, Candidate, Fault, FileClass, Reading, is_token};

pub(crate) const ANALYZER: Analyzer = Analyzer {
    id: "python",
    version: 1,
    class: FileClass::Named,
    wants,
    reading: Reading::Whole(analyze),
};

fn wants(candidate: &Candidate<'_>) -> bool {
    match candidate.base {
        "METADATA" => candidate.path.ends_with(".dist-info/METADATA"),
        "PKG-INFO" => {
            candidate.path.ends_with(".egg-info/PKG-INFO")
                || candidate.path.ends_with(".egg/EGG-INFO/PKG-INFO")
        }
        base => base.ends_with(".egg-info"),
    }
}

fn analyze(_path: &str, content: &[u8], _limits: &Limits) -> Result<Vec<Evidence>, Fault> {
    let (mut name, mut version) = (None, None);
    for line in content.split(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        // After the first empty line comes the description.
        if line.is_empty() {
            break;
        }
        let Some((field, value)) = split_header(line) else {
            continue;
        };
        if field.eq_ignore_ascii_case(b"name") {
            name = name.or(Some(value));
        } else if field.eq_ignore_ascii_case(b"version") {
            version = version.or(Some(value));
        }
    }
    let name = text(name).ok_or_else(|| Fault::new("the metadata have no name"))?;
    let version = text(version).ok_or_else(|| Fault::new("the metadata have no version"))?;
    Ok(vec![Evidence::Packages(vec![Package::new(Ecosystem::PyPi, name, version)])])
}

fn split_header(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = memchr::memchr(b':', line)?;
    Some((line.get(..colon)?, line.get(colon.checked_add(1)?..)?.trim_ascii()))
}

fn text(value: Option<&[u8]>) -> Option<String> {
    let text = str::from_utf8(value?).ok()?;
    is_token(text).then(|| text.to_owned())
}

#[cfg(test)]
mod tests;
