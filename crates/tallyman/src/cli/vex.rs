//! The commands of `tallyman vex` and their options.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::cli::options::{DataArgs, FormatArgs, LimitArgs};

#[derive(Args, Debug)]
pub(crate) struct Vex {
    #[command(subcommand)]
    pub(crate) command: VexCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum VexCommand {
    /// Import VEX documents (OpenVEX, CSAF, CycloneDX), files and directories; a newer one takes the
    /// place of the one with its identifier.
    Import {
        /// What to read.
        #[arg(required = true)]
        paths: Vec<PathBuf>,
        #[command(flatten)]
        limits: LimitArgs,
        #[command(flatten)]
        data: DataArgs,
    },
    /// List the documents.
    List {
        #[command(flatten)]
        data: DataArgs,
        #[command(flatten)]
        format: FormatArgs,
    },
    /// Forget a document; what only it suppressed counts again.
    Remove {
        /// The document's identifier.
        document: String,
        #[command(flatten)]
        data: DataArgs,
    },
}
