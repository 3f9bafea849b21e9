//! Advisories as facts: which versions of which packages are affected by what.
//!
//! The shape follows the OSV schema (<https://ossf.github.io/osv-schema/>), since every feed can
//! be written in it. Prose (summaries, details) is not kept.

use serde::{Deserialize, Serialize};

use crate::coverage::CoverageGap;
use crate::distribution::DistributionRelease;
use crate::package::Ecosystem;

/// What an advisory speaks of: a package of an ecosystem, in one release for distributions.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PackageKey {
    /// The ecosystem.
    pub ecosystem: Ecosystem,
    /// The release, for distributions' packages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<DistributionRelease>,
    /// The normalised name ([`Ecosystem::normalize_name`]); a distribution's source package.
    pub name: String,
}

/// One end of a range, as OSV's `events` write it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RangeEvent {
    /// Affected from this version on; `0` is before every version.
    Introduced(String),
    /// No longer affected from this version on.
    Fixed(String),
    /// Affected up to and including this version.
    LastAffected(String),
    /// Nothing is said of this version and later ones.
    Limit(String),
}

/// What a distribution says of an unfixed vulnerability.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FixState {
    /// Nothing, or that a fix is or will be there.
    #[default]
    Open,
    /// It will not be fixed in this release (`no-dsa`, `ignored`, `postponed`).
    WillNotFix,
    /// The package is no longer supported (`end-of-life`).
    EndOfLife,
    /// Nobody has looked yet (`undetermined`).
    Undetermined,
    /// The package is not affected: a statement that silences what other feeds say of the same
    /// vulnerability in the same package.
    NotAffected,
}

/// Which packages of a distribution a name in an advisory means.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Naming {
    /// What the release's advisories name by default
    /// ([`advisory_name`](crate::package::PackageVersion::advisory_name)).
    #[default]
    Usual,
    /// A source package, and all that was built from it.
    Source,
    /// A binary package.
    Binary,
}

/// One affected package of an advisory.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Affected {
    /// The package.
    #[serde(flatten)]
    pub key: PackageKey,
    /// Ranges; each list of events is evaluated on its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ranges: Vec<Vec<RangeEvent>>,
    /// Versions that are affected whatever the ranges say.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub versions: Vec<String>,
    /// CVSS vectors that hold for this package only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cvss: Vec<String>,
    /// The distribution's or database's own rating in its own word (`unimportant`, `HIGH`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub urgency: Option<String>,
    /// What the distribution says of an unfixed vulnerability.
    #[serde(default, skip_serializing_if = "is_open")]
    pub fix_state: FixState,
    /// The modules and streams of RPMs (`nodejs:16`) that it speaks of, if the advisory names them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub modules: Vec<String>,
    /// The architectures that it speaks of; all where there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub architectures: Vec<String>,
    /// Which packages the name means.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub naming: Naming,
}

impl Affected {
    /// Makes a statement on a package that affects no version yet.
    pub fn new(key: PackageKey) -> Self {
        Affected {
            key,
            ranges: Vec::new(),
            versions: Vec::new(),
            cvss: Vec::new(),
            urgency: None,
            fix_state: FixState::Open,
            modules: Vec::new(),
            architectures: Vec::new(),
            naming: Naming::Usual,
        }
    }
}

fn is_usual(naming: &Naming) -> bool {
    *naming == Naming::Usual
}

fn is_open(state: &FixState) -> bool {
    *state == FixState::Open
}

/// One advisory: facts only.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Advisory {
    /// The id in its own feed: `GHSA-…`, `PYSEC-…`, `RUSTSEC-…`, `DSA-…`, `CVE-…`.
    pub id: String,
    /// Other names of the same vulnerability.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// The vulnerabilities that a distribution's record was made for (OSV's `upstream`). Several
    /// of them are several vulnerabilities, unlike aliases.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub upstream: Vec<String>,
    /// First publication, milliseconds since the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published_ms: Option<i64>,
    /// Last change, milliseconds since the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modified_ms: Option<i64>,
    /// Set when the record was withdrawn: it then says nothing any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withdrawn_ms: Option<i64>,
    /// CVSS vectors for all affected packages.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cvss: Vec<String>,
    /// What is affected.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub affected: Vec<Affected>,
}

/// A source of advisories, with what must be known to use it rightly.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedInfo {
    /// The feed's name, such as `osv/PyPI` or `debian`.
    pub name: String,
    /// Who is to be named, and the licence (SPDX id or words).
    pub attribution: String,
    /// The newest date in the data, milliseconds since the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_ms: Option<i64>,
    /// When it was imported here, milliseconds since the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub imported_ms: Option<i64>,
    /// The number of records.
    pub advisories: u64,
    /// The number of affected packages in them.
    pub affected: u64,
    /// The ecosystems and releases of which everything was read that the publisher says, sorted:
    /// what no record speaks of there is not known to be affected.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub complete: Vec<CoverageGap>,
}

/// What the files in which a feed is published are the whole of, beyond what they say themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whole {
    /// All files together are the feed: what is in none of them is no longer so.
    Feed,
    /// Each file is the whole of the parts that it names, such as an RPM repository.
    Parts,
}
