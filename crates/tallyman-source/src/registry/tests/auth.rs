//! Who is sent credentials, and who is not.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::fake::{BASIC, Fake, Reply, Seen, ok, options, parts, status, with_credentials};
use crate::error::SourceError;
use crate::fixtures::read_layer;
use crate::open::{Sources, open};

fn bearer(realm: &str) -> Reply {
    let challenge =
        format!(r#"Bearer realm="{realm}",service="reg",scope="repository:other:push""#);
    status(401, &[("www-authenticate", &challenge)])
}

/// A registry that wants the token `t0ken`, which its own host gives out.
async fn with_tokens() -> Fake {
    let image = parts();
    let port = Arc::new(AtomicUsize::new(0));
    let known = Arc::clone(&port);
    let fake = Fake::start(move |seen| {
        if seen.path.starts_with("/token?") {
            return ok(r#"{"token":"t0ken","expires_in":300}"#);
        }
        match seen.header("authorization") {
            "Bearer t0ken" => image.reply(seen),
            _ => bearer(&format!("http://127.0.0.1:{}/token", known.load(Ordering::Relaxed))),
        }
    })
    .await;
    port.store(fake.port.into(), Ordering::Relaxed);
    fake
}

#[tokio::test]
async fn a_token_is_fetched_once_for_reading_one_repository() {
    let fake = with_tokens().await;
    let sources = Sources::new(options()).expect("options");
    for _ in 0..2 {
        let image = sources.open(&fake.location("team/app:v1")).await.expect("an image");
        read_layer(&image, 0).await.expect("a layer");
    }
    let tokens: Vec<Seen> =
        fake.seen().into_iter().filter(|seen| seen.path.starts_with("/token")).collect();
    assert_eq!(tokens.len(), 1, "{tokens:?}");
    assert_eq!(tokens[0].path, "/token?service=reg&scope=repository%3Ateam%2Fapp%3Apull");
    assert_eq!(tokens[0].header("authorization"), "");
    sources.open(&fake.location("other:v1")).await.expect("an image");
    assert_eq!(fake.count("/token"), 2);
}

#[tokio::test]
async fn credentials_go_to_the_token_realm_of_the_same_host() {
    let fake = with_tokens().await;
    let options = with_credentials(&format!("127.0.0.1:{}", fake.port));
    open(&fake.location("app:v1"), &options).await.expect("an image");
    for seen in fake.seen() {
        let sent = seen.header("authorization");
        let is_token = seen.path.starts_with("/token");
        assert_eq!(sent == BASIC, is_token, "{seen:?}");
    }
}

#[tokio::test]
async fn credentials_of_another_registry_are_not_sent() {
    let fake = with_tokens().await;
    let options = with_credentials("127.0.0.1:1");
    open(&fake.location("app:v1"), &options).await.expect("an image");
    assert!(fake.seen().iter().all(|seen| seen.header("authorization") != BASIC));
}

#[tokio::test]
async fn a_realm_on_another_host_gets_nothing() {
    let thief = Fake::start(|_| ok(r#"{"token":"t0ken"}"#)).await;
    let realm = format!("http://localhost:{}/token", thief.port);
    let fake = Fake::start(move |_| bearer(&realm)).await;
    let mut options = with_credentials(&format!("127.0.0.1:{}", fake.port));
    let error = open(&fake.location("app:v1"), &options).await.expect_err("refused");
    assert!(matches!(error, SourceError::Unauthorized { .. }), "{error}");
    assert!(error.to_string().contains("trusted hosts"), "{error}");
    assert!(thief.seen().is_empty(), "{:?}", thief.seen());
    // The user may trust it.
    options.trusted_hosts.push("localhost".to_owned());
    let _ = open(&fake.location("app:v1"), &options).await;
    assert_eq!(thief.seen()[0].header("authorization"), BASIC);
}

#[tokio::test]
async fn hostile_realms_are_refused() {
    for (realm, expect) in [
        ("http://registry.example/token", "plain HTTP"),
        ("http://169.254.169.254/latest/meta-data/", "plain HTTP"),
        ("https://169.254.169.254/latest/meta-data/", "private or reserved"),
        ("file:///etc/passwd", "only https and http"),
        ("https://ann:secret@127.0.0.1/token", "carries a user name"),
        ("not an address", "is no address"),
    ] {
        let fake = Fake::start(move |_| bearer(realm)).await;
        let error = open(&fake.location("app:v1"), &options()).await.expect_err(realm).to_string();
        assert!(error.contains(expect), "{realm}: {error}");
    }
}

#[tokio::test]
async fn a_token_answer_is_limited_and_checked() {
    type Answer = fn() -> Reply;
    let cases: [(Answer, &str); 5] = [
        (|| Reply::Endless(1 << 40), "over the limit `token-bytes`"),
        (|| ok("{}"), "holds no token"),
        (|| ok("[1"), "not JSON of a token"),
        (|| ok(r#"{"token":"a\r\nx-injected: 1"}"#), "holds no token"),
        (|| status(302, &[("location", "http://localhost:1/")]), "redirects"),
    ];
    for (answer, expect) in cases {
        let port = Arc::new(AtomicUsize::new(0));
        let known = Arc::clone(&port);
        let fake = Fake::start(move |seen| match seen.path.starts_with("/token") {
            true => answer(),
            false => bearer(&format!("http://127.0.0.1:{}/token", known.load(Ordering::Relaxed))),
        })
        .await;
        port.store(fake.port.into(), Ordering::Relaxed);
        let error = open(&fake.location("app:v1"), &options()).await.expect_err(expect).to_string();
        assert!(error.contains(expect), "{expect}: {error}");
    }
}

#[tokio::test]
async fn a_token_that_is_no_longer_taken_is_replaced() {
    let image = parts();
    let issued = AtomicUsize::new(0);
    let current = Arc::new(AtomicUsize::new(1));
    let revoke = Arc::clone(&current);
    let port = Arc::new(AtomicUsize::new(0));
    let known = Arc::clone(&port);
    let fake = Fake::start(move |seen| {
        if seen.path.starts_with("/token") {
            let number = issued.fetch_add(1, Ordering::Relaxed) + 1;
            return ok(format!(r#"{{"access_token":"t{number}"}}"#));
        }
        let valid = format!("Bearer t{}", current.load(Ordering::Relaxed));
        match seen.header("authorization") == valid {
            true => image.reply(seen),
            false => bearer(&format!("http://127.0.0.1:{}/token", known.load(Ordering::Relaxed))),
        }
    })
    .await;
    port.store(fake.port.into(), Ordering::Relaxed);
    let image = open(&fake.location("app:v1"), &options()).await.expect("an image");
    revoke.store(2, Ordering::Relaxed);
    read_layer(&image, 0).await.expect("a layer");
    assert_eq!(fake.count("/token"), 2);
}

#[tokio::test]
async fn basic_authentication_is_answered_only_with_credentials() {
    let image = parts();
    let fake = Fake::start(move |seen| match seen.header("authorization") {
        BASIC => image.reply(seen),
        _ => status(401, &[("www-authenticate", "Basic realm=\"r\"")]),
    })
    .await;
    let options_with = with_credentials(&format!("127.0.0.1:{}", fake.port));
    open(&fake.location("app:v1"), &options_with).await.expect("an image");
    let error = open(&fake.location("app:v1"), &options()).await.expect_err("refused").to_string();
    assert!(error.contains("no credentials are configured for 127.0.0.1"), "{error}");
}

#[tokio::test]
async fn wrong_credentials_are_not_tried_again_and_not_printed() {
    let fake = Fake::start(|_| status(401, &[("www-authenticate", "Basic realm=\"r\"")])).await;
    let options = with_credentials(&format!("127.0.0.1:{}", fake.port));
    let error = open(&fake.location("app:v1"), &options).await.expect_err("refused").to_string();
    assert!(error.contains("check the credentials of `ann`"), "{error}");
    assert!(!error.contains("hunter2") && !format!("{options:?}").contains("hunter2"));
    assert_eq!(fake.seen().len(), 2);
}
