//! Signature V1 (RPC): all parameters of query and form, sorted, under HMAC-SHA1 or RSA.
//!
//! It covers neither host nor path nor headers, so the action is read from the signed parameters
//! alone and only the path `/` is served.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;

use crate::answer::Format;
use crate::encoding::{encode_pairs, percent_encode};
use crate::error::{ApiError, catalogue};
use crate::parameters::Parameters;
use crate::request::RawRequest;
use crate::signature::algorithm::v1_key;
use crate::signature::{
    AuthRequest, Credential, Scheme, Signature, parse_nonce, require, timestamp,
};

/// What V1 answers in when no format is asked for, by the documentation of common parameters.
pub(crate) const DEFAULT_FORMAT: Format = Format::Xml;

/// Parses the common parameters of a V1 request.
pub(crate) fn parse<'a>(
    request: &RawRequest<'a>,
    parameters: Parameters,
) -> Result<AuthRequest<'a>, ApiError> {
    if !matches!(request.path, "/" | "") {
        return Err(catalogue::action_not_found());
    }
    let get = |name: &str| require(parameters.find_raw(name), name);
    let action = get("Action")?;
    let version = get("Version")?;
    let format = Format::of(&parameters, DEFAULT_FORMAT)?;
    let access_key_id = get("AccessKeyId")?;
    let signature = get("Signature")?;
    let scheme = match get("SignatureMethod")?.as_str() {
        "HMAC-SHA1" => Scheme::V1HmacSha1,
        "SHA256withRSA" => Scheme::V1RsaSha256,
        _ => return Err(catalogue::invalid_signature_method()),
    };
    if get("SignatureVersion")? != "1.0" {
        return Err(catalogue::invalid_parameter("SignatureVersion"));
    }
    let nonce = parse_nonce(parameters.find_raw("SignatureNonce"))?;
    let timestamp_ms =
        timestamp::parse(&get("Timestamp")?).ok_or_else(catalogue::timestamp_malformed)?;
    Ok(AuthRequest {
        request: *request,
        scheme,
        access_key_id,
        security_token: parameters.find_string("SecurityToken").map(str::to_owned),
        timestamp_ms,
        nonce,
        action,
        version,
        format,
        signature: Signature::V1(signature),
        parameters,
    })
}

/// Returns what is signed: the method, the path `/`, and every parameter except the signature.
pub(crate) fn string_to_sign(method: &str, parameters: &Parameters) -> String {
    let canonical = encode_pairs(parameters.iter().filter(|(name, _)| *name != "Signature"));
    format!("{method}&%2F&{}", percent_encode(&canonical))
}

/// Returns the base64 HMAC-SHA1 of the string to sign.
pub(crate) fn sign(secret: &str, string_to_sign: &str) -> String {
    STANDARD.encode(hmac::sign(&v1_key(secret), string_to_sign.as_bytes()))
}

/// Verifies a signature.
pub(crate) fn verify(
    scheme: Scheme,
    string_to_sign: &str,
    signature: &str,
    credential: &Credential<'_>,
) -> Result<(), ApiError> {
    let mismatch = || catalogue::signature_does_not_match_v1(string_to_sign);
    let message = string_to_sign.as_bytes();
    let signature = STANDARD.decode(signature).map_err(|_| mismatch())?;
    let verified = match (scheme, credential) {
        (Scheme::V1HmacSha1, Credential::Secret(secret)) => {
            hmac::verify(&v1_key(secret.expose()), message, &signature).is_ok()
        }
        (Scheme::V1RsaSha256, Credential::PublicKey(key)) => key.verifies(message, &signature),
        (_, Credential::Secret(_) | Credential::PublicKey(_)) => {
            return Err(catalogue::invalid_signature_method());
        }
    };
    if verified { Ok(()) } else { Err(mismatch()) }
}

#[cfg(test)]
mod tests;
