//! What a scan says of its findings, as an OpenVEX document
//! (<https://github.com/openvex/spec/blob/main/OPENVEX-SPEC.md>, 0.2.0).
//!
//! The product is the image by its digest, the packages are its subcomponents. The same report gives
//! the same bytes. A rule is no claim that the image is not affected: what it ignores is under
//! investigation, with the rule in the notes.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::{Map, Value, json};
use tallyman_model::clock::{format_utc, parse_rfc3339};
use tallyman_model::digest::{Algorithm, Digest};
use tallyman_model::finding_state::{AppliedStatement, FindingState};
use tallyman_model::package_url::image_purl;
use tallyman_model::vex::VexStatus;

use crate::report::{ReportFinding, ReportImage, ReportPackage, ScanReport};
use crate::sbom::content_uuid;

const CONTEXT: &str = "https://openvex.dev/ns/v0.2.0";

/// The labels that justify that a product is not affected ("Status Justifications").
const JUSTIFICATIONS: [&str; 5] = [
    "component_not_present",
    "vulnerable_code_not_present",
    "vulnerable_code_not_in_execute_path",
    "vulnerable_code_cannot_be_controlled_by_adversary",
    "inline_mitigations_already_exist",
];

/// What is not in a report and stands in a document.
#[derive(Clone, Debug)]
pub struct VexOptions {
    /// The date of the document, milliseconds since the epoch; where absent, the newest date of the
    /// image, the advisories and the statements that were applied.
    pub created_ms: Option<i64>,
    /// Who answers for the document: a person or an organization.
    pub author: String,
    /// The version of this program.
    pub tool_version: String,
}

/// What is said of one vulnerability, of all packages that it is said of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
struct Said {
    status: VexStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    justification: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    impact_statement: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    action_statement: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_notes: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp: Option<String>,
}

/// Writes a document. A report without findings has a document without statements.
pub fn render(report: &ScanReport, options: &VexOptions) -> Value {
    let mut said: BTreeMap<(&str, Said), BTreeSet<&str>> = BTreeMap::new();
    let mut named: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for package in &report.packages {
        for found in &package.findings {
            let finding = &found.finding;
            for name in finding.aliases.iter().filter(|name| **name != finding.id) {
                named.entry(name).or_default().insert(&finding.id);
            }
            let packages = said.entry((&finding.id, say(found, package))).or_default();
            packages.insert(&package.purl);
        }
    }
    // A name that several vulnerabilities have, such as that of an update, would make what is said
    // of one hold for the others.
    let mut aliases: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (name, ids) in named {
        if let (Some(id), 1) = (ids.first(), ids.len()) {
            aliases.entry(*id).or_default().insert(name);
        }
    }
    let statements: Vec<Value> = said
        .iter()
        .map(|((id, said), packages)| {
            let of_id = aliases.get(id);
            statement(id, of_id, said, products(&report.image, packages))
        })
        .collect();
    let mut document = json!({
        "@context": CONTEXT,
        "author": options.author,
        "timestamp": format_utc(options.created_ms.unwrap_or_else(|| date(report))),
        "version": 1,
        "tooling": format!("tallyman {}", options.tool_version),
        "statements": statements,
    });
    let id = format!("urn:uuid:{}", content_uuid(document.to_string().as_bytes()));
    if let Some(fields) = document.as_object_mut() {
        fields.insert("@id".to_owned(), json!(id));
    }
    document
}

/// Returns the newest date of all that the document rests on.
fn date(report: &ScanReport) -> i64 {
    let image = report.image.created.as_deref().and_then(parse_rfc3339);
    let advisories = report.advisories.feeds.iter().filter_map(|feed| feed.data_ms);
    let findings = report.packages.iter().flat_map(|package| &package.findings);
    let applied = findings.filter_map(|found| parse_rfc3339(found.vex.as_ref()?.date.as_deref()?));
    image.into_iter().chain(advisories).chain(applied).max().unwrap_or_default()
}

fn say(found: &ReportFinding, package: &ReportPackage) -> Said {
    let status = status(found);
    let mut said = Said {
        status,
        justification: None,
        impact_statement: None,
        action_statement: None,
        status_notes: None,
        timestamp: None,
    };
    let vex = found.vex.as_ref().filter(|vex| vex.status == status);
    if let Some(vex) = vex {
        said.timestamp.clone_from(&vex.date);
        said.status_notes = Some(format!("{}: {}", vex.author, vex.document));
    }
    match status {
        VexStatus::NotAffected => {
            (said.justification, said.impact_statement) = reason(vex);
        }
        VexStatus::Affected => said.action_statement = Some(action(found, package)),
        VexStatus::Fixed | VexStatus::UnderInvestigation => {}
    }
    if let Some(rule) = found.ignored_by.as_ref().filter(|_| found.state == FindingState::Ignored) {
        let text = format!("ignored by rule {} of {}: {}", rule.id, rule.author, rule.reason);
        said.status_notes = Some(text);
    }
    said
}

fn status(found: &ReportFinding) -> VexStatus {
    match (found.state, found.vex.as_ref().map(|vex| vex.status)) {
        (FindingState::NotAffected, _) => VexStatus::NotAffected,
        (FindingState::Fixed, _) => VexStatus::Fixed,
        (FindingState::Ignored | FindingState::Undetermined, _)
        | (_, Some(VexStatus::UnderInvestigation)) => VexStatus::UnderInvestigation,
        (FindingState::Open | FindingState::WillNotFix | FindingState::EndOfLife, _) => {
            VexStatus::Affected
        }
    }
}

/// Returns the label and the words for which a product is not affected; one of them there must be.
fn reason(vex: Option<&AppliedStatement>) -> (Option<String>, Option<String>) {
    let label = vex.and_then(|vex| vex.justification.as_deref());
    let known = label.and_then(justification).map(str::to_owned);
    let words = vex.and_then(|vex| vex.impact.clone());
    let words = words.or_else(|| label.filter(|_| known.is_none()).map(str::to_owned));
    match (&known, &words) {
        (None, None) => (None, Some("no reason is known".to_owned())),
        (Some(_), _) | (None, Some(_)) => (known, words),
    }
}

/// Returns OpenVEX's word for a label, where it has one of the same meaning.
fn justification(label: &str) -> Option<&str> {
    match label {
        "code_not_present" => Some("vulnerable_code_not_present"),
        "code_not_reachable" => Some("vulnerable_code_not_in_execute_path"),
        "protected_by_mitigating_control" => Some("inline_mitigations_already_exist"),
        _ => JUSTIFICATIONS.contains(&label).then_some(label),
    }
}

fn action(found: &ReportFinding, package: &ReportPackage) -> String {
    match (&found.finding.fixed_version, found.state) {
        (Some(version), _) => format!("Update {} to {version} or newer.", package.name),
        (None, FindingState::WillNotFix) => "The distribution will not fix it.".to_owned(),
        (None, FindingState::EndOfLife) => "The package is no longer supported.".to_owned(),
        (None, _) => "No version without it is known.".to_owned(),
    }
}

fn statement(
    id: &str,
    aliases: Option<&BTreeSet<&str>>,
    said: &Said,
    products: Vec<Value>,
) -> Value {
    let mut vulnerability = json!({ "name": id });
    if let Some(aliases) = aliases.filter(|aliases| !aliases.is_empty()) {
        set(&mut vulnerability, "aliases", aliases);
    }
    let mut statement = json!(said);
    set(&mut statement, "vulnerability", &vulnerability);
    set(&mut statement, "products", &products);
    statement
}

/// The image with these packages within it; of what has no digest, the packages themselves.
fn products(image: &ReportImage, packages: &BTreeSet<&str>) -> Vec<Value> {
    let component = |purl: &&str| json!({ "@id": purl, "identifiers": { "purl": purl } });
    let components: Vec<Value> = packages.iter().map(component).collect();
    let Some(digest) = image.manifest_digest.as_ref().or(image.config_digest.as_ref()) else {
        return components;
    };
    let architecture = image.platform.as_ref().and_then(|platform| platform.split('/').nth(1));
    let algorithm = match digest.algorithm() {
        Algorithm::Sha256 => "sha-256",
        Algorithm::Sha512 => "sha-512",
    };
    let mut product = json!({
        "@id": image_id(image, digest, architecture),
        "hashes": { algorithm: digest.hex() },
        "subcomponents": components,
    });
    let named = image.manifest_digest.as_ref();
    if let Some(purl) = named.and_then(|digest| image_purl(&image.name, digest, architecture)) {
        set(&mut product, "identifiers", &json!({ "purl": purl }));
    }
    vec![product]
}

/// A package URL, where it is known in which registry the image is.
fn image_id(image: &ReportImage, digest: &Digest, architecture: Option<&str>) -> String {
    image
        .manifest_digest
        .as_ref()
        .and_then(|digest| image_purl(&image.name, digest, architecture))
        .unwrap_or_else(|| format!("urn:oci:{digest}"))
}

fn set(object: &mut Value, name: &str, value: &impl Serialize) {
    let fields: Option<&mut Map<String, Value>> = object.as_object_mut();
    if let Some(fields) = fields {
        fields.insert(name.to_owned(), json!(value));
    }
}

#[cfg(test)]
mod tests;
