//! Why a vulnerability is reported, and why it counts or does not, in words.

use std::fmt::Write;

use tallyman_engine::report::{ReportFinding, ReportPackage, ScanReport};
use tallyman_model::finding_state::FindingState;

/// Explains every finding of a vulnerability.
pub(super) fn render(report: &ScanReport, vulnerability: &str) -> String {
    let mut text = String::new();
    for package in &report.packages {
        for found in package.findings.iter().filter(|found| is_named(found, vulnerability)) {
            text.push_str(&explain(report, package, found));
        }
    }
    if text.is_empty() {
        return format!("{}: {vulnerability} was not found in it", report.image.name);
    }
    text.trim_end().to_owned()
}

/// Says in a few words what has become of a finding.
pub(super) fn state(found: &ReportFinding) -> String {
    let word = found.state.describe();
    match (found.state, &found.vex, &found.ignored_by) {
        (FindingState::NotAffected | FindingState::Fixed, Some(vex), _) => {
            let reason = vex.justification.as_ref().or(vex.impact.as_ref());
            let reason = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
            format!("{word} ({}{reason})", vex.author)
        }
        (FindingState::Ignored, _, Some(rule)) => format!("{word} ({}: {})", rule.id, rule.reason),
        _ => word.to_owned(),
    }
}

fn is_named(found: &ReportFinding, vulnerability: &str) -> bool {
    let finding = &found.finding;
    let mut names = [&finding.id, &finding.advisory].into_iter().chain(&finding.aliases);
    names.any(|name| name.eq_ignore_ascii_case(vulnerability))
}

fn explain(report: &ScanReport, package: &ReportPackage, found: &ReportFinding) -> String {
    let finding = &found.finding;
    let mut text = format!("{} ({}) in {}\n", finding.id, finding.severity, package.purl);
    let mut line = |name: &str, value: &str| {
        let _ = writeln!(text, "  {name:<10} {value}");
    };
    if !finding.aliases.is_empty() {
        line("also", &finding.aliases.join(", "));
    }
    line("record", &format!("{} of {}", finding.advisory, finding.feed));
    line("range", &format!("{} (here: {})", finding.matched, judged_version(package)));
    line("fixed in", finding.fixed_version.as_deref().unwrap_or("no version that is known"));
    if let Some(vector) = &finding.vector {
        line("CVSS", vector);
    }
    line("path", &format!("/{}", package.path));
    match (&package.layer, &package.layer_digest) {
        (Some(layer), Some(digest)) => {
            let layers = report.image.layers.len();
            line("layer", &format!("{digest} (number {layer} of {layers}, counted from 0)"));
        }
        (None, Some(digest)) => line("layer", &digest.to_string()),
        (_, None) => {}
    }
    line("state", &state(found));
    if let Some(vex) = &found.vex {
        line("VEX", &format!("{} by {} in {}", vex.status.name(), vex.author, vex.document));
        for words in vex.justification.iter().chain(&vex.impact) {
            line("", words);
        }
        if let Some(date) = &vex.date {
            line("", &format!("on {date}"));
        }
    }
    if let Some(rule) = &found.ignored_by {
        line("rule", &format!("{} by {}: {}", rule.id, rule.author, rule.reason));
        if let Some(expires) = &rule.expires {
            line("", &format!("until {expires}"));
        }
    }
    for rule in &found.expired_rules {
        let expires = rule.expires.as_deref().unwrap_or_default();
        line("expired", &format!("rule {} by {} on {expires}", rule.id, rule.author));
    }
    if !finding.contradicted_by.is_empty() {
        line("denied by", &finding.contradicted_by.join(", "));
    }
    line("since", found.since.as_deref().unwrap_or("not known: nothing of the image is stored"));
    text.push('\n');
    text
}

/// Advisories of distributions speak of the source package.
fn judged_version(package: &ReportPackage) -> String {
    match &package.source {
        Some(source) if source.version != package.version => {
            format!("{}, built from {} {}", package.version, source.name, source.version)
        }
        Some(source) if source.name != package.name => {
            format!("{}, built from {}", package.version, source.name)
        }
        Some(_) | None => package.version.clone(),
    }
}
