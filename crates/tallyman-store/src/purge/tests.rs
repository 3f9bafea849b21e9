use tallyman_model::severity::Severity;

use super::Purged;
use crate::layers::{LayerScope, NewLayer};
use crate::maintenance::CountedTable;
use crate::samples::{TemporaryStore, digest, finding, inventory, package_id, uuid};

#[tokio::test]
async fn images_that_no_server_has_go_with_what_only_they_held() {
    let store = TemporaryStore::new();
    let (kept, old) = (store.image(1, &[1, 2]).await, store.image(2, &[2, 3]).await);
    store.report(1, &[(kept, "a:1")], 10).await;
    let found = finding("CVE-1", Severity::High);
    store
        .matched("r1", &[(2, std::slice::from_ref(&found)), (3, std::slice::from_ref(&found))])
        .await;

    assert_eq!(store.purge_images(1000, 10).await.unwrap(), Purged::default());
    let expected = Purged { images: 1, package_versions: 1, ..Purged::default() };
    assert_eq!(store.purge_images(1001, 10).await.unwrap(), expected);
    assert!(store.find_image(kept).await.unwrap().is_some());
    assert!(store.find_image(old).await.unwrap().is_none());
    assert_eq!(store.images_with(&[package_id(2), package_id(3)]).await.unwrap(), [kept]);
    assert_eq!(store.count_rows(CountedTable::Findings).await.unwrap(), 1);
    assert_eq!(store.image(2, &[2, 3]).await, old, "it can be stored again");
}

#[tokio::test]
async fn layers_that_no_image_has_go_with_their_inventories() {
    let store = TemporaryStore::new();
    store.image(1, &[]).await;
    store.report(1, &[], 10).await;
    let layers = [
        ("layer 1", LayerScope::Trusted, 1),
        ("layer 1", LayerScope::Server(uuid(1)), 2),
        ("layer 1", LayerScope::Server(uuid(2)), 3),
        ("unused", LayerScope::Trusted, 1),
        ("unused", LayerScope::Server(uuid(1)), 4),
    ];
    for (name, scope, number) in layers {
        let layer = NewLayer {
            digest: digest(name),
            fingerprint: "f".to_owned(),
            scope,
            inventory: inventory(number),
        };
        store.insert_layer(layer, 10).await.unwrap();
    }
    assert_eq!(store.purge_layers(10, 10).await.unwrap(), Purged::default());
    let expected = Purged { layers: 3, inventories: 2, ..Purged::default() };
    assert_eq!(store.purge_layers(11, 10).await.unwrap(), expected);
    let own = LayerScope::Server(uuid(1));
    let asked = [digest("layer 1"), digest("unused")];
    assert_eq!(store.unknown_layers(&asked, "f", &own).await.unwrap(), [digest("unused")]);
}
