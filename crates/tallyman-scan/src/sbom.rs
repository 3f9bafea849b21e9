//! Software bills of materials that others wrote: CycloneDX and SPDX, as JSON.
//!
//! One file a format reads a document into [`component::Document`]; [`assemble`] makes of that what
//! can be judged. A document is as hostile as an image: its size, its depth and the number of its
//! components are limited, and nothing that it says is taken for seen.

mod assemble;
mod component;
mod cyclonedx;
mod distribution;
mod spdx;
mod spdx3;

use serde::Deserialize;
use serde_json::value::RawValue;
use tallyman_model::digest::Digest;
use tallyman_model::distribution::Distribution;
use tallyman_model::inventory::Diagnostic;
use tallyman_model::limits::{Limits, Over};
use tallyman_model::package::PackageVersion;

use crate::attestation::{self, AttestationError};

/// What a bill of materials says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sbom {
    /// The standard and its version: `CycloneDX 1.6`.
    pub specification: String,
    /// The programs that wrote it, with their versions.
    pub tools: Vec<String>,
    /// What the statement around it says that it is about; `None` where there is no statement.
    pub subjects: Option<Vec<Digest>>,
    /// The image that it is about, as it says itself.
    pub image: SbomImage,
    /// The distribution inside the image.
    pub distribution: Option<Distribution>,
    /// The packages, in a stable order.
    pub packages: Vec<SbomPackage>,
    /// What could not be read.
    pub diagnostics: Vec<Diagnostic>,
    /// What is in the document and cannot be judged, in words.
    pub unjudged: Vec<String>,
}

/// The image that a bill of materials is about, as far as it says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SbomImage {
    /// Its name.
    pub name: Option<String>,
    /// The digest of its manifest.
    pub manifest_digest: Option<Digest>,
    /// The digest of its configuration.
    pub config_digest: Option<Digest>,
    /// `os/architecture[/variant]`.
    pub platform: Option<String>,
    /// When it was built.
    pub created: Option<String>,
    /// Its layers from the base upwards.
    pub layers: Vec<SbomLayer>,
}

/// A layer as a bill of materials lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SbomLayer {
    /// The digest of the layer as stored.
    pub digest: Digest,
    /// Its size as stored.
    pub size_bytes: u64,
    /// Its media type.
    pub media_type: String,
}

/// A package in one place.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SbomPackage {
    /// The package with the release whose feed judges it.
    pub version: PackageVersion,
    /// The file that names it, without a leading slash; empty where the document does not say.
    pub path: String,
    /// The index of the layer that brought it, where the document lists the layers.
    pub layer: Option<usize>,
    /// The digest of that layer, or its diff id, as the document says.
    pub layer_digest: Option<Digest>,
    /// Whether a distribution's package is judged in its place.
    pub is_owned: bool,
}

/// Why a document is no bill of materials that can be read.
#[derive(Debug, thiserror::Error)]
pub enum SbomError {
    /// It is larger than allowed.
    #[error("it is {}", Over { limit: "sbom-bytes", value: *maximum })]
    TooLarge {
        /// The limit.
        maximum: u64,
    },
    /// It is cut off, or breaks its own format.
    #[error("it cannot be read as {expected}: {source}")]
    Malformed {
        /// What it should have been.
        expected: &'static str,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// It is in an envelope that cannot be opened.
    #[error(transparent)]
    Attestation(#[from] AttestationError),
    /// It is of no format that is known here.
    #[error("{0}")]
    Unsupported(String),
}

/// Reads a document, or one in the envelope of an attestation, whose signature is not verified.
///
/// # Errors
///
/// Any [`SbomError`].
pub fn read_sbom(bytes: &[u8], limits: &Limits) -> Result<Sbom, SbomError> {
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > limits.sbom_bytes {
        return Err(SbomError::TooLarge { maximum: limits.sbom_bytes });
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let opened = attestation::open(bytes)?;
    let bytes = opened.document.as_ref();
    let document = match Format::of(bytes)? {
        Format::CycloneDx => cyclonedx::read(bytes)?,
        Format::Spdx => spdx::read(bytes)?,
        Format::Spdx3 => spdx3::read(bytes)?,
    };
    let mut sbom = assemble::assemble(document, limits);
    sbom.subjects = opened.subjects;
    Ok(sbom)
}

/// The formats that are read.
enum Format {
    CycloneDx,
    Spdx,
    Spdx3,
}

/// What tells the formats apart.
#[derive(Deserialize)]
struct Marks<'a> {
    #[serde(rename = "bomFormat")]
    bom_format: Option<String>,
    #[serde(rename = "specVersion")]
    specification: Option<String>,
    #[serde(rename = "spdxVersion")]
    spdx: Option<String>,
    #[serde(rename = "@context", borrow)]
    context: Option<&'a RawValue>,
}

impl Format {
    fn of(bytes: &[u8]) -> Result<Format, SbomError> {
        let marks: Marks<'_> = json("a bill of materials", bytes)?;
        let is_old = |version: &Option<String>, begins: &str| {
            version.as_deref().is_none_or(|version| version.starts_with(begins))
        };
        let unsupported = |what: String| Err(SbomError::Unsupported(what));
        if marks.bom_format.as_deref() == Some("CycloneDX") {
            return match is_old(&marks.specification, "1.") {
                true => Ok(Format::CycloneDx),
                false => unsupported(format!(
                    "it is CycloneDX {}; versions 1.2 to 1.7 are read",
                    marks.specification.unwrap_or_default()
                )),
            };
        }
        if marks.spdx.is_some() {
            return match is_old(&marks.spdx, "SPDX-2.") {
                true => Ok(Format::Spdx),
                false => unsupported(format!(
                    "it is {}; SPDX 2.2, 2.3 and 3.0 are read",
                    marks.spdx.unwrap_or_default()
                )),
            };
        }
        if marks.context.is_some_and(|context| context.get().contains("spdx.org/rdf/3.0")) {
            return Ok(Format::Spdx3);
        }
        let what = "it is neither CycloneDX nor SPDX; their JSON formats are read";
        unsupported(what.to_owned())
    }
}

fn json<'de, T: Deserialize<'de>>(
    expected: &'static str,
    bytes: &'de [u8],
) -> Result<T, SbomError> {
    serde_json::from_slice(bytes).map_err(|source| SbomError::Malformed { expected, source })
}

#[cfg(test)]
mod tests;
