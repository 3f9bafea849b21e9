use tallyman_model::distribution::DistributionRelease;
use tallyman_model::package::{Ecosystem, Package, PackageVersion, SourcePackage};

use super::{ChangedKeys, package_version_id};
use crate::error::StoreError;
use crate::images::NewImagePackage;
use crate::package_sets::by_layer;
use crate::samples::{TemporaryStore, key, new_image, none, package, package_id};

fn deb() -> PackageVersion {
    let source = SourcePackage { name: "glibc".to_owned(), version: "2.36-9".to_owned() };
    let package = Package {
        architecture: Some("amd64".to_owned()),
        source: Some(source),
        module: Some("c:1".to_owned()),
        ..Package::new(Ecosystem::Deb, "libc6", "2.36-9+b1")
    };
    PackageVersion { package, release: Some(DistributionRelease::new("debian", "12")) }
}

#[tokio::test]
async fn package_versions_come_back_as_they_went_in() {
    let store = TemporaryStore::new();
    let mut image = new_image(1, &[1]);
    let deb_package = NewImagePackage { version: deb(), layer: 1, path: String::new() };
    image.packages.extend(by_layer([deb_package]).unwrap());
    store.insert_image(image, none(), 10).await.unwrap();
    let id = package_version_id(&deb()).unwrap();
    let found = store.list_package_versions(&[id, package_id(1), package_id(9)]).await.unwrap();
    assert_eq!(found.len(), 2);
    assert_eq!(found[&id], deb());
    assert_eq!(found[&package_id(1)], package(1));
}

#[tokio::test]
async fn each_field_makes_another_id() {
    let mut ids = vec![package_version_id(&deb()).unwrap()];
    let changes: [fn(&mut PackageVersion); 8] = [
        |v| v.package.ecosystem = Ecosystem::Apk,
        |v| v.package.name.push('x'),
        |v| v.package.version.push('x'),
        |v| v.package.architecture = None,
        |v| v.package.source = None,
        |v| v.package.module = None,
        |v| v.package.source.as_mut().unwrap().version.push('x'),
        |v| v.release = None,
    ];
    for change in changes {
        let mut version = deb();
        change(&mut version);
        ids.push(package_version_id(&version).unwrap());
    }
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 9);
    assert!(ids.iter().all(|id| id.0 >= 0));
}

#[tokio::test]
async fn a_collision_of_ids_is_an_error_and_writes_nothing() {
    let store = TemporaryStore::new();
    store.image(1, &[1]).await;
    let id = package_id(1);
    store
        .write(move |connection| {
            let sql = "UPDATE package_version SET name = 'other' WHERE package_version_id = $1";
            Ok(connection.execute(sql, [id.0])?)
        })
        .await
        .unwrap();
    let error = store.insert_image(new_image(2, &[1, 2]), none(), 10).await.unwrap_err();
    assert!(matches!(error, StoreError::Collision { what: "package version", .. }), "{error}");
    assert!(store.list_package_versions(&[package_id(2)]).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_new_revision_marks_the_package_versions_of_changed_keys_only() {
    let store = TemporaryStore::new();
    store.image(1, &[1, 2, 3]).await;
    store.matched("r1", &[]).await;
    let changed = ChangedKeys::Keys(vec![key(2), key(99)]);
    let mark = |changed| store.set_advisory_revision("r2", changed, none(), 10);
    assert_eq!(mark(changed.clone()).await.unwrap(), 1);
    let unmatched = store.list_unmatched_package_versions(10).await.unwrap();
    assert_eq!(unmatched, [(package_id(2), package(2))]);
    assert_eq!(store.count_unmatched_package_versions().await.unwrap(), 1);
    assert_eq!(mark(ChangedKeys::All).await.unwrap(), 0, "it is the current revision already");
    assert_eq!(store.find_advisory_revision().await.unwrap().as_deref(), Some("r2"));
    let of_keys = store.list_package_versions_of_keys(&[key(3)]).await.unwrap();
    assert_eq!(of_keys.into_keys().collect::<Vec<_>>(), [package_id(3)]);
}

#[tokio::test]
async fn all_package_versions_are_listed_by_page() {
    let store = TemporaryStore::new();
    store.image(1, &[1, 2, 3, 4, 5]).await;
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let page = store.list_package_versions_after(after, 2).await.unwrap();
        let Some((last, _)) = page.last() else { break };
        after = Some(*last);
        seen.extend(page.into_iter().map(|(id, _)| id));
    }
    let mut expected: Vec<_> = (1..=5).map(package_id).collect();
    expected.sort_unstable();
    assert_eq!(seen, expected);
}
