//! Downloads into files: under conditions, resumed where they broke, checked, and there as a whole
//! or not at all.
//!
//! A download that is going on is a file that ends in `.part`, beside one that says of what it is a
//! part; a finished one has a file beside it that says which version of what it is. So whoever is
//! killed at any moment goes on from there.

mod checks;
mod files;

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{
    CONTENT_RANGE, ETAG, HeaderMap, HeaderName, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH,
    IF_RANGE, LAST_MODIFIED, RANGE, RETRY_AFTER,
};
use reqwest::{Response, StatusCode};
use serde::{Deserialize, Serialize};
use tallyman_model::clock::Clock;
use tallyman_model::digest::Digest;
use url::Url;

use crate::credentials::Secret;
use crate::error::SourceError;
use crate::options::{RetryPolicy, SourceOptions};
use crate::registry::reply::{body, failed, plain};
use crate::registry::transport::{Part, Request, Transport};

pub use crate::download::files::DownloadPath;
use crate::download::files::Partial;

/// The name of the limit on a file.
const LIMIT: &str = "feed-bytes";
/// A download that got this far since it broke starts counting its attempts anew.
const PROGRESS_BYTES: u64 = 1 << 20;
/// How often a download in all may be resumed; each time it got on.
const MAX_RESUMPTIONS: u32 = 1_000;

/// How somebody waits: by the clock, or in a test not at all.
pub type Wait = Arc<dyn Fn(Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

/// Returns the wait by the machine's clock.
pub fn real_wait() -> Wait {
    Arc::new(|time| Box::pin(tokio::time::sleep(time)))
}

/// Which version of a file is known (RFC 9110, section 8.8).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Validators {
    /// The entity tag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// The date of the last change, as the server writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_modified: Option<String>,
}

impl Validators {
    fn of(headers: &HeaderMap) -> Self {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let short = |name| text(name).filter(|text| text.len() <= 1024).map(str::to_owned);
        Validators { etag: short(ETAG), last_modified: short(LAST_MODIFIED) }
    }

    /// What may stand in `If-Range`: a weak tag does not promise the same bytes.
    fn strong(&self) -> Option<&str> {
        let etag = self.etag.as_deref().filter(|etag| !etag.starts_with("W/"));
        etag.or(self.last_modified.as_deref())
    }
}

/// A file that is wanted.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Where it is. A user name and a password in it go to its origin and to no other.
    pub url: Url,
    /// Where it goes.
    pub path: DownloadPath,
    /// The version that is known already, which is not sent again.
    pub known: Option<Validators>,
    /// The digest that its publisher gives.
    pub digest: Option<Digest>,
    /// The size that its publisher gives.
    pub size_bytes: Option<u64>,
}

/// A file that was downloaded as a whole and checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Downloaded {
    /// Where it is from.
    pub url: String,
    /// Its version.
    pub validators: Validators,
    /// Its size.
    pub size_bytes: u64,
    /// Its SHA-256.
    pub digest: Digest,
}

/// How a download ended well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The known version is the current one.
    Unchanged,
    /// The file is there.
    New(Downloaded),
}

/// Told how many bytes are there, and of how many.
pub type OnProgress<'a> = &'a (dyn Fn(u64, Option<u64>) + Send + Sync);

/// What downloads.
pub struct Downloader {
    transport: Transport,
    retry: RetryPolicy,
    total_timeout: Duration,
    request_timeout: Duration,
    max_bytes: u64,
    wait: Wait,
    clock: Arc<dyn Clock>,
}

impl Downloader {
    /// Makes one.
    ///
    /// # Errors
    ///
    /// [`SourceError::Malformed`] for settings that make no client.
    pub fn new(
        options: &SourceOptions,
        wait: Wait,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, SourceError> {
        Ok(Downloader {
            transport: Transport::new(options)?,
            retry: options.retry.clone(),
            total_timeout: options.timeouts.layer,
            request_timeout: options.timeouts.request,
            max_bytes: options.limits.feed_bytes,
            wait,
            clock,
        })
    }

    /// Downloads a file. The bytes that were sent are added to `received`, also if it fails.
    ///
    /// # Errors
    ///
    /// A [`SourceError`]. What was there stays, and what came is gone on with the next time, unless
    /// it was found to be wrong.
    pub async fn fetch(
        &self,
        wanted: &Wanted,
        received: &mut u64,
        progress: OnProgress<'_>,
    ) -> Result<Outcome, SourceError> {
        let timeout = self.total_timeout;
        let work = self.fetch_patiently(wanted, received, progress);
        tokio::time::timeout(timeout, work).await.unwrap_or_else(|_| {
            let reason = format!("it took longer than {} s; a next try goes on", timeout.as_secs());
            Err(SourceError::transient(plain(&wanted.url), reason))
        })
    }

    async fn fetch_patiently(
        &self,
        wanted: &Wanted,
        received: &mut u64,
        progress: OnProgress<'_>,
    ) -> Result<Outcome, SourceError> {
        let mut attempt = 1;
        let mut resumptions = 0;
        loop {
            let before = *received;
            let error = match self.attempt(wanted, received, progress).await {
                Err(error) if error.is_transient() => error,
                other => return other,
            };
            resumptions += 1;
            if received.saturating_sub(before) >= PROGRESS_BYTES && resumptions < MAX_RESUMPTIONS {
                attempt = 1;
            }
            if attempt >= self.retry.attempts {
                return Err(error);
            }
            self.pause(attempt, &error).await;
            attempt += 1;
        }
    }

    async fn pause(&self, attempt: u32, error: &SourceError) {
        let asked = match error {
            SourceError::Transient { retry_after, .. } => *retry_after,
            _ => None,
        };
        let wait = self.retry.wait_after(attempt, asked);
        let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        tracing::debug!(retry.wait_ms = wait_ms, "Trying again: {error}");
        (self.wait)(wait).await;
    }

    /// Asks once, and writes what comes.
    async fn attempt(
        &self,
        wanted: &Wanted,
        received: &mut u64,
        progress: OnProgress<'_>,
    ) -> Result<Outcome, SourceError> {
        let partial = Partial::find(wanted).await?;
        let conditions = conditions(wanted, partial.as_ref())?;
        let response = self.send(&wanted.url, &conditions).await?;
        let partial = match (response.status(), partial) {
            (StatusCode::NOT_MODIFIED, None) if wanted.known.is_some() => {
                return Ok(Outcome::Unchanged);
            }
            (StatusCode::PARTIAL_CONTENT, Some(partial)) if continues(&response, &partial) => {
                partial
            }
            // The whole file was sent: it has changed since, or the server knows no ranges.
            (StatusCode::OK, _) => {
                let validators = Validators::of(response.headers());
                Partial::start(wanted, validators, response.content_length()).await?
            }
            (StatusCode::PARTIAL_CONTENT | StatusCode::RANGE_NOT_SATISFIABLE, Some(partial)) => {
                partial.remove().await;
                let reason = "it has changed since its first part was fetched";
                return Err(SourceError::transient(plain(&wanted.url), reason));
            }
            _ => return Err(self.answer_error(&wanted.url, &response)),
        };
        let crc32c = checks::stored_crc32c(response.headers());
        let partial = self.write(wanted, partial, response, received, progress).await?;
        self.finish(wanted, partial, crc32c).await
    }

    async fn write(
        &self,
        wanted: &Wanted,
        mut partial: Partial,
        mut response: Response,
        received: &mut u64,
        progress: OnProgress<'_>,
    ) -> Result<Partial, SourceError> {
        let url = &wanted.url;
        self.check_size(wanted, partial.total_bytes.unwrap_or(partial.size_bytes))?;
        loop {
            let chunk = match response.chunk().await {
                Ok(chunk) => chunk,
                Err(error) => {
                    // What came is good for going on.
                    partial.flush().await?;
                    return Err(failed(url, error));
                }
            };
            let Some(chunk) = chunk else { break };
            *received = received.saturating_add(length(chunk.len()));
            partial.append(&chunk).await?;
            if let Err(error) = self.check_size(wanted, partial.size_bytes) {
                partial.remove().await;
                return Err(error);
            }
            progress(partial.size_bytes, partial.total_bytes);
        }
        partial.flush().await?;
        if let Some(total) = partial.total_bytes.filter(|total| *total != partial.size_bytes) {
            let reason = format!("it ended after {} of {total} bytes", partial.size_bytes);
            return Err(SourceError::transient(plain(url), reason));
        }
        Ok(partial)
    }

    fn check_size(&self, wanted: &Wanted, size_bytes: u64) -> Result<(), SourceError> {
        if size_bytes <= self.max_bytes {
            return Ok(());
        }
        let subject = plain(&wanted.url);
        Err(SourceError::LimitExceeded { subject, limit: LIMIT, maximum: self.max_bytes })
    }

    /// Checks the whole file and gives it its name.
    async fn finish(
        &self,
        wanted: &Wanted,
        partial: Partial,
        crc32c: Option<u32>,
    ) -> Result<Outcome, SourceError> {
        let checked = checks::check(wanted, &partial, crc32c).await;
        let digest = match checked {
            Ok(digest) => digest,
            Err(error) => {
                let is_resumed = partial.is_resumed;
                partial.remove().await;
                // Parts of two versions may have come together where the server mixes them up.
                return Err(match is_resumed {
                    true => SourceError::transient(plain(&wanted.url), error.to_string()),
                    false => error,
                });
            }
        };
        let downloaded = Downloaded {
            url: plain(&wanted.url),
            validators: partial.validators.clone(),
            size_bytes: partial.size_bytes,
            digest,
        };
        partial.finish(&downloaded).await?;
        Ok(Outcome::New(downloaded))
    }

    /// Fetches something small into memory.
    ///
    /// # Errors
    ///
    /// A [`SourceError`].
    pub async fn fetch_small(&self, url: &Url, max_bytes: u64) -> Result<Vec<u8>, SourceError> {
        let mut attempt = 1;
        loop {
            let work = async {
                let response = self.send(url, &HeaderMap::new()).await?;
                if response.status() != StatusCode::OK {
                    return Err(self.answer_error(url, &response));
                }
                body(url, response, LIMIT, max_bytes).await
            };
            let result = tokio::time::timeout(self.request_timeout, work).await;
            let late = || Err(SourceError::transient(plain(url), "it took too long"));
            match result.unwrap_or_else(|_| late()) {
                Err(error) if error.is_transient() && attempt < self.retry.attempts => {
                    self.pause(attempt, &error).await;
                    attempt += 1;
                }
                other => return other,
            }
        }
    }

    async fn send(&self, url: &Url, conditions: &HeaderMap) -> Result<Response, SourceError> {
        let (url, secret) = without_credentials(url);
        let request = Request { url, accept: "*/*", part: Part::Whole };
        self.transport.get_if(&request, secret.as_ref(), conditions).await
    }

    fn answer_error(&self, url: &Url, response: &Response) -> SourceError {
        let subject = plain(url);
        let status = response.status();
        match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => SourceError::Unauthorized {
                registry: url.host_str().unwrap_or_default().to_owned(),
                hint: format!("it denies access to {subject} ({})", status.as_u16()),
            },
            StatusCode::NOT_FOUND | StatusCode::GONE => SourceError::NotFound {
                subject,
                hint: format!("the server does not have it ({})", status.as_u16()),
            },
            StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT => {
                self.later(url, response)
            }
            _ if status.is_server_error() => self.later(url, response),
            _ => SourceError::Refused { subject, status: status.as_u16(), message: String::new() },
        }
    }

    fn later(&self, url: &Url, response: &Response) -> SourceError {
        let asked = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        SourceError::Transient {
            subject: plain(url),
            reason: format!("the server answered {}", response.status()),
            retry_after: asked.and_then(|text| retry_after(text, self.clock.now_ms())),
        }
    }
}

/// Writes an address as a [`Downloaded`] does: without user, password and query.
pub fn address_of(url: &Url) -> String {
    plain(url)
}

/// Reads `Retry-After` (RFC 9110, section 10.2.3): seconds or a date.
pub(crate) fn retry_after(text: &str, now_ms: i64) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let wait_ms = tallyman_model::clock::parse_http_date(text)?.saturating_sub(now_ms);
    Some(Duration::from_millis(u64::try_from(wait_ms).unwrap_or(0)))
}

/// Takes user name and password out of an address, into the header that they are meant for.
fn without_credentials(url: &Url) -> (Url, Option<Secret>) {
    let mut bare = url.clone();
    let Some(password) = url.password() else { return (bare, None) };
    let decode = |text: &str| percent_decoded(text);
    let pair = format!("{}:{}", decode(url.username()), decode(password));
    // An address that has a password can do without it.
    let _ = bare.set_username("");
    let _ = bare.set_password(None);
    (bare, Some(Secret::new(format!("Basic {}", STANDARD.encode(pair)))))
}

fn percent_decoded(text: &str) -> String {
    let pairs = format!("k={}", text.replace('+', "%2B"));
    let decoded = url::form_urlencoded::parse(pairs.as_bytes()).next();
    decoded.map(|(_, value)| value.into_owned()).unwrap_or_default()
}

fn conditions(wanted: &Wanted, partial: Option<&Partial>) -> Result<HeaderMap, SourceError> {
    let mut headers = HeaderMap::new();
    let mut put = |name: HeaderName, value: &str| {
        let value = HeaderValue::from_str(value)
            .map_err(|_| SourceError::malformed(plain(&wanted.url), "its version is no header"))?;
        headers.insert(name, value);
        Ok::<(), SourceError>(())
    };
    match (partial, &wanted.known) {
        (Some(partial), _) => {
            put(RANGE, &format!("bytes={}-", partial.size_bytes))?;
            if let Some(version) = partial.validators.strong() {
                put(IF_RANGE, version)?;
            }
        }
        (None, Some(known)) => {
            if let Some(etag) = &known.etag {
                put(IF_NONE_MATCH, etag)?;
            }
            if let Some(date) = &known.last_modified {
                put(IF_MODIFIED_SINCE, date)?;
            }
        }
        (None, None) => {}
    }
    Ok(headers)
}

/// Tells whether an answer goes on where the part ends (RFC 9110, section 14.4).
fn continues(response: &Response, partial: &Partial) -> bool {
    let range = response.headers().get(CONTENT_RANGE).and_then(|value| value.to_str().ok());
    let Some(rest) = range.and_then(|range| range.strip_prefix("bytes ")) else { return false };
    let Some((span, total)) = rest.split_once('/') else { return false };
    let starts = span.split_once('-').and_then(|(start, _)| start.parse::<u64>().ok());
    let is_same_size = match (total.parse::<u64>().ok(), partial.total_bytes) {
        (Some(now), Some(then)) => now == then,
        _ => true,
    };
    starts == Some(partial.size_bytes) && is_same_size
}

fn length(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
