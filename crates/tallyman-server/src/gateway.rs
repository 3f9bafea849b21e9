//! Who is calling, and may they: the checks before an action, in the order of the official
//! service: form, time, key, token, signature, nonce, action and version, RAM.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use axum::body::Bytes;
use tallyman_acs::answer::{Answer, AnswerContext, Format, failure, success};
use tallyman_acs::error::{ApiError, catalogue};
use tallyman_acs::request::RawRequest;
use tallyman_acs::secret::Secret;
use tallyman_acs::signature::{AuthRequest, Credential, requested_format};
use tallyman_engine::accounts::{AccessRequest, Caller, authorize, hash_token, is_token};
use tallyman_engine::installation::Installation;
use tallyman_store::access_keys::{AccessKey, AccessKeyStatus};
use tallyman_store::error::StoreError;
use uuid::Uuid;

use crate::api::{self, ActionContext, ActionError};
use crate::nonces::NonceMemory;

/// A request with its body, independent of the web framework.
#[derive(Debug)]
pub(crate) struct IncomingRequest {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Bytes,
    /// The address at the other end of the connection.
    pub(crate) peer: Option<IpAddr>,
}

impl IncomingRequest {
    fn raw(&self) -> RawRequest<'_> {
        RawRequest {
            method: &self.method,
            path: &self.path,
            query: &self.query,
            headers: &self.headers,
            body: &self.body,
        }
    }

    fn host(&self) -> &str {
        self.headers.iter().find(|(name, _)| name == "host").map_or("", |(_, value)| value)
    }

    fn source_ip(&self) -> IpAddr {
        self.peer.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED))
    }
}

/// Makes the id of a request.
pub(crate) fn new_request_id() -> String {
    Uuid::new_v4().to_string().to_uppercase()
}

/// Checks requests and runs actions.
pub(crate) struct Gateway {
    installation: Arc<Installation>,
    nonces: NonceMemory,
}

/// Why a request is refused or fails.
enum Refusal {
    /// The caller is told.
    Told(ApiError),
    /// The caller is told the request id, the log the reason.
    Logged(Box<dyn std::error::Error + Send + Sync>),
}

impl From<ApiError> for Refusal {
    fn from(error: ApiError) -> Self {
        Refusal::Told(error)
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Refusal::Logged(Box::new(error))
    }
}

impl From<ActionError> for Refusal {
    fn from(error: ActionError) -> Self {
        match error {
            ActionError::Refused(error) => Refusal::Told(error),
            ActionError::Internal(error) => Refusal::Logged(error),
        }
    }
}

impl Gateway {
    pub(crate) fn new(installation: Arc<Installation>, nonces: NonceMemory) -> Self {
        Gateway { installation, nonces }
    }

    /// Answers a request of the API.
    pub(crate) async fn answer_action(&self, incoming: &IncomingRequest) -> Answer {
        self.answer(incoming, async |auth, caller| {
            let action =
                api::actions::find(auth.action()).ok_or_else(catalogue::action_not_found)?;
            if auth.version() != api::VERSION {
                return Err(catalogue::invalid_version().into());
            }
            self.authorize(incoming, &caller, action.ram_action).await?;
            let context = ActionContext {
                installation: &self.installation,
                parameters: auth.parameters(),
                now_ms: self.installation.clock().now_ms(),
            };
            Ok((action.run)(context).await?)
        })
        .await
    }

    /// Answers a request of the agent protocol, whose action must be the one of its path.
    pub(crate) async fn answer_agent<F>(
        &self,
        incoming: &IncomingRequest,
        action: &'static str,
        version: &str,
        run: F,
    ) -> Answer
    where
        F: AsyncFnOnce() -> Result<serde_json::Value, ActionError>,
    {
        self.answer(incoming, async |auth, caller| {
            if auth.action() != action {
                return Err(catalogue::action_not_found().into());
            }
            if auth.version() != version {
                return Err(catalogue::invalid_version().into());
            }
            self.authorize(incoming, &caller, &format!("tallyman:{action}")).await?;
            Ok(run().await?)
        })
        .await
    }

    async fn answer<F>(&self, incoming: &IncomingRequest, run: F) -> Answer
    where
        F: AsyncFnOnce(&AuthRequest<'_>, Caller) -> Result<serde_json::Value, Refusal>,
    {
        let request_id = new_request_id();
        let raw = incoming.raw();
        let context = |format: Format| AnswerContext {
            format,
            request_id: &request_id,
            host_id: incoming.host(),
        };
        let auth = match AuthRequest::parse(&raw) {
            Ok(auth) => auth,
            Err(error) => {
                tracing::info!(request.id = request_id, code = error.code, "refused a request");
                return failure(&context(requested_format(&raw)), &error);
            }
        };
        let context = context(auth.format());
        let result = match self.authenticate(&auth).await {
            Ok(caller) => run(&auth, caller).await,
            Err(refusal) => Err(refusal),
        };
        let action = auth.action();
        let refusal = match result {
            Ok(value) => match success(&context, action, &value) {
                Ok(answer) => {
                    tracing::info!(request.id = request_id, action, "answered a request");
                    return answer;
                }
                Err(error) => Refusal::Logged(Box::new(error)),
            },
            Err(refusal) => refusal,
        };
        match refusal {
            Refusal::Told(error) => {
                tracing::info!(
                    request.id = request_id,
                    action,
                    code = error.code,
                    "refused a request"
                );
                failure(&context, &error)
            }
            Refusal::Logged(error) => {
                tracing::error!(request.id = request_id, action, error, "a request failed");
                failure(&context, &catalogue::server_error())
            }
        }
    }

    async fn authenticate(&self, auth: &AuthRequest<'_>) -> Result<Caller, Refusal> {
        let now_ms = self.installation.clock().now_ms();
        auth.check_timestamp(now_ms)?;
        let store = self.installation.store();
        let key = store.find_access_key(auth.access_key_id()).await?;
        let key = key.ok_or_else(catalogue::access_key_not_found)?;
        if key.row.status == AccessKeyStatus::Inactive {
            return Err(catalogue::access_key_inactive().into());
        }
        check_token(&key, auth.security_token(), now_ms)?;
        auth.verify(&Credential::Secret(&Secret::new(key.secret.expose())))?;
        let (id, nonce, signed_ms) = (auth.access_key_id(), auth.nonce(), auth.timestamp_ms());
        if !self.nonces.insert(id, nonce, signed_ms, now_ms) {
            return Err(catalogue::nonce_used().into());
        }
        Ok(Caller { key, account_id: store.account_id().await? })
    }

    async fn authorize(
        &self,
        incoming: &IncomingRequest,
        caller: &Caller,
        ram_action: &str,
    ) -> Result<(), Refusal> {
        let request = AccessRequest {
            ram_action,
            source_ip: incoming.source_ip(),
            secure_transport: false,
            now_ms: self.installation.clock().now_ms(),
        };
        match authorize(self.installation.store(), caller, request).await? {
            None => Ok(()),
            Some(detail) => Err(catalogue::no_permission(detail).into()),
        }
    }

    /// Writes down the nonces that were used since the last time.
    pub(crate) async fn write_nonces(&self) -> Result<(), StoreError> {
        let nonces = self.nonces.take_unwritten();
        if nonces.is_empty() {
            return Ok(());
        }
        let now_ms = self.installation.clock().now_ms();
        self.installation.store().insert_nonces(nonces, now_ms).await?;
        Ok(())
    }
}

/// Temporary credentials need their own token, and permanent ones must come without.
fn check_token(key: &AccessKey, token: Option<&str>, now_ms: i64) -> Result<(), ApiError> {
    match (&key.row.session, token) {
        (None, None) => Ok(()),
        (None, Some(_)) => Err(catalogue::security_token_mismatch()),
        (Some(_), None) => Err(catalogue::security_token_missing()),
        (Some(session), Some(token)) => {
            // Hashes of random tokens: the comparison tells nothing about the token itself.
            if hash_token(token) != session.security_token_hash {
                return Err(match is_token(token) {
                    true => catalogue::security_token_mismatch(),
                    false => catalogue::security_token_malformed(),
                });
            }
            if session.expires_at <= now_ms {
                return Err(catalogue::security_token_expired());
            }
            Ok(())
        }
    }
}
