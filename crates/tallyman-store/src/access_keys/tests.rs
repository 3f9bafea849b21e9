use std::fs;

use super::{AccessKeyStatus, NewAccessKey, Session};
use crate::error::StoreError;
use crate::samples::TemporaryStore;
use crate::secret::{MasterKey, Secret};
use crate::store::{Store, StoreOptions};
use crate::users::tests::user;
use crate::users::{Deletion, Insertion};

const SECRET: &str = "Wonderfully-Secret-0123456789";

fn key(id: &str, user_name: Option<&str>) -> NewAccessKey {
    NewAccessKey {
        access_key_id: id.to_owned(),
        secret: Secret::new(SECRET),
        user_name: user_name.map(str::to_owned),
        session: None,
        created_at: 5,
    }
}

#[tokio::test]
async fn a_key_is_found_with_its_secret_and_user() {
    let store = TemporaryStore::new();
    store.insert_user(user("bob")).await.unwrap();
    assert_eq!(store.insert_access_key(key("LTAI1", Some("bob"))).await.unwrap(), Insertion::Done);
    assert_eq!(store.insert_access_key(key("LTAI1", None)).await.unwrap(), Insertion::Exists);
    store.insert_access_key(key("LTAI0", None)).await.unwrap();
    let found = store.find_access_key("LTAI1").await.unwrap().unwrap();
    assert_eq!(found.secret.expose(), SECRET);
    assert_eq!(found.row.user_name.as_deref(), Some("bob"));
    assert_eq!(found.user_id, Some(user("bob").user_id));
    assert_eq!(found.row.status, AccessKeyStatus::Active);
    assert!(!format!("{found:?}").contains(SECRET));
    let root = store.find_access_key("LTAI0").await.unwrap().unwrap();
    assert_eq!((root.row.user_name, root.user_id), (None, None));
    assert_eq!(store.find_access_key("LTAI9").await.unwrap(), None);
    let ids = |rows: Vec<super::AccessKeyRow>| {
        rows.into_iter().map(|row| row.access_key_id).collect::<Vec<_>>()
    };
    assert_eq!(ids(store.list_access_keys(Some("bob")).await.unwrap()), ["LTAI1"]);
    assert_eq!(ids(store.list_access_keys(None).await.unwrap()), ["LTAI0"]);
}

#[tokio::test]
async fn a_key_of_nobody_is_refused() {
    let store = TemporaryStore::new();
    let error = store.insert_access_key(key("LTAI1", Some("nobody"))).await.unwrap_err();
    assert!(matches!(error, StoreError::UnknownUser(_)), "{error}");
}

#[tokio::test]
async fn keys_are_disabled_enabled_used_and_deleted() {
    let store = TemporaryStore::new();
    store.insert_access_key(key("LTAI1", None)).await.unwrap();
    let status = |status| store.set_access_key_status("LTAI1", status);
    assert!(status(AccessKeyStatus::Inactive).await.unwrap());
    store
        .touch_access_keys(vec![("LTAI1".to_owned(), 70), ("LTAI1".to_owned(), 60)])
        .await
        .unwrap();
    store.touch_access_keys(vec![("LTAI1".to_owned(), 50)]).await.unwrap();
    let row = store.find_access_key("LTAI1").await.unwrap().unwrap().row;
    assert_eq!((row.status, row.last_used_at), (AccessKeyStatus::Inactive, Some(70)));
    assert!(status(AccessKeyStatus::Active).await.unwrap());
    assert!(store.delete_access_key("LTAI1").await.unwrap());
    assert!(!store.delete_access_key("LTAI1").await.unwrap());
    assert!(!status(AccessKeyStatus::Active).await.unwrap());
}

#[tokio::test]
async fn session_keys_keep_their_session_until_it_is_purged() {
    let store = TemporaryStore::new();
    store.insert_user(user("bob")).await.unwrap();
    let session = Session {
        security_token_hash: "abc".to_owned(),
        policy: Some("{}".to_owned()),
        expires_at: 100,
    };
    let mut new = key("STS.1", Some("bob"));
    new.session = Some(session.clone());
    store.insert_access_key(new).await.unwrap();
    store.insert_access_key(key("LTAI1", Some("bob"))).await.unwrap();
    let found = store.find_access_key("STS.1").await.unwrap().unwrap();
    assert_eq!(found.row.session, Some(session));
    assert_eq!(store.purge_sessions(100).await.unwrap(), 0);
    assert_eq!(store.purge_sessions(101).await.unwrap(), 1);
    assert!(store.find_access_key("LTAI1").await.unwrap().is_some());
    assert_eq!(store.delete_user("bob").await.unwrap(), Deletion::InUse);
}

#[tokio::test]
async fn the_database_and_its_log_do_not_hold_the_secret() {
    let store = TemporaryStore::new();
    store.insert_access_key(key("LTAI1", None)).await.unwrap();
    let backup = store.directory.path().join("copy.db");
    store.backup_to(&backup).await.unwrap();
    let mut read = 0;
    for entry in fs::read_dir(store.directory.path()).unwrap() {
        let path = entry.unwrap().path();
        let bytes = fs::read(&path).unwrap();
        let holds = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
        assert!(!holds(SECRET), "{}", path.display());
        read += usize::from(holds("LTAI1"));
    }
    assert!(read >= 2, "the key's id stands in the log and in the copy");
}

#[tokio::test]
async fn a_database_without_its_master_key_does_not_give_the_secret() {
    let store = TemporaryStore::new();
    store.insert_access_key(key("LTAI1", None)).await.unwrap();
    let options = StoreOptions::new(store.path(), MasterKey::ephemeral().unwrap());
    let error = Store::open(options).unwrap().find_access_key("LTAI1").await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "use the secret of the access key `LTAI1`: it was sealed under a key that is not in the \
         master key file"
    );
}

#[tokio::test]
async fn secrets_move_to_the_new_master_key() {
    let store = TemporaryStore::new();
    store.insert_access_key(key("LTAI1", None)).await.unwrap();
    let path = store.directory.path().join("master.key");
    let old = fs::read_to_string(&path).unwrap();
    let new = "42".repeat(32);
    fs::write(&path, format!("{new}\n{old}")).unwrap();
    let open = || {
        let master_key = MasterKey::load_or_create(&path).unwrap();
        Store::open(StoreOptions::new(store.path(), master_key)).unwrap()
    };
    assert_eq!(open().reseal_access_keys().await.unwrap(), 1);
    fs::write(&path, new).unwrap();
    let found = open().find_access_key("LTAI1").await.unwrap().unwrap();
    assert_eq!(found.secret.expose(), SECRET);
}
