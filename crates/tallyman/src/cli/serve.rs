//! The options of `tallyman serve`.

use std::net::SocketAddr;
use std::str::FromStr;

use clap::Args;

use crate::cli::options::{DataArgs, FetchArgs, LimitArgs, RegistryArgs};

#[derive(Args, Debug)]
pub(crate) struct Serve {
    #[command(flatten)]
    pub(crate) data: DataArgs,
    /// The address to listen on; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:8642", value_name = "ADDR")]
    pub(crate) listen: SocketAddr,
    /// Serves plain HTTP on an address that is not loopback. Requests are signed but not secret.
    #[arg(long)]
    pub(crate) insecure_http: bool,
    /// The RegionId of what has no region of its own; kept for later starts.
    #[arg(long, env = "REGION", value_name = "REGION")]
    pub(crate) region: Option<String>,
    /// Updates the feeds of advisories this often, such as 6h or 1d. Without it the server never
    /// fetches any.
    #[arg(long, env = "TALLYMAN_UPDATE_EVERY", value_name = "TIME")]
    pub(crate) update_every: Option<Interval>,
    /// The feeds that are updated [default: those that are marked in `db feeds`].
    #[arg(long, env = "TALLYMAN_FEEDS", value_delimiter = ',', value_name = "FEED")]
    pub(crate) feeds: Vec<String>,
    #[command(flatten)]
    pub(crate) fetch: FetchArgs,
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
    #[command(flatten)]
    pub(crate) registry: RegistryArgs,
}

/// A time in milliseconds, written as a number and `m`, `h` or `d`; a minute or more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Interval(pub(crate) i64);

impl FromStr for Interval {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || format!("`{text}` is no time: write a number of m, h or d, such as 6h");
        let unit_at = text.len().checked_sub(1).filter(|at| text.is_char_boundary(*at));
        let (number, unit) = text.split_at(unit_at.ok_or_else(invalid)?);
        let minutes: i64 = match unit {
            "m" => 1,
            "h" => 60,
            "d" => 24 * 60,
            _ => return Err(invalid()),
        };
        let number: u32 = number.parse().map_err(|_| invalid())?;
        match i64::from(number).saturating_mul(minutes * 60 * 1000) {
            0 => Err(invalid()),
            ms => Ok(Interval(ms)),
        }
    }
}
