//! CycloneDX 1.6 as JSON (ECMA-424): components and vulnerabilities in one document.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};
use tallyman_model::advisory::FixState;
use tallyman_model::clock::format_utc;
use tallyman_model::digest::{Algorithm, Digest};
use tallyman_model::finding::Finding;
use tallyman_model::finding_state::FindingState;
use tallyman_model::severity::Severity;
use tallyman_model::vex::VexStatus;

use super::bill::{Bill, Component, Property, content_uuid};
use crate::report::ReportFinding;

/// The schema's `maxLength` of a version.
const MAX_VERSION_CHARS: usize = 1024;

const OS_REF: &str = "operating-system";

/// Writes the document.
pub(super) fn render(bill: &Bill<'_>, date: &str) -> Value {
    let root = root_ref(bill);
    let mut document = json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "timestamp": date,
            "lifecycles": [{ "phase": "post-build" }],
            "tools": { "components": [{
                "type": "application",
                "name": "tallyman",
                "version": bill.tool_version,
            }] },
            "component": image(bill, &root),
            "properties": properties(
                [bill.properties(), bill.advisory_properties()].concat()
            ),
        },
        "components": components(bill),
        "dependencies": dependencies(bill, &root),
        "compositions": [{
            // No scanner can know that it recognised everything, so never `complete`.
            "aggregate": if bill.is_incomplete() { "incomplete" } else { "unknown" },
            "assemblies": [root],
        }],
        "vulnerabilities": vulnerabilities(bill),
    });
    let serial = content_uuid(document.to_string().as_bytes());
    set(&mut document, "serialNumber", Some(format!("urn:uuid:{serial}")));
    document
}

fn root_ref(bill: &Bill<'_>) -> String {
    let image = &bill.report.image;
    let layer = image.layers.first().map(|layer| &layer.digest);
    match image.manifest_digest.as_ref().or(image.config_digest.as_ref()).or(layer) {
        Some(digest) => format!("image:{digest}"),
        None => format!("image:{}", image.name),
    }
}

fn image(bill: &Bill<'_>, root: &str) -> Value {
    let image = &bill.report.image;
    let mut component = json!({
        "type": if bill.is_image() { "container" } else { "file" },
        "bom-ref": root,
        "name": image.name,
        "properties": properties(bill.image_properties()),
    });
    if let Some(digest) = &image.manifest_digest {
        set(&mut component, "version", Some(digest));
        set(&mut component, "hashes", Some([hash(digest)]));
    }
    set(&mut component, "purl", bill.image_purl.as_ref());
    component
}

fn hash(digest: &Digest) -> Value {
    let algorithm = match digest.algorithm() {
        Algorithm::Sha256 => "SHA-256",
        Algorithm::Sha512 => "SHA-512",
    };
    json!({ "alg": algorithm, "content": digest.hex() })
}

fn components(bill: &Bill<'_>) -> Vec<Value> {
    let operating_system = bill.report.distribution.as_ref().map(|distribution| {
        let mut component = json!({
            "type": "operating-system",
            "bom-ref": OS_REF,
            "name": distribution.id,
            "properties": properties(bill.distribution_properties()),
        });
        set(&mut component, "version", distribution.version_id.as_ref());
        set(&mut component, "description", distribution.pretty_name.as_ref());
        component
    });
    operating_system.into_iter().chain(bill.components.iter().map(package)).collect()
}

fn package(component: &Component<'_>) -> Value {
    let occurrences: Vec<Value> = component
        .places()
        .map(|(path, layer)| {
            let mut occurrence = json!({ "location": path });
            set(&mut occurrence, "additionalContext", layer);
            occurrence
        })
        .collect();
    let version = &component.package.version;
    let is_short = version.chars().nth(MAX_VERSION_CHARS).is_none();
    let mut value = json!({
        "type": "library",
        "bom-ref": component.id,
        "name": component.package.name,
        "purl": component.purl,
        "properties": properties(component.properties()),
        "evidence": { "occurrences": occurrences },
    });
    set(&mut value, "version", is_short.then_some(version));
    value
}

/// The image depends on its distribution and on what no distribution brought, the distribution on
/// its packages. Of what packages depend on each other nothing is said.
fn dependencies(bill: &Bill<'_>, root: &str) -> Vec<Value> {
    let has_system = bill.report.distribution.is_some();
    let mut of_image = Vec::new();
    let mut of_system = Vec::new();
    if has_system {
        of_image.push(OS_REF);
    }
    for component in &bill.components {
        match has_system && component.package.ecosystem.is_distribution() {
            true => of_system.push(component.id.as_str()),
            false => of_image.push(&component.id),
        }
    }
    let mut dependencies = vec![json!({ "ref": root, "dependsOn": of_image })];
    if has_system {
        dependencies.push(json!({ "ref": OS_REF, "dependsOn": of_system }));
    }
    dependencies
}

/// The findings of one vulnerability by one feed, each with the component that has it.
type Affected<'a> = Vec<(&'a ReportFinding, &'a Component<'a>)>;

fn vulnerabilities(bill: &Bill<'_>) -> Vec<Value> {
    let mut found: BTreeMap<(&str, &str), Affected<'_>> = BTreeMap::new();
    for component in &bill.components {
        for found_here in &component.package.findings {
            let finding = &found_here.finding;
            let affected = found.entry((&finding.id, &finding.feed)).or_default();
            affected.push((found_here, component));
        }
    }
    found.into_iter().map(|((id, feed), affected)| vulnerability(id, feed, &affected)).collect()
}

fn vulnerability(id: &str, feed: &str, affected: &Affected<'_>) -> Value {
    let source = json!({ "name": feed });
    let names: BTreeSet<&str> = affected
        .iter()
        .map(|(found, _)| &found.finding)
        .flat_map(|finding| finding.aliases.iter().chain([&finding.advisory]))
        .map(String::as_str)
        .filter(|name| *name != id)
        .collect();
    let references: Vec<Value> =
        names.into_iter().map(|name| json!({ "id": name, "source": source })).collect();
    let mut ratings: Vec<Value> = Vec::new();
    let mut affects: Vec<Value> = Vec::new();
    for (found, component) in affected {
        let finding = &found.finding;
        let further = further_ratings(found);
        for rating in std::iter::once(rating(finding, &source)).chain(further) {
            if !ratings.contains(&rating) {
                ratings.push(rating);
            }
        }
        affects.push(affect(finding, component));
    }
    let mut value = json!({
        "bom-ref": format!("{id} {feed}"),
        "id": id,
        "source": source,
        "ratings": ratings,
        "affects": affects,
    });
    set(&mut value, "references", (!references.is_empty()).then_some(references));
    let published = affected.iter().filter_map(|(found, _)| found.finding.published_ms).min();
    set(&mut value, "published", published.map(format_utc));
    let cwes: BTreeSet<u32> =
        affected.iter().flat_map(|(found, _)| &found.assessment.cwes).copied().collect();
    set(&mut value, "cwes", (!cwes.is_empty()).then_some(cwes));
    set(&mut value, "properties", Some(properties(vulnerability_properties(affected))));
    set(&mut value, "analysis", analysis(affected));
    value
}

/// What else rates a vulnerability: the vectors of its CVE record, and how likely exploitation is.
fn further_ratings(found: &ReportFinding) -> Vec<Value> {
    let (finding, assessment) = (&found.finding, &found.assessment);
    let others = assessment.cvss.iter().filter(|it| Some(&it.vector) != finding.vector.as_ref());
    let of_record = others.map(|cvss| {
        json!({
            "source": { "name": "cve" },
            "score": cvss.score,
            "severity": severity(Severity::from_score(cvss.score)),
            "vector": cvss.vector,
            "method": method(&cvss.vector),
        })
    });
    let likelihood = assessment.epss.as_ref().map(|epss| {
        json!({
            "source": { "name": "epss", "url": "https://www.first.org/epss/" },
            "score": epss.probability,
            "method": "other",
        })
    });
    of_record.chain(likelihood).collect()
}

/// What the standard has no field for.
fn vulnerability_properties(affected: &Affected<'_>) -> Vec<Property> {
    let states: BTreeSet<&str> =
        affected.iter().filter_map(|(found, _)| fix_state(found.finding.fix_state)).collect();
    let mut properties: Vec<Property> =
        states.into_iter().map(|state| ("tallyman:fix-state", state.to_owned())).collect();
    // Of several components the one that is to be mended first decides.
    let first = affected.iter().map(|(found, _)| &found.assessment);
    let Some(first) = first.max_by_key(|assessment| assessment.priority) else {
        return properties;
    };
    properties.push(("tallyman:priority", first.priority.class().name().to_owned()));
    if let Some(epss) = &first.epss {
        properties.push(("tallyman:epss:percentile", epss.percentile.to_string()));
        properties.extend(epss.date.clone().map(|date| ("tallyman:epss:date", date)));
    }
    if let Some(kev) = &first.kev {
        properties.push(("tallyman:kev:added", kev.added.clone()));
        properties.extend(kev.due.clone().map(|due| ("tallyman:kev:due", due)));
        properties.push(("tallyman:kev:ransomware", kev.ransomware.to_string()));
    }
    if let Some(exploitation) = first.exploitation {
        properties.push(("tallyman:exploitation", exploitation.name().to_owned()));
    }
    properties
}

/// Says what has become of a vulnerability, where all components agree: a document has one analysis
/// for all of them.
fn analysis(affected: &Affected<'_>) -> Option<Value> {
    let (first, _) = affected.first()?;
    let agree = affected.iter().all(|(found, _)| {
        found.state == first.state && found.vex == first.vex && found.ignored_by == first.ignored_by
    });
    if !agree {
        return None;
    }
    let state = match (first.state, first.vex.as_ref().map(|vex| vex.status)) {
        (FindingState::NotAffected, _) => "not_affected",
        (FindingState::Fixed, _) => "resolved",
        (FindingState::Ignored, _) => {
            let rule = first.ignored_by.as_ref()?;
            let detail = format!("ignored by rule {} of {}: {}", rule.id, rule.author, rule.reason);
            return Some(json!({ "state": "in_triage", "detail": detail }));
        }
        (_, Some(VexStatus::Affected)) => "exploitable",
        (_, Some(VexStatus::UnderInvestigation)) => "in_triage",
        (FindingState::WillNotFix, _) => {
            return Some(json!({ "state": "exploitable", "response": ["will_not_fix"] }));
        }
        _ => return None,
    };
    let mut value = json!({ "state": state });
    if let Some(vex) = &first.vex {
        let label = vex.justification.as_deref();
        let justification = label.and_then(justification).filter(|_| state == "not_affected");
        let words = vex.impact.as_deref().or(label.filter(|_| justification.is_none()));
        let detail = match words {
            Some(words) => format!("{words} ({}, {})", vex.author, vex.document),
            None => format!("{}, {}", vex.author, vex.document),
        };
        set(&mut value, "justification", justification);
        set(&mut value, "detail", Some(detail));
        set(&mut value, "lastUpdated", vex.date.as_ref());
    }
    Some(value)
}

/// Returns CycloneDX's word for a label of OpenVEX and CSAF, or its own.
fn justification(label: &str) -> Option<&str> {
    match label {
        "component_not_present" | "vulnerable_code_not_present" => Some("code_not_present"),
        "vulnerable_code_not_in_execute_path" => Some("code_not_reachable"),
        "vulnerable_code_cannot_be_controlled_by_adversary" => Some("requires_environment"),
        "inline_mitigations_already_exist" => Some("protected_by_mitigating_control"),
        "code_not_present"
        | "code_not_reachable"
        | "requires_configuration"
        | "requires_dependency"
        | "requires_environment"
        | "protected_by_compiler"
        | "protected_at_runtime"
        | "protected_at_perimeter"
        | "protected_by_mitigating_control" => Some(label),
        _ => None,
    }
}

fn affect(finding: &Finding, component: &Component<'_>) -> Value {
    let mut versions = vec![json!({
        "version": component.package.version,
        "status": "affected",
    })];
    if let Some(fixed) = &finding.fixed_version {
        versions.push(json!({ "version": fixed, "status": "unaffected" }));
    }
    let is_short = |version: &Value| {
        version
            .get("version")
            .and_then(Value::as_str)
            .is_some_and(|text| text.chars().nth(MAX_VERSION_CHARS).is_none())
    };
    versions.retain(is_short);
    json!({ "ref": component.id, "versions": versions })
}

fn rating(finding: &Finding, source: &Value) -> Value {
    let mut rating = json!({ "source": source, "severity": severity(finding.severity) });
    set(&mut rating, "score", finding.score);
    if let Some(vector) = &finding.vector {
        set(&mut rating, "vector", Some(vector));
        set(&mut rating, "method", Some(method(vector)));
    }
    rating
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "critical",
        Severity::High => "high",
        Severity::Medium => "medium",
        Severity::Low => "low",
        Severity::Negligible => "info",
        Severity::Unknown => "unknown",
    }
}

fn method(vector: &str) -> &'static str {
    match vector.split('/').next().unwrap_or_default() {
        "CVSS:4.0" => "CVSSv4",
        "CVSS:3.1" => "CVSSv31",
        "CVSS:3.0" => "CVSSv3",
        // Vectors of version 2 carry no version.
        first if first.starts_with("AV:") => "CVSSv2",
        _ => "other",
    }
}

fn fix_state(state: FixState) -> Option<&'static str> {
    match state {
        FixState::Open => None,
        FixState::WillNotFix => Some("will-not-fix"),
        FixState::EndOfLife => Some("end-of-life"),
        FixState::Undetermined => Some("undetermined"),
        FixState::NotAffected => Some("not-affected"),
    }
}

fn properties(properties: Vec<Property>) -> Vec<Value> {
    properties.into_iter().map(|(name, value)| json!({ "name": name, "value": value })).collect()
}

/// Sets a field that is left out where there is nothing to say.
fn set(object: &mut Value, name: &str, value: Option<impl serde::Serialize>) {
    let fields: Option<&mut Map<String, Value>> = object.as_object_mut();
    if let (Some(fields), Some(value)) = (fields, value) {
        fields.insert(name.to_owned(), json!(value));
    }
}
