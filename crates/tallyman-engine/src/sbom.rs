//! A report as a software bill of materials in the formats that other tools read: one file a
//! format, and this list of them.
//!
//! The same report gives the same bytes: what a format wants to be unique is derived from the
//! content, and its date from the image and the advisories unless the caller has a better one.

mod bill;
mod cyclonedx;
mod spdx;
mod spdx3;

use tallyman_model::clock::{format_utc, parse_rfc3339};

use crate::report::ScanReport;
use bill::Bill;

pub(crate) use bill::content_uuid;

/// A format of bills of materials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SbomFormat {
    /// CycloneDX 1.6, JSON.
    CycloneDx,
    /// SPDX 2.3, JSON.
    Spdx,
    /// SPDX 3.0.1, JSON-LD.
    Spdx3,
}

impl SbomFormat {
    /// All formats.
    pub const ALL: [SbomFormat; 3] = [SbomFormat::CycloneDx, SbomFormat::Spdx, SbomFormat::Spdx3];

    /// Returns the name that `--format` knows it by.
    pub fn name(self) -> &'static str {
        match self {
            SbomFormat::CycloneDx => "cyclonedx",
            SbomFormat::Spdx => "spdx",
            SbomFormat::Spdx3 => "spdx3",
        }
    }
}

/// What is not in a report and stands in a bill of materials.
#[derive(Clone, Debug)]
pub struct SbomOptions {
    /// The date of the document, milliseconds since the epoch; where absent, that of the image's
    /// creation, or of the advisories if they are newer and the format holds findings.
    pub created_ms: Option<i64>,
    /// The version of this program.
    pub tool_version: String,
}

/// Writes a report as a bill of materials.
pub fn render(report: &ScanReport, format: SbomFormat, options: &SbomOptions) -> serde_json::Value {
    let bill = Bill::new(report, options.tool_version.clone());
    let image = report.image.created.as_deref().and_then(parse_rfc3339);
    let advisories = report.advisories.feeds.iter().filter_map(|feed| feed.data_ms).max();
    // Every format demands a date, so what has none gets that of the epoch.
    let date = |own: Option<i64>| format_utc(options.created_ms.or(own).unwrap_or_default());
    match format {
        SbomFormat::CycloneDx => cyclonedx::render(&bill, &date(image.max(advisories))),
        SbomFormat::Spdx => spdx::render(&bill, &date(image)),
        SbomFormat::Spdx3 => spdx3::render(&bill, &date(image)),
    }
}

#[cfg(test)]
mod tests;
