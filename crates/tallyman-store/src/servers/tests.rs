use rusqlite::StatementStatus;
use tallyman_model::severity::Severity;

use super::{LIST_SERVER_IMAGES, Page, ReportDifference, ServerFilter, ServerOrder};
use crate::encoding::to_json;
use crate::error::StoreError;
use crate::ids::ImageId;
use crate::jobs::JobChanges;
use crate::samples::{TemporaryStore, finding, job, none, report, server_image, uuid};
use crate::settings::Epoch;

#[tokio::test]
async fn a_report_is_written_as_its_difference() {
    let store = TemporaryStore::new();
    let (a, b, c) =
        (store.image(1, &[]).await, store.image(2, &[]).await, store.image(3, &[]).await);
    let first = store.report(1, &[(a, "a:1"), (b, "b:1")], 10).await;
    assert_eq!(first.added.len(), 2);
    let version = store.list_server_versions(&[uuid(1)]).await.unwrap()[&uuid(1)];
    let epoch = store.epoch(Epoch::Images).await.unwrap();

    let before = store.write(|connection| Ok(connection.total_changes())).await.unwrap();
    let same = store.report(1, &[(a, "a:1"), (b, "b:1")], 20).await;
    assert_eq!(same, ReportDifference::default());
    let after = store.write(|connection| Ok(connection.total_changes())).await.unwrap();
    assert_eq!(after - before, 1, "only the time of the report is written");
    assert_eq!(store.list_server_versions(&[uuid(1)]).await.unwrap()[&uuid(1)], version);
    assert_eq!(store.epoch(Epoch::Images).await.unwrap(), epoch);

    let third = store.report(1, &[(a, "a:2"), (c, "c:1")], 30).await;
    let expected = ReportDifference { added: vec![c], changed: vec![a], removed: vec![b] };
    assert_eq!(third, expected);
    assert!(store.list_server_versions(&[uuid(1)]).await.unwrap()[&uuid(1)] > version);
    let rows = store.list_server_images(&[uuid(1)]).await.unwrap();
    let rows: Vec<_> =
        rows.iter().map(|row| (row.image.image_id, row.name.as_str(), row.first_seen_at)).collect();
    assert_eq!(rows, [(a, "a:2", 10), (c, "c:1", 30)]);
    assert_eq!(store.list_servers_with_image(a, None, 10).await.unwrap()[0].1, "a:2");
}

#[tokio::test]
async fn a_report_without_images_leaves_them() {
    let store = TemporaryStore::new();
    let a = store.image(1, &[]).await;
    store.report(1, &[(a, "a:1")], 10).await;
    let mut facts_only = report(1, &[]);
    facts_only.images = None;
    facts_only.facts.hostname = "renamed".to_owned();
    store.report_server(facts_only, none(), 20).await.unwrap();
    let server = store.find_server(&uuid(1)).await.unwrap().unwrap();
    assert_eq!((server.facts.hostname.as_str(), server.image_count), ("renamed", 1));
    assert_eq!((server.first_seen_at, server.last_seen_at), (10, 20));
    assert_eq!(server.images_reported_at, Some(10));
}

#[tokio::test]
async fn a_report_of_an_unknown_image_is_refused_whole() {
    let store = TemporaryStore::new();
    let jobs = JobChanges { enqueue: vec![job("scan", "a")], finish: None };
    let error = store.report_server(report(1, &[(ImageId(5), "a:1")]), jobs, 10).await.unwrap_err();
    assert!(matches!(error, StoreError::UnknownImage(ImageId(5))), "{error}");
    assert_eq!(store.find_server(&uuid(1)).await.unwrap(), None);
    assert_eq!(store.find_job_by_key("scan", "a").await.unwrap(), None);
}

#[tokio::test]
async fn images_of_many_servers_come_in_one_stable_order() {
    let store = TemporaryStore::new();
    let (a, b) = (store.image(1, &[]).await, store.image(2, &[]).await);
    store.report(2, &[(a, "x:1"), (b, "x:1")], 10).await;
    store.report(1, &[(a, "z:1"), (b, "y:1")], 10).await;
    store.report(3, &[(a, "hidden:1")], 10).await;
    let asked = [uuid(2), uuid(9), uuid(1), uuid(2)];
    let rows = store.list_server_images(&asked).await.unwrap();
    let rows: Vec<_> = rows
        .iter()
        .map(|row| (row.server_uuid.clone(), row.name.as_str(), row.image.image_id))
        .collect();
    let expected = [
        (uuid(1), "y:1", b),
        (uuid(1), "z:1", a),
        (uuid(2), "x:1", a.min(b)),
        (uuid(2), "x:1", a.max(b)),
    ];
    assert_eq!(rows, expected);
}

#[tokio::test]
async fn names_and_repository_come_back() {
    let store = TemporaryStore::new();
    let a = store.image(1, &[]).await;
    let mut image = server_image(a, "a:1");
    image.names = vec!["b:1".to_owned(), "a:1".to_owned()];
    image.registry = Some(serde_json::json!({ "kind": "harbor", "repo": { "id": 7 } }));
    let mut with_image = report(1, &[]);
    with_image.images = Some(vec![image.clone()]);
    store.report_server(with_image, none(), 10).await.unwrap();
    let rows = store.list_server_images(&[uuid(1)]).await.unwrap();
    assert_eq!(rows[0].names, ["a:1", "b:1"]);
    assert_eq!(rows[0].registry, image.registry);
    assert_eq!(rows[0].engine, "docker");
}

#[tokio::test]
async fn sums_of_a_server_follow_its_images() {
    let store = TemporaryStore::new();
    let (a, b) = (store.image(1, &[1]).await, store.image(2, &[2]).await);
    store.report(1, &[(a, "a:1"), (b, "b:1")], 10).await;
    store.report(2, &[(b, "b:1")], 10).await;
    let version = store.list_server_versions(&[uuid(1)]).await.unwrap()[&uuid(1)];
    let (x, y) = (finding("CVE-1", Severity::High), finding("CVE-2", Severity::Low));
    store.matched("r1", &[(1, &[x.clone(), y]), (2, &[x])]).await;
    let sums = |number| {
        let store = store.store.clone();
        async move {
            let row = store.find_server(&uuid(number)).await.unwrap().unwrap();
            (row.image_count, row.vul_count, row.is_at_risk())
        }
    };
    assert_eq!((sums(1).await, sums(2).await), ((2, 3, true), (1, 1, true)));
    assert!(store.list_server_versions(&[uuid(1)]).await.unwrap()[&uuid(1)] > version);
    store.report(1, &[(b, "b:1")], 20).await;
    assert_eq!(sums(1).await, (1, 1, true));
    store.matched("r2", &[]).await;
    assert_eq!((sums(1).await, sums(2).await), ((1, 0, false), (1, 0, false)));
}

#[tokio::test]
async fn servers_are_filtered_ordered_and_paged() {
    let store = TemporaryStore::new();
    let a = store.image(1, &[1]).await;
    for number in [3, 1, 2, 12] {
        let images: &[(ImageId, &str)] = if number == 2 { &[(a, "a:1")] } else { &[] };
        store.report(number, images, i64::from(number) * 10).await;
    }
    store.matched("r1", &[(1, &[finding("CVE-1", Severity::High)])]).await;
    let list = |filter: ServerFilter, order, page| {
        let store = store.store.clone();
        async move {
            let (rows, total) = store.list_servers(&filter, order, page).await.unwrap();
            (rows.into_iter().map(|row| row.server_uuid).collect::<Vec<_>>(), total)
        }
    };
    let all = Page { offset: 0, limit: 100 };
    let filter = ServerFilter::default;
    assert_eq!(
        list(filter(), ServerOrder::Uuid, Page { offset: 1, limit: 2 }).await,
        (vec![uuid(2), uuid(3)], 4)
    );
    assert_eq!(
        list(filter(), ServerOrder::LastSeen, all).await.0,
        [uuid(12), uuid(3), uuid(2), uuid(1)]
    );
    assert_eq!(list(filter(), ServerOrder::VulCount, all).await.0[0], uuid(2));
    let by = |change: fn(&mut ServerFilter)| {
        let mut filter = ServerFilter::default();
        change(&mut filter);
        list(filter, ServerOrder::Hostname, all)
    };
    assert_eq!(by(|f| f.hostname = Some("hOST-1".to_owned())).await.0, [uuid(1), uuid(12)]);
    assert_eq!(by(|f| f.ip_address = Some("10.0.0.1".to_owned())).await.0, [uuid(1)]);
    assert_eq!(by(|f| f.text = Some("10.0.0.1".to_owned())).await.0, [uuid(1), uuid(12)]);
    assert_eq!(by(|f| f.text = Some("ER-00003".to_owned())).await.0, [uuid(3)]);
    assert_eq!(by(|f| f.hostname = Some("%".to_owned())).await.1, 0);
    assert_eq!(by(|f| f.is_at_risk = Some(true)).await.0, [uuid(2)]);
    assert_eq!(by(|f| f.is_at_risk = Some(false)).await.1, 3);
    assert_eq!(by(|f| f.seen_since = Some(30)).await.0, [uuid(12), uuid(3)]);
    assert_eq!(by(|f| f.uuids = Some(vec![uuid(3), uuid(7)])).await, (vec![uuid(3)], 1));
    let after = store.list_servers_after(&filter(), Some(&uuid(2)), 1).await.unwrap();
    assert_eq!(after[0].server_uuid, uuid(3));
}

#[tokio::test]
async fn a_deleted_server_takes_its_images_along() {
    let store = TemporaryStore::new();
    let a = store.image(1, &[]).await;
    store.report(1, &[(a, "a:1")], 10).await;
    assert!(store.delete_server(&uuid(1)).await.unwrap());
    assert!(!store.delete_server(&uuid(1)).await.unwrap());
    assert!(store.list_server_images(&[uuid(1)]).await.unwrap().is_empty());
}

/// Adds rows by SQL alone, which is the quickest way to a large fleet.
async fn grow_fleet(store: &TemporaryStore, from: u32, to: u32) {
    store
        .write(move |connection| {
            connection.execute(
                "WITH RECURSIVE number (n) AS (SELECT $1 UNION ALL
                                               SELECT n + 1 FROM number WHERE n + 1 < $2)
                 INSERT INTO image (image_id, image_key, config_digest, platform, size_bytes,
                                    state, alarm_count, row_version, analyzed_at, fingerprint,
                                    layers, alerts, diagnostics, list_id)
                 SELECT n, 'key ' || n, 'sha256:' || printf('%064x', n),
                        '{\"os\":\"linux\",\"architecture\":\"amd64\"}', 1, 'analyzed', 0, 1, 0, 'f',
                        '[]', '[]', x'', n
                 FROM number",
                [from, to],
            )?;
            connection.execute(
                "INSERT INTO package_list (list_id, sets, vul_count, vul_by_severity, row_version)
                 SELECT image_id, '[]', 0, '[0,0,0,0,0,0]', 0 FROM image WHERE image_id >= $1",
                [from],
            )?;
            connection.execute(
                "INSERT INTO server_image (server_uuid, image_id, name, names, engine,
                                           first_seen_at)
                 SELECT printf('server-%05d', image_id / 50), image_id, 'image:' || image_id,
                        '[]', 'docker', 0
                 FROM image WHERE image_id >= $1",
                [from],
            )?;
            Ok(())
        })
        .await
        .unwrap();
}

/// Returns the steps of SQLite's machine for the images of ten servers, and their number.
async fn steps(store: &TemporaryStore) -> (i32, usize) {
    let asked = to_json(&(1..=10).map(uuid).collect::<Vec<_>>()).unwrap();
    store
        .read(|connection| {
            let mut statement = connection.prepare(LIST_SERVER_IMAGES)?;
            let mut rows = 0;
            let mut found = statement.query([&asked])?;
            while found.next()?.is_some() {
                rows += 1;
            }
            drop(found);
            assert_eq!(statement.get_status(StatementStatus::FullscanStep), 0);
            Ok((statement.get_status(StatementStatus::VmStep), rows))
        })
        .await
        .unwrap()
}

#[tokio::test]
async fn the_cost_of_a_servers_images_does_not_grow_with_the_fleet() {
    let store = TemporaryStore::new();
    grow_fleet(&store, 0, 1_000).await;
    let small = steps(&store).await;
    grow_fleet(&store, 1_000, 100_000).await;
    let large = steps(&store).await;
    assert_eq!(small.1, 500);
    assert_eq!(small, large);
}
