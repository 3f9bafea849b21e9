//! The report as a table for people.

use std::fmt::Write;

use comfy_table::{Attribute, Cell, Color};
use tallyman_engine::assess::Assessment;
use tallyman_engine::report::{ReportFinding, ReportPackage, ReportSignature, ScanReport};
use tallyman_model::clock::format_utc;
use tallyman_model::coverage::AnalysisState;
use tallyman_model::inventory::DiagnosticKind;
use tallyman_model::priority::PriorityClass;

use super::explain;
use crate::output;

/// Diagnostics beyond this number are only counted.
const MAX_DIAGNOSTICS: usize = 20;

/// What is listed beyond what counts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Show {
    /// Every package.
    pub(super) all_packages: bool,
    /// Findings that do not count.
    pub(super) suppressed: bool,
}

/// Renders a report.
pub(super) fn render(report: &ScanReport, show: Show) -> String {
    let mut text = header(report);
    if show.all_packages {
        text.push_str(&packages(report));
    }
    text.push_str(&vulnerabilities(report, show));
    for alert in &report.alerts {
        let _ = writeln!(
            text,
            "ALERT /{}: {} ({})",
            alert.path, alert.alert.evidence, alert.alert.rule
        );
    }
    text.push_str(&diagnostics(report));
    text.push_str(&footer(report));
    text.trim_end().to_owned()
}

fn header(report: &ScanReport) -> String {
    let image = &report.image;
    let mut text = format!(
        "{}\n  {}{} in {}{}\n",
        image.name,
        image.platform.as_ref().map(|platform| format!("{platform}, ")).unwrap_or_default(),
        output::bytes(image.size_bytes),
        match image.layers.len() {
            1 => "1 layer".to_owned(),
            layers => format!("{layers} layers"),
        },
        image.created.as_ref().map(|created| format!(", built {created}")).unwrap_or_default(),
    );
    if let Some(sbom) = &report.sbom {
        let tools = match sbom.tools.is_empty() {
            true => String::new(),
            false => format!(" by {}", sbom.tools.join(", ")),
        };
        let _ = writeln!(text, "  as {}{tools} says in {}", sbom.specification, sbom.origin);
        if let Some(attached) = &sbom.attached {
            let ReportSignature::NotVerified = attached.signature;
            let _ = writeln!(
                text,
                "  attached to {} ({}); its signature was not verified",
                attached.subject, attached.found_as
            );
        }
    }
    if let Some(distribution) = &report.distribution {
        let _ = writeln!(text, "  {}", distribution.display_name());
    }
    text.push('\n');
    text
}

fn packages(report: &ScanReport) -> String {
    let mut table = output::table(&["Package", "Version", "Kind", "Layer", "Path"]);
    for package in &report.packages {
        table.add_row([
            Cell::new(&package.name),
            Cell::new(&package.version),
            Cell::new(package.ecosystem.name()),
            Cell::new(layer(package)),
            Cell::new(format!("/{}", package.path)),
        ]);
    }
    format!("{table}\n\n")
}

fn vulnerabilities(report: &ScanReport, show: Show) -> String {
    let mut rows: Vec<(&ReportFinding, &ReportPackage)> = report
        .packages
        .iter()
        .flat_map(|package| package.findings.iter().map(move |finding| (finding, package)))
        .filter(|(found, _)| show.suppressed || !found.state.is_suppressed())
        .collect();
    if rows.is_empty() {
        return String::new();
    }
    rows.sort_by(|(a, in_a), (b, in_b)| {
        let names = |found: &ReportFinding, package: &ReportPackage| {
            (package.name.clone(), found.finding.id.clone())
        };
        let order = b.assessment.priority.cmp(&a.assessment.priority);
        order.then_with(|| names(a, in_a).cmp(&names(b, in_b)))
    });
    let has_epss = rows.iter().any(|(found, _)| found.assessment.epss.is_some());
    let columns =
        ["Priority", "Severity", "Vulnerability", "Package", "Installed", "Fixed in", "Layer"];
    let further = [has_epss.then_some("EPSS"), show.suppressed.then_some("State")];
    let further = further.into_iter().flatten();
    let mut table = output::table(&columns.into_iter().chain(further).collect::<Vec<_>>());
    for (found, package) in rows {
        let finding = &found.finding;
        let mut cells = vec![
            priority_cell(&found.assessment),
            output::severity_cell(finding.severity),
            Cell::new(&finding.id),
            Cell::new(&package.name),
            Cell::new(&package.version),
            Cell::new(finding.fixed_version.as_deref().unwrap_or("-")),
            Cell::new(layer(package)),
        ];
        if has_epss {
            let epss = found.assessment.epss.as_ref();
            let likely = epss.map(|epss| explain::percent(epss.probability));
            cells.push(Cell::new(likely.unwrap_or_else(|| "-".to_owned())));
        }
        if show.suppressed {
            cells.push(Cell::new(explain::state(found)));
        }
        table.add_row(cells);
    }
    format!("{table}\n\n")
}

/// How soon it is to be mended, with a mark where it is known to be exploited.
fn priority_cell(assessment: &Assessment) -> Cell {
    let class = assessment.priority.class();
    let cell = Cell::new(match &assessment.kev {
        Some(_) => format!("{class} KEV"),
        None => class.to_string(),
    });
    match class {
        PriorityClass::Asap => cell.fg(Color::Red).add_attribute(Attribute::Bold),
        PriorityClass::Later => cell.fg(Color::Yellow),
        PriorityClass::Nntf => cell,
    }
}

fn layer(package: &ReportPackage) -> String {
    package.layer.map_or_else(|| "-".to_owned(), |layer| layer.to_string())
}

fn diagnostics(report: &ScanReport) -> String {
    let mut text = String::new();
    for item in report.diagnostics.iter().take(MAX_DIAGNOSTICS) {
        let word = match item.diagnostic.kind {
            DiagnosticKind::Failed => "FAILED",
            DiagnosticKind::Skipped => "skipped",
        };
        let diagnostic = &item.diagnostic;
        let place = match report.sbom.is_some() {
            true => String::new(),
            false => format!(" layer {} /{}", item.layer, diagnostic.path),
        };
        let _ = writeln!(text, "{word}{place}: {}", diagnostic.reason);
    }
    let more = report.diagnostics.len().saturating_sub(MAX_DIAGNOSTICS);
    if more > 0 {
        let _ = writeln!(text, "and {more} more; --format json has all");
    }
    text
}

fn footer(report: &ScanReport) -> String {
    let summary = &report.summary;
    let counts: Vec<String> = summary
        .by_severity
        .iter()
        .rev()
        .map(|(severity, count)| format!("{count} {severity}"))
        .collect();
    let found = match (&report.state, counts.is_empty()) {
        (AnalysisState::Failed { .. }, _) => "The image could not be analysed".to_owned(),
        (_, true) => "No vulnerability found".to_owned(),
        (_, false) => {
            let word =
                if summary.vulnerabilities == 1 { "vulnerability" } else { "vulnerabilities" };
            let exploited = match summary.known_exploited {
                0 => String::new(),
                count => format!(", {count} known to be exploited"),
            };
            let classes: Vec<String> = summary
                .by_priority
                .iter()
                .rev()
                .map(|(class, count)| format!("{count} {class}"))
                .collect();
            format!(
                "{} {word}: {}; to be mended: {}{exploited}",
                summary.vulnerabilities,
                counts.join(", "),
                classes.join(", ")
            )
        }
    };
    let newest = report.advisories.feeds.iter().filter_map(|feed| feed.data_ms).max();
    let age = newest
        .map_or_else(|| "of unknown date".to_owned(), |ms| format!("up to {}", format_utc(ms)));
    let suppressed = match summary.suppressed {
        0 => String::new(),
        count => format!("; {count} suppressed (--show-suppressed lists them)"),
    };
    format!("{found}{suppressed}; {} packages; advisories {age}\n", summary.packages)
}
