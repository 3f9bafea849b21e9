//! SPDX 2.3 as JSON (ISO/IEC 5962:2021 and its successor): the packages. It has no place for
//! vulnerabilities.

use serde_json::{Value, json};
use tallyman_model::digest::{Algorithm, Digest};

use super::bill::{Bill, Component, Property, content_uuid, document_base, element_name};

const DOCUMENT: &str = "SPDXRef-DOCUMENT";
const IMAGE: &str = "SPDXRef-Image";
const SYSTEM: &str = "SPDXRef-OperatingSystem";

/// Writes the document.
pub(super) fn render(bill: &Bill<'_>, date: &str) -> Value {
    let notes = Notes { date, annotator: format!("Tool: tallyman-{}", bill.tool_version) };
    let mut packages = vec![image(bill, &notes)];
    let mut relationships = vec![relationship(DOCUMENT, "DESCRIBES", IMAGE)];
    if let Some(system) = operating_system(bill, &notes) {
        packages.push(system);
        relationships.push(relationship(IMAGE, "CONTAINS", SYSTEM));
    }
    for component in &bill.components {
        let id = format!("SPDXRef-{}", element_name(component));
        relationships.push(relationship(IMAGE, "CONTAINS", &id));
        packages.push(package(component, id, &notes));
    }
    let mut document = json!({
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": DOCUMENT,
        "name": bill.report.image.name,
        "creationInfo": { "created": date, "creators": [notes.annotator] },
        "annotations": notes.of(bill.properties()),
        "packages": packages,
        "relationships": relationships,
    });
    let uuid = content_uuid(document.to_string().as_bytes());
    if let Some(fields) = document.as_object_mut() {
        let namespace = document_base(&bill.report.image.name, uuid);
        fields.insert("documentNamespace".to_owned(), json!(namespace));
        if let Some(comment) = bill.incompleteness() {
            fields.insert("comment".to_owned(), json!(comment));
        }
    }
    document
}

fn image(bill: &Bill<'_>, notes: &Notes<'_>) -> Value {
    let image = &bill.report.image;
    let mut value = described(json!({
        "SPDXID": IMAGE,
        "name": image.name,
        "primaryPackagePurpose": if bill.is_image() { "CONTAINER" } else { "FILE" },
        "annotations": notes.of(bill.image_properties()),
    }));
    if let (Some(digest), Some(fields)) = (&image.manifest_digest, value.as_object_mut()) {
        fields.insert("versionInfo".to_owned(), json!(digest));
        fields.insert("checksums".to_owned(), json!([checksum(digest)]));
    }
    if let (Some(purl), Some(fields)) = (&bill.image_purl, value.as_object_mut()) {
        fields.insert("externalRefs".to_owned(), purl_reference(purl));
    }
    value
}

fn checksum(digest: &Digest) -> Value {
    let algorithm = match digest.algorithm() {
        Algorithm::Sha256 => "SHA256",
        Algorithm::Sha512 => "SHA512",
    };
    json!({ "algorithm": algorithm, "checksumValue": digest.hex() })
}

fn operating_system(bill: &Bill<'_>, notes: &Notes<'_>) -> Option<Value> {
    let distribution = bill.report.distribution.as_ref()?;
    let mut value = described(json!({
        "SPDXID": SYSTEM,
        "name": distribution.id,
        "primaryPackagePurpose": "OPERATING_SYSTEM",
        "annotations": notes.of(bill.distribution_properties()),
    }));
    let fields = value.as_object_mut()?;
    if let Some(version) = &distribution.version_id {
        fields.insert("versionInfo".to_owned(), json!(version));
    }
    if let Some(name) = &distribution.pretty_name {
        fields.insert("description".to_owned(), json!(name));
    }
    Some(value)
}

fn package(component: &Component<'_>, id: String, notes: &Notes<'_>) -> Value {
    let package = component.package;
    let mut value = described(json!({
        "SPDXID": id,
        "name": package.name,
        "versionInfo": package.version,
        "primaryPackagePurpose": "LIBRARY",
        "externalRefs": purl_reference(&component.purl),
        "annotations": notes.of([component.properties(), component.location_properties()].concat()),
    }));
    if let (Some(source), Some(fields)) = (&package.source, value.as_object_mut()) {
        let text = format!("built package from: {} {}", source.name, source.version);
        fields.insert("sourceInfo".to_owned(), json!(text));
    }
    value
}

/// Adds what the specification demands of each package and nobody has looked for here.
fn described(mut package: Value) -> Value {
    if let Some(fields) = package.as_object_mut() {
        fields.insert("filesAnalyzed".to_owned(), json!(false));
        for name in
            ["supplier", "downloadLocation", "licenseConcluded", "licenseDeclared", "copyrightText"]
        {
            fields.insert(name.to_owned(), json!("NOASSERTION"));
        }
    }
    package
}

fn purl_reference(purl: &str) -> Value {
    json!([{
        "referenceCategory": "PACKAGE-MANAGER",
        "referenceType": "purl",
        "referenceLocator": purl,
    }])
}

fn relationship(from: &str, kind: &str, to: &str) -> Value {
    json!({ "spdxElementId": from, "relationshipType": kind, "relatedSpdxElement": to })
}

/// Properties as annotations: `name=value`.
struct Notes<'a> {
    date: &'a str,
    annotator: String,
}

impl Notes<'_> {
    fn of(&self, properties: Vec<Property>) -> Vec<Value> {
        let note = |(name, value): Property| {
            json!({
                "annotationDate": self.date,
                "annotationType": "OTHER",
                "annotator": self.annotator,
                "comment": format!("{name}={value}"),
            })
        };
        properties.into_iter().map(note).collect()
    }
}
