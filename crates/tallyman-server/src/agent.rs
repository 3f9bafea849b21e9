//! Where agents report: a JSON body in, a JSON body out, signed as any call of the API.

use serde::Serialize;
use serde::de::DeserializeOwned;
use tallyman_acs::answer::{Answer, AnswerContext, Format, failure};
use tallyman_acs::error::{ApiError, catalogue};
use tallyman_engine::agent::protocol::{
    Endpoint, FIND_MISSING_LAYERS, PUT_LAYER, REPORT_SERVER, VERSION,
};
use tallyman_engine::fleet::{self, FleetError};

use crate::api::ActionError;
use crate::gateway::{IncomingRequest, new_request_id};
use crate::state::AppState;

/// Answers a request below `/agent/v1/`.
pub(crate) async fn answer(state: &AppState, incoming: &IncomingRequest) -> Answer {
    let installation = &state.installation;
    let run = async |endpoint: Endpoint| match endpoint {
        FIND_MISSING_LAYERS => {
            reply(fleet::find_missing_layers(installation, read(incoming)?).await)
        }
        PUT_LAYER => reply(fleet::put_layer(installation, read(incoming)?).await),
        REPORT_SERVER => reply(fleet::report_server(installation, read(incoming)?).await),
        _ => Err(catalogue::action_not_found().into()),
    };
    let endpoints = [FIND_MISSING_LAYERS, PUT_LAYER, REPORT_SERVER];
    match endpoints.into_iter().find(|endpoint| endpoint.path == incoming.path) {
        Some(endpoint) => {
            let gateway = &state.gateway;
            gateway
                .answer_agent(incoming, endpoint.action, VERSION, async || run(endpoint).await)
                .await
        }
        None => {
            let context =
                AnswerContext { format: Format::Json, request_id: &new_request_id(), host_id: "" };
            failure(&context, &catalogue::action_not_found())
        }
    }
}

fn read<T: DeserializeOwned>(incoming: &IncomingRequest) -> Result<T, ActionError> {
    serde_json::from_slice(&incoming.body).map_err(|error| {
        let message = format!("The request body is not what this action expects: {error}.");
        ApiError::new(400, "InvalidRequestBody", message).into()
    })
}

fn reply<T: Serialize>(result: Result<T, FleetError>) -> Result<serde_json::Value, ActionError> {
    match result {
        Ok(value) => Ok(serde_json::to_value(value)?),
        Err(FleetError::Unacceptable { reason }) => {
            let message = format!("The report is not valid: {reason}.");
            Err(ApiError::new(400, "InvalidReport", message).into())
        }
        Err(error) => Err(ActionError::Internal(Box::new(error))),
    }
}
