//! Scanning one image: what is known is read from the store, what is new from the image.

use std::collections::HashMap;
use std::sync::Arc;

use tallyman_match::index::AdvisoryIndex;
use tallyman_model::digest::Digest;
use tallyman_model::inventory::LayerInventory;
use tallyman_model::package::PackageVersion;
use tallyman_scan::toc;
use tallyman_source::error::SourceError;
use tallyman_source::listing::Target;
use tallyman_source::open::{OpenImage, Sources};
use tallyman_store::error::StoreError;
use tallyman_store::jobs::JobChanges;
use tallyman_store::layers::{LayerScope, NewLayer, StoredLayer};
use tallyman_store::store::Store;

use crate::analysis::{
    AnalysisError, AnalysisProgress, ImageBudget, RESULTS_WAITING, ReadLayer, analyze_layers,
    analyzer_fingerprint, chain, check_totals,
};
use crate::assess::assess_packages;
use crate::blocking;
use crate::images::{ImageError, in_order, judge};
use crate::installation::Installation;
use crate::report::{ReportAdvisories, ReportImage, ReportInput, ScanReport};

/// Why a scan has no report at all. An image that is broken has one: it is reported as failed.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    /// The image could not be opened.
    #[error("failed to {}", chain(.0))]
    Source(SourceError),
    /// A layer could not be had this time.
    #[error("failed to {}", chain(.0))]
    Analysis(AnalysisError),
    /// The store failed.
    #[error("use the store")]
    Store(#[from] StoreError),
    /// The image could not be judged.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// The image or the store changed under the scan.
    #[error("layer {0} vanished while the image was scanned; try again")]
    Vanished(Digest),
}

impl ScanError {
    /// Tells whether the same scan may succeed later.
    pub fn is_transient(&self) -> bool {
        match self {
            ScanError::Source(error) => error.is_transient(),
            ScanError::Analysis(error) => error.is_transient(),
            ScanError::Store(_) | ScanError::Image(_) | ScanError::Vanished(_) => true,
        }
    }
}

/// The layers of an image, or why one of them cannot be analysed.
pub enum ScannedLayers {
    /// All of them, from the base upwards.
    Complete(Vec<StoredLayer>),
    /// The image cannot be analysed, and trying again will not help.
    Broken(AnalysisError),
}

/// Opens an image and scans it.
///
/// # Errors
///
/// Any [`ScanError`].
pub async fn scan(
    installation: &Installation,
    sources: &Sources,
    target: &Target,
    progress: Arc<AnalysisProgress>,
) -> Result<ScanReport, ScanError> {
    let open = Arc::new(sources.open_target(target).await.map_err(ScanError::Source)?);
    scan_opened(installation, open, progress).await
}

/// Scans an image that was opened.
pub(crate) async fn scan_opened(
    installation: &Installation,
    open: Arc<OpenImage>,
    progress: Arc<AnalysisProgress>,
) -> Result<ScanReport, ScanError> {
    let layers = read_layers(installation, Arc::clone(&open), progress).await?;
    let image = ReportImage::of(open.image());
    match layers {
        ScannedLayers::Complete(layers) => {
            let layers = layers.into_iter().map(|layer| layer.inventory).collect();
            report(installation, image, layers).await
        }
        ScannedLayers::Broken(error) => Ok(failed(installation, image, chain(&error))),
    }
}

/// Makes the report of one image among several that could not be scanned: it must not be missing
/// where the others are.
pub fn unscanned(installation: &Installation, target: &Target, error: &ScanError) -> ScanReport {
    let image = ReportImage {
        name: target.name(),
        manifest_digest: target.manifest_digest().cloned(),
        config_digest: None,
        platform: target.platform().map(ToString::to_string),
        created: None,
        size_bytes: 0,
        layers: Vec::new(),
    };
    failed(installation, image, chain(error))
}

/// Judges what was read and makes the report of it.
pub(crate) async fn report(
    installation: &Installation,
    image: ReportImage,
    layers: Vec<Arc<LayerInventory>>,
) -> Result<ScanReport, ScanError> {
    let index = installation.advisories().current();
    let advisories = report_advisories(&index);
    let judged = judge(installation, Arc::clone(&index), layers).await?;
    let mut with_findings: Vec<&PackageVersion> =
        judged.packages.iter().filter(|it| it.findings.is_some()).map(|it| &it.version).collect();
    with_findings.dedup();
    let first_seen = installation.store().find_first_seen(&with_findings).await?;
    let report = move || {
        let assessed = assess_packages(&index, &judged.packages)?;
        Ok(ScanReport::new(ReportInput { image, judged, assessed, first_seen, advisories }))
    };
    Ok(blocking::run(report).await.map_err(ImageError::Index)?)
}

/// Makes the report of what could not be read at all.
pub(crate) fn failed(
    installation: &Installation,
    image: ReportImage,
    reason: String,
) -> ScanReport {
    ScanReport::failed(image, reason, report_advisories(&installation.advisories().current()))
}

pub(crate) fn report_advisories(index: &AdvisoryIndex) -> ReportAdvisories {
    ReportAdvisories { revision: index.revision().to_owned(), feeds: index.feeds() }
}

/// Reads the layers of an image on our own account: each is stored, as soon as it is read, under
/// the digest of the bytes that were read, or under a key that no digest is where only some were.
///
/// # Errors
///
/// Any [`ScanError`].
pub async fn read_layers(
    installation: &Installation,
    open: Arc<OpenImage>,
    progress: Arc<AnalysisProgress>,
) -> Result<ScannedLayers, ScanError> {
    let store = installation.store();
    let digests: Vec<Digest> =
        open.image().layers.iter().map(|layer| layer.digest.clone()).collect();
    let fingerprint = analyzer_fingerprint(installation.limits());
    let mut known = find_known(store, &open, &digests, &fingerprint).await?;
    let mut wanted = Vec::new();
    let mut asked: Vec<&Digest> = Vec::new();
    for (index, digest) in digests.iter().enumerate() {
        if !known.contains_key(digest) && !asked.contains(&digest) {
            asked.push(digest);
            wanted.push(index);
        }
    }
    let limits = installation.limits();
    let budget = ImageBudget::new(limits);
    let check_known = |known: &HashMap<Digest, StoredLayer>| {
        check_totals(known.values().map(|layer| &*layer.inventory), limits)
    };
    if let Err(error) = check_known(&known) {
        return Ok(ScannedLayers::Broken(error));
    }
    known.values().for_each(|layer| budget.add_known(&layer.inventory));
    let mut results = match analyze_layers(Arc::clone(&open), &wanted, budget, progress) {
        Ok(results) => results,
        Err(error) => return Ok(ScannedLayers::Broken(error)),
    };
    let mut batch = Vec::new();
    while results.recv_many(&mut batch, RESULTS_WAITING).await > 0 {
        let mut layers = Vec::with_capacity(batch.len());
        let mut failure = None;
        for result in batch.drain(..) {
            match result {
                Ok(layer) => layers.push(layer),
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        for (index, layer) in store_layers(installation, layers, &fingerprint).await? {
            if let Some(digest) = digests.get(index) {
                known.insert(digest.clone(), layer);
            }
        }
        match failure.or_else(|| check_known(&known).err()) {
            Some(error) if error.is_transient() => return Err(ScanError::Analysis(error)),
            Some(error) => return Ok(ScannedLayers::Broken(error)),
            None => {}
        }
    }
    match in_order(open.image(), &known) {
        Ok(layers) => Ok(ScannedLayers::Complete(layers)),
        Err(mut missing) => Err(ScanError::Vanished(missing.swap_remove(0))),
    }
}

/// Stores layers that were read, in one transaction; returns them with their indexes.
async fn store_layers(
    installation: &Installation,
    layers: Vec<ReadLayer>,
    fingerprint: &str,
) -> Result<Vec<(usize, StoredLayer)>, ScanError> {
    let mut rows = Vec::with_capacity(layers.len());
    let mut read = Vec::with_capacity(layers.len());
    for layer in layers {
        let inventory = Arc::new(layer.inventory);
        read.push((layer.index, Arc::clone(&inventory)));
        rows.push(NewLayer {
            digest: layer.key,
            fingerprint: fingerprint.to_owned(),
            scope: LayerScope::Trusted,
            inventory,
        });
    }
    let now_ms = installation.clock().now_ms();
    let stored = installation.store().insert_layers(rows, JobChanges::default(), now_ms).await?;
    let with_digests = read.into_iter().zip(stored);
    Ok(with_digests
        .map(|((index, inventory), inventory_digest)| {
            (index, StoredLayer { inventory_digest, inventory })
        })
        .collect())
}

/// Returns what is known of the layers of an image, by their digests. What was read as a whole goes
/// before what was read by a table of contents.
async fn find_known(
    store: &Store,
    open: &OpenImage,
    digests: &[Digest],
    fingerprint: &str,
) -> Result<HashMap<Digest, StoredLayer>, StoreError> {
    let by_toc: Vec<(&Digest, Digest)> = digests
        .iter()
        .enumerate()
        .filter_map(|(index, digest)| Some((digest, toc::key(digest, open.layer_toc(index)?))))
        .collect();
    let keys: Vec<Digest> =
        digests.iter().chain(by_toc.iter().map(|(_, key)| key)).cloned().collect();
    let mut known = store.find_layers(&keys, fingerprint, &LayerScope::Trusted).await?;
    for (digest, key) in by_toc {
        if let Some(layer) = known.remove(&key) {
            known.entry(digest.clone()).or_insert(layer);
        }
    }
    Ok(known)
}
