//! The options of `tallyman scan`.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, ValueEnum};
use tallyman_model::platform::{InvalidPlatform, Platform};
use tallyman_model::priority::PriorityClass;
use tallyman_model::severity::Severity;

use crate::cli::EXIT_CODES;
use crate::cli::options::{DataArgs, LimitArgs, RegistryArgs};

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
    /// The date that a bill of materials or an OpenVEX document bears, in seconds since 1970
    /// [default: the image's own or the advisories', the later].
    #[arg(long, env = "SOURCE_DATE_EPOCH", value_name = "SECONDS")]
    pub(crate) source_date_epoch: Option<i64>,
    /// Who answers for an OpenVEX document: a person or an organization.
    #[arg(long, default_value = "Unknown author", value_name = "AUTHOR")]
    pub(crate) vex_author: String,
    /// Exits with 1 if a vulnerability is found that is of this severity or above (negligible, low,
    /// medium, high, critical), of this priority or above (asap, later, nntf), or known to be
    /// exploited (kev); may be repeated, and any of them is enough.
    #[arg(long, value_name = "SEVERITY|PRIORITY|kev", value_delimiter = ',')]
    pub(crate) fail_on: Vec<FailOn>,
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
    /// What is said of each vulnerability in the image: OpenVEX 0.2.0, JSON.
    Openvex,
}

/// What makes a scan end with 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FailOn {
    /// A vulnerability of this severity or above.
    Severity(Severity),
    /// A vulnerability of this priority or above.
    Priority(PriorityClass),
    /// One that CISA's catalogue knows to be exploited.
    KnownExploited,
}

impl FromStr for FailOn {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.eq_ignore_ascii_case("kev") {
            return Ok(FailOn::KnownExploited);
        }
        let severity = text.parse().map(FailOn::Severity).ok();
        let any = severity.or_else(|| text.parse().map(FailOn::Priority).ok());
        any.ok_or_else(|| {
            format!(
                "`{text}` is neither a severity (unknown, negligible, low, medium, high, critical) nor \
                 a priority (asap, later, nntf) nor kev"
            )
        })
    }
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
