//! What one layer holds, and what the final filesystem of an image shows.

use serde::{Deserialize, Serialize};

use crate::distribution::Distribution;
use crate::package::Package;

/// A file, directory or whole layer that could not be read as it should.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Diagnostic {
    /// The path inside the layer, empty for the layer as a whole.
    pub path: String,
    /// How much of the answer it spoils.
    pub kind: DiagnosticKind,
    /// What was wrong, in words.
    pub reason: String,
}

/// How much of the answer a [`Diagnostic`] spoils.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DiagnosticKind {
    /// One file was skipped; the rest of the inventory stands.
    Skipped,
    /// A package database could not be read: the image must not be called analysed.
    Failed,
}

/// How bad a file that an alert names is, in the API's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AlertLevel {
    /// Worth a look.
    Remind,
    /// Likely hostile.
    Suspicious,
    /// Known to be hostile.
    Serious,
}

/// A malicious or suspicious file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Alert {
    /// The id of the rule that flagged the file.
    pub rule: String,
    /// How bad it is.
    pub level: AlertLevel,
    /// What was seen, in words.
    pub evidence: String,
}

/// What an analyzer read out of one file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// A description of the distribution.
    Distribution(Distribution),
    /// The packages that the file names, in a stable order.
    Packages(Vec<Package>),
    /// The packages that a file inside the file names: a library within a Java application.
    Nested {
        /// The path inside the file; the paths of archives within archives are joined by `!/`.
        path: String,
        /// The packages, in a stable order.
        packages: Vec<Package>,
    },
    /// An archive that does not say for sure what it is.
    Archive {
        /// The path inside the file as above, empty for the file itself.
        path: String,
        /// The SHA-1 of its bytes in hexadecimal digits, by which an index may know it.
        sha1: String,
        /// What it is if no index knows it.
        guess: Option<Package>,
    },
    /// The files that a distribution's package brought, as [`owner_key`]s, sorted. Only those that
    /// could be evidence themselves are kept.
    OwnedFiles(Vec<u64>),
    /// Something hostile about the file itself.
    Alert(Alert),
}

/// One file of a layer that an analyzer could say something of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvidenceFile {
    /// The path inside the image, without a leading slash.
    pub path: String,
    /// The id of the analyzer.
    pub analyzer: String,
    /// What it read.
    pub evidence: Evidence,
}

/// Everything the analyzers found in one layer: a pure function of the layer's bytes, the
/// analyzer set and the limits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LayerInventory {
    /// What was found, ordered by path and analyzer.
    pub files: Vec<EvidenceFile>,
    /// [`path_key`]s of what hides itself and everything beneath it in lower layers: whiteouts,
    /// and entries that could take the place of a file that matters. Sorted.
    pub hides: Vec<u64>,
    /// [`path_key`]s of opaque directories, which hide what is beneath them in lower layers. Sorted.
    pub opaque: Vec<u64>,
    /// What could not be read. Sorted.
    pub diagnostics: Vec<Diagnostic>,
    /// The number of tar entries.
    pub entries: u64,
    /// The size of the tar, in bytes.
    pub uncompressed_bytes: u64,
}

impl LayerInventory {
    /// Returns the number of packages in all files.
    pub fn package_count(&self) -> usize {
        let evidence = self.files.iter().map(|file| match &file.evidence {
            Evidence::Packages(packages) | Evidence::Nested { packages, .. } => packages.len(),
            Evidence::Archive { .. } => 1,
            Evidence::Distribution(_) | Evidence::OwnedFiles(_) | Evidence::Alert(_) => 0,
        });
        evidence.sum()
    }
}

/// Returns the 64-bit key of a normalised path (FNV-1a), by which layers name what they hide.
///
/// An image that is built to make two of its own paths collide only hides its own files from
/// itself, which it could do with a whiteout as well.
pub fn path_key(path: &str) -> u64 {
    path.bytes().fold(EMPTY_KEY, key_with)
}

/// Returns the [`path_key`]s of a normalised path's strict ancestors, from the root (`""`) to its
/// directory. One pass makes them all: a path of two thousand directories is no more work than any
/// other of its length.
pub fn ancestor_keys(path: &str) -> impl Iterator<Item = u64> {
    let root = (!path.is_empty()).then_some(EMPTY_KEY);
    let directories = path.bytes().scan(EMPTY_KEY, |key, byte| {
        let before = *key;
        *key = key_with(before, byte);
        Some((byte == b'/').then_some(before))
    });
    root.into_iter().chain(directories.flatten())
}

const EMPTY_KEY: u64 = 0xcbf2_9ce4_8422_2325;

fn key_with(key: u64, byte: u8) -> u64 {
    (key ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
}

/// Returns the key by which a file is known to belong to a distribution's package: databases write
/// `/bin/x` where the file lies in `/usr/bin/x`, since distributions merged the two.
pub fn owner_key(path: &str) -> u64 {
    let path = path.trim_start_matches('/');
    let rest = path.strip_prefix("usr/").unwrap_or(path);
    let top = rest.split('/').next().unwrap_or(rest);
    path_key(if matches!(top, "bin" | "sbin" | "lib" | "lib32" | "lib64" | "libx32") {
        rest
    } else {
        path
    })
}

/// A package of the final filesystem.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct InventoryPackage {
    /// The package.
    pub package: Package,
    /// The file that names it.
    pub path: String,
    /// The index of the layer that brought it, counted from 0 at the base.
    pub layer: usize,
    /// Whether the file that names it belongs to a distribution's package, which is then judged in
    /// its place.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_owned: bool,
}

/// An alert on a file of the final filesystem.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct InventoryAlert {
    /// The alert.
    pub alert: Alert,
    /// The file.
    pub path: String,
    /// The index of the layer that brought it.
    pub layer: usize,
}

/// What could not be read, with its layer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct InventoryDiagnostic {
    /// The index of the layer.
    pub layer: usize,
    /// What was wrong.
    #[serde(flatten)]
    pub diagnostic: Diagnostic,
}

/// What the final filesystem of an image shows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageInventory {
    /// The distribution, if an os-release was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distribution: Option<Distribution>,
    /// All packages, ordered.
    pub packages: Vec<InventoryPackage>,
    /// All alerts, ordered.
    pub alerts: Vec<InventoryAlert>,
    /// All diagnostics, ordered.
    pub diagnostics: Vec<InventoryDiagnostic>,
}

#[cfg(test)]
mod tests {
    use super::{ancestor_keys, path_key};

    #[test]
    fn the_ancestors_of_a_path_are_known_from_the_root_to_its_directory() {
        let check = |path: &str, ancestors: &[&str]| {
            let expected: Vec<u64> = ancestors.iter().map(|path| path_key(path)).collect();
            assert_eq!(ancestor_keys(path).collect::<Vec<_>>(), expected, "{path}");
        };
        check("a/bc/d", &["", "a", "a/bc"]);
        check("ä", &[""]);
        check("", &[]);
    }
}
