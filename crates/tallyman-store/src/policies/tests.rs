use super::{AttachedPolicy, PolicyType};
use crate::error::StoreError;
use crate::samples::TemporaryStore;
use crate::users::tests::user;
use crate::users::{Deletion, Insertion};

#[tokio::test]
async fn custom_policies_are_made_changed_and_deleted() {
    let store = TemporaryStore::new();
    assert_eq!(store.insert_policy("p", "{1}", 5).await.unwrap(), Insertion::Done);
    assert_eq!(store.insert_policy("p", "{2}", 6).await.unwrap(), Insertion::Exists);
    assert!(store.update_policy("p", "{3}", 7).await.unwrap());
    assert!(!store.update_policy("q", "{3}", 7).await.unwrap());
    let policy = store.find_policy("p").await.unwrap().unwrap();
    assert_eq!((policy.document.as_str(), policy.created_at, policy.updated_at), ("{3}", 5, 7));
    assert_eq!(store.list_policies(None, 10).await.unwrap(), [policy]);
    assert_eq!(store.delete_policy("p").await.unwrap(), Deletion::Done);
    assert_eq!(store.delete_policy("p").await.unwrap(), Deletion::Missing);
}

#[tokio::test]
async fn a_users_policies_come_with_the_documents_of_custom_ones() {
    let store = TemporaryStore::new();
    store.insert_user(user("bob")).await.unwrap();
    store.insert_policy("p", "{}", 5).await.unwrap();
    for (kind, name) in [(PolicyType::System, "p"), (PolicyType::Custom, "p")] {
        assert_eq!(store.attach_policy("bob", kind, name).await.unwrap(), Insertion::Done);
        assert_eq!(store.attach_policy("bob", kind, name).await.unwrap(), Insertion::Exists);
    }
    let attached = |policy_type, document: Option<&str>| AttachedPolicy {
        policy_name: "p".to_owned(),
        policy_type,
        document: document.map(str::to_owned),
    };
    let expected = [attached(PolicyType::Custom, Some("{}")), attached(PolicyType::System, None)];
    assert_eq!(store.policies_of("bob").await.unwrap(), expected);
    assert_eq!(store.users_with_policy(PolicyType::Custom, "p").await.unwrap(), ["bob"]);
    assert_eq!(store.delete_policy("p").await.unwrap(), Deletion::InUse);
    assert!(store.detach_policy("bob", PolicyType::Custom, "p").await.unwrap());
    assert!(!store.detach_policy("bob", PolicyType::Custom, "p").await.unwrap());
    assert_eq!(store.delete_policy("p").await.unwrap(), Deletion::Done);
}

#[tokio::test]
async fn what_does_not_exist_cannot_be_attached() {
    let store = TemporaryStore::new();
    let error = store.attach_policy("bob", PolicyType::System, "p").await.unwrap_err();
    assert!(matches!(error, StoreError::UnknownUser(_)), "{error}");
    store.insert_user(user("bob")).await.unwrap();
    let error = store.attach_policy("bob", PolicyType::Custom, "p").await.unwrap_err();
    assert!(matches!(error, StoreError::UnknownPolicy(_)), "{error}");
}
