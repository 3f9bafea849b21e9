//! The commands of `tallyman policy` and their options.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::cli::options::{DataArgs, FormatArgs};

#[derive(Args, Debug)]
pub(crate) struct Policy {
    #[command(subcommand)]
    pub(crate) command: PolicyCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Create a custom policy, or replace its document.
    Create {
        /// The policy's name.
        name: String,
        /// The file with the document, in RAM's policy language.
        #[arg(long, value_name = "FILE")]
        document: PathBuf,
        #[command(flatten)]
        data: DataArgs,
    },
    /// List the policies and whom they are attached to.
    List {
        #[command(flatten)]
        data: DataArgs,
        #[command(flatten)]
        format: FormatArgs,
    },
    /// Print a policy's document.
    Show {
        /// The policy's name.
        name: String,
        #[command(flatten)]
        data: DataArgs,
    },
    /// Delete a custom policy that is attached to nobody.
    Delete {
        /// The policy's name.
        name: String,
        #[command(flatten)]
        data: DataArgs,
    },
    /// Attach a policy to a user.
    Attach(Attachment),
    /// Detach a policy from a user.
    Detach(Attachment),
}

#[derive(Args, Debug)]
pub(crate) struct Attachment {
    /// The policy's name.
    pub(crate) policy: String,
    /// The user.
    #[arg(long, value_name = "NAME")]
    pub(crate) user: String,
    /// The policy is one of the system's own, such as AliyunYundunSASReadOnlyAccess.
    #[arg(long)]
    pub(crate) system: bool,
    #[command(flatten)]
    pub(crate) data: DataArgs,
}
