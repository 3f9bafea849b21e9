use tallyman_engine::report::ScanReport;
use tallyman_engine::scan::scan;
use tallyman_model::priority::PriorityClass;
use tallyman_source::location::Location;
use tallyman_testkit::layer::Layer;
use tallyman_testkit::layout;

use crate::setting::Setting;

async fn scanned(setting: &Setting) -> ScanReport {
    let location = Location::OciLayout { path: setting.path("image"), reference: None };
    scan(&setting.installation, &setting.sources, &location.into(), std::sync::Arc::default())
        .await
        .expect("a report")
}

fn classes(report: &ScanReport) -> Vec<(&str, PriorityClass)> {
    let findings = report.packages.iter().flat_map(|package| &package.findings);
    findings.map(|it| (it.finding.id.as_str(), it.assessment.priority.class())).collect()
}

fn epss(date: &str, rows: &str) -> String {
    format!("#model_version:v1,score_date:{date}T00:00:00+0000\ncve,epss,percentile\n{rows}")
}

#[tokio::test]
async fn another_table_of_epss_changes_priorities_and_writes_no_finding() {
    let setting = Setting::new().await;
    let layer = Layer::default().debian(&[("bash", "5.2.15-2")]).python("quayside", "1.4").gzip();
    layout::write(&setting.path("image"), "a/b:1", &[layer]);
    setting.affect("CVE-2024-0012", "quayside", "1.5", "2026-01-01T00:00:00Z").await;
    setting.affect("CVE-2024-0013", "quayside", "1.5", "2026-01-01T00:00:00Z").await;
    let both = |first, second| vec![("CVE-2024-0012", first), ("CVE-2024-0013", second)];
    let (later, nntf) = (PriorityClass::Later, PriorityClass::Nntf);
    assert_eq!(classes(&scanned(&setting).await), both(later, later));

    let rows = "CVE-2024-0012,0.00999,0.5\nCVE-2024-0013,0.00001,0.1\n";
    let outcome = setting.import("epss.csv", &epss("2026-08-16", rows)).await;
    assert_eq!((outcome.matched, outcome.changed_versions, outcome.changed_images), (0, 0, 0));
    let report = scanned(&setting).await;
    assert_eq!(classes(&report), both(nntf, nntf));
    assert_eq!(report.summary.by_priority.get(&nntf), Some(&2));

    let outcome =
        setting.import("epss.csv", &epss("2026-08-17", &rows.replace("0.00001", "0.5"))).await;
    assert_eq!((outcome.matched, outcome.changed_versions, outcome.changed_images), (0, 0, 0));
    let report = scanned(&setting).await;
    let swapped = vec![("CVE-2024-0013", later), ("CVE-2024-0012", nntf)];
    assert_eq!(classes(&report), swapped, "what is to be mended first comes first");
    let told = &report.packages[1].findings[0].assessment.epss;
    assert_eq!(told.as_ref().and_then(|it| it.date.as_deref()), Some("2026-08-17"));

    let catalog = r#"{"catalogVersion": "1", "dateReleased": "2026-08-17T00:00:00Z", "count": 1,
        "vulnerabilities": [{"cveID": "CVE-2024-0012", "dateAdded": "2026-08-16"}]}"#;
    let outcome = setting.import("kev.json", catalog).await;
    assert_eq!((outcome.matched, outcome.changed_versions, outcome.changed_images), (0, 0, 0));
    let report = scanned(&setting).await;
    let exploited = vec![("CVE-2024-0012", PriorityClass::Asap), ("CVE-2024-0013", later)];
    assert_eq!(classes(&report), exploited);
    assert_eq!(report.summary.known_exploited, 1);
    assert_eq!(report.highest_priority(), Some(PriorityClass::Asap));
}
