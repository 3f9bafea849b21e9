//! The operating-system distribution inside an image (freedesktop's os-release(5)), and the release
//! whose advisories judge its packages.

mod codename;
mod release;

use std::fmt;

use serde::{Deserialize, Serialize};

/// What `os-release` says of a root filesystem.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Distribution {
    /// `ID`, lower case: `debian`, `alpine`, `ubuntu`.
    pub id: String,
    /// `VERSION_ID`, such as `12` or `3.20.3`; absent on rolling and unstable releases.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version_id: Option<String>,
    /// `VERSION_CODENAME`, such as `bookworm`; in a derivative that names it, the codename of the
    /// release that it is made from (`UBUNTU_CODENAME`, `DEBIAN_CODENAME`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub codename: Option<String>,
    /// `PRETTY_NAME`, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pretty_name: Option<String>,
    /// `ID_LIKE`, closest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub id_like: Vec<String>,
}

/// A release for which a distribution publishes advisories, such as `debian:12`, `alpine:3.20` or,
/// of a rolling distribution, `wolfi`.
///
/// It is part of what a package version is: the same version number is fixed in one release and
/// vulnerable in another.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DistributionRelease(String);

impl DistributionRelease {
    /// Makes a release of a distribution's id and its release number, which is empty for a rolling
    /// distribution; both are lower-cased.
    pub fn new(id: &str, release: &str) -> Self {
        let (id, release) = (id.to_ascii_lowercase(), release.to_ascii_lowercase());
        DistributionRelease(if release.is_empty() { id } else { format!("{id}:{release}") })
    }

    /// Reads back what [`DistributionRelease::as_str`] wrote.
    pub fn from_stored(text: &str) -> Self {
        DistributionRelease(text.to_owned())
    }

    /// Returns `id:release`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the distribution's id.
    pub fn id(&self) -> &str {
        self.0.split_once(':').map_or(&self.0, |(id, _)| id)
    }

    /// Tells whether the distribution's advisories speak of binary packages. Those of all others
    /// speak of source packages.
    ///
    /// So it is in the data: AlmaLinux's and Red Hat's OSV records name every binary RPM (the OSV
    /// schema says otherwise of AlmaLinux), and so do the update lists of the rest.
    pub fn names_binary_packages(&self) -> bool {
        const IDS: [&str; 7] = ["almalinux", "rhel", "ol", "amzn", "fedora", "alinux", "anolis"];
        IDS.contains(&self.id())
    }

    /// Returns the release, empty for a rolling distribution.
    pub fn release(&self) -> &str {
        self.0.split_once(':').map_or("", |(_, release)| release)
    }
}

impl fmt::Display for DistributionRelease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl Distribution {
    /// Returns the release as advisories name it: the one whose feed judges the packages. It may be
    /// another distribution's, where its very packages are used (`docs/distributions.md`).
    pub fn release(&self) -> DistributionRelease {
        release::of(self)
    }

    /// Returns the name to show to people.
    pub fn display_name(&self) -> String {
        match (&self.pretty_name, &self.version_id) {
            (Some(pretty), _) => pretty.clone(),
            (None, Some(version)) => format!("{} {version}", self.id),
            (None, None) => self.id.clone(),
        }
    }
}

/// Returns Debian's release number (or `sid`) of a codename, if it has one.
pub fn debian_number(codename: &str) -> Option<&'static str> {
    codename::number(&codename::DEBIAN, codename)
}
