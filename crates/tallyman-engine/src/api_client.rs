//! A signed client of the API, for the agent and the command line.

use std::sync::Arc;
use std::time::Duration;

use reqwest::Url;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tallyman_acs::secret::Secret;
use tallyman_acs::signature::{SignError, SigningRequest, sign_v1, sign_v3};
use tallyman_model::clock::Clock;

use crate::agent::protocol::{self, Endpoint};

/// The version of the API that the product speaks.
pub const API_VERSION: &str = "2018-12-03";

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

/// The signature that a call carries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SignatureVersion {
    /// HMAC-SHA1 over the parameters.
    V1,
    /// ACS3-HMAC-SHA256 over the whole request.
    #[default]
    V3,
}

/// Whose name the calls are made in.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The AccessKey's id.
    pub access_key_id: String,
    /// The AccessKey's secret.
    pub secret: Secret,
    /// The token of temporary credentials.
    pub security_token: Option<String>,
}

/// What the server answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The body as it came.
    pub body: Vec<u8>,
}

/// Why a call brought no answer, or a refusal.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The address is not one.
    #[error("`{0}` is not the address of a server: expected http://host:port or https://host:port")]
    InvalidAddress(String),
    /// The request could not be signed.
    #[error("cannot sign the request")]
    Sign(#[from] SignError),
    /// Nobody answered.
    #[error("no answer from {server}; is it running there?")]
    Unreachable {
        /// The server's address.
        server: String,
        /// What went wrong.
        #[source]
        source: reqwest::Error,
    },
    /// The server refused.
    #[error("{server} refused {action} with {status} {code}: {message}")]
    Refused {
        /// The server's address.
        server: String,
        /// The action.
        action: String,
        /// The HTTP status.
        status: u16,
        /// The error code.
        code: String,
        /// The message.
        message: String,
    },
    /// The answer could not be understood.
    #[error("{server} answered {action} with something else than the expected JSON")]
    Malformed {
        /// The server's address.
        server: String,
        /// The action.
        action: String,
        /// What was wrong.
        #[source]
        source: serde_json::Error,
    },
}

impl ClientError {
    /// Tells whether the same call may succeed later.
    pub fn is_transient(&self) -> bool {
        match self {
            ClientError::Unreachable { .. } => true,
            ClientError::Refused { status, .. } => *status >= 500 || *status == 429,
            ClientError::InvalidAddress(_)
            | ClientError::Sign(_)
            | ClientError::Malformed { .. } => false,
        }
    }
}

/// Calls a server.
#[derive(Clone)]
pub struct ApiClient {
    http: reqwest::Client,
    server: Url,
    credentials: Credentials,
    clock: Arc<dyn Clock>,
}

impl ApiClient {
    /// Makes a client for the server at `address`.
    ///
    /// # Errors
    ///
    /// [`ClientError::InvalidAddress`].
    pub fn new(
        http: reqwest::Client,
        address: &str,
        credentials: Credentials,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, ClientError> {
        let invalid = || ClientError::InvalidAddress(address.to_owned());
        let server: Url = address.parse().map_err(|_| invalid())?;
        if !matches!(server.scheme(), "http" | "https") || server.host_str().is_none() {
            return Err(invalid());
        }
        Ok(ApiClient { http, server, credentials, clock })
    }

    /// Calls an action of the API; whatever the server says is the answer.
    ///
    /// # Errors
    ///
    /// [`ClientError::Sign`], [`ClientError::Unreachable`].
    pub async fn call(
        &self,
        action: &str,
        parameters: &[(String, String)],
        signature: SignatureVersion,
    ) -> Result<RawAnswer, ClientError> {
        let query: Vec<(&str, &str)> =
            parameters.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let request = Unsigned {
            path: "/",
            action,
            version: API_VERSION,
            query: &query,
            body: Vec::new(),
            content_type: FORM,
        };
        self.send(request, signature).await
    }

    /// Posts JSON to an endpoint of the agent protocol and reads JSON back.
    ///
    /// # Errors
    ///
    /// Any [`ClientError`].
    pub async fn post<Q: Serialize, A: DeserializeOwned>(
        &self,
        endpoint: Endpoint,
        request: &Q,
    ) -> Result<A, ClientError> {
        let malformed = |source| ClientError::Malformed {
            server: self.server.to_string(),
            action: endpoint.action.to_owned(),
            source,
        };
        let request = Unsigned {
            path: endpoint.path,
            action: endpoint.action,
            version: protocol::VERSION,
            query: &[],
            body: serde_json::to_vec(request).map_err(malformed)?,
            content_type: JSON,
        };
        let answer = self.send(request, SignatureVersion::V3).await?;
        if answer.status != 200 {
            return Err(self.refusal(endpoint.action, &answer));
        }
        serde_json::from_slice(&answer.body).map_err(malformed)
    }

    fn refusal(&self, action: &str, answer: &RawAnswer) -> ClientError {
        #[derive(serde::Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct ErrorBody {
            code: String,
            message: String,
        }
        let body = serde_json::from_slice(&answer.body).unwrap_or_else(|_| ErrorBody {
            code: "unknown".to_owned(),
            message: "the body is not an error of this API".to_owned(),
        });
        ClientError::Refused {
            server: self.server.to_string(),
            action: action.to_owned(),
            status: answer.status,
            code: body.code,
            message: body.message,
        }
    }

    async fn send(
        &self,
        unsigned: Unsigned<'_>,
        signature: SignatureVersion,
    ) -> Result<RawAnswer, ClientError> {
        let host = host_header(&self.server);
        let nonce = uuid::Uuid::new_v4().simple().to_string();
        let request = SigningRequest {
            method: "POST",
            host: &host,
            path: unsigned.path,
            action: unsigned.action,
            version: unsigned.version,
            query: unsigned.query,
            body: &unsigned.body,
            content_type: (!unsigned.body.is_empty()).then_some(unsigned.content_type),
            access_key_id: &self.credentials.access_key_id,
            secret: &self.credentials.secret,
            security_token: self.credentials.security_token.as_deref(),
            timestamp_ms: self.clock.now_ms(),
            nonce: &nonce,
        };
        let signed = match signature {
            SignatureVersion::V1 => sign_v1(&request)?,
            SignatureVersion::V3 => sign_v3(&request)?,
        };
        let url = format!("{}://{host}{}", self.server.scheme(), signed.target);
        let mut outgoing = self.http.post(url).timeout(Duration::from_secs(120));
        for (name, value) in &signed.headers {
            outgoing = outgoing.header(name, value);
        }
        let unreachable =
            |source| ClientError::Unreachable { server: self.server.to_string(), source };
        let answer = outgoing.body(unsigned.body).send().await.map_err(unreachable)?;
        let status = answer.status().as_u16();
        let body = answer.bytes().await.map_err(unreachable)?.to_vec();
        Ok(RawAnswer { status, body })
    }
}

struct Unsigned<'a> {
    path: &'a str,
    action: &'a str,
    version: &'a str,
    query: &'a [(&'a str, &'a str)],
    body: Vec<u8>,
    content_type: &'a str,
}

fn host_header(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}
