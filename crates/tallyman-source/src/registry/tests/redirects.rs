//! Where a registry may send a client, and with what.

use url::Url;

use super::fake::{BASIC, Fake, options, parts, sha, status, with_credentials};
use crate::error::SourceError;
use crate::fixtures::read_layer;
use crate::open::open;
use crate::options::{Proxy, RegistryPlaces};
use crate::registry::address::Reach;
use crate::registry::transport::{Part, Request, Transport};

#[tokio::test]
async fn credentials_do_not_follow_a_redirect_to_another_origin() {
    let image = parts();
    let served = image.clone();
    let storage = Fake::start(move |seen| served.reply(seen)).await;
    let target = format!("http://127.0.0.1:{}", storage.port);
    let (layer, digest) = (image.layer.clone(), sha(&image.layer));
    let fake = Fake::start(move |seen| {
        if seen.header("authorization") != BASIC {
            return status(401, &[("www-authenticate", "Basic realm=\"r\"")]);
        }
        match seen.path.as_str() {
            path if path.ends_with(digest.hex()) => {
                status(307, &[("location", &format!("{target}{path}"))])
            }
            // Within the origin they do.
            "/v2/app/manifests/v1" => status(302, &[("location", "/v2/app/manifests/v2")]),
            _ => image.reply(seen),
        }
    })
    .await;
    let options = with_credentials(&format!("127.0.0.1:{}", fake.port));
    let image = open(&fake.location("app:v1"), &options).await.expect("an image");
    assert_eq!(read_layer(&image, 0).await.expect("a layer"), layer);
    let seen = storage.seen();
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].header("authorization"), "");
    assert_eq!(seen[0].header("referer"), "");
}

#[tokio::test]
async fn a_challenge_from_where_a_redirect_led_is_not_answered() {
    let image = parts();
    let storage = Fake::start(|_| status(401, &[("www-authenticate", "Basic realm=\"r\"")])).await;
    let target = format!("http://127.0.0.1:{}/x", storage.port);
    let digest = sha(&image.layer);
    let fake = Fake::start(move |seen| match seen.path.ends_with(digest.hex()) {
        true => status(307, &[("location", &target)]),
        false => image.reply(seen),
    })
    .await;
    let options = with_credentials(&format!("127.0.0.1:{}", fake.port));
    let image = open(&fake.location("app:v1"), &options).await.expect("an image");
    let error = image.open_layer(0).await.err().expect("refused");
    assert!(matches!(error, SourceError::Unauthorized { .. }), "{error}");
    let seen = storage.seen();
    assert_eq!(seen.len(), 1, "{seen:?}");
    assert_eq!(seen[0].header("authorization"), "");
}

#[tokio::test]
async fn redirects_to_places_that_are_never_a_registry_are_refused() {
    for (target, expect) in [
        ("http://169.254.169.254/latest/meta-data/?key=secret", "plain HTTP"),
        ("https://169.254.169.254/latest/meta-data/?key=secret", "private or reserved"),
        ("https://100.100.100.200/", "private or reserved"),
        ("https://[fe80::1]/", "private or reserved"),
        ("http://example.com/layer", "plain HTTP"),
        ("file:///etc/passwd", "only https and http"),
        ("https://user:pw@127.0.0.1/", "carries a user name"),
    ] {
        let fake = Fake::start(move |_| status(307, &[("location", target)])).await;
        let error = open(&fake.location("app:v1"), &options()).await.expect_err(target);
        assert!(matches!(error, SourceError::ForbiddenRedirect { .. }), "{target}: {error}");
        let text = error.to_string();
        assert!(text.contains(expect) && !text.contains("secret"), "{target}: {text}");
    }
}

#[tokio::test]
async fn a_public_registry_cannot_redirect_inwards() {
    let inner = Fake::start(|_| status(200, &[])).await;
    for target in [
        format!("http://127.0.0.1:{}/", inner.port),
        format!("https://[::1]:{}/", inner.port),
        "https://10.0.0.1/".to_owned(),
        "https://192.168.1.1/".to_owned(),
    ] {
        let location = target.clone();
        // Behind a proxy every registry counts as public.
        let proxy = Fake::start(move |_| status(307, &[("location", &location)])).await;
        let mut options = options();
        options.plain_http.push("registry.example".to_owned());
        options.proxy = Some(Proxy {
            url: Url::parse(&format!("http://127.0.0.1:{}", proxy.port)).expect("URL"),
            exceptions: String::new(),
        });
        let registry = "registry:registry.example/app".parse().expect("a location");
        let error = open(&registry, &options).await.expect_err(&target);
        assert!(matches!(error, SourceError::ForbiddenRedirect { .. }), "{target}: {error}");
        assert_eq!(proxy.seen()[0].path, "http://registry.example/v2/app/manifests/latest");
    }
    assert!(inner.seen().is_empty());
}

#[tokio::test]
async fn names_are_checked_by_the_addresses_they_resolve_to() {
    let inner = Fake::start(|_| status(200, &[])).await;
    let url = Url::parse(&format!("http://localhost:{}/", inner.port)).expect("URL");
    let request = Request { url, accept: "*/*", part: Part::Whole };
    let transport = Transport::new(&options()).expect("options");
    for ceiling in [Reach::Public, Reach::Private] {
        let error = transport.get_without_redirects(&request, None, ceiling).await;
        let error = error.expect_err("refused");
        assert!(matches!(error, SourceError::ForbiddenAddress { .. }), "{error}");
    }
    assert!(inner.seen().is_empty());
    let allowed = transport.get_without_redirects(&request, None, Reach::Loopback).await;
    assert!(allowed.is_ok());
    // A host that the user trusts may be reached.
    let mut options = options();
    options.trusted_hosts.push(format!("localhost:{}", inner.port));
    let transport = Transport::new(&options).expect("options");
    assert!(transport.get_without_redirects(&request, None, Reach::Public).await.is_ok());
}

#[tokio::test]
async fn a_host_without_tls_is_told_apart_from_one_that_is_down() {
    let fake = Fake::start(|_| status(200, &[])).await;
    let url = Url::parse(&format!("https://127.0.0.1:{}/", fake.port)).expect("URL");
    let request = Request { url, accept: "*/*", part: Part::Whole };
    let transport = Transport::new(&options()).expect("options");
    let error = transport.get(&request, None).await.expect_err("no TLS").to_string();
    assert!(error.ends_with("list it among the hosts for plain HTTP"), "{error}");
}

#[tokio::test]
async fn redirects_in_a_circle_end() {
    let fake = Fake::start(|seen| status(302, &[("location", &seen.path)])).await;
    let error = open(&fake.location("app:v1"), &options()).await.expect_err("endless").to_string();
    assert!(error.ends_with("more than 5 redirects"), "{error}");
    assert_eq!(fake.seen().len(), 6);
}

#[tokio::test]
async fn a_metadata_service_is_no_registry() {
    let location = "registry:169.254.169.254/app".parse().expect("a location");
    let error = open(&location, &options()).await.expect_err("refused");
    assert!(matches!(error, SourceError::ForbiddenAddress { .. }), "{error}");
}

#[tokio::test]
async fn registries_inside_the_network_can_be_left_to_the_trusted_ones() {
    let image = parts();
    let fake = Fake::start(move |seen| image.reply(seen)).await;
    let mut options = options();
    options.registries = RegistryPlaces::PublicOrTrusted;
    for host in ["127.0.0.1", "localhost"] {
        let location = format!("registry:{host}:{}/app", fake.port).parse().expect("a location");
        let error = open(&location, &options).await.expect_err(host);
        assert!(matches!(error, SourceError::ForbiddenAddress { .. }), "{error}");
    }
    assert!(fake.seen().is_empty());
    options.trusted_hosts.push(format!("127.0.0.1:{}", fake.port));
    open(&fake.location("app:v1"), &options).await.expect("an image");
}
