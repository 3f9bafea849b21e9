//! Where feeds of advisories are published: the list of all that are known here, and what each
//! consists of. What the files say is read elsewhere.
//!
//! A feed is one entry of [`FEEDS`]; how its files are found is in [`Publication`].

mod changes;
mod mirror;
mod resolve;

pub use crate::feeds::changes::{Changes, changes, packed_ms};
pub use crate::feeds::mirror::{InvalidMirror, Mirror, Mirrors};
pub use crate::feeds::resolve::{FeedFile, addresses, resolve};

use tallyman_model::advisory::Whole;

/// How a feed is published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Publication {
    /// As one archive of an ecosystem of OSV.
    Osv(&'static str),
    /// As files that always have the same addresses.
    Files(&'static [&'static str]),
    /// As an archive of changing name beside a file that names it, and beside its `.sha256` (CSAF
    /// trusted providers).
    NamedBy(&'static str),
    /// As the updateinfo of RPM repositories, each known by the list of its mirrors.
    Repositories(&'static [&'static str]),
    /// As a file of the newest release on GitHub, known by what its name ends in.
    Release {
        /// The releases API's address of the newest one.
        api: &'static str,
        /// The end of the file's name.
        ending: &'static str,
    },
}

/// A feed that is known here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeedSource {
    /// The name, such as `debian` or `osv/PyPI`.
    pub name: &'static str,
    /// What its records are called in the database.
    pub records: &'static str,
    /// How it is published.
    pub publication: Publication,
    /// What its files are the whole of; `None` where the documents say that themselves.
    pub whole: Option<Whole>,
    /// What it speaks of.
    pub covers: &'static str,
    /// The licence of its data, or whose records it collects.
    pub licence: &'static str,
    /// Whether it is fetched where nobody chose feeds.
    pub is_default: bool,
    /// How often it usually changes.
    pub cadence_hours: u32,
}

const RECORDS: &str = "each record's own, named by `db info`";

const fn osv(
    name: &'static str,
    ecosystem: &'static str,
    covers: &'static str,
    is_default: bool,
) -> FeedSource {
    let publication = Publication::Osv(ecosystem);
    let whole = Some(Whole::Feed);
    FeedSource {
        name,
        records: name,
        publication,
        whole,
        covers,
        licence: RECORDS,
        is_default,
        cadence_hours: 1,
    }
}

/// All feeds, by name.
pub static FEEDS: &[FeedSource] = &[
    FeedSource {
        name: "alibaba-cloud-linux",
        records: "alibaba-oval",
        publication: Publication::Files(&[
            "https://mirrors.aliyun.com/alinux/cve/data/OVAL/alinux-2.1903.oval.xml",
            "https://mirrors.aliyun.com/alinux/cve/data/OVAL/alinux-3.2104.oval.xml",
            "https://mirrors.aliyun.com/alinux/cve/data/OVAL/alinux-4.oval.xml",
        ]),
        whole: Some(Whole::Feed),
        covers: "Alibaba Cloud Linux 2, 3 and 4 (OVAL)",
        licence: "Alibaba Cloud",
        is_default: true,
        cadence_hours: 24,
    },
    FeedSource {
        name: "alpine",
        records: "alpine",
        publication: Publication::Files(&[
            "https://secdb.alpinelinux.org/v3.17/main.json",
            "https://secdb.alpinelinux.org/v3.17/community.json",
            "https://secdb.alpinelinux.org/v3.18/main.json",
            "https://secdb.alpinelinux.org/v3.18/community.json",
            "https://secdb.alpinelinux.org/v3.19/main.json",
            "https://secdb.alpinelinux.org/v3.19/community.json",
            "https://secdb.alpinelinux.org/v3.20/main.json",
            "https://secdb.alpinelinux.org/v3.20/community.json",
            "https://secdb.alpinelinux.org/v3.21/main.json",
            "https://secdb.alpinelinux.org/v3.21/community.json",
            "https://secdb.alpinelinux.org/v3.22/main.json",
            "https://secdb.alpinelinux.org/v3.22/community.json",
            "https://secdb.alpinelinux.org/v3.23/main.json",
            "https://secdb.alpinelinux.org/v3.23/community.json",
            "https://secdb.alpinelinux.org/edge/main.json",
            "https://secdb.alpinelinux.org/edge/community.json",
        ]),
        whole: None,
        covers: "Alpine 3.17 to 3.23 and edge (secdb)",
        licence: "Alpine Linux",
        is_default: true,
        cadence_hours: 6,
    },
    FeedSource {
        name: "amazon",
        records: "amazon",
        publication: Publication::Repositories(&[
            "https://cdn.amazonlinux.com/2/core/latest/x86_64/mirror.list",
            "https://cdn.amazonlinux.com/al2023/core/mirrors/latest/x86_64/mirror.list",
        ]),
        whole: Some(Whole::Parts),
        covers: "Amazon Linux 2 and 2023 (updateinfo)",
        licence: "Amazon",
        is_default: true,
        cadence_hours: 24,
    },
    FeedSource {
        name: "anolis",
        records: "anolis-oval",
        publication: Publication::Files(&[
            "https://anas.openanolis.cn/api/data/OVAL/anolis-7.oval.xml",
            "https://anas.openanolis.cn/api/data/OVAL/anolis-8.oval.xml",
            "https://anas.openanolis.cn/api/data/OVAL/anolis-23.oval.xml",
        ]),
        whole: Some(Whole::Feed),
        covers: "Anolis OS 7, 8 and 23 (OVAL)",
        licence: "OpenAnolis community",
        is_default: true,
        cadence_hours: 24,
    },
    FeedSource {
        name: "azure",
        records: "azurelinux-oval",
        publication: Publication::Files(&[
            "https://raw.githubusercontent.com/microsoft/AzureLinuxVulnerabilityData/main/azurelinux-3.0-oval.xml",
            "https://raw.githubusercontent.com/microsoft/AzureLinuxVulnerabilityData/main/cbl-mariner-2.0-oval.xml",
        ]),
        whole: Some(Whole::Feed),
        covers: "Azure Linux 3 and CBL-Mariner 2 (OVAL)",
        licence: "MIT",
        is_default: true,
        cadence_hours: 24,
    },
    FeedSource {
        name: "chainguard",
        records: "chainguard",
        publication: Publication::Files(&["https://packages.cgr.dev/chainguard/security.json"]),
        whole: None,
        covers: "Chainguard OS (secdb)",
        licence: "Chainguard",
        is_default: true,
        cadence_hours: 6,
    },
    FeedSource {
        name: "cve",
        records: "cve",
        publication: Publication::Release {
            api: "https://api.github.com/repos/CVEProject/cvelistV5/releases/latest",
            ending: "_all_CVEs_at_midnight.zip.zip",
        },
        whole: None,
        covers: "CVE records: severity and weakness of each CVE",
        licence: "CVE terms of use",
        is_default: false,
        cadence_hours: 24,
    },
    FeedSource {
        name: "debian",
        records: "debian",
        publication: Publication::Files(&["https://security-tracker.debian.org/tracker/data/json"]),
        whole: None,
        covers: "Debian, all releases that its tracker follows",
        licence: "Debian security tracker",
        is_default: true,
        cadence_hours: 6,
    },
    FeedSource {
        name: "epss",
        records: "epss",
        publication: Publication::Files(&[
            "https://epss.empiricalsecurity.com/epss_scores-current.csv.gz",
        ]),
        whole: None,
        covers: "how likely each CVE is exploited within 30 days",
        licence: "FIRST, free with attribution",
        is_default: true,
        cadence_hours: 24,
    },
    FeedSource {
        name: "kev",
        records: "kev",
        publication: Publication::Files(&[
            "https://www.cisa.gov/sites/default/files/feeds/known_exploited_vulnerabilities.json",
        ]),
        whole: None,
        covers: "CVEs that are known to be exploited",
        licence: "CC0-1.0",
        is_default: true,
        cadence_hours: 24,
    },
    FeedSource {
        name: "oracle",
        records: "oracle-oval",
        publication: Publication::Files(&[
            "https://linux.oracle.com/security/oval/com.oracle.elsa-all.xml.bz2",
        ]),
        whole: Some(Whole::Feed),
        covers: "Oracle Linux (OVAL)",
        licence: "Oracle",
        is_default: true,
        cadence_hours: 24,
    },
    osv("osv/AlmaLinux", "AlmaLinux", "AlmaLinux", true),
    osv("osv/Alpaquita", "Alpaquita", "Alpaquita", false),
    osv("osv/Alpine", "Alpine", "Alpine, in place of `alpine`", false),
    osv("osv/Azure Linux", "Azure Linux", "Azure Linux, in place of `azure`", false),
    osv(
        "osv/BellSoft Hardened Containers",
        "BellSoft Hardened Containers",
        "BellSoft's hardened images",
        false,
    ),
    osv("osv/CRAN", "CRAN", "R packages", true),
    osv("osv/Chainguard", "Chainguard", "Chainguard OS, in place of `chainguard`", false),
    osv("osv/CleanStart", "CleanStart", "CleanStart", false),
    osv("osv/ConanCenter", "ConanCenter", "Conan packages (C and C++)", true),
    osv("osv/Debian", "Debian", "Debian, in place of `debian`", false),
    osv("osv/Echo", "Echo", "Echo", false),
    osv("osv/Go", "Go", "Go modules and the standard library", true),
    osv("osv/Hackage", "Hackage", "Haskell packages", true),
    osv("osv/Hex", "Hex", "Elixir and Erlang packages", true),
    osv("osv/Mageia", "Mageia", "Mageia", false),
    osv("osv/Maven", "Maven", "Java libraries", true),
    osv("osv/MinimOS", "MinimOS", "MinimOS", false),
    osv("osv/NuGet", "NuGet", ".NET packages", true),
    osv("osv/Packagist", "Packagist", "PHP packages", true),
    osv("osv/Photon OS", "Photon OS", "Photon OS", true),
    osv("osv/Pub", "Pub", "Dart packages", true),
    osv("osv/PyPI", "PyPI", "Python packages", true),
    osv("osv/Red Hat", "Red Hat", "Red Hat Enterprise Linux, fixed vulnerabilities only", true),
    osv("osv/Rocky Linux", "Rocky Linux", "Rocky Linux", true),
    osv("osv/RubyGems", "RubyGems", "Ruby gems", true),
    osv("osv/SUSE", "SUSE", "SUSE Linux Enterprise", true),
    osv("osv/SwiftURL", "SwiftURL", "Swift packages", true),
    osv("osv/Ubuntu", "Ubuntu", "Ubuntu", true),
    osv("osv/Wolfi", "Wolfi", "Wolfi, in place of `wolfi`", false),
    osv("osv/crates.io", "crates.io", "Rust crates", true),
    osv("osv/npm", "npm", "npm packages", true),
    osv("osv/openEuler", "openEuler", "openEuler", true),
    osv("osv/openSUSE", "openSUSE", "openSUSE", true),
    FeedSource {
        name: "redhat-vex",
        records: "redhat-vex",
        publication: Publication::NamedBy(
            "https://security.access.redhat.com/data/csaf/v2/vex/archive_latest.txt",
        ),
        whole: Some(Whole::Feed),
        covers: "Red Hat's verdict on each CVE, unfixed ones too (CSAF VEX)",
        licence: "CC-BY-4.0",
        is_default: false,
        cadence_hours: 24 * 7,
    },
    FeedSource {
        name: "suse-vex",
        records: "suse-vex",
        publication: Publication::Files(&[
            "https://ftp.suse.com/pub/projects/security/csaf-vex.tar.bz2",
        ]),
        whole: Some(Whole::Feed),
        covers: "SUSE's verdict on each CVE, unfixed ones too (CSAF VEX)",
        licence: "CC-BY-4.0",
        is_default: false,
        cadence_hours: 24,
    },
    FeedSource {
        name: "wolfi",
        records: "wolfi",
        publication: Publication::Files(&["https://packages.wolfi.dev/os/security.json"]),
        whole: None,
        covers: "Wolfi (secdb)",
        licence: "Chainguard",
        is_default: true,
        cadence_hours: 6,
    },
];

/// Nobody knows a feed of this name.
#[derive(Debug, thiserror::Error)]
#[error("there is no feed `{name}`; those that are known: {known}")]
pub struct UnknownFeed {
    /// What was asked for.
    name: String,
    /// All names.
    known: String,
}

/// Chooses feeds by name: those that are on by default where there are none, all of a family by the
/// part before the slash (`osv`), everything by `all`.
///
/// # Errors
///
/// An [`UnknownFeed`].
pub fn choose(names: &[String]) -> Result<Vec<&'static FeedSource>, UnknownFeed> {
    if names.is_empty() {
        return Ok(FEEDS.iter().filter(|feed| feed.is_default).collect());
    }
    let is_meant = |feed: &FeedSource, name: &str| {
        let family = feed.name.split_once('/').map(|(family, _)| family);
        name == "all" || feed.name.eq_ignore_ascii_case(name) || family == Some(name)
    };
    for name in names {
        if !FEEDS.iter().any(|feed| is_meant(feed, name)) {
            let known: Vec<&str> = FEEDS.iter().map(|feed| feed.name).collect();
            return Err(UnknownFeed { name: name.clone(), known: known.join(", ") });
        }
    }
    Ok(FEEDS.iter().filter(|feed| names.iter().any(|name| is_meant(feed, name))).collect())
}

impl FeedSource {
    /// Returns the name as a file name.
    pub fn file_name(&self) -> String {
        self.name.replace(['/', ' '], "-")
    }
}

#[cfg(test)]
mod tests;
