//! Packages as an image holds them, and package versions as advisories judge them.

use std::fmt;
use std::str::FromStr;

use packageurl::PackageUrl;
use serde::{Deserialize, Serialize};

use crate::distribution::DistributionRelease;

/// The kind of a package: which tool installs it, whose version order holds, whose advisories
/// speak of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ecosystem {
    /// dpkg: Debian and what descends from it.
    Deb,
    /// apk: Alpine, Wolfi.
    Apk,
    /// Python distributions.
    PyPi,
    /// npm packages.
    Npm,
    /// Go modules, and the standard library as module `stdlib`.
    #[serde(rename = "golang")]
    Go,
    /// Rust crates.
    Cargo,
}

impl Ecosystem {
    /// All ecosystems.
    pub const ALL: [Ecosystem; 6] = [
        Ecosystem::Deb,
        Ecosystem::Apk,
        Ecosystem::PyPi,
        Ecosystem::Npm,
        Ecosystem::Go,
        Ecosystem::Cargo,
    ];

    /// Returns the package URL type, which is also the name in the store and in reports.
    pub fn name(self) -> &'static str {
        match self {
            Ecosystem::Deb => "deb",
            Ecosystem::Apk => "apk",
            Ecosystem::PyPi => "pypi",
            Ecosystem::Npm => "npm",
            Ecosystem::Go => "golang",
            Ecosystem::Cargo => "cargo",
        }
    }

    /// Tells whether packages of this kind belong to a distribution, whose feed judges them.
    pub fn is_distribution(self) -> bool {
        match self {
            Ecosystem::Deb | Ecosystem::Apk => true,
            Ecosystem::PyPi | Ecosystem::Npm | Ecosystem::Go | Ecosystem::Cargo => false,
        }
    }

    /// Brings a name into the form in which two spellings of one package are equal: PEP 503 for
    /// Python; all others are compared as they are.
    pub fn normalize_name(self, name: &str) -> String {
        match self {
            Ecosystem::PyPi => normalize_pep503(name),
            Ecosystem::Deb | Ecosystem::Apk | Ecosystem::Npm | Ecosystem::Go | Ecosystem::Cargo => {
                name.to_owned()
            }
        }
    }
}

impl fmt::Display for Ecosystem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Why a text is not an ecosystem.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a package ecosystem that is known here")]
pub struct UnknownEcosystem(String);

impl FromStr for Ecosystem {
    type Err = UnknownEcosystem;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ecosystem::ALL
            .into_iter()
            .find(|ecosystem| ecosystem.name() == text)
            .ok_or_else(|| UnknownEcosystem(text.to_owned()))
    }
}

/// PEP 503: lower case, and runs of `-`, `_` and `.` are one `-`.
fn normalize_pep503(name: &str) -> String {
    let mut normalized = String::with_capacity(name.len());
    for part in name.split(['-', '_', '.']).filter(|part| !part.is_empty()) {
        if !normalized.is_empty() {
            normalized.push('-');
        }
        normalized.push_str(&part.to_lowercase());
    }
    normalized
}

/// The source package that a binary package of a distribution was built from.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SourcePackage {
    /// The name of the source package.
    pub name: String,
    /// The version of the source package.
    pub version: String,
}

/// One package as a layer's file names it; the distribution is not known at that point.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Package {
    /// The kind of the package.
    pub ecosystem: Ecosystem,
    /// The name as the package's own metadata writes it.
    pub name: String,
    /// The version as the package's own metadata writes it.
    pub version: String,
    /// The architecture, for distributions' packages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub architecture: Option<String>,
    /// The source package, where it is named; distributions' advisories speak of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<SourcePackage>,
}

/// A package in one version as advisories judge it: interned once for the whole installation.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PackageVersion {
    /// The package.
    #[serde(flatten)]
    pub package: Package,
    /// The release whose feed judges it, for distributions' packages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<DistributionRelease>,
}

impl PackageVersion {
    /// Returns the name under which advisories speak of the package: the source package of a
    /// distribution's package, else the normalised name.
    pub fn advisory_name(&self) -> String {
        match &self.package.source {
            Some(source) if self.package.ecosystem.is_distribution() => source.name.clone(),
            _ => self.package.ecosystem.normalize_name(&self.package.name),
        }
    }

    /// Returns the version that advisories' ranges are compared with.
    pub fn advisory_version(&self) -> &str {
        match &self.package.source {
            Some(source) if self.package.ecosystem.is_distribution() => &source.version,
            _ => &self.package.version,
        }
    }

    /// Returns the package URL (purl-spec, types deb, apk, pypi, npm, golang and cargo).
    pub fn purl(&self) -> String {
        let package = &self.package;
        let name = package.ecosystem.normalize_name(&package.name);
        let (namespace, name) = match package.ecosystem {
            Ecosystem::Deb | Ecosystem::Apk => {
                (self.release.as_ref().map(|release| release.id().to_owned()), name)
            }
            Ecosystem::Npm | Ecosystem::Go => match name.rsplit_once('/') {
                Some((namespace, name)) => (Some(namespace.to_owned()), name.to_owned()),
                None => (None, name),
            },
            Ecosystem::PyPi | Ecosystem::Cargo => (None, name),
        };
        let fallback = || format!("pkg:{}/{}@{}", package.ecosystem, package.name, package.version);
        let Ok(mut purl) = PackageUrl::new(package.ecosystem.name(), name) else {
            return fallback();
        };
        let mut complete = purl.with_version(package.version.clone()).is_ok();
        if let Some(namespace) = namespace {
            complete &= purl.with_namespace(namespace).is_ok();
        }
        if let Some(architecture) = &package.architecture {
            complete &= purl.add_qualifier("arch", architecture.clone()).is_ok();
        }
        if let Some(release) = &self.release {
            let distro = format!("{}-{}", release.id(), release.release());
            complete &= purl.add_qualifier("distro", distro).is_ok();
        }
        if complete { purl.to_string() } else { fallback() }
    }
}

#[cfg(test)]
mod tests;
