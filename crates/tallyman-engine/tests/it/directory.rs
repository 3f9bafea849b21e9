use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::Arc;

use tallyman_engine::analysis::AnalysisProgress;
use tallyman_engine::directory::{Directory, scan_directory};
use tallyman_engine::report::ScanReport;
use tallyman_engine::scan::ScanError;
use tallyman_model::coverage::AnalysisState;
use tallyman_model::inventory::DiagnosticKind;
use tallyman_model::limits::Limits;
use tallyman_source::directory::Mounts;

use crate::setting::Setting;

fn write(root: &Path, path: &str, content: &[u8]) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().expect("a parent")).expect("directories");
    fs::write(path, content).expect("a file");
}

fn python(root: &Path, name: &str, version: &str) {
    let path = format!("usr/lib/python3/dist-packages/{name}-{version}.dist-info/METADATA");
    let text = format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n\n");
    write(root, &path, text.as_bytes());
}

/// The header of a program for a 64-bit machine; little endian.
fn program(root: &Path, name: &str, machine: u8) {
    use std::os::unix::fs::PermissionsExt as _;
    let mut head = [0; 64];
    head[..6].copy_from_slice(b"\x7fELF\x02\x01");
    head[18] = machine;
    write(root, name, &head);
    fs::set_permissions(root.join(name), fs::Permissions::from_mode(0o755)).expect("a mode");
}

async fn try_scan(setting: &Setting, platform: Option<&str>) -> Result<ScanReport, ScanError> {
    let directory = Directory {
        path: setting.path("root"),
        mounts: Mounts::Stay,
        platform: platform.map(|text| text.parse().expect("a platform")),
    };
    let progress = Arc::new(AnalysisProgress::default());
    scan_directory(&setting.installation, directory, progress).await
}

#[tokio::test]
async fn a_directory_is_reported_with_what_was_computed_from_it() {
    let setting = Setting::new().await;
    let root = setting.path("root");
    python(&root, "quayside", "1.4");
    program(&root, "usr/bin/a", 183);
    program(&root, "usr/bin/b", 183);
    program(&root, "usr/bin/c", 62);
    setting.affect("TEST-1", "Quayside", "1.5", "2026-01-01T00:00:00Z").await;
    let report = try_scan(&setting, None).await.expect("a report");
    assert_eq!(report.state, AnalysisState::Analyzed);
    assert_eq!((report.packages.len(), report.summary.vulnerabilities), (1, 1));
    let image = &report.image;
    assert_eq!(image.name, format!("dir:{}", root.display()));
    assert_eq!(image.platform.as_deref(), Some("linux/arm64"));
    assert_eq!((&image.config_digest, &image.manifest_digest), (&None, &None));
    let digests: Vec<_> = image.layers.iter().map(|layer| Some(layer.digest.clone())).collect();
    assert_eq!(digests, [report.packages[0].layer_digest.clone()]);

    write(&root, "usr/share/doc/unwanted", &[b'x'; 5000]);
    let other = try_scan(&setting, None).await.expect("a report");
    assert_ne!(other.image.layers[0].digest, image.layers[0].digest, "a name came");
    write(&root, "usr/share/doc/unwanted", &[b'y'; 6000]);
    let same = try_scan(&setting, None).await.expect("a report");
    assert_eq!(same.image.layers, other.image.layers, "unwanted content is not read");
}

#[tokio::test]
async fn a_platform_that_the_programs_are_not_for_is_an_error() {
    let setting = Setting::new().await;
    python(&setting.path("root"), "quayside", "1.4");
    let text = |error: ScanError| error.to_string();
    let unknown = try_scan(&setting, Some("linux/arm64")).await.map_err(text);
    assert!(unknown.expect_err("no program").contains("available: none"));
    program(&setting.path("root"), "usr/bin/a", 62);
    let other = try_scan(&setting, Some("linux/arm64")).await.map_err(text);
    assert!(other.expect_err("another").contains("available: linux/amd64"));
    assert!(try_scan(&setting, Some("linux/amd64")).await.is_ok());
}

#[tokio::test]
async fn what_cannot_be_read_of_a_directory_is_in_its_report() {
    let setting = Setting::new().await;
    let root = setting.path("root");
    python(&root, "quayside", "1.4");
    let large = fs::File::create(root.join("usr/lib/python3/dist-packages/x.egg-info"));
    let limit = Limits::default().metadata_bytes;
    large.and_then(|file| file.set_len(limit + 1)).expect("a large file");
    let report = try_scan(&setting, None).await.expect("a report");
    let found: Vec<_> = report
        .diagnostics
        .iter()
        .map(|it| (it.diagnostic.path.as_str(), it.diagnostic.kind))
        .collect();
    let path = "usr/lib/python3/dist-packages/x.egg-info";
    assert_eq!(found, [(path, DiagnosticKind::Skipped)]);

    write(&root, "elsewhere", b"Package: a\n");
    fs::create_dir_all(root.join("var/lib/dpkg")).expect("directories");
    symlink(root.join("elsewhere"), root.join("var/lib/dpkg/status")).expect("a link");
    let report = try_scan(&setting, None).await.expect("a report");
    assert!(matches!(report.state, AnalysisState::Failed { .. }), "{:?}", report.state);
}

#[tokio::test]
async fn a_directory_that_does_not_exist_is_an_error() {
    let setting = Setting::new().await;
    let error = try_scan(&setting, None).await.expect_err("nothing there");
    assert!(error.to_string().contains("does not exist"), "{error}");
}
