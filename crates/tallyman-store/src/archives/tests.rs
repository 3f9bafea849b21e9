use super::KnownArchive;
use crate::samples::TemporaryStore;

fn archive(sha1: &str, name: &str, version: &str) -> KnownArchive {
    let (sha1, name, version) = (sha1.to_owned(), name.to_owned(), version.to_owned());
    KnownArchive { sha1, name, version }
}

#[tokio::test]
async fn an_archive_is_what_was_said_of_it_last() {
    let store = TemporaryStore::new();
    let first = vec![archive("aa", "g:a", "1"), archive("bb", "g:b", "1")];
    assert_eq!(store.insert_archives(first.clone()).await.unwrap(), 2);
    assert_eq!(store.insert_archives(first).await.unwrap(), 0, "nothing else was said");
    let again = vec![archive("aa", "g:a", "2"), archive("bb", "g:b", "1")];
    assert_eq!(store.insert_archives(again).await.unwrap(), 1);
    let known = store.list_archives(&["bb", "cc", "aa", "aa"]).await.unwrap();
    assert_eq!(known, [archive("aa", "g:a", "2"), archive("bb", "g:b", "1")]);
    assert_eq!(store.count_archives().await.unwrap(), 2);
    assert_eq!(store.insert_archives(Vec::new()).await.unwrap(), 0);
    assert_eq!(store.list_archives(&[]).await.unwrap(), []);
}
