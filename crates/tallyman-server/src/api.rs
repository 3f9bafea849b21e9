//! The API's actions: the one list of them, and what each is given.

pub(crate) mod actions;
mod paging;

use std::future::Future;
use std::pin::Pin;

use serde_json::Value;
use tallyman_acs::error::ApiError;
use tallyman_acs::parameters::Parameters;
use tallyman_engine::installation::Installation;

/// The version of the API.
pub(crate) const VERSION: &str = "2018-12-03";

/// What an action is given.
#[derive(Clone, Copy)]
pub(crate) struct ActionContext<'a> {
    /// The installation that answers.
    pub(crate) installation: &'a Installation,
    /// The request's parameters, the common ones of V1 among them.
    pub(crate) parameters: &'a Parameters,
    /// The time of the request.
    pub(crate) now_ms: i64,
}

/// The answer of an action, without RequestId.
pub(crate) type ActionResult = Result<Value, ActionError>;

/// Runs an action.
pub(crate) type Handler =
    for<'a> fn(ActionContext<'a>) -> Pin<Box<dyn Future<Output = ActionResult> + Send + 'a>>;

/// One action of the API.
pub(crate) struct Action {
    /// The action's name on the wire.
    pub(crate) name: &'static str,
    /// What a RAM policy calls it.
    pub(crate) ram_action: &'static str,
    /// Runs it.
    pub(crate) run: Handler,
}

/// Why an action has no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ActionError {
    /// The caller did something wrong; they are told what.
    #[error(transparent)]
    Refused(#[from] ApiError),
    /// Something went wrong here; it is logged, and the caller is told the request id only.
    #[error(transparent)]
    Internal(Box<dyn std::error::Error + Send + Sync>),
}

impl From<tallyman_store::error::StoreError> for ActionError {
    fn from(error: tallyman_store::error::StoreError) -> Self {
        ActionError::Internal(Box::new(error))
    }
}

impl From<serde_json::Error> for ActionError {
    fn from(error: serde_json::Error) -> Self {
        ActionError::Internal(Box::new(error))
    }
}
