//! OpenVEX 0.2.0, and 0.0.x, which named products and vulnerabilities by texts alone
//! (<https://github.com/openvex/spec/blob/main/OPENVEX-SPEC.md>).

use serde::Deserialize;
use serde_json::value::RawValue;
use tallyman_model::clock::parse_rfc3339;
use tallyman_model::vex::{
    ProductName, VexDocument, VexFormat, VexProduct, VexStatement, VexStatus,
};

use super::VexError;
use super::list::{Budget, RawList, item, shown};
use super::product::{digest_of, name_of};

/// What the context of every version begins with.
pub(super) const CONTEXT: &str = "https://openvex.dev/ns";

/// The aliases of one vulnerability that are kept.
const MAX_NAMES: usize = 1_000;

#[derive(Deserialize)]
struct Document<'a> {
    #[serde(rename = "@id")]
    id: String,
    #[serde(default)]
    author: String,
    timestamp: Option<String>,
    last_updated: Option<String>,
    #[serde(borrow, default)]
    statements: RawList<'a>,
}

#[derive(Deserialize)]
struct Statement<'a> {
    #[serde(borrow)]
    vulnerability: &'a RawValue,
    #[serde(borrow, default)]
    products: RawList<'a>,
    /// Of 0.0.x: of all products.
    #[serde(borrow, default)]
    subcomponents: RawList<'a>,
    status: String,
    justification: Option<String>,
    impact_statement: Option<String>,
    timestamp: Option<String>,
    last_updated: Option<String>,
}

#[derive(Deserialize)]
struct Vulnerability {
    name: Option<String>,
    #[serde(rename = "@id")]
    id: Option<String>,
    #[serde(default)]
    aliases: Vec<String>,
}

/// A product or a subcomponent.
#[derive(Deserialize)]
struct Component<'a> {
    #[serde(rename = "@id")]
    id: Option<String>,
    identifiers: Option<Identifiers>,
    hashes: Option<Hashes>,
    #[serde(borrow, default)]
    subcomponents: RawList<'a>,
}

#[derive(Deserialize)]
struct Identifiers {
    purl: Option<String>,
    cpe22: Option<String>,
    cpe23: Option<String>,
}

#[derive(Deserialize)]
struct Hashes {
    #[serde(rename = "sha-256")]
    sha256: Option<String>,
    #[serde(rename = "sha-512")]
    sha512: Option<String>,
}

/// Reads a document.
pub(super) fn read(bytes: &[u8], mut budget: Budget) -> Result<VexDocument, VexError> {
    let malformed = VexError::malformed("OpenVEX");
    let document: Document<'_> = serde_json::from_slice(bytes).map_err(&malformed)?;
    let date = |text: &Option<String>| text.as_deref().and_then(parse_rfc3339);
    let mut statements = Vec::new();
    for raw in &document.statements {
        let read: Statement<'_> = item(raw).map_err(&malformed)?;
        // "Data inheritance": a statement without a date has that of its document.
        let updated_ms = date(&read.last_updated)
            .or_else(|| date(&read.timestamp))
            .or_else(|| date(&document.timestamp))
            .or_else(|| date(&document.last_updated));
        if let Some(statement) = statement(read, updated_ms, &mut budget)? {
            statements.push(statement);
        }
    }
    Ok(VexDocument {
        id: document.id,
        format: VexFormat::OpenVex,
        author: document.author,
        updated_ms: date(&document.last_updated).or_else(|| date(&document.timestamp)),
        statements,
        left_out: budget.into_notes(),
    })
}

fn statement(
    read: Statement<'_>,
    updated_ms: Option<i64>,
    budget: &mut Budget,
) -> Result<Option<VexStatement>, VexError> {
    let vulnerabilities = vulnerability(read.vulnerability)?;
    let name = || vulnerabilities.first().map(|name| shown(name)).unwrap_or_default();
    let Some(status) = status(&read.status) else {
        budget.leave_out(|| format!("{}: the status `{}` is unknown", name(), shown(&read.status)));
        return Ok(None);
    };
    let is_explained = read.justification.is_some() || read.impact_statement.is_some();
    if status == VexStatus::NotAffected && !is_explained {
        budget.leave_out(|| format!("{}: not affected, without a reason", name()));
        return Ok(None);
    }
    let mut common = Vec::new();
    for raw in &read.subcomponents {
        budget.take()?;
        common.push(component(raw)?.0);
    }
    let mut products = Vec::with_capacity(read.products.len());
    for raw in &read.products {
        budget.take()?;
        let (names, inner) = component(raw)?;
        let mut components = common.clone();
        for raw in inner {
            budget.take()?;
            components.push(component(raw)?.0);
        }
        if names.is_empty() {
            budget.leave_out(|| format!("{}: a product without a name that is known", name()));
            continue;
        }
        products.push(VexProduct { names, components });
    }
    Ok(Some(VexStatement {
        vulnerabilities,
        products,
        status,
        justification: read.justification,
        impact: read.impact_statement,
        updated_ms,
    }))
}

fn status(text: &str) -> Option<VexStatus> {
    [VexStatus::NotAffected, VexStatus::Affected, VexStatus::Fixed, VexStatus::UnderInvestigation]
        .into_iter()
        .find(|status| status.name() == text)
}

/// Returns the names: of 0.0.x a text, since then an object.
fn vulnerability(raw: &RawValue) -> Result<Vec<String>, VexError> {
    let malformed = VexError::malformed("OpenVEX");
    if raw.get().starts_with('"') {
        return Ok(vec![item(raw).map_err(malformed)?]);
    }
    let read: Vulnerability = item(raw).map_err(malformed)?;
    // An address ends with the name, as that of the NVD does.
    let of_id = read.id.as_deref().and_then(|id| id.rsplit('/').next()).map(str::to_owned);
    let mut names: Vec<String> = Vec::new();
    for name in read.name.into_iter().chain(read.aliases).chain(of_id).take(MAX_NAMES) {
        if !name.is_empty() && !names.contains(&name) {
            names.push(name);
        }
    }
    Ok(names)
}

/// Returns the names of a product, and its subcomponents: of 0.0.x a text.
fn component(raw: &RawValue) -> Result<(Vec<ProductName>, RawList<'_>), VexError> {
    let malformed = VexError::malformed("OpenVEX");
    if raw.get().starts_with('"') {
        let text: String = item(raw).map_err(malformed)?;
        return Ok((name_of(&text).into_iter().collect(), Vec::new()));
    }
    let read: Component<'_> = item(raw).map_err(malformed)?;
    let mut names: Vec<ProductName> = read.id.as_deref().and_then(name_of).into_iter().collect();
    if let Some(Identifiers { purl, cpe22, cpe23 }) = read.identifiers {
        names.extend(purl.map(ProductName::purl));
        names.extend(cpe22.into_iter().chain(cpe23).map(ProductName::Cpe));
    }
    if let Some(Hashes { sha256, sha512 }) = read.hashes {
        let sha256 = sha256.and_then(|hex| digest_of("sha256", &hex));
        names.extend(sha256.into_iter().chain(sha512.and_then(|hex| digest_of("sha512", &hex))));
    }
    names.dedup();
    Ok((names, read.subcomponents))
}
