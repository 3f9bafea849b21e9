//! The options of `tallyman changes` and `tallyman webhook`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use tallyman_engine::webhooks::Event;

use crate::cli::{DataArgs, EndpointArgs, FormatArgs};

#[derive(Args, Debug)]
pub(crate) struct Changes {
    /// Only what came after this revision (its number, or how its name begins), or within this
    /// time, such as 7d, 24h, 30m.
    #[arg(long, value_name = "REVISION|DURATION")]
    pub(crate) since: Option<String>,
    /// Only what became worse, or better.
    #[arg(long, value_enum, value_name = "CHANGE")]
    pub(crate) only: Option<OnlyChange>,
    /// How many to list at most, the newest first.
    #[arg(long, default_value_t = 100, value_name = "NUMBER")]
    pub(crate) limit: usize,
    #[command(flatten)]
    pub(crate) endpoint: EndpointArgs,
    #[command(flatten)]
    pub(crate) data: DataArgs,
    #[command(flatten)]
    pub(crate) format: FormatArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum OnlyChange {
    /// A vulnerability came, or the image cannot be judged any more.
    Worse,
    /// A vulnerability went, or the image can be judged now.
    Better,
}

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
