//! `tallyman scan`.

mod explain;
mod table;

use std::sync::Arc;

use anyhow::Context;
use tallyman_engine::analysis::AnalysisProgress;
use tallyman_engine::directory::{Directory, scan_directory};
use tallyman_engine::feed_updates::last_known_ms;
use tallyman_engine::installation::Installation;
use tallyman_engine::jobs::enqueue_analysis;
use tallyman_engine::report::ScanReport;
use tallyman_engine::sbom::{SbomFormat, SbomOptions, render};
use tallyman_engine::scan::{ScanError, scan, unscanned};
use tallyman_engine::scan_attached::scan_attached;
use tallyman_engine::scan_sbom::scan_sbom;
use tallyman_engine::suppress::{SuppressionInput, apply};
use tallyman_engine::suppressions::stored_input;
use tallyman_engine::vex_attached::attached_vex;
use tallyman_engine::vex_files::{read_rules, read_vex};
use tallyman_engine::vex_output::{self, VexOptions};
use tallyman_model::coverage::AnalysisState;
use tallyman_model::platform::Platform;
use tallyman_source::containers_storage::settings::StorePlace;
use tallyman_source::directory::Mounts;
use tallyman_source::listing::{Choice, Images, Platforms, Target};
use tallyman_source::location::Location;
use tallyman_source::open::Sources;

use crate::cli::scan::{FailOn, PlatformChoice, Scan, ScanFormat};
use crate::commands::db::age_days;
use crate::commands::scan::table::Show;
use crate::commands::setup;
use crate::exit::{Exit, UsageError};
use crate::output::{self, JsonArray};
use crate::progress::Progress;

/// Tells whether an image is read from a registry, which keeps several threads busy.
pub(super) fn is_remote(args: &Scan) -> bool {
    matches!(Location::parse(&args.image), Ok(Location::Registry(_)))
}

pub(super) async fn run(args: Scan) -> anyhow::Result<Exit> {
    let location = Location::parse(&args.image)
        .map_err(|error| anyhow::anyhow!("failed to {error}"))
        .with_context(|| format!("scanning {}", args.image))?;
    check(&args, &location)?;
    let limits = setup::limits(&args.limits)?;
    let directory = args.data.directory()?;
    let installation = match args.queue {
        true => setup::open(&directory, limits).await?,
        false => setup::open_for_scans(&directory, limits).await?,
    };
    warn_of_age(&installation, args.max_advisory_age);
    let platform = one_platform(&args).cloned();
    let (data, limits) = (installation.data(), installation.limits());
    let sources = setup::sources(data, &args.registry, limits, platform, Some(&location))?;
    let suppressions = suppressions(&args, &installation).await?;
    let scanner = Scanner { args: &args, installation, sources, suppressions };
    let choice = Choice {
        images: if args.all_images { Images::All } else { Images::One },
        platforms: match args.platform {
            Some(PlatformChoice::All) => Platforms::All,
            Some(PlatformChoice::One(_)) | None => Platforms::One,
        },
    };
    let location = if args.queue { absolute(&location)? } else { location };
    let targets = scanner
        .sources
        .list(&location, choice)
        .await
        .map_err(|error| anyhow::anyhow!("failed to {error}"))
        .with_context(|| format!("scanning {}", args.image))?;
    if args.queue {
        return scanner.queue(&targets).await;
    }
    match targets.as_slice() {
        [target] if choice == Choice::default() => {
            let report =
                scanner.scan(target).await.with_context(|| format!("scanning {}", args.image))?;
            scanner.write(&report)?;
            let exit = verdict(&report, &args.fail_on);
            // The process ends here: to take thousands of packages apart would be wasted.
            std::mem::forget(report);
            Ok(exit)
        }
        targets => scanner.scan_all(targets).await,
    }
}

struct Scanner<'a> {
    args: &'a Scan,
    installation: Installation,
    sources: Sources,
    suppressions: SuppressionInput,
}

/// Reads what says that findings do not count.
async fn suppressions(
    args: &Scan,
    installation: &Installation,
) -> anyhow::Result<SuppressionInput> {
    let limits = installation.limits();
    let documents = read_vex(args.vex.clone(), limits).await.context("reading --vex")?;
    for (origin, document) in &documents {
        for note in &document.left_out {
            output::note(&format!("note: {origin}: left out: {note}"));
        }
    }
    let mut input = stored_input(installation).await.context("reading what is ignored")?;
    for path in &args.ignore_file {
        input
            .rules
            .extend(read_rules(path.clone(), limits).await.context("reading --ignore-file")?);
    }
    input.documents.extend(documents);
    Ok(input)
}

impl Scanner<'_> {
    async fn queue(&self, targets: &[Target]) -> anyhow::Result<Exit> {
        for target in targets {
            enqueue_analysis(&self.installation, target.location(), one_platform(self.args))
                .await?;
        }
        let what = match targets.len() {
            1 => self.args.image.clone(),
            images => format!("{images} images of {}", self.args.image),
        };
        output::note(&format!(
            "Queued {what}. `tallyman jobs --data {}` shows how far it is.",
            self.installation.data().root().display()
        ));
        Ok(Exit::Clean)
    }

    /// Scans one image after the other; what one of them ends with does not stop the others.
    async fn scan_all(&self, targets: &[Target]) -> anyhow::Result<Exit> {
        let mut array = JsonArray::default();
        let mut exit = Exit::Clean;
        for target in targets {
            let report = match self.scan(target).await {
                Ok(report) => report,
                Err(error) => unscanned(&self.installation, target, &error),
            };
            match self.args.format {
                ScanFormat::Json => array.push(&report)?,
                ScanFormat::Table
                | ScanFormat::Cyclonedx
                | ScanFormat::Spdx
                | ScanFormat::Spdx3
                | ScanFormat::Openvex => {
                    self.write(&report)?;
                    output::line("")?;
                }
            }
            exit = exit.worst(verdict(&report, &self.args.fail_on));
        }
        if self.args.format == ScanFormat::Json {
            array.finish()?;
        }
        Ok(exit)
    }

    async fn scan(&self, target: &Target) -> Result<ScanReport, ScanError> {
        let bytes = Arc::new(AnalysisProgress::default());
        let bar = Progress::new().watch(&target.name(), Arc::clone(&bytes));
        let result = match target.location() {
            Location::Directory { path } => {
                let mounts = if self.args.cross_mounts { Mounts::Cross } else { Mounts::Stay };
                let platform = one_platform(self.args).cloned();
                let directory = Directory { path: path.clone(), mounts, platform };
                scan_directory(&self.installation, directory, bytes).await
            }
            Location::Sbom { path } => scan_sbom(&self.installation, path).await,
            Location::Registry(_) if self.args.sbom_from_registry => {
                scan_attached(&self.installation, &self.sources, target, bytes).await
            }
            _ => scan(&self.installation, &self.sources, target, bytes).await,
        };
        bar.finish();
        let mut report = result?;
        let now_ms = self.installation.clock().now_ms();
        if !self.args.vex_from_registry {
            apply(&mut report, &self.suppressions, now_ms);
            return Ok(report);
        }
        let attached = attached_vex(&self.installation, &self.sources, target).await?;
        let mut input = self.suppressions.clone();
        input.documents.extend(attached.documents);
        input.image_digests.extend(attached.image_digests);
        apply(&mut report, &input, now_ms);
        report.notes.extend(attached.notes);
        Ok(report)
    }

    fn show(&self) -> Show {
        Show { all_packages: self.args.all_packages, suppressed: self.args.show_suppressed }
    }

    fn write(&self, report: &ScanReport) -> anyhow::Result<()> {
        let seconds = self.args.source_date_epoch;
        let sbom = SbomOptions {
            created_ms: seconds.and_then(|seconds| seconds.checked_mul(1000)),
            tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        match self.args.format {
            ScanFormat::Table => output::line(&match &self.args.explain {
                Some(vulnerability) => explain::render(report, vulnerability),
                None => table::render(report, self.show()),
            }),
            ScanFormat::Json => output::json(report),
            ScanFormat::Cyclonedx => output::json(&render(report, SbomFormat::CycloneDx, &sbom)),
            ScanFormat::Spdx => output::json(&render(report, SbomFormat::Spdx, &sbom)),
            ScanFormat::Spdx3 => output::json(&render(report, SbomFormat::Spdx3, &sbom)),
            ScanFormat::Openvex => output::json(&vex_output::render(
                report,
                &VexOptions {
                    created_ms: sbom.created_ms,
                    author: self.args.vex_author.clone(),
                    tool_version: sbom.tool_version,
                },
            )),
        }
    }
}

/// An old set of advisories keeps working; that it is old is said.
fn warn_of_age(installation: &Installation, max_days: u32) {
    let now_ms = installation.clock().now_ms();
    match last_known_ms(installation).map(|ms| age_days(ms, now_ms)) {
        Some(days) if days > i64::from(max_days) => output::note(&format!(
            "warning: the advisories were last brought up to date {days} days ago; \
             `tallyman db update` fetches newer ones"
        )),
        _ => {}
    }
}

fn one_platform(args: &Scan) -> Option<&Platform> {
    match &args.platform {
        Some(PlatformChoice::One(platform)) => Some(platform),
        Some(PlatformChoice::All) | None => None,
    }
}

fn check(args: &Scan, location: &Location) -> Result<(), UsageError> {
    let is_directory = matches!(location, Location::Directory { .. });
    let is_sbom = matches!(location, Location::Sbom { .. });
    let holds_several = match location {
        Location::OciLayout { .. }
        | Location::OciArchive { .. }
        | Location::DockerArchive { .. }
        | Location::ContainersStorage { .. }
        | Location::Containerd { .. } => location.reference().is_none(),
        Location::Directory { .. } | Location::Sbom { .. } | Location::Registry(_) => false,
    };
    let writes_several = args.all_images || args.platform == Some(PlatformChoice::All);
    let writes_one = !matches!(args.format, ScanFormat::Table | ScanFormat::Json);
    let mistakes = [
        (
            is_directory && args.queue,
            "--queue is for images: a directory has no digest to file it under",
        ),
        (is_sbom && args.queue, "--queue is for images: a bill of materials is judged at once"),
        (
            is_sbom && args.platform.is_some(),
            "--platform is for images: a bill of materials is about one platform",
        ),
        (
            args.sbom_from_registry && !matches!(location, Location::Registry(_)),
            "--sbom-from-registry is for images of a registry",
        ),
        (
            args.sbom_from_registry && args.queue,
            "--sbom-from-registry and --queue exclude each other: what is queued is read from its \
             layers",
        ),
        (
            args.queue && !args.limits.settings.is_empty(),
            "--limit does not reach the server: give it to `tallyman serve`, without --queue here",
        ),
        (
            args.queue && (!args.vex.is_empty() || !args.ignore_file.is_empty()),
            "--vex and --ignore-file do not reach the server, without --queue here: give it the \
             documents by `tallyman vex import` and the rules by `tallyman ignore add`",
        ),
        (
            args.vex_from_registry && !matches!(location, Location::Registry(_)),
            "--vex-from-registry is for images of a registry",
        ),
        (
            args.queue && args.vex_from_registry,
            "--vex-from-registry and --queue exclude each other: what is queued is judged by what \
             `tallyman vex import` has read",
        ),
        (
            args.explain.is_some() && args.format != ScanFormat::Table,
            "--explain is for people: --format json has it all",
        ),
        (!is_directory && args.cross_mounts, "--cross-mounts is for directories (dir:PATH)"),
        (
            args.all_images && !holds_several,
            "--all-images is for an archive, a layout or a store without a reference",
        ),
        (
            writes_several && writes_one,
            "a bill of materials is written for one image: choose one, and one platform",
        ),
    ];
    match mistakes.iter().find(|(is_made, _)| *is_made) {
        Some((_, text)) => Err(UsageError((*text).to_owned())),
        None => Ok(()),
    }
}

/// What is not known is never clean.
fn verdict(report: &ScanReport, fail_on: &[FailOn]) -> Exit {
    for rule in &report.expired_rules {
        let expires = rule.expires.as_deref().unwrap_or_default();
        let (id, about) = (&rule.id, &rule.about);
        output::note(&format!("note: the rule {id} ({about}) no longer holds since {expires}"));
    }
    for note in &report.notes {
        output::note(&format!("note: {}: {note}", report.image.name));
    }
    match &report.state {
        AnalysisState::Failed { reason } | AnalysisState::Unsupported { reason } => {
            output::note(&format!("error: {} cannot be called clean: {reason}", report.image.name));
            if matches!(report.state, AnalysisState::Unsupported { .. }) {
                output::note(
                    "`tallyman db info` shows what is loaded, `tallyman db import` loads more",
                );
            }
        }
        AnalysisState::Analyzed => {}
    }
    let reached = fail_on.iter().any(|limit| match limit {
        FailOn::Severity(limit) => report.highest_severity().is_some_and(|it| it >= *limit),
        FailOn::Priority(limit) => report.highest_priority().is_some_and(|it| it >= *limit),
        FailOn::KnownExploited => report.summary.known_exploited > 0,
    });
    match report.state {
        AnalysisState::Failed { .. } => Exit::Failed,
        _ if reached => Exit::Found,
        AnalysisState::Unsupported { .. } => Exit::Failed,
        AnalysisState::Analyzed => Exit::Clean,
    }
}

/// A worker may have another working directory.
fn absolute(location: &Location) -> anyhow::Result<Location> {
    let absolute = |path: &std::path::Path| {
        std::path::absolute(path)
            .map_err(|error| UsageError(format!("{}: {error}", path.display())))
    };
    Ok(match location.clone() {
        Location::OciLayout { path, reference } => {
            Location::OciLayout { path: absolute(&path)?, reference }
        }
        Location::OciArchive { path, reference } => {
            Location::OciArchive { path: absolute(&path)?, reference }
        }
        Location::DockerArchive { path, reference } => {
            Location::DockerArchive { path: absolute(&path)?, reference }
        }
        Location::ContainersStorage { store, reference } => {
            let store = store
                .map(|store| anyhow::Ok(StorePlace { root: absolute(&store.root)?, ..store }))
                .transpose()?;
            Location::ContainersStorage { store, reference }
        }
        Location::Containerd { root, reference } => {
            let root = root.map(|root| absolute(&root)).transpose()?;
            Location::Containerd { root, reference }
        }
        Location::Directory { path } => Location::Directory { path: absolute(&path)? },
        Location::Sbom { path } => Location::Sbom { path: absolute(&path)? },
        Location::Registry(reference) => Location::Registry(reference),
    })
}
