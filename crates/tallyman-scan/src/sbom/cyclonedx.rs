//! CycloneDX 1.2 to 1.7 as JSON (ECMA-424).

use std::fmt;

use serde::Deserialize;
use serde::de::value::SeqAccessDeserializer;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::component::{Component, Document, Kind};
use super::{SbomError, json};
use crate::bounded::{Bounded, MAX_COMPONENTS, MAX_DETAILS};

#[derive(Deserialize)]
struct Bom {
    #[serde(rename = "specVersion", default)]
    specification: String,
    metadata: Option<Metadata>,
    #[serde(default)]
    components: Bounded<RawComponent, MAX_COMPONENTS>,
    #[serde(default)]
    compositions: Bounded<Composition, MAX_DETAILS>,
}

#[derive(Deserialize)]
struct Metadata {
    #[serde(default)]
    tools: Tools,
    component: Option<RawComponent>,
    #[serde(default)]
    properties: Bounded<Property, MAX_DETAILS>,
}

#[derive(Deserialize)]
struct Tool {
    name: Option<String>,
    version: Option<String>,
}

/// Up to 1.4 a list, since 1.5 an object with the list `components`.
#[derive(Default)]
struct Tools(Bounded<Tool, MAX_DETAILS>);

impl<'de> Deserialize<'de> for Tools {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ToolsVisitor)
    }
}

struct ToolsVisitor;

impl<'de> Visitor<'de> for ToolsVisitor {
    type Value = Tools;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of tools, or an object with one")
    }

    fn visit_unit<E: Error>(self) -> Result<Tools, E> {
        Ok(Tools::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Tools, A::Error> {
        Bounded::deserialize(SeqAccessDeserializer::new(list)).map(Tools)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Tools, A::Error> {
        let mut tools = Tools::default();
        while let Some(field) = object.next_key::<String>()? {
            match field.as_str() {
                "components" => tools = Tools(object.next_value()?),
                _ => {
                    object.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(tools)
    }
}

#[derive(Deserialize)]
struct Composition {
    #[serde(default)]
    aggregate: String,
}

#[derive(Deserialize)]
struct RawComponent {
    #[serde(rename = "type")]
    kind: String,
    group: Option<String>,
    name: String,
    version: Option<String>,
    description: Option<String>,
    purl: Option<String>,
    #[serde(default)]
    properties: Bounded<Property, MAX_DETAILS>,
    evidence: Option<Evidence>,
    #[serde(default)]
    components: Bounded<RawComponent, MAX_COMPONENTS>,
}

#[derive(Deserialize)]
struct Property {
    name: String,
    value: Option<String>,
}

#[derive(Deserialize)]
struct Evidence {
    #[serde(default)]
    occurrences: Bounded<Occurrence, MAX_DETAILS>,
}

#[derive(Deserialize)]
struct Occurrence {
    location: String,
    #[serde(rename = "additionalContext")]
    context: Option<String>,
}

/// Reads a document.
pub(super) fn read(bytes: &[u8]) -> Result<Document, SbomError> {
    let bom: Bom = json("CycloneDX", bytes)?;
    let mut document = Document {
        specification: format!("CycloneDX {}", bom.specification),
        is_incomplete: bom.compositions.0.iter().any(|it| it.aggregate.starts_with("incomplete")),
        ..Document::default()
    };
    if let Some(metadata) = bom.metadata {
        document.tools = tools(metadata.tools);
        document.properties = properties(metadata.properties);
        if let Some(root) = metadata.component {
            document.root = Some(flatten(root, &mut document.components));
        }
    }
    for component in bom.components.0 {
        let component = flatten(component, &mut document.components);
        document.components.push(component);
    }
    Ok(document)
}

fn tools(tools: Tools) -> Vec<String> {
    let named = |tool: Tool| {
        let name = tool.name?;
        Some(match tool.version {
            Some(version) => format!("{name} {version}"),
            None => name,
        })
    };
    tools.0.0.into_iter().filter_map(named).collect()
}

/// Takes a component apart from those within it, which serde has read to a limited depth.
fn flatten(raw: RawComponent, others: &mut Vec<Component>) -> Component {
    for inner in raw.components.0 {
        let inner = flatten(inner, others);
        others.push(inner);
    }
    let properties = properties(raw.properties);
    // Trivy writes a lock file or an executable as a component that others depend on.
    let groups = properties.iter().any(|(name, _)| name == "aquasecurity:trivy:Class");
    let kind = match raw.kind.as_str() {
        "operating-system" => Kind::OperatingSystem,
        "container" | "file" | "data" | "device" | "cryptographic-asset" => Kind::Other,
        _ if groups => Kind::Other,
        _ => Kind::Package,
    };
    let occurrences = raw.evidence.map(|evidence| evidence.occurrences.0).unwrap_or_default();
    Component {
        kind,
        group: raw.group,
        name: raw.name,
        version: raw.version,
        description: raw.description,
        purl: raw.purl,
        source_info: None,
        properties,
        places: occurrences.into_iter().map(|it| (it.location, it.context)).collect(),
    }
}

fn properties(properties: Bounded<Property, MAX_DETAILS>) -> Vec<(String, String)> {
    properties.0.into_iter().filter_map(|it| Some((it.name, it.value?))).collect()
}
