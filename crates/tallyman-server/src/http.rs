//! Accepting connections and routing requests.
//!
//! There are three kinds of path: `/` is the API, `/agent/v1/…` is where agents report, and
//! `/healthz` tells whether the process works.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tallyman_engine::installation::Installation;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use crate::agent;
use crate::gateway::{Gateway, IncomingRequest};
use crate::nonces::NonceMemory;
use crate::state::AppState;

/// The bytes of a request's body on the API's path: 1,000 UUIDs take 40 kB.
const MAX_API_BODY_BYTES: usize = 2 << 20;
/// The bytes of a request's body on an agent's path: the inventory of one layer.
const MAX_AGENT_BODY_BYTES: usize = 256 << 20;
/// How long a client may take to send its headers.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a client may take to send a body.
const BODY_TIMEOUT: Duration = Duration::from_secs(60);
/// Connections beyond this number wait to be accepted.
const MAX_CONNECTIONS: usize = 4_096;
/// How long open requests may take once the server is told to stop.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);
/// How many nonces of an earlier process are remembered.
const MAX_NONCES: u32 = 5_000_000;
/// The setting that says whether the last server wrote down all nonces before it ended.
const CLEAN_STOP: &str = "clean_stop";
/// How often used nonces are written down.
const NONCE_WRITE_INTERVAL: Duration = Duration::from_millis(250);

/// Why the server could not start or go on.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The store could not be read or written.
    #[error("use the store")]
    Store(#[from] tallyman_store::error::StoreError),
    /// The address could not be listened on.
    #[error("listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What went wrong.
        #[source]
        source: std::io::Error,
    },
}

/// A server that listens, but does not answer yet.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    state: Arc<AppState>,
}

impl Server {
    /// Listens on an address; port 0 takes a free one.
    ///
    /// # Errors
    ///
    /// Any [`ServerError`].
    pub async fn bind(
        address: SocketAddr,
        installation: Arc<Installation>,
    ) -> Result<Self, ServerError> {
        let listen = |source| ServerError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        let store = installation.store();
        let not_before_ms = match store.find_setting(CLEAN_STOP).await?.as_deref() {
            Some("no") => next_second(&installation).await,
            _ => 0,
        };
        store.set_setting(CLEAN_STOP, "no").await?;
        let now_ms = installation.clock().now_ms();
        let stored = store.list_nonces(now_ms, MAX_NONCES).await?;
        let nonces = NonceMemory::new(stored, not_before_ms);
        let gateway = Gateway::new(Arc::clone(&installation), nonces);
        let state = Arc::new(AppState { gateway, installation });
        Ok(Server { listener, address, state })
    }

    /// Returns the address that is listened on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until `stop` becomes true, then finishes what is under way.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let writer = tokio::spawn(write_nonces(Arc::clone(&self.state), stop.clone()));
        let router = router(Arc::clone(&self.state));
        let permits = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        let mut connections = JoinSet::new();
        loop {
            let permit = tokio::select! {
                permit = Arc::clone(&permits).acquire_owned() => permit,
                () = stopped(&mut stop) => break,
            };
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                () = stopped(&mut stop) => break,
            };
            while connections.try_join_next().is_some() {}
            match accepted {
                Ok((stream, peer)) => {
                    let service = router.clone();
                    let stop = stop.clone();
                    connections.spawn(async move {
                        let _permit = permit;
                        serve_connection(stream, peer, service, stop).await;
                    });
                }
                Err(error) => {
                    // Out of file descriptors, most likely: what is open will end.
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
        let drained = async { while connections.join_next().await.is_some() {} };
        if tokio::time::timeout(DRAIN_TIMEOUT, drained).await.is_err() {
            tracing::warn!("some connections were cut at the end");
        }
        if let Err(error) = writer.await {
            tracing::error!(%error, "the writer of nonces ended early");
        }
        note_clean_stop(&self.state).await;
    }
}

async fn serve_connection(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    mut stop: watch::Receiver<bool>,
) {
    // Answers are small and wanted at once.
    let _ = stream.set_nodelay(true);
    let router = router.layer(axum::Extension(Peer(peer)));
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    tokio::pin!(connection);
    let result = tokio::select! {
        result = connection.as_mut() => result,
        () = stopped(&mut stop) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = result {
        tracing::debug!(%error, %peer, "a connection ended with an error");
    }
}

/// Waits for the next full second and returns it: timestamps have no smaller unit, so what is
/// signed from then on can be told from what was signed before.
async fn next_second(installation: &Installation) -> i64 {
    let now_ms = installation.clock().now_ms();
    let next_ms = now_ms - now_ms.rem_euclid(1_000) + 1_000;
    tokio::time::sleep(Duration::from_millis((next_ms - now_ms).unsigned_abs())).await;
    next_ms
}

/// Waits until the server is told to stop, or nobody can tell it any more.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

/// Who is at the other end of the connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) SocketAddr);

fn router(state: Arc<AppState>) -> Router {
    Router::new()
        .route("/", any(api))
        .route("/healthz", get(health))
        .route("/agent/v1/{*path}", any(agent_path))
        .fallback(any(api))
        .layer(DefaultBodyLimit::disable())
        .with_state(state)
}

async fn api(State(state): State<Arc<AppState>>, request: Request) -> Response {
    match read(request, MAX_API_BODY_BYTES).await {
        Ok(incoming) => into_response(state.gateway.answer_action(&incoming).await),
        Err(response) => response,
    }
}

async fn agent_path(State(state): State<Arc<AppState>>, request: Request) -> Response {
    match read(request, MAX_AGENT_BODY_BYTES).await {
        Ok(incoming) => into_response(agent::answer(&state, &incoming).await),
        Err(response) => response,
    }
}

async fn health(State(state): State<Arc<AppState>>) -> Response {
    let (status, body) = match state.installation.health().await {
        Ok(health) => (StatusCode::OK, health),
        Err(error) => {
            tracing::error!(%error, "the health check failed");
            (StatusCode::SERVICE_UNAVAILABLE, serde_json::json!({"status": "failing"}))
        }
    };
    (status, [(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}

/// Takes a request apart; a body that is too long or too slow is refused here.
async fn read(request: Request, max_body_bytes: usize) -> Result<IncomingRequest, Response> {
    let (parts, body) = request.into_parts();
    let peer = parts.extensions.get::<Peer>().map(|peer| peer.0.ip());
    let body = tokio::time::timeout(BODY_TIMEOUT, Limited::new(body, max_body_bytes).collect());
    let body: Bytes = match body.await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            return Err(refuse(StatusCode::PAYLOAD_TOO_LARGE, "RequestBodyTooLarge"));
        }
        Ok(Err(_)) => return Err(refuse(StatusCode::BAD_REQUEST, "InvalidRequestBody")),
        Err(_) => return Err(refuse(StatusCode::REQUEST_TIMEOUT, "RequestTimeout")),
    };
    let header = |(name, value): (&header::HeaderName, &HeaderValue)| {
        (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    Ok(IncomingRequest {
        method: parts.method.as_str().to_owned(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: parts.headers.iter().map(header).collect(),
        body,
        peer,
    })
}

fn refuse(status: StatusCode, code: &str) -> Response {
    let body = serde_json::json!({
        "Code": code,
        "Message": "The request body is too long, too slow or incomplete.",
        "RequestId": crate::gateway::new_request_id(),
    });
    (status, [(header::CONTENT_TYPE, "application/json;charset=utf-8")], body.to_string())
        .into_response()
}

fn into_response(answer: tallyman_acs::answer::Answer) -> Response {
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() =
        StatusCode::from_u16(answer.http_status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in answer.headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// Writes used nonces down in batches, and a last time at the end.
async fn write_nonces(state: Arc<AppState>, mut stop: watch::Receiver<bool>) {
    loop {
        let stopping = tokio::select! {
            () = tokio::time::sleep(NONCE_WRITE_INTERVAL) => false,
            () = stopped(&mut stop) => true,
        };
        if let Err(error) = state.gateway.write_nonces().await {
            tracing::error!(%error, "used nonces could not be written; a restart may forget them");
        }
        if stopping {
            return;
        }
    }
}

/// Notes that every nonce is written down. Called when no request is under way any more.
async fn note_clean_stop(state: &AppState) {
    let written = async {
        state.gateway.write_nonces().await?;
        state.installation.store().set_setting(CLEAN_STOP, "yes").await
    };
    if let Err(error) = written.await {
        tracing::error!(%error, "the end could not be noted; the next start takes longer");
    }
}
