//! Judging a bill of materials that somebody else wrote, as if it were an image.
//!
//! What a document says was not seen here, so nothing of it is stored, and the report names the
//! document it rests on.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use tallyman_match::index::AdvisoryIndex;
use tallyman_match::matcher::gaps;
use tallyman_model::coverage::AnalysisState;
use tallyman_model::inventory::{DiagnosticKind, InventoryDiagnostic};
use tallyman_model::package::PackageVersion;
use tallyman_scan::sbom::{Sbom, SbomImage, SbomPackage, read_sbom};
use tallyman_source::bill_of_materials::read_file;

use crate::assess::assess;
use crate::blocking;
use crate::images::{ImageError, find_distinct};
use crate::installation::Installation;
use crate::report::{
    FirstSeen, ReportAttachment, ReportFinding, ReportImage, ReportLayer, ReportPackage,
    ReportSbom, ScanReport, report_findings, summarize,
};
use crate::scan::{ScanError, failed, report_advisories};

/// Scans a file with a bill of materials. One that cannot be read as such is reported as failed.
///
/// # Errors
///
/// [`ScanError::Source`] where the file cannot be read at all.
pub async fn scan_sbom(installation: &Installation, path: &Path) -> Result<ScanReport, ScanError> {
    let limits = installation.limits().clone();
    let bytes = read_file(path.to_owned(), &limits).await.map_err(ScanError::Source)?;
    let read = blocking::run(move || read_sbom(&bytes, &limits)).await;
    let name = path.display().to_string();
    match read {
        Ok(sbom) => {
            let image = image(&sbom.image, &name);
            report(installation.advisories().current(), image, sbom, name, None).await
        }
        Err(error) => {
            Ok(failed(installation, image(&SbomImage::default(), &name), error.to_string()))
        }
    }
}

/// Judges what a document says of an image.
pub(crate) async fn report(
    index: Arc<AdvisoryIndex>,
    image: ReportImage,
    sbom: Sbom,
    origin: String,
    attached: Option<ReportAttachment>,
) -> Result<ScanReport, ScanError> {
    let advisories = report_advisories(&index);
    let (packages, state, sbom) = blocking::run(move || {
        let judged: HashSet<&PackageVersion> =
            sbom.packages.iter().filter(|it| !it.is_owned).map(|it| &it.version).collect();
        let state = decide(&index, &sbom, &judged);
        let found = find_distinct(&index, judged.into_iter().collect())?;
        let findings = assess(&index, found)?;
        let packages: Vec<ReportPackage> = sbom
            .packages
            .iter()
            .map(|package| {
                let findings = findings.get(&package.version).filter(|_| !package.is_owned);
                let findings = findings.cloned().unwrap_or_default();
                report_package(
                    package,
                    report_findings(&package.version, findings, &FirstSeen::new()),
                )
            })
            .collect();
        Ok::<_, ImageError>((packages, state, sbom))
    })
    .await?;
    let diagnostic = |diagnostic| InventoryDiagnostic { layer: 0, diagnostic };
    Ok(ScanReport {
        image,
        sbom: Some(ReportSbom {
            specification: sbom.specification,
            tools: sbom.tools,
            origin,
            attached,
        }),
        notes: Vec::new(),
        state,
        distribution: sbom.distribution,
        summary: summarize(&packages, 0),
        packages,
        alerts: Vec::new(),
        diagnostics: sbom.diagnostics.into_iter().map(diagnostic).collect(),
        advisories,
        vex: Vec::new(),
        expired_rules: Vec::new(),
    })
}

fn decide(index: &AdvisoryIndex, sbom: &Sbom, judged: &HashSet<&PackageVersion>) -> AnalysisState {
    let failed = sbom.diagnostics.iter().find(|it| it.kind == DiagnosticKind::Failed);
    if let Some(diagnostic) = failed {
        return AnalysisState::Failed { reason: diagnostic.reason.clone() };
    }
    let gaps = gaps(index, judged.iter().copied());
    let by_feeds = AnalysisState::judge(sbom.packages.len(), &gaps);
    if sbom.unjudged.is_empty() {
        return by_feeds;
    }
    let mut reasons = sbom.unjudged.clone();
    if let (AnalysisState::Unsupported { reason }, false) = (by_feeds, gaps.is_empty()) {
        reasons.insert(0, reason);
    }
    AnalysisState::Unsupported { reason: reasons.join("; ") }
}

fn report_package(package: &SbomPackage, findings: Vec<ReportFinding>) -> ReportPackage {
    let named = &package.version.package;
    ReportPackage {
        purl: package.version.purl(),
        ecosystem: named.ecosystem,
        name: named.name.clone(),
        version: named.version.clone(),
        architecture: named.architecture.clone(),
        source: named.source.clone(),
        path: package.path.clone(),
        layer: package.layer,
        layer_digest: package.layer_digest.clone(),
        is_owned: package.is_owned,
        findings,
    }
}

/// Returns what a document says of its image, which goes by the document's name if it has none.
fn image(image: &SbomImage, name: &str) -> ReportImage {
    let size_bytes = |sum: u64, layer: &ReportLayer| sum.saturating_add(layer.size_bytes);
    let layers: Vec<ReportLayer> = image
        .layers
        .iter()
        .map(|layer| ReportLayer {
            digest: layer.digest.clone(),
            size_bytes: layer.size_bytes,
            media_type: layer.media_type.clone(),
        })
        .collect();
    ReportImage {
        name: image.name.clone().unwrap_or_else(|| name.to_owned()),
        manifest_digest: image.manifest_digest.clone(),
        config_digest: image.config_digest.clone(),
        platform: image.platform.clone(),
        created: image.created.clone(),
        size_bytes: layers.iter().fold(0, size_bytes),
        layers,
    }
}
