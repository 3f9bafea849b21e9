//! The commands of `tallyman ignore` and their options.

use clap::{Args, Subcommand};
use tallyman_model::host::ServerUuid;

use crate::cli::options::{DataArgs, FormatArgs};

#[derive(Args, Debug)]
pub(crate) struct Ignore {
    #[command(subcommand)]
    pub(crate) command: IgnoreCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum IgnoreCommand {
    /// Add a rule. It ignores findings for which every condition holds that is given.
    Add(Box<IgnoreAdd>),
    /// List the rules, expired ones too.
    List {
        #[command(flatten)]
        data: DataArgs,
        #[command(flatten)]
        format: FormatArgs,
    },
    /// Remove a rule; what only it ignored counts again.
    Remove {
        /// The rule's identifier.
        rule: String,
        #[command(flatten)]
        data: DataArgs,
    },
}

#[derive(Args, Debug)]
pub(crate) struct IgnoreAdd {
    /// What identifies the rule.
    pub(crate) id: String,
    /// Ignores this vulnerability, by any of its names; may be repeated.
    #[arg(long, value_name = "VULNERABILITY")]
    pub(crate) vulnerability: Vec<String>,
    /// Ignores findings of the package of this name (* and ? stand for others) or package URL.
    #[arg(long, value_name = "NAME|PURL")]
    pub(crate) package: Option<String>,
    /// Ignores findings of packages that a file of this path names (** crosses directories).
    #[arg(long, value_name = "PATTERN")]
    pub(crate) path: Option<String>,
    /// Ignores findings in images of this digest, repository or reference (* and ? stand for others).
    #[arg(long, value_name = "PATTERN")]
    pub(crate) image: Option<String>,
    /// Ignores findings on this server.
    #[arg(long, value_name = "UUID")]
    pub(crate) server: Option<ServerUuid>,
    /// Why.
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: String,
    /// Who says so.
    #[arg(long, value_name = "NAME")]
    pub(crate) author: String,
    /// The last day on which it holds, UTC, or the time at which it no longer does.
    #[arg(long, value_name = "DATE")]
    pub(crate) expires: Option<String>,
    #[command(flatten)]
    pub(crate) data: DataArgs,
}
