//! The options of `tallyman jobs`.

use clap::Args;

use crate::cli::options::{DataArgs, FormatArgs};

#[derive(Args, Debug)]
pub(crate) struct Jobs {
    #[command(flatten)]
    pub(crate) data: DataArgs,
    #[command(flatten)]
    pub(crate) format: FormatArgs,
    /// Queues jobs that were given up once more.
    #[arg(long)]
    pub(crate) retry_dead: bool,
}
