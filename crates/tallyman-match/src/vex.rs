//! VEX documents and ignore rules: one file for each format that is read, and what they come to
//! for the findings of an image (`judge`).
//!
//! What cannot be understood never suppresses anything: it is left out, and the document says so.

mod csaf;
mod cyclonedx;
pub mod ignore_file;
pub mod judge;
mod list;
mod openvex;
mod product;
mod wildcard;

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::IgnoredAny;
use tallyman_model::limits::{Limits, Over};
use tallyman_model::vex::VexDocument;

/// Why something is no VEX document.
#[derive(Debug, thiserror::Error)]
pub enum VexError {
    /// It is too large.
    #[error("it is {}", Over { limit: "vex-bytes", value: *maximum })]
    TooLarge {
        /// The limit.
        maximum: u64,
    },
    /// It names too many products.
    #[error("it is {}", Over { limit: "vex-products", value: *maximum })]
    TooMany {
        /// The limit.
        maximum: u64,
    },
    /// It is no JSON, or not of the format that it claims.
    #[error("it cannot be read as {format}: {source}")]
    Malformed {
        /// The format.
        format: &'static str,
        /// What is wrong.
        #[source]
        source: serde_json::Error,
    },
    /// It is JSON, and none of the formats.
    #[error("it is no VEX document: neither OpenVEX, nor CSAF, nor CycloneDX")]
    UnknownFormat,
    /// It is of a version or kind that is not read.
    #[error("{0}")]
    Unsupported(String),
}

impl VexError {
    fn malformed(format: &'static str) -> impl Fn(serde_json::Error) -> VexError {
        move |source| VexError::Malformed { format, source }
    }

    /// Tells whether it is simply something else than a VEX document.
    pub fn is_something_else(&self) -> bool {
        matches!(self, VexError::UnknownFormat)
    }
}

/// What tells the formats apart.
#[derive(Deserialize)]
struct Marks<'a> {
    #[serde(borrow, default, rename = "@context")]
    context: Option<Cow<'a, str>>,
    #[serde(borrow, default, rename = "bomFormat")]
    bom_format: Option<Cow<'a, str>>,
    #[serde(default)]
    document: Option<IgnoredAny>,
}

/// Reads a VEX document of any of the formats.
///
/// # Errors
///
/// Any [`VexError`].
pub fn read(bytes: &[u8], limits: &Limits) -> Result<VexDocument, VexError> {
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > limits.vex_bytes {
        return Err(VexError::TooLarge { maximum: limits.vex_bytes });
    }
    let marks: Marks<'_> = serde_json::from_slice(bytes).map_err(VexError::malformed("JSON"))?;
    let budget = list::Budget::new(limits);
    match marks {
        Marks { context: Some(context), .. } if context.starts_with(openvex::CONTEXT) => {
            openvex::read(bytes, budget)
        }
        Marks { bom_format: Some(format), .. } if format == "CycloneDX" => {
            cyclonedx::read(bytes, budget)
        }
        Marks { document: Some(_), .. } => csaf::read(bytes, budget),
        Marks { .. } => Err(VexError::UnknownFormat),
    }
}

#[cfg(test)]
mod tests;
