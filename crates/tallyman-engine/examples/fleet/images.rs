//! The images of a fleet, recombined from real ones.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tallyman_engine::analysis::{AnalysisProgress, analyzer_fingerprint};
use tallyman_engine::images::record_image;
use tallyman_engine::installation::Installation;
use tallyman_engine::scan::{ScannedLayers, read_layers};
use tallyman_model::coverage::AnalysisState;
use tallyman_model::digest::Digest;
use tallyman_model::image::{Compression, LayerDescriptor};
use tallyman_model::package::PackageVersion;
use tallyman_source::location::Location;
use tallyman_source::open::Sources;
use tallyman_source::options::SourceOptions;
use tallyman_store::ids::ImageId;
use tallyman_store::images::{ImageFacts, NewImage};
use tallyman_store::jobs::JobChanges;
use tallyman_store::package_sets::{LayerPackages, PackageSet};

use crate::Fallible;

/// Rebuilds of a base within the time that a fleet's images are of.
const BASES: usize = 12;
/// Distinct runtimes on each base.
const RUNTIMES: usize = 20;
/// Builds that have the same dependencies.
const BUILDS_WITH_DEPENDENCIES: usize = 20;
/// Builds that have the same packages in their last layer as well.
const BUILDS_WITH_ALL: usize = 4;
/// Packages of an image by layer.
const PACKAGES: [usize; 4] = [90, 40, 60, 10];
/// Images in one transaction.
const BATCH: usize = 20_000;

/// Layers that were drawn, by their place and number.
pub(crate) type SharedLayers = BTreeMap<(usize, usize), LayerPackages>;

/// What layers are drawn from.
pub(crate) struct Fleet {
    /// The distribution's packages of each real image that has enough of them.
    bases: Vec<Vec<PackageVersion>>,
    /// The packages of each language.
    languages: Vec<Vec<PackageVersion>>,
}

impl Fleet {
    /// Analyses the real images.
    pub(crate) async fn read(installation: &Installation, layouts: &Path) -> Fallible<Self> {
        let sources = Sources::new(SourceOptions::default())?;
        let mut bases = Vec::new();
        let mut languages: BTreeMap<&str, BTreeMap<String, PackageVersion>> = BTreeMap::new();
        let mut folders: Vec<PathBuf> =
            layouts.read_dir()?.filter_map(Result::ok).map(|entry| entry.path()).collect();
        folders.sort();
        for path in folders.into_iter().filter(|path| path.join("oci-layout").exists()) {
            let location = Location::OciLayout { path, reference: None };
            let open = Arc::new(sources.open(&location).await?);
            let progress = Arc::new(AnalysisProgress::default());
            let layers = read_layers(installation, Arc::clone(&open), progress).await?;
            let ScannedLayers::Complete(layers) = layers else { continue };
            let fingerprint = analyzer_fingerprint(installation.limits());
            let jobs = JobChanges::default();
            let id = record_image(installation, open.image(), layers, &fingerprint, jobs).await?;
            let packages = installation.store().find_image_packages(id).await?.unwrap_or_default();
            let mut base = BTreeMap::new();
            for package in packages {
                let (ecosystem, version) = (package.version.package.ecosystem, package.version);
                if ecosystem.is_distribution() {
                    base.insert(version.package.name.clone(), version);
                } else {
                    let name = format!("{} {}", version.package.name, version.package.version);
                    languages.entry(ecosystem.name()).or_default().insert(name, version);
                }
            }
            if base.len() >= PACKAGES[0] {
                bases.push(base.into_values().collect());
            }
        }
        let languages = languages.into_values().filter(|packages| packages.len() >= 100);
        let languages: Vec<Vec<PackageVersion>> =
            languages.map(|packages| packages.into_values().collect()).collect();
        let sum: usize = languages.iter().map(Vec::len).sum();
        println!("fleet.bases={} images", bases.len());
        println!("fleet.language-packages={sum} of {} languages", languages.len());
        Ok(Fleet { bases, languages })
    }

    /// Stores the images of a part of the fleet; returns their ids.
    pub(crate) async fn build(
        &self,
        installation: &Installation,
        part: std::ops::Range<usize>,
    ) -> Fallible<Vec<ImageId>> {
        let mut shared = SharedLayers::new();
        let fingerprint = analyzer_fingerprint(installation.limits());
        let mut ids = Vec::with_capacity(part.len());
        for start in part.clone().step_by(BATCH) {
            let batch = (start..part.end.min(start + BATCH))
                .map(|number| self.image(number, &fingerprint, &mut shared))
                .collect::<Fallible<Vec<_>>>()?;
            ids.extend(installation.store().insert_images(batch, 0).await?);
            // Builds come one after the other: older applications are not built upon again.
            shared.retain(|(layer, _), _| *layer < 2);
        }
        Ok(ids)
    }

    /// Makes one image; `shared` has the layers that were drawn before.
    pub(crate) fn image(
        &self,
        number: usize,
        fingerprint: &str,
        shared: &mut SharedLayers,
    ) -> Fallible<NewImage> {
        let application = number / BUILDS_WITH_DEPENDENCIES;
        let mut choice = Numbers(application as u64);
        let base = choice.below(self.bases.len() * BASES);
        let runtime = base * RUNTIMES + choice.below(RUNTIMES);
        let mut packages = Vec::new();
        let mut layers = Vec::new();
        let ids = [base, runtime, application, number / BUILDS_WITH_ALL];
        for (layer, id) in ids.into_iter().enumerate() {
            let set = match shared.get(&(layer, id)) {
                Some(set) => set.clone(),
                None => {
                    let set = self.layer(layer, id, base)?;
                    shared.insert((layer, id), set.clone());
                    set
                }
            };
            packages.push(set);
            layers.push(descriptor(&format!("layer {layer} {id}")));
        }
        layers.push(descriptor(&format!("code {number}")));
        Ok(NewImage {
            facts: ImageFacts {
                config_digest: digest(&format!("config {number}")),
                manifest_digest: None,
                platform: "linux/amd64".parse()?,
                created_ms: Some(0),
                inventory_digests: layers.iter().map(|layer| layer.digest.clone()).collect(),
                layers,
                fingerprint: fingerprint.to_owned(),
                archives: Vec::new(),
            },
            distribution: None,
            state: AnalysisState::Analyzed,
            packages,
            alerts: Vec::new(),
            diagnostics: Vec::new(),
        })
    }

    /// Draws the packages of a layer.
    fn layer(&self, layer: usize, id: usize, base: usize) -> Fallible<LayerPackages> {
        let mut numbers = Numbers((id as u64) << 8 | layer as u64);
        let of_application = |id: usize| &self.languages[id % self.languages.len()];
        let pool = match layer {
            0 | 1 => &self.bases[base % self.bases.len()],
            2 => of_application(id),
            _ => of_application(id * BUILDS_WITH_ALL / BUILDS_WITH_DEPENDENCIES),
        };
        let mut packages = BTreeMap::new();
        for at in 0..PACKAGES[layer] * 4 {
            // A base has the same packages in each of its rebuilds, and a runtime some of those
            // behind them. Of a language, some packages are in most applications and most in few.
            let place = match layer {
                0 => at,
                1 => PACKAGES[0] + numbers.below(pool.len().saturating_sub(PACKAGES[0]).max(1)),
                _ => {
                    let limit = numbers.below(pool.len()) + 1;
                    numbers.below(limit)
                }
            };
            let mut version = pool[place % pool.len()].clone();
            // One in ten has another version in another rebuild.
            if numbers.below(10) == 0 {
                let rebuild = if layer < 2 { base / self.bases.len() } else { numbers.below(4) };
                version.package.version = format!("{}.{rebuild}", version.package.version);
            }
            packages.entry(version.package.name.clone()).or_insert(version);
            if packages.len() == PACKAGES[layer] {
                break;
            }
        }
        let members = packages.into_iter().map(|(name, version)| (version, format!("lib/{name}")));
        Ok(LayerPackages { layer, set: Arc::new(PackageSet::new(members)?) })
    }
}

fn digest(text: &str) -> Digest {
    let hash = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
    let mut bytes = [0; 32];
    bytes.copy_from_slice(hash.as_ref());
    Digest::from_sha256(&bytes)
}

fn descriptor(text: &str) -> LayerDescriptor {
    LayerDescriptor {
        digest: digest(text),
        size_bytes: 10_000_000,
        compression: Some(Compression::Gzip),
        media_type: "application/vnd.oci.image.layer.v1.tar+gzip".to_owned(),
        urls: Vec::new(),
    }
}

/// Numbers that look random and are the same in each run (SplitMix64).
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let limit = u64::try_from(limit.max(1)).unwrap_or(1);
        usize::try_from((z ^ (z >> 31)) % limit).unwrap_or(0)
    }
}
