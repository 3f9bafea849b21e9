//! SPDX 3.0.1 as JSON-LD, profiles core and software: the packages. What has no field stands in
//! the extension for CycloneDX properties (model, Extension/CdxPropertiesExtension).

use serde_json::{Value, json};
use tallyman_model::digest::{Algorithm, Digest};

use super::bill::{Bill, Component, Property, content_uuid, document_base, element_name};

const CREATION: &str = "_:creation";

/// Writes the document.
pub(super) fn render(bill: &Bill<'_>, date: &str) -> Value {
    // The identifiers hold the UUID of the content, which is taken with other identifiers.
    let content = Document { bill, date, base: String::new() }.render();
    let uuid = content_uuid(content.to_string().as_bytes());
    let base = document_base(&bill.report.image.name, uuid);
    Document { bill, date, base: format!("{base}#") }.render()
}

struct Document<'a> {
    bill: &'a Bill<'a>,
    date: &'a str,
    /// What all identifiers begin with.
    base: String,
}

impl Document<'_> {
    fn render(&self) -> Value {
        let system = self.operating_system();
        let packages: Vec<Value> =
            self.bill.components.iter().map(|component| self.package(component)).collect();
        let contained: Vec<Value> =
            system.iter().chain(&packages).filter_map(|it| it.get("spdxId").cloned()).collect();
        let mut elements = vec![self.id("Image")];
        elements.extend(contained.iter().filter_map(Value::as_str).map(str::to_owned));
        let contains = (!contained.is_empty()).then(|| self.contains(&contained));
        if contains.is_some() {
            elements.push(self.id("ImageContains"));
        }
        let mut graph = self.creation();
        graph.push(self.document());
        graph.push(self.sbom(&elements));
        graph.push(self.image());
        graph.extend(system);
        graph.extend(packages);
        graph.extend(contains);
        json!({
            "@context": "https://spdx.org/rdf/3.0.1/spdx-context.jsonld",
            "@graph": graph,
        })
    }

    fn id(&self, name: &str) -> String {
        format!("{}{name}", self.base)
    }

    fn creation(&self) -> Vec<Value> {
        let name = format!("tallyman {}", self.bill.tool_version);
        vec![
            json!({
                "type": "CreationInfo",
                "@id": CREATION,
                "specVersion": "3.0.1",
                "created": self.date,
                "createdBy": [self.id("Agent")],
                "createdUsing": [self.id("Tool")],
            }),
            self.element("SoftwareAgent", "Agent", &name),
            self.element("Tool", "Tool", &name),
        ]
    }

    fn document(&self) -> Value {
        let mut value = self.element("SpdxDocument", "Document", &self.bill.report.image.name);
        if let Some(fields) = value.as_object_mut() {
            let profiles = json!(["core", "software", "extension"]);
            fields.insert("profileConformance".to_owned(), profiles);
            fields.insert("rootElement".to_owned(), json!([self.id("Sbom")]));
            fields.insert("element".to_owned(), json!([self.id("Agent"), self.id("Tool")]));
            fields.insert("extension".to_owned(), extension(self.bill.properties()));
            if let Some(comment) = self.bill.incompleteness() {
                fields.insert("comment".to_owned(), json!(comment));
            }
        }
        value
    }

    fn sbom(&self, elements: &[String]) -> Value {
        let mut value = self.element("software_Sbom", "Sbom", &self.bill.report.image.name);
        if let Some(fields) = value.as_object_mut() {
            fields.insert("rootElement".to_owned(), json!([self.id("Image")]));
            fields.insert("element".to_owned(), json!(elements));
            fields.insert("software_sbomType".to_owned(), json!(["analyzed"]));
        }
        value
    }

    fn image(&self) -> Value {
        let image = &self.bill.report.image;
        let purpose = if self.bill.is_image() { "container" } else { "file" };
        let mut value = self.software("Image", &image.name, purpose);
        if let Some(fields) = value.as_object_mut() {
            fields.insert("extension".to_owned(), extension(self.bill.image_properties()));
            if let Some(digest) = &image.manifest_digest {
                fields.insert("software_packageVersion".to_owned(), json!(digest));
                fields.insert("verifiedUsing".to_owned(), json!([hash(digest)]));
            }
            if let Some(purl) = &self.bill.image_purl {
                fields.insert("software_packageUrl".to_owned(), json!(purl));
            }
        }
        value
    }

    fn operating_system(&self) -> Option<Value> {
        let distribution = self.bill.report.distribution.as_ref()?;
        let mut value = self.software("OperatingSystem", &distribution.id, "operatingSystem");
        let fields = value.as_object_mut()?;
        if let Some(version) = &distribution.version_id {
            fields.insert("software_packageVersion".to_owned(), json!(version));
        }
        if let Some(name) = &distribution.pretty_name {
            fields.insert("description".to_owned(), json!(name));
        }
        let properties = self.bill.distribution_properties();
        if !properties.is_empty() {
            fields.insert("extension".to_owned(), extension(properties));
        }
        Some(value)
    }

    fn package(&self, component: &Component<'_>) -> Value {
        let package = component.package;
        let mut value = self.software(&element_name(component), &package.name, "library");
        if let Some(fields) = value.as_object_mut() {
            let properties = [component.properties(), component.location_properties()].concat();
            fields.insert("software_packageVersion".to_owned(), json!(package.version));
            fields.insert("software_packageUrl".to_owned(), json!(component.purl));
            fields.insert("extension".to_owned(), extension(properties));
            if let Some(source) = &package.source {
                let text = format!("built package from: {} {}", source.name, source.version);
                fields.insert("software_sourceInfo".to_owned(), json!(text));
            }
        }
        value
    }

    fn contains(&self, contained: &[Value]) -> Value {
        let completeness = match self.bill.is_incomplete() {
            true => "incomplete",
            // No scanner can know that it recognised everything.
            false => "noAssertion",
        };
        json!({
            "type": "Relationship",
            "spdxId": self.id("ImageContains"),
            "creationInfo": CREATION,
            "from": self.id("Image"),
            "relationshipType": "contains",
            "completeness": completeness,
            "to": contained,
        })
    }

    fn element(&self, kind: &str, id: &str, name: &str) -> Value {
        json!({ "type": kind, "spdxId": self.id(id), "creationInfo": CREATION, "name": name })
    }

    fn software(&self, id: &str, name: &str, purpose: &str) -> Value {
        let mut value = self.element("software_Package", id, name);
        if let Some(fields) = value.as_object_mut() {
            fields.insert("software_primaryPurpose".to_owned(), json!(purpose));
        }
        value
    }
}

fn hash(digest: &Digest) -> Value {
    let algorithm = match digest.algorithm() {
        Algorithm::Sha256 => "sha256",
        Algorithm::Sha512 => "sha512",
    };
    json!({ "type": "Hash", "algorithm": algorithm, "hashValue": digest.hex() })
}

fn extension(properties: Vec<Property>) -> Value {
    let entry = |(name, value): Property| {
        json!({
            "type": "extension_CdxPropertyEntry",
            "extension_cdxPropName": name,
            "extension_cdxPropValue": value,
        })
    };
    let entries: Vec<Value> = properties.into_iter().map(entry).collect();
    json!([{ "type": "extension_CdxPropertiesExtension", "extension_cdxProperty": entries }])
}
