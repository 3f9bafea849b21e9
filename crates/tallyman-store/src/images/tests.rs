use tallyman_model::coverage::AnalysisState;
use tallyman_model::inventory::{
    Alert, AlertLevel, Diagnostic, DiagnosticKind, InventoryAlert, InventoryDiagnostic,
};
use tallyman_model::severity::Severity;

use super::NewImage;
use crate::archives::KnownArchive;
use crate::error::StoreError;
use crate::jobs::JobChanges;
use crate::samples::{
    TemporaryStore, digest, finding, job, new_image, none, package, package_id, uuid,
};

fn rich_image() -> NewImage {
    let mut image = new_image(1, &[1, 2]);
    image.alerts.push(InventoryAlert {
        alert: Alert {
            rule: "miner".to_owned(),
            level: AlertLevel::Serious,
            evidence: "a miner".to_owned(),
        },
        path: "usr/bin/x".to_owned(),
        layer: 0,
    });
    image.diagnostics.push(InventoryDiagnostic {
        layer: 0,
        diagnostic: Diagnostic {
            path: "a".to_owned(),
            kind: DiagnosticKind::Skipped,
            reason: "too large".to_owned(),
        },
    });
    image.state = AnalysisState::Unsupported { reason: "no feed".to_owned() };
    image
}

#[tokio::test]
async fn an_image_comes_back_as_it_went_in() {
    let store = TemporaryStore::new();
    let image = rich_image();
    let id = store.insert_image(image.clone(), none(), 10).await.unwrap();
    assert_eq!(id, image.facts.image_id().unwrap());
    let stored = store.find_image(id).await.unwrap().unwrap();
    assert_eq!(stored.image_key, image.facts.image_key().unwrap());
    assert_eq!(stored.summary.config_digest, image.facts.config_digest);
    assert_eq!(stored.summary.manifest_digest, image.facts.manifest_digest);
    assert_eq!(stored.summary.platform, image.facts.platform);
    assert_eq!((stored.summary.size_bytes, stored.summary.created_ms), (10, Some(500)));
    assert_eq!((stored.summary.state, stored.summary.alarm_count), (image.state, 1));
    assert_eq!((stored.layers, stored.fingerprint), (image.facts.layers, image.facts.fingerprint));
    assert_eq!((stored.alerts, stored.diagnostics), (image.alerts, image.diagnostics));
    let packages = store.find_image_packages(id).await.unwrap().unwrap();
    let packages: Vec<_> =
        packages.into_iter().map(|p| (p.package_version_id, p.version, p.path)).collect();
    let expected = [1, 2].map(|n| (package_id(n), package(n), format!("lib/package-{n}")));
    assert_eq!(packages, expected);
}

#[tokio::test]
async fn the_same_facts_are_the_same_row_and_write_nothing_twice() {
    let store = TemporaryStore::new();
    let id = store.insert_image(rich_image(), none(), 10).await.unwrap();
    let before = store.write(|connection| Ok(connection.total_changes())).await.unwrap();
    assert_eq!(store.insert_image(rich_image(), none(), 99).await.unwrap(), id);
    let after = store.write(|connection| Ok(connection.total_changes())).await.unwrap();
    assert_eq!(after, before);
    let mut judged = rich_image();
    judged.state = AnalysisState::Analyzed;
    assert_eq!(store.insert_image(judged, none(), 99).await.unwrap(), id);
    let stored = store.find_image(id).await.unwrap().unwrap();
    assert_eq!((stored.summary.state, stored.summary.analyzed_at), (AnalysisState::Analyzed, 10));
}

#[tokio::test]
async fn whatever_is_told_differently_is_another_row() {
    let facts = new_image(1, &[]).facts;
    let mut ids = vec![facts.image_id().unwrap()];
    let changes: [fn(&mut super::ImageFacts); 7] = [
        |facts| facts.config_digest = digest("other"),
        |facts| facts.manifest_digest = None,
        |facts| facts.platform.architecture = "arm64".to_owned(),
        |facts| facts.created_ms = None,
        |facts| facts.inventory_digests = vec![digest("other")],
        |facts| facts.layers[0].size_bytes += 1,
        |facts| {
            let (sha1, name, version) = ("aa".to_owned(), "g:a".to_owned(), "1".to_owned());
            facts.archives = vec![KnownArchive { sha1, name, version }];
        },
    ];
    for change in changes {
        let mut facts = facts.clone();
        change(&mut facts);
        ids.push(facts.image_id().unwrap());
    }
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 8);
}

#[tokio::test]
async fn a_collision_with_another_key_is_an_error() {
    let store = TemporaryStore::new();
    let id = store.image(1, &[]).await;
    store
        .write(move |connection| {
            let sql = "UPDATE image SET image_key = 'other' WHERE image_id = $1";
            Ok(connection.execute(sql, [id.0])?)
        })
        .await
        .unwrap();
    let error = store.insert_image(new_image(1, &[]), none(), 10).await.unwrap_err();
    assert!(matches!(error, StoreError::Collision { what: "image", .. }), "{error}");
}

#[tokio::test]
async fn findings_of_an_image_name_package_layer_and_path() {
    let store = TemporaryStore::new();
    let id = store.image(1, &[1, 2]).await;
    let found = finding("CVE-1", Severity::High);
    store.matched("r1", &[(2, std::slice::from_ref(&found))]).await;
    let packages = store.image_findings(id).await.unwrap().unwrap();
    assert_eq!(packages.len(), 1);
    assert_eq!(packages[0].version, package(2));
    assert_eq!((packages[0].layer, packages[0].path.as_str()), (0, "lib/package-2"));
    assert_eq!(packages[0].findings[0].finding, found);
    let unknown = crate::ids::ImageId(1);
    assert_eq!(store.image_findings(unknown).await.unwrap(), None);
}

#[tokio::test]
async fn images_are_found_by_digest_and_by_page() {
    let store = TemporaryStore::new();
    let mut ids = vec![store.image(1, &[]).await, store.image(2, &[]).await];
    for text in ["config 2", "manifest 2"] {
        let found = store.list_images_by_digest(&digest(text), 10).await.unwrap();
        assert_eq!(found.iter().map(|s| s.image_id).collect::<Vec<_>>(), [ids[1]], "{text}");
    }
    ids.sort_unstable();
    let first = store.list_images_after(None, 1).await.unwrap();
    let second = store.list_images_after(Some(first[0].image_id), 5).await.unwrap();
    assert_eq!([first[0].image_id, second[0].image_id], [ids[0], ids[1]]);
    assert_eq!(store.known_images(&ids).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_job_is_finished_with_the_image_or_nothing_is_stored() {
    let store = TemporaryStore::new();
    store.enqueue_job(job("scan", "a"), 0).await.unwrap();
    let claimed = store.claim_jobs("w", &["scan"], 1, 10, 1).await.unwrap();
    let finish =
        JobChanges { enqueue: vec![job("match", "m")], finish: Some(claimed[0].lease.clone()) };
    let id = store.insert_image(new_image(1, &[1]), finish.clone(), 5).await.unwrap();
    assert_eq!(store.find_job(&claimed[0].lease.job_id).await.unwrap(), None);
    assert!(store.find_job_by_key("match", "m").await.unwrap().is_some());
    assert!(store.find_image(id).await.unwrap().is_some());

    let late = store.insert_image(new_image(2, &[2]), finish, 6).await.unwrap_err();
    assert!(matches!(late, StoreError::LeaseLost { .. }), "{late}");
    let id = new_image(2, &[2]).facts.image_id().unwrap();
    assert_eq!(store.find_image(id).await.unwrap(), None);
}

#[tokio::test]
async fn a_changed_state_shows_in_the_servers_sums() {
    let store = TemporaryStore::new();
    let id = store.image(1, &[]).await;
    store.report(1, &[(id, "a:1")], 10).await;
    let failed = AnalysisState::Failed { reason: "broken".to_owned() };
    let states = vec![(id, failed.clone()), (id, failed)];
    assert_eq!(store.set_image_states(states.clone()).await.unwrap(), [id]);
    assert!(store.set_image_states(states).await.unwrap().is_empty());
    assert_eq!(store.find_server(&uuid(1)).await.unwrap().unwrap().unjudged_count, 1);
    store.set_image_states(vec![(id, AnalysisState::Analyzed)]).await.unwrap();
    assert_eq!(store.find_server(&uuid(1)).await.unwrap().unwrap().unjudged_count, 0);
}
