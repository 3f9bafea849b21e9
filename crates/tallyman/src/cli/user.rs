//! The commands of `tallyman user` and their options.

use clap::{Args, Subcommand};

use crate::cli::options::{DataArgs, FormatArgs};

#[derive(Args, Debug)]
pub(crate) struct User {
    #[command(subcommand)]
    pub(crate) command: UserCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum UserCommand {
    /// Create a user.
    Create {
        /// The user's name.
        name: String,
        #[command(flatten)]
        data: DataArgs,
        #[command(flatten)]
        format: FormatArgs,
    },
    /// List the users.
    List {
        #[command(flatten)]
        data: DataArgs,
        #[command(flatten)]
        format: FormatArgs,
    },
    /// Delete a user with its keys.
    Delete {
        /// The user's name.
        name: String,
        #[command(flatten)]
        data: DataArgs,
    },
}
