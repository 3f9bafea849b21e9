//! The VEX documents and ignore rules of an installation: kept in the store, applied to what is
//! scanned with it, and to the counters of the images that servers have.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use tallyman_match::vex::judge::{ImageView, Judgement, PackageView, Place, Suppressions};
use tallyman_model::digest::Digest;
use tallyman_model::finding_state::{AppliedRule, AppliedStatement, FindingState};
use tallyman_model::host::ServerUuid;
use tallyman_model::ignore::IgnoreRule;
use tallyman_model::reference::ImageReference;
use tallyman_model::vex::VexDocument;
use tallyman_store::error::StoreError;
use tallyman_store::ids::{ImageId, SuppressionSetId};
use tallyman_store::images::{StoredImage, StoredImagePackage};
use tallyman_store::suppressions::sets::{
    SuppressedVulnerability, SuppressionSet, Suppressor, SuppressorKind,
};
use tallyman_store::suppressions::{
    StoredVex, SuppressibleImage, SuppressionUpdate, SuppressionWork,
};

use crate::blocking;
use crate::fleet::ImageProvenance;
use crate::installation::Installation;
use crate::jobs::match_at;
use crate::suppress::SuppressionInput;

/// How many images are judged with one read of their places.
const BATCH: usize = 200;
/// How often suppressions are derived again because something changed meanwhile. Who changes
/// something derives them as well, so giving up loses nothing.
const ATTEMPTS: usize = 5;

/// Where documents of the installation come from, in reports.
const ORIGIN: &str = "the installation";

/// Stores a document and applies it.
///
/// # Errors
///
/// A [`StoreError`].
pub async fn import_vex(
    installation: &Installation,
    documents: Vec<VexDocument>,
) -> Result<Vec<StoredVex>, StoreError> {
    let mut outcomes = Vec::with_capacity(documents.len());
    for document in documents {
        let now_ms = installation.clock().now_ms();
        outcomes.push(installation.store().replace_vex_document(document, now_ms).await?);
    }
    derive_suppressions(installation).await?;
    Ok(outcomes)
}

/// Forgets a document; tells whether there was one.
///
/// # Errors
///
/// A [`StoreError`].
pub async fn remove_vex(installation: &Installation, id: &str) -> Result<bool, StoreError> {
    let removed = installation.store().delete_vex_document(id).await?;
    derive_suppressions(installation).await?;
    Ok(removed)
}

/// Adds a rule and applies it; tells whether there was none with its identifier. When it expires,
/// a running server finds work to do.
///
/// # Errors
///
/// A [`StoreError`].
pub async fn add_rule(
    installation: &Installation,
    mut rule: IgnoreRule,
) -> Result<bool, StoreError> {
    let now_ms = installation.clock().now_ms();
    rule.created_ms = rule.created_ms.or(Some(now_ms));
    let expiry = rule.expires_ms.map(|at| match_at(&format!("rule {} expires", rule.id), at));
    let store = installation.store();
    if !store.insert_ignore_rule(rule).await? {
        return Ok(false);
    }
    if let Some(job) = expiry {
        store.enqueue_job(job, now_ms).await?;
    }
    derive_suppressions(installation).await?;
    Ok(true)
}

/// Removes a rule; tells whether there was one.
///
/// # Errors
///
/// A [`StoreError`].
pub async fn remove_rule(installation: &Installation, id: &str) -> Result<bool, StoreError> {
    let removed = installation.store().delete_ignore_rule(id).await?;
    derive_suppressions(installation).await?;
    Ok(removed)
}

/// Returns what the installation says of an image that is scanned with it.
///
/// # Errors
///
/// A [`StoreError`].
pub async fn stored_input(installation: &Installation) -> Result<SuppressionInput, StoreError> {
    let work = installation.store().load_suppressions().await?;
    Ok(SuppressionInput {
        documents: work.documents.into_iter().map(|it| (ORIGIN.to_owned(), it)).collect(),
        rules: work.rules,
        image_digests: Vec::new(),
    })
}

/// Derives again which vulnerabilities of which image on which server do not count, if anything
/// changed that this depends on. Only what differs is written, and told as a change of the images.
///
/// # Errors
///
/// A [`StoreError`].
pub async fn derive_suppressions(installation: &Installation) -> Result<(), StoreError> {
    let store = installation.store();
    for _ in 0..ATTEMPTS {
        let now_ms = installation.clock().now_ms();
        let Some(work) = store.find_suppression_work(now_ms).await? else { return Ok(()) };
        let mark = work.mark.clone();
        let update = find_changes(installation, work, now_ms).await?;
        if store.set_suppressions(mark, update, now_ms).await? {
            store.settle_changes(installation.clock().now_ms()).await?;
            return Ok(());
        }
    }
    Ok(())
}

async fn find_changes(
    installation: &Installation,
    work: SuppressionWork,
    now_ms: i64,
) -> Result<SuppressionUpdate, StoreError> {
    let store = installation.store();
    let names = names(&work);
    let images = match work.documents.is_empty() && work.rules.is_empty() {
        // Nothing is suppressed any more.
        true => store.list_suppressible_images(Some(&BTreeSet::new())).await?,
        false => store.list_suppressible_images(names.as_ref()).await?,
    };
    let differs_by_server = work.rules.iter().any(|rule| rule.server.is_some());
    let suppressions =
        blocking::run(move || Arc::new(Suppressions::new(&work.documents, &work.rules))).await;
    let mut update = SuppressionUpdate::default();
    for batch in images.chunks(BATCH) {
        let mut places: BTreeMap<ImageId, Vec<SuppressibleImage>> = BTreeMap::new();
        for place in store.list_places_of_images(batch).await? {
            places.entry(place.image_id).or_default().push(place);
        }
        for (image_id, places) in places {
            let image = store.find_image(image_id).await?;
            let packages = store.find_image_packages(image_id).await?;
            let (Some(image), Some(packages)) = (image, packages) else { continue };
            let suppressions = Arc::clone(&suppressions);
            let of_image = blocking::run(move || {
                let judged = JudgedImage { image, packages, differs_by_server, now_ms };
                judged.changes(&suppressions, places)
            });
            let SuppressionUpdate { sets, places } = of_image.await?;
            update.sets.extend(sets);
            update.places.extend(places);
        }
    }
    Ok(update)
}

/// Returns the names of all vulnerabilities that are spoken of, `None` where a rule speaks of all.
fn names(work: &SuppressionWork) -> Option<BTreeSet<String>> {
    if work.rules.iter().any(|rule| rule.vulnerabilities.is_empty()) {
        return None;
    }
    let of_rules = work.rules.iter().flat_map(|rule| &rule.vulnerabilities);
    let statements = work.documents.iter().flat_map(|document| &document.statements);
    let of_statements = statements.flat_map(|statement| &statement.vulnerabilities);
    Some(of_rules.chain(of_statements).map(|name| name.to_ascii_uppercase()).collect())
}

/// What an image is called somewhere, its digests there, and the server where that matters.
type Called = (Vec<String>, Vec<Digest>, Option<ServerUuid>);

/// An image with its findings.
struct JudgedImage {
    image: StoredImage,
    packages: Vec<StoredImagePackage>,
    differs_by_server: bool,
    now_ms: i64,
}

impl JudgedImage {
    /// Images that are called the same are judged once, unless a rule is for one server.
    fn changes(
        &self,
        suppressions: &Suppressions,
        places: Vec<SuppressibleImage>,
    ) -> Result<SuppressionUpdate, StoreError> {
        let mut known: HashMap<Called, Option<SuppressionSetId>> = HashMap::new();
        let mut update = SuppressionUpdate::default();
        for place in places {
            let provenance = ImageProvenance::of_value(place.registry);
            let digests = self.digests(&place.names, provenance.manifest_digest);
            let server = self.differs_by_server.then(|| place.server_uuid.clone());
            let key = (place.names, digests, server);
            let suppressed = match known.get(&key) {
                Some(suppressed) => *suppressed,
                None => {
                    let set = self.suppressed(suppressions, &key.0, &key.1, &place.server_uuid);
                    let id = set.as_ref().map(SuppressionSet::id).transpose()?;
                    update.sets.extend(id.zip(set));
                    known.insert(key, id);
                    id
                }
            };
            if suppressed != place.suppressed {
                update.places.push((place.server_uuid, place.image_id, suppressed));
            }
        }
        Ok(update)
    }

    fn digests(&self, names: &[String], pulled: Option<Digest>) -> Vec<Digest> {
        let summary = &self.image.summary;
        let of_names =
            names.iter().filter_map(|name| name.parse::<ImageReference>().ok()?.digest().cloned());
        let mut digests: Vec<Digest> = [Some(summary.config_digest.clone())]
            .into_iter()
            .chain([summary.manifest_digest.clone(), pulled])
            .flatten()
            .chain(of_names)
            .collect();
        digests.sort();
        digests.dedup();
        digests
    }

    /// Returns the vulnerabilities that are suppressed in every place of the image.
    fn suppressed(
        &self,
        suppressions: &Suppressions,
        names: &[String],
        digests: &[Digest],
        server: &ServerUuid,
    ) -> Option<SuppressionSet> {
        let image = ImageView {
            digests: digests.to_vec(),
            names: names.to_vec(),
            architecture: Some(self.image.summary.platform.architecture.clone()),
            distribution: self.image.distribution.clone(),
        };
        let purls: Vec<String> = self.packages.iter().map(|it| it.version.purl()).collect();
        let views: Vec<PackageView<'_>> =
            self.packages.iter().zip(&purls).map(|(package, purl)| view(package, purl)).collect();
        let now_ms = self.now_ms;
        let place = Place { image: &image, packages: &views, server: Some(server), now_ms };
        // `None`: it counts in one of its places.
        let mut found: BTreeMap<&str, Option<SuppressedVulnerability>> = BTreeMap::new();
        for (package, view) in self.packages.iter().zip(&views) {
            for stored in &package.findings {
                let finding = &stored.finding;
                let by = match suppressions.may_speak_of(finding) {
                    true => suppressor(suppressions.judge(place, view, finding)),
                    false => None,
                };
                let here = by.map(|by| SuppressedVulnerability { severity: finding.severity, by });
                match found.entry(&finding.id) {
                    Entry::Vacant(entry) => {
                        entry.insert(here);
                    }
                    Entry::Occupied(mut entry) => {
                        let known = entry.get_mut();
                        *known = known.take().zip(here).map(|(known, here)| {
                            let severity = known.severity.max(here.severity);
                            SuppressedVulnerability { severity, ..known }
                        });
                    }
                }
            }
        }
        let suppressed = found.into_iter().filter_map(|(name, it)| Some((name.to_owned(), it?)));
        SuppressionSet::new(suppressed.collect())
    }
}

/// Returns who says that a finding does not count, if it does not.
fn suppressor(judgement: Judgement) -> Option<Suppressor> {
    match judgement.state {
        FindingState::NotAffected | FindingState::Fixed => {
            let AppliedStatement { document, author, justification, impact, .. } = judgement.vex?;
            let reason = impact.or(justification);
            Some(Suppressor { kind: SuppressorKind::Vex, id: document, author, reason })
        }
        FindingState::Ignored => {
            let AppliedRule { id, author, reason, .. } = judgement.ignored_by?;
            Some(Suppressor { kind: SuppressorKind::Rule, id, author, reason: Some(reason) })
        }
        FindingState::Open
        | FindingState::WillNotFix
        | FindingState::EndOfLife
        | FindingState::Undetermined => None,
    }
}

fn view<'a>(package: &'a StoredImagePackage, purl: &str) -> PackageView<'a> {
    let named = &package.version.package;
    let source = named.source.as_ref();
    let text = (&*named.name, &*named.version);
    PackageView::new(named.ecosystem, text, source, &package.path, purl)
}
