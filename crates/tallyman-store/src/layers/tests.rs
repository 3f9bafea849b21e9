use tallyman_model::digest::Digest;

use super::{LayerScope, NewLayer, inventory_digest};
use crate::ids::sha256;
use crate::samples::{TemporaryStore, digest, inventory, uuid};

fn layer(name: &str, scope: LayerScope, number: u64) -> NewLayer {
    NewLayer {
        digest: digest(name),
        fingerprint: "f1".to_owned(),
        scope,
        inventory: inventory(number),
    }
}

#[tokio::test]
async fn unknown_layers_are_returned_once_and_in_order() {
    let store = TemporaryStore::new();
    store.insert_layer(layer("b", LayerScope::Trusted, 1), 10).await.unwrap();
    let asked = [digest("c"), digest("b"), digest("a"), digest("c")];
    let unknown = store.unknown_layers(&asked, "f1", &LayerScope::Trusted).await.unwrap();
    assert_eq!(unknown, [digest("c"), digest("a")]);
    let other = store.unknown_layers(&asked, "f2", &LayerScope::Trusted).await.unwrap();
    assert_eq!(other, [digest("c"), digest("b"), digest("a")]);
}

#[tokio::test]
async fn an_agents_analysis_counts_for_its_own_server_only() {
    let store = TemporaryStore::new();
    let own = LayerScope::Server(uuid(1));
    store.insert_layer(layer("a", own.clone(), 7), 10).await.unwrap();
    let found = |scope: LayerScope| {
        let store = store.store.clone();
        async move { store.find_layer(&digest("a"), "f1", &scope).await.unwrap() }
    };
    assert_eq!(found(own).await.unwrap().inventory, inventory(7));
    assert_eq!(found(LayerScope::Server(uuid(2))).await, None);
    assert_eq!(found(LayerScope::Trusted).await, None);
}

#[tokio::test]
async fn a_trusted_analysis_goes_before_the_agents_own() {
    let store = TemporaryStore::new();
    let own = LayerScope::Server(uuid(1));
    store.insert_layer(layer("a", LayerScope::Trusted, 1), 10).await.unwrap();
    store.insert_layer(layer("a", own.clone(), 2), 11).await.unwrap();
    let expected = inventory_digest(&inventory(1)).unwrap();
    let digests = store.find_layer_inventory_digests(&[digest("a")], "f1", &own).await.unwrap();
    assert_eq!(digests[&digest("a")], expected);
    let layer = store.find_layer(&digest("a"), "f1", &own).await.unwrap().unwrap();
    assert_eq!((layer.inventory_digest, layer.inventory), (expected, inventory(1)));
}

#[tokio::test]
async fn equal_inventories_are_stored_once() {
    let store = TemporaryStore::new();
    let layers =
        vec![layer("a", LayerScope::Trusted, 1), layer("b", LayerScope::Server(uuid(1)), 1)];
    let digests = store.insert_layers(layers, Default::default(), 10).await.unwrap();
    assert_eq!(digests[0], digests[1]);
    let count: i64 = store
        .read(|connection| {
            let sql = "SELECT COUNT(*) FROM layer_inventory";
            Ok(connection.query_row(sql, [], |row| row.get(0))?)
        })
        .await
        .unwrap();
    assert_eq!(count, 1);
}

#[tokio::test]
async fn an_inventory_larger_than_every_buffer_comes_back_under_the_digest_of_its_json() {
    let store = TemporaryStore::new();
    let mut large = inventory(1).as_ref().clone();
    large.hides =
        (0..100_000).map(|index: u64| index.wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect();
    let json = serde_json::to_string(&large).unwrap();
    let expected = Digest::from_sha256(&sha256(json.as_bytes()));
    let layer = NewLayer { inventory: large.clone().into(), ..layer("a", LayerScope::Trusted, 1) };
    assert_eq!(store.insert_layer(layer, 10).await.unwrap(), expected);
    let found = store.find_layer(&digest("a"), "f1", &LayerScope::Trusted).await.unwrap().unwrap();
    assert_eq!((found.inventory_digest, found.inventory.as_ref()), (expected, &large));
}
