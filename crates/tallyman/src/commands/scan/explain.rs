//! Why a vulnerability is reported, and why it counts or does not, in words.

use std::fmt::Write;

use tallyman_engine::assess::{ReportEpss, ReportKev};
use tallyman_engine::report::{ReportFinding, ReportPackage, ScanReport};
use tallyman_model::finding_state::FindingState;
use tallyman_model::priority::Priority;
use tallyman_model::severity::Severity;
use tallyman_model::vulnerability::Fraction;

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

/// Writes a probability as people read it.
pub(super) fn percent(fraction: Fraction) -> String {
    format!("{:.1} %", f64::from(fraction) * 100.0)
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

/// Says why a priority is what it is.
fn priority_in_words(priority: Priority, severity: Severity) -> String {
    let severity = match severity {
        Severity::Unknown => "severity unknown, which counts as medium".to_owned(),
        known => format!("severity {known}"),
    };
    let (threat, remedy) = (priority.threat().describe(), priority.remedy().describe());
    format!("{}: {threat}, {severity}, {remedy}", priority.class())
}

fn epss_in_words(epss: &ReportEpss) -> String {
    let date = epss.date.as_ref().map(|date| format!(" on {date}")).unwrap_or_default();
    let probability = percent(epss.probability);
    format!("{probability} within 30 days, percentile {}{date}", epss.percentile)
}

fn kev_in_words(kev: &ReportKev) -> String {
    let due = kev.due.as_ref().map(|due| format!(", to be mended until {due}")).unwrap_or_default();
    let ransomware = if kev.ransomware { ", by ransomware too" } else { "" };
    format!("in CISA's catalogue since {}{due}{ransomware}", kev.added)
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
    let assessment = &found.assessment;
    for (at, cvss) in assessment.cvss.iter().enumerate() {
        line(if at == 0 { "CVSS" } else { "" }, &format!("{:.1}: {}", cvss.score, cvss.vector));
    }
    if !assessment.cwes.is_empty() {
        let names: Vec<String> = assessment.cwes.iter().map(|cwe| format!("CWE-{cwe}")).collect();
        line("weakness", &names.join(", "));
    }
    if let Some(epss) = &assessment.epss {
        line("EPSS", &epss_in_words(epss));
    }
    if let Some(kev) = &assessment.kev {
        line("exploited", &kev_in_words(kev));
    }
    if let Some(exploitation) = assessment.exploitation {
        line("exploits", &format!("{} (SSVC)", exploitation.name()));
    }
    line("priority", &priority_in_words(assessment.priority, finding.severity));
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
