//! Signature V3 (ACS3): method, path, query, chosen headers and the body, under HMAC or RSA.

use std::fmt::Write as _;

use crate::answer::Format;
use crate::encoding::{encode_pairs, is_unreserved, parse_pairs, percent_encode};
use crate::error::{ApiError, catalogue};
use crate::parameters::Parameters;
use crate::request::RawRequest;
use crate::signature::algorithm::{Hash, decode_lower_hex};
use crate::signature::authorization::Authorization;
use crate::signature::{
    AuthRequest, Credential, Scheme, Signature, parse_nonce, require, timestamp,
};

/// The headers the server acts on; one that is not signed could be swapped under a valid
/// signature. `host` is not among them, because Java's SDK leaves it out.
const REQUIRED_HEADERS: [&str; 4] =
    ["x-acs-action", "x-acs-version", "x-acs-date", "x-acs-signature-nonce"];

const SECURITY_TOKEN_HEADER: &str = "x-acs-security-token";

/// The header with the digest of the body, whatever the hash.
const DIGEST_HEADER: &str = "x-acs-content-sha256";

/// How Java's SDK names that header when the hash is SM3.
const SM3_DIGEST_HEADER: &str = "x-acs-content-sm3";

/// Parses the common headers of a V3 request.
pub(crate) fn parse<'a>(
    request: &RawRequest<'a>,
    parameters: Parameters,
) -> Result<AuthRequest<'a>, ApiError> {
    let get = |header: &str, name: &str| require(request.header(header).as_deref(), name);
    let action = get("x-acs-action", "Action")?;
    let version = get("x-acs-version", "Version")?;
    let format = Format::of(&parameters, Format::Json)?;
    let authorization = request.header("authorization");
    let authorization = authorization.ok_or_else(catalogue::incomplete_signature)?;
    let authorization = Authorization::parse(&authorization)?;
    let nonce = parse_nonce(request.header("x-acs-signature-nonce").as_deref())?;
    let timestamp_ms = timestamp::parse(&get("x-acs-date", "Timestamp")?)
        .ok_or_else(catalogue::timestamp_malformed)?;
    let security_token = request.header(SECURITY_TOKEN_HEADER);
    Ok(AuthRequest {
        request: *request,
        scheme: authorization.scheme,
        access_key_id: authorization.access_key_id.clone(),
        security_token: security_token.filter(|token| !token.is_empty()).map(Into::into),
        timestamp_ms,
        nonce,
        action,
        version,
        format,
        signature: Signature::V3(authorization),
        parameters,
    })
}

/// Returns the canonical request as the documentation has it, with encoded names.
pub(crate) fn canonical_request(
    scheme: Scheme,
    request: &RawRequest<'_>,
    authorization: &Authorization,
) -> String {
    compose(scheme, request, authorization, &encoded_query(&sorted_query(request)))
}

/// Returns what is signed: the scheme and the hash of the canonical request.
pub(crate) fn string_to_sign(
    scheme: Scheme,
    request: &RawRequest<'_>,
    authorization: &Authorization,
) -> String {
    hash_canonical(scheme, &canonical_request(scheme, request, authorization))
}

/// Returns the hexadecimal HMAC of the string to sign.
pub(crate) fn sign(scheme: Scheme, secret: &str, string_to_sign: &str) -> String {
    hex::encode(Hash::of(scheme).hmac(secret.as_bytes(), string_to_sign.as_bytes()))
}

/// Verifies that the signature covers all it must, the digest of the body, and the signature.
pub(crate) fn verify(
    scheme: Scheme,
    request: &RawRequest<'_>,
    authorization: &Authorization,
    credential: &Credential<'_>,
) -> Result<(), ApiError> {
    let query = sorted_query(request);
    let canonical = compose(scheme, request, authorization, &encoded_query(&query));
    let string_to_sign = hash_canonical(scheme, &canonical);
    let mismatch = || catalogue::signature_does_not_match_v3(&string_to_sign, &canonical);

    let unsigned = unsigned_headers(scheme, request, authorization);
    if !unsigned.is_empty() {
        let mut error = mismatch();
        // Writing to a String cannot fail.
        let _ = write!(error.message, " headers that must be signed: {}", unsigned.join(", "));
        return Err(error);
    }
    if !digest_is_right(scheme, request) {
        return Err(mismatch());
    }
    let Some(signature) = decode_lower_hex(&authorization.signature) else {
        return Err(mismatch());
    };
    if is_signed(scheme, credential, &string_to_sign, &signature)? {
        return Ok(());
    }
    // Python, Node, Go and C# do not encode the names of parameters; Java, PHP and the
    // documentation do.
    if let Some(raw_query) = raw_name_query(&query) {
        let canonical = compose(scheme, request, authorization, &raw_query);
        if is_signed(scheme, credential, &hash_canonical(scheme, &canonical), &signature)? {
            return Ok(());
        }
    }
    Err(mismatch())
}

fn is_signed(
    scheme: Scheme,
    credential: &Credential<'_>,
    string_to_sign: &str,
    signature: &[u8],
) -> Result<bool, ApiError> {
    let message = string_to_sign.as_bytes();
    match (scheme, credential) {
        (Scheme::V3HmacSha256 | Scheme::V3HmacSm3, Credential::Secret(secret)) => {
            Ok(Hash::of(scheme).verifies(secret.expose().as_bytes(), message, signature))
        }
        (Scheme::V3RsaSha256, Credential::PublicKey(key)) => Ok(key.verifies(message, signature)),
        (_, Credential::Secret(_) | Credential::PublicKey(_)) => {
            Err(catalogue::invalid_signature_method())
        }
    }
}

/// Returns the headers that would have to be signed and are not.
fn unsigned_headers(
    scheme: Scheme,
    request: &RawRequest<'_>,
    authorization: &Authorization,
) -> Vec<&'static str> {
    let is_signed =
        |name: &str| authorization.signed_headers.contains(name) && request.header(name).is_some();
    let mut unsigned: Vec<&str> =
        REQUIRED_HEADERS.into_iter().filter(|name| !is_signed(name)).collect();
    if !digest_headers(scheme).iter().any(|name| is_signed(name)) {
        unsigned.push(DIGEST_HEADER);
    }
    if request.header(SECURITY_TOKEN_HEADER).is_some() && !is_signed(SECURITY_TOKEN_HEADER) {
        unsigned.push(SECURITY_TOKEN_HEADER);
    }
    // Without its type a form is no parameters. Who takes the type off on the way must not make
    // the server drop, say, the filter of a deletion.
    if !request.body.is_empty() && !request.is_form() && !is_signed("content-type") {
        unsigned.push("content-type");
    }
    unsigned
}

/// Returns whether every digest header that was sent is that of the body.
fn digest_is_right(scheme: Scheme, request: &RawRequest<'_>) -> bool {
    let digest = Hash::of(scheme).hex_digest(request.body);
    digest_headers(scheme).iter().filter_map(|name| request.header(name)).all(|sent| sent == digest)
}

fn digest_headers(scheme: Scheme) -> &'static [&'static str] {
    match Hash::of(scheme) {
        Hash::Sha256 => &[DIGEST_HEADER],
        Hash::Sm3 => &[DIGEST_HEADER, SM3_DIGEST_HEADER],
    }
}

fn hash_canonical(scheme: Scheme, canonical_request: &str) -> String {
    let digest = Hash::of(scheme).hex_digest(canonical_request.as_bytes());
    format!("{}\n{digest}", scheme.name())
}

fn compose(
    scheme: Scheme,
    request: &RawRequest<'_>,
    authorization: &Authorization,
    query: &str,
) -> String {
    let path = if request.path.is_empty() { "/" } else { request.path };
    let mut canonical = format!("{}\n{path}\n{query}\n", request.method);
    for name in &authorization.signed_headers {
        let value = request.header(name).unwrap_or_default();
        // Writing to a String cannot fail.
        let _ = writeln!(canonical, "{name}:{value}");
    }
    canonical.push('\n');
    for (index, name) in authorization.signed_headers.iter().enumerate() {
        if index > 0 {
            canonical.push(';');
        }
        canonical.push_str(name);
    }
    canonical.push('\n');
    canonical.push_str(&Hash::of(scheme).hex_digest(request.body));
    canonical
}

/// Returns the decoded pairs of the query, sorted by name.
fn sorted_query(request: &RawRequest<'_>) -> Vec<(String, String)> {
    // Parsing the request has refused what cannot be decoded.
    let mut pairs = parse_pairs(request.query).unwrap_or_default();
    pairs.sort_unstable();
    pairs
}

fn encoded_query(pairs: &[(String, String)]) -> String {
    encode_pairs(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())))
}

/// Returns the query with its names as they are, if that differs and is unambiguous.
///
/// A raw name with a delimiter or a percent sign could spell another query: `a=1&b=2` signed could
/// be sent as the single parameter `a=1&b`, and thus lose both. No SDK sends such names.
fn raw_name_query(pairs: &[(String, String)]) -> Option<String> {
    let is_ambiguous = |c: char| matches!(c, '&' | '=' | '%') || c.is_control();
    if pairs.iter().any(|(name, _)| name.contains(is_ambiguous))
        || pairs.iter().all(|(name, _)| name.bytes().all(is_unreserved))
    {
        return None;
    }
    let encoded = pairs.iter().map(|(name, value)| format!("{name}={}", percent_encode(value)));
    Some(encoded.collect::<Vec<_>>().join("&"))
}

#[cfg(test)]
mod tests;
