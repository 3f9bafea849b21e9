//! The options of `tallyman changes`.

use clap::{Args, ValueEnum};

use crate::cli::options::{DataArgs, EndpointArgs, FormatArgs};

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
