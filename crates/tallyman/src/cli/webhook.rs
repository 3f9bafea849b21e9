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
