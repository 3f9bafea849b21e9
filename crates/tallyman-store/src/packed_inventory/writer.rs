//! Writes the packed form.

use std::io::{self, Write};

use serde::Serialize;
use tallyman_model::inventory::{DiagnosticKind, Evidence, LayerInventory};
use tallyman_model::package::Package;

use super::{
    ALERT, ARCHIVE, DISTRIBUTION, ECOSYSTEMS, HAS_ARCHITECTURE, HAS_MODULE, HAS_SOURCE, NESTED,
    OWNED_FILES, PACKAGES,
};

pub(super) fn write(inventory: &LayerInventory, out: &mut impl Write) -> io::Result<()> {
    number(out, inventory.files.len() as u64)?;
    for file in &inventory.files {
        text(out, &file.path)?;
        text(out, &file.analyzer)?;
        evidence(out, &file.evidence)?;
    }
    keys(out, &inventory.hides)?;
    keys(out, &inventory.opaque)?;
    number(out, inventory.diagnostics.len() as u64)?;
    for diagnostic in &inventory.diagnostics {
        text(out, &diagnostic.path)?;
        let kind = match diagnostic.kind {
            DiagnosticKind::Skipped => 0,
            DiagnosticKind::Failed => 1,
        };
        out.write_all(&[kind])?;
        text(out, &diagnostic.reason)?;
    }
    number(out, inventory.entries)?;
    number(out, inventory.uncompressed_bytes)
}

fn evidence(out: &mut impl Write, evidence: &Evidence) -> io::Result<()> {
    match evidence {
        Evidence::Distribution(distribution) => {
            out.write_all(&[DISTRIBUTION])?;
            json(out, distribution)
        }
        Evidence::Packages(list) => {
            out.write_all(&[PACKAGES])?;
            packages(out, list)
        }
        Evidence::Nested { path, packages: list } => {
            out.write_all(&[NESTED])?;
            text(out, path)?;
            packages(out, list)
        }
        Evidence::Archive { path, sha1, guess } => {
            out.write_all(&[ARCHIVE])?;
            text(out, path)?;
            text(out, sha1)?;
            packages(out, guess.as_slice())
        }
        Evidence::OwnedFiles(list) => {
            out.write_all(&[OWNED_FILES])?;
            keys(out, list)
        }
        Evidence::Alert(alert) => {
            out.write_all(&[ALERT])?;
            json(out, alert)
        }
    }
}

fn packages(out: &mut impl Write, packages: &[Package]) -> io::Result<()> {
    number(out, packages.len() as u64)?;
    packages.iter().try_for_each(|it| package(out, it))
}

fn package(out: &mut impl Write, package: &Package) -> io::Result<()> {
    let Package { ecosystem, name, version, architecture, source, module } = package;
    let code = ECOSYSTEMS.iter().find(|(known, _)| known == ecosystem);
    let (_, code) = code.expect("every ecosystem has a number");
    let has = |is_there: bool, part: u8| if is_there { part } else { 0 };
    let parts = has(architecture.is_some(), HAS_ARCHITECTURE)
        | has(source.is_some(), HAS_SOURCE)
        | has(module.is_some(), HAS_MODULE);
    out.write_all(&[*code, parts])?;
    text(out, name)?;
    text(out, version)?;
    let source = source.iter().flat_map(|source| [&source.name, &source.version]);
    architecture.iter().chain(source).chain(module).try_for_each(|part| text(out, part))
}

fn keys(out: &mut impl Write, keys: &[u64]) -> io::Result<()> {
    number(out, keys.len() as u64)?;
    keys.iter().try_for_each(|key| out.write_all(&key.to_le_bytes()))
}

fn json(out: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    text(out, &serde_json::to_string(value)?)
}

fn text(out: &mut impl Write, text: &str) -> io::Result<()> {
    number(out, text.len() as u64)?;
    out.write_all(text.as_bytes())
}

fn number(out: &mut impl Write, mut value: u64) -> io::Result<()> {
    loop {
        let [low, ..] = value.to_le_bytes();
        value >>= 7;
        if value == 0 {
            return out.write_all(&[low & 0x7f]);
        }
        out.write_all(&[low | 0x80])?;
    }
}
