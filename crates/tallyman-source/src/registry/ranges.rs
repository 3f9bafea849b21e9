//! Single ranges of a layer (RFC 9110, section 14; distribution-spec, "Pulling blobs"), which come
//! one after the other as one stream. Several are asked for at once, because each is small and the
//! way is long.

use std::io::Read;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use reqwest::StatusCode;
use reqwest::header::CONTENT_RANGE;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use url::Url;

use crate::error::SourceError;
use crate::registry::blob::{LayerReader, Piece};
use crate::registry::reply::body;
use crate::registry::session::{Session, patiently};
use crate::registry::transport::{Part, Request};

/// The requests that are under way at once; with [`PIECE_BYTES`] it bounds what is held in memory.
const PARALLEL: usize = 6;
/// A longer range is asked for in pieces.
const PIECE_BYTES: u64 = 1 << 20;

/// A layer of which ranges can be read.
#[derive(Clone, Debug)]
pub(crate) struct RangedBlob {
    pub(crate) session: Arc<Session>,
    pub(crate) subject: String,
    pub(crate) url: Url,
    /// For all ranges of one stream together.
    pub(crate) timeout: Duration,
    /// The runtime on which the requests are made; the readers block.
    pub(crate) runtime: Handle,
    pub(crate) fetched: Arc<AtomicU64>,
}

impl RangedBlob {
    /// Starts to fetch ranges. The reader gives all their bytes, or an error.
    pub(crate) fn read(&self, ranges: Vec<Range<u64>>) -> Box<dyn Read + Send> {
        let left = ranges.iter().map(length).fold(0, u64::saturating_add);
        let (sender, receiver) = mpsc::channel(1);
        let blob = self.clone();
        let task = self.runtime.spawn(async move {
            let all = blob.run(ranges, &sender);
            let result = tokio::time::timeout(blob.timeout, all).await.unwrap_or_else(|_| {
                Err(SourceError::transient(&blob.subject, "the layer's time limit ran out"))
            });
            if let Err(error) = result {
                // A reader that is gone needs no reason.
                let _ = sender.send(Err(error)).await;
            }
        });
        Box::new(LayerReader::new(receiver, task, left))
    }

    async fn run(
        &self,
        ranges: Vec<Range<u64>>,
        sender: &mpsc::Sender<Piece>,
    ) -> Result<(), SourceError> {
        let pieces = stream::iter(ranges.into_iter().flat_map(split));
        let mut fetched = pieces.map(|piece| self.fetch(piece)).buffered(PARALLEL);
        while let Some(piece) = fetched.next().await {
            if sender.send(Ok(piece?)).await.is_err() {
                break;
            }
        }
        Ok(())
    }

    async fn fetch(&self, range: Range<u64>) -> Result<Bytes, SourceError> {
        let bytes = patiently(self.session.attempts(), || async {
            let work = self.fetch_once(range.clone());
            tokio::time::timeout(self.session.request_timeout(), work)
                .await
                .unwrap_or_else(|_| Err(SourceError::transient(&self.subject, "it took too long")))
        })
        .await?;
        self.fetched.fetch_add(length(&range), Ordering::Relaxed);
        Ok(bytes)
    }

    async fn fetch_once(&self, range: Range<u64>) -> Result<Bytes, SourceError> {
        let part = Part::Range(range.clone());
        let request = Request { url: self.url.clone(), accept: "*/*", part };
        let response = self.session.get(&self.subject, &request).await?;
        if response.status() != StatusCode::PARTIAL_CONTENT {
            // The whole layer is on its way: dropping the answer ends that.
            return Err(SourceError::unsupported(&self.subject, "the registry gives no ranges"));
        }
        let last = range.end.saturating_sub(1);
        let expected = format!("bytes {}-{last}/", range.start);
        let given = response.headers().get(CONTENT_RANGE).and_then(|value| value.to_str().ok());
        if !given.is_some_and(|given| given.starts_with(&expected)) {
            let reason = "the registry sent another range than asked for";
            return Err(SourceError::malformed(&self.subject, reason));
        }
        let bytes = body(&self.url, response, "range-bytes", length(&range)).await?;
        if u64::try_from(bytes.len()).ok() != Some(length(&range)) {
            return Err(SourceError::transient(&self.subject, "a range ended too early"));
        }
        Ok(bytes.into())
    }
}

fn length(range: &Range<u64>) -> u64 {
    range.end.saturating_sub(range.start)
}

fn split(range: Range<u64>) -> impl Iterator<Item = Range<u64>> {
    let end = range.end;
    let next = move |start: u64| start..start.saturating_add(PIECE_BYTES).min(end);
    let first = Some(next(range.start)).filter(|piece| !piece.is_empty());
    std::iter::successors(first, move |piece| {
        Some(next(piece.end)).filter(|piece| !piece.is_empty())
    })
}
