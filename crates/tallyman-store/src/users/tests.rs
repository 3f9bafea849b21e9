use super::{Deletion, Insertion, RamUser};
use crate::access_keys::NewAccessKey;
use crate::policies::PolicyType;
use crate::samples::TemporaryStore;
use crate::secret::Secret;
use crate::settings::Epoch;

pub(crate) fn user(name: &str) -> RamUser {
    RamUser {
        user_name: name.to_owned(),
        user_id: format!("2{name}"),
        display_name: name.to_uppercase(),
        created_at: 5,
    }
}

#[tokio::test]
async fn users_are_made_listed_and_deleted() {
    let store = TemporaryStore::new();
    for name in ["bob", "alice", "carol"] {
        assert_eq!(store.insert_user(user(name)).await.unwrap(), Insertion::Done);
    }
    assert_eq!(store.insert_user(user("bob")).await.unwrap(), Insertion::Exists);
    assert_eq!(store.find_user("bob").await.unwrap(), Some(user("bob")));
    assert_eq!(store.list_users(None, 2).await.unwrap(), [user("alice"), user("bob")]);
    assert_eq!(store.list_users(Some("bob"), 2).await.unwrap(), [user("carol")]);
    assert_eq!(store.delete_user("carol").await.unwrap(), Deletion::Done);
    assert_eq!(store.delete_user("carol").await.unwrap(), Deletion::Missing);
}

#[tokio::test]
async fn a_user_with_a_key_or_a_policy_stays() {
    let store = TemporaryStore::new();
    store.insert_user(user("bob")).await.unwrap();
    let key = NewAccessKey {
        access_key_id: "LTAI1".to_owned(),
        secret: Secret::new("s"),
        user_name: Some("bob".to_owned()),
        session: None,
        created_at: 1,
    };
    store.insert_access_key(key).await.unwrap();
    assert_eq!(store.delete_user("bob").await.unwrap(), Deletion::InUse);
    store.delete_access_key("LTAI1").await.unwrap();
    store.attach_policy("bob", PolicyType::System, "ReadOnly").await.unwrap();
    assert_eq!(store.delete_user("bob").await.unwrap(), Deletion::InUse);
    store.detach_policy("bob", PolicyType::System, "ReadOnly").await.unwrap();
    assert_eq!(store.delete_user("bob").await.unwrap(), Deletion::Done);
}

#[tokio::test]
async fn only_what_changes_the_accounts_raises_their_epoch() {
    let store = TemporaryStore::new();
    let epoch = || {
        let store = store.store.clone();
        async move { store.epoch(Epoch::Accounts).await.unwrap() }
    };
    assert_eq!(epoch().await, 0);
    store.insert_user(user("bob")).await.unwrap();
    assert_eq!(epoch().await, 1);
    store.insert_user(user("bob")).await.unwrap();
    store.delete_user("nobody").await.unwrap();
    store.detach_policy("bob", PolicyType::System, "x").await.unwrap();
    store.touch_access_keys(vec![("LTAI1".to_owned(), 5)]).await.unwrap();
    assert_eq!(epoch().await, 1);
    store.attach_policy("bob", PolicyType::System, "x").await.unwrap();
    assert_eq!(epoch().await, 2);
}
