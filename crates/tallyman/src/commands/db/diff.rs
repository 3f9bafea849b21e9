//! `tallyman db diff`: what one state of the feeds says otherwise than another.

use std::path::PathBuf;

use anyhow::{Context, bail};
use comfy_table::Cell;
use serde::Serialize;
use tallyman_engine::advisories::compare;
use tallyman_engine::changes::ChangedImage;
use tallyman_match::database::compare::DatabaseDifference;
use tallyman_match::database::difference::{ChangedRecord, FeedDifference, RecordChange};
use tallyman_model::clock::format_utc;
use tallyman_model::limits::Limits;
use tallyman_store::changes::ChangeFilter;
use tallyman_store::store::Store;

use crate::cli::options::{DataArgs, OutputFormat};
use crate::commands::setup;
use crate::exit::Exit;
use crate::output;

/// The rows of each feed in a table.
const SHOWN_RECORDS: usize = 50;
/// The vulnerabilities of each image in a table.
const SHOWN_VULNERABILITIES: usize = 5;
/// The images that are named.
const MAX_IMAGES: u32 = 1_000;

#[derive(Serialize)]
struct Difference {
    #[serde(skip_serializing_if = "Option::is_none")]
    revision_before: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    revision_after: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    changed: Option<String>,
    feeds: Vec<Feed>,
    /// Those of which the answer changed, for a change of an installation's own feeds.
    #[serde(skip_serializing_if = "Option::is_none")]
    images: Option<Vec<ChangedImage>>,
}

#[derive(Serialize)]
struct Feed {
    feed: String,
    #[serde(flatten)]
    difference: FeedDifference,
}

pub(super) async fn run(
    old: Option<PathBuf>,
    new: Option<PathBuf>,
    data: &DataArgs,
    limits: Limits,
    format: OutputFormat,
) -> anyhow::Result<Exit> {
    let mut images = None;
    let found = match (old, new) {
        (Some(old), new) => {
            let new = match new {
                Some(new) => new,
                None => data.directory()?,
            };
            let what = format!("comparing {} with {}", old.display(), new.display());
            compare(old, new, limits).await.context(what)?
        }
        (None, _) => {
            let (found, changed) = last_change(data, limits).await?;
            images = Some(changed);
            found
        }
    };
    let exit = if found.is_empty() { Exit::Clean } else { Exit::Found };
    let difference = Difference::of(found, images);
    match format {
        OutputFormat::Json => output::json(&difference)?,
        OutputFormat::Table => show(&difference)?,
    }
    Ok(exit)
}

async fn last_change(
    data: &DataArgs,
    limits: Limits,
) -> anyhow::Result<(DatabaseDifference, Vec<ChangedImage>)> {
    let directory = data.directory()?;
    let installation = setup::open(&directory, limits).await?;
    match installation.advisories().last_change().await.context("reading the last change")? {
        Some(difference) => {
            let revision = difference.revision_after.as_deref().unwrap_or_default();
            Ok((difference.clone(), images(installation.store(), revision).await?))
        }
        None => bail!(
            "what the last change of the feeds in {} was is not known; give a file of `db export` \
             to compare with",
            directory.display()
        ),
    }
}

/// Returns the first of the images of which a revision changed the answer.
async fn images(store: &Store, revision: &str) -> anyhow::Result<Vec<ChangedImage>> {
    let Some(number) = store.find_revision_number(revision).await? else { return Ok(Vec::new()) };
    let filter = ChangeFilter {
        after_revision: Some(number - 1),
        is_by_advisories: true,
        ..ChangeFilter::default()
    };
    let changes = store.list_risk_changes(&filter, None, MAX_IMAGES).await?;
    Ok(changes.iter().map(ChangedImage::of).collect())
}

impl Difference {
    fn of(found: DatabaseDifference, images: Option<Vec<ChangedImage>>) -> Self {
        let feeds = found.feeds.into_iter();
        Difference {
            revision_before: found.revision_before,
            revision_after: found.revision_after,
            changed: found.changed_ms.map(format_utc),
            feeds: feeds.map(|(feed, difference)| Feed { feed, difference }).collect(),
            images,
        }
    }
}

fn show(difference: &Difference) -> anyhow::Result<()> {
    if let Some(before) = &difference.revision_before {
        output::line(&format!("From revision {before}"))?;
    }
    if let Some(after) = &difference.revision_after {
        output::line(&format!("to revision {after}"))?;
    }
    if let Some(changed) = &difference.changed {
        output::line(&format!("at {changed}"))?;
    }
    if difference.feeds.is_empty() {
        return output::line("Nothing differs.");
    }
    let mut table = output::table(&["Feed", "Record", "Change", "Of it"]);
    for Feed { feed, difference } in &difference.feeds {
        for record in difference.records.iter().take(SHOWN_RECORDS) {
            table.add_row([
                Cell::new(feed),
                Cell::new(&record.id),
                Cell::new(word(record.change)),
                Cell::new(what(record)),
            ]);
        }
    }
    output::line(&table.to_string())?;
    for Feed { feed, difference } in &difference.feeds {
        let FeedDifference { added, changed, withdrawn, records, left_out } = difference;
        let hidden = records.len().saturating_sub(SHOWN_RECORDS);
        let more = match (hidden, left_out) {
            (0, 0) => String::new(),
            (_, 0) => format!("; {hidden} more are in --format json"),
            (_, left_out) => format!("; {hidden} more are in --format json, {left_out} not named"),
        };
        output::line(&format!(
            "{feed}: {added} added, {changed} changed, {withdrawn} withdrawn{more}"
        ))?;
    }
    match &difference.images {
        Some(images) => show_images(images),
        None => Ok(()),
    }
}

fn show_images(images: &[ChangedImage]) -> anyhow::Result<()> {
    if images.is_empty() {
        return output::line("No image has another answer by it.");
    }
    let mut table = output::table(&["Image", "Change", "Before", "After", "Vulnerabilities"]);
    let count = |count: Option<u64>| count.map_or("unknown".to_owned(), |it| it.to_string());
    for image in images {
        let name = image.servers.iter().flat_map(|server| server.names.first()).next();
        let vulnerabilities: Vec<&str> = image
            .vulnerabilities
            .iter()
            .take(SHOWN_VULNERABILITIES)
            .map(|it| it.id.as_str())
            .collect();
        table.add_row([
            Cell::new(name.unwrap_or(&image.image_id)),
            Cell::new(image.change),
            Cell::new(count(image.before.vulnerabilities)),
            Cell::new(count(image.after.vulnerabilities)),
            Cell::new(vulnerabilities.join(", ")),
        ]);
    }
    output::line(&table.to_string())
}

fn word(change: RecordChange) -> &'static str {
    match change {
        RecordChange::Added => "added",
        RecordChange::Changed => "changed",
        RecordChange::Withdrawn => "withdrawn",
    }
}

fn what(record: &ChangedRecord) -> String {
    let words: Vec<&str> = record.what.iter().map(|aspect| aspect.name()).collect();
    words.join(", ")
}
