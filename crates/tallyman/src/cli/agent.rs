//! The options of `tallyman agent`.

use std::path::PathBuf;

use clap::Args;

use crate::cli::options::{DataArgs, EndpointArgs, LimitArgs};

#[derive(Args, Debug)]
pub(crate) struct Agent {
    /// Reports once and ends.
    #[arg(long, required = true)]
    pub(crate) once: bool,
    #[command(flatten)]
    pub(crate) endpoint: EndpointArgs,
    /// A socket of a Docker-compatible engine; may be repeated [default: the well-known ones].
    #[arg(long, value_name = "PATH")]
    pub(crate) docker_socket: Vec<PathBuf>,
    /// An OCI layout directory whose images count as images of this host; may be repeated.
    #[arg(long, value_name = "DIR")]
    pub(crate) oci_layout: Vec<PathBuf>,
    /// Reports under this UUID instead of the host's own.
    #[arg(long, value_name = "UUID")]
    pub(crate) server_uuid: Option<String>,
    /// Does not look for engines.
    #[arg(long)]
    pub(crate) no_engines: bool,
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
    #[command(flatten)]
    pub(crate) data: DataArgs,
}
