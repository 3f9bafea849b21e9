//! The list of errors of the RPC contract, one constructor each. Codes, statuses and messages are
//! those the official service documents or is known to send; a comment marks what we chose.

use crate::error::{AccessDeniedDetail, ApiError};

/// The access key id is unknown.
pub fn access_key_not_found() -> ApiError {
    ApiError::new(404, "InvalidAccessKeyId.NotFound", "Specified access key is not found.")
}

/// The access key exists and is disabled.
pub fn access_key_inactive() -> ApiError {
    ApiError::new(400, "InvalidAccessKeyId.Inactive", "Specified access key is disabled.")
}

/// The V1 signature differs; clients compare the string after the colon with their own to tell a
/// wrong secret from a wrong canonicalisation, so nothing may follow it.
pub fn signature_does_not_match_v1(string_to_sign: &str) -> ApiError {
    let message = format!(
        "Specified signature is not matched with our calculation. server string to sign is:{string_to_sign}"
    );
    ApiError::new(400, "SignatureDoesNotMatch", message)
}

/// The V3 signature differs.
pub fn signature_does_not_match_v3(string_to_sign: &str, canonical_request: &str) -> ApiError {
    let message = format!(
        "Specified signature does not match our calculation. server StringToSign is \
         [{string_to_sign}] server CanonicalRequest is [{canonical_request}]"
    );
    ApiError::new(400, "SignatureDoesNotMatch", message)
}

/// The Authorization header cannot be understood, or no signature was sent.
pub fn incomplete_signature() -> ApiError {
    let message = "The request signature does not conform to Aliyun standards.";
    ApiError::new(400, "IncompleteSignature", message)
}

/// The signature method is unknown, not supported here, or does not fit the key.
pub fn invalid_signature_method() -> ApiError {
    ApiError::new(400, "InvalidSignatureMethod", "Specified signature method is not valid.")
}

/// The call carries a bearer or identity token instead of a signature, which is not supported.
pub fn bearer_token_not_supported() -> ApiError {
    // The official service has no code for this; this is the documented one that fits best.
    let message = "Specified signature method is not valid: bearer tokens are not supported, sign \
                   the request with an access key.";
    ApiError::new(400, "InvalidSignatureMethod", message)
}

/// The timestamp is more than 15 minutes away from the server's clock.
pub fn timestamp_expired() -> ApiError {
    let message = "Specified time stamp or date value is expired.";
    ApiError::new(400, "InvalidTimeStamp.Expired", message)
}

/// The timestamp is not `yyyy-MM-ddTHH:mm:ssZ`.
pub fn timestamp_malformed() -> ApiError {
    let message = "Specified time stamp or date value is not well formatted.";
    ApiError::new(400, "InvalidTimeStamp.Format", message)
}

/// The nonce was seen before within the window.
pub fn nonce_used() -> ApiError {
    ApiError::new(400, "SignatureNonceUsed", "Specified signature nonce was used already.")
}

/// A mandatory parameter is missing or blank.
pub fn missing_parameter(parameter: &str) -> ApiError {
    let message = format!("{parameter} is mandatory for this action.");
    ApiError::new(400, format!("Missing{}", code_suffix(parameter)), message)
}

/// A parameter has a value that cannot be used.
pub fn invalid_parameter(parameter: &str) -> ApiError {
    let message = format!("Specified parameter {parameter} is not valid.");
    ApiError::new(400, format!("Invalid{}", code_suffix(parameter)), message)
}

/// The query or form has a bad escape or is not UTF-8.
pub fn parameter_encoding() -> ApiError {
    let message = "Specified parameter is not valid: a name or value is not percent-encoded UTF-8.";
    ApiError::new(400, "InvalidParameter.Format", message)
}

/// The same parameter was sent twice, or in both the query and the form.
pub fn parameter_duplicated(parameter: &str) -> ApiError {
    // Chosen here: what the official service answers is not documented.
    let message = format!("Specified parameter {parameter} is not valid: it was sent twice.");
    ApiError::new(400, "InvalidParameter.Duplicate", message)
}

/// The action is not implemented or unknown.
pub fn action_not_found() -> ApiError {
    let message = "Specified api is not found, please check your url and method.";
    ApiError::new(404, "InvalidAction.NotFound", message)
}

/// The version is not the one of this API.
pub fn invalid_version() -> ApiError {
    ApiError::new(400, "InvalidVersion", "Specified parameter Version is not valid.")
}

/// The method is neither GET nor POST.
pub fn unsupported_http_method() -> ApiError {
    // 403 on older pages; 400 in newer answers.
    ApiError::new(400, "UnsupportedHTTPMethod", "This http method is not supported.")
}

/// The server accepts TLS only.
pub fn protocol_needs_ssl() -> ApiError {
    let message = "Your request is denied as lack of ssl protect.";
    ApiError::new(400, "InvalidProtocol.NeedSsl", message)
}

/// The Content-MD5 header differs from the body.
pub fn content_md5_not_matched() -> ApiError {
    let message = "Specified Content-MD5 is not matched with the body.";
    ApiError::new(400, "ContentMD5NotMatched", message)
}

/// The security token is past its expiration.
pub fn security_token_expired() -> ApiError {
    ApiError::new(400, "InvalidSecurityToken.Expired", "Specified SecurityToken is expired.")
}

/// The security token was not issued here.
pub fn security_token_malformed() -> ApiError {
    ApiError::new(400, "InvalidSecurityToken.Malformed", "Specified SecurityToken is malformed.")
}

/// The security token belongs to another access key.
pub fn security_token_mismatch() -> ApiError {
    let message = "Specified SecurityToken mismatch with the AccessKey.";
    ApiError::new(400, "InvalidSecurityToken.MismatchWithAccessKey", message)
}

/// A temporary access key was used without its security token.
pub fn security_token_missing() -> ApiError {
    let message = "SecurityToken is mandatory for this action.";
    ApiError::new(400, "MissingSecurityToken", message)
}

/// The caller sent too many requests; all clients that retry look for `Throttling`.
pub fn throttled(retry_after_ms: u64) -> ApiError {
    let message = "Request was denied due to user flow control.";
    let error = ApiError::new(400, "Throttling.User", message);
    ApiError { retry_after_ms: Some(retry_after_ms), ..error }
}

/// RAM refused the call.
pub fn no_permission(detail: AccessDeniedDetail) -> ApiError {
    let error = ApiError::new(403, "NoPermission", "caller has no permission");
    ApiError { access_denied_detail: Some(Box::new(detail)), ..error }
}

/// Something unexpected happened; the cause stays in the server's log.
pub fn server_error() -> ApiError {
    ApiError::new(500, "ServerError", "ServerError")
}

/// The server cannot answer now, for instance while it stops.
pub fn service_unavailable() -> ApiError {
    let message = "The request has failed due to a temporary failure of the server.";
    ApiError::new(503, "ServiceUnavailable", message)
}

/// A list member `ScanRange.1` is reported under the name of its list, and nothing a client sent
/// may shape the code beyond letters, digits and underscores.
fn code_suffix(parameter: &str) -> String {
    let list = parameter.split('.').next().unwrap_or_default();
    list.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').collect()
}
