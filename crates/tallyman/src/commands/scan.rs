//! `tallyman scan`.

mod table;

use std::sync::Arc;

use anyhow::Context;
use tallyman_engine::analysis::AnalysisProgress;
use tallyman_engine::directory::{Directory, scan_directory};
use tallyman_engine::jobs::enqueue_analysis;
use tallyman_engine::report::ScanReport;
use tallyman_engine::sbom::{SbomFormat, SbomOptions, render};
use tallyman_engine::scan::scan;
use tallyman_model::coverage::AnalysisState;
use tallyman_model::severity::Severity;
use tallyman_source::directory::Mounts;
use tallyman_source::location::Location;

use crate::cli::{Scan, ScanFormat};
use crate::commands::setup;
use crate::exit::{Exit, UsageError};
use crate::output;
use crate::progress::Progress;

pub(super) async fn run(args: Scan) -> anyhow::Result<Exit> {
    let location = Location::parse(&args.image)
        .map_err(|error| anyhow::anyhow!("failed to {error}"))
        .with_context(|| format!("scanning {}", args.image))?;
    check(&args, &location)?;
    let installation = setup::installation(&args.data).await?;
    if args.queue {
        enqueue_analysis(&installation, &absolute(&location)?, args.platform.as_ref()).await?;
        output::note(&format!(
            "Queued {}. `tallyman jobs --data {}` shows how far it is.",
            args.image,
            installation.data().root().display()
        ));
        return Ok(Exit::Clean);
    }
    let bytes = Arc::new(AnalysisProgress::default());
    let bar = Progress::new().watch(&args.image, Arc::clone(&bytes));
    let result = match &location {
        Location::Directory { path } => {
            let mounts = if args.cross_mounts { Mounts::Cross } else { Mounts::Stay };
            let platform = args.platform.clone();
            let directory = Directory { path: path.clone(), mounts, platform };
            scan_directory(&installation, directory, bytes).await
        }
        _ => {
            let sources = setup::sources(
                installation.data(),
                &args.registry,
                args.platform.clone(),
                Some(&location),
            )?;
            scan(&installation, &sources, &location, bytes).await
        }
    };
    bar.finish();
    let report = result.with_context(|| format!("scanning {}", args.image))?;
    let sbom = SbomOptions {
        created_ms: args.source_date_epoch.and_then(|seconds| seconds.checked_mul(1000)),
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    match args.format {
        ScanFormat::Table => output::line(&table::render(&report, args.all_packages))?,
        ScanFormat::Json => output::json(&report)?,
        ScanFormat::Cyclonedx => output::json(&render(&report, SbomFormat::CycloneDx, &sbom))?,
        ScanFormat::Spdx => output::json(&render(&report, SbomFormat::Spdx, &sbom))?,
        ScanFormat::Spdx3 => output::json(&render(&report, SbomFormat::Spdx3, &sbom))?,
    }
    Ok(verdict(&report, args.fail_on))
}

fn check(args: &Scan, location: &Location) -> Result<(), UsageError> {
    let is_directory = matches!(location, Location::Directory { .. });
    match (is_directory, args.queue, args.cross_mounts) {
        (true, true, _) => Err("--queue is for images: a directory has no digest to file it under"),
        (false, _, true) => Err("--cross-mounts is for directories (dir:PATH)"),
        (_, _, _) => Ok(()),
    }
    .map_err(|text| UsageError(text.to_owned()))
}

/// What is not known is never clean.
fn verdict(report: &ScanReport, fail_on: Option<Severity>) -> Exit {
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
    let reached = fail_on
        .is_some_and(|limit| report.highest_severity().is_some_and(|highest| highest >= limit));
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
        Location::Directory { path } => Location::Directory { path: absolute(&path)? },
        Location::Registry(reference) => Location::Registry(reference),
    })
}
