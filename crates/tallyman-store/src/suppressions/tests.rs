use std::collections::BTreeSet;

use tallyman_model::ignore::IgnoreRule;
use tallyman_model::severity::Severity;
use tallyman_model::vex::{VexDocument, VexFormat};

use super::sets::{SuppressedVulnerability, SuppressionSet, Suppressor, SuppressorKind};
use super::{StoredVex, SuppressionUpdate};
use crate::ids::ImageId;
use crate::samples::{TemporaryStore, finding, uuid};
use crate::settings::Epoch;

fn rule(id: &str, expires_ms: Option<i64>) -> IgnoreRule {
    IgnoreRule {
        id: id.to_owned(),
        vulnerabilities: vec!["CVE-1".to_owned()],
        reason: "a test".to_owned(),
        author: "Ada".to_owned(),
        expires_ms,
        ..IgnoreRule::default()
    }
}

fn document(id: &str, updated_ms: i64, author: &str) -> VexDocument {
    VexDocument {
        id: id.to_owned(),
        format: VexFormat::OpenVex,
        author: author.to_owned(),
        updated_ms: Some(updated_ms),
        statements: Vec::new(),
        left_out: Vec::new(),
    }
}

fn none() -> SuppressionUpdate {
    SuppressionUpdate::default()
}

/// What the first server suppresses of an image.
fn one(image: ImageId, vulnerability: Option<&str>) -> SuppressionUpdate {
    let set = vulnerability.and_then(|name| {
        let by = Suppressor {
            kind: SuppressorKind::Rule,
            id: "one".to_owned(),
            author: "Ada".to_owned(),
            reason: None,
        };
        let suppressed = SuppressedVulnerability { severity: Severity::High, by };
        SuppressionSet::new([(name.to_owned(), suppressed)].into())
    });
    let id = set.as_ref().map(|set| set.id().unwrap());
    SuppressionUpdate {
        sets: id.zip(set).into_iter().collect(),
        places: vec![(uuid(1), image, id)],
    }
}

#[tokio::test]
async fn a_document_gives_way_only_to_one_that_is_not_older() {
    let store = TemporaryStore::new();
    for (updated_ms, author, expected) in [
        (5, "Ada", StoredVex::New),
        (5, "Ada", StoredVex::Unchanged),
        (4, "Ada", StoredVex::Older),
        (5, "Grace", StoredVex::Replaced),
        (6, "Grace", StoredVex::Replaced),
    ] {
        let stored = store.replace_vex_document(document("a", updated_ms, author), 10).await;
        assert_eq!(stored.unwrap(), expected, "{updated_ms} {author}");
    }
    let rows = store.list_vex_documents().await.unwrap();
    assert_eq!((rows.len(), rows[0].updated_at, &*rows[0].author), (1, Some(6), "Grace"));
    assert!(store.delete_vex_document("a").await.unwrap());
    assert!(!store.delete_vex_document("a").await.unwrap());
}

#[tokio::test]
async fn there_is_work_when_something_changed_and_none_when_nothing_did() {
    let store = TemporaryStore::new();
    assert_eq!(store.find_suppression_work(0).await.unwrap(), None);
    assert!(store.insert_ignore_rule(rule("one", Some(1_000))).await.unwrap());
    assert!(!store.insert_ignore_rule(rule("one", None)).await.unwrap(), "it is there already");
    let work = store.find_suppression_work(10).await.unwrap().expect("a new rule");
    assert_eq!(work.rules, [rule("one", Some(1_000))]);
    assert!(store.set_suppressions(work.mark.clone(), none(), 10).await.unwrap());
    assert_eq!(store.find_suppression_work(999).await.unwrap(), None);
    let expired = store.find_suppression_work(1_000).await.unwrap();
    assert!(expired.is_some(), "the rule no longer holds");
    let late = store.set_suppressions("1 0 0 0".to_owned(), none(), 1_000).await;
    assert!(!late.unwrap(), "it was derived from what is not so any more");
    assert!(store.delete_ignore_rule("one").await.unwrap());
    assert!(store.find_suppression_work(10).await.unwrap().is_some());
}

#[tokio::test]
async fn what_is_suppressed_is_taken_off_where_it_is_shown_and_summed_up() {
    let store = TemporaryStore::new();
    let (a, b) = (store.image(1, &[1]).await, store.image(2, &[2]).await);
    let two = [finding("CVE-1", Severity::High), finding("CVE-2", Severity::Low)];
    store.matched("r1", &[(1, &two), (2, &two[1..])]).await;
    store.report(1, &[(a, "a:1"), (b, "b:1")], 10).await;
    store.report(2, &[(a, "a:1")], 10).await;
    store.insert_ignore_rule(rule("one", None)).await.unwrap();
    let work = store.find_suppression_work(20).await.unwrap().unwrap();
    let named = BTreeSet::from(["CVE-1".to_owned()]);
    assert_eq!(store.list_suppressible_images(Some(&named)).await.unwrap(), [a]);
    let mut all = vec![a, b];
    all.sort();
    assert_eq!(store.list_suppressible_images(None).await.unwrap(), all);
    let by_record = BTreeSet::from(["GHSA-CVE-2".to_owned()]);
    assert_eq!(store.list_suppressible_images(Some(&by_record)).await.unwrap(), all);

    let versions = store.list_server_versions(&[uuid(1), uuid(2)]).await.unwrap();
    let epoch = store.epoch(Epoch::Images).await.unwrap();
    assert!(store.set_suppressions(work.mark, one(a, Some("CVE-1")), 20).await.unwrap());
    assert!(store.epoch(Epoch::Images).await.unwrap() > epoch, "what lists show is another");
    let nothing = Some(&BTreeSet::new());
    assert_eq!(store.list_suppressible_images(nothing).await.unwrap(), [a], "it may end");
    let counts = async |number: u32| {
        let rows = store.list_server_images(&[uuid(number)]).await.unwrap();
        let of_images: Vec<u64> = rows.iter().map(|row| row.image.vul_count).collect();
        (of_images, store.find_server(&uuid(number)).await.unwrap().unwrap().vul_count)
    };
    assert_eq!(counts(1).await, (vec![1, 1], 2));
    assert_eq!(counts(2).await, (vec![2], 2));
    let after = store.list_server_versions(&[uuid(1), uuid(2)]).await.unwrap();
    assert!(after[&uuid(1)] > versions[&uuid(1)], "clients see that it changed");
    assert_eq!(after[&uuid(2)], versions[&uuid(2)], "nothing else is written");

    store.report(1, &[(a, "a:2"), (b, "b:1")], 30).await;
    assert_eq!(counts(1).await, (vec![1, 1], 2), "a report does not lose it");
    store.matched("r2", &[(2, &two[1..])]).await;
    assert_eq!(counts(1).await, (vec![0, 1], 0), "never less than nothing");
    let work = store.find_suppression_work(40).await.unwrap().expect("findings changed");
    assert!(store.set_suppressions(work.mark, one(a, None), 40).await.unwrap());
    assert_eq!(counts(1).await, (vec![0, 1], 1));
}
