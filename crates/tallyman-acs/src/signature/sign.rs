//! Signing for our own clients: the agent, the command line and the tests.

use crate::encoding::encode_pairs;
use crate::error::ApiError;
use crate::parameters::Parameters;
use crate::request::{RawRequest, is_form_type};
use crate::secret::Secret;
use crate::signature::algorithm::Hash;
use crate::signature::authorization::Authorization;
use crate::signature::{Scheme, timestamp, v1, v3};

/// Describes a request to sign.
#[derive(Debug, Clone, Copy)]
pub struct SigningRequest<'a> {
    /// `GET` or `POST`.
    pub method: &'a str,
    /// The value that the Host header will have, with the port.
    pub host: &'a str,
    /// The path, percent-encoded; V1 serves `/` alone.
    pub path: &'a str,
    /// The name of the action.
    pub action: &'a str,
    /// The version of the API.
    pub version: &'a str,
    /// The parameters for the query, not encoded.
    pub query: &'a [(&'a str, &'a str)],
    /// The body that will be sent.
    pub body: &'a [u8],
    /// The Content-Type of the body, if there is one.
    pub content_type: Option<&'a str>,
    /// The id of the access key.
    pub access_key_id: &'a str,
    /// The secret of the access key.
    pub secret: &'a Secret,
    /// The token of a temporary access key.
    pub security_token: Option<&'a str>,
    /// The present time.
    pub timestamp_ms: i64,
    /// A text that was never used before with this access key.
    pub nonce: &'a str,
}

/// Holds what to send; method and body are those of the [`SigningRequest`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedRequest {
    /// The path and the query.
    pub target: String,
    /// The headers to set, Host among them.
    pub headers: Vec<(String, String)>,
}

/// Says why a request could not be signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// The time is outside the years 0 to 9999.
    #[error("the time {0} ms cannot be written as a timestamp")]
    Timestamp(i64),
    /// A parameter occurs twice or the form body cannot be decoded.
    #[error("the parameters cannot be signed")]
    Parameters(#[source] ApiError),
}

/// Signs with V1 and HMAC-SHA1; everything the signature adds goes to the query.
pub fn sign_v1(request: &SigningRequest<'_>) -> Result<SignedRequest, SignError> {
    let timestamp = format_timestamp(request.timestamp_ms)?;
    let mut pairs = vec![
        ("Action", request.action),
        ("Version", request.version),
        ("Timestamp", &timestamp),
        ("SignatureMethod", "HMAC-SHA1"),
        ("SignatureVersion", "1.0"),
        ("SignatureNonce", request.nonce),
        ("AccessKeyId", request.access_key_id),
    ];
    if !request.query.iter().any(|(name, _)| *name == "Format") {
        // V1 answers XML to those who do not ask for anything else.
        pairs.push(("Format", "JSON"));
    }
    if let Some(token) = request.security_token {
        pairs.push(("SecurityToken", token));
    }
    pairs.extend(request.query);
    let query = encode_pairs(pairs);
    let form = if request.content_type.is_some_and(is_form_type) { request.body } else { b"" };
    let parameters = Parameters::parse(&query, form).map_err(SignError::Parameters)?;
    let string_to_sign = v1::string_to_sign(request.method, &parameters);
    let signature = v1::sign(request.secret.expose(), &string_to_sign);
    let signature = encode_pairs([("Signature", signature.as_str())]);
    Ok(SignedRequest {
        target: format!("/?{query}&{signature}"),
        headers: transport_headers(request),
    })
}

/// Signs with V3 and HMAC-SHA256; everything the signature adds goes to the headers.
pub fn sign_v3(request: &SigningRequest<'_>) -> Result<SignedRequest, SignError> {
    sign_v3_with(Scheme::V3HmacSha256, request)
}

/// Signs with V3 and an HMAC scheme.
pub(crate) fn sign_v3_with(
    scheme: Scheme,
    request: &SigningRequest<'_>,
) -> Result<SignedRequest, SignError> {
    let mut headers = transport_headers(request);
    let mut push = |name: &str, value: &str| headers.push((name.to_owned(), value.to_owned()));
    push("x-acs-action", request.action);
    push("x-acs-version", request.version);
    push("x-acs-date", &format_timestamp(request.timestamp_ms)?);
    push("x-acs-signature-nonce", request.nonce);
    push("x-acs-content-sha256", &Hash::of(scheme).hex_digest(request.body));
    if let Some(token) = request.security_token {
        push("x-acs-security-token", token);
    }
    let query = encode_pairs(request.query.iter().copied());
    Parameters::parse(&query, b"").map_err(SignError::Parameters)?;
    let mut authorization = Authorization {
        scheme,
        access_key_id: request.access_key_id.to_owned(),
        signed_headers: headers.iter().map(|(name, _)| name.clone()).collect(),
        signature: String::new(),
    };
    let raw = RawRequest {
        method: request.method,
        path: request.path,
        query: &query,
        headers: &headers,
        body: request.body,
    };
    let string_to_sign = v3::string_to_sign(scheme, &raw, &authorization);
    authorization.signature = v3::sign(scheme, request.secret.expose(), &string_to_sign);
    headers.push(("authorization".to_owned(), authorization.to_header()));
    let separator = if query.is_empty() { "" } else { "?" };
    Ok(SignedRequest { target: format!("{}{separator}{query}", request.path), headers })
}

fn transport_headers(request: &SigningRequest<'_>) -> Vec<(String, String)> {
    let host = Some(("host".to_owned(), request.host.to_owned()));
    let content_type =
        request.content_type.map(|value| ("content-type".to_owned(), value.to_owned()));
    host.into_iter().chain(content_type).collect()
}

fn format_timestamp(timestamp_ms: i64) -> Result<String, SignError> {
    timestamp::format(timestamp_ms).ok_or(SignError::Timestamp(timestamp_ms))
}

#[cfg(test)]
mod tests;
