//! `tallyman webhook`.

use std::fs;

use anyhow::Context;
use comfy_table::Cell;
use serde::Serialize;
use tallyman_engine::webhooks::{self, Event};
use tallyman_model::clock::{Clock, SystemClock, format_utc};
use tallyman_source::webhook::WebhookClient;
use tallyman_store::secret::Secret;
use tallyman_store::webhooks::{Undelivered, WebhookRow};

use crate::cli::options::{DataArgs, OutputFormat};
use crate::cli::webhook::{WebhookCommand, WebhookId};
use crate::commands::setup;
use crate::exit::Exit;
use crate::output;

const HOUR_MS: i64 = 60 * 60 * 1_000;

pub(super) async fn run(command: WebhookCommand) -> anyhow::Result<Exit> {
    match command {
        WebhookCommand::Add { url, events, data, format } => {
            add(&url, &events, &data, format.format).await?;
        }
        WebhookCommand::List { data, format } => list(&data, format.format).await?,
        WebhookCommand::Rotate { webhook: WebhookId { id, data }, keep_hours, format } => {
            let store = setup::store(&data)?;
            let kept_ms = i64::from(keep_hours) * HOUR_MS;
            let until = SystemClock.now_ms().saturating_add(kept_ms);
            let secret = webhooks::rotate(&store, &id, until)
                .await
                .with_context(|| format!("changing the secret of webhook {id}"))?;
            show_secret(&id, &secret, format.format)?;
        }
        WebhookCommand::Enable(WebhookId { id, data }) => {
            if !setup::store(&data)?.enable_webhook(&id).await? {
                anyhow::bail!(webhooks::WebhookError::NotFound(id));
            }
            output::line(&format!("Webhook {id} is told what changes."))?;
        }
        WebhookCommand::Retry(WebhookId { id, data }) => {
            let store = setup::store(&data)?;
            let count = webhooks::retry(&store, &id, SystemClock.now_ms())
                .await
                .with_context(|| format!("sending again to webhook {id}"))?;
            output::line(&format!("Queued again: {count}."))?;
        }
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
    let store = setup::store(data)?;
    let now_ms = SystemClock.now_ms();
    let (id, secret) =
        webhooks::add(&store, url, events, now_ms).await.context("adding the webhook")?;
    show_secret(&id, &secret, format)
}

fn show_secret(id: &str, secret: &Secret, format: OutputFormat) -> anyhow::Result<()> {
    #[derive(Serialize)]
    struct Shown<'a> {
        id: &'a str,
        secret: &'a str,
    }
    match format {
        OutputFormat::Json => output::json(&Shown { id, secret: secret.expose() }),
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
    /// Since when it is told nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    disabled: Option<String>,
    /// Until when it asked to be left alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    paused_until: Option<String>,
    /// Until when the secret before signs as well.
    #[serde(skip_serializing_if = "Option::is_none")]
    old_secret_until: Option<String>,
    waiting: u64,
    given_up: u64,
}

impl Listed {
    fn of(row: WebhookRow, undelivered: Undelivered, now_ms: i64) -> Self {
        let still = |until: Option<i64>| until.filter(|until| now_ms < *until).map(format_utc);
        Listed {
            id: row.webhook_id,
            url: row.url,
            events: row.events,
            created: format_utc(row.created_at),
            last_success: row.last_success_at.map(format_utc),
            last_failure: row.last_failure_at.map(format_utc),
            last_error: row.last_error,
            disabled: row.disabled_at.map(format_utc),
            paused_until: still(row.paused_until),
            old_secret_until: still(row.old_secret_until),
            waiting: undelivered.waiting,
            given_up: undelivered.dead,
        }
    }

    fn state(&self) -> String {
        match (&self.disabled, &self.paused_until) {
            (Some(since), _) => format!("disabled since {since}"),
            (None, Some(until)) => format!("waits until {until}"),
            (None, None) => "enabled".to_owned(),
        }
    }
}

async fn list(data: &DataArgs, format: OutputFormat) -> anyhow::Result<()> {
    let store = setup::store(data)?;
    let undelivered = store.count_undelivered().await?;
    let now_ms = SystemClock.now_ms();
    let rows = store.list_webhooks().await?.into_iter().map(|row| {
        let of_row = undelivered.get(&row.webhook_id).copied().unwrap_or_default();
        Listed::of(row, of_row, now_ms)
    });
    let listed: Vec<Listed> = rows.collect();
    match format {
        OutputFormat::Json => output::json(&listed),
        OutputFormat::Table => {
            let mut table = output::table(&[
                "Id",
                "Address",
                "Events",
                "State",
                "Waiting",
                "Given up",
                "Last success",
                "Last failure",
                "Last error",
            ]);
            for webhook in listed {
                let events = match webhook.events.is_empty() {
                    true => "all".to_owned(),
                    false => webhook.events.join(", "),
                };
                let state = webhook.state();
                table.add_row([
                    Cell::new(webhook.id),
                    Cell::new(webhook.url),
                    Cell::new(events),
                    Cell::new(state),
                    Cell::new(webhook.waiting),
                    Cell::new(webhook.given_up),
                    Cell::new(webhook.last_success.as_deref().unwrap_or("-")),
                    Cell::new(webhook.last_failure.as_deref().unwrap_or("-")),
                    Cell::new(webhook.last_error.unwrap_or_default()),
                ]);
            }
            output::line(&table.to_string())
        }
    }
}
