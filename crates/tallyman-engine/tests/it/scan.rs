use std::fs;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tallyman_engine::analysis::AnalysisProgress;
use tallyman_engine::report::ScanReport;
use tallyman_engine::scan::scan;
use tallyman_model::coverage::AnalysisState;
use tallyman_source::location::Location;
use tallyman_testkit::layer::{Layer, digest};
use tallyman_testkit::layout;

use crate::setting::Setting;

/// Scans the layout `image`; returns the report and the bytes that were read for it.
async fn scanned(setting: &Setting) -> (ScanReport, u64) {
    let location = Location::OciLayout { path: setting.path("image"), reference: None };
    let progress = Arc::new(AnalysisProgress::default());
    let target = location.into();
    let report = scan(&setting.installation, &setting.sources, &target, Arc::clone(&progress))
        .await
        .expect("a report");
    (report, progress.done_bytes.load(Ordering::Relaxed))
}

#[tokio::test]
async fn a_layer_is_read_once_whatever_image_it_is_in() {
    let setting = Setting::new().await;
    let base = Layer::default().debian(&[("bash", "5.2.15-2")]).gzip();
    layout::write(&setting.path("image"), "a/one:1", std::slice::from_ref(&base));
    let (report, read) = scanned(&setting).await;
    assert_eq!((report.packages.len(), read), (1, base.len() as u64));
    assert_eq!(scanned(&setting).await.1, 0);

    let upper = Layer::default().python("jinja2", "2.10").gzip();
    layout::write(&setting.path("image"), "a/two:1", &[base, upper.clone()]);
    let (report, read) = scanned(&setting).await;
    assert_eq!(read, upper.len() as u64);
    let brought: Vec<(&str, Option<usize>)> =
        report.packages.iter().map(|package| (package.name.as_str(), package.layer)).collect();
    assert_eq!(brought, [("bash", Some(0)), ("jinja2", Some(1))]);
}

#[tokio::test]
async fn what_a_distributions_package_brought_is_listed_and_judged_by_the_distribution() {
    let setting = Setting::new().await;
    // No feed speaks of conda packages, so one that counts leaves a gap.
    let record = br#"{"name": "quayside", "version": "1.4"}"#;
    let layer = || {
        Layer::default()
            .debian(&[("bash", "5.2.15-2")])
            .file("usr/share/conda-meta/quayside-1.4.json", record)
    };
    let list = b"/usr/share/conda-meta/quayside-1.4.json\n";
    let owned = layer().file("var/lib/dpkg/info/bash.list", list);
    for (layer, is_owned) in [(layer(), false), (owned, true)] {
        layout::write(&setting.path("image"), "a/b:1", &[layer.gzip()]);
        let (report, _) = scanned(&setting).await;
        let found = report.packages.iter().find(|package| package.name == "quayside");
        assert_eq!(found.map(|package| package.is_owned), Some(is_owned));
        assert_eq!(matches!(report.state, AnalysisState::Analyzed), is_owned, "{:?}", report.state);
        fs::remove_dir_all(setting.path("image")).expect("removed");
    }
}

#[tokio::test]
async fn a_new_advisory_changes_the_answer_without_a_layer_being_read() {
    let setting = Setting::new().await;
    let layer = Layer::default().debian(&[("bash", "5.2.15-2")]).python("quayside", "1.4").gzip();
    layout::write(&setting.path("image"), "a/b:1", &[layer]);
    assert_eq!(scanned(&setting).await.0.summary.vulnerabilities, 0);
    setting.affect("TEST-1", "Quayside", "1.5", "2026-01-01T00:00:00Z").await;
    let (report, read) = scanned(&setting).await;
    assert_eq!((report.summary.vulnerabilities, read), (1, 0));
    let finding = &report.packages[1].findings[0].finding;
    assert_eq!((finding.id.as_str(), finding.fixed_version.as_deref()), ("TEST-1", Some("1.5")));
}

#[tokio::test]
async fn a_broken_layer_makes_the_image_failed() {
    let setting = Setting::new().await;
    let mut bytes = Layer::default().debian(&[("bash", "5.2.15-2")]).gzip();
    bytes.truncate(bytes.len() / 2);
    layout::write(&setting.path("image"), "a/b:1", &[bytes]);
    let (report, _) = scanned(&setting).await;
    assert!(matches!(report.state, AnalysisState::Failed { .. }), "{:?}", report.state);
}

#[tokio::test]
async fn a_layer_with_other_bytes_than_its_digest_is_not_stored_under_it() {
    let setting = Setting::new().await;
    let honest = Layer::default().debian(&[("bash", "5.2.15-2")]).gzip();
    let image = setting.path("image");
    layout::write(&image, "a/b:1", std::slice::from_ref(&honest));
    let other = Layer::default().python("evil", "6.6.6").gzip();
    let mut padded = other.clone();
    padded.resize(honest.len().max(other.len()), 0);
    padded.truncate(honest.len());
    fs::write(image.join("blobs/sha256").join(digest(&honest).hex()), padded).expect("a blob");
    let (report, _) = scanned(&setting).await;
    assert!(matches!(report.state, AnalysisState::Failed { .. }), "{:?}", report.state);

    layout::write(&image, "a/b:1", &[honest]);
    let (report, _) = scanned(&setting).await;
    assert_eq!((report.state, report.packages.len()), (AnalysisState::Analyzed, 1));
}

#[tokio::test]
async fn an_image_that_nothing_is_known_of_is_not_clean() {
    let setting = Setting::new().await;
    layout::write(&setting.path("image"), "a/b:1", &[Layer::default().file("x", b"x").gzip()]);
    let (report, _) = scanned(&setting).await;
    assert!(matches!(report.state, AnalysisState::Unsupported { .. }), "{:?}", report.state);
}
