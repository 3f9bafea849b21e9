//! The conversation with one registry about one repository: scheme, credentials, tokens, patience.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use reqwest::{Response, StatusCode};
use tallyman_model::reference::{DEFAULT_REGISTRY, ImageReference};
use url::Url;

use crate::credentials::{self, RegistryCredentials};
use crate::error::{SourceError, quoted};
use crate::options::{RetryPolicy, SourceOptions};
use crate::registry::address::Reach;
use crate::registry::challenge::{Challenge, may_hold_credentials};
use crate::registry::reply::{body, next_link, plain, refused};
pub(crate) use crate::registry::token::Tokens;
use crate::registry::token::{MAX_TOKEN_BYTES, Token, token_url};
use crate::registry::transport::{Part, Request, Transport, is_loopback};

/// Where Docker's registry really is.
const DOCKER_HOST: &str = "registry-1.docker.io";

/// One registry, one repository.
#[derive(Debug)]
pub(crate) struct Session {
    host: String,
    repository: String,
    base: Url,
    credentials: Option<RegistryCredentials>,
    transport: Arc<Transport>,
    tokens: Arc<Tokens>,
    retry: RetryPolicy,
    request_timeout: Duration,
}

/// How much of an answer is read, and for how long.
#[derive(Clone, Debug)]
pub(crate) struct Bounds {
    /// The name of the limit.
    pub(crate) limit: &'static str,
    pub(crate) maximum: u64,
    pub(crate) timeout: Duration,
}

/// An answer that was read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) bytes: Vec<u8>,
    pub(crate) content_type: String,
    /// Where the list goes on, for one in several parts.
    pub(crate) next: Option<String>,
}

impl Session {
    /// Finds out how the registry is spoken to.
    pub(crate) async fn connect(
        reference: &ImageReference,
        options: &SourceOptions,
        transport: Arc<Transport>,
        tokens: Arc<Tokens>,
    ) -> Result<Self, SourceError> {
        let host = match reference.registry() {
            DEFAULT_REGISTRY => DOCKER_HOST,
            other => other,
        };
        let base = base_url(host, &transport).await?;
        let (registry, repository) = (reference.registry(), reference.repository());
        let credentials = credentials::find(&options.credentials, registry, repository).cloned();
        Ok(Session {
            host: registry.to_owned(),
            repository: repository.to_owned(),
            base,
            credentials,
            transport,
            tokens,
            retry: options.retry.clone(),
            request_timeout: options.timeouts.request,
        })
    }

    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    pub(crate) fn is_https(&self) -> bool {
        self.base.scheme() == "https"
    }

    /// Tells whether the registry gives the repository to anybody, by what it took to read it;
    /// `None` where a token was given for credentials, which may not have been needed.
    pub(crate) fn is_public(&self) -> Option<bool> {
        if self.credentials.is_none() {
            return Some(true);
        }
        let kept = self.tokens.find(&self.origin(), &self.scope())?;
        kept.reveal().starts_with("Basic ").then_some(false)
    }

    pub(crate) fn attempts(&self) -> &RetryPolicy {
        &self.retry
    }

    pub(crate) fn request_timeout(&self) -> Duration {
        self.request_timeout
    }

    /// Returns the address of something in the repository, such as `manifests/latest`. The parts
    /// come from parsed references and digests and need no escaping.
    pub(crate) fn url(&self, kind: &str, name: &str) -> Result<Url, SourceError> {
        let path = format!("v2/{}/{kind}/{name}", self.repository);
        self.base.join(&path).map_err(|_| SourceError::malformed(path, "it makes no address"))
    }

    /// Gets something small, patiently; returns its bytes and its content type.
    pub(crate) async fn get_small(
        &self,
        subject: &str,
        request: &Request,
        limit: &'static str,
        maximum: u64,
    ) -> Result<(Vec<u8>, String), SourceError> {
        let bounds = Bounds { limit, maximum, timeout: self.request_timeout };
        let answer = self.get_whole(subject, request, &bounds).await?;
        Ok((answer.bytes, answer.content_type))
    }

    /// Gets a whole answer, patiently.
    pub(crate) async fn get_whole(
        &self,
        subject: &str,
        request: &Request,
        bounds: &Bounds,
    ) -> Result<Answer, SourceError> {
        patiently(&self.retry, || async {
            let work = async {
                let response = self.get(subject, request).await?;
                let content_type = content_type(&response);
                let next = next_link(response.headers());
                let bytes = body(&request.url, response, bounds.limit, bounds.maximum).await?;
                Ok(Answer { bytes, content_type, next })
            };
            tokio::time::timeout(bounds.timeout, work)
                .await
                .unwrap_or_else(|_| Err(SourceError::transient(subject, "it took too long")))
        })
        .await
    }

    /// Returns the address of the next part of a list. The token goes to it, so it must be on the
    /// registry itself.
    pub(crate) fn next_url(&self, current: &Url, next: &str) -> Result<Url, SourceError> {
        match current.join(next) {
            Ok(url) if url.origin() == self.base.origin() => Ok(url),
            _ => Err(SourceError::malformed(
                plain(current),
                "what it names as its next part is not on this registry",
            )),
        }
    }

    /// Sends a request once, with what authorization it takes.
    pub(crate) async fn get(
        &self,
        subject: &str,
        request: &Request,
    ) -> Result<Response, SourceError> {
        let (origin, scope) = (self.origin(), self.scope());
        let kept = self.tokens.find(&origin, &scope);
        let mut response = self.transport.get(request, kept.as_ref()).await?;
        if response.status() == StatusCode::UNAUTHORIZED
            && response.url().origin() == self.base.origin()
            && let Some(challenge) = Challenge::find(response.headers())
        {
            self.tokens.forget(&origin, &scope);
            let token = self.answer(challenge, self.transport.reach_of(&response)).await?;
            response = self.transport.get(request, Some(&token.authorization)).await?;
            // What the registry does not accept is not worth keeping.
            if response.status() != StatusCode::UNAUTHORIZED {
                self.tokens.keep(&origin, &scope, &token);
            }
        }
        if response.status().is_success() {
            return Ok(response);
        }
        Err(self.explain(refused(subject, &self.host, response).await))
    }

    async fn answer(&self, challenge: Challenge, reach: Reach) -> Result<Token, SourceError> {
        match challenge {
            Challenge::Basic => match &self.credentials {
                Some(credentials) => Ok(Token { authorization: credentials.basic(), life: None }),
                None => Err(self.unauthorized("it asks for a user name and a password")),
            },
            Challenge::Bearer { realm, service } => {
                let realm = Url::parse(&realm).map_err(|_| {
                    SourceError::malformed(
                        format!("the sign-in of {}", self.host),
                        format!("its token realm `{}` is no address", quoted(&realm)),
                    )
                })?;
                self.fetch_token(&realm, service.as_deref(), reach).await
            }
        }
    }

    async fn fetch_token(
        &self,
        realm: &Url,
        service: Option<&str>,
        reach: Reach,
    ) -> Result<Token, SourceError> {
        if self.credentials.is_some()
            && !may_hold_credentials(&self.base, realm, self.transport.trusted_hosts())
        {
            return Err(SourceError::Unauthorized {
                registry: self.host.clone(),
                hint: format!(
                    "it wants the credentials to be sent to {}, which is another host; add that \
                     host to the trusted hosts if this is right",
                    plain(realm)
                ),
            });
        }
        let subject = format!("the token service {}", plain(realm));
        let url = token_url(realm, service, &self.scope());
        let request = Request { url: url.clone(), accept: "application/json", part: Part::Whole };
        let basic = self.credentials.as_ref().map(RegistryCredentials::basic);
        let response =
            self.transport.get_without_redirects(&request, basic.as_ref(), reach).await?;
        match response.status() {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                Err(self.unauthorized("its token service refuses"))
            }
            status if status.is_redirection() => {
                Err(SourceError::malformed(subject, "it redirects instead of answering"))
            }
            status if !status.is_success() => Err(refused(&subject, &self.host, response).await),
            _ => {
                let bytes = body(&url, response, "token-bytes", MAX_TOKEN_BYTES).await?;
                Token::parse(&subject, &bytes)
            }
        }
    }

    fn explain(&self, error: SourceError) -> SourceError {
        match error {
            SourceError::Unauthorized { hint, .. } => self.unauthorized(&hint),
            other => other,
        }
    }

    fn unauthorized(&self, what: &str) -> SourceError {
        let next = match &self.credentials {
            Some(found) => format!("check the credentials of `{}`", quoted(&found.username)),
            None => format!("no credentials are configured for {}", self.host),
        };
        SourceError::Unauthorized { registry: self.host.clone(), hint: format!("{what}; {next}") }
    }

    fn origin(&self) -> String {
        self.base.origin().ascii_serialization()
    }

    fn scope(&self) -> String {
        format!("repository:{}:pull", self.repository)
    }
}

/// A loopback host may have TLS or not; it is asked. Every other host has TLS unless the options
/// say otherwise.
async fn base_url(host: &str, transport: &Transport) -> Result<Url, SourceError> {
    let parse = |scheme: &str| {
        Url::parse(&format!("{scheme}://{host}/"))
            .map_err(|_| SourceError::malformed(quoted(host), "it makes no address"))
    };
    let (https, http) = (parse("https")?, parse("http")?);
    if !transport.may_be_plain(&http) {
        return Ok(https);
    }
    if !is_loopback(&http) {
        return Ok(http);
    }
    let ping = https.join("v2/").unwrap_or_else(|_| https.clone());
    let request = Request { url: ping, accept: "application/json", part: Part::Whole };
    match transport.get_without_redirects(&request, None, transport.home_ceiling()).await {
        // A certificate that is not trusted is still TLS; the next request says so.
        Ok(_) | Err(SourceError::UntrustedCertificate { .. }) => Ok(https),
        Err(_) => Ok(http),
    }
}

/// Does the work again while it fails for a passing reason, with growing waits.
pub(crate) async fn patiently<T, F>(
    policy: &RetryPolicy,
    mut work: impl FnMut() -> F,
) -> Result<T, SourceError>
where
    F: Future<Output = Result<T, SourceError>>,
{
    let mut attempt = 1;
    loop {
        match work().await {
            Err(SourceError::Transient { subject, reason, retry_after })
                if attempt < policy.attempts =>
            {
                let wait = policy.wait_after(attempt, retry_after);
                let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
                tracing::debug!(retry.wait_ms = wait_ms, "Trying {subject} again: {reason}");
                tokio::time::sleep(wait).await;
                attempt += 1;
            }
            other => return other,
        }
    }
}

fn content_type(response: &Response) -> String {
    let header = response.headers().get(reqwest::header::CONTENT_TYPE);
    let text = header.and_then(|value| value.to_str().ok()).unwrap_or_default();
    text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}
