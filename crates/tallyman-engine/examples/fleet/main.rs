//! Fills a store with a fleet of images that are recombined from real ones, and prints what it costs
//! to match it, to match it again, and to tell what changed.
//!
//!   fleet DIRECTORY IMAGES LAYOUTS ADVISORIES...
//!   fleet --match DATA      matches what is to be matched, as the first does to a child it kills
//!
//! Each image shows 200 packages: the base of a real image, a runtime, what an application depends
//! on, and ten more. Layers are shared as builds share them. The numbers that decide are made by a
//! generator with a fixed seed, so that two runs build the same fleet.

#![expect(clippy::print_stdout, reason = "a program prints its result")]

mod images;
mod measure;
mod records;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use tallyman_engine::analysis::analyzer_fingerprint;
use tallyman_engine::images::match_pending;
use tallyman_engine::installation::Installation;
use tallyman_model::clock::{Clock, SystemClock};
use tallyman_model::host::{HostFacts, ServerUuid};
use tallyman_model::limits::Limits;
use tallyman_store::changes::{ChangeCursor, ChangeFilter};
use tallyman_store::ids::ImageId;
use tallyman_store::images::SeverityCounts;
use tallyman_store::jobs::JobChanges;
use tallyman_store::packages::ChangedKeys;
use tallyman_store::servers::{ServerImage, ServerReport};

use crate::images::{Fleet, SharedLayers};
use crate::measure::Measure;
use crate::records::{any, rarest, record, versions_in};

type Fallible<T> = Result<T, Box<dyn Error>>;

/// Images of each server.
const IMAGES_OF_SERVER: usize = 50;
/// Reports that are on their way at the same time.
const REPORTS_AT_ONCE: usize = 256;
/// Images that are taken in one by one.
const TAKEN_IN: u32 = 500;
/// How often and how soon a child that matches is killed.
const KILLS: u32 = 4;
const KILL_AFTER: Duration = Duration::from_millis(250);
/// How many changes are read at once.
const PAGE: u32 = 200;
/// Longer than changes are kept.
const QUARTER_MS: i64 = 91 * 24 * 60 * 60 * 1_000;

fn main() -> Fallible<()> {
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().ok_or("fleet DIRECTORY IMAGES LAYOUTS ADVISORIES...");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let directory = next()?;
    if directory == "--match" {
        let data = PathBuf::from(next()?);
        return runtime.block_on(async {
            let clock = Arc::new(SystemClock);
            let installation = Installation::open(&data, clock, Limits::default()).await?;
            match_pending(&installation).await?;
            Ok(())
        });
    }
    let (directory, images, layouts) = (PathBuf::from(directory), next()?.parse()?, next()?);
    let advisories: Vec<PathBuf> = arguments.map(PathBuf::from).collect();
    runtime.block_on(run(&directory, images, Path::new(&layouts), advisories))
}

/// The clock of the machine, put forward.
struct ShiftedClock(AtomicI64);

impl Clock for ShiftedClock {
    fn now_ms(&self) -> i64 {
        SystemClock.now_ms() + self.0.load(Ordering::Relaxed)
    }
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
    let clock = Arc::new(ShiftedClock(AtomicI64::new(0)));
    let installation = Installation::open(&data, Arc::<ShiftedClock>::clone(&clock), limits);
    let installation = Arc::new(installation.await?);
    installation.advisories().import(advisories, |_| {}).await?;
    let measure = Measure { installation: &installation, images };

    let start = Instant::now();
    let ids = fleet.build(&installation, 0..images).await?;
    measure.print("build", start);
    let start = Instant::now();
    report(&installation, &ids).await?;
    measure.print("report", start);

    measure.run("first-match").await?;
    measure.run("no-change").await?;
    print_size(&installation, images);
    take_in(&fleet, &installation, images).await?;
    let nothing = JobChanges::default();
    installation.store().set_advisory_revision("none", ChangedKeys::All, nothing, 0).await?;
    measure.run("full-rematch").await?;

    let versions = versions_in(&installation).await?;
    change(&measure, directory, "rare", &records_of("rare", &rarest(&versions))).await?;
    measure.run("change-rare").await?;
    read_changes(&measure, "change-rare").await?;
    change(&measure, directory, "any", &records_of("any", &any(&versions))).await?;
    measure.run("change-any").await?;
    read_changes(&measure, "change-any").await?;

    let before = answers(&installation).await?;
    change(&measure, directory, "killed", &records_of("killed", &any(&versions))).await?;
    for _ in 0..KILLS {
        let mut command = std::process::Command::new(std::env::current_exe()?);
        let mut child = command.arg("--match").arg(&data).spawn()?;
        tokio::time::sleep(KILL_AFTER).await;
        child.kill()?;
        println!("fleet.{images}.killed={}", child.wait()?);
    }
    measure.run("after-kills").await?;
    check(&measure, &before, &answers(&installation).await?).await?;

    clock.0.store(QUARTER_MS, Ordering::Relaxed);
    change(&measure, directory, "late", &records_of("late", &rarest(&versions))).await?;
    measure.run("forget-changes").await?;
    print_size(&installation, images);
    Ok(())
}

/// Every server has some images, each of which two servers have.
async fn report(installation: &Arc<Installation>, ids: &[ImageId]) -> Fallible<()> {
    let mut tasks = tokio::task::JoinSet::new();
    let halves = ids.chunks(IMAGES_OF_SERVER / 2);
    let mut before: &[ImageId] = halves.clone().next_back().unwrap_or_default();
    for (number, half) in halves.enumerate() {
        let images = before.iter().chain(half).map(|id| ServerImage {
            image_id: *id,
            name: format!("registry.example/app:{}", id.0),
            names: vec![format!("registry.example/app:{}", id.0)],
            engine: "docker".to_owned(),
            registry: None,
        });
        let report = ServerReport {
            server_uuid: format!("00000000-0000-0000-0000-{number:012}").parse()?,
            facts: HostFacts { hostname: format!("host-{number}"), ..HostFacts::default() },
            agent_version: None,
            images: Some(images.collect()),
        };
        before = half;
        let installation = Arc::clone(installation);
        tasks.spawn(async move {
            installation.store().report_server(report, JobChanges::default(), 0).await.map(drop)
        });
        if tasks.len() >= REPORTS_AT_ONCE
            && let Some(outcome) = tasks.join_next().await
        {
            outcome??;
        }
    }
    while let Some(outcome) = tasks.join_next().await {
        outcome??;
    }
    Ok(())
}

fn print_size(installation: &Installation, images: usize) {
    let size = installation.data().database().metadata().map_or(0, |metadata| metadata.len());
    let of_image = size / u64::try_from(images.max(1)).unwrap_or(1);
    println!("fleet.{images}.database={} MB ({of_image} bytes for an image)", size / 1_000_000);
}

/// Takes in images one by one, as they come.
async fn take_in(fleet: &Fleet, installation: &Installation, images: usize) -> Fallible<()> {
    let mut shared = SharedLayers::new();
    let fingerprint = analyzer_fingerprint(installation.limits());
    let rows = installation.store().rows_written().await?;
    let start = Instant::now();
    for number in (images..).take(usize::try_from(TAKEN_IN)?) {
        let image = fleet.image(number, &fingerprint, &mut shared)?;
        installation.store().insert_image(image, JobChanges::default(), 0).await?;
        match_pending(installation).await?;
    }
    let each = start.elapsed() / TAKEN_IN;
    let rows = (installation.store().rows_written().await? - rows) / u64::from(TAKEN_IN);
    println!("fleet.{images}.one-more-image={} us ({rows} rows)", each.as_micros());
    Ok(())
}

fn records_of(
    prefix: &str,
    keys: &std::collections::BTreeSet<tallyman_model::advisory::PackageKey>,
) -> Vec<String> {
    keys.iter().enumerate().map(|(at, key)| record(prefix, at, key)).collect()
}

/// Imports records.
async fn change(
    measure: &Measure<'_>,
    directory: &Path,
    name: &str,
    records: &[String],
) -> Fallible<()> {
    let folder = directory.join(name);
    std::fs::create_dir_all(&folder)?;
    for (at, record) in records.iter().enumerate() {
        std::fs::write(folder.join(format!("{at}.json")), record)?;
    }
    let start = Instant::now();
    measure.installation.advisories().import(vec![folder], |_| {}).await?;
    measure.print(&format!("import-{name}"), start);
    Ok(())
}

/// Reads what changed as the API and webhooks do.
async fn read_changes(measure: &Measure<'_>, name: &str) -> Fallible<()> {
    let store = measure.installation.store();
    let all = ChangeFilter::default();
    let start = Instant::now();
    let page = store.list_risk_changes(&all, None, PAGE).await?;
    measure.print(&format!("{name}.newest-page"), start);
    let Some(newest) = page.first().map(|change| change.sequence) else { return Ok(()) };
    let server: ServerUuid = "00000000-0000-0000-0000-000000000001".parse()?;
    let of_server = ChangeFilter { servers: Some(vec![server]), ..ChangeFilter::default() };
    let start = Instant::now();
    let count = store.list_risk_changes(&of_server, None, PAGE).await?.len();
    measure.print(&format!("{name}.page-of-a-server-with-{count}"), start);
    let first = ChangeCursor { sequence: 0, image_id: ImageId(0) };
    let start = Instant::now();
    store.list_risk_changes_between(first, newest, PAGE).await?;
    measure.print(&format!("{name}.first-message"), start);
    let middle = ChangeCursor { sequence: newest / 2, image_id: ImageId(0) };
    let start = Instant::now();
    store.list_risk_changes_between(middle, newest, PAGE).await?;
    measure.print(&format!("{name}.message-in-the-middle"), start);
    Ok(())
}

/// The counters of all images.
type Answers = Vec<(ImageId, SeverityCounts)>;

async fn answers(installation: &Installation) -> Fallible<Answers> {
    let mut answers = Answers::new();
    loop {
        let after = answers.last().map(|(id, _)| *id);
        let page = installation.store().list_images_after(after, 10_000).await?;
        if page.is_empty() {
            return Ok(answers);
        }
        answers.extend(page.into_iter().map(|image| (image.image_id, image.vul_by_severity)));
    }
}

/// Compares what was told with what changed, and the counters of some images with their findings.
async fn check(measure: &Measure<'_>, before: &Answers, after: &Answers) -> Fallible<()> {
    let store = measure.installation.store();
    let changed = before.iter().zip(after).filter(|(before, after)| before != after).count();
    let newest = store.list_risk_changes(&ChangeFilter::default(), None, 1).await?;
    let Some(revision) = newest.first().map(|change| change.revision_number) else {
        return Err("nothing was told".into());
    };
    let of_revision =
        ChangeFilter { after_revision: Some(revision - 1), ..ChangeFilter::default() };
    let (mut told, mut last) = (0, None);
    loop {
        let page = store.list_risk_changes(&of_revision, last, 10_000).await?;
        let Some(change) = page.last() else { break };
        last = Some(change.cursor());
        told += page.len();
    }
    let mut wrong = 0;
    for (id, counts) in after.iter().step_by((after.len() / 1_000).max(1)) {
        let packages = store.image_findings(*id).await?.unwrap_or_default();
        let names: std::collections::BTreeSet<_> = packages
            .iter()
            .flat_map(|package| package.findings.iter().map(|it| it.finding.id.as_str()))
            .collect();
        wrong += usize::from(names.len() as u64 != counts.iter().map(|(_, n)| n).sum::<u64>());
    }
    println!(
        "fleet.{}.check=images changed {changed}, told of {told}; wrong counters {wrong} of 1000",
        measure.images,
    );
    Ok(())
}
