//! GET over a Unix socket: one connection for each request, as engines are asked rarely.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::header::HOST;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;
use tokio::task::JoinHandle;

use crate::error::SourceError;

/// An answer whose body has not been read, and the task that reads it.
pub(super) struct Answer {
    pub(super) response: Response<Incoming>,
    connection: JoinHandle<()>,
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.connection.abort();
    }
}

/// Sends a request and waits for the head of its answer.
pub(super) async fn get(
    socket: &Path,
    target: &str,
    timeout: Duration,
) -> Result<Answer, SourceError> {
    let subject = format!("{target} of {}", socket.display());
    let failed = |reason: String| SourceError::transient(&subject, reason);
    let work = async {
        let stream =
            UnixStream::connect(socket).await.map_err(|error| SourceError::io(socket, error))?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| failed(error.to_string()))?;
        let connection = tokio::spawn(async move {
            // Its failure is also the body's, and is reported there.
            let _ = connection.await;
        });
        let request = Request::get(target)
            .header(HOST, "localhost")
            .body(Empty::<Bytes>::new())
            .map_err(|error| SourceError::malformed(&subject, error.to_string()))?;
        let response =
            sender.send_request(request).await.map_err(|error| failed(error.to_string()))?;
        Ok(Answer { response, connection })
    };
    tokio::time::timeout(timeout, work)
        .await
        .unwrap_or_else(|_| Err(failed("it did not answer in time".to_owned())))
}

impl Answer {
    /// Waits for the next piece of the body; `None` at its end.
    pub(super) async fn piece(
        &mut self,
        subject: &str,
        idle: Duration,
    ) -> Result<Option<Bytes>, SourceError> {
        loop {
            let frame = tokio::time::timeout(idle, self.response.body_mut().frame())
                .await
                .map_err(|_| SourceError::transient(subject, "it stopped answering"))?;
            match frame {
                None => return Ok(None),
                Some(Err(error)) => {
                    return Err(SourceError::transient(subject, error.to_string()));
                }
                // Trailers carry nothing that is needed.
                Some(Ok(frame)) => {
                    if let Ok(piece) = frame.into_data() {
                        return Ok(Some(piece));
                    }
                }
            }
        }
    }

    /// Reads the body whole, up to a limit.
    pub(super) async fn body(
        mut self,
        subject: &str,
        idle: Duration,
        maximum: u64,
    ) -> Result<Vec<u8>, SourceError> {
        let mut bytes = Vec::new();
        while let Some(piece) = self.piece(subject, idle).await? {
            let total = bytes.len().saturating_add(piece.len());
            if u64::try_from(total).unwrap_or(u64::MAX) > maximum {
                return Err(SourceError::LimitExceeded {
                    subject: subject.to_owned(),
                    limit: "engine answer",
                    maximum,
                });
            }
            bytes.extend_from_slice(&piece);
        }
        Ok(bytes)
    }
}
