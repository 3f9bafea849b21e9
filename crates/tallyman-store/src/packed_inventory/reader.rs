//! Reads the packed form. `None` is a form that no writer wrote.

use serde::de::DeserializeOwned;
use tallyman_model::inventory::{
    Diagnostic, DiagnosticKind, Evidence, EvidenceFile, LayerInventory,
};
use tallyman_model::package::{Ecosystem, Package, SourcePackage};

use super::{
    ALERT, ARCHIVE, DISTRIBUTION, ECOSYSTEMS, HAS_ARCHITECTURE, HAS_MODULE, HAS_SOURCE, NESTED,
    OWNED_FILES, PACKAGES,
};

pub(super) fn read(bytes: &[u8]) -> Option<LayerInventory> {
    let mut cursor = Cursor { rest: bytes };
    let inventory = LayerInventory {
        files: cursor.list(Cursor::file)?,
        hides: cursor.keys()?,
        opaque: cursor.keys()?,
        diagnostics: cursor.list(Cursor::diagnostic)?,
        entries: cursor.number()?,
        uncompressed_bytes: cursor.number()?,
    };
    cursor.rest.is_empty().then_some(inventory)
}

struct Cursor<'b> {
    rest: &'b [u8],
}

impl<'b> Cursor<'b> {
    fn file(&mut self) -> Option<EvidenceFile> {
        let (path, analyzer) = (self.text()?, self.text()?);
        Some(EvidenceFile { path, analyzer, evidence: self.evidence()? })
    }

    fn evidence(&mut self) -> Option<Evidence> {
        Some(match self.byte()? {
            DISTRIBUTION => Evidence::Distribution(self.json()?),
            PACKAGES => Evidence::Packages(self.list(Cursor::package)?),
            NESTED => {
                Evidence::Nested { path: self.text()?, packages: self.list(Cursor::package)? }
            }
            ARCHIVE => {
                let (path, sha1) = (self.text()?, self.text()?);
                let mut guesses = self.list(Cursor::package)?;
                let guess = guesses.pop();
                guesses.is_empty().then_some(Evidence::Archive { path, sha1, guess })?
            }
            OWNED_FILES => Evidence::OwnedFiles(self.keys()?),
            ALERT => Evidence::Alert(self.json()?),
            _ => return None,
        })
    }

    fn package(&mut self) -> Option<Package> {
        let ecosystem = ecosystem(self.byte()?)?;
        let parts = self.byte()?;
        let has = |part| parts & part != 0;
        let (name, version) = (self.text()?, self.text()?);
        let architecture = if has(HAS_ARCHITECTURE) { Some(self.text()?) } else { None };
        let source = match has(HAS_SOURCE) {
            true => Some(SourcePackage { name: self.text()?, version: self.text()? }),
            false => None,
        };
        let module = if has(HAS_MODULE) { Some(self.text()?) } else { None };
        Some(Package { ecosystem, name, version, architecture, source, module })
    }

    fn diagnostic(&mut self) -> Option<Diagnostic> {
        let path = self.text()?;
        let kind = match self.byte()? {
            0 => DiagnosticKind::Skipped,
            1 => DiagnosticKind::Failed,
            _ => return None,
        };
        Some(Diagnostic { path, kind, reason: self.text()? })
    }

    fn keys(&mut self) -> Option<Vec<u64>> {
        let length = self.length()?.checked_mul(8)?;
        let (keys, _) = self.take(length)?.as_chunks::<8>();
        Some(keys.iter().map(|key| u64::from_le_bytes(*key)).collect())
    }

    /// Every element has at least one byte, so that no count makes room for more than there is.
    fn list<T>(&mut self, read: impl Fn(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let length = self.length()?;
        let mut list = Vec::with_capacity(length);
        for _ in 0..length {
            list.push(read(self)?);
        }
        Some(list)
    }

    fn json<T: DeserializeOwned>(&mut self) -> Option<T> {
        let length = self.length()?;
        serde_json::from_slice(self.take(length)?).ok()
    }

    fn text(&mut self) -> Option<String> {
        let length = self.length()?;
        Some(std::str::from_utf8(self.take(length)?).ok()?.to_owned())
    }

    fn length(&mut self) -> Option<usize> {
        let length = usize::try_from(self.number()?).ok()?;
        (length <= self.rest.len()).then_some(length)
    }

    fn number(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return (bits << shift >> shift == bits).then_some(value);
            }
        }
        None
    }

    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    fn take(&mut self, length: usize) -> Option<&'b [u8]> {
        let (taken, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(taken)
    }
}

fn ecosystem(code: u8) -> Option<Ecosystem> {
    let found = ECOSYSTEMS.iter().find(|(_, known)| *known == code);
    found.map(|(ecosystem, _)| *ecosystem)
}
