use std::io::Write;

use tallyman_model::image::Compression;
use tallyman_model::limits::Limits;

use crate::budget::Budget;
use crate::error::LayerError;
use crate::layer::{LayerInput, analyze_layer};
use crate::testing::{TarBuilder, analyze, analyze_within, gzip};

fn layer() -> Vec<u8> {
    TarBuilder::new().file("etc/os-release", "ID=debian\n").finish()
}

fn zstd_of(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 3).expect("a slice is readable")
}

fn declared(bytes: &[u8], compression: Compression) -> Result<usize, LayerError> {
    let mut reader = bytes;
    let input = LayerInput { reader: &mut reader, compression, expected: None, size_bytes: None };
    let layer = analyze_layer(input, &Budget::default(), &|_| {})?;
    Ok(layer.inventory.files.len())
}

#[test]
fn the_bytes_decide_how_they_are_unpacked() {
    for stored in [layer(), gzip(&layer()), zstd_of(&layer())] {
        for compression in [Compression::None, Compression::Gzip, Compression::Zstd] {
            assert_eq!(declared(&stored, compression).expect("a good layer"), 1);
        }
    }
    let noise = [7_u8; 2000];
    for compression in [Compression::Gzip, Compression::Zstd] {
        let error = declared(&noise, compression).expect_err("noise");
        assert!(matches!(error, LayerError::Decompress { .. }), "{error:?}");
    }
    let error = declared(&noise, Compression::None).expect_err("noise");
    assert!(matches!(error, LayerError::Tar { offset: 512, .. }), "{error:?}");
}

#[test]
fn members_and_frames_are_joined() {
    let layer = layer();
    let parts = || layer.chunks(100);
    let members: Vec<u8> = parts().flat_map(gzip).collect();
    assert_eq!(analyze(&members).expect("members").files.len(), 1);
    let frames: Vec<u8> = parts().flat_map(zstd_of).collect();
    assert_eq!(analyze(&frames).expect("frames").files.len(), 1);
    let skippable = [b"\x50\x2a\x4d\x18\x03\0\0\0abc".to_vec(), frames].concat();
    assert_eq!(analyze(&skippable).expect("a skippable frame").files.len(), 1);
}

#[test]
fn what_follows_the_last_member_is_noted_unless_it_is_padding() {
    let padded = [gzip(&layer()), vec![0; 1000]].concat();
    assert_eq!(analyze(&padded).expect("padding").diagnostics, []);
    let garbage = [gzip(&layer()), b"garbage".to_vec()].concat();
    let inventory = analyze(&garbage).expect("garbage");
    assert_eq!(inventory.files.len(), 1);
    assert_eq!(inventory.diagnostics.len(), 1);
    let half_a_member = [gzip(&layer()), gzip(b"x")[..9].to_vec()].concat();
    assert!(matches!(analyze(&half_a_member), Err(LayerError::Decompress { .. })));
}

#[test]
fn truncated_and_corrupt_streams_are_errors() {
    for stored in [gzip(&layer()), zstd_of(&layer())] {
        for cut in [5, stored.len() / 2, stored.len() - 1] {
            let error = analyze(&stored[..cut]).expect_err("cut");
            assert!(matches!(error, LayerError::Decompress { .. }), "{cut}: {error:?}");
        }
    }
    // The CRC-32 stands eight bytes before the end.
    let mut stored = gzip(&layer());
    let at = stored.len() - 8;
    stored[at] ^= 1;
    assert!(matches!(analyze(&stored), Err(LayerError::Decompress { .. })));
}

#[test]
fn a_bomb_is_stopped_by_its_ratio_and_by_its_size() {
    let zeros = vec![0; 100 << 20];
    let padded = [layer(), zeros].concat();
    for stored in [gzip(&padded), zstd_of(&padded)] {
        let error = analyze(&stored).expect_err("a bomb");
        assert!(
            matches!(error, LayerError::LimitExceeded { limit: "expansion-ratio", value: 200 }),
            "{error:?}"
        );
        let limits = Limits { layer_uncompressed_bytes: 10 << 20, ..Limits::default() };
        let error = analyze_within(&stored, &limits).expect_err("a bomb");
        let limit = "layer-uncompressed-bytes";
        assert!(
            matches!(error, LayerError::LimitExceeded { limit: l, .. } if l == limit),
            "{error:?}"
        );
    }
}

#[test]
fn a_frame_may_not_ask_for_a_huge_window() {
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).expect("an encoder");
    encoder.window_log(28).expect("a window");
    encoder.include_contentsize(false).expect("an option");
    encoder.write_all(&layer()).expect("a vector takes everything");
    let stored = encoder.finish().expect("a vector takes everything");
    assert!(matches!(analyze(&stored), Err(LayerError::Decompress { .. })));
}
