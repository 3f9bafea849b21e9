//! The download of a layer: a task that feeds a bounded channel, and the blocking reader at its
//! other end. A broken download goes on where it broke (RFC 9110, section 14, range requests).

use std::io::{self, Read};
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf as _, Bytes};
use reqwest::header::CONTENT_RANGE;
use reqwest::{Response, StatusCode};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use url::Url;

use crate::error::SourceError;
use crate::registry::reply::failed;
use crate::registry::session::{Session, patiently};
use crate::registry::transport::{Part, Request};

/// The pieces between the network and the reader, of some 16 KiB each.
const QUEUED_PIECES: usize = 64;
/// A download that got this far since it broke starts counting its attempts anew. With the size
/// of the layer it bounds their number.
const PROGRESS_BYTES: u64 = 1 << 20;

/// A layer that is to be read.
pub(crate) struct Download {
    pub(crate) session: Arc<Session>,
    pub(crate) subject: String,
    pub(crate) url: Url,
    pub(crate) size_bytes: u64,
}

pub(crate) type Piece = Result<Bytes, SourceError>;

impl Download {
    /// Asks for the layer, and returns its reader once the registry has agreed.
    pub(crate) async fn start(
        self,
        timeout: Duration,
    ) -> Result<Box<dyn Read + Send>, SourceError> {
        let deadline = tokio::time::Instant::now() + timeout;
        let first = patiently(self.session.attempts(), || self.request(0)).await?;
        let left = self.size_bytes;
        let (sender, receiver) = mpsc::channel(QUEUED_PIECES);
        let task = tokio::spawn(async move {
            let subject = self.subject.clone();
            let end = tokio::time::timeout_at(deadline, self.run(first, &sender)).await;
            let result = end.unwrap_or_else(|_| {
                Err(SourceError::transient(subject, "the layer's time limit ran out"))
            });
            if let Err(error) = result {
                // A reader that is gone needs no reason.
                let _ = sender.send(Err(error)).await;
            }
        });
        Ok(Box::new(LayerReader::new(receiver, task, left)))
    }

    async fn request(&self, done: u64) -> Result<Response, SourceError> {
        let part = if done > 0 { Part::From(done) } else { Part::Whole };
        let request = Request { url: self.url.clone(), accept: "*/*", part };
        self.session.get(&self.subject, &request).await
    }

    /// Reads until the end, resuming what breaks.
    async fn run(self, first: Response, sender: &mpsc::Sender<Piece>) -> Result<(), SourceError> {
        let mut done = 0;
        let mut response = first;
        let mut attempt = 1;
        loop {
            let before = done;
            let error = match self.pass(response, &mut done, sender).await {
                Ok(()) => return Ok(()),
                // Nothing is missing but the proper end of the answer.
                Err(_) if done == self.size_bytes => return Ok(()),
                Err(error) if !error.is_transient() => return Err(error),
                Err(error) => error,
            };
            if done - before >= PROGRESS_BYTES {
                attempt = 1;
            }
            if attempt >= self.session.attempts().attempts {
                return Err(error);
            }
            tracing::debug!("Resuming {} after {done} bytes: {error}", self.subject);
            tokio::time::sleep(self.session.attempts().wait_after(attempt, None)).await;
            attempt += 1;
            response = patiently(self.session.attempts(), || self.request(done)).await?;
        }
    }

    /// Passes one answer on to the reader, from the first byte that it does not have yet.
    async fn pass(
        &self,
        mut response: Response,
        done: &mut u64,
        sender: &mpsc::Sender<Piece>,
    ) -> Result<(), SourceError> {
        let mut skip = self.bytes_to_skip(&response, *done)?;
        let left = self.size_bytes.saturating_sub(*done).saturating_add(skip);
        if response.content_length().is_some_and(|length| length != left) {
            return Err(self.wrong_size());
        }
        loop {
            let chunk = response.chunk().await.map_err(|error| failed(&self.url, error))?;
            let Some(mut chunk) = chunk else { break };
            let skipped = chunk.len().min(usize::try_from(skip).unwrap_or(usize::MAX));
            chunk.advance(skipped);
            skip -= length(skipped);
            *done += length(chunk.len());
            if *done > self.size_bytes {
                return Err(self.wrong_size());
            }
            if !chunk.is_empty() && sender.send(Ok(chunk)).await.is_err() {
                return Ok(());
            }
        }
        if *done < self.size_bytes {
            return Err(SourceError::transient(
                &self.subject,
                format!("it ended after {done} of {} bytes", self.size_bytes),
            ));
        }
        Ok(())
    }

    /// A registry without ranges answers with the whole layer, whose beginning is then left out.
    fn bytes_to_skip(&self, response: &Response, done: u64) -> Result<u64, SourceError> {
        if response.status() != StatusCode::PARTIAL_CONTENT {
            return Ok(done);
        }
        let range = response.headers().get(CONTENT_RANGE).and_then(|value| value.to_str().ok());
        if range.is_some_and(|range| range.starts_with(&format!("bytes {done}-"))) {
            return Ok(0);
        }
        Err(SourceError::malformed(&self.subject, "the registry sent another range than asked for"))
    }

    fn wrong_size(&self) -> SourceError {
        let reason = format!("it does not have the {} bytes its manifest says", self.size_bytes);
        SourceError::malformed(&self.subject, reason)
    }
}

fn length(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

/// The blocking end of a download.
pub(crate) struct LayerReader {
    receiver: mpsc::Receiver<Piece>,
    piece: Bytes,
    task: JoinHandle<()>,
    /// The bytes that are still to come; the end of the channel alone is no proof of the end.
    left: u64,
    failed: bool,
}

impl LayerReader {
    /// Reads `left` bytes from the pieces that `task` sends.
    pub(crate) fn new(
        receiver: mpsc::Receiver<Piece>,
        task: JoinHandle<()>,
        left: u64,
    ) -> LayerReader {
        LayerReader { receiver, piece: Bytes::new(), task, left, failed: false }
    }
}

impl Read for LayerReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() && !buffer.is_empty() {
            if self.failed {
                return Err(io::Error::other("the download has failed before"));
            }
            match self.receiver.blocking_recv() {
                Some(Ok(piece)) => self.piece = piece,
                Some(Err(error)) => {
                    self.failed = true;
                    return Err(io::Error::other(error));
                }
                None if self.left == 0 => return Ok(0),
                None => {
                    self.failed = true;
                    let reason = "the download was cancelled";
                    return Err(io::Error::new(io::ErrorKind::UnexpectedEof, reason));
                }
            }
        }
        let read = self.piece.len().min(buffer.len());
        self.piece.copy_to_slice(&mut buffer[..read]);
        self.left = self.left.saturating_sub(length(read));
        Ok(read)
    }
}

impl Drop for LayerReader {
    fn drop(&mut self) {
        self.task.abort();
    }
}
