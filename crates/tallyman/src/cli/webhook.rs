//! The commands of `tallyman webhook` and their options.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use tallyman_engine::webhooks::Event;

use crate::cli::options::{DataArgs, FormatArgs};

#[derive(Args, Debug)]
pub(crate) struct Webhook {
    #[command(subcommand)]
    pub(crate) command: WebhookCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum WebhookCommand {
    /// Add a webhook. The secret that its messages are signed with is shown once.
    Add {
        /// Where it listens: an https address, or a loopback one.
        url: String,
        /// What it is told: image.worse or image.better; may be repeated [default: everything].
        #[arg(long = "event", value_name = "EVENT")]
        events: Vec<Event>,
        #[command(flatten)]
        data: DataArgs,
        #[command(flatten)]
        format: FormatArgs,
    },
    /// List the webhooks and how their last messages were taken.
    List {
        #[command(flatten)]
        data: DataArgs,
        #[command(flatten)]
        format: FormatArgs,
    },
    /// Give a webhook another secret, which is shown once. For a while messages are signed with the
    /// present one as well, so that the other side can change over.
    Rotate {
        #[command(flatten)]
        webhook: WebhookId,
        /// For how long the present secret still signs.
        #[arg(long, value_name = "HOURS", default_value_t = 24,
            value_parser = clap::value_parser!(u32).range(..=8_760))]
        keep_hours: u32,
        #[command(flatten)]
        format: FormatArgs,
    },
    /// Tell a webhook again what changes, after it answered 410 (Gone) or asked to be left alone.
    Enable(WebhookId),
    /// Send again what was given up.
    Retry(WebhookId),
    /// Remove a webhook with the messages that wait for it.
    Remove(WebhookId),
    /// Send a webhook a message that says nothing.
    Test {
        #[command(flatten)]
        webhook: WebhookId,
        /// Trusts the certificates of this PEM file as well.
        #[arg(long, value_name = "FILE")]
        ca_file: Option<PathBuf>,
    },
}

#[derive(Args, Debug)]
pub(crate) struct WebhookId {
    /// The webhook's id.
    #[arg(value_name = "WEBHOOK_ID")]
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) data: DataArgs,
}
