//! How much of anything that comes from outside is read.
//!
//! The one list of limits is at the end of `limits!`: each line makes a field, a default and the
//! entry in [`LIMITS`] that settings and `docs/limits.md` go by. How a limit is set is in
//! [`setting`].

pub mod setting;

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a limit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Bytes.
    Bytes,
    /// Things: entries, packages, levels.
    Count,
    /// Seconds.
    Seconds,
}

/// A limit as settings and documents know it.
#[derive(Debug)]
pub struct Limit {
    field: &'static str,
    meaning: &'static str,
    /// What it counts.
    pub unit: Unit,
    get: fn(&Limits) -> u64,
    set: fn(&mut Limits, u64) -> bool,
}

impl Limit {
    /// Finds a limit by its name.
    pub fn find(name: &str) -> Option<&'static Limit> {
        LIMITS.iter().find(|limit| limit.name() == name)
    }

    /// Returns the name, such as `layer-bytes`.
    pub fn name(&self) -> String {
        self.field.replace('_', "-")
    }

    /// Says what is limited, in one sentence.
    pub fn meaning(&self) -> &'static str {
        self.meaning.trim()
    }

    /// Returns its value among others.
    pub fn get(&self, limits: &Limits) -> u64 {
        (self.get)(limits)
    }

    /// Writes a value of it as a person would.
    pub fn show(&self, value: u64) -> String {
        let parts: &[(u64, &str)] = match self.unit {
            Unit::Bytes => &[(GIB, " GiB"), (MIB, " MiB"), (KIB, " KiB")],
            Unit::Seconds => &[(3600, " h"), (60, " min"), (1, " s")],
            Unit::Count => &[],
        };
        let whole = parts.iter().find(|(size, _)| value >= *size && value.is_multiple_of(*size));
        match (whole, self.unit) {
            (Some((size, unit)), _) => format!("{}{unit}", value / size),
            (None, Unit::Bytes) => format!("{value} bytes"),
            (None, Unit::Seconds | Unit::Count) => value.to_string(),
        }
    }
}

/// Says that something is over a limit, and how the limit is raised: to be put after "it is" or
/// the like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Over<'a> {
    /// The name of the limit. One that is not in the list cannot be raised.
    pub limit: &'a str,
    /// Its value.
    pub value: u64,
}

impl fmt::Display for Over<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Over { limit: name, value } = *self;
        match Limit::find(name) {
            Some(limit) => {
                let shown = limit.show(value);
                write!(f, "over the limit {name} of {shown} (to raise it: --limit {name}=…)")
            }
            None => write!(f, "over the limit `{name}` of {value}"),
        }
    }
}

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

macro_rules! limits {
    ($($(#[doc = $meaning:literal])+ $field:ident: $type:ident = $default:expr, $unit:ident;)+) => {
        /// The limits on outside data. Over a limit, reading stops with a diagnostic or an error
        /// that names the limit; nothing is cut silently.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
        pub struct Limits {
            $($(#[doc = $meaning])+ pub $field: $type,)+
        }

        impl Default for Limits {
            fn default() -> Self {
                Limits { $($field: $default,)+ }
            }
        }

        /// All limits, in the order in which an image meets them.
        pub static LIMITS: &[Limit] = &[$(Limit {
            field: stringify!($field),
            meaning: concat!($($meaning),+),
            unit: Unit::$unit,
            get: |limits| u64::try_from(limits.$field).unwrap_or(u64::MAX),
            set: |limits, value| match $type::try_from(value) {
                Ok(value) => {
                    limits.$field = value;
                    true
                }
                Err(_) => false,
            },
        },)+];
    };
}

limits! {
    /// The bytes of a manifest, an image index or a tag list.
    manifest_bytes: u64 = 4 * MIB, Bytes;
    /// The bytes of an image configuration.
    config_bytes: u64 = 8 * MIB, Bytes;
    /// The layers of an image.
    layers: usize = 1_000, Count;
    /// The bytes of all layers of an image as stored.
    image_bytes: u64 = 128 * GIB, Bytes;
    /// The bytes of the tars of all layers of an image.
    image_uncompressed_bytes: u64 = 512 * GIB, Bytes;
    /// The entries of the tars of all layers of an image.
    image_entries: u64 = 20_000_000, Count;
    /// The packages of all layers of an image, before upper layers hide some.
    image_packages: u64 = 1_000_000, Count;
    /// How long the layers of an image are read in one go.
    image_time: u64 = 2 * 3600, Seconds;
    /// The bytes of a layer as stored.
    layer_bytes: u64 = 32 * GIB, Bytes;
    /// The bytes of a layer's tar.
    layer_uncompressed_bytes: u64 = 128 * GIB, Bytes;
    /// How many times larger than its stored bytes a layer's tar is (above 64 MiB), or what
    /// comes out of an archive.
    expansion_ratio: u64 = 200, Count;
    /// The entries of a layer's tar.
    layer_entries: u64 = 5_000_000, Count;
    /// The packages of a layer.
    layer_packages: usize = 500_000, Count;
    /// The bytes of a path.
    path_bytes: usize = 4 << 10, Bytes;
    /// The bytes of a package database (`dpkg/status`, `apk/db/installed`, `rpmdb.sqlite`).
    database_bytes: u64 = 256 * MIB, Bytes;
    /// The bytes of a package's metadata file or a lock file (`METADATA`, `package.json`).
    metadata_bytes: u64 = 16 * MIB, Bytes;
    /// The bytes of an executable that is looked into.
    executable_bytes: u64 = 4 * GIB, Bytes;
    /// The bytes of an archive (`.jar`) that is looked into, and of what comes out of it.
    archive_bytes: u64 = 4 * GIB, Bytes;
    /// How deep archives are looked for within archives.
    archive_depth: u32 = 8, Count;
    /// The entries of an archive, those of the archives in it included.
    archive_entries: u64 = 1_000_000, Count;
    /// The bytes of the files of an image that are held in memory as a whole at once. A layer
    /// whose file has no room waits for another's; a file that is larger than this is not read.
    held_bytes: u64 = 256 * MIB, Bytes;
    /// The diagnostics that are kept for a layer; further ones are counted.
    diagnostics: usize = 1_000, Count;
    /// The bytes of a bill of materials that is read in place of an image.
    sbom_bytes: u64 = 128 * MIB, Bytes;
    /// The packages of a bill of materials, each counted once for each place.
    sbom_packages: usize = 500_000, Count;
    /// The bytes of a VEX document, or of a file of rules.
    vex_bytes: u64 = 16 * MIB, Bytes;
    /// The products that the statements of a VEX document name, each counted once for each
    /// statement, and the rules of a file.
    vex_products: usize = 500_000, Count;
    /// The bytes of a file of advisories that is downloaded.
    feed_bytes: u64 = 4 * GIB, Bytes;
    /// The bytes of one advisory record.
    advisory_record_bytes: u64 = 16 * MIB, Bytes;
    /// The advisory records of one import.
    advisory_records: u64 = 5_000_000, Count;
}

#[cfg(test)]
mod tests;
