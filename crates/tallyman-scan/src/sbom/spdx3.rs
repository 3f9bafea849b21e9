//! SPDX 3.0 as JSON-LD in the form of its JSON schema (SPDX 3.0.1, "Serializations").

use serde::{Deserialize, Deserializer};

use super::component::{Component, Document, Kind};
use super::{SbomError, json};
use crate::bounded::{Bounded, MAX_COMPONENTS, MAX_DETAILS, for_each};

/// Elements are looked through, and few kinds of them kept.
const MAX_ELEMENTS: usize = 20_000_000;

#[derive(Deserialize)]
struct Spdx3 {
    #[serde(rename = "@graph")]
    graph: Graph,
}

/// What is kept of a graph.
#[derive(Default)]
struct Graph {
    version: Option<String>,
    tools: Vec<String>,
    properties: Vec<(String, String)>,
    is_incomplete: bool,
    /// What each bill of materials in the graph is about.
    roots: Vec<String>,
    packages: Vec<Element>,
    is_too_large: bool,
}

#[derive(Deserialize)]
struct Element {
    #[serde(rename = "type", alias = "@type", default)]
    kind: String,
    #[serde(rename = "spdxId", alias = "@id", default)]
    id: String,
    name: Option<String>,
    description: Option<String>,
    #[serde(rename = "specVersion")]
    specification: Option<String>,
    completeness: Option<String>,
    #[serde(rename = "rootElement", default)]
    roots: Bounded<String, MAX_DETAILS>,
    #[serde(rename = "software_packageVersion")]
    version: Option<String>,
    #[serde(rename = "software_packageUrl")]
    purl: Option<String>,
    #[serde(rename = "software_primaryPurpose")]
    purpose: Option<String>,
    #[serde(rename = "software_sourceInfo")]
    source_info: Option<String>,
    #[serde(rename = "externalIdentifier", default)]
    identifiers: Bounded<Identifier, MAX_DETAILS>,
    #[serde(rename = "extension", default)]
    extensions: Bounded<Extension, MAX_DETAILS>,
}

#[derive(Deserialize)]
struct Identifier {
    #[serde(rename = "externalIdentifierType", default)]
    kind: String,
    #[serde(default)]
    identifier: String,
}

#[derive(Deserialize)]
struct Extension {
    #[serde(rename = "extension_cdxProperty", default)]
    properties: Bounded<Entry, MAX_DETAILS>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(rename = "extension_cdxPropName")]
    name: String,
    #[serde(rename = "extension_cdxPropValue")]
    value: Option<String>,
}

impl<'de> Deserialize<'de> for Graph {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut graph = Graph::default();
        for_each(deserializer, MAX_ELEMENTS, |element| graph.keep(element))?;
        if graph.is_too_large {
            let reason = format!("it holds more than {MAX_COMPONENTS} packages");
            return Err(serde::de::Error::custom(reason));
        }
        Ok(graph)
    }
}

impl Graph {
    fn keep(&mut self, element: Element) {
        if element.completeness.as_deref() == Some("incomplete") {
            self.is_incomplete = true;
        }
        match element.kind.as_str() {
            "CreationInfo" => self.version = self.version.take().or(element.specification),
            "Tool" => self.tools.extend(element.name),
            "SpdxDocument" => self.properties.extend(properties(element.extensions)),
            "software_Sbom" => self.roots.extend(element.roots.0),
            "software_Package" if self.packages.len() < MAX_COMPONENTS => {
                self.packages.push(element);
            }
            "software_Package" => self.is_too_large = true,
            _ => {}
        }
    }
}

/// Reads a document.
pub(super) fn read(bytes: &[u8]) -> Result<Document, SbomError> {
    let Spdx3 { graph } = json("SPDX 3", bytes)?;
    let mut document = Document {
        specification: format!("SPDX {}", graph.version.as_deref().unwrap_or("3.0")),
        tools: graph.tools,
        properties: graph.properties,
        is_incomplete: graph.is_incomplete,
        ..Document::default()
    };
    for element in graph.packages {
        let is_root = graph.roots.len() == 1 && graph.roots.contains(&element.id);
        let component = component(element);
        match is_root && document.root.is_none() {
            true => document.root = Some(component),
            false => document.components.push(component),
        }
    }
    Ok(document)
}

fn component(element: Element) -> Component {
    let kind = match element.purpose.as_deref().unwrap_or_default() {
        "operatingSystem" => Kind::OperatingSystem,
        "container" | "file" | "device" | "diskImage" | "filesystemImage" => Kind::Other,
        _ => Kind::Package,
    };
    let of_identifiers = || {
        let mut identifiers = element.identifiers.0.into_iter();
        identifiers.find(|it| it.kind == "packageUrl").map(|it| it.identifier)
    };
    Component {
        kind,
        group: None,
        name: element.name.unwrap_or_default(),
        version: element.version,
        description: element.description,
        purl: element.purl.or_else(of_identifiers),
        source_info: element.source_info,
        properties: properties(element.extensions),
        places: Vec::new(),
    }
}

fn properties(extensions: Bounded<Extension, MAX_DETAILS>) -> Vec<(String, String)> {
    let entries = extensions.0.into_iter().flat_map(|extension| extension.properties.0);
    entries.filter_map(|entry| Some((entry.name, entry.value?))).collect()
}
