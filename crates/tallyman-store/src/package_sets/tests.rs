use std::path::Path;

use rusqlite::Connection;
use tallyman_model::severity::Severity;

use super::PackageSet;
use crate::encoding::to_zstd_json;
use crate::error::StoreError;
use crate::ids::ImageId;
use crate::migration;
use crate::samples::{TemporaryStore, finding, new_image, none, package, package_id};

#[tokio::test]
async fn equal_layers_of_different_images_are_stored_once() {
    let store = TemporaryStore::new();
    for number in 1..=5 {
        store.image(number, &[1, 2]).await;
    }
    store.image(6, &[1]).await;
    let rows = |table: &'static str| {
        let sql = format!("SELECT COUNT(*) FROM {table}");
        let read = move |connection: &Connection| -> Result<i64, StoreError> {
            Ok(connection.query_row(&sql, [], |row| row.get(0))?)
        };
        store.read(read)
    };
    assert_eq!(rows("image").await.unwrap(), 6);
    assert_eq!(rows("package_set").await.unwrap(), 2);
    assert_eq!(rows("package_list").await.unwrap(), 2);
    assert_eq!(rows("package_set_member").await.unwrap(), 3);
}

#[tokio::test]
async fn a_set_whose_id_belongs_to_another_is_an_error() {
    let store = TemporaryStore::new();
    store.image(1, &[1]).await;
    let change = |connection: &Connection| {
        Ok(connection.execute("UPDATE package_set SET sha256 = x'00'", [])?)
    };
    store.write(change).await.unwrap();
    let error = store.insert_image(new_image(2, &[1]), none(), 10).await.unwrap_err();
    assert!(matches!(error, StoreError::Collision { what: "package set", .. }), "{error}");
}

#[test]
fn the_order_of_packages_makes_no_other_set() {
    let member = |number| (package(number), format!("lib/{number}"));
    let set = PackageSet::new([member(1), member(2)]).unwrap();
    assert_eq!(PackageSet::new([member(2), member(1)]).unwrap(), set);
    assert_ne!(PackageSet::new([member(1)]).unwrap().id, set.id);
}

/// A database as it was before sets: an image with two packages, one of which has a finding.
fn old_database(connection: &Connection, path: &Path) {
    migration::migrate_to(connection, path, 3).unwrap();
    for number in [1, 2] {
        let sql = "INSERT INTO package_version (package_version_id, ecosystem, release, name,
                       version, architecture, source_name, source_version, advisory_name,
                       matched_revision)
                   VALUES (?1, 'pypi', '', ?2, '1.0', '', '', '', ?3, 'r1')";
        let names = (format!("Package_{number}"), format!("package-{number}"));
        connection.execute(sql, (package_id(number).0, names.0, names.1)).unwrap();
        let sql = "INSERT INTO image_package (package_version_id, image_id) VALUES (?1, 7)";
        connection.execute(sql, [package_id(number).0]).unwrap();
    }
    let found = finding("CVE-1", Severity::High);
    let sql = "INSERT INTO finding (package_version_id, vulnerability, severity, advisory, data,
                   first_seen_at) VALUES (?1, 'CVE-1', 4, 'GHSA-1', ?2, 1)";
    let data = serde_json::to_string(&found).unwrap();
    connection.execute(sql, (package_id(1).0, data)).unwrap();
    connection.execute("INSERT INTO setting VALUES ('advisory_revision', 'r1')", []).unwrap();
    let facts = new_image(1, &[]).facts;
    let packages = [(package_id(2).0, 1, "b"), (package_id(1).0, 0, "a")];
    let sql = "INSERT INTO image (image_id, image_key, config_digest, platform, size_bytes, state,
                   vul_count, vul_by_severity, alarm_count, row_version, analyzed_at,
                   matched_revision, fingerprint, layers, alerts, diagnostics, packages)
               VALUES (7, 'key', ?1, ?2, 10, 'analyzed', 1, '[0,0,0,0,1,0]', 0, 3, 5, 'r1', 'f',
                       '[]', '[]', ?3, ?4)";
    let none: [u8; 0] = [];
    let values = (
        facts.config_digest.to_string(),
        serde_json::to_string(&facts.platform).unwrap(),
        to_zstd_json(&none).unwrap(),
        to_zstd_json(&packages).unwrap(),
    );
    connection.execute(sql, values).unwrap();
}

#[tokio::test]
async fn images_from_before_there_were_sets_keep_their_packages_and_counters() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("tallyman.db");
    old_database(&Connection::open(&path).unwrap(), &path);
    let store = TemporaryStore::in_directory(directory);
    let id = ImageId(7);
    let summary = store.find_image(id).await.unwrap().unwrap().summary;
    assert_eq!((summary.vul_count, summary.vul_by_severity.0), (1, [0, 0, 0, 0, 1, 0]));
    assert_eq!(summary.matched_revision.as_deref(), Some("r1"));
    let packages = store.find_image_packages(id).await.unwrap().unwrap();
    let shown: Vec<_> = packages
        .iter()
        .map(|it| (it.version.clone(), it.layer, it.path.as_str(), it.findings.len()))
        .collect();
    assert_eq!(shown, [(package(1), 0, "a", 1), (package(2), 1, "b", 0)]);
    assert_eq!(store.images_with(&[package_id(2)]).await.unwrap(), [id]);
}
