//! The error that a caller of the API sees. Which errors exist is listed in [`catalogue`]; how one
//! is written to the wire is in [`crate::answer`].

pub mod catalogue;

use serde::Serialize;

/// Describes a refused or failed call as the client will read it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct ApiError {
    /// The HTTP status of the answer.
    pub http_status: u16,
    /// The documented error code, such as `MissingUuids`.
    pub code: String,
    /// The sentence for a person; some clients parse it.
    pub message: String,
    /// How long the client should wait, sent as header `x-acs-retry-after`.
    pub retry_after_ms: Option<u64>,
    /// Why RAM refused; only on a denial.
    pub access_denied_detail: Option<Box<AccessDeniedDetail>>,
}

impl ApiError {
    /// Creates an error that the catalogue has no constructor for.
    pub fn new(http_status: u16, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            http_status,
            code: code.into(),
            message: message.into(),
            retry_after_ms: None,
            access_denied_detail: None,
        }
    }
}

/// Explains a RAM denial in the fields the SDKs expose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct AccessDeniedDetail {
    /// The kind of policy that refused, such as `AccountLevelIdentityBasedPolicy`.
    pub policy_type: String,
    /// The account that owns the principal.
    pub auth_principal_owner_id: String,
    /// `SubUser`, `AssumedRoleUser` or `FederatedSSO`.
    pub auth_principal_type: String,
    /// The name of the user or role.
    pub auth_principal_display_name: String,
    /// `ImplicitDeny` or `ExplicitDeny`.
    pub no_permission_type: String,
    /// The action in RAM's spelling, such as `yundun-sas:DescribeImageInfoList`.
    pub auth_action: String,
    /// An opaque message for support.
    pub encoded_diagnostic_message: String,
}

#[cfg(test)]
mod tests;
