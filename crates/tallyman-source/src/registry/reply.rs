//! What an HTTP answer or failure means to a caller.

use std::error::Error;
use std::io;
use std::time::Duration;

use reqwest::header::{HeaderMap, LINK, RETRY_AFTER};
use reqwest::{Response, StatusCode};
use serde::Deserialize;
use url::Url;

use crate::error::{SourceError, quoted};
use crate::registry::resolver::AddressRefused;

/// The most of an error's body that is read for its message.
const MAX_ERROR_BYTES: u64 = 16 << 10;

/// Prints a URL without its query and its user: signed addresses carry secrets there.
pub(crate) fn plain(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    quoted(&format!("{}://{host}{port}{}", url.scheme(), url.path()))
}

/// Turns a failure to send or to read into an error.
pub(crate) fn failed(url: &Url, error: reqwest::Error) -> SourceError {
    let host = url.host_str().unwrap_or_default().to_owned();
    // The client's own text repeats the URL with its query.
    let error = error.without_url();
    let mut reasons = Vec::new();
    let mut current: Option<&(dyn Error + 'static)> = Some(&error);
    while let Some(cause) = current {
        if let Some(refused) = cause.downcast_ref::<AddressRefused>() {
            return SourceError::ForbiddenAddress { host, reason: refused.to_string() };
        }
        match find_tls(cause) {
            Some(rustls::Error::InvalidCertificate(reason)) => {
                let reason = reason.to_string();
                return SourceError::UntrustedCertificate { host, reason };
            }
            Some(rustls::Error::InvalidMessage(_)) => {
                let reason = "it does not speak TLS; list it among the hosts for plain HTTP";
                return SourceError::unsupported(host, reason);
            }
            _ => {}
        }
        let text = cause.to_string();
        if reasons.last() != Some(&text) {
            reasons.push(text);
        }
        current = cause.source();
    }
    SourceError::transient(plain(url), reasons.join(": "))
}

/// TLS errors are wrapped into those of reading and writing, sometimes twice.
fn find_tls<'a>(cause: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    match cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(inner) => find_tls(inner),
        None => cause.downcast_ref::<rustls::Error>(),
    }
}

#[derive(Deserialize)]
struct ErrorBody {
    #[serde(default)]
    errors: Vec<ErrorItem>,
}

#[derive(Deserialize)]
struct ErrorItem {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
}

/// Turns an answer that is no success into an error (distribution-spec, "Error Codes").
pub(crate) async fn refused(subject: &str, registry: &str, response: Response) -> SourceError {
    let status = response.status();
    let retry_after = retry_after(&response);
    let message = message(response).await;
    let subject = subject.to_owned();
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => SourceError::Unauthorized {
            registry: registry.to_owned(),
            hint: format!("it denies access to {subject}{message}"),
        },
        StatusCode::NOT_FOUND => SourceError::NotFound {
            subject,
            hint: format!("the registry does not have it{message}"),
        },
        StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT => SourceError::Transient {
            subject,
            reason: format!("the registry answered {status}{message}"),
            retry_after,
        },
        _ if status.is_server_error() => SourceError::Transient {
            subject,
            reason: format!("the registry answered {status}{message}"),
            retry_after,
        },
        _ => SourceError::Refused { subject, status: status.as_u16(), message },
    }
}

/// Reads the seconds of `Retry-After` (RFC 9110, section 10.2.3). Its other form, a date, would
/// need a clock that agrees with the registry's; the back-off stands in for it.
fn retry_after(response: &Response) -> Option<Duration> {
    let text = response.headers().get(RETRY_AFTER)?.to_str().ok()?;
    text.trim().parse().ok().map(Duration::from_secs)
}

/// Finds where a list goes on (RFC 8288, section 3, relation `next`).
pub(crate) fn next_link(headers: &HeaderMap) -> Option<String> {
    let values = headers.get_all(LINK).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split('<').skip(1)).find_map(|link| {
        let (target, parameters) = link.split_once('>')?;
        let is_next = parameters.split([';', ',']).any(|parameter| {
            let Some((name, value)) = parameter.split_once('=') else { return false };
            name.trim().eq_ignore_ascii_case("rel")
                && value.trim().trim_matches('"').eq_ignore_ascii_case("next")
        });
        is_next.then(|| target.to_owned())
    })
}

async fn message(response: Response) -> String {
    let url = response.url().clone();
    let Ok(bytes) = body(&url, response, "error-bytes", MAX_ERROR_BYTES).await else {
        return String::new();
    };
    let first = serde_json::from_slice::<ErrorBody>(&bytes)
        .ok()
        .and_then(|body| body.errors.into_iter().next());
    match first {
        Some(item) if item.message.is_empty() && item.code.is_empty() => String::new(),
        Some(item) if item.message.is_empty() => format!(": {}", quoted(&item.code)),
        Some(item) => format!(": {}", quoted(&item.message)),
        None => String::new(),
    }
}

/// Reads a body whole, up to a limit.
pub(crate) async fn body(
    url: &Url,
    mut response: Response,
    limit: &'static str,
    maximum: u64,
) -> Result<Vec<u8>, SourceError> {
    let over = || SourceError::LimitExceeded { subject: plain(url), limit, maximum };
    if response.content_length().is_some_and(|length| length > maximum) {
        return Err(over());
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| failed(url, error))? {
        let total = bytes.len().saturating_add(chunk.len());
        if u64::try_from(total).unwrap_or(u64::MAX) > maximum {
            return Err(over());
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderMap, HeaderValue, LINK};

    use super::next_link;

    #[test]
    fn the_next_part_of_a_list_is_found_among_other_links() {
        for (value, expected) in [
            (
                r#"</v2/app/referrers/x?n=2&last=a,b>; rel="next""#,
                Some("/v2/app/referrers/x?n=2&last=a,b"),
            ),
            (r#"</first>; rel="prev", </second>; title="a"; REL=next"#, Some("/second")),
            (r#"</first>; rel="prev""#, None),
            ("no link", None),
            ("</open", None),
            ("", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(LINK, HeaderValue::from_static(value));
            assert_eq!(next_link(&headers).as_deref(), expected, "{value}");
        }
        assert_eq!(next_link(&HeaderMap::new()), None);
    }
}
