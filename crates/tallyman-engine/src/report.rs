//! The result of a scan as `--format json` writes it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tallyman_model::advisory::FeedInfo;
use tallyman_model::clock::format_utc;
use tallyman_model::coverage::AnalysisState;
use tallyman_model::digest::Digest;
use tallyman_model::distribution::Distribution;
use tallyman_model::finding::Finding;
use tallyman_model::finding_state::{AppliedRule, AppliedStatement, FindingState};
use tallyman_model::ignore::IgnoreRule;
use tallyman_model::image::ResolvedImage;
use tallyman_model::inventory::{InventoryAlert, InventoryDiagnostic};
use tallyman_model::package::{Ecosystem, PackageVersion, SourcePackage};
use tallyman_model::priority::PriorityClass;
use tallyman_model::severity::Severity;
use tallyman_model::vex::VexFormat;

use crate::assess::{AssessedFindings, Assessment};
use crate::images::{JudgedImage, JudgedPackage};

/// Everything a scan found out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScanReport {
    /// The image.
    pub image: ReportImage,
    /// The document that says what the image holds, where its layers were not looked into.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sbom: Option<ReportSbom>,
    /// What happened on the way to the result, in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// Whether the findings can be relied on.
    pub state: AnalysisState,
    /// The distribution inside the image.
    pub distribution: Option<Distribution>,
    /// Counts over the whole image.
    pub summary: Summary,
    /// All packages, in a stable order.
    pub packages: Vec<ReportPackage>,
    /// Files that an alert rule flagged.
    pub alerts: Vec<InventoryAlert>,
    /// What could not be read.
    pub diagnostics: Vec<InventoryDiagnostic>,
    /// Which advisories were used.
    pub advisories: ReportAdvisories,
    /// Which VEX documents were used.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vex: Vec<ReportVex>,
    /// Ignore rules that no longer hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expired_rules: Vec<ReportRule>,
}

/// A VEX document that a report rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportVex {
    /// Its identifier.
    pub document: String,
    /// Its format.
    pub format: VexFormat,
    /// Who wrote it.
    pub author: String,
    /// Where it comes from: a file, the installation, or a digest in the image's repository.
    pub origin: String,
    /// The number of its statements.
    pub statements: usize,
    /// What of it cannot be used, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<String>,
}

/// An ignore rule of a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportRule {
    /// Its identifier.
    pub id: String,
    /// What it is about, in words.
    pub about: String,
    /// Why.
    pub reason: String,
    /// Who says so.
    pub author: String,
    /// From when on it no longer holds, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
}

impl ReportRule {
    /// Returns what is reported of a rule.
    pub fn of(rule: &IgnoreRule) -> Self {
        ReportRule {
            id: rule.id.clone(),
            about: rule.describe(),
            reason: rule.reason.clone(),
            author: rule.author.clone(),
            expires: rule.expires_ms.map(format_utc),
        }
    }
}

/// A finding of a package in the image, with what has become of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReportFinding {
    /// The finding.
    #[serde(flatten)]
    pub finding: Finding,
    /// What is known of the vulnerability, and how soon it is to be mended.
    #[serde(flatten)]
    pub assessment: Assessment,
    /// Whether it counts, or who says that it does not.
    #[serde(default)]
    pub state: FindingState,
    /// The newest VEX statement that holds for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vex: Option<AppliedStatement>,
    /// The rule that ignores it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ignored_by: Option<AppliedRule>,
    /// Rules that ignored it until they expired.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expired_rules: Vec<AppliedRule>,
    /// When the installation first found it in this version of the package, RFC 3339; unknown of
    /// packages that it keeps nothing of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
}

impl ReportFinding {
    /// Makes what is known of a finding before anybody says something of it.
    pub fn new(finding: Finding, assessment: Assessment, since_ms: Option<i64>) -> Self {
        ReportFinding {
            state: FindingState::decide(finding.fix_state, None, false),
            finding,
            assessment,
            vex: None,
            ignored_by: None,
            expired_rules: Vec::new(),
            since: since_ms.map(format_utc),
        }
    }
}

/// The image of a report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReportImage {
    /// What the user called it.
    pub name: String,
    /// The digest of the manifest, where the format has one.
    pub manifest_digest: Option<Digest>,
    /// The digest of the configuration; a directory has none, and of what could not be opened it is
    /// not known.
    pub config_digest: Option<Digest>,
    /// `os/architecture[/variant]`; of a directory, that of most of its programs.
    pub platform: Option<String>,
    /// When it was built, RFC 3339.
    pub created: Option<String>,
    /// The size of its layers as stored.
    pub size_bytes: u64,
    /// The layers from the base upwards.
    pub layers: Vec<ReportLayer>,
}

/// The bill of materials that a report rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportSbom {
    /// The standard and its version.
    pub specification: String,
    /// The programs that wrote it.
    pub tools: Vec<String>,
    /// Where it comes from: a file, or a digest in the image's repository.
    pub origin: String,
    /// How it belongs to the image, where it comes from the registry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attached: Option<ReportAttachment>,
}

/// How a bill of materials is attached to its image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportAttachment {
    /// The digest of the document.
    pub digest: Digest,
    /// Its media type, as its manifest says.
    pub media_type: String,
    /// How it was found: `referrer`, `referrers-tag`, `attestation-manifest`, `attestation-tag` or
    /// `sbom-tag`.
    pub found_as: String,
    /// What it is attached to: the image's manifest, or the index that the image was chosen from.
    pub subject: Digest,
    /// What is known of its signature.
    pub signature: ReportSignature,
}

/// What is known of the signature of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReportSignature {
    /// It may have one, which nobody looked at.
    NotVerified,
}

/// A layer of a report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReportLayer {
    /// The digest of the layer as stored.
    pub digest: Digest,
    /// Its size as stored.
    pub size_bytes: u64,
    /// Its media type.
    pub media_type: String,
}

/// Counts over an image.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// The number of packages.
    pub packages: usize,
    /// The number of different vulnerabilities that count.
    pub vulnerabilities: usize,
    /// The same by severity; a vulnerability counts at its highest.
    pub by_severity: BTreeMap<Severity, usize>,
    /// The same by priority.
    #[serde(default)]
    pub by_priority: BTreeMap<PriorityClass, usize>,
    /// The number of those that CISA's catalogue knows to be exploited.
    #[serde(default)]
    pub known_exploited: usize,
    /// The number of flagged files.
    pub alerts: usize,
    /// The number of different vulnerabilities that do not count, by VEX statements or rules.
    #[serde(default)]
    pub suppressed: usize,
}

/// A package of a report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReportPackage {
    /// The package URL.
    pub purl: String,
    /// The kind of package.
    pub ecosystem: Ecosystem,
    /// The name.
    pub name: String,
    /// The version.
    pub version: String,
    /// The architecture, for distributions' packages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub architecture: Option<String>,
    /// The source package, where it is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<SourcePackage>,
    /// The file that names the package.
    pub path: String,
    /// The index of the layer that brought it; a bill of materials need not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layer: Option<usize>,
    /// The digest of that layer.
    pub layer_digest: Option<Digest>,
    /// Whether it lies in a file of a distribution's package, which is judged in its place.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_owned: bool,
    /// Its vulnerabilities; what is to be mended first comes first.
    pub findings: Vec<ReportFinding>,
}

/// The advisories behind a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportAdvisories {
    /// The revision of the compiled index.
    pub revision: String,
    /// The feeds in it, with their dates.
    pub feeds: Vec<FeedInfo>,
}

/// What a report is made of.
#[derive(Debug)]
pub struct ReportInput {
    /// The image.
    pub image: ReportImage,
    /// What its final filesystem shows, with what is wrong with it.
    pub judged: JudgedImage,
    /// The findings of each of its packages, in the same order, with what is known of their
    /// vulnerabilities.
    pub(crate) assessed: Vec<Option<Arc<AssessedFindings>>>,
    /// When findings of package versions were first found, as far as that is known.
    pub first_seen: FirstSeen,
    /// The advisories.
    pub advisories: ReportAdvisories,
}

impl ScanReport {
    /// Puts a report together.
    pub fn new(input: ReportInput) -> Self {
        let ReportInput { image, judged, assessed, first_seen, advisories } = input;
        let items = judged.packages.into_iter().zip(assessed);
        let packages: Vec<ReportPackage> = items
            .map(|(item, assessed)| report_package(item, assessed, &image, &first_seen))
            .collect();
        ScanReport {
            image,
            sbom: None,
            notes: Vec::new(),
            state: judged.state,
            distribution: judged.distribution,
            summary: summarize(&packages, judged.alerts.len()),
            packages,
            alerts: judged.alerts,
            diagnostics: judged.diagnostics,
            advisories,
            vex: Vec::new(),
            expired_rules: Vec::new(),
        }
    }

    /// Returns the report of an image that could not be read at all.
    pub fn failed(image: ReportImage, reason: String, advisories: ReportAdvisories) -> Self {
        ScanReport {
            image,
            sbom: None,
            notes: Vec::new(),
            state: AnalysisState::Failed { reason },
            distribution: None,
            summary: Summary::default(),
            packages: Vec::new(),
            alerts: Vec::new(),
            diagnostics: Vec::new(),
            advisories,
            vex: Vec::new(),
            expired_rules: Vec::new(),
        }
    }

    /// Returns the highest severity among the findings, `None` without any.
    pub fn highest_severity(&self) -> Option<Severity> {
        self.summary.by_severity.keys().next_back().copied()
    }

    /// Returns the highest priority among the findings, `None` without any.
    pub fn highest_priority(&self) -> Option<PriorityClass> {
        self.summary.by_priority.keys().next_back().copied()
    }
}

impl ReportImage {
    /// Returns what is reported of an image.
    pub fn of(image: &ResolvedImage) -> Self {
        let layer = |layer: &tallyman_model::image::LayerDescriptor| ReportLayer {
            digest: layer.digest.clone(),
            size_bytes: layer.size_bytes,
            media_type: layer.media_type.clone(),
        };
        ReportImage {
            name: image.name.clone(),
            manifest_digest: image.manifest_digest.clone(),
            config_digest: Some(image.config_digest.clone()),
            platform: Some(image.platform.to_string()),
            created: image.created_ms.map(format_utc),
            size_bytes: image.size_bytes(),
            layers: image.layers.iter().map(layer).collect(),
        }
    }
}

/// When the findings of package versions were first found, milliseconds since the epoch, by
/// vulnerability.
pub type FirstSeen = HashMap<PackageVersion, HashMap<String, i64>>;

/// Makes what is reported of a package of an image.
fn report_package(
    item: JudgedPackage,
    assessed: Option<Arc<AssessedFindings>>,
    image: &ReportImage,
    first_seen: &FirstSeen,
) -> ReportPackage {
    let assessed = assessed.map(Arc::unwrap_or_clone).unwrap_or_default();
    let purl = item.version.purl();
    let findings = report_findings(&item.version, assessed, first_seen);
    let package = item.version.package;
    ReportPackage {
        purl,
        ecosystem: package.ecosystem,
        name: package.name,
        version: package.version,
        architecture: package.architecture,
        source: package.source,
        path: item.path,
        layer: Some(item.layer),
        layer_digest: image.layers.get(item.layer).map(|layer| layer.digest.clone()),
        is_owned: item.is_owned,
        findings,
    }
}

/// Makes what is reported of the findings of a package version.
pub(crate) fn report_findings(
    version: &PackageVersion,
    findings: AssessedFindings,
    first_seen: &FirstSeen,
) -> Vec<ReportFinding> {
    if findings.is_empty() {
        return Vec::new();
    }
    let seen = first_seen.get(version);
    let report = |(finding, assessment): (Finding, Assessment)| {
        let since_ms = seen.and_then(|seen| seen.get(&finding.id)).copied();
        ReportFinding::new(finding, assessment, since_ms)
    };
    findings.into_iter().map(report).collect()
}

/// What counts of a vulnerability, wherever in the image it is.
#[derive(Clone, Copy, Debug)]
struct Worst {
    severity: Severity,
    priority: PriorityClass,
    is_known_exploited: bool,
}

/// Counts what packages have.
pub(crate) fn summarize(packages: &[ReportPackage], alerts: usize) -> Summary {
    let mut worst: BTreeMap<&str, Worst> = BTreeMap::new();
    let mut suppressed: BTreeSet<&str> = BTreeSet::new();
    for found in packages.iter().flat_map(|package| &package.findings) {
        let (finding, assessment) = (&found.finding, &found.assessment);
        if found.state.is_suppressed() {
            suppressed.insert(&finding.id);
            continue;
        }
        let one = Worst {
            severity: finding.severity,
            priority: assessment.priority.class(),
            is_known_exploited: assessment.kev.is_some(),
        };
        let all = worst.entry(&finding.id).or_insert(one);
        all.severity = all.severity.max(one.severity);
        all.priority = all.priority.max(one.priority);
        all.is_known_exploited |= one.is_known_exploited;
    }
    let mut by_severity = BTreeMap::new();
    let mut by_priority = BTreeMap::new();
    for worst in worst.values() {
        *by_severity.entry(worst.severity).or_insert(0) += 1;
        *by_priority.entry(worst.priority).or_insert(0) += 1;
    }
    Summary {
        packages: packages.len(),
        vulnerabilities: worst.len(),
        by_severity,
        by_priority,
        known_exploited: worst.values().filter(|worst| worst.is_known_exploited).count(),
        alerts,
        // One that counts in another place of the image counts.
        suppressed: suppressed.iter().filter(|id| !worst.contains_key(**id)).count(),
    }
}
