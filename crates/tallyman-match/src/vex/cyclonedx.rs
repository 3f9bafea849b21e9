//! CycloneDX VEX (ECMA-424, "vulnerabilities" with "analysis"): in a document of its own, or in the
//! bill of materials that it is about.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::value::RawValue;
use tallyman_model::clock::parse_rfc3339;
use tallyman_model::vex::{
    ProductName, VexDocument, VexFormat, VexProduct, VexStatement, VexStatus,
};

use super::VexError;
use super::list::{Budget, RawList, item, shown};
use super::product::{digest_of, name_of};

/// The names of one vulnerability that are kept.
const MAX_NAMES: usize = 1_000;

#[derive(Deserialize)]
struct Bom<'a> {
    #[serde(rename = "serialNumber")]
    serial_number: Option<String>,
    metadata: Option<Metadata<'a>>,
    #[serde(default)]
    components: Vec<Component>,
    #[serde(borrow, default)]
    vulnerabilities: RawList<'a>,
}

#[derive(Deserialize)]
struct Metadata<'a> {
    timestamp: Option<String>,
    #[serde(borrow)]
    component: Option<&'a RawValue>,
    supplier: Option<Named>,
    manufacturer: Option<Named>,
    #[serde(default)]
    authors: Vec<Named>,
}

#[derive(Deserialize)]
struct Named {
    name: Option<String>,
}

/// The name is required by the schema, and keeps lists of empty components from costing much.
#[derive(Deserialize)]
struct Component {
    #[serde(rename = "bom-ref")]
    reference: Option<String>,
    #[serde(rename = "name")]
    _name: String,
    purl: Option<String>,
    cpe: Option<String>,
    #[serde(default)]
    components: Vec<Component>,
}

#[derive(Deserialize)]
struct Root {
    #[serde(rename = "bom-ref")]
    reference: Option<String>,
    purl: Option<String>,
    version: Option<String>,
    #[serde(default)]
    hashes: Vec<Hash>,
    #[serde(default)]
    components: Vec<Component>,
}

#[derive(Deserialize)]
struct Hash {
    alg: String,
    content: String,
}

#[derive(Deserialize)]
struct Vulnerability<'a> {
    id: Option<String>,
    #[serde(borrow, default)]
    references: RawList<'a>,
    analysis: Option<Analysis>,
    #[serde(borrow, default)]
    affects: RawList<'a>,
    updated: Option<String>,
}

#[derive(Deserialize)]
struct Reference {
    id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Analysis {
    state: Option<String>,
    justification: Option<String>,
    detail: Option<String>,
    first_issued: Option<String>,
    last_updated: Option<String>,
}

#[derive(Deserialize)]
struct Affects<'a> {
    #[serde(rename = "ref")]
    reference: String,
    #[serde(borrow, default)]
    versions: RawList<'a>,
}

#[derive(Deserialize)]
struct Version {
    version: Option<String>,
    range: Option<String>,
    status: Option<String>,
}

/// Reads a document.
pub(super) fn read(bytes: &[u8], mut budget: Budget) -> Result<VexDocument, VexError> {
    let malformed = VexError::malformed("CycloneDX");
    let bom: Bom<'_> = serde_json::from_slice(bytes).map_err(&malformed)?;
    let mut known = Known::default();
    let mut author = String::new();
    let mut timestamp = None;
    if let Some(metadata) = bom.metadata {
        timestamp = metadata.timestamp.as_deref().and_then(parse_rfc3339);
        author = [metadata.supplier, metadata.manufacturer]
            .into_iter()
            .flatten()
            .chain(metadata.authors)
            .find_map(|named| named.name)
            .unwrap_or_default();
        if let Some(raw) = metadata.component {
            let root: Root = item(raw).map_err(&malformed)?;
            known.take_root(root, &mut budget)?;
        }
    }
    known.take(bom.components, &mut budget)?;
    let mut statements = Vec::new();
    for raw in &bom.vulnerabilities {
        let read: Vulnerability<'_> = item(raw).map_err(&malformed)?;
        if let Some(statement) = statement(read, timestamp, &known, &mut budget)? {
            statements.push(statement);
        }
    }
    Ok(VexDocument {
        id: bom.serial_number.unwrap_or_default(),
        format: VexFormat::CycloneDx,
        author,
        updated_ms: timestamp,
        statements,
        left_out: budget.into_notes(),
    })
}

/// What the components of the document are called elsewhere.
#[derive(Default)]
struct Known {
    components: HashMap<String, Vec<ProductName>>,
    root_reference: Option<String>,
    root: Vec<ProductName>,
}

impl Known {
    fn take_root(&mut self, root: Root, budget: &mut Budget) -> Result<(), VexError> {
        let mut names: Vec<ProductName> = root
            .purl
            .into_iter()
            .map(|purl| ProductName::Purl { purl, versions: vec![] })
            .collect();
        let version = root.version.and_then(|version| version.parse().ok());
        names.extend(version.map(ProductName::Digest));
        names.extend(root.hashes.iter().filter_map(|hash| match hash.alg.as_str() {
            "SHA-256" => digest_of("sha256", &hash.content),
            "SHA-512" => digest_of("sha512", &hash.content),
            _ => None,
        }));
        self.root_reference = root.reference;
        self.root = names;
        self.take(root.components, budget)
    }

    fn take(&mut self, components: Vec<Component>, budget: &mut Budget) -> Result<(), VexError> {
        for component in components {
            budget.take()?;
            if let Some(reference) = component.reference {
                let purl = component.purl.map(ProductName::purl);
                let names = purl.into_iter().chain(component.cpe.map(ProductName::Cpe)).collect();
                self.components.insert(reference, names);
            }
            self.take(component.components, budget)?;
        }
        Ok(())
    }

    /// Finds what a reference means: the root, a component within it, or a package URL, alone or at
    /// the end of a BOM-Link.
    fn product(&self, reference: &str) -> Option<VexProduct> {
        let end = match reference.strip_prefix("urn:cdx:") {
            Some(link) => decode(link.split_once('#')?.1),
            None => reference.to_owned(),
        };
        if self.root_reference.as_deref() == Some(&end) {
            return (!self.root.is_empty())
                .then(|| VexProduct { names: self.root.clone(), components: Vec::new() });
        }
        match self.components.get(&end).filter(|names| !names.is_empty()) {
            Some(names) if self.root.is_empty() => {
                Some(VexProduct { names: names.clone(), components: Vec::new() })
            }
            Some(names) => {
                Some(VexProduct { names: self.root.clone(), components: vec![names.clone()] })
            }
            None => Some(VexProduct { names: vec![name_of(&end)?], components: Vec::new() }),
        }
    }
}

fn statement(
    read: Vulnerability<'_>,
    timestamp: Option<i64>,
    known: &Known,
    budget: &mut Budget,
) -> Result<Option<VexStatement>, VexError> {
    let malformed = VexError::malformed("CycloneDX");
    let Some(analysis) = read.analysis else { return Ok(None) };
    let mut vulnerabilities: Vec<String> = read.id.into_iter().collect();
    for raw in read.references.iter().take(MAX_NAMES) {
        let reference: Reference = item(raw).map_err(&malformed)?;
        vulnerabilities.push(reference.id);
    }
    let name = || vulnerabilities.first().map(|name| shown(name)).unwrap_or_default();
    let Some(state) = analysis.state.as_deref() else { return Ok(None) };
    let Some(status) = status(state) else {
        budget.leave_out(|| format!("{}: the state `{}` is unknown", name(), shown(state)));
        return Ok(None);
    };
    let mut products = Vec::with_capacity(read.affects.len());
    for raw in &read.affects {
        budget.take()?;
        let affects: Affects<'_> = item(raw).map_err(&malformed)?;
        let versions = versions(&affects.versions, status, budget)?;
        let product = known.product(&affects.reference);
        match product.and_then(|product| restrict(product, &versions)) {
            Some(product) => products.push(product),
            None => budget.leave_out(|| {
                format!(
                    "{}: `{}` names no product that is known",
                    name(),
                    shown(&affects.reference)
                )
            }),
        }
    }
    let date = |text: &Option<String>| text.as_deref().and_then(parse_rfc3339);
    Ok(Some(VexStatement {
        status,
        products,
        justification: analysis.justification,
        impact: analysis.detail,
        updated_ms: date(&analysis.last_updated)
            .or_else(|| date(&analysis.first_issued))
            .or_else(|| date(&read.updated))
            .or(timestamp),
        vulnerabilities,
    }))
}

fn status(state: &str) -> Option<VexStatus> {
    match state {
        "not_affected" | "false_positive" => Some(VexStatus::NotAffected),
        "resolved" | "resolved_with_pedigree" => Some(VexStatus::Fixed),
        "exploitable" => Some(VexStatus::Affected),
        "in_triage" => Some(VexStatus::UnderInvestigation),
        _ => None,
    }
}

/// Returns the versions and ranges that an analysis holds for: those that are named, except that
/// what is called unaffected is no version of a product that is affected.
fn versions(
    list: &RawList<'_>,
    status: VexStatus,
    budget: &mut Budget,
) -> Result<Vec<String>, VexError> {
    let mut kept = Vec::new();
    for raw in list {
        budget.take()?;
        let read: Version = item(raw).map_err(VexError::malformed("CycloneDX"))?;
        let is_unaffected = read.status.as_deref() == Some("unaffected");
        let is_bad = matches!(status, VexStatus::Affected | VexStatus::UnderInvestigation);
        if !(is_unaffected && is_bad) {
            kept.extend(read.version.or(read.range));
        }
    }
    Ok(kept)
}

/// Narrows a product down to versions; `None` where they cannot be compared.
fn restrict(mut product: VexProduct, only: &[String]) -> Option<VexProduct> {
    if only.is_empty() {
        return Some(product);
    }
    let names = match product.components.first_mut() {
        Some(component) => component,
        None => &mut product.names,
    };
    names.retain(|name| matches!(name, ProductName::Purl { .. }));
    for name in names.iter_mut() {
        if let ProductName::Purl { versions, .. } = name {
            *versions = only.to_vec();
        }
    }
    let is_left = !names.is_empty();
    is_left.then_some(product)
}

/// Decodes the part of a BOM-Link that is percent-encoded.
fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let pair = after.get(..2).filter(|_| *first == b'%');
        let decoded =
            pair.and_then(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok());
        match decoded {
            Some(byte) => {
                bytes.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
