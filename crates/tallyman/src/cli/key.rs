//! The commands of `tallyman key` and their options.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::cli::options::{DataArgs, FormatArgs};

#[derive(Args, Debug)]
pub(crate) struct Key {
    #[command(subcommand)]
    pub(crate) command: KeyCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Create an AccessKey. The secret is shown once.
    Create {
        /// The user it belongs to.
        #[arg(long, value_name = "NAME", required_unless_present = "root")]
        user: Option<String>,
        /// Makes a key of the account itself, which may do everything.
        #[arg(long, conflicts_with = "user")]
        root: bool,
        #[command(flatten)]
        data: DataArgs,
        #[command(flatten)]
        format: FormatArgs,
    },
    /// Create temporary credentials with a security token.
    Session {
        /// The user whose permissions they carry.
        #[arg(long, value_name = "NAME")]
        user: String,
        /// How long they are good for, in seconds.
        #[arg(long, default_value_t = 3600, value_name = "SECONDS")]
        duration: u32,
        /// A policy that narrows the permissions further.
        #[arg(long, value_name = "FILE")]
        policy: Option<PathBuf>,
        #[command(flatten)]
        data: DataArgs,
        #[command(flatten)]
        format: FormatArgs,
    },
    /// List the AccessKeys, without secrets.
    List {
        #[command(flatten)]
        data: DataArgs,
        #[command(flatten)]
        format: FormatArgs,
    },
    /// Refuse requests that are signed with a key.
    Disable(KeyId),
    /// Accept them again.
    Enable(KeyId),
    /// Delete a key.
    Delete(KeyId),
    /// Create a second key for the same user; delete the old one when nothing uses it any more.
    Rotate {
        #[command(flatten)]
        key: KeyId,
        #[command(flatten)]
        format: FormatArgs,
    },
}

#[derive(Args, Debug)]
pub(crate) struct KeyId {
    /// The AccessKey's id.
    #[arg(value_name = "ACCESS_KEY_ID")]
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) data: DataArgs,
}
