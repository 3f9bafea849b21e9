//! `tallyman db update`.

use std::collections::BTreeMap;
use std::fs;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context;
use comfy_table::Cell;
use indicatif::ProgressBar;
use serde::Serialize;
use tallyman_engine::feed_updates::offline::{outcomes_of, update_offline};
use tallyman_engine::feed_updates::{FeedOutcome, FeedResult, Update, Watcher, update};
use tallyman_engine::images::match_pending;
use tallyman_match::database::exchange::is_bundle;
use tallyman_model::clock::SystemClock;
use tallyman_model::limits::Limits;
use tallyman_source::download::{Downloader, real_wait};
use tallyman_source::feeds::{FeedSource, Mirrors, choose};
use tallyman_source::options::{Proxy, SourceOptions};

use crate::cli::db::DbUpdate;
use crate::cli::options::{FetchArgs, OutputFormat};
use crate::commands::db::bundle;
use crate::commands::setup;
use crate::exit::{Exit, UsageError};
use crate::output;
use crate::paths::non_empty;
use crate::progress::Progress;

#[derive(Serialize)]
struct Updated {
    feeds: Vec<FeedOutcome>,
    failed: usize,
    received_bytes: u64,
    revision: String,
    changed_images: usize,
}

pub(super) async fn run(args: DbUpdate) -> anyhow::Result<Exit> {
    let feeds = chosen(&args.feeds)?;
    let limits = setup::limits(&args.limits)?;
    // Wrong options are told before anything is opened.
    let settings = settings(feeds, &args.fetch, &limits, args.force)?;
    let installation = setup::open(&args.data.directory()?, limits).await?;
    let watcher = Arc::new(Bars::default());
    let outcomes = match &args.offline {
        Some(place) => {
            if !place.exists() {
                anyhow::bail!("{} does not exist; nothing was updated", place.display());
            }
            if is_bundle(place) {
                let trust = bundle::trust(&args.trust, installation.data())?;
                let report = bundle::take(&installation, place.clone(), &trust).await?;
                Ok(outcomes_of(&report))
            } else {
                update_offline(&installation, &settings, place, watcher.clone()).await
            }
        }
        None => update(&installation, &settings, watcher.clone()).await,
    };
    let outcomes = outcomes.context("updating the feeds")?;
    let is_changed = outcomes.iter().any(|outcome| outcome.result.is_change());
    let changed_images = match is_changed {
        true => {
            let matching = Progress::new().spinner("matching");
            let outcome = match_pending(&installation).await;
            matching.finish_and_clear();
            outcome.context("matching the images again")?.changed_images
        }
        false => 0,
    };
    let is_failed = |outcome: &&FeedOutcome| matches!(outcome.result, FeedResult::Failed { .. });
    let updated = Updated {
        failed: outcomes.iter().filter(is_failed).count(),
        received_bytes: outcomes.iter().map(|outcome| outcome.received_bytes).sum(),
        revision: installation.advisories().current().revision().to_owned(),
        changed_images,
        feeds: outcomes,
    };
    match args.format.format {
        OutputFormat::Json => output::json(&updated)?,
        OutputFormat::Table => show(&updated)?,
    }
    Ok(if updated.failed == 0 { Exit::Clean } else { Exit::Failed })
}

/// Returns the feeds of these names.
pub(in crate::commands) fn chosen(names: &[String]) -> anyhow::Result<Vec<&'static FeedSource>> {
    let names: Vec<String> = names.iter().filter(|name| !name.is_empty()).cloned().collect();
    Ok(choose(&names).map_err(|error| UsageError(error.to_string()))?)
}

/// Prepares an update over the network.
pub(in crate::commands) fn settings(
    feeds: Vec<&'static FeedSource>,
    args: &FetchArgs,
    limits: &Limits,
    is_forced: bool,
) -> anyhow::Result<Update> {
    let extra_ca_pem = match &args.feed_ca_file {
        Some(path) => fs::read_to_string(path)
            .with_context(|| format!("reading the certificates in {}", path.display()))?,
        None => String::new(),
    };
    let (proxy, plain_http_proxy) = match &args.proxy {
        Some(url) => (Some(proxy(url)?), None),
        None => (
            from_environment(&["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"])?,
            // Upper case would let a request's header choose it where this runs as CGI; it does not.
            from_environment(&["http_proxy", "HTTP_PROXY"])?,
        ),
    };
    let options = SourceOptions {
        plain_http: args.feed_plain_http.clone(),
        extra_ca_pem,
        proxy,
        plain_http_proxy,
        limits: limits.clone(),
        ..SourceOptions::default()
    };
    let downloader = Downloader::new(&options, real_wait(), Arc::new(SystemClock))
        .context("preparing the HTTP client")?;
    Ok(Update {
        feeds,
        mirrors: Mirrors(args.mirror.clone()),
        downloader: Arc::new(downloader),
        is_forced,
    })
}

fn from_environment(names: &[&str]) -> anyhow::Result<Option<Proxy>> {
    names.iter().find_map(|name| non_empty(name)).map(|url| proxy(&url)).transpose()
}

fn proxy(text: &str) -> anyhow::Result<Proxy> {
    let text = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
    let url = text.parse().map_err(|error| {
        // The text may hold a password.
        UsageError(format!("the proxy is no address: {error}"))
    })?;
    let exceptions = non_empty("NO_PROXY").or_else(|| non_empty("no_proxy")).unwrap_or_default();
    Ok(Proxy { url, exceptions })
}

/// A bar for each feed that is on its way.
#[derive(Default)]
struct Bars {
    bars: Mutex<BTreeMap<String, ProgressBar>>,
    progress: Progress,
}

impl Bars {
    fn with(&self, feed: &str, change: impl FnOnce(&ProgressBar)) {
        let mut bars = self.bars.lock().unwrap_or_else(PoisonError::into_inner);
        let make = || self.progress.bytes(feed, 0);
        change(bars.entry(feed.to_owned()).or_insert_with(make));
    }
}

impl Watcher for Bars {
    fn downloaded(&self, feed: &str, bytes: u64, total: Option<u64>) {
        self.with(feed, |bar| {
            bar.set_length(total.unwrap_or(bytes));
            bar.set_position(bytes);
        });
    }

    fn takes(&self, feed: &str, records: u64) {
        self.with(feed, |bar| bar.set_message(format!("{feed}: {records} records")));
    }

    fn finished(&self, outcome: &FeedOutcome) {
        let mut bars = self.bars.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bar) = bars.remove(&outcome.feed) {
            bar.finish_and_clear();
        }
    }
}

fn show(updated: &Updated) -> anyhow::Result<()> {
    let mut table =
        output::table(&["Feed", "Result", "New", "Changed", "Gone", "Refused", "Fetched"]);
    for outcome in &updated.feeds {
        let (word, taken) = match &outcome.result {
            FeedResult::Unchanged => ("unchanged", None),
            FeedResult::Updated(taken) => ("updated", Some(taken)),
            FeedResult::Failed { taken, .. } => ("failed", Some(taken)),
        };
        let count = |get: fn(&tallyman_engine::feed_updates::Taken) -> u64| {
            taken.map_or_else(|| "-".to_owned(), |taken| get(taken).to_string())
        };
        table.add_row([
            Cell::new(&outcome.feed),
            Cell::new(word),
            Cell::new(count(|taken| taken.added)),
            Cell::new(count(|taken| taken.changed)),
            Cell::new(count(|taken| taken.withdrawn)),
            Cell::new(count(|taken| taken.refused)),
            Cell::new(output::bytes(outcome.received_bytes)),
        ]);
    }
    output::line(&table.to_string())?;
    for outcome in &updated.feeds {
        if let FeedResult::Updated(taken) | FeedResult::Failed { taken, .. } = &outcome.result {
            for record in &taken.refused_records {
                output::note(&format!("refused {}", output::one_line(record)));
            }
        }
        if let FeedResult::Failed { reason, next_step, .. } = &outcome.result {
            output::note(&format!("error: {}: failed to {reason}; {next_step}", outcome.feed));
        }
    }
    output::line(&format!(
        "{} of {} feeds failed; {} fetched; the answer changed for {} images. Revision {}",
        updated.failed,
        updated.feeds.len(),
        output::bytes(updated.received_bytes),
        updated.changed_images,
        updated.revision,
    ))
}
