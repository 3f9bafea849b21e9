//! The commands of `tallyman db` and their options.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use tallyman_match::version::Scheme;

use crate::cli::options::{DataArgs, FetchArgs, FormatArgs, LimitArgs, TrustArgs};

#[derive(Args, Debug)]
pub(crate) struct Db {
    #[command(subcommand)]
    pub(crate) command: DbCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DbCommand {
    /// Bring the feeds of advisories up to date; exits with 3 if one failed, whose old data stays.
    Update(DbUpdate),
    /// List the feeds that `db update` knows.
    Feeds {
        #[command(flatten)]
        format: FormatArgs,
    },
    /// Import advisories: OSV records, Debian's tracker, Alpine's secdb, or a bundle; files,
    /// directories and archives.
    Import {
        /// What to read.
        #[arg(required = true)]
        paths: Vec<PathBuf>,
        #[command(flatten)]
        trust: TrustArgs,
        #[command(flatten)]
        limits: LimitArgs,
        #[command(flatten)]
        data: DataArgs,
        #[command(flatten)]
        format: FormatArgs,
    },
    /// Import an index of Java archives, by which renamed and bare ones are known: lines of a SHA-1,
    /// a tab or comma, and `group:artifact:version`.
    ImportArchives {
        /// The file, or `-` for standard input.
        file: PathBuf,
        #[command(flatten)]
        data: DataArgs,
    },
    /// Say which feeds are loaded, how old they are and how much they hold.
    Info {
        #[command(flatten)]
        data: DataArgs,
        #[command(flatten)]
        format: FormatArgs,
    },
    /// Check an order of versions: reads lines `a < b`, `a = b`, `a > b` from standard input and
    /// prints those that do not hold; exits with 1 if there are any.
    Compare {
        /// The ecosystem, as OSV names it: Debian, Alpine, PyPI, npm, Go, Maven, RubyGems …
        ecosystem: Scheme,
    },
    /// Say which records came, changed and were withdrawn; exits with 1 if any did. Without OLD, by the
    /// last change of the installation's feeds.
    Diff {
        /// What it was: a file of `db export`, or a data directory.
        old: Option<PathBuf>,
        /// What it is now: the same [default: the installation's own].
        new: Option<PathBuf>,
        #[command(flatten)]
        limits: LimitArgs,
        #[command(flatten)]
        data: DataArgs,
        #[command(flatten)]
        format: FormatArgs,
    },
    /// Write all feeds into one file that `db import` reads, or what has changed since another one.
    Export {
        /// The file to write.
        file: PathBuf,
        /// Writes only what is different since this: a bundle, or a revision of which one was
        /// exported here.
        #[arg(long, value_name = "REVISION|FILE")]
        since: Option<String>,
        /// Signs the bundle with the key of this file, which `db keygen` made.
        #[arg(long, env = "TALLYMAN_SIGN_KEY", value_name = "FILE")]
        sign_key: Option<PathBuf>,
        #[command(flatten)]
        data: DataArgs,
        #[command(flatten)]
        format: FormatArgs,
    },
    /// Make a key that signs bundles, and print the public key that others pin.
    Keygen {
        /// The file to write; it must not exist.
        file: PathBuf,
    },
}

#[derive(Args, Debug)]
pub(crate) struct DbUpdate {
    /// The feeds, such as `debian` or `osv/PyPI`; `osv` means all of OSV, `all` everything [default:
    /// those that are marked in `db feeds`, or TALLYMAN_FEEDS, separated by commas].
    #[arg(env = "TALLYMAN_FEEDS", value_delimiter = ',')]
    pub(crate) feeds: Vec<String>,
    /// Reads the feeds from a directory or a file instead of the network: files as they were
    /// downloaded, one for each feed's name, a mirror (HOST/PATH), or a bundle.
    #[arg(long, value_name = "PATH")]
    pub(crate) offline: Option<PathBuf>,
    /// Fetches and reads everything again, also what has not changed, and believes a feed that has
    /// lost most of its records.
    #[arg(long)]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) fetch: FetchArgs,
    #[command(flatten)]
    pub(crate) trust: TrustArgs,
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
    #[command(flatten)]
    pub(crate) data: DataArgs,
    #[command(flatten)]
    pub(crate) format: FormatArgs,
}
