//! Analysing an image: reads the layers that are not known yet, each once, and stores what they
//! hold by the digest that was really read.

use std::io::{self, Read};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tallyman_model::digest::Digest;
use tallyman_model::image::{Compression, LayerDescriptor, ResolvedImage};
use tallyman_model::inventory::LayerInventory;
use tallyman_model::limits::{Limits, Over};
use tallyman_scan::analyzers::fingerprint;
use tallyman_scan::budget::Budget;
use tallyman_scan::error::LayerError;
use tallyman_scan::layer::{AnalyzedLayer, LayerInput, analyze_layer};
use tallyman_scan::toc::{self, TocInput, TocOutcome};
use tallyman_source::error::SourceError;
use tallyman_source::open::OpenImage;
use tokio::sync::{Semaphore, mpsc};

use crate::blocking;

/// Why an image has no inventory.
#[derive(Debug, thiserror::Error)]
pub enum AnalysisError {
    /// Its bytes could not be had.
    #[error("read layer {index} ({digest})")]
    Source {
        /// The layer's index, counted from the base.
        index: usize,
        /// Its digest.
        digest: Digest,
        /// What went wrong.
        #[source]
        source: Box<SourceError>,
    },
    /// A layer is broken.
    #[error("layer {index} ({digest}) cannot be analysed")]
    Layer {
        /// The layer's index, counted from the base.
        index: usize,
        /// Its digest.
        digest: Digest,
        /// What is wrong with it.
        #[source]
        source: Box<LayerError>,
    },
    /// A layer is of a kind that has no filesystem, or is not given out by registries.
    #[error("layer {index} ({digest}) has the media type {media_type}, which cannot be read")]
    MediaType {
        /// The layer's index, counted from the base.
        index: usize,
        /// Its digest.
        digest: Digest,
        /// The media type.
        media_type: String,
    },
    /// The image as a whole has more of something than is allowed.
    #[error("the image has {found} {what}, {over}")]
    TooLarge {
        /// What it has too much of.
        what: &'static str,
        /// How much of it was found.
        found: u64,
        /// The limit.
        over: Over<'static>,
    },
    /// It takes too long. What has been read of it is known the next time.
    #[error("reading the image takes too long, {0}")]
    TimeUp(Over<'static>),
}

/// Joins an error with its causes, for people who only see one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

impl AnalysisError {
    /// Tells whether the same image may be analysed later: then nothing is known about it, and it
    /// must not be called failed.
    pub fn is_transient(&self) -> bool {
        match self {
            AnalysisError::Source { source, .. } => source.is_transient(),
            AnalysisError::Layer { source, .. } => matches!(**source, LayerError::Read(_)),
            AnalysisError::MediaType { .. }
            | AnalysisError::TooLarge { .. }
            | AnalysisError::TimeUp(_) => false,
        }
    }
}

/// How far the reading of layers is, in stored bytes.
#[derive(Debug, Default)]
pub struct AnalysisProgress {
    /// The bytes of the layers that have to be read.
    pub total_bytes: AtomicU64,
    /// The bytes that were read, or need not be read any more.
    pub done_bytes: AtomicU64,
    /// The bytes that were read. They are fewer where layers have a table of contents.
    pub fetched_bytes: AtomicU64,
}

/// A layer that was read.
#[derive(Debug)]
pub struct ReadLayer {
    /// The layer's index, counted from the base.
    pub index: usize,
    /// What the result is filed under: the digest of the bytes that were read, or where only some
    /// were read, the key of the layer and its table of contents.
    pub key: Digest,
    /// What the layer holds.
    pub inventory: LayerInventory,
}

/// Returns the fingerprint of the analyzer set under these limits, which results are stored under.
pub fn analyzer_fingerprint(limits: &Limits) -> String {
    fingerprint(limits)
}

/// How many results may wait to be stored together.
pub(crate) const RESULTS_WAITING: usize = 32;

/// What one image may take of everything, time included.
#[derive(Clone, Debug)]
pub struct ImageBudget {
    shared: Arc<Budget>,
    end: Option<Instant>,
}

impl ImageBudget {
    /// Makes the budget of an image whose reading begins now.
    pub fn new(limits: &Limits) -> Self {
        let time = Duration::from_secs(limits.image_time);
        // An end that no clock reaches is none.
        let end = Instant::now().checked_add(time);
        ImageBudget { shared: Arc::new(Budget::new(limits.clone())), end }
    }

    /// Counts a layer that is known already.
    pub fn add_known(&self, layer: &LayerInventory) {
        self.shared.add_known(layer);
    }

    pub(crate) fn shared(&self) -> &Budget {
        &self.shared
    }

    fn limits(&self) -> &Limits {
        self.shared.limits()
    }

    fn is_time_up(&self) -> bool {
        self.end.is_some_and(|end| Instant::now() >= end)
    }

    fn time_up(&self) -> AnalysisError {
        AnalysisError::TimeUp(Over { limit: "image-time", value: self.limits().image_time })
    }

    /// Makes a reader that ends with an error when the time is up.
    pub(crate) fn timed<R>(&self, inner: R) -> Timed<'_, R> {
        Timed { inner, budget: self }
    }

    /// Takes an error for what it means: one that came after the end is that of the time.
    pub(crate) fn explain(&self, error: LayerError) -> Result<LayerError, AnalysisError> {
        match error {
            LayerError::Read(_) if self.is_time_up() => Err(self.time_up()),
            error => Ok(error),
        }
    }
}

/// Reads for as long as there is time.
pub(crate) struct Timed<'a, R> {
    inner: R,
    budget: &'a ImageBudget,
}

impl<R: Read> Read for Timed<'_, R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.budget.is_time_up() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        self.inner.read(out)
    }
}

/// Checks what the layers of an image hold together, each counted once.
///
/// # Errors
///
/// [`AnalysisError::TooLarge`].
pub fn check_totals<'l>(
    layers: impl IntoIterator<Item = &'l LayerInventory>,
    limits: &Limits,
) -> Result<(), AnalysisError> {
    let mut totals = [0_u64; 3];
    for layer in layers {
        let packages = layer.package_count() as u64;
        let these = [layer.entries, layer.uncompressed_bytes, packages];
        totals.iter_mut().zip(these).for_each(|(total, it)| *total = total.saturating_add(it));
    }
    let [entries, uncompressed_bytes, packages] = totals;
    check_total("entries", entries, "image-entries", limits.image_entries)?;
    let bytes_limit = limits.image_uncompressed_bytes;
    check_total("bytes unpacked", uncompressed_bytes, "image-uncompressed-bytes", bytes_limit)?;
    check_total("packages", packages, "image-packages", limits.image_packages)
}

fn check_total(
    what: &'static str,
    found: u64,
    limit: &'static str,
    value: u64,
) -> Result<(), AnalysisError> {
    match found > value {
        true => Err(AnalysisError::TooLarge { what, found, over: Over { limit, value } }),
        false => Ok(()),
    }
}

/// Reads the given layers of an image, as many at once as there are processors, and hands each on
/// as soon as it is read. Dropping the receiver ends the work.
///
/// # Errors
///
/// An image that cannot be read at all; a layer that cannot be read comes as the receiver's item.
pub fn analyze_layers(
    open: Arc<OpenImage>,
    wanted: &[usize],
    budget: ImageBudget,
    progress: Arc<AnalysisProgress>,
) -> Result<mpsc::Receiver<Result<ReadLayer, AnalysisError>>, AnalysisError> {
    let image = open.image();
    check(image, wanted, budget.limits())?;
    let total = wanted.iter().filter_map(|index| image.layers.get(*index));
    progress.total_bytes.store(total.map(|layer| layer.size_bytes).sum(), Ordering::Relaxed);
    let permits = Arc::new(Semaphore::new(blocking::width()));
    let (sender, receiver) = mpsc::channel(RESULTS_WAITING);
    // The largest first: else the end of the work is one large layer and idle processors.
    let mut order = wanted.to_vec();
    let size = |index: &usize| image.layers.get(*index).map_or(0, |layer| layer.size_bytes);
    order.sort_by_key(|index| std::cmp::Reverse(size(index)));
    let work = Work { open, budget, progress, permits, sender };
    tokio::spawn(work.start(order));
    Ok(receiver)
}

/// What the reading of each layer needs.
struct Work {
    open: Arc<OpenImage>,
    budget: ImageBudget,
    progress: Arc<AnalysisProgress>,
    permits: Arc<Semaphore>,
    sender: mpsc::Sender<Result<ReadLayer, AnalysisError>>,
}

impl Work {
    /// Starts one layer after the other, each as soon as a processor is free for it.
    async fn start(self, order: Vec<usize>) {
        for index in order {
            let permits = Arc::clone(&self.permits);
            let permit = permits.acquire_owned().await.expect("the semaphore is never closed");
            if self.sender.is_closed() {
                return;
            }
            let (open, budget) = (Arc::clone(&self.open), self.budget.clone());
            let (progress, sender) = (Arc::clone(&self.progress), self.sender.clone());
            tokio::spawn(async move {
                let result = analyze_one(&open, index, budget, progress).await;
                // The receiver is gone when another layer has already failed.
                let _ = sender.send(result).await;
                drop(permit);
            });
        }
    }
}

fn check(image: &ResolvedImage, wanted: &[usize], limits: &Limits) -> Result<(), AnalysisError> {
    check_total("layers", image.layers.len() as u64, "layers", limits.layers as u64)?;
    let stored = image.layers.iter().fold(0, |sum: u64, it| sum.saturating_add(it.size_bytes));
    check_total("stored bytes", stored, "image-bytes", limits.image_bytes)?;
    for (index, layer) in image.layers.iter().enumerate() {
        if wanted.contains(&index) {
            compression(index, layer)?;
        }
    }
    Ok(())
}

fn compression(index: usize, layer: &LayerDescriptor) -> Result<Compression, AnalysisError> {
    layer.compression.ok_or_else(|| AnalysisError::MediaType {
        index,
        digest: layer.digest.clone(),
        media_type: layer.media_type.clone(),
    })
}

async fn analyze_one(
    open: &OpenImage,
    index: usize,
    budget: ImageBudget,
    progress: Arc<AnalysisProgress>,
) -> Result<ReadLayer, AnalysisError> {
    if let Some(layer) = analyze_by_toc(open, index, &budget, &progress).await? {
        return Ok(layer);
    }
    let layer = open.image().layers.get(index).cloned().expect("the index was checked");
    let compression = compression(index, &layer)?;
    let digest = layer.digest.clone();
    let mut reader = open.open_layer(index).await.map_err(|source| AnalysisError::Source {
        index,
        digest: digest.clone(),
        source: Box::new(source),
    })?;
    let analyzed = blocking::run(move || {
        let read_before = AtomicU64::new(0);
        let input = LayerInput {
            reader: &mut budget.timed(reader.as_mut()),
            compression,
            expected: Some(&layer.digest),
            size_bytes: Some(layer.size_bytes),
        };
        let analyzed = analyze_layer(input, budget.shared(), &|read| {
            let before = read_before.swap(read, Ordering::Relaxed);
            let step = read.saturating_sub(before);
            progress.done_bytes.fetch_add(step, Ordering::Relaxed);
            progress.fetched_bytes.fetch_add(step, Ordering::Relaxed);
        });
        analyzed.map_err(|error| budget.explain(error))
    })
    .await;
    match analyzed {
        Ok(AnalyzedLayer { digest, inventory }) => Ok(ReadLayer { index, key: digest, inventory }),
        Err(Err(image)) => Err(image),
        Err(Ok(source)) => Err(AnalysisError::Layer { index, digest, source: Box::new(source) }),
    }
}

/// Reads a layer by its table of contents; `None` where it has none or where that is of no use.
async fn analyze_by_toc(
    open: &OpenImage,
    index: usize,
    budget: &ImageBudget,
    progress: &Arc<AnalysisProgress>,
) -> Result<Option<ReadLayer>, AnalysisError> {
    let layer = open.image().layers.get(index).expect("the index was checked");
    let (Some(toc), Some(ranged)) = (open.layer_toc(index), open.ranged_layer(index)) else {
        return Ok(None);
    };
    let (digest, size_bytes, toc) = (layer.digest.clone(), layer.size_bytes, toc.clone());
    let key = toc::key(&digest, &toc);
    let (budget, progress) = (budget.clone(), Arc::clone(progress));
    let analyzed = blocking::run(move || {
        let read = |ranges: &[Range<u64>]| -> io::Result<Box<dyn Read + '_>> {
            Ok(Box::new(budget.timed(ranged.read(ranges.to_vec()))))
        };
        let input = TocInput { toc: &toc, size_bytes, read: &read };
        let outcome = toc::analyze_by_toc(input, budget.shared());
        let outcome = outcome.map_err(|error| budget.explain(error));
        let fetched = ranged.fetched_bytes();
        progress.fetched_bytes.fetch_add(fetched, Ordering::Relaxed);
        if let Ok(TocOutcome::Inventory(_)) = outcome {
            progress.done_bytes.fetch_add(size_bytes, Ordering::Relaxed);
        }
        (outcome, fetched)
    });
    match analyzed.await {
        (Ok(TocOutcome::Inventory(inventory)), fetched) => {
            tracing::debug!(
                layer.digest = %digest,
                layer.size_bytes = size_bytes,
                layer.fetched_bytes = fetched,
                "Layer {digest} was read by its table of contents"
            );
            Ok(Some(ReadLayer { index, key, inventory }))
        }
        (Ok(TocOutcome::ReadWhole { reason }), _) => {
            tracing::debug!(
                layer.digest = %digest,
                "Layer {digest} is read as a whole, not by its table of contents: {reason}"
            );
            Ok(None)
        }
        (Err(Err(image)), _) => Err(image),
        (Err(Ok(source)), _) => {
            Err(AnalysisError::Layer { index, digest, source: Box::new(source) })
        }
    }
}
