//! One GET request: which address it may go to, which redirects it follows, and that credentials
//! never leave the origin they are for.

use std::fmt;
use std::net::IpAddr;
use std::ops::Range;
use std::sync::Arc;

use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderValue, LOCATION, RANGE};
use reqwest::{Client, NoProxy, Response, StatusCode, redirect};
use url::{Host, Url};

use crate::credentials::Secret;
use crate::error::SourceError;
use crate::options::{RegistryPlaces, SourceOptions};
use crate::registry::address::{Reach, reach_of};
use crate::registry::challenge::names_host;
use crate::registry::reply::{failed, plain};
use crate::registry::resolver::GuardedResolver;
use crate::registry::tls;

/// Registries redirect once, to their storage; some storages once more.
const MAX_REDIRECTS: u32 = 5;

/// What is asked for.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) url: Url,
    pub(crate) accept: &'static str,
    pub(crate) part: Part,
}

/// How much of a thing is asked for.
#[derive(Clone, Debug)]
pub(crate) enum Part {
    Whole,
    /// What follows the bytes that are already there.
    From(u64),
    /// A range, which is not empty.
    Range(Range<u64>),
}

/// The HTTP clients, one for each reach.
pub(crate) struct Transport {
    public: Client,
    private: Client,
    loopback: Client,
    plain_http: Vec<String>,
    trusted_hosts: Vec<String>,
    has_proxy: bool,
    registries: RegistryPlaces,
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport").finish_non_exhaustive()
    }
}

impl Transport {
    pub(crate) fn new(options: &SourceOptions) -> Result<Self, SourceError> {
        let config = tls::client_config(&options.extra_ca_pem)?;
        let client = |ceiling| client(options, config.clone(), ceiling);
        Ok(Transport {
            public: client(Reach::Public)?,
            private: client(Reach::Private)?,
            loopback: client(Reach::Loopback)?,
            plain_http: options.plain_http.clone(),
            trusted_hosts: options.trusted_hosts.clone(),
            has_proxy: options.proxy.is_some() || options.plain_http_proxy.is_some(),
            registries: options.registries,
        })
    }

    pub(crate) fn trusted_hosts(&self) -> &[String] {
        &self.trusted_hosts
    }

    /// Sends a request and follows its redirects. `authorization` goes to the origin of the
    /// request's own URL and to no other.
    pub(crate) async fn get(
        &self,
        request: &Request,
        authorization: Option<&Secret>,
    ) -> Result<Response, SourceError> {
        self.get_if(request, authorization, &HeaderMap::new()).await
    }

    /// Sends a request under conditions (RFC 9110, section 13), which go along with its redirects:
    /// they tell nothing but which version of the thing is known.
    pub(crate) async fn get_if(
        &self,
        request: &Request,
        authorization: Option<&Secret>,
        conditions: &HeaderMap,
    ) -> Result<Response, SourceError> {
        let mut url = request.url.clone();
        let mut ceiling = self.home_ceiling();
        let mut from: Option<Url> = None;
        for _ in 0..=MAX_REDIRECTS {
            self.check(&url, ceiling)?;
            let is_home = url.origin() == request.url.origin();
            let sent = authorization.filter(|_| is_home);
            let sent = self.send(request, &url, sent, conditions, ceiling).await;
            // A name shows where it leads only when it is resolved.
            let response = sent.map_err(|error| match from {
                Some(ref from) => forbid(from, &url, error),
                None => error,
            })?;
            let Some(next) = redirect_target(&url, &response)? else { return Ok(response) };
            ceiling = ceiling.min(self.reach_of(&response));
            self.check(&next, ceiling).map_err(|error| forbid(&url, &next, error))?;
            from = Some(std::mem::replace(&mut url, next));
        }
        Err(SourceError::ForbiddenRedirect {
            from: plain(&request.url),
            to: plain(&url),
            reason: format!("more than {MAX_REDIRECTS} redirects"),
        })
    }

    /// Whoever named the registry may usually reach anything; those it points to may not.
    pub(crate) fn home_ceiling(&self) -> Reach {
        match self.registries {
            RegistryPlaces::Anywhere => Reach::Loopback,
            RegistryPlaces::PublicOrTrusted => Reach::Public,
        }
    }

    /// Sends a request that must be answered where it is, such as one for a token. What names the
    /// place is the registry, so its reach bounds the place's.
    pub(crate) async fn get_without_redirects(
        &self,
        request: &Request,
        authorization: Option<&Secret>,
        ceiling: Reach,
    ) -> Result<Response, SourceError> {
        self.check(&request.url, ceiling)?;
        self.send(request, &request.url, authorization, &HeaderMap::new(), ceiling).await
    }

    /// Tells how far inside the network the other side of an answer is. Behind a proxy that
    /// cannot be known, and counts as outside.
    pub(crate) fn reach_of(&self, response: &Response) -> Reach {
        match response.remote_addr() {
            Some(address) if !self.has_proxy => reach_of(address.ip()),
            _ => Reach::Public,
        }
    }

    /// Tells whether a host may be spoken to without TLS.
    pub(crate) fn may_be_plain(&self, url: &Url) -> bool {
        is_loopback(url) || names_host(&self.plain_http, url)
    }

    fn check(&self, url: &Url, ceiling: Reach) -> Result<(), SourceError> {
        let host = url.host_str().unwrap_or_default().to_owned();
        let refuse = |reason: &str| {
            Err(SourceError::ForbiddenAddress { host: host.clone(), reason: reason.to_owned() })
        };
        match url.scheme() {
            "https" => {}
            "http" if self.may_be_plain(url) => {}
            "http" => return refuse("it is not listed among the hosts for plain HTTP"),
            _ => return refuse("only https and http are spoken"),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return refuse("the address carries a user name");
        }
        let literal = match url.host() {
            Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
            Some(Host::Domain(_)) | None => None,
        };
        // Names are checked when they are resolved.
        if literal.is_some_and(|address| reach_of(address) > ceiling)
            && !names_host(&self.trusted_hosts, url)
        {
            return refuse("the address is private or reserved");
        }
        Ok(())
    }

    async fn send(
        &self,
        request: &Request,
        url: &Url,
        authorization: Option<&Secret>,
        conditions: &HeaderMap,
        ceiling: Reach,
    ) -> Result<Response, SourceError> {
        let client = match ceiling {
            Reach::Public => &self.public,
            Reach::Private => &self.private,
            Reach::Loopback | Reach::Forbidden => &self.loopback,
        };
        let mut builder =
            client.get(url.clone()).headers(conditions.clone()).header(ACCEPT, request.accept);
        match &request.part {
            Part::Whole => {}
            Part::From(start) => builder = builder.header(RANGE, format!("bytes={start}-")),
            Part::Range(range) => {
                let last = range.end.saturating_sub(1);
                builder = builder.header(RANGE, format!("bytes={}-{last}", range.start));
            }
        }
        if let Some(secret) = authorization {
            let mut value = HeaderValue::from_str(secret.reveal()).map_err(|_| {
                SourceError::malformed("the credentials", "they are not fit for a header")
            })?;
            value.set_sensitive(true);
            builder = builder.header(AUTHORIZATION, value);
        }
        builder.send().await.map_err(|error| failed(url, error))
    }
}

fn client(
    options: &SourceOptions,
    config: rustls::ClientConfig,
    ceiling: Reach,
) -> Result<Client, SourceError> {
    let invalid = |error: reqwest::Error| {
        SourceError::malformed("the settings of the HTTP client", error.to_string())
    };
    let without_port = |host: &String| host.split(':').next().unwrap_or_default().to_owned();
    let mut exempt: Vec<String> = options.trusted_hosts.iter().map(without_port).collect();
    let mut builder = Client::builder()
        .tls_backend_preconfigured(config)
        .redirect(redirect::Policy::none())
        .referer(false)
        .no_proxy()
        .http1_only()
        .user_agent(concat!("tallyman/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(options.timeouts.connect)
        .read_timeout(options.timeouts.idle);
    // The first that fits is taken, so that the proxy for plain HTTP comes first.
    let plain = options.plain_http_proxy.iter().map(|proxy| (proxy, true));
    for (proxy, is_plain) in plain.chain(options.proxy.iter().map(|proxy| (proxy, false))) {
        exempt.extend(proxy.url.host_str().map(str::to_owned));
        let exceptions = NoProxy::from_string(&proxy.exceptions);
        let url = proxy.url.clone();
        let made = if is_plain { reqwest::Proxy::http(url) } else { reqwest::Proxy::all(url) };
        builder = builder.proxy(made.map_err(invalid)?.no_proxy(exceptions));
    }
    let exempt: Arc<[String]> = exempt.into();
    builder.dns_resolver(GuardedResolver { ceiling, exempt }).build().map_err(invalid)
}

fn redirect_target(from: &Url, response: &Response) -> Result<Option<Url>, SourceError> {
    let is_redirect = matches!(
        response.status(),
        StatusCode::MOVED_PERMANENTLY
            | StatusCode::FOUND
            | StatusCode::SEE_OTHER
            | StatusCode::TEMPORARY_REDIRECT
            | StatusCode::PERMANENT_REDIRECT
    );
    if !is_redirect {
        return Ok(None);
    }
    let malformed = || SourceError::malformed(plain(from), "the redirect names no address");
    let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
    let next = from.join(location.ok_or_else(malformed)?).map_err(|_| malformed())?;
    Ok(Some(next))
}

fn forbid(from: &Url, to: &Url, error: SourceError) -> SourceError {
    match error {
        SourceError::ForbiddenAddress { reason, .. } => {
            SourceError::ForbiddenRedirect { from: plain(from), to: plain(to), reason }
        }
        other => other,
    }
}

pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => reach_of(IpAddr::V4(address)) == Reach::Loopback,
        Some(Host::Ipv6(address)) => reach_of(IpAddr::V6(address)) == Reach::Loopback,
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    }
}
