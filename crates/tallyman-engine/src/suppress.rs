//! Applying VEX statements and ignore rules to a report: what is suppressed stays in it with its
//! state and who said so, and no longer counts.

use tallyman_match::vex::judge::{ImageView, PackageView, Place, Suppressions};
use tallyman_model::digest::Digest;
use tallyman_model::ignore::IgnoreRule;
use tallyman_model::reference::ImageReference;
use tallyman_model::vex::VexDocument;

use crate::report::{ReportFinding, ReportPackage, ReportRule, ReportVex, ScanReport, summarize};

/// What a report is judged by beyond the advisories.
#[derive(Clone, Debug, Default)]
pub struct SuppressionInput {
    /// VEX documents, each with where it comes from.
    pub documents: Vec<(String, VexDocument)>,
    /// Ignore rules.
    pub rules: Vec<IgnoreRule>,
    /// Further digests of the image: of the indexes that it was chosen from.
    pub image_digests: Vec<Digest>,
}

impl SuppressionInput {
    /// Tells whether there is nothing to apply.
    pub fn is_empty(&self) -> bool {
        self.documents.is_empty() && self.rules.is_empty()
    }
}

/// Applies statements and rules to a report, and counts again.
pub fn apply(report: &mut ScanReport, input: &SuppressionInput, now_ms: i64) {
    if input.is_empty() {
        return;
    }
    let documents: Vec<VexDocument> =
        input.documents.iter().map(|(_, document)| document.clone()).collect();
    let suppressions = Suppressions::new(&documents, &input.rules);
    let image = image_view(report, &input.image_digests);
    let views: Vec<PackageView<'_>> = report.packages.iter().map(view).collect();
    let place = Place { image: &image, packages: &views, server: None, now_ms };
    let judged: Vec<Vec<ReportFinding>> = report
        .packages
        .iter()
        .zip(&views)
        .map(|(package, view)| judge(&suppressions, place, package, view))
        .collect();
    drop(views);
    for (package, findings) in report.packages.iter_mut().zip(judged) {
        package.findings = findings;
    }
    report.vex.extend(input.documents.iter().map(|(origin, document)| ReportVex {
        document: document.id.clone(),
        format: document.format,
        author: document.author.clone(),
        origin: origin.clone(),
        statements: document.statements.len(),
        left_out: document.left_out.clone(),
    }));
    let expired = input.rules.iter().filter(|rule| rule.is_expired(now_ms));
    report.expired_rules.extend(expired.map(ReportRule::of));
    report.summary = summarize(&report.packages, report.alerts.len());
}

fn judge(
    suppressions: &Suppressions,
    place: Place<'_>,
    package: &ReportPackage,
    view: &PackageView<'_>,
) -> Vec<ReportFinding> {
    let judged = package.findings.iter().map(|found| {
        let judgement = suppressions.judge(place, view, &found.finding);
        ReportFinding {
            finding: found.finding.clone(),
            assessment: found.assessment.clone(),
            state: judgement.state,
            vex: judgement.vex,
            ignored_by: judgement.ignored_by,
            expired_rules: judgement.expired,
            since: found.since.clone(),
        }
    });
    judged.collect()
}

fn view(package: &ReportPackage) -> PackageView<'_> {
    let named = (&*package.name, &*package.version);
    let source = package.source.as_ref();
    PackageView::new(package.ecosystem, named, source, &package.path, &package.purl)
}

fn image_view(report: &ScanReport, further: &[Digest]) -> ImageView {
    let image = &report.image;
    let named = image.name.parse::<ImageReference>().ok();
    let of_name = named.as_ref().and_then(|reference| reference.digest().cloned());
    let known = [image.manifest_digest.clone(), image.config_digest.clone(), of_name];
    ImageView {
        digests: known.into_iter().flatten().chain(further.iter().cloned()).collect(),
        names: vec![image.name.clone()],
        architecture: image
            .platform
            .as_ref()
            .and_then(|platform| platform.split('/').nth(1))
            .map(str::to_owned),
        distribution: report.distribution.clone(),
    }
}
