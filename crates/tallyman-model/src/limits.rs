//! How much of anything that comes from outside is read.

use serde::{Deserialize, Serialize};

/// The limits on outside data. Over a limit, reading stops with a diagnostic or an error that
/// names the limit; nothing is cut silently.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Limits {
    /// The bytes of a manifest, an image index or a tag list.
    pub manifest_bytes: u64,
    /// The bytes of an image configuration.
    pub config_bytes: u64,
    /// The number of layers of an image.
    pub layers: usize,
    /// The bytes of a layer as stored.
    pub layer_bytes: u64,
    /// The bytes of a layer's tar.
    pub layer_uncompressed_bytes: u64,
    /// A layer's tar may be this many times larger than its stored bytes (above 64 MiB).
    pub expansion_ratio: u64,
    /// The entries of a layer's tar.
    pub layer_entries: u64,
    /// The bytes of a path.
    pub path_bytes: usize,
    /// The bytes of a package database (`dpkg/status`, `apk/db/installed`).
    pub database_bytes: u64,
    /// The bytes of a package's metadata file or a lock file (`METADATA`, `package.json`).
    pub metadata_bytes: u64,
    /// The bytes of an executable that is looked into.
    pub executable_bytes: u64,
    /// The bytes of an archive (`.jar`) that is looked into.
    pub archive_bytes: u64,
    /// How deep archives are looked for within archives.
    pub archive_depth: u32,
    /// The entries of an archive, those of the archives in it included.
    pub archive_entries: u64,
    /// The packages of a layer.
    pub layer_packages: usize,
    /// The bytes of a bill of materials that is read in place of an image.
    pub sbom_bytes: u64,
    /// The packages of a bill of materials, each counted once for each place.
    pub sbom_packages: usize,
    /// The diagnostics that are kept for a layer; further ones are counted.
    pub diagnostics: usize,
    /// The bytes of one advisory record.
    pub advisory_record_bytes: u64,
    /// The advisory records of one import.
    pub advisory_records: u64,
}

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

impl Default for Limits {
    fn default() -> Self {
        Limits {
            manifest_bytes: 4 * MIB,
            config_bytes: 8 * MIB,
            layers: 1_000,
            layer_bytes: 32 * GIB,
            layer_uncompressed_bytes: 128 * GIB,
            expansion_ratio: 200,
            layer_entries: 5_000_000,
            path_bytes: usize::try_from(4 * KIB).unwrap_or(usize::MAX),
            database_bytes: 256 * MIB,
            metadata_bytes: 16 * MIB,
            executable_bytes: 4 * GIB,
            archive_bytes: 4 * GIB,
            archive_depth: 8,
            archive_entries: 1_000_000,
            layer_packages: 500_000,
            sbom_bytes: 128 * MIB,
            sbom_packages: 500_000,
            diagnostics: 1_000,
            advisory_record_bytes: 16 * MIB,
            advisory_records: 5_000_000,
        }
    }
}
