//! What VEX documents say (Vulnerability Exploitability eXchange): whether products are affected by
//! vulnerabilities, in the words that OpenVEX, CSAF and CycloneDX have in common.

use serde::{Deserialize, Serialize};

use crate::digest::Digest;

/// What a statement says of a product and a vulnerability (OpenVEX 0.2.0, "Status Labels").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VexStatus {
    /// Nothing has to be done.
    NotAffected,
    /// This version contains a fix.
    Fixed,
    /// It is not known yet.
    UnderInvestigation,
    /// Something should be done.
    Affected,
}

impl VexStatus {
    /// Returns the name that OpenVEX has for it.
    pub fn name(self) -> &'static str {
        match self {
            VexStatus::NotAffected => "not_affected",
            VexStatus::Fixed => "fixed",
            VexStatus::UnderInvestigation => "under_investigation",
            VexStatus::Affected => "affected",
        }
    }
}

/// The format of a VEX document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum VexFormat {
    /// OpenVEX.
    OpenVex,
    /// CSAF 2.0.
    Csaf,
    /// CycloneDX.
    CycloneDx,
}

impl VexFormat {
    /// Returns its name as people write it.
    pub fn name(self) -> &'static str {
        match self {
            VexFormat::OpenVex => "OpenVEX",
            VexFormat::Csaf => "CSAF",
            VexFormat::CycloneDx => "CycloneDX",
        }
    }
}

/// A VEX document, as far as it is used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VexDocument {
    /// What identifies it among all documents: a later one with the same identifier replaces it.
    pub id: String,
    /// The format it was written in.
    pub format: VexFormat,
    /// Who wrote it.
    pub author: String,
    /// Its last change, milliseconds since the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_ms: Option<i64>,
    /// What it says.
    pub statements: Vec<VexStatement>,
    /// What of it cannot be used, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<String>,
}

/// One statement: all products have this status for the vulnerability.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VexStatement {
    /// The names of the one vulnerability.
    pub vulnerabilities: Vec<String>,
    /// The products.
    pub products: Vec<VexProduct>,
    /// What is said of them.
    pub status: VexStatus,
    /// Why they are not affected, by one of the formats' labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub justification: Option<String>,
    /// The same in the author's own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub impact: Option<String>,
    /// When it was said, milliseconds since the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_ms: Option<i64>,
}

/// A product, or some components within it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct VexProduct {
    /// The names of the one product, each of which identifies it.
    pub names: Vec<ProductName>,
    /// The components within it that are meant, each with all its names; without any the product
    /// as a whole is meant.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub components: Vec<Vec<ProductName>>,
}

/// What identifies a product.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProductName {
    /// A package URL of an image or a package.
    Purl {
        /// The package URL.
        purl: String,
        /// The versions that are meant, each a version or a range (`vers:…`); without any those
        /// that the package URL means.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        versions: Vec<String>,
    },
    /// The digest of an image's manifest, index or configuration.
    Digest(Digest),
    /// A reference of an image.
    Image(String),
    /// A name of the Common Platform Enumeration.
    Cpe(String),
}

impl ProductName {
    /// Names a product by a package URL alone.
    pub fn purl(purl: impl Into<String>) -> Self {
        ProductName::Purl { purl: purl.into(), versions: Vec::new() }
    }
}
