use crate::samples::TemporaryStore;
use crate::secret::MasterKey;
use crate::store::{Store, StoreOptions};

#[tokio::test]
async fn the_account_id_is_made_once() {
    let store = TemporaryStore::new();
    let id = store.account_id().await.unwrap();
    assert_eq!(id.len(), 16, "{id}");
    assert!(id.bytes().all(|b| b.is_ascii_digit()) && !id.starts_with('0'), "{id}");
    let options = StoreOptions::new(store.path(), MasterKey::ephemeral().unwrap());
    assert_eq!(Store::open(options).unwrap().account_id().await.unwrap(), id);
    assert_ne!(TemporaryStore::new().account_id().await.unwrap(), id);
}

#[tokio::test]
async fn settings_are_set_and_listed() {
    let store = TemporaryStore::new();
    assert_eq!(store.find_region().await.unwrap(), None);
    store.set_region("cn-hangzhou").await.unwrap();
    store.set_region("eu-central-1").await.unwrap();
    assert_eq!(store.find_region().await.unwrap().as_deref(), Some("eu-central-1"));
    let names: Vec<String> = store.list_settings().await.unwrap().into_keys().collect();
    assert_eq!(names, ["account_id", "region"]);
}
