use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::CountedTable;
use crate::samples::TemporaryStore;
use crate::secret::MasterKey;
use crate::store::{Store, StoreOptions};

#[tokio::test]
async fn health_tells_schema_and_sizes() {
    let store = TemporaryStore::new();
    let health = store.health().await.unwrap();
    assert_eq!(health.schema_version, crate::migration::newest());
    assert!(health.database_bytes + health.wal_bytes > 0);
    store.image(1, &[1, 2]).await;
    assert_eq!(store.count_rows(CountedTable::Images).await.unwrap(), 1);
    assert_eq!(store.count_rows(CountedTable::PackageVersions).await.unwrap(), 2);
    for table in [CountedTable::Servers, CountedTable::Layers, CountedTable::Findings] {
        assert_eq!(store.count_rows(table).await.unwrap(), 0, "{table:?}");
    }
}

#[tokio::test]
async fn a_backup_is_a_whole_private_database() {
    let store = TemporaryStore::new();
    let id = store.image(1, &[1]).await;
    let path = store.directory.path().join("copy.db");
    fs::write(path.with_extension("db.part"), "interrupted").unwrap();
    store.backup_to(&path).await.unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!path.with_extension("db.part").exists());
    let copy = Store::open(StoreOptions::new(&path, MasterKey::ephemeral().unwrap())).unwrap();
    assert!(copy.find_image(id).await.unwrap().is_some());
    assert_eq!(copy.account_id().await.unwrap(), store.account_id().await.unwrap());
    assert!(store.backup_to(&path).await.is_err(), "a backup is never overwritten");
}
