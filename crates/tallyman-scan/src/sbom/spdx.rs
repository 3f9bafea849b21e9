//! SPDX 2.2 and 2.3 as JSON (SPDX 2.3, "JSON schema").

use serde::{Deserialize, Deserializer};

use super::component::{Component, Document, Kind};
use super::{SbomError, json};
use crate::bounded::{Bounded, MAX_COMPONENTS, MAX_DETAILS, for_each};

/// Relationships are looked through and not kept.
const MAX_RELATIONSHIPS: usize = 20_000_000;

const DOCUMENT: &str = "SPDXRef-DOCUMENT";

#[derive(Deserialize)]
struct Spdx {
    #[serde(rename = "spdxVersion")]
    version: String,
    #[serde(rename = "creationInfo")]
    creation: Option<Creation>,
    #[serde(default)]
    annotations: Bounded<Annotation, MAX_DETAILS>,
    #[serde(rename = "documentDescribes", default)]
    describes: Bounded<String, MAX_COMPONENTS>,
    #[serde(default)]
    packages: Bounded<RawPackage, MAX_COMPONENTS>,
    #[serde(default)]
    relationships: Described,
}

#[derive(Deserialize)]
struct Creation {
    #[serde(default)]
    creators: Bounded<String, MAX_DETAILS>,
}

#[derive(Deserialize)]
struct RawPackage {
    #[serde(rename = "SPDXID")]
    id: String,
    name: String,
    #[serde(rename = "versionInfo")]
    version: Option<String>,
    #[serde(rename = "primaryPackagePurpose")]
    purpose: Option<String>,
    description: Option<String>,
    #[serde(rename = "sourceInfo")]
    source_info: Option<String>,
    #[serde(rename = "externalRefs", default)]
    references: Bounded<Reference, MAX_DETAILS>,
    #[serde(default)]
    annotations: Bounded<Annotation, MAX_DETAILS>,
    #[serde(rename = "attributionTexts", default)]
    attributions: Bounded<String, MAX_DETAILS>,
}

#[derive(Deserialize)]
struct Reference {
    #[serde(rename = "referenceType")]
    kind: String,
    #[serde(rename = "referenceLocator")]
    locator: String,
}

#[derive(Deserialize)]
struct Annotation {
    #[serde(default)]
    comment: String,
}

/// The elements that the document says it describes.
#[derive(Default)]
struct Described(Vec<String>);

impl<'de> Deserialize<'de> for Described {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Relationship {
            #[serde(rename = "spdxElementId")]
            from: String,
            #[serde(rename = "relationshipType")]
            kind: String,
            #[serde(rename = "relatedSpdxElement")]
            to: String,
        }
        let mut described = Vec::new();
        for_each(deserializer, MAX_RELATIONSHIPS, |it: Relationship| {
            if it.from == DOCUMENT && it.kind == "DESCRIBES" {
                described.push(it.to);
            }
        })?;
        Ok(Described(described))
    }
}

/// Reads a document.
pub(super) fn read(bytes: &[u8]) -> Result<Document, SbomError> {
    let spdx: Spdx = json("SPDX", bytes)?;
    let creators = spdx.creation.map(|creation| creation.creators.0).unwrap_or_default();
    let tool = |creator: String| creator.strip_prefix("Tool: ").map(str::to_owned);
    let mut document = Document {
        specification: spdx.version.replace('-', " "),
        tools: creators.into_iter().filter_map(tool).collect(),
        properties: properties(spdx.annotations.0),
        ..Document::default()
    };
    let mut roots = [spdx.describes.0, spdx.relationships.0].concat();
    roots.sort_unstable();
    roots.dedup();
    for package in spdx.packages.0 {
        let is_root = roots.len() == 1 && roots.contains(&package.id);
        let component = component(package);
        match is_root && document.root.is_none() {
            true => document.root = Some(component),
            false => document.components.push(component),
        }
    }
    Ok(document)
}

fn component(package: RawPackage) -> Component {
    let mut properties = properties(package.annotations.0);
    properties.extend(package.attributions.0.iter().filter_map(|text| property(text)));
    let groups = properties.iter().any(|(name, _)| name == "aquasecurity:trivy:Class");
    // The specification writes a hyphen, its JSON schema an underscore.
    let kind = match package.purpose.unwrap_or_default().replace('_', "-").as_str() {
        "OPERATING-SYSTEM" => Kind::OperatingSystem,
        "CONTAINER" | "FILE" | "DEVICE" => Kind::Other,
        _ if groups => Kind::Other,
        _ => Kind::Package,
    };
    let is_purl = |reference: &Reference| reference.kind.ends_with("purl");
    Component {
        kind,
        group: None,
        name: package.name,
        version: package.version,
        description: package.description,
        purl: package.references.0.into_iter().find(is_purl).map(|reference| reference.locator),
        source_info: package.source_info,
        properties,
        places: Vec::new(),
    }
}

fn properties(annotations: Vec<Annotation>) -> Vec<(String, String)> {
    annotations.iter().filter_map(|annotation| property(&annotation.comment)).collect()
}

/// Reads our own `tallyman:NAME=VALUE`, and `NAME: VALUE`, which is how Trivy writes in annotations
/// what it writes in CycloneDX as its properties.
fn property(text: &str) -> Option<(String, String)> {
    if text.starts_with("tallyman:") {
        return text.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
    }
    let (name, value) = text.split_once(": ")?;
    Some((format!("aquasecurity:trivy:{name}"), value.to_owned()))
}
