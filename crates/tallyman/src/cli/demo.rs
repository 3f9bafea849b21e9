//! The options of `tallyman demo`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

use crate::cli::options::LimitArgs;

#[derive(Args, Debug)]
pub(crate) struct Demo {
    /// The data directory.
    #[arg(long, default_value = "target/demo", value_name = "DIR")]
    pub(crate) data: PathBuf,
    /// The address to listen on.
    #[arg(long, default_value = "127.0.0.1:8642", value_name = "ADDR")]
    pub(crate) listen: SocketAddr,
    /// The image to analyse [default: this host's engines' images, else a snapshot of this host].
    #[arg(long, value_name = "IMAGE")]
    pub(crate) image: Option<String>,
    /// Ends after printing the answer.
    #[arg(long)]
    pub(crate) once: bool,
    /// The RegionId of the installation.
    #[arg(long, value_name = "REGION")]
    pub(crate) region: Option<String>,
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
}
