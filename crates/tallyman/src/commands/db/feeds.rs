//! `tallyman db feeds`.

use comfy_table::Cell;
use serde::Serialize;
use tallyman_source::feeds::{FEEDS, FeedSource, Publication, addresses};

use crate::cli::options::OutputFormat;
use crate::exit::Exit;
use crate::output;

#[derive(Serialize)]
struct Listed {
    feed: &'static str,
    covers: &'static str,
    default: bool,
    cadence_hours: u32,
    licence: &'static str,
    addresses: Vec<String>,
}

impl Listed {
    fn of(feed: &FeedSource) -> Self {
        let fixed = addresses(feed).into_iter().map(|url| url.to_string());
        let addresses = match feed.publication {
            Publication::Osv(_) | Publication::Files(_) => fixed.collect(),
            Publication::NamedBy(url) | Publication::Release { api: url, .. } => {
                vec![url.to_owned()]
            }
            Publication::Repositories(urls) => urls.iter().map(|url| (*url).to_owned()).collect(),
        };
        Listed {
            feed: feed.name,
            covers: feed.covers,
            default: feed.is_default,
            cadence_hours: feed.cadence_hours,
            licence: feed.licence,
            addresses,
        }
    }
}

pub(super) fn run(format: OutputFormat) -> anyhow::Result<Exit> {
    let feeds: Vec<Listed> = FEEDS.iter().map(Listed::of).collect();
    match format {
        OutputFormat::Json => output::json(&feeds)?,
        OutputFormat::Table => {
            let mut table = output::table(&["Feed", "Default", "Covers", "Licence"]);
            for feed in feeds {
                table.add_row([
                    Cell::new(feed.feed),
                    Cell::new(if feed.default { "yes" } else { "no" }),
                    Cell::new(feed.covers),
                    Cell::new(feed.licence),
                ]);
            }
            output::line(&table.to_string())?;
        }
    }
    Ok(Exit::Clean)
}
