//! Small facts for this crate's tests, and a store on a temporary file.

use std::ops::Deref;
use std::sync::Arc;

use tallyman_model::advisory::{FixState, PackageKey};
use tallyman_model::coverage::AnalysisState;
use tallyman_model::digest::Digest;
use tallyman_model::finding::Finding;
use tallyman_model::host::{HostFacts, ServerUuid};
use tallyman_model::image::{Compression, LayerDescriptor};
use tallyman_model::inventory::LayerInventory;
use tallyman_model::package::{Ecosystem, Package, PackageVersion};
use tallyman_model::platform::Platform;
use tallyman_model::severity::Severity;

use crate::ids::{ImageId, PackageVersionId, sha256};
use crate::images::{ImageFacts, NewImage, NewImagePackage};
use crate::jobs::{JobChanges, NewJob};
use crate::package_sets::by_layer;
use crate::packages::{ChangedKeys, package_version_id};
use crate::secret::MasterKey;
use crate::servers::{ReportDifference, ServerImage, ServerReport};
use crate::store::{Store, StoreOptions};

/// A store whose directory goes with it.
pub(crate) struct TemporaryStore {
    pub(crate) store: Store,
    pub(crate) directory: tempfile::TempDir,
}

impl Deref for TemporaryStore {
    type Target = Store;

    fn deref(&self) -> &Store {
        &self.store
    }
}

impl TemporaryStore {
    pub(crate) fn new() -> Self {
        TemporaryStore::in_directory(tempfile::tempdir().unwrap())
    }

    /// Opens what lies in a directory.
    pub(crate) fn in_directory(directory: tempfile::TempDir) -> Self {
        let master_key = MasterKey::load_or_create(&directory.path().join("master.key")).unwrap();
        let path = directory.path().join("tallyman.db");
        let store = Store::open(StoreOptions::new(path, master_key)).unwrap();
        TemporaryStore { store, directory }
    }

    /// Stores an image with these packages.
    pub(crate) async fn image(&self, number: u32, packages: &[u32]) -> ImageId {
        self.insert_image(new_image(number, packages), none(), 1000).await.unwrap()
    }

    /// Makes `revision` the current one and matches everything with `findings`.
    pub(crate) async fn matched(&self, revision: &str, findings: &[(u32, &[Finding])]) {
        self.set_advisory_revision(revision, ChangedKeys::All, none(), 2000).await.unwrap();
        let mut all = Vec::new();
        for (id, version) in self.list_unmatched_package_versions(1000).await.unwrap() {
            let found = findings.iter().find(|(number, _)| version == package(*number));
            all.push((id, found.map(|(_, findings)| findings.to_vec()).unwrap_or_default()));
        }
        self.replace_findings(revision, all, none(), 2000).await.unwrap();
        self.refresh_stale_images().await.unwrap();
    }

    pub(crate) async fn report(
        &self,
        server: u32,
        images: &[(ImageId, &str)],
        now_ms: i64,
    ) -> ReportDifference {
        self.report_server(report(server, images), none(), now_ms).await.unwrap()
    }
}

pub(crate) fn none() -> JobChanges {
    JobChanges::default()
}

pub(crate) fn digest(text: &str) -> Digest {
    Digest::from_sha256(&sha256(text.as_bytes()))
}

pub(crate) fn uuid(number: u32) -> ServerUuid {
    format!("server-{number:05}").parse().unwrap()
}

pub(crate) fn inventory(number: u64) -> Arc<LayerInventory> {
    Arc::new(LayerInventory { entries: number, ..LayerInventory::default() })
}

pub(crate) fn package(number: u32) -> PackageVersion {
    let package = Package::new(Ecosystem::PyPi, format!("Package_{number}"), "1.0");
    PackageVersion { package, release: None }
}

pub(crate) fn package_id(number: u32) -> PackageVersionId {
    package_version_id(&package(number)).unwrap()
}

pub(crate) fn key(number: u32) -> PackageKey {
    PackageKey { ecosystem: Ecosystem::PyPi, release: None, name: format!("package-{number}") }
}

pub(crate) fn finding(id: &str, severity: Severity) -> Finding {
    Finding {
        id: id.to_owned(),
        aliases: Vec::new(),
        advisory: format!("GHSA-{id}"),
        feed: "osv/PyPI".to_owned(),
        severity,
        score: Some(7.5),
        vector: None,
        fixed_version: Some("2.0".to_owned()),
        matched: "< 2.0".to_owned(),
        fix_state: FixState::Open,
        published_ms: None,
        contradicted_by: Vec::new(),
    }
}

pub(crate) fn new_image(number: u32, packages: &[u32]) -> NewImage {
    let layer = LayerDescriptor {
        digest: digest(&format!("layer {number}")),
        size_bytes: 10,
        compression: Some(Compression::Gzip),
        media_type: "application/vnd.oci.image.layer.v1.tar+gzip".to_owned(),
        urls: Vec::new(),
    };
    NewImage {
        facts: ImageFacts {
            config_digest: digest(&format!("config {number}")),
            manifest_digest: Some(digest(&format!("manifest {number}"))),
            platform: Platform {
                os: "linux".to_owned(),
                architecture: "amd64".to_owned(),
                variant: None,
            },
            created_ms: Some(500),
            layers: vec![layer],
            inventory_digests: vec![digest(&format!("inventory {number}"))],
            fingerprint: "analyzers-1".to_owned(),
            archives: Vec::new(),
        },
        distribution: None,
        state: AnalysisState::Analyzed,
        packages: by_layer(packages.iter().map(|number| NewImagePackage {
            version: package(*number),
            layer: 0,
            path: format!("lib/package-{number}"),
        }))
        .unwrap(),
        alerts: Vec::new(),
        diagnostics: Vec::new(),
    }
}

pub(crate) fn server_image(image_id: ImageId, name: &str) -> ServerImage {
    ServerImage {
        image_id,
        name: name.to_owned(),
        names: vec![name.to_owned()],
        engine: "docker".to_owned(),
        registry: None,
    }
}

pub(crate) fn report(server: u32, images: &[(ImageId, &str)]) -> ServerReport {
    ServerReport {
        server_uuid: uuid(server),
        facts: HostFacts {
            hostname: format!("Host-{server}"),
            os: "linux".to_owned(),
            ip_addresses: vec![format!("10.0.0.{server}")],
            ..HostFacts::default()
        },
        agent_version: Some("0.1.0".to_owned()),
        images: Some(images.iter().map(|(id, name)| server_image(*id, name)).collect()),
    }
}

pub(crate) fn job(kind: &str, job_key: &str) -> NewJob {
    NewJob {
        kind: kind.to_owned(),
        job_key: job_key.to_owned(),
        payload: serde_json::json!({ "of": job_key }),
        priority: 0,
        run_at: 0,
        max_attempts: 3,
    }
}
