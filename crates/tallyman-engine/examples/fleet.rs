//! Fills a store with a fleet of images that are recombined from real ones, and prints what it costs
//! to match it, and to match it again.
//!
//!   fleet DIRECTORY IMAGES LAYOUTS ADVISORIES...
//!
//! Each image shows 200 packages: the base of a real image, a runtime, what an application depends
//! on, and ten more. Layers are shared as builds share them. The numbers that decide are made by a
//! generator with a fixed seed, so that two runs build the same fleet.

#![expect(clippy::print_stdout, reason = "a program prints its result")]

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use tallyman_engine::analysis::{AnalysisProgress, analyzer_fingerprint};
use tallyman_engine::images::{MatchOutcome, match_pending, record_image};
use tallyman_engine::installation::Installation;
use tallyman_engine::scan::{ScannedLayers, read_layers};
use tallyman_model::advisory::PackageKey;
use tallyman_model::clock::SystemClock;
use tallyman_model::coverage::AnalysisState;
use tallyman_model::digest::Digest;
use tallyman_model::image::{Compression, LayerDescriptor};
use tallyman_model::limits::Limits;
use tallyman_model::package::PackageVersion;
use tallyman_source::location::Location;
use tallyman_source::open::Sources;
use tallyman_source::options::SourceOptions;
use tallyman_store::images::{ImageFacts, NewImage};
use tallyman_store::jobs::JobChanges;
use tallyman_store::package_sets::{LayerPackages, PackageSet};
use tallyman_store::packages::ChangedKeys;

type Fallible<T> = Result<T, Box<dyn Error>>;

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

fn main() -> Fallible<()> {
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().ok_or("fleet DIRECTORY IMAGES LAYOUTS ADVISORIES...");
    let (directory, images, layouts) = (PathBuf::from(next()?), next()?.parse()?, next()?);
    let advisories: Vec<PathBuf> = arguments.map(PathBuf::from).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(run(&directory, images, Path::new(&layouts), advisories))
}

async fn run(
    directory: &Path,
    images: usize,
    layouts: &Path,
    advisories: Vec<PathBuf>,
) -> Fallible<()> {
    let limits = Limits::default();
    let real = directory.join("real");
    let seed = Installation::open(&real, Arc::new(SystemClock), limits.clone()).await?;
    let fleet = Fleet::read(&seed, layouts).await?;
    drop(seed);
    let data = directory.join(format!("fleet-{images}"));
    let installation = Installation::open(&data, Arc::new(SystemClock), limits).await?;
    installation.advisories().import(advisories, |_| {}).await?;

    let start = Instant::now();
    fleet.build(&installation, images).await?;
    let size = installation.data().database().metadata().map_or(0, |metadata| metadata.len());
    println!("fleet.{images}.build={:.1} s", start.elapsed().as_secs_f64());
    println!("fleet.{images}.database={} MB", size / 1_000_000);

    let measure = Measure { installation: &installation, images };
    measure.run("first-match").await?;
    measure.run("no-change").await?;
    let nothing = JobChanges::default();
    installation.store().set_advisory_revision("none", ChangedKeys::All, nothing, 0).await?;
    measure.run("full-rematch").await?;
    let versions = versions_in(&installation).await?;
    for (name, keys) in [("rare", rarest(&versions)), ("any", any(&versions))] {
        let folder = directory.join(name);
        std::fs::create_dir_all(&folder)?;
        for (at, key) in keys.iter().enumerate() {
            std::fs::write(folder.join(format!("{at}.json")), record(name, at, key))?;
        }
        let start = Instant::now();
        installation.advisories().import(vec![folder], |_| {}).await?;
        let import_ms = start.elapsed().as_millis();
        println!("fleet.{images}.change-{name}.import={import_ms} ms");
        measure.run(&format!("change-{name}")).await?;
    }
    Ok(())
}

/// What layers are drawn from.
struct Fleet {
    /// The distribution's packages of each real image that has enough of them.
    bases: Vec<Vec<PackageVersion>>,
    /// The packages of each language.
    languages: Vec<Vec<PackageVersion>>,
}

impl Fleet {
    /// Analyses the real images.
    async fn read(installation: &Installation, layouts: &Path) -> Fallible<Self> {
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

    async fn build(&self, installation: &Installation, images: usize) -> Fallible<()> {
        let mut shared: BTreeMap<(usize, usize), LayerPackages> = BTreeMap::new();
        let fingerprint = analyzer_fingerprint(installation.limits());
        for start in (0..images).step_by(BATCH) {
            let batch = (start..images.min(start + BATCH))
                .map(|number| self.image(number, &fingerprint, &mut shared))
                .collect::<Fallible<Vec<_>>>()?;
            installation.store().insert_images(batch, 0).await?;
            // Builds come one after the other: older applications are not built upon again.
            shared.retain(|(layer, _), _| *layer < 2);
        }
        Ok(())
    }

    fn image(
        &self,
        number: usize,
        fingerprint: &str,
        shared: &mut BTreeMap<(usize, usize), LayerPackages>,
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

/// How many sets hold the package versions of a key: here, how many versions there are.
type Versions = BTreeMap<PackageKey, usize>;

async fn versions_in(installation: &Installation) -> Fallible<Versions> {
    let mut versions = Versions::new();
    let mut count = 0;
    let mut after = None;
    loop {
        let page = installation.store().list_package_versions_after(after, 10_000).await?;
        let Some((last, _)) = page.last() else { break };
        after = Some(*last);
        count += page.len();
        for (_, version) in page {
            *versions.entry(tallyman_match::matcher::package_key(&version)).or_default() += 1;
        }
    }
    println!("fleet.package-versions={count} of {} packages", versions.len());
    versions.retain(|key, _| osv_name(key).is_some());
    Ok(versions)
}

/// The hundred keys of languages that the fewest package versions have.
fn rarest(versions: &Versions) -> BTreeSet<PackageKey> {
    let mut all: Vec<_> = versions.iter().filter(|(key, _)| key.release.is_none()).collect();
    all.sort_by_key(|(_, versions)| **versions);
    all.into_iter().take(100).map(|(key, _)| key.clone()).collect()
}

/// A hundred keys at equal distances, whatever has them.
fn any(versions: &Versions) -> BTreeSet<PackageKey> {
    let step = (versions.len() / 100).max(1);
    versions.keys().step_by(step).take(100).cloned().collect()
}

/// OSV's name of the ecosystem, of those that records are made for.
fn osv_name(key: &PackageKey) -> Option<String> {
    let release = key.release.as_ref().map(|release| (release.id(), release.release()));
    match (key.ecosystem.name(), release) {
        ("deb", Some(("debian", number))) => Some(format!("Debian:{number}")),
        ("pypi", None) => Some("PyPI".to_owned()),
        ("npm", None) => Some("npm".to_owned()),
        ("maven", None) => Some("Maven".to_owned()),
        ("gem", None) => Some("RubyGems".to_owned()),
        ("golang", None) => Some("Go".to_owned()),
        ("cargo", None) => Some("crates.io".to_owned()),
        _ => None,
    }
}

/// An OSV record that says that every version is affected.
fn record(prefix: &str, at: usize, key: &PackageKey) -> String {
    serde_json::json!({
        "schema_version": "1.6.0",
        "id": format!("BENCH-{prefix}-{at}"),
        "modified": "2026-01-01T00:00:00Z",
        "affected": [{
            "package": {"ecosystem": osv_name(key), "name": key.name},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}]}],
        }],
    })
    .to_string()
}

/// Runs a match and prints what it took.
struct Measure<'a> {
    installation: &'a Installation,
    images: usize,
}

impl Measure<'_> {
    async fn run(&self, name: &str) -> Fallible<()> {
        let store = self.installation.store();
        // Makes the peak start again where the kernel lets it.
        drop(std::fs::write("/proc/self/clear_refs", "5"));
        let (rows, kilobytes) = (store.rows_written().await?, written_kilobytes());
        let start = Instant::now();
        let MatchOutcome { matched, changed_versions, changed_images } =
            match_pending(self.installation).await?;
        let seconds = start.elapsed().as_secs_f64();
        let rows = store.rows_written().await? - rows;
        let kilobytes = written_kilobytes().saturating_sub(kilobytes);
        let peak = proc_number("/proc/self/status", "VmHWM:").unwrap_or(0) / 1024;
        println!(
            "fleet.{}.{name}={seconds:.3} s (versions matched {matched}, changed \
             {changed_versions}; images changed {changed_images}; rows {rows}, {kilobytes} kB \
             written; peak {peak} MB)",
            self.images,
        );
        Ok(())
    }
}

fn written_kilobytes() -> u64 {
    proc_number("/proc/self/io", "write_bytes:").unwrap_or(0) / 1000
}

fn proc_number(file: &str, name: &str) -> Option<u64> {
    let text = std::fs::read_to_string(file).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
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
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let limit = u64::try_from(limit.max(1)).unwrap_or(1);
        usize::try_from((z ^ (z >> 31)) % limit).unwrap_or(0)
    }
}
