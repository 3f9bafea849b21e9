//! Yarn's locks: `yarn.lock` of version 1 and of Yarn 2 and later (Yarn documentation, "yarn.lock"
//! and "Lexicon: Descriptor, Locator"; both are block mappings, of which only the second is YAML).
//!
//! Neither says what is there only for development.

use std::str::Lines;

use tallyman_model::limits::Limits;
use tallyman_model::package::Ecosystem;

use crate::analyzers::lock::{PackageList, is_inside_a_package, split_at_sign, text};
use crate::analyzers::yaml_lines::scalar;
use crate::analyzers::{Analysis, Analyzer, Candidate, Fault, FileClass, Reading};

pub(crate) const ANALYZER: Analyzer = Analyzer {
    id: "yarn-lock",
    version: 1,
    class: FileClass::Named,
    wants,
    reading: Reading::Whole(analyze),
};

fn wants(candidate: &Candidate<'_>) -> bool {
    candidate.base == "yarn.lock" && !is_inside_a_package(candidate.path)
}

fn analyze(_path: &str, content: &[u8], limits: &Limits) -> Analysis {
    let text = text(content)?;
    let mut list = PackageList::new(Ecosystem::Npm, limits);
    let starts = |mark: &str| text.lines().any(|line| line.starts_with(mark));
    if starts("__metadata:") {
        read_locators(text.lines(), &mut list)?;
    } else if starts("# yarn lockfile v1") {
        read_descriptors(text.lines(), &mut list)?;
    } else {
        return Err(Fault::new("it is not a lock of Yarn"));
    }
    list.finish()
}

/// Yarn 2 and later: the line `resolution` follows the version and names the package.
fn read_locators(lines: Lines<'_>, list: &mut PackageList) -> Result<(), Fault> {
    let mut version = None;
    for line in lines {
        match field(line).and_then(|field| field.split_once(": ")) {
            Some(("version", value)) => version = Some(scalar(value)),
            Some(("resolution", value)) => {
                let locator = scalar(value);
                if let (Some(version), Some((name, reference))) =
                    (&version, split_at_sign(&locator))
                    && !is_local(reference)
                {
                    list.add(name, version)?;
                }
            }
            Some(_) => {}
            None if line.starts_with(' ') => {}
            None => version = None,
        }
    }
    Ok(())
}

/// Version 1: the key is a list of what was asked for, of which each names the package.
fn read_descriptors(lines: Lines<'_>, list: &mut PackageList) -> Result<(), Fault> {
    let mut asked = None;
    for line in lines {
        match field(line) {
            Some(field) => {
                if let (Some(name), Some(version)) = (asked, field.strip_prefix("version ")) {
                    list.add(name, &scalar(version))?;
                }
            }
            None if line.starts_with([' ', '#']) => {}
            None => asked = first_key(line).and_then(asked_name),
        }
    }
    Ok(())
}

/// Returns the first key of `KEY, "KEY":`.
fn first_key(line: &str) -> Option<&str> {
    match line.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next(),
        None => line.strip_suffix(':')?.split(", ").next(),
    }
}

/// Returns a field of an entry, which is indented by two spaces.
fn field(line: &str) -> Option<&str> {
    line.strip_prefix("  ").filter(|field| !field.starts_with(' '))
}

fn asked_name(descriptor: &str) -> Option<&str> {
    let (name, range) = split_at_sign(descriptor)?;
    // `ALIAS@npm:NAME@RANGE` asks for another name.
    let other = range.strip_prefix("npm:").and_then(split_at_sign);
    (!is_local(range)).then(|| other.map_or(name, |(name, _)| name))
}

/// Tells whether a reference leads to a part of the application itself.
fn is_local(reference: &str) -> bool {
    ["workspace:", "link:", "portal:"].iter().any(|protocol| reference.starts_with(protocol))
}

#[cfg(test)]
mod tests;
