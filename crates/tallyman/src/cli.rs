//! Every command and option of the command line, defined once: help, man pages and completions
//! come from here.

pub(crate) mod changes;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Parser, Subcommand, ValueEnum};
use tallyman_match::version::Scheme;
use tallyman_model::host::ServerUuid;
use tallyman_model::limits::setting::LimitSetting;
use tallyman_model::platform::{InvalidPlatform, Platform};
use tallyman_model::severity::Severity;
use tallyman_source::feeds::Mirror;

use crate::cli::changes::{Changes, Webhook};

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

/// Where an installation keeps its data.
#[derive(Args, Clone, Debug)]
pub(crate) struct DataArgs {
    /// The data directory of the installation [default: $XDG_DATA_HOME/tallyman].
    #[arg(long, env = "TALLYMAN_DATA", value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
}

/// How results are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum OutputFormat {
    /// For people.
    #[default]
    Table,
    /// For machines.
    Json,
}

/// How the result of a scan is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ScanFormat {
    /// For people.
    #[default]
    Table,
    /// For machines: everything that is known.
    Json,
    /// A software bill of materials with vulnerabilities: CycloneDX 1.6, JSON.
    Cyclonedx,
    /// A software bill of materials: SPDX 2.3, JSON.
    Spdx,
    /// A software bill of materials: SPDX 3.0.1, JSON-LD.
    Spdx3,
}

#[derive(Args, Debug)]
pub(crate) struct FormatArgs {
    /// How to write the result.
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) format: OutputFormat,
}

/// How registries are reached.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct RegistryArgs {
    /// Allows plain HTTP to this registry (host[:port]); loopback is always allowed.
    #[arg(long = "plain-http", value_name = "HOST")]
    pub(crate) plain_http: Vec<String>,
    /// Trusts the certificates of this PEM file as well.
    #[arg(long, value_name = "FILE")]
    pub(crate) ca_file: Option<PathBuf>,
    /// The user name for the image's registry; the password comes from the environment variable
    /// TALLYMAN_REGISTRY_PASSWORD. Without it, the docker and podman credential files are read.
    #[arg(long, value_name = "NAME")]
    pub(crate) registry_user: Option<String>,
    /// Reads every layer as a whole. Without it, of a layer with a table of contents (eStargz,
    /// zstd:chunked) only the files that are looked at are fetched.
    #[arg(long)]
    pub(crate) whole_layers: bool,
}

/// How much of what comes from outside is read.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct LimitArgs {
    /// Changes a limit, such as layer-bytes=64GiB or image-time=30m; may be repeated. The limits are
    /// listed in docs/limits.md and told where a name is wrong. TALLYMAN_LIMITS may hold such
    /// settings as well, separated by commas.
    #[arg(long = "limit", value_name = "NAME=VALUE")]
    pub(crate) settings: Vec<LimitSetting>,
}

#[derive(Args, Debug)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct Scan {
    /// A registry reference (host[:port]/name[:tag][@digest]), an OCI layout directory or tar, or a
    /// docker-archive tar. Prefixes make it explicit: oci:, oci-archive:, docker-archive:, registry:.
    /// containers-storage:REFERENCE reads the store of podman and buildah, containerd:REFERENCE that of
    /// containerd, dir:PATH a root filesystem, sbom:FILE a bill of materials.
    pub(crate) image: String,
    /// How to write the result.
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) format: ScanFormat,
    /// The date that a bill of materials bears, in seconds since 1970 [default: the image's own or
    /// the advisories', the later].
    #[arg(long, env = "SOURCE_DATE_EPOCH", value_name = "SECONDS")]
    pub(crate) source_date_epoch: Option<i64>,
    /// Exits with 1 if a vulnerability of this severity or above is found.
    #[arg(long, value_name = "SEVERITY")]
    pub(crate) fail_on: Option<Severity>,
    /// The platform to choose from a multi-platform image, such as linux/arm64; `all` scans every
    /// one.
    #[arg(long, value_name = "PLATFORM")]
    pub(crate) platform: Option<PlatformChoice>,
    /// Scans every image of an archive or a layout.
    #[arg(long)]
    pub(crate) all_images: bool,
    /// Lists every package, not only vulnerable ones (table only).
    #[arg(long)]
    pub(crate) all_packages: bool,
    /// Scans what is mounted beneath the directory as well (dir: only).
    #[arg(long)]
    pub(crate) cross_mounts: bool,
    /// Takes the packages from a bill of materials that is attached to the image in its registry, if
    /// there is one, and fetches no layer then. What it is about is checked; its signature is not.
    #[arg(long)]
    pub(crate) sbom_from_registry: bool,
    /// Applies what a VEX document says (OpenVEX, CSAF, CycloneDX), or all documents in a directory;
    /// may be repeated. What is not affected or fixed no longer counts, and stays in the report.
    #[arg(long, value_name = "FILE|DIR")]
    pub(crate) vex: Vec<PathBuf>,
    /// Applies the VEX documents that are attached to the image in its registry as well. What they
    /// are about is checked; their signatures are not.
    #[arg(long)]
    pub(crate) vex_from_registry: bool,
    /// Applies the ignore rules of a file (docs/vex.md); may be repeated.
    #[arg(long, value_name = "FILE")]
    pub(crate) ignore_file: Vec<PathBuf>,
    /// Lists findings that do not count as well, with who says so (table only).
    #[arg(long)]
    pub(crate) show_suppressed: bool,
    /// Explains one vulnerability in place of the list: which record, which range, which package in
    /// which layer, fixed where, in which state and since when.
    #[arg(long, value_name = "VULNERABILITY")]
    pub(crate) explain: Option<String>,
    /// Warns when the advisories were brought up to date longer ago than so many days.
    #[arg(long, env = "TALLYMAN_MAX_ADVISORY_AGE", default_value_t = 7, value_name = "DAYS")]
    pub(crate) max_advisory_age: u32,
    /// Leaves the scan to the workers of the server that runs on the data directory.
    #[arg(long)]
    pub(crate) queue: bool,
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
    #[command(flatten)]
    pub(crate) registry: RegistryArgs,
    #[command(flatten)]
    pub(crate) data: DataArgs,
}

/// Which platforms to scan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PlatformChoice {
    /// This one.
    One(Platform),
    /// All that the image has.
    All,
}

impl FromStr for PlatformChoice {
    type Err = InvalidPlatform;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "all" => Ok(PlatformChoice::All),
            platform => platform.parse().map(PlatformChoice::One),
        }
    }
}

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

/// Which server to talk to, and as whom.
#[derive(Args, Clone, Debug)]
pub(crate) struct EndpointArgs {
    /// The server's address, such as http://127.0.0.1:8642 [default: the running server of --data].
    #[arg(long, visible_alias = "endpoint", env = "TALLYMAN_SERVER", value_name = "URL")]
    pub(crate) server: Option<String>,
    /// The AccessKey's id; its secret comes from the environment variable
    /// ALIBABA_CLOUD_ACCESS_KEY_SECRET [default: the key of --data].
    #[arg(long, env = "ALIBABA_CLOUD_ACCESS_KEY_ID", value_name = "ID")]
    pub(crate) access_key_id: Option<String>,
}

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
    #[arg(long, value_name = "PATH", conflicts_with = "force")]
    pub(crate) offline: Option<PathBuf>,
    /// Fetches and reads everything again, also what has not changed.
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

/// Whose bundles are taken.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct TrustArgs {
    /// Takes bundles only that this key signed: a public key as `db keygen` prints it, or a file of
    /// such; may be repeated. The file trusted-keys in the data directory pins keys as well.
    #[arg(long, env = "TALLYMAN_TRUST_KEYS", value_delimiter = ',', value_name = "KEY|FILE")]
    pub(crate) trust_key: Vec<String>,
    /// Takes a bundle although it is older than what is there.
    #[arg(long)]
    pub(crate) allow_older: bool,
}

/// How feeds are fetched.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct FetchArgs {
    /// Fetches from another place: FEED=URL or HOST=URL replaces the publisher's scheme and host,
    /// *=URL puts URL/HOST/PATH in place of every address; may be repeated.
    #[arg(long, env = "TALLYMAN_MIRRORS", value_delimiter = ',', value_name = "WHAT=URL")]
    pub(crate) mirror: Vec<Mirror>,
    /// The proxy for everything [default: HTTPS_PROXY and HTTP_PROXY, with the exceptions of
    /// NO_PROXY].
    #[arg(long, value_name = "URL")]
    pub(crate) proxy: Option<String>,
    /// Allows plain HTTP to a mirror (host[:port]); loopback is always allowed.
    #[arg(long, value_name = "HOST")]
    pub(crate) feed_plain_http: Vec<String>,
    /// Trusts the certificates of this PEM file as well, for mirrors and proxies.
    #[arg(long, env = "TALLYMAN_FEED_CA_FILE", value_name = "FILE")]
    pub(crate) feed_ca_file: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct Vex {
    #[command(subcommand)]
    pub(crate) command: VexCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum VexCommand {
    /// Import VEX documents (OpenVEX, CSAF, CycloneDX), files and directories; a newer one takes the
    /// place of the one with its identifier.
    Import {
        /// What to read.
        #[arg(required = true)]
        paths: Vec<PathBuf>,
        #[command(flatten)]
        limits: LimitArgs,
        #[command(flatten)]
        data: DataArgs,
    },
    /// List the documents.
    List {
        #[command(flatten)]
        data: DataArgs,
        #[command(flatten)]
        format: FormatArgs,
    },
    /// Forget a document; what only it suppressed counts again.
    Remove {
        /// The document's identifier.
        document: String,
        #[command(flatten)]
        data: DataArgs,
    },
}

#[derive(Args, Debug)]
pub(crate) struct Ignore {
    #[command(subcommand)]
    pub(crate) command: IgnoreCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum IgnoreCommand {
    /// Add a rule. It ignores findings for which every condition holds that is given.
    Add(Box<IgnoreAdd>),
    /// List the rules, expired ones too.
    List {
        #[command(flatten)]
        data: DataArgs,
        #[command(flatten)]
        format: FormatArgs,
    },
    /// Remove a rule; what only it ignored counts again.
    Remove {
        /// The rule's identifier.
        rule: String,
        #[command(flatten)]
        data: DataArgs,
    },
}

#[derive(Args, Debug)]
pub(crate) struct IgnoreAdd {
    /// What identifies the rule.
    pub(crate) id: String,
    /// Ignores this vulnerability, by any of its names; may be repeated.
    #[arg(long, value_name = "VULNERABILITY")]
    pub(crate) vulnerability: Vec<String>,
    /// Ignores findings of the package of this name (* and ? stand for others) or package URL.
    #[arg(long, value_name = "NAME|PURL")]
    pub(crate) package: Option<String>,
    /// Ignores findings of packages that a file of this path names (** crosses directories).
    #[arg(long, value_name = "PATTERN")]
    pub(crate) path: Option<String>,
    /// Ignores findings in images of this digest, repository or reference (* and ? stand for others).
    #[arg(long, value_name = "PATTERN")]
    pub(crate) image: Option<String>,
    /// Ignores findings on this server.
    #[arg(long, value_name = "UUID")]
    pub(crate) server: Option<ServerUuid>,
    /// Why.
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: String,
    /// Who says so.
    #[arg(long, value_name = "NAME")]
    pub(crate) author: String,
    /// The last day on which it holds, UTC, or the time at which it no longer does.
    #[arg(long, value_name = "DATE")]
    pub(crate) expires: Option<String>,
    #[command(flatten)]
    pub(crate) data: DataArgs,
}

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

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum CallFormat {
    /// JSON.
    #[default]
    Json,
    /// XML.
    Xml,
}

#[derive(Args, Debug)]
#[command(after_help = "Example: tallyman call DescribeImageInfoList --data target/demo \
--Uuids 391abd09-184c-bd37-43d7-f5ec125d0001")]
pub(crate) struct Call {
    /// The action, such as DescribeImageInfoList.
    pub(crate) action: String,
    /// The action's parameters, as --Name value.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "PARAMETERS")]
    pub(crate) parameters: Vec<String>,
}

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
