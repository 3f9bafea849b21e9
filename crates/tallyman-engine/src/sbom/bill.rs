//! What all formats say of an image: its components, each once with all the places where it was
//! found, what they are called, and what only Tallyman knows, as named properties.

use std::collections::HashSet;

use ring::digest::{SHA256, digest};
use tallyman_model::coverage::AnalysisState;
use tallyman_model::inventory::DiagnosticKind;
use tallyman_model::package::SourcePackage;
use tallyman_model::package_url::{image_purl, with_upstream};
use uuid::Uuid;

use crate::report::{ReportPackage, ReportSignature, ScanReport};

/// How much of a name goes into an identifier.
const MAX_NAME_CHARS: usize = 100;

/// A name and a value that no format has a field for. All names begin with `tallyman:`.
pub(super) type Property = (&'static str, String);

/// An image and its components.
pub(super) struct Bill<'a> {
    pub(super) report: &'a ScanReport,
    pub(super) tool_version: String,
    /// The package URL of the image, where its name says which registry it is in.
    pub(super) image_purl: Option<String>,
    pub(super) components: Vec<Component<'a>>,
}

/// A package with all the places where it was found.
pub(super) struct Component<'a> {
    /// The package URL, made unique in the document.
    pub(super) id: String,
    pub(super) purl: String,
    /// The package; what is said of places holds for the first one.
    pub(super) package: &'a ReportPackage,
    pub(super) places: &'a [ReportPackage],
}

impl<'a> Bill<'a> {
    pub(super) fn new(report: &'a ScanReport, tool_version: String) -> Self {
        let mut taken = HashSet::new();
        let components = report
            .packages
            .chunk_by(is_same)
            .filter_map(|places| Some((places.first()?, places)))
            .map(|(package, places)| {
                let purl = match package.source.as_ref().filter(|source| differs(source, package)) {
                    Some(source) => with_upstream(&package.purl, &package.version, source),
                    None => package.purl.clone(),
                };
                let mut id = purl.clone();
                let mut number = 1_usize;
                // Two spellings of one name have one package URL.
                while !taken.insert(id.clone()) {
                    number = number.saturating_add(1);
                    id = format!("{purl}#{number}");
                }
                Component { id, purl, package, places }
            })
            .collect();
        let image = &report.image;
        let architecture = image.platform.as_ref().and_then(|platform| platform.split('/').nth(1));
        let image_purl = image
            .manifest_digest
            .as_ref()
            .and_then(|digest| image_purl(&image.name, digest, architecture));
        Bill { report, tool_version, image_purl, components }
    }

    /// Tells an image from a directory, which has no configuration and is read by ourselves.
    pub(super) fn is_image(&self) -> bool {
        self.report.image.config_digest.is_some() || self.report.sbom.is_some()
    }

    /// Tells whether everything that was recognised in the image stands in the document.
    pub(super) fn is_incomplete(&self) -> bool {
        matches!(self.report.state, AnalysisState::Failed { .. })
            || !self.report.diagnostics.is_empty()
    }

    /// Says in words that the document is not complete, for formats without a field for it.
    pub(super) fn incompleteness(&self) -> Option<String> {
        match &self.report.state {
            AnalysisState::Failed { reason } => Some(format!(
                "This document is incomplete: the image could not be analysed: {reason}"
            )),
            AnalysisState::Analyzed | AnalysisState::Unsupported { .. } => {
                self.is_incomplete().then(|| {
                    let count = self.report.diagnostics.len();
                    format!("This document is incomplete: {count} files could not be read.")
                })
            }
        }
    }

    /// Returns how far the answer can be trusted.
    pub(super) fn properties(&self) -> Vec<Property> {
        let mut properties = Vec::new();
        let (state, reason) = match &self.report.state {
            AnalysisState::Analyzed => ("analyzed", None),
            AnalysisState::Unsupported { reason } => ("unsupported", Some(reason)),
            AnalysisState::Failed { reason } => ("failed", Some(reason)),
        };
        properties.push(("tallyman:state", state.to_owned()));
        if let Some(sbom) = &self.report.sbom {
            let mut text = format!("{}: {}", sbom.specification, sbom.tools.join(", "));
            if let Some(attached) = &sbom.attached {
                let ReportSignature::NotVerified = attached.signature;
                let digest = &attached.digest;
                text.push_str(&format!(": {digest} in the registry, signature not verified"));
            }
            properties.push(("tallyman:based-on", text));
        }
        properties.extend(reason.map(|reason| ("tallyman:reason", reason.clone())));
        for item in &self.report.diagnostics {
            let kind = match item.diagnostic.kind {
                DiagnosticKind::Skipped => "skipped",
                DiagnosticKind::Failed => "failed",
            };
            let (path, reason) = (&item.diagnostic.path, &item.diagnostic.reason);
            let text = match self.report.sbom.is_some() {
                true => format!("{kind}: {reason}"),
                false => format!("{kind}: layer {}: /{path}: {reason}", item.layer),
            };
            properties.push(("tallyman:diagnostic", text));
        }
        properties
    }

    /// Returns which advisories the findings rest on.
    pub(super) fn advisory_properties(&self) -> Vec<Property> {
        let advisories = &self.report.advisories;
        let mut properties = vec![("tallyman:advisories:revision", advisories.revision.clone())];
        for feed in &advisories.feeds {
            let date = feed.data_ms.map(tallyman_model::clock::format_utc);
            let date = date.unwrap_or_else(|| "unknown date".to_owned());
            let text = format!("{}: {date}: {}", feed.name, feed.attribution);
            properties.push(("tallyman:advisories:feed", text));
        }
        properties
    }

    /// Returns what is known of the image besides its name and manifest digest.
    pub(super) fn image_properties(&self) -> Vec<Property> {
        let image = &self.report.image;
        let mut properties = Vec::new();
        if let Some(digest) = &image.config_digest {
            properties.push(("tallyman:image:config-digest", digest.to_string()));
        }
        if let Some(platform) = &image.platform {
            properties.push(("tallyman:image:platform", platform.clone()));
        }
        properties.extend(image.created.clone().map(|created| ("tallyman:image:created", created)));
        for layer in &image.layers {
            let text = format!("{} {} {}", layer.digest, layer.size_bytes, layer.media_type);
            properties.push(("tallyman:image:layer", text));
        }
        properties
    }

    /// Returns what os-release says beyond id, version and name.
    pub(super) fn distribution_properties(&self) -> Vec<Property> {
        let Some(distribution) = &self.report.distribution else { return Vec::new() };
        let mut properties = Vec::new();
        if let Some(codename) = &distribution.codename {
            properties.push(("tallyman:distribution:codename", codename.clone()));
        }
        for id in &distribution.id_like {
            properties.push(("tallyman:distribution:like", id.clone()));
        }
        properties
    }
}

impl Component<'_> {
    /// Returns what no format has a field for, without the places.
    pub(super) fn properties(&self) -> Vec<Property> {
        let package = self.package;
        let mut properties = vec![("tallyman:ecosystem", package.ecosystem.name().to_owned())];
        if let Some(architecture) = &package.architecture {
            properties.push(("tallyman:architecture", architecture.clone()));
        }
        if let Some(source) = &package.source {
            properties.push(("tallyman:source:name", source.name.clone()));
            properties.push(("tallyman:source:version", source.version.clone()));
        }
        if package.is_owned {
            properties.push(("tallyman:owned", true.to_string()));
        }
        properties
    }

    /// Returns the places, for formats without a field for them: the layer and the path.
    pub(super) fn location_properties(&self) -> Vec<Property> {
        self.places()
            .map(|(path, layer)| match layer {
                Some(layer) => ("tallyman:location", format!("{layer} {path}")),
                None => ("tallyman:location", path),
            })
            .collect()
    }

    /// Returns the path and layer of each place.
    pub(super) fn places(&self) -> impl Iterator<Item = (String, Option<String>)> {
        self.places.iter().map(|place| {
            let layer = place.layer_digest.as_ref().map(ToString::to_string);
            (format!("/{}", place.path), layer)
        })
    }
}

/// Tells whether two entries of a report are one package in two places.
fn is_same(a: &ReportPackage, b: &ReportPackage) -> bool {
    a.ecosystem == b.ecosystem
        && a.name == b.name
        && a.version == b.version
        && a.purl == b.purl
        && a.source == b.source
        && a.is_owned == b.is_owned
}

fn differs(source: &SourcePackage, package: &ReportPackage) -> bool {
    source.name != package.name || source.version != package.version
}

/// Returns a name for a component of which SPDX can make an identifier.
pub(super) fn element_name(component: &Component<'_>) -> String {
    let hash = digest(&SHA256, component.id.as_bytes());
    let hash = hex::encode(hash.as_ref().get(..8).unwrap_or_default());
    let package = component.package;
    format!("Package-{}-{}-{hash}", package.ecosystem, identifier(&package.name))
}

/// Returns what identifies a document, in the place that SPDX keeps for those who have no site of
/// their own (SPDX 2.3, 6.5.1).
pub(super) fn document_base(name: &str, uuid: Uuid) -> String {
    format!("https://spdx.org/spdxdocs/{}-{uuid}", identifier(name))
}

/// Keeps what may stand in an identifier (SPDX 2.3, 6.3.1).
fn identifier(name: &str) -> String {
    let kept = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' };
    name.chars().map(kept).take(MAX_NAME_CHARS).collect()
}

/// Returns a UUID that depends on the content alone (RFC 9562, section 5.8).
pub(crate) fn content_uuid(content: &[u8]) -> Uuid {
    let hash = digest(&SHA256, content);
    let mut bytes = [0; 16];
    for (byte, of_hash) in bytes.iter_mut().zip(hash.as_ref()) {
        *byte = *of_hash;
    }
    Uuid::new_v8(bytes)
}
