//! Single ranges of layers: what is asked for, and what is made of wrong answers.

use std::io::{self, Read as _};
use std::ops::Range;

use tallyman_model::image::TocFormat;

use super::fake::{Fake, Parts, Reply, Seen, options, parts, sha};
use crate::error::SourceError;
use crate::fixtures::off_the_runtime;
use crate::open::{OpenImage, RangedLayer, open};
use crate::options::LayerReading;

/// Answers a request for a range as registries do.
fn partial(seen: &Seen, layer: &[u8]) -> Reply {
    let asked = asked(seen).expect("a range");
    let range = format!("bytes {}-{}/{}", asked.start, asked.end - 1, layer.len());
    Reply::Full(206, vec![("content-range".to_owned(), range)], layer[asked].to_vec())
}

fn asked(seen: &Seen) -> Option<Range<usize>> {
    let (first, last) = seen.header("range").strip_prefix("bytes=")?.split_once('-')?;
    Some(first.parse().ok()?..last.parse::<usize>().ok()? + 1)
}

async fn fake(
    image: Parts,
    answer: impl Fn(&Seen, &[u8]) -> Reply + Send + Sync + 'static,
) -> Fake {
    let digest = sha(&image.layer);
    Fake::start(move |seen| match seen.path.ends_with(digest.hex()) {
        true => answer(seen, &image.layer),
        false => image.reply(seen),
    })
    .await
}

async fn opened(fake: &Fake) -> OpenImage {
    open(&fake.location("app:v1"), &options()).await.expect("an image")
}

async fn read(layer: RangedLayer, ranges: &[Range<u64>]) -> (io::Result<Vec<u8>>, u64) {
    let reader = layer.read(ranges.to_vec());
    let read = off_the_runtime(reader, |mut reader| {
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes).map(|_| bytes)
    });
    (read.await, layer.fetched_bytes())
}

fn source_error(error: io::Error) -> SourceError {
    error.downcast().expect("an error of this crate")
}

#[tokio::test]
async fn ranges_come_in_their_order_and_long_ones_in_pieces() {
    let mut image = parts();
    image.layer = (0..800_000_u32).flat_map(u32::to_le_bytes).collect();
    let size = u64::try_from(image.layer.len()).expect("small");
    let image = super::fake::parts_claiming(&image.layer, size);
    let layer = image.layer.clone();
    let fake = fake(image, partial).await;
    let ranges = vec![0..1, 100..3_000_000, 3_100_000..3_100_000, 3_199_990..3_200_000];
    let ranged = opened(&fake).await.ranged_layer(0).expect("a registry");
    let (bytes, fetched) = read(ranged, &ranges).await;
    let expected = [&layer[0..1], &layer[100..3_000_000], &layer[3_199_990..]].concat();
    assert_eq!(bytes.expect("ranges"), expected);
    assert_eq!(fetched, expected.len() as u64);
    let mut lengths: Vec<usize> = fake.seen().iter().filter_map(asked).map(|it| it.len()).collect();
    lengths.sort_unstable();
    assert_eq!(lengths, [1, 10, 3_000_000 - 100 - (2 << 20), 1 << 20, 1 << 20]);
}

#[tokio::test]
async fn a_registry_without_ranges_is_told_apart() {
    let image = parts();
    let fake = fake(image, |_, layer| super::fake::ok(layer)).await;
    let ranged = opened(&fake).await.ranged_layer(0).expect("a registry");
    let (bytes, fetched) = read(ranged, &[10..20, 30..40]).await;
    let error = source_error(bytes.expect_err("no range"));
    assert!(matches!(error, SourceError::Unsupported { .. }), "{error}");
    assert_eq!(fetched, 0);
}

#[tokio::test]
async fn another_range_or_fewer_bytes_than_asked_for_are_errors() {
    let fake = fake(parts(), |seen, layer| match asked(seen) {
        Some(range) if range.start == 10 => {
            let headers = vec![("content-range".to_owned(), "bytes 11-20/800000".to_owned())];
            Reply::Full(206, headers, layer[11..21].to_vec())
        }
        _ => match partial(seen, layer) {
            Reply::Full(code, headers, mut body) => {
                body.pop();
                Reply::Full(code, headers, body)
            }
            other => other,
        },
    })
    .await;
    for (start, expect) in [(10, "another range"), (20, "ended too early")] {
        let ranged = opened(&fake).await.ranged_layer(0).expect("a registry");
        let (bytes, _) = read(ranged, &[start..start + 10, 40..50]).await;
        let error = source_error(bytes.expect_err(expect)).to_string();
        assert!(error.contains(expect), "{error}");
    }
}

#[tokio::test]
async fn a_range_that_fails_for_a_passing_reason_is_asked_for_again() {
    let failures = std::sync::atomic::AtomicUsize::new(0);
    let image = parts();
    let expected = [&image.layer[50..60], &image.layer[70..80]].concat();
    let fake = fake(image, move |seen, layer| {
        match failures.fetch_add(1, std::sync::atomic::Ordering::Relaxed) {
            0 | 1 => super::fake::status(503, &[]),
            _ => partial(seen, layer),
        }
    })
    .await;
    let ranged = opened(&fake).await.ranged_layer(0).expect("a registry");
    assert_eq!(read(ranged, &[50..60, 70..80]).await.0.expect("ranges"), expected);
}

#[tokio::test]
async fn the_table_that_the_manifest_names_is_passed_on_unless_layers_are_read_whole() {
    let mut image = parts();
    let digest = sha(b"a table");
    let manifest = String::from_utf8(image.manifest).expect("text");
    let annotations = format!(
        r#"+gzip","annotations":{{"containerd.io/snapshot/stargz/toc.digest":"{digest}"}},"#
    );
    image.manifest =
        manifest.replace(r#".layer.v1.tar","#, &format!(".layer.v1.tar{annotations}")).into_bytes();
    let served = image.clone();
    let fake = Fake::start(move |seen| served.reply(seen)).await;
    let by_toc = opened(&fake).await;
    let toc = by_toc.layer_toc(0).expect("a table");
    assert_eq!((&toc.format, &toc.digest), (&TocFormat::Estargz, &digest));
    assert_eq!(by_toc.layer_toc(1), None);
    let mut options = options();
    options.layer_reading = LayerReading::Whole;
    let whole = open(&fake.location("app:v1"), &options).await.expect("an image");
    assert_eq!(whole.layer_toc(0), None);
}
