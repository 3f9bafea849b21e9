//! Every command of the command line. The options of each are in a file of its own in `cli/`, those
//! that several have in `options.rs`; help, man pages and completions come from here.

pub(crate) mod agent;
pub(crate) mod call;
pub(crate) mod changes;
pub(crate) mod db;
pub(crate) mod demo;
pub(crate) mod ignore;
pub(crate) mod jobs;
pub(crate) mod key;
pub(crate) mod options;
pub(crate) mod policy;
pub(crate) mod scan;
pub(crate) mod serve;
pub(crate) mod user;
pub(crate) mod vex;
pub(crate) mod webhook;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::cli::agent::Agent;
use crate::cli::call::Call;
use crate::cli::changes::Changes;
use crate::cli::db::Db;
use crate::cli::demo::Demo;
use crate::cli::ignore::Ignore;
use crate::cli::jobs::Jobs;
use crate::cli::key::Key;
use crate::cli::policy::Policy;
use crate::cli::scan::Scan;
use crate::cli::serve::Serve;
use crate::cli::user::User;
use crate::cli::vex::Vex;
use crate::cli::webhook::Webhook;

const EXIT_CODES: &str = "Exit codes: 0 nothing to report, 1 what was looked for was found (--fail-on, db compare, db diff), \
2 wrong usage, 3 something could not be analysed or done.";

/// Counts what is in container images, and says what is at risk.
#[derive(Debug, Parser)]
#[command(name = "tallyman", version, after_help = EXIT_CODES, propagate_version = true)]
pub(crate) struct Cli {
    /// How much to say on standard error: error, warn, info, debug, or a filter such as
    /// tallyman_source=debug.
    #[arg(long, global = true, env = "TALLYMAN_LOG", default_value = "warn", value_name = "LEVEL")]
    pub(crate) log: String,
    /// Writes the log as JSON lines.
    #[arg(long, global = true)]
    pub(crate) log_json: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Analyse an image and list its packages' vulnerabilities.
    Scan(Scan),
    /// Serve the API for an installation.
    Serve(Serve),
    /// Report this host and its images to a server.
    Agent(Agent),
    /// Show the whole thing on this machine: analyse, match, serve, answer.
    Demo(Demo),
    /// Import and describe advisories.
    Db(Db),
    /// Manage the VEX documents of an installation.
    Vex(Vex),
    /// Manage the ignore rules of an installation.
    Ignore(Ignore),
    /// Manage RAM users.
    User(User),
    /// Manage AccessKeys.
    Key(Key),
    /// Manage RAM policies.
    Policy(Policy),
    /// Call an action of the API, signed.
    Call(Call),
    /// List the images of which the answer changed with the advisories.
    Changes(Changes),
    /// Manage whom to tell what changed.
    Webhook(Webhook),
    /// List the work that is queued or running.
    Jobs(Jobs),
    /// Write shell completions to standard output.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Write manual pages into a directory.
    Man {
        /// The directory.
        directory: PathBuf,
    },
}
