//! Who sent a request: parsing and verifying signatures V1 (RPC) and V3 (ACS3), and making them.
//!
//! A server calls, in this order, [`AuthRequest::parse`], [`AuthRequest::check_timestamp`], its own
//! look-up of [`AuthRequest::access_key_id`] and of the security token, [`AuthRequest::verify`],
//! and its own nonce check. The nonce comes last, or an attacker could burn nonces of others.

mod algorithm;
mod authorization;
mod public_key;
mod sign;
mod timestamp;
mod v1;
mod v3;

use std::fmt;

use crate::answer::Format;
use crate::error::{ApiError, catalogue};
use crate::parameters::Parameters;
use crate::request::RawRequest;
use crate::secret::Secret;
use crate::signature::authorization::Authorization;

pub use crate::signature::public_key::{PublicKey, PublicKeyError};
pub use crate::signature::sign::{SignError, SignedRequest, SigningRequest, sign_v1, sign_v3};

/// How far the timestamp of a request may be from the server's clock, either way.
pub const TIMESTAMP_SKEW_MS: i64 = 15 * 60 * 1_000;

/// How long a nonce must be remembered per access key: a replay passes the timestamp check for
/// twice the allowed skew.
pub const NONCE_WINDOW_MS: i64 = 2 * TIMESTAMP_SKEW_MS;

/// Nonces are stored, so their length has a bound; the SDKs send 32 to 64 characters.
const MAX_NONCE_LENGTH: usize = 256;

/// Names a way to sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// V1 with `HMAC-SHA1`.
    V1HmacSha1,
    /// V1 with `SHA256withRSA`.
    V1RsaSha256,
    /// V3 with `ACS3-HMAC-SHA256`.
    V3HmacSha256,
    /// V3 with `ACS3-HMAC-SM3`.
    V3HmacSm3,
    /// V3 with `ACS3-RSA-SHA256`.
    V3RsaSha256,
}

impl Scheme {
    /// Returns the name of the scheme as requests carry it.
    pub fn name(self) -> &'static str {
        match self {
            Self::V1HmacSha1 => "HMAC-SHA1",
            Self::V1RsaSha256 => "SHA256withRSA",
            Self::V3HmacSha256 => "ACS3-HMAC-SHA256",
            Self::V3HmacSm3 => "ACS3-HMAC-SM3",
            Self::V3RsaSha256 => "ACS3-RSA-SHA256",
        }
    }
}

/// Holds what a signature is verified with. The two kinds are distinct types, so that a public
/// key can never serve as an HMAC secret.
#[derive(Debug, Clone, Copy)]
pub enum Credential<'a> {
    /// The secret of an access key.
    Secret(&'a Secret),
    /// The public half of an RSA key pair.
    PublicKey(&'a PublicKey),
}

/// Holds a request that is well formed and whose signature is not verified yet.
#[derive(Clone)]
pub struct AuthRequest<'a> {
    request: RawRequest<'a>,
    scheme: Scheme,
    access_key_id: String,
    security_token: Option<String>,
    timestamp_ms: i64,
    nonce: String,
    action: String,
    version: String,
    format: Format,
    parameters: Parameters,
    signature: Signature,
}

#[derive(Clone)]
enum Signature {
    V1(String),
    V3(Authorization),
}

impl<'a> AuthRequest<'a> {
    /// Parses a request and makes every check that needs no key: method, common parameters,
    /// signature method and form of the timestamp, in the order the official service makes them.
    pub fn parse(request: &RawRequest<'a>) -> Result<Self, ApiError> {
        if !matches!(request.method, "GET" | "POST") {
            return Err(catalogue::unsupported_http_method());
        }
        let parameters = parse_parameters(request)?;
        match Generation::of(request, &parameters) {
            Generation::V1 => v1::parse(request, parameters),
            Generation::V3 => v3::parse(request, parameters),
            Generation::Bearer => Err(catalogue::bearer_token_not_supported()),
        }
    }

    /// Refuses a timestamp more than [`TIMESTAMP_SKEW_MS`] away from now.
    pub fn check_timestamp(&self, now_ms: i64) -> Result<(), ApiError> {
        if now_ms.abs_diff(self.timestamp_ms) > TIMESTAMP_SKEW_MS.unsigned_abs() {
            return Err(catalogue::timestamp_expired());
        }
        Ok(())
    }

    /// Verifies the signature, comparing in constant time.
    pub fn verify(&self, credential: &Credential<'_>) -> Result<(), ApiError> {
        match &self.signature {
            Signature::V1(signature) => {
                v1::verify(self.scheme, &self.string_to_sign(), signature, credential)
            }
            Signature::V3(authorization) => {
                v3::verify(self.scheme, &self.request, authorization, credential)
            }
        }
    }

    /// Returns how the request was signed.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Returns the id of the access key that claims to have signed.
    pub fn access_key_id(&self) -> &str {
        &self.access_key_id
    }

    /// Returns the token of a temporary access key.
    pub fn security_token(&self) -> Option<&str> {
        self.security_token.as_deref()
    }

    /// Returns when the client says it signed.
    pub fn timestamp_ms(&self) -> i64 {
        self.timestamp_ms
    }

    /// Returns the nonce, which must be unused for the access key within [`NONCE_WINDOW_MS`].
    pub fn nonce(&self) -> &str {
        &self.nonce
    }

    /// Returns the name of the action; the signature covers it.
    pub fn action(&self) -> &str {
        &self.action
    }

    /// Returns the version of the API that the client speaks; the signature covers it.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Returns the format of the answer.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Returns all parameters of query and form; for V1 the common ones are among them.
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// Returns the string that the client must have signed.
    pub fn string_to_sign(&self) -> String {
        match &self.signature {
            Signature::V1(_) => v1::string_to_sign(self.request.method, &self.parameters),
            Signature::V3(authorization) => {
                v3::string_to_sign(self.scheme, &self.request, authorization)
            }
        }
    }

    /// Returns the canonical request of V3; V1 has none.
    pub fn canonical_request(&self) -> Option<String> {
        match &self.signature {
            Signature::V1(_) => None,
            Signature::V3(authorization) => {
                Some(v3::canonical_request(self.scheme, &self.request, authorization))
            }
        }
    }
}

/// Leaves out the parameters, the token and the signature.
impl fmt::Debug for AuthRequest<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("AuthRequest")
            .field("scheme", &self.scheme)
            .field("access_key_id", &self.access_key_id)
            .field("action", &self.action)
            .field("version", &self.version)
            .field("nonce", &self.nonce)
            .finish_non_exhaustive()
    }
}

/// Returns the format in which to answer a request, also one that [`AuthRequest::parse`] refuses.
///
/// What cannot be told is JSON: an SDK that gets anything else cannot read the error.
pub fn requested_format(request: &RawRequest<'_>) -> Format {
    let Ok(parameters) = parse_parameters(request) else { return Format::Json };
    let default = match Generation::of(request, &parameters) {
        Generation::V1 if parameters.find_raw("Action").is_some() => v1::DEFAULT_FORMAT,
        Generation::V1 | Generation::V3 | Generation::Bearer => Format::Json,
    };
    Format::of(&parameters, default).unwrap_or(Format::Json)
}

enum Generation {
    V1,
    V3,
    Bearer,
}

impl Generation {
    /// Tells by what the signature itself needs. Header `x-acs-action` alone says nothing, since
    /// V1 clients send it too.
    fn of(request: &RawRequest<'_>, parameters: &Parameters) -> Self {
        if request.header("authorization").is_some_and(|value| value.starts_with("ACS3-")) {
            return Self::V3;
        }
        let bearer_headers = ["x-acs-bearer-token", "x-acs-zero-trust-idtoken"];
        if parameters.find_raw("SignatureType") == Some("BEARERTOKEN")
            || bearer_headers.iter().any(|name| request.header(name).is_some())
        {
            return Self::Bearer;
        }
        let v1_parameters = ["Action", "Signature", "SignatureVersion"];
        if v1_parameters.iter().any(|name| parameters.find_raw(name).is_some())
            || request.header("x-acs-action").is_none()
        {
            return Self::V1;
        }
        Self::V3
    }
}

fn parse_parameters(request: &RawRequest<'_>) -> Result<Parameters, ApiError> {
    let form = if request.is_form() { request.body } else { b"" };
    Parameters::parse(request.query, form)
}

/// Checks a nonce that was sent, possibly blank.
fn parse_nonce(nonce: Option<&str>) -> Result<String, ApiError> {
    let nonce = require(nonce, "SignatureNonce")?;
    if nonce.len() > MAX_NONCE_LENGTH {
        return Err(catalogue::invalid_parameter("SignatureNonce"));
    }
    Ok(nonce)
}

/// Refuses a common parameter that is missing or blank. V3 headers are reported under the names
/// of the V1 parameters, since only those codes are documented.
fn require(value: Option<&str>, name: &str) -> Result<String, ApiError> {
    value
        .filter(|value| !value.is_empty())
        .map(str::to_owned)
        .ok_or_else(|| catalogue::missing_parameter(name))
}

#[cfg(test)]
mod tests;
