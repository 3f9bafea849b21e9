//! The decision whether a caller may do what it asks.

use std::collections::BTreeMap;
use std::net::IpAddr;

use tallyman_acs::error::AccessDeniedDetail;
use tallyman_acs::ram::evaluate::{Decision, Denial, NamedPolicy, RequestContext, evaluate_layers};
use tallyman_acs::ram::policy::Policy;
use tallyman_acs::ram::{arn, evaluate};
use tallyman_store::access_keys::AccessKey;
use tallyman_store::error::StoreError;
use tallyman_store::policies::PolicyType;
use tallyman_store::store::Store;

use super::find_system_policy;

/// Whose key signed a request.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The key, with its secret.
    pub key: AccessKey,
    /// The account of the installation.
    pub account_id: String,
}

/// What a caller asks for.
#[derive(Clone, Copy, Debug)]
pub struct AccessRequest<'a> {
    /// The action in RAM's spelling, such as `yundun-sas:DescribeImageInfoList`.
    pub ram_action: &'a str,
    /// Where the request came from.
    pub source_ip: IpAddr,
    /// Whether it came through TLS.
    pub secure_transport: bool,
    /// When it came.
    pub now_ms: i64,
}

/// Returns what is stored of a security token.
pub fn hash_token(token: &str) -> String {
    hex::encode(ring::digest::digest(&ring::digest::SHA256, token.as_bytes()))
}

/// Decides by the policies of the caller; `Some` says why it may not.
///
/// The account's own keys may do everything. A policy that cannot be parsed any more, or that was
/// deleted by another process in between, allows nothing.
///
/// # Errors
///
/// A [`StoreError`]: then nothing is decided.
pub async fn authorize(
    store: &Store,
    caller: &Caller,
    request: AccessRequest<'_>,
) -> Result<Option<AccessDeniedDetail>, StoreError> {
    let Some(user_name) = caller.key.row.user_name.as_deref() else { return Ok(None) };
    let identity = user_policies(store, user_name).await?;
    let session = caller.key.row.session.as_ref().and_then(|session| session.policy.clone());
    let session = session.map(|document| parse(vec![("session policy".to_owned(), document)]));
    let principal_arn = arn::user(&caller.account_id, user_name);
    let resource = arn::sas_resource(&caller.account_id);
    let context = RequestContext {
        action: request.ram_action,
        resource: &resource,
        source_ip: request.source_ip,
        secure_transport: request.secure_transport,
        current_time_ms: request.now_ms,
        mfa_present: None,
        principal_arn: &principal_arn,
        other_keys: BTreeMap::new(),
    };
    let identity = named(&identity);
    let session = session.as_deref().map(named);
    let decision = match &session {
        Some(session) => evaluate_layers(&[&identity, session], &context),
        None => evaluate::evaluate(&identity, &context),
    };
    match decision {
        Decision::Allow(_) => Ok(None),
        Decision::Deny(denial) => Ok(Some(explain(caller, user_name, request.ram_action, &denial))),
    }
}

async fn user_policies(
    store: &Store,
    user_name: &str,
) -> Result<Vec<(String, Policy)>, StoreError> {
    let attached = store.policies_of(user_name).await?;
    let documents = attached.into_iter().filter_map(|policy| {
        let document = match policy.policy_type {
            PolicyType::System => find_system_policy(&policy.policy_name)?.document.to_owned(),
            PolicyType::Custom => policy.document?,
        };
        Some((policy.policy_name, document))
    });
    Ok(parse(documents.collect()))
}

fn parse(documents: Vec<(String, String)>) -> Vec<(String, Policy)> {
    documents
        .into_iter()
        .filter_map(|(name, document)| match Policy::parse(&document) {
            Ok(policy) => Some((name, policy)),
            Err(error) => {
                tracing::error!(policy.name = name, %error, "a stored policy is not valid");
                None
            }
        })
        .collect()
}

fn named(policies: &[(String, Policy)]) -> Vec<NamedPolicy<'_>> {
    policies.iter().map(|(name, policy)| NamedPolicy { name, policy }).collect()
}

fn explain(caller: &Caller, user_name: &str, action: &str, denial: &Denial) -> AccessDeniedDetail {
    let (kind, layer) = match denial {
        Denial::Explicit { layer, .. } => ("ExplicitDeny", *layer),
        Denial::Implicit { layer } => ("ImplicitDeny", *layer),
    };
    let policy_type = if layer == 0 { "AccountLevelIdentityBasedPolicy" } else { "SessionPolicy" };
    AccessDeniedDetail {
        policy_type: policy_type.to_owned(),
        auth_principal_owner_id: caller.account_id.clone(),
        auth_principal_type: "SubUser".to_owned(),
        auth_principal_display_name: caller
            .key
            .user_id
            .clone()
            .unwrap_or_else(|| user_name.to_owned()),
        no_permission_type: kind.to_owned(),
        auth_action: action.to_owned(),
        encoded_diagnostic_message: hash_token(&format!("{user_name}\n{action}\n{kind}")),
    }
}
