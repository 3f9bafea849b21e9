//! From layers to an image's row: squash, intern, match, count.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use tallyman_match::index::{AdvisoryIndex, IndexError, covers};
use tallyman_match::matcher::{find_vulnerabilities, gaps};
use tallyman_model::coverage::{AnalysisState, CoverageGap};
use tallyman_model::distribution::Distribution;
use tallyman_model::finding::Finding;
use tallyman_model::image::ResolvedImage;
use tallyman_model::inventory::{
    ImageInventory, InventoryAlert, InventoryDiagnostic, InventoryPackage, LayerInventory,
};
use tallyman_model::package::PackageVersion;
use tallyman_scan::squash::squash;
use tallyman_store::archives::KnownArchive;
use tallyman_store::error::StoreError;
use tallyman_store::ids::{ImageId, PackageVersionId};
use tallyman_store::images::{ImageFacts, NewImage, NewImagePackage};
use tallyman_store::jobs::JobChanges;
use tallyman_store::layers::StoredLayer;
use tallyman_store::package_sets::by_layer;
use tallyman_store::packages::ChangedKeys;

use crate::advisories::AdvisoriesError;
use crate::archives::{known_archives, packages_of};
use crate::blocking;
use crate::installation::Installation;
use crate::suppressions::derive_suppressions;

/// How many package versions are matched in one transaction.
const MATCH_BATCH: u32 = 5_000;
/// How many lists of packages are looked at in one read when states are decided again.
const STATE_BATCH: u32 = 5_000;
/// The setting that holds what the advisories covered when states were last decided.
const COVERAGE: &str = "advisory_coverage";

/// Why an image could not be stored or matched.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// The store failed.
    #[error("use the store")]
    Store(#[from] StoreError),
    /// The advisories could not be read.
    #[error(transparent)]
    Advisories(#[from] AdvisoriesError),
    /// The compiled advisories contradict themselves.
    #[error("read the advisory index")]
    Index(#[from] IndexError),
}

/// An image with what its final filesystem shows.
#[derive(Debug)]
pub struct JudgedImage {
    /// The distribution.
    pub distribution: Option<Distribution>,
    /// Its packages, in a stable order.
    pub packages: Vec<JudgedPackage>,
    /// Files that an alert rule flagged.
    pub alerts: Vec<InventoryAlert>,
    /// What could not be read.
    pub diagnostics: Vec<InventoryDiagnostic>,
    /// What the index said of its archives.
    pub archives: Vec<KnownArchive>,
    /// Whether it can be judged.
    pub state: AnalysisState,
}

/// A package of the final filesystem, with its findings.
#[derive(Debug)]
pub struct JudgedPackage {
    /// The package, with the release whose feed judges it.
    pub version: PackageVersion,
    /// The file that names it.
    pub path: String,
    /// The index of the layer that brought it.
    pub layer: usize,
    /// Whether it lies in a file of a distribution's package, which is judged in its place.
    pub is_owned: bool,
    /// Its findings, which it shares with the same version in other places.
    pub findings: Option<Arc<Vec<Finding>>>,
}

/// Squashes layers and judges the result by the current advisories, without storing anything.
///
/// # Errors
///
/// Any [`ImageError`].
pub async fn judge(
    installation: &Installation,
    index: Arc<AdvisoryIndex>,
    layers: Vec<Arc<LayerInventory>>,
) -> Result<JudgedImage, ImageError> {
    let archives = known_archives(installation, &layers).await?;
    blocking::run(move || {
        let inventory = squash(&layers, &packages_of(&archives));
        drop(layers);
        let ImageInventory { distribution, packages, alerts, diagnostics } = inventory;
        let mut packages = to_be_judged(packages, distribution.as_ref());
        let state = find_in_all(&index, &diagnostics, &mut packages)?;
        Ok(JudgedImage { distribution, packages, alerts, diagnostics, archives, state })
    })
    .await
}

/// Gives each package of a distribution the release whose feed judges it.
fn to_be_judged(
    packages: Vec<InventoryPackage>,
    distribution: Option<&Distribution>,
) -> Vec<JudgedPackage> {
    let release = distribution.map(Distribution::release);
    let judged = packages.into_iter().map(|InventoryPackage { package, path, layer, is_owned }| {
        let release = release.as_ref().filter(|_| package.ecosystem.is_distribution()).cloned();
        let version = PackageVersion { package, release };
        JudgedPackage { version, path, layer, is_owned, findings: None }
    });
    judged.collect()
}

/// Judges each package version once. What a distribution's package brought is judged by the
/// distribution's advisories alone.
fn find_in_all(
    index: &AdvisoryIndex,
    diagnostics: &[InventoryDiagnostic],
    packages: &mut [JudgedPackage],
) -> Result<AnalysisState, IndexError> {
    // An inventory is ordered by its packages: equal ones stand side by side.
    let mut distinct: Vec<&PackageVersion> = Vec::with_capacity(packages.len());
    let mut places = Vec::with_capacity(packages.len());
    for (at, package) in packages.iter().enumerate().filter(|(_, package)| !package.is_owned) {
        if distinct.last() != Some(&&package.version) {
            distinct.push(&package.version);
        }
        places.push((at, distinct.len() - 1));
    }
    let gaps = gaps(index, distinct.iter().copied());
    let state = AnalysisState::decide(diagnostics, packages.len(), &gaps);
    let found = blocking::map(&distinct, |version| {
        let findings = find_vulnerabilities(index, version)?.findings;
        Ok((!findings.is_empty()).then(|| Arc::new(findings)))
    });
    let found: Vec<_> = found.into_iter().collect::<Result<_, IndexError>>()?;
    for (at, place) in places {
        if let (Some(package), Some(findings)) = (packages.get_mut(at), found.get(place)) {
            package.findings.clone_from(findings);
        }
    }
    Ok(state)
}

/// Judges package versions, all of them different, and returns those that have findings.
pub(crate) fn find_distinct(
    index: &AdvisoryIndex,
    versions: Vec<&PackageVersion>,
) -> Result<BTreeMap<PackageVersion, Vec<Finding>>, IndexError> {
    let found = blocking::map(&versions, |version| find_vulnerabilities(index, version));
    let mut with_findings = BTreeMap::new();
    for (version, found) in versions.into_iter().zip(found) {
        let findings = found?.findings;
        if !findings.is_empty() {
            with_findings.insert(version.clone(), findings);
        }
    }
    Ok(with_findings)
}

/// Stores an image whose layers are all known, and matches what is new in it.
///
/// # Errors
///
/// Any [`ImageError`].
pub async fn record_image(
    installation: &Installation,
    image: &ResolvedImage,
    layers: Vec<StoredLayer>,
    fingerprint: &str,
    jobs: JobChanges,
) -> Result<ImageId, ImageError> {
    let inventory_digests = layers.iter().map(|layer| layer.inventory_digest.clone()).collect();
    let layers = layers.into_iter().map(|layer| layer.inventory).collect();
    let judged = judge(installation, current_index(installation).await?, layers).await?;
    let packages =
        judged.packages.into_iter().filter(|item| !item.is_owned).map(
            |JudgedPackage { version, path, layer, .. }| NewImagePackage { version, layer, path },
        );
    let packages = by_layer(packages)?;
    let new = NewImage {
        facts: facts(image, inventory_digests, fingerprint, judged.archives),
        distribution: judged.distribution,
        state: judged.state,
        packages,
        alerts: judged.alerts,
        diagnostics: judged.diagnostics,
    };
    let now_ms = installation.clock().now_ms();
    let id = installation.store().insert_image(new, jobs, now_ms).await?;
    match_pending(installation).await?;
    Ok(id)
}

/// Stores that an image could not be analysed.
///
/// # Errors
///
/// Any [`ImageError`].
pub async fn record_failure(
    installation: &Installation,
    image: &ResolvedImage,
    reason: &str,
    fingerprint: &str,
    jobs: JobChanges,
) -> Result<ImageId, ImageError> {
    let new = NewImage {
        facts: facts(image, Vec::new(), fingerprint, Vec::new()),
        distribution: None,
        state: AnalysisState::Failed { reason: reason.to_owned() },
        packages: Vec::new(),
        alerts: Vec::new(),
        diagnostics: Vec::new(),
    };
    let now_ms = installation.clock().now_ms();
    Ok(installation.store().insert_image(new, jobs, now_ms).await?)
}

fn facts(
    image: &ResolvedImage,
    inventory_digests: Vec<tallyman_model::digest::Digest>,
    fingerprint: &str,
    archives: Vec<KnownArchive>,
) -> ImageFacts {
    ImageFacts {
        config_digest: image.config_digest.clone(),
        manifest_digest: image.manifest_digest.clone(),
        platform: image.platform.clone(),
        created_ms: image.created_ms,
        layers: image.layers.clone(),
        inventory_digests,
        fingerprint: fingerprint.to_owned(),
        archives,
    }
}

/// What a match changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MatchOutcome {
    /// The package versions that were matched.
    pub matched: usize,
    /// Those of them whose findings changed.
    pub changed_versions: usize,
    /// The images whose counters changed.
    pub changed_images: usize,
}

/// Matches every package version that the current advisories have not judged yet, and counts the
/// images that hold a changed one. Without anything to do it writes nothing.
///
/// # Errors
///
/// Any [`ImageError`].
pub async fn match_pending(installation: &Installation) -> Result<MatchOutcome, ImageError> {
    let store = installation.store();
    let mut outcome = MatchOutcome::default();
    loop {
        let index = current_index(installation).await?;
        let batch = store.list_unmatched_package_versions(MATCH_BATCH).await?;
        if !batch.is_empty() {
            let count = batch.len();
            let revision = index.revision().to_owned();
            let findings = blocking::run(move || find_all(&index, batch)).await?;
            let now_ms = installation.clock().now_ms();
            let jobs = JobChanges::default();
            match store.replace_findings(&revision, findings, jobs, now_ms).await {
                Ok(changed) => {
                    outcome.matched += count;
                    outcome.changed_versions += changed.len();
                }
                // Another process has newer advisories: take those.
                Err(StoreError::OutdatedRevision { .. }) => {
                    installation.advisories().reload().await?;
                }
                Err(error) => return Err(error.into()),
            }
            continue;
        }
        let refreshed = store.refresh_stale_images().await?;
        outcome.changed_images += usize::try_from(refreshed.changed_images).unwrap_or(usize::MAX);
        derive_suppressions(installation).await?;
        store.settle_changes(installation.clock().now_ms()).await?;
        return Ok(outcome);
    }
}

fn find_all(
    index: &AdvisoryIndex,
    batch: Vec<(PackageVersionId, PackageVersion)>,
) -> Result<Vec<(PackageVersionId, Vec<Finding>)>, IndexError> {
    blocking::map(&batch, |(id, version)| Ok((*id, find_vulnerabilities(index, version)?.findings)))
        .into_iter()
        .collect()
}

/// Makes the revision of the advisories on disk the store's current one. When it is a new one, the
/// package versions that it says something else of are to be matched again, and the states of
/// images are decided again where a feed came or went.
async fn current_index(installation: &Installation) -> Result<Arc<AdvisoryIndex>, ImageError> {
    let store = installation.store();
    let stored = store.find_advisory_revision().await?;
    let older = installation.advisories().current();
    let is_current = stored.as_deref() == Some(older.revision());
    if is_current && !installation.advisories().is_outdated() {
        return Ok(older);
    }
    installation.advisories().reload().await?;
    let index = installation.advisories().current();
    if stored.as_deref() != Some(index.revision()) {
        let older = match is_current {
            true => Some(older),
            false => installation.advisories().find_revision(stored.as_deref()).await?,
        };
        let changed = match older {
            Some(older) => {
                let newer = Arc::clone(&index);
                ChangedKeys::Keys(blocking::run(move || newer.changed_keys(&older)).await?)
            }
            // The index that the store was matched with is gone.
            None => ChangedKeys::All,
        };
        decide_states(installation, &index).await?;
        let now_ms = installation.clock().now_ms();
        let jobs = JobChanges::default();
        store.set_advisory_revision(index.revision(), changed, jobs, now_ms).await?;
    }
    Ok(index)
}

/// Decides again whether images can be judged, where a feed came or went since it was decided.
async fn decide_states(
    installation: &Installation,
    index: &AdvisoryIndex,
) -> Result<(), ImageError> {
    let store = installation.store();
    let text = serde_json::to_string(index.coverage()).unwrap_or_default();
    let before = store.find_setting(COVERAGE).await?;
    if before.as_deref() == Some(text.as_str()) {
        return Ok(());
    }
    // Where it is not known what was covered, every list is looked at.
    let before: Option<Vec<CoverageGap>> = before.and_then(|text| serde_json::from_str(&text).ok());
    let is_changed = |kind: &CoverageGap| {
        before.as_ref().is_none_or(|before| covers(before, kind) != index.covers(kind))
    };
    let mut after = None;
    loop {
        let lists = store.list_package_list_kinds_after(after, STATE_BATCH).await?;
        let Some(last) = lists.last() else { break };
        after = Some(last.id);
        let mut states = Vec::new();
        for list in lists.into_iter().filter(|list| list.kinds.iter().any(is_changed)) {
            let gaps: Vec<CoverageGap> =
                list.kinds.iter().filter(|kind| !index.covers(kind)).cloned().collect();
            states.push((list.id, AnalysisState::judge(list.kinds.len(), &gaps)));
        }
        if !states.is_empty() {
            store.set_list_states(states).await?;
        }
    }
    store.set_setting(COVERAGE, &text).await?;
    Ok(())
}

/// Puts the layers of an image into their order; `Err` names those that are not known.
///
/// # Errors
///
/// The digests of the layers that are not known, each once.
pub fn in_order(
    image: &ResolvedImage,
    known: &HashMap<tallyman_model::digest::Digest, StoredLayer>,
) -> Result<Vec<StoredLayer>, Vec<tallyman_model::digest::Digest>> {
    let mut layers = Vec::with_capacity(image.layers.len());
    let mut missing = Vec::new();
    for layer in &image.layers {
        match known.get(&layer.digest) {
            Some(stored) => layers.push(stored.clone()),
            None if missing.contains(&layer.digest) => {}
            None => missing.push(layer.digest.clone()),
        }
    }
    if missing.is_empty() { Ok(layers) } else { Err(missing) }
}
