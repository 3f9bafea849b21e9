//! `tallyman db`.

mod bundle;
mod compare;
mod diff;
mod feeds;
pub(super) mod update;

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use anyhow::Context;
use comfy_table::Cell;
use serde::Serialize;
use tallyman_engine::archives;
use tallyman_engine::feed_updates::{FeedState, states};
use tallyman_engine::images::match_pending;
use tallyman_match::database::ImportReport;
use tallyman_match::database::exchange::is_bundle;
use tallyman_model::clock::format_utc;
use tallyman_model::coverage::CoverageGap;
use tallyman_model::limits::Limits;

use crate::cli::db::DbCommand;
use crate::cli::options::{DataArgs, OutputFormat, TrustArgs};
use crate::commands::setup;
use crate::exit::Exit;
use crate::output;
use crate::progress::Progress;

pub(super) async fn run(command: DbCommand) -> anyhow::Result<Exit> {
    match command {
        DbCommand::Update(args) => update::run(args).await,
        DbCommand::Feeds { format } => feeds::run(format.format),
        DbCommand::Import { paths, trust, limits, data, format } => {
            import(paths, &trust, &data, setup::limits(&limits)?, format.format).await
        }
        DbCommand::ImportArchives { file, data } => import_archives(&file, &data).await,
        DbCommand::Info { data, format } => info(&data, format.format).await,
        DbCommand::Compare { ecosystem } => compare::run(ecosystem, std::io::stdin().lock()),
        DbCommand::Diff { old, new, limits, data, format } => {
            diff::run(old, new, &data, setup::limits(&limits)?, format.format).await
        }
        DbCommand::Export { file, since, sign_key, data, format } => {
            bundle::export(file, since, sign_key, &data, format.format).await
        }
        DbCommand::Keygen { file } => bundle::keygen(&file),
    }
}

async fn import_archives(file: &Path, data: &DataArgs) -> anyhow::Result<Exit> {
    let reader: Box<dyn BufRead + Send> = match file.as_os_str() == "-" {
        true => Box::new(BufReader::new(std::io::stdin())),
        false => {
            let opened = File::open(file).with_context(|| format!("opening {}", file.display()))?;
            Box::new(BufReader::new(opened))
        }
    };
    let installation = setup::installation(data).await?;
    let bar = Progress::new().spinner("reading the index");
    let shown = bar.clone();
    let import = archives::import_archives(&installation, reader, |lines| {
        shown.set_message(format!("{lines} lines"));
    })
    .await
    .with_context(|| format!("importing {}", file.display()))?;
    bar.finish_and_clear();
    let known = installation.store().count_archives().await.context("counting the archives")?;
    output::line(&format!(
        "{} archives are new or another, {} lines refused; {known} are known.",
        import.changed, import.refused
    ))?;
    if import.lines == 0 && import.refused > 0 {
        output::note("error: no line is a SHA-1, a tab or comma, and group:artifact:version");
        return Ok(Exit::Failed);
    }
    Ok(Exit::Clean)
}

#[derive(Serialize)]
struct ImportedFeed {
    feed: String,
    added: u64,
    updated: u64,
    unchanged: u64,
    withdrawn: u64,
    skipped: u64,
}

#[derive(Serialize)]
struct Imported {
    feeds: Vec<ImportedFeed>,
    refused: u64,
    refused_records: Vec<String>,
    failed_files: Vec<String>,
    changed_images: usize,
}

async fn import(
    paths: Vec<PathBuf>,
    trust: &TrustArgs,
    data: &DataArgs,
    limits: Limits,
    format: OutputFormat,
) -> anyhow::Result<Exit> {
    for path in &paths {
        if !path.exists() {
            anyhow::bail!("{} does not exist; nothing was imported", path.display());
        }
    }
    let installation = setup::open(&data.directory()?, limits).await?;
    let trust = bundle::trust(trust, installation.data())?;
    let bar = Progress::new().spinner("reading advisories");
    let (bundles, paths): (Vec<PathBuf>, Vec<PathBuf>) =
        paths.into_iter().partition(|path| is_bundle(path));
    let mut report = ImportReport::default();
    for path in bundles {
        report.feeds.extend(bundle::take(&installation, path, &trust).await?.feeds);
    }
    if !paths.is_empty() {
        bundle::refuse_unsigned(&paths, &trust)?;
        let shown = bar.clone();
        let watch = move |at: &tallyman_match::feed::Progress| {
            shown.set_message(format!("{} records, {}", at.records, at.name));
        };
        let others = installation.advisories().import(paths, watch).await;
        let ImportReport { feeds, .. } = report;
        report = others.context("importing advisories")?;
        for (feed, counts) in feeds {
            report.feeds.entry(feed).or_insert(counts);
        }
    }
    bar.set_message("matching");
    let outcome = match_pending(&installation).await.context("matching the images again")?;
    bar.finish_and_clear();
    let imported = Imported {
        feeds: feeds(&report),
        refused: report.refused_count,
        refused_records: report
            .refused
            .iter()
            .map(|r| format!("{}: {}", r.name, r.reason))
            .collect(),
        failed_files: report.failed.iter().map(|r| format!("{}: {}", r.name, r.reason)).collect(),
        changed_images: outcome.changed_images,
    };
    match format {
        OutputFormat::Json => output::json(&imported)?,
        OutputFormat::Table => show_import(&imported)?,
    }
    for file in &imported.failed_files {
        output::note(&format!("error: nothing was taken from {file}"));
    }
    Ok(if imported.failed_files.is_empty() { Exit::Clean } else { Exit::Failed })
}

fn feeds(report: &ImportReport) -> Vec<ImportedFeed> {
    report
        .feeds
        .iter()
        .map(|(name, feed)| ImportedFeed {
            feed: name.clone(),
            added: feed.added,
            updated: feed.updated,
            unchanged: feed.unchanged,
            withdrawn: feed.withdrawn,
            skipped: feed.skipped.values().sum(),
        })
        .collect()
}

fn show_import(imported: &Imported) -> anyhow::Result<()> {
    let mut table =
        output::table(&["Feed", "Added", "Updated", "Unchanged", "Withdrawn", "Left out"]);
    for feed in &imported.feeds {
        table.add_row([
            Cell::new(&feed.feed),
            Cell::new(feed.added),
            Cell::new(feed.updated),
            Cell::new(feed.unchanged),
            Cell::new(feed.withdrawn),
            Cell::new(feed.skipped),
        ]);
    }
    output::line(&table.to_string())?;
    for record in imported.refused_records.iter().take(20) {
        output::note(&format!("refused {}", output::one_line(record)));
    }
    output::line(&format!(
        "{} records refused; the answer changed for {} images.",
        imported.refused, imported.changed_images
    ))
}

#[derive(Serialize)]
struct Info {
    revision: String,
    feeds: Vec<InfoFeed>,
    sources: Vec<InfoSource>,
}

/// What is known of a feed's updates.
#[derive(Serialize)]
struct InfoSource {
    feed: &'static str,
    /// When its publisher was last asked with success.
    checked: Option<String>,
    /// When that brought something new.
    updated: Option<String>,
    /// The whole days since it was last asked.
    age_days: Option<i64>,
    /// Why the last try failed.
    failure: Option<String>,
    failed: Option<String>,
}

impl InfoSource {
    fn of(feed: &'static str, state: FeedState, now_ms: i64) -> Self {
        InfoSource {
            feed,
            checked: state.checked_ms.map(format_utc),
            updated: state.updated_ms.map(format_utc),
            age_days: state.checked_ms.map(|ms| age_days(ms, now_ms)),
            failure: state.failure,
            failed: state.failed_ms.map(format_utc),
        }
    }
}

/// Returns the whole days that have passed.
pub(super) fn age_days(ms: i64, now_ms: i64) -> i64 {
    now_ms.saturating_sub(ms).max(0) / (24 * 60 * 60 * 1000)
}

#[derive(Serialize)]
struct InfoFeed {
    feed: String,
    advisories: u64,
    affected: u64,
    data_date: Option<String>,
    imported: Option<String>,
    attribution: String,
    /// The ecosystems and releases of which everything was read.
    complete: Vec<String>,
}

async fn info(data: &DataArgs, format: OutputFormat) -> anyhow::Result<Exit> {
    let installation = setup::installation(data).await?;
    let feeds = installation.advisories().feeds().await.context("reading the feeds")?;
    let feeds: Vec<InfoFeed> = feeds
        .into_iter()
        .map(|feed| InfoFeed {
            feed: feed.name,
            advisories: feed.advisories,
            affected: feed.affected,
            data_date: feed.data_ms.map(format_utc),
            imported: feed.imported_ms.map(format_utc),
            attribution: feed.attribution,
            complete: feed.complete.iter().map(CoverageGap::name).collect(),
        })
        .collect();
    let revision = installation.advisories().current().revision().to_owned();
    let now_ms = installation.clock().now_ms();
    let sources = states(&installation).into_iter();
    let sources: Vec<InfoSource> =
        sources.map(|(feed, state)| InfoSource::of(feed.name, state, now_ms)).collect();
    match format {
        OutputFormat::Json => output::json(&Info { revision, feeds, sources })?,
        OutputFormat::Table => {
            let mut table = output::table(&["Feed", "Advisories", "Packages", "Newest", "Source"]);
            for feed in feeds {
                table.add_row([
                    Cell::new(feed.feed),
                    Cell::new(feed.advisories),
                    Cell::new(feed.affected),
                    Cell::new(feed.data_date.as_deref().unwrap_or("-")),
                    Cell::new(feed.attribution),
                ]);
            }
            output::line(&table.to_string())?;
            show_sources(&sources)?;
            output::line(&format!("Revision {revision}"))?;
        }
    }
    Ok(Exit::Clean)
}

fn show_sources(sources: &[InfoSource]) -> anyhow::Result<()> {
    if sources.is_empty() {
        return output::line("No feed was updated from its publisher yet: `tallyman db update`.");
    }
    let mut table = output::table(&["Updated by", "Asked", "Days ago", "New", "Last failure"]);
    for source in sources {
        let or_dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
        table.add_row([
            Cell::new(source.feed),
            Cell::new(or_dash(&source.checked)),
            Cell::new(source.age_days.map_or_else(|| "-".to_owned(), |days| days.to_string())),
            Cell::new(or_dash(&source.updated)),
            Cell::new(or_dash(&source.failure)),
        ]);
    }
    output::line(&table.to_string())
}
