use super::Nonce;
use crate::samples::TemporaryStore;

fn nonce(key: &str, text: &str, expires_at: i64) -> Nonce {
    Nonce { access_key_id: key.to_owned(), nonce: text.to_owned(), expires_at }
}

#[tokio::test]
async fn a_nonce_is_new_once_per_key_until_it_expires() {
    let store = TemporaryStore::new();
    let batch =
        vec![nonce("k", "a", 100), nonce("k", "a", 100), nonce("l", "a", 50), nonce("k", "b", 90)];
    let insert = |batch, now| store.insert_nonces(batch, now);
    assert_eq!(insert(batch, 10).await.unwrap(), [true, false, true, true]);
    let again = vec![nonce("k", "a", 200), nonce("l", "a", 200)];
    assert_eq!(insert(again, 60).await.unwrap(), [false, true]);
}

#[tokio::test]
async fn unexpired_nonces_are_listed_and_expired_ones_purged() {
    let store = TemporaryStore::new();
    let batch = vec![nonce("k", "a", 100), nonce("k", "b", 50), nonce("k", "c", 70)];
    store.insert_nonces(batch, 10).await.unwrap();
    let listed = store.list_nonces(50, 10).await.unwrap();
    assert_eq!(listed, [nonce("k", "a", 100), nonce("k", "c", 70)]);
    assert_eq!(store.purge_nonces(50).await.unwrap(), 1);
    assert_eq!(store.list_nonces(0, 10).await.unwrap().len(), 2);
}
