//! Manifests and layers: what is verified, what is limited, what is tried again.

use std::io::Read as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::fake::{Fake, Parts, Reply, Seen, ok, options, parts, parts_claiming, sha, status};
use crate::documents::Documents;
use crate::error::SourceError;
use crate::fixtures::{off_the_runtime, read_layer};
use crate::media_type::{OCI_INDEX, OCI_MANIFEST};
use crate::open::{OpenImage, open};
use crate::options::SourceOptions;

async fn opened(fake: &Fake) -> OpenImage {
    open(&fake.location("app:v1"), &options()).await.expect("an image")
}

async fn refused(fake: &Fake, rest: &str) -> SourceError {
    open(&fake.location(rest), &options()).await.expect_err("refused")
}

/// An index that names the image alone.
fn index_of(image: &Parts) -> String {
    format!(
        r#"{{"schemaVersion":2,"mediaType":"{OCI_INDEX}","manifests":[
        {{"mediaType":"{OCI_MANIFEST}","digest":"{}","size":{}}}]}}"#,
        sha(&image.manifest),
        image.manifest.len()
    )
}

#[tokio::test]
async fn an_image_is_pulled_by_tag_and_by_digest() {
    let image = parts();
    let served = image.clone();
    let fake = Fake::start(move |seen| served.reply(seen)).await;
    let by_tag = opened(&fake).await;
    let digest = sha(&image.manifest);
    assert_eq!(by_tag.image().manifest_digest.as_ref(), Some(&digest));
    assert_eq!(read_layer(&by_tag, 0).await.expect("a layer"), image.layer);
    let facts = by_tag.registry_facts().expect("a registry");
    assert_eq!(
        (facts.host.as_str(), facts.is_https),
        (format!("127.0.0.1:{}", fake.port).as_str(), false)
    );
    assert_eq!((facts.tag.as_deref(), &facts.digest), (Some("v1"), &digest));
    let location = fake.location(&format!("app@{digest}"));
    let by_digest = open(&location, &options()).await.expect("an image");
    assert_eq!(by_digest.image().layers, by_tag.image().layers);
    assert!(fake.seen().iter().all(|seen| seen.header("authorization").is_empty()));
    assert!(by_tag.open_layer(1).await.is_err());
}

#[tokio::test]
async fn an_image_that_is_known_costs_one_request() {
    let image = parts();
    let index = index_of(&image);
    let fake = Fake::start(move |seen| match seen.path.ends_with("/v1") {
        true => ok(index.clone()),
        false => image.reply(seen),
    })
    .await;
    let folder = tempfile::tempdir().expect("a folder");
    let options = SourceOptions { documents: Some(Documents::new(folder.path())), ..options() };
    for requests in [3, 4] {
        open(&fake.location("app:v1"), &options).await.expect("an image");
        assert_eq!(fake.count("/app/"), requests);
    }
}

#[tokio::test]
async fn bytes_with_another_digest_are_refused() {
    let image = parts();
    let mut served = image.clone();
    served.manifest.push(b' ');
    let fake = Fake::start(move |seen| served.reply(seen)).await;
    let error = refused(&fake, &format!("app@{}", sha(&image.manifest))).await;
    assert!(matches!(error, SourceError::DigestMismatch { .. }), "{error}");

    let fake = Fake::start(move |seen| match image.reply(seen) {
        Reply::Full(200, headers, mut body) if seen.path.contains("/blobs/") => {
            body[0] ^= 1;
            Reply::Full(200, headers, body)
        }
        other => other,
    })
    .await;
    let error = refused(&fake, "app:v1").await;
    assert!(matches!(error, SourceError::DigestMismatch { .. }), "{error}");
}

#[tokio::test]
async fn an_index_is_followed_to_its_manifest_and_remembered() {
    let image = parts();
    let index = index_of(&image);
    let top = sha(index.as_bytes());
    let manifest = sha(&image.manifest);
    let fake = Fake::start(move |seen| match seen.path.ends_with("/v1") {
        true => ok(index.clone()),
        false => image.reply(seen),
    })
    .await;
    let image = opened(&fake).await;
    assert_eq!(image.image().manifest_digest.as_ref(), Some(&manifest));
    assert_eq!(image.registry_facts().expect("a registry").digest, top);
}

#[tokio::test]
async fn indexes_without_end_are_left() {
    // Each index names another; the digests are right, made from the inside out.
    let mut documents = vec![parts().manifest];
    for _ in 0..5 {
        let inner = documents.last().expect("one");
        let index = format!(
            r#"{{"manifests":[{{"mediaType":"{OCI_INDEX}","digest":"{}","size":{}}}]}}"#,
            sha(inner),
            inner.len()
        );
        documents.push(index.into_bytes());
    }
    let fake = Fake::start(move |seen| {
        let found = documents.iter().find(|bytes| seen.path.ends_with(sha(bytes).hex()));
        ok(found.or(documents.last()).cloned().expect("one"))
    })
    .await;
    let error = refused(&fake, "app:v1").await;
    assert!(matches!(error, SourceError::LimitExceeded { limit: "index depth", .. }), "{error}");
}

#[tokio::test]
async fn answers_over_the_limit_are_not_read_to_their_end() {
    let fake = Fake::start(|_| Reply::Endless(1 << 40)).await;
    let error = refused(&fake, "app:v1").await;
    assert!(matches!(error, SourceError::LimitExceeded { limit: "manifest-bytes", .. }), "{error}");
    // Without a length the bytes are counted.
    let fake = Fake::start(|_| {
        let chunked = vec![("transfer-encoding".to_owned(), "chunked".to_owned())];
        let chunk = [b"500000\r\n".to_vec(), vec![b'a'; 0x0050_0000], b"\r\n".to_vec()].concat();
        Reply::Full(200, chunked, chunk)
    })
    .await;
    let error = refused(&fake, "app:v1").await;
    assert!(matches!(error, SourceError::LimitExceeded { limit: "manifest-bytes", .. }), "{error}");
}

#[tokio::test]
async fn passing_failures_are_tried_again_and_lasting_ones_are_not() {
    let image = parts();
    let calls = AtomicUsize::new(0);
    let fake = Fake::start(move |seen| match calls.fetch_add(1, Ordering::Relaxed) {
        // The wait is asked for in vain: the options bound it.
        0 => status(429, &[("retry-after", "86400")]),
        1 => status(503, &[]),
        _ => image.reply(seen),
    })
    .await;
    opened(&fake).await;
    assert_eq!(fake.count("/manifests/"), 3);

    let fake = Fake::start(|_| status(502, &[])).await;
    let error = refused(&fake, "app:v1").await;
    assert!(error.is_transient() && error.to_string().contains("502"), "{error}");
    assert_eq!(fake.count("/manifests/"), 4);

    let fake = Fake::start(|_| {
        Reply::Full(404, Vec::new(), br#"{"errors":[{"code":"MANIFEST_UNKNOWN"}]}"#.to_vec())
    })
    .await;
    let error = refused(&fake, "app:v1").await;
    assert!(matches!(error, SourceError::NotFound { .. }), "{error}");
    assert!(error.to_string().contains("MANIFEST_UNKNOWN"), "{error}");
    assert_eq!(fake.count("/manifests/"), 1);
}

#[tokio::test]
async fn a_registry_that_is_not_there_is_a_passing_failure() {
    // No test and no system gives out port 1, unlike a port that was free a moment ago.
    let location = "registry:127.0.0.1:1/app".parse().expect("a location");
    let error = open(&location, &options()).await.expect_err("nobody listens");
    assert!(error.is_transient(), "{error}");
}

/// Serves a layer whose answers break off after 100,000 bytes each.
fn breaking(seen: &Seen, layer: &[u8], knows_ranges: bool) -> Reply {
    let from: usize = match seen.header("range") {
        range if knows_ranges && !range.is_empty() => {
            range.trim_start_matches("bytes=").trim_end_matches('-').parse().expect("a range")
        }
        _ => 0,
    };
    let rest = &layer[from..];
    let mut headers = vec![("content-length".to_owned(), rest.len().to_string())];
    if from > 0 {
        headers.push((
            "content-range".to_owned(),
            format!("bytes {from}-{}/{}", layer.len() - 1, layer.len()),
        ));
    }
    let step = if knows_ranges { 300_000 } else { 500_000 };
    let code = if from > 0 { 206 } else { 200 };
    let cut = if knows_ranges || seen.header("range").is_empty() { step } else { usize::MAX };
    Reply::Full(code, headers, rest[..rest.len().min(cut)].to_vec())
}

#[tokio::test]
async fn a_broken_layer_goes_on_where_it_broke() {
    for knows_ranges in [true, false] {
        let image = parts();
        let (layer, digest) = (image.layer.clone(), sha(&image.layer));
        let fake = Fake::start(move |seen| match seen.path.ends_with(digest.hex()) {
            true => breaking(seen, &image.layer, knows_ranges),
            false => image.reply(seen),
        })
        .await;
        let image = opened(&fake).await;
        assert_eq!(read_layer(&image, 0).await.expect("a layer"), layer, "{knows_ranges}");
        let ranges: Vec<String> =
            fake.seen().iter().map(|seen| seen.header("range").to_owned()).collect();
        assert!(ranges.iter().filter(|range| !range.is_empty()).count() >= 1, "{ranges:?}");
    }
}

#[tokio::test]
async fn a_layer_that_always_breaks_off_is_an_error_with_a_text() {
    let image = parts();
    let digest = sha(&image.layer);
    let fake = Fake::start(move |seen| match seen.path.ends_with(digest.hex()) {
        true => {
            let length = vec![("content-length".to_owned(), image.layer.len().to_string())];
            Reply::Full(200, length, image.layer[..1000].to_vec())
        }
        false => image.reply(seen),
    })
    .await;
    let image = opened(&fake).await;
    let error = read_layer(&image, 0).await.expect_err("cut").to_string();
    assert!(error.starts_with("reach http://127.0.0.1"), "{error}");
}

#[tokio::test]
async fn a_layer_of_another_size_than_its_manifest_says_is_an_error() {
    let layer = vec![1; 5000];
    for claim in [4999, 5001] {
        let image = parts_claiming(&layer, claim);
        let fake = Fake::start(move |seen| image.reply(seen)).await;
        let image = opened(&fake).await;
        let error = read_layer(&image, 0).await.expect_err("lies").to_string();
        assert!(error.contains(&format!("does not have the {claim} bytes")), "{error}");
    }
    // Without a length in the answer, the bytes are counted.
    let image = parts_claiming(&layer, 100);
    let digest = sha(&layer);
    let fake = Fake::start(move |seen| match seen.path.ends_with(digest.hex()) {
        true => {
            let chunked = vec![("transfer-encoding".to_owned(), "chunked".to_owned())];
            Reply::Full(
                200,
                chunked,
                [b"1388\r\n".to_vec(), vec![1; 5000], b"\r\n0\r\n\r\n".to_vec()].concat(),
            )
        }
        false => image.reply(seen),
    })
    .await;
    let error = read_layer(&opened(&fake).await, 0).await.expect_err("lies").to_string();
    assert!(error.contains("does not have the 100 bytes"), "{error}");
}

#[tokio::test]
async fn dropping_the_reader_ends_the_download() {
    let size = 1 << 34;
    let image = parts_claiming(b"never sent", size);
    let digest = sha(b"never sent");
    let fake = Fake::start(move |seen| match seen.path.ends_with(digest.hex()) {
        true => Reply::Endless(size),
        false => image.reply(seen),
    })
    .await;
    let image = opened(&fake).await;
    let reader = image.open_layer(0).await.expect("a reader");
    let read = off_the_runtime(reader, |mut reader| {
        let mut buffer = [1; 100];
        reader.read_exact(&mut buffer).map(|()| buffer)
    })
    .await;
    assert_eq!(read.expect("bytes"), [0; 100]);
    tokio::time::timeout(Duration::from_secs(10), fake.hung_up.notified())
        .await
        .expect("the client hangs up");
}

#[tokio::test]
async fn dropping_the_reader_ends_a_download_that_waits_for_the_registry() {
    let image = parts();
    let digest = sha(&image.layer);
    let length = u64::try_from(image.layer.len()).expect("small");
    let fake = Fake::start(move |seen| match seen.path.ends_with(digest.hex()) {
        true => Reply::Silent(length),
        false => image.reply(seen),
    })
    .await;
    let mut options = options();
    options.timeouts.idle = Duration::from_secs(600);
    let image = open(&fake.location("app:v1"), &options).await.expect("an image");
    drop(image.open_layer(0).await.expect("a reader"));
    tokio::time::timeout(Duration::from_secs(20), fake.hung_up.notified())
        .await
        .expect("the client hangs up");
}

#[test]
fn a_download_whose_runtime_ends_is_not_taken_for_a_whole_layer() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let mut reader = runtime.block_on(async {
        let size = 1 << 34;
        let image = parts_claiming(b"never sent", size);
        let digest = sha(b"never sent");
        let fake = Fake::start(move |seen| match seen.path.ends_with(digest.hex()) {
            true => Reply::Endless(size),
            false => image.reply(seen),
        })
        .await;
        opened(&fake).await.open_layer(0).await.expect("a reader")
    });
    drop(runtime);
    let error = std::io::copy(&mut reader, &mut std::io::sink()).expect_err("cancelled");
    assert_eq!(error.kind(), std::io::ErrorKind::UnexpectedEof);
}

#[tokio::test]
async fn a_registry_that_falls_silent_is_left() {
    let image = parts();
    let digest = sha(&image.layer);
    let length = u64::try_from(image.layer.len()).expect("small");
    let fake = Fake::start(move |seen| match seen.path.ends_with(digest.hex()) {
        true => Reply::Silent(length),
        false => image.reply(seen),
    })
    .await;
    let mut options = options();
    options.timeouts.idle = Duration::from_millis(50);
    options.retry.attempts = 2;
    let image = open(&fake.location("app:v1"), &options).await.expect("an image");
    let error = read_layer(&image, 0).await.expect_err("silent").to_string();
    assert!(error.contains("timed out"), "{error}");
}

#[tokio::test]
async fn a_layer_over_the_limit_is_not_asked_for() {
    let image = parts();
    let digest = sha(&image.layer);
    let fake = Fake::start(move |seen| image.reply(seen)).await;
    let mut options = options();
    options.limits.layer_bytes = 10;
    let image = open(&fake.location("app:v1"), &options).await.expect("an image");
    let error = image.open_layer(0).await.err().expect("too large");
    assert!(matches!(error, SourceError::LimitExceeded { limit: "layer-bytes", .. }), "{error}");
    assert_eq!(fake.count(digest.hex()), 0);
}
