use std::cell::Cell;
use std::io::{self, Read};

use tallyman_model::digest::Digest;
use tallyman_model::image::Compression;
use tallyman_model::limits::Limits;

use super::{AnalyzedLayer, LayerInput, analyze_layer};
use crate::budget::Budget;
use crate::error::LayerError;
use crate::testing::{TarBuilder, analyze, analyze_within, gzip};

fn run(
    mut bytes: &[u8],
    expected: Option<&Digest>,
    size_bytes: Option<u64>,
) -> Result<AnalyzedLayer, LayerError> {
    let reader: &mut dyn Read = &mut bytes;
    let input = LayerInput { reader, compression: Compression::Gzip, expected, size_bytes };
    analyze_layer(input, &Budget::default(), &|_| {})
}

fn sha256(bytes: &[u8]) -> Digest {
    let hash = ring::digest::digest(&ring::digest::SHA256, bytes);
    Digest::from_sha256(hash.as_ref().try_into().expect("32 bytes"))
}

fn sha512(bytes: &[u8]) -> Digest {
    let hash = ring::digest::digest(&ring::digest::SHA512, bytes);
    Digest::from_sha512(hash.as_ref().try_into().expect("64 bytes"))
}

fn layer() -> Vec<u8> {
    gzip(&TarBuilder::new().file("etc/os-release", "ID=debian\n").finish())
}

#[test]
fn the_digest_is_that_of_all_stored_bytes() {
    let stored = layer();
    assert_eq!(run(&stored, None, None).expect("a layer").digest, sha256(&stored));
    let expected = sha512(&stored);
    let layer = run(&stored, Some(&expected), Some(stored.len() as u64)).expect("a layer");
    assert_eq!(layer.digest, expected);
    let trailing = [stored, vec![0; 300_000]].concat();
    assert_eq!(run(&trailing, None, None).expect("a layer").digest, sha256(&trailing));
}

#[test]
fn the_digest_of_a_large_layer_is_that_of_all_its_bytes_in_their_order() {
    // Enough for a thread of its own, and no two blocks alike.
    let content: Vec<u8> =
        (0..3_u32 << 20).map(|at| at.wrapping_mul(2_654_435_761).to_le_bytes()[2]).collect();
    let mut stored = TarBuilder::new().file("data", content).finish();
    let expected = sha256(&stored);
    assert_eq!(run(&stored, Some(&expected), None).expect("a layer").digest, expected);
    for at in [100_000, 1_500_000, 3_000_000] {
        stored[at] ^= 1;
        match run(&stored, Some(&expected), None) {
            Err(LayerError::DigestMismatch { found, .. }) => assert_eq!(found, sha256(&stored)),
            other => panic!("no mismatch: {other:?}"),
        }
        stored[at] ^= 1;
    }
}

#[test]
fn other_bytes_than_asked_for_are_a_mismatch_whatever_they_hold() {
    let expected = sha256(b"something else");
    let zeros = gzip(&vec![0; 100 << 20]);
    for stored in [layer(), layer()[..20].to_vec(), vec![7; 5000], zeros] {
        match run(&stored, Some(&expected), None) {
            Err(LayerError::DigestMismatch { found, .. }) => assert_eq!(found, sha256(&stored)),
            other => panic!("no mismatch: {other:?}"),
        }
    }
}

#[test]
fn a_wrong_size_is_an_error_in_both_directions() {
    let stored = layer();
    for size in [0, 1, stored.len() as u64 - 1, stored.len() as u64 + 1] {
        let error = run(&stored, None, Some(size)).expect_err("a wrong size");
        assert!(matches!(error, LayerError::SizeMismatch { .. }), "{size}: {error:?}");
    }
}

#[test]
fn a_source_that_fails_or_gives_nothing_is_no_clean_layer() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::ErrorKind::ConnectionReset.into())
        }
    }
    let zstd = zstd::encode_all(&layer()[..], 1).expect("a slice is readable");
    for stored in [layer(), zstd, vec![0; 10]] {
        let reader: &mut dyn Read = &mut stored[..10].chain(Broken);
        let compression = Compression::Gzip;
        let input = LayerInput { reader, compression, expected: None, size_bytes: None };
        let error = analyze_layer(input, &Budget::default(), &|_| {}).expect_err("broken");
        assert!(matches!(error, LayerError::Read(_)), "{error:?}");
    }
    assert!(analyze(b"").is_err());
    assert!(run(b"", None, None).is_err());
    assert!(analyze(&gzip(b"")).is_err());
}

#[test]
fn limits_on_the_whole_layer_are_errors_that_name_them() {
    let tar = (0..50).fold(TarBuilder::new(), |tar, index| {
        tar.file(
            &format!("node_modules/p{index}/package.json"),
            format!(r#"{{"name":"p{index}","version":"1.0.0"}}"#),
        )
    });
    let stored = tar.finish();
    let defaults = Limits::default;
    for (limits, name) in [
        (Limits { layer_bytes: 1000, ..defaults() }, "layer-bytes"),
        (Limits { layer_entries: 49, ..defaults() }, "layer-entries"),
        (Limits { layer_packages: 49, ..defaults() }, "layer-packages"),
    ] {
        match analyze_within(&stored, &limits) {
            Err(LayerError::LimitExceeded { limit, .. }) => assert_eq!(limit, name),
            other => panic!("{name}: {other:?}"),
        }
    }
    let limits = Limits { layer_entries: 50, layer_packages: 50, ..defaults() };
    assert_eq!(analyze_within(&stored, &limits).expect("at the limits").files.len(), 50);
}

#[test]
fn progress_counts_stored_bytes_to_the_end() {
    let stored = [layer(), vec![0; 500_000]].concat();
    let seen = Cell::new(0);
    let progress = |bytes| {
        assert!(bytes >= seen.get());
        seen.set(bytes);
    };
    let mut reader = &stored[..];
    let compression = Compression::Gzip;
    let input = LayerInput { reader: &mut reader, compression, expected: None, size_bytes: None };
    analyze_layer(input, &Budget::default(), &progress).expect("a layer");
    assert_eq!(seen.get(), stored.len() as u64);
}

#[test]
fn the_same_bytes_give_the_same_inventory() {
    let stored = layer();
    let once = analyze(&stored).expect("a layer");
    assert_eq!(once, analyze(&stored).expect("a layer"));
    assert_eq!((once.entries, once.uncompressed_bytes), (1, 2048));
}
