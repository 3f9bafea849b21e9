//! `tallyman webhook`.

use std::fs;

use anyhow::Context;
use comfy_table::Cell;
use serde::Serialize;
use tallyman_engine::webhooks::{self, Event};
use tallyman_model::clock::{Clock, SystemClock, format_utc};
use tallyman_source::webhook::WebhookClient;
use tallyman_store::webhooks::WebhookRow;

use crate::cli::options::{DataArgs, OutputFormat};
use crate::cli::webhook::{WebhookCommand, WebhookId};
use crate::commands::setup;
use crate::exit::Exit;
use crate::output;

pub(super) async fn run(command: WebhookCommand) -> anyhow::Result<Exit> {
    match command {
        WebhookCommand::Add { url, events, data, format } => {
            add(&url, &events, &data, format.format).await?;
        }
        WebhookCommand::List { data, format } => list(&data, format.format).await?,
        WebhookCommand::Remove(WebhookId { id, data }) => {
            if !setup::store(&data)?.delete_webhook(&id).await? {
                anyhow::bail!(webhooks::WebhookError::NotFound(id));
            }
            output::line(&format!("Removed webhook {id}."))?;
        }
        WebhookCommand::Test { webhook: WebhookId { id, data }, ca_file } => {
            let pem = match ca_file {
                Some(path) => fs::read_to_string(&path)
                    .with_context(|| format!("reading the certificates in {}", path.display()))?,
                None => String::new(),
            };
            let client = WebhookClient::new(&pem).context("preparing the HTTP client")?;
            let store = setup::store(&data)?;
            webhooks::test(&store, &client, &id, SystemClock.now_ms())
                .await
                .with_context(|| format!("testing webhook {id}"))?;
            output::line(&format!("Webhook {id} took the message."))?;
        }
    }
    Ok(Exit::Clean)
}

async fn add(
    url: &str,
    events: &[Event],
    data: &DataArgs,
    format: OutputFormat,
) -> anyhow::Result<()> {
    #[derive(Serialize)]
    struct Added<'a> {
        id: &'a str,
        secret: &'a str,
    }
    let store = setup::store(data)?;
    let now_ms = SystemClock.now_ms();
    let (id, secret) =
        webhooks::add(&store, url, events, now_ms).await.context("adding the webhook")?;
    match format {
        OutputFormat::Json => output::json(&Added { id: &id, secret: secret.expose() }),
        OutputFormat::Table => {
            output::line(&format!("Id      {id}"))?;
            output::line(&format!("Secret  {}", secret.expose()))?;
            output::note("The secret is not shown again.");
            Ok(())
        }
    }
}

#[derive(Serialize)]
struct Listed {
    id: String,
    url: String,
    events: Vec<String>,
    created: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_success: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_failure: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_error: Option<String>,
}

impl Listed {
    fn of(row: WebhookRow) -> Self {
        Listed {
            id: row.webhook_id,
            url: row.url,
            events: row.events,
            created: format_utc(row.created_at),
            last_success: row.last_success_at.map(format_utc),
            last_failure: row.last_failure_at.map(format_utc),
            last_error: row.last_error,
        }
    }
}

async fn list(data: &DataArgs, format: OutputFormat) -> anyhow::Result<()> {
    let rows = setup::store(data)?.list_webhooks().await?;
    let listed: Vec<Listed> = rows.into_iter().map(Listed::of).collect();
    match format {
        OutputFormat::Json => output::json(&listed),
        OutputFormat::Table => {
            let mut table = output::table(&[
                "Id",
                "Address",
                "Events",
                "Last success",
                "Last failure",
                "Last error",
            ]);
            for webhook in listed {
                let events = match webhook.events.is_empty() {
                    true => "all".to_owned(),
                    false => webhook.events.join(", "),
                };
                table.add_row([
                    Cell::new(webhook.id),
                    Cell::new(webhook.url),
                    Cell::new(events),
                    Cell::new(webhook.last_success.as_deref().unwrap_or("-")),
                    Cell::new(webhook.last_failure.as_deref().unwrap_or("-")),
                    Cell::new(webhook.last_error.unwrap_or_default()),
                ]);
            }
            output::line(&table.to_string())
        }
    }
}
