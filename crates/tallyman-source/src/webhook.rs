//! Sending messages to webhooks, signed as the Standard Webhooks specification
//! (<https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>)
//! has it. One request and what came of it; when to try again is the caller's affair.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER, USER_AGENT};
use reqwest::{Client, Response};
use ring::hmac;
use url::{Host, Url};

use crate::download::retry_after;
use crate::error::{SourceError, quoted};
use crate::http;
use crate::registry::address::{Reach, reach_of};
use crate::registry::reply::{failed, plain};
use crate::registry::transport::is_loopback;

/// How a secret is marked ("Signature scheme", symmetric).
const SECRET_PREFIX: &str = "whsec_";
/// The sizes that a secret may have, in bytes ("Signature scheme").
const SECRET_BYTES: std::ops::RangeInclusive<usize> = 24..=64;
/// From the connection to the end of the answer; the specification advises 15 to 30 seconds.
const TIMEOUT: Duration = Duration::from_secs(20);
/// The most of an answer that is read, for the reason of a refusal.
const MAX_ANSWER_BYTES: usize = 4 << 10;
const MAX_ADDRESS_CHARS: usize = 2_048;
/// The status of a receiver that wants no more ("Delivery success and failure").
pub const GONE: u16 = 410;

/// Where a webhook listens: an HTTPS address, or a loopback one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookAddress(Url);

impl WebhookAddress {
    /// Checks an address.
    ///
    /// # Errors
    ///
    /// [`SourceError::Malformed`] for what is no address, [`SourceError::ForbiddenAddress`] for one
    /// that messages do not go to.
    pub fn parse(text: &str) -> Result<Self, SourceError> {
        if text.chars().count() > MAX_ADDRESS_CHARS {
            return Err(SourceError::malformed("the address of the webhook", "it is too long"));
        }
        let url = Url::parse(text)
            .map_err(|error| SourceError::malformed(quoted(text), error.to_string()))?;
        let host = url.host_str().unwrap_or_default().to_owned();
        let refuse = |reason: &str| SourceError::ForbiddenAddress {
            host: host.clone(),
            reason: reason.to_owned(),
        };
        match url.scheme() {
            "https" => {}
            "http" if is_loopback(&url) => {}
            "http" => return Err(refuse("plain HTTP is for loopback addresses; use https")),
            _ => return Err(refuse("only https is spoken")),
        }
        if reach_of_host(&url) == Some(Reach::Forbidden) {
            return Err(refuse("link-local, metadata and multicast addresses are told nothing"));
        }
        if url.host_str().is_some_and(|host| host.trim_end_matches('.').ends_with(".localhost")) {
            return Err(refuse("of this machine's names only localhost itself is spoken to"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refuse("the address carries a user name; messages are signed instead"));
        }
        if url.fragment().is_some() {
            return Err(refuse("the address has a fragment, which would not be sent"));
        }
        Ok(WebhookAddress(url))
    }

    /// Returns the address as text.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

fn reach_of_host(url: &Url) -> Option<Reach> {
    match url.host()? {
        Host::Ipv4(address) => Some(reach_of(IpAddr::V4(address))),
        Host::Ipv6(address) => Some(reach_of(IpAddr::V6(address))),
        Host::Domain(_) => None,
    }
}

/// What messages to a webhook are signed with.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookSecret(Vec<u8>);

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl WebhookSecret {
    /// Makes a secret of random bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        WebhookSecret(bytes.to_vec())
    }

    /// Reads `whsec_` and base64.
    ///
    /// # Errors
    ///
    /// [`SourceError::Malformed`], without the secret in its words.
    pub fn parse(text: &str) -> Result<Self, SourceError> {
        let bytes = text.strip_prefix(SECRET_PREFIX).and_then(|rest| STANDARD.decode(rest).ok());
        match bytes {
            Some(bytes) if SECRET_BYTES.contains(&bytes.len()) => Ok(WebhookSecret(bytes)),
            Some(_) | None => Err(SourceError::malformed(
                "the secret of the webhook",
                "expected whsec_ and 24 to 64 bytes in base64",
            )),
        }
    }

    /// Returns the secret itself, as the other side takes it.
    pub fn expose(&self) -> String {
        format!("{SECRET_PREFIX}{}", STANDARD.encode(&self.0))
    }

    /// Signs a message ("Signature scheme": HMAC-SHA256 over id, time and body between dots).
    fn sign(&self, message: &WebhookMessage<'_>) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.0);
        let mut context = hmac::Context::with_key(&key);
        context.update(format!("{}.{}.", message.id, message.sent_at).as_bytes());
        context.update(message.body);
        format!("v1,{}", STANDARD.encode(context.sign().as_ref()))
    }
}

/// A message to a webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WebhookMessage<'a> {
    /// The same whenever the message is sent again, so that the other side can tell.
    pub id: &'a str,
    /// When it is sent, in seconds since the epoch.
    pub sent_at: i64,
    /// JSON.
    pub body: &'a [u8],
}

/// Sends messages to webhooks.
#[derive(Clone, Debug)]
pub struct WebhookClient {
    client: Client,
}

impl WebhookClient {
    /// Makes a client that trusts the machine's certificate authorities and those given in PEM.
    ///
    /// # Errors
    ///
    /// [`SourceError::Malformed`] for a bad certificate.
    pub fn new(extra_ca_pem: &str) -> Result<Self, SourceError> {
        WebhookClient::with_local_names(extra_ca_pem, &["localhost"])
    }

    /// Who adds a webhook manages the installation, and its receivers are mostly beside it. But no
    /// other name must lead to this machine's own services, and none to its cloud's metadata.
    fn with_local_names(extra_ca_pem: &str, names: &[&str]) -> Result<Self, SourceError> {
        let client = http::guarded_client(extra_ca_pem, Reach::Private, names)?;
        Ok(WebhookClient { client })
    }

    /// Sends a message, signed with each of the secrets; it is delivered if the answer is a
    /// success.
    ///
    /// # Errors
    ///
    /// [`SourceError::Refused`] with the status of an answer that is no success, redirects among
    /// them; [`SourceError::Transient`] where there was none, or where it says when to try again.
    pub async fn send(
        &self,
        address: &WebhookAddress,
        secrets: &[WebhookSecret],
        message: &WebhookMessage<'_>,
    ) -> Result<(), SourceError> {
        // "Webhook headers": all signatures in one header, between spaces.
        let signatures: Vec<String> = secrets.iter().map(|secret| secret.sign(message)).collect();
        let unfit = |_| SourceError::malformed("the id of the message", "it is no header");
        let id = HeaderValue::from_str(message.id).map_err(unfit)?;
        let request = self
            .client
            .post(address.0.clone())
            .timeout(TIMEOUT)
            .header(CONTENT_TYPE, "application/json")
            .header(USER_AGENT, concat!("tallyman/", env!("CARGO_PKG_VERSION")))
            .header("webhook-id", id)
            .header("webhook-timestamp", message.sent_at)
            .header("webhook-signature", signatures.join(" "))
            .body(message.body.to_vec());
        let response = request.send().await.map_err(|error| failed(&address.0, error))?;
        if response.status().is_success() {
            return Ok(());
        }
        let status = response.status().as_u16();
        let asked = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        let now_ms = message.sent_at.saturating_mul(1_000);
        let wait = asked.and_then(|text| retry_after(text, now_ms));
        let message = match first_words(response).await {
            words if words.is_empty() => words,
            words => format!(": {words}"),
        };
        let subject = plain(&address.0);
        match wait {
            // Whoever is gone does not come back, whatever it says.
            Some(_) if status != GONE => Err(SourceError::Transient {
                subject,
                reason: format!("the answer was {status}{message}"),
                retry_after: wait,
            }),
            Some(_) | None => Err(SourceError::Refused { subject, status, message }),
        }
    }
}

/// Reads the beginning of an answer; what follows is not read.
async fn first_words(mut response: Response) -> String {
    let mut bytes = Vec::new();
    while let Ok(Some(piece)) = response.chunk().await {
        let free = MAX_ANSWER_BYTES - bytes.len();
        bytes.extend_from_slice(piece.get(..free).unwrap_or(&piece));
        if bytes.len() >= MAX_ANSWER_BYTES {
            break;
        }
    }
    quoted(String::from_utf8_lossy(&bytes).trim())
}

#[cfg(test)]
mod tests;
