//! Downloads from a server that breaks off, lies, is busy and redirects.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tallyman_model::clock::Clock;
use tallyman_model::digest::Algorithm;
use tempfile::TempDir;

use super::{DownloadPath, Downloader, Outcome, Validators, Wait, Wanted};
use crate::error::SourceError;
use crate::options::{Proxy, SourceOptions};
use crate::registry::tests::fake::{Fake, Reply, Seen, ok, options, status};
use crate::verify::digest_of;

struct Noon;

impl Clock for Noon {
    fn now_ms(&self) -> i64 {
        // Tue, 24 Nov 2026 12:00:00 GMT
        1_795_521_600_000
    }
}

/// A downloader whose waits are noted and not waited.
struct Bench {
    folder: TempDir,
    waits: Arc<Mutex<Vec<Duration>>>,
    downloader: Downloader,
}

impl Bench {
    fn with(options: &SourceOptions) -> Self {
        let waits: Arc<Mutex<Vec<Duration>>> = Arc::default();
        let noted = Arc::clone(&waits);
        let wait: Wait = Arc::new(move |time| {
            noted.lock().expect("not poisoned").push(time);
            Box::pin(std::future::ready(()))
        });
        let downloader = Downloader::new(options, wait, Arc::new(Noon)).expect("a client");
        Bench { folder: tempfile::tempdir().expect("a folder"), waits, downloader }
    }

    fn new() -> Self {
        let mut options = options();
        options.retry.first_wait = Duration::from_secs(1);
        options.retry.max_wait = Duration::from_secs(100);
        Bench::with(&options)
    }

    fn wanted(&self, url: &str) -> Wanted {
        Wanted {
            url: url.parse().expect("an address"),
            path: DownloadPath::new(self.folder.path().join("feed")),
            known: None,
            digest: None,
            size_bytes: None,
        }
    }

    async fn fetch(&self, wanted: &Wanted) -> Result<Outcome, SourceError> {
        self.downloader.fetch(wanted, &mut 0, &|_, _| {}).await
    }

    fn file(&self) -> Vec<u8> {
        std::fs::read(self.folder.path().join("feed")).unwrap_or_default()
    }

    fn names(&self) -> Vec<String> {
        let entries = self.folder.path().read_dir().expect("a folder");
        let mut names: Vec<String> = entries
            .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    fn waits(&self) -> Vec<u64> {
        self.waits.lock().expect("not poisoned").iter().map(Duration::as_secs).collect()
    }
}

fn header(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

fn content() -> Vec<u8> {
    (0..100_000_u32).flat_map(u32::to_le_bytes).collect()
}

/// Answers like a static server with versions and ranges; the first `cuts` answers break off.
fn server(content: Vec<u8>, etag: &'static str, cuts: usize) -> impl Fn(&Seen) -> Reply {
    let served = AtomicUsize::new(0);
    move |seen| {
        let tag = header("etag", etag);
        if seen.header("if-none-match") == etag {
            return Reply::Full(304, vec![tag], Vec::new());
        }
        let start = seen.header("range").strip_prefix("bytes=").and_then(|r| r.strip_suffix('-'));
        let start: usize = start.and_then(|start| start.parse().ok()).unwrap_or(0);
        let start = if seen.header("if-range") == etag { start } else { 0 };
        let mut body = content[start..].to_vec();
        let mut headers = vec![tag, header("content-length", &body.len().to_string())];
        if served.fetch_add(1, Ordering::SeqCst) < cuts {
            body.truncate(body.len() / 2);
        }
        if start == 0 {
            return Reply::Full(200, headers, body);
        }
        let (end, total) = (content.len() - 1, content.len());
        headers.push(header("content-range", &format!("bytes {start}-{end}/{total}")));
        Reply::Full(206, headers, body)
    }
}

#[tokio::test]
async fn a_file_is_fetched_once_and_then_known() {
    let fake = Fake::start(server(content(), "\"v1\"", 0)).await;
    let bench = Bench::new();
    let mut wanted = bench.wanted(&format!("http://127.0.0.1:{}/all.zip", fake.port));
    let Outcome::New(first) = bench.fetch(&wanted).await.unwrap() else { panic!("it is new") };
    assert_eq!(bench.file(), content());
    assert_eq!(first.digest, digest_of(&content(), Algorithm::Sha256));
    assert_eq!(bench.names(), ["feed", "feed.json"]);
    assert_eq!(wanted.path.find().await, Some(first.clone()));
    wanted.known = Some(first.validators);
    let mut received = 0;
    let again = bench.downloader.fetch(&wanted, &mut received, &|_, _| {}).await.unwrap();
    assert_eq!((again, received), (Outcome::Unchanged, 0));
}

#[tokio::test]
async fn a_download_that_breaks_off_goes_on_where_it_was() {
    let fake = Fake::start(server(content(), "\"v1\"", 2)).await;
    let bench = Bench::new();
    let wanted = bench.wanted(&format!("http://127.0.0.1:{}/all.zip", fake.port));
    let mut received = 0;
    bench.downloader.fetch(&wanted, &mut received, &|_, _| {}).await.unwrap();
    assert_eq!(bench.file(), content());
    assert_eq!(received, u64::try_from(content().len()).unwrap(), "no byte came twice");
    let ranges: Vec<String> = fake.seen().iter().map(|s| s.header("range").to_owned()).collect();
    assert_eq!(ranges, ["", "bytes=200000-", "bytes=300000-"]);
}

#[tokio::test]
async fn what_a_killed_process_left_is_gone_on_with_unless_the_file_has_changed() {
    for (etag, expected) in [("\"v1\"", 200_000), ("\"v2\"", 400_000)] {
        let bench = Bench::new();
        std::fs::write(bench.folder.path().join("feed.part"), &content()[..200_000]).unwrap();
        let fake = Fake::start(server(content(), etag, 0)).await;
        let url = format!("http://127.0.0.1:{}/all.zip", fake.port);
        let part =
            format!(r#"{{"url":"{url}","validators":{{"etag":"\"v1\""}},"total_bytes":400000}}"#);
        std::fs::write(bench.folder.path().join("feed.part.json"), part).unwrap();
        let mut received = 0;
        let wanted = bench.wanted(&url);
        bench.downloader.fetch(&wanted, &mut received, &|_, _| {}).await.unwrap();
        assert_eq!(received, expected, "{etag}");
        assert_eq!(bench.file(), content());
    }
}

#[tokio::test]
async fn a_busy_server_is_asked_again_when_it_says() {
    let count = AtomicUsize::new(0);
    let fake = Fake::start(move |_: &Seen| match count.fetch_add(1, Ordering::SeqCst) {
        0 => status(429, &[("retry-after", "7")]),
        1 => status(503, &[("retry-after", "Tue, 24 Nov 2026 12:00:30 GMT")]),
        2 => status(500, &[]),
        _ => ok("content"),
    })
    .await;
    let bench = Bench::new();
    bench.fetch(&bench.wanted(&format!("http://127.0.0.1:{}/x", fake.port))).await.unwrap();
    assert_eq!(bench.waits(), [7, 30, 4]);
    assert_eq!(bench.file(), b"content");
}

#[tokio::test]
async fn a_server_that_stays_busy_is_given_up() {
    let fake = Fake::start(|_: &Seen| status(503, &[("retry-after", "86400")])).await;
    let bench = Bench::new();
    let url = format!("http://127.0.0.1:{}/x", fake.port);
    let error = bench.fetch(&bench.wanted(&url)).await.unwrap_err();
    assert!(error.is_transient(), "{error}");
    assert_eq!(bench.waits(), [100, 100, 100], "no longer than the longest wait");
}

#[tokio::test]
async fn what_is_not_there_is_not_asked_for_again() {
    for (code, expected) in [(404, "find"), (403, "sign in"), (400, "the answer was 400")] {
        let fake = Fake::start(move |_: &Seen| status(code, &[])).await;
        let bench = Bench::new();
        let url = format!("http://127.0.0.1:{}/x", fake.port);
        let error = bench.fetch(&bench.wanted(&url)).await.unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        assert_eq!((bench.waits().len(), bench.names().len()), (0, 0));
    }
}

#[tokio::test]
async fn a_file_with_another_digest_or_size_is_thrown_away() {
    let fake = Fake::start(|_: &Seen| ok("other content")).await;
    let bench = Bench::new();
    let mut wanted = bench.wanted(&format!("http://127.0.0.1:{}/x", fake.port));
    for algorithm in [Algorithm::Sha256, Algorithm::Sha512] {
        wanted.digest = Some(digest_of(b"content", algorithm));
        let error = bench.fetch(&wanted).await.unwrap_err();
        assert!(matches!(error, SourceError::DigestMismatch { .. }), "{error}");
    }
    wanted.digest = None;
    wanted.size_bytes = Some(7);
    let error = bench.fetch(&wanted).await.unwrap_err().to_string();
    assert!(error.contains("its publisher says 7"), "{error}");
    assert!(bench.names().is_empty(), "{:?}", bench.names());
    wanted.size_bytes = Some(13);
    wanted.digest = Some(digest_of(b"other content", Algorithm::Sha512));
    bench.fetch(&wanted).await.unwrap();
}

#[tokio::test]
async fn the_checksum_of_the_storage_is_checked() {
    // CRC32C of 32 bytes of zero is 8a9136aa (RFC 3720, appendix B.4).
    for (hash, is_right) in [("crc32c=ipE2qg==,md5=AAAA", true), ("crc32c=AAAAAA==", false)] {
        let fake = Fake::start(move |_: &Seen| {
            Reply::Full(200, vec![header("x-goog-hash", hash)], vec![0; 32])
        })
        .await;
        let bench = Bench::new();
        let result = bench.fetch(&bench.wanted(&format!("http://127.0.0.1:{}/x", fake.port))).await;
        assert_eq!(result.is_ok(), is_right, "{result:?}");
    }
}

#[tokio::test]
async fn a_resumed_file_that_is_wrong_is_fetched_anew() {
    // A server that answers ranges of another version than it names.
    let right = content();
    let fake = Fake::start({
        let serve = server(right.clone(), "\"v1\"", 0);
        move |seen| serve(seen)
    })
    .await;
    let bench = Bench::new();
    let url = format!("http://127.0.0.1:{}/x", fake.port);
    std::fs::write(bench.folder.path().join("feed.part"), vec![7; 200_000]).unwrap();
    let part =
        format!(r#"{{"url":"{url}","validators":{{"etag":"\"v1\""}},"total_bytes":400000}}"#);
    std::fs::write(bench.folder.path().join("feed.part.json"), part).unwrap();
    let mut wanted = bench.wanted(&url);
    wanted.digest = Some(digest_of(&right, Algorithm::Sha256));
    bench.fetch(&wanted).await.unwrap();
    assert_eq!(bench.file(), right);
    assert_eq!(fake.seen().len(), 2);
}

#[tokio::test]
async fn more_than_the_limit_is_not_read() {
    let mut options = options();
    options.limits.feed_bytes = 1_000;
    let chunked = |_: &Seen| {
        let body = [b"800\r\n".to_vec(), vec![b'x'; 0x800], b"\r\n0\r\n\r\n".to_vec()].concat();
        Reply::Full(200, vec![header("transfer-encoding", "chunked")], body)
    };
    let fakes = [Fake::start(|_: &Seen| Reply::Endless(1 << 40)).await, Fake::start(chunked).await];
    for fake in fakes {
        let bench = Bench::with(&options);
        let url = format!("http://127.0.0.1:{}/x", fake.port);
        let error = bench.fetch(&bench.wanted(&url)).await.unwrap_err().to_string();
        assert!(error.contains("feed-bytes"), "{error}");
        assert!(bench.file().is_empty());
    }
}

#[tokio::test]
async fn a_redirect_is_followed_to_its_host_without_the_password() {
    let storage = Fake::start(|_: &Seen| ok("content")).await;
    let to = format!("http://127.0.0.1:{}/stored", storage.port);
    let fake = Fake::start(move |_: &Seen| status(302, &[("location", &to)])).await;
    let bench = Bench::new();
    let url = format!("http://ann:hunter2@127.0.0.1:{}/x", fake.port);
    bench.fetch(&bench.wanted(&url)).await.unwrap();
    assert_eq!(bench.file(), b"content");
    assert_eq!(fake.seen()[0].header("authorization"), "Basic YW5uOmh1bnRlcjI=");
    assert_eq!(storage.seen()[0].header("authorization"), "");
    let kept = std::fs::read_to_string(bench.folder.path().join("feed.json")).unwrap();
    assert!(!kept.contains("hunter2"), "{kept}");
}

#[tokio::test]
async fn a_redirect_to_plain_http_or_to_a_metadata_service_is_refused() {
    for to in ["http://feeds.example/x", "http://169.254.169.254/latest", "file:///etc/passwd"] {
        let fake = Fake::start(move |_: &Seen| status(302, &[("location", to)])).await;
        let bench = Bench::new();
        let url = format!("http://127.0.0.1:{}/x", fake.port);
        let error = bench.fetch(&bench.wanted(&url)).await.unwrap_err();
        assert!(matches!(error, SourceError::ForbiddenRedirect { .. }), "{error}");
    }
}

#[tokio::test]
async fn the_proxy_for_plain_http_is_used_for_that() {
    let proxy = Fake::start(|_: &Seen| ok("by the proxy")).await;
    let mut options = options();
    let made = |port| {
        let url = format!("http://127.0.0.1:{port}").parse().expect("an address");
        Some(Proxy { url, exceptions: "direct.localhost".to_owned() })
    };
    options.proxy = made(1);
    options.plain_http_proxy = made(proxy.port);
    let bench = Bench::with(&options);
    bench.fetch(&bench.wanted("http://feeds.localhost/x")).await.unwrap();
    assert_eq!(bench.file(), b"by the proxy");
    assert_eq!(proxy.seen()[0].path, "http://feeds.localhost/x");
    assert!(bench.fetch(&bench.wanted("http://direct.localhost:1/x")).await.is_err());
    assert_eq!(proxy.seen().len(), 1);
}

#[tokio::test]
async fn an_answer_that_nothing_changed_to_who_knows_nothing_is_no_file() {
    let fake = Fake::start(|_: &Seen| status(304, &[])).await;
    let bench = Bench::new();
    let mut wanted = bench.wanted(&format!("http://127.0.0.1:{}/x", fake.port));
    assert!(bench.fetch(&wanted).await.is_err());
    wanted.known = Some(Validators::default());
    assert_eq!(bench.fetch(&wanted).await.unwrap(), Outcome::Unchanged);
}
