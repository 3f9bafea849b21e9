//! The operating-system distribution inside an image (freedesktop's os-release(5)).

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
    /// `VERSION_CODENAME`, such as `bookworm`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub codename: Option<String>,
    /// `PRETTY_NAME`, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pretty_name: Option<String>,
    /// `ID_LIKE`, closest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub id_like: Vec<String>,
}

/// A release for which a distribution publishes advisories, such as `debian:12` or `alpine:3.20`.
///
/// It is part of what a package version is: the same version number is fixed in one release and
/// vulnerable in another.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DistributionRelease(String);

impl DistributionRelease {
    /// Makes a release of a distribution's id and its release number; both are lower-cased.
    pub fn new(id: &str, release: &str) -> Self {
        DistributionRelease(format!("{}:{}", id.to_ascii_lowercase(), release.to_ascii_lowercase()))
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
    /// Returns the release as advisories name it: Debian by its major number, Alpine by
    /// `major.minor` (`edge` for unreleased ones), others by the whole `VERSION_ID`.
    pub fn release(&self) -> DistributionRelease {
        let version = self.version_id.as_deref().unwrap_or("");
        let release = match self.id.as_str() {
            "debian" => match version.split('.').next() {
                Some(major) if !major.is_empty() => major.to_owned(),
                // Testing and unstable carry no VERSION_ID, only a codename.
                _ => self.codename.clone().unwrap_or_else(|| "sid".to_owned()),
            },
            "alpine" => alpine_release(version),
            _ => version.to_owned(),
        };
        DistributionRelease::new(&self.id, &release)
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

fn alpine_release(version: &str) -> String {
    let mut numbers = version.split('.');
    match (numbers.next(), numbers.next()) {
        // 3.21_alpha20240807 is a snapshot of edge.
        (Some(major), Some(minor)) if minor.bytes().all(|b| b.is_ascii_digit()) => {
            format!("{major}.{minor}")
        }
        _ => "edge".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::Distribution;

    fn release(id: &str, version: Option<&str>, codename: Option<&str>) -> String {
        let distribution = Distribution {
            id: id.to_owned(),
            version_id: version.map(str::to_owned),
            codename: codename.map(str::to_owned),
            ..Distribution::default()
        };
        distribution.release().to_string()
    }

    #[test]
    fn releases_are_named_as_advisories_name_them() {
        assert_eq!(release("debian", Some("12"), Some("bookworm")), "debian:12");
        assert_eq!(release("debian", Some("12.5"), None), "debian:12");
        assert_eq!(release("debian", None, Some("trixie")), "debian:trixie");
        assert_eq!(release("debian", None, None), "debian:sid");
        assert_eq!(release("alpine", Some("3.20.3"), None), "alpine:3.20");
        assert_eq!(release("alpine", Some("3.21_alpha20240807"), None), "alpine:edge");
        assert_eq!(release("ubuntu", Some("24.04"), None), "ubuntu:24.04");
    }
}
