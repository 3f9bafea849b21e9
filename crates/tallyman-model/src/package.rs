//! Packages as an image holds them, and package versions as advisories judge them.

mod purl;

use std::fmt;
use std::str::FromStr;

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
    /// RPM: Red Hat and its relatives, SUSE, Amazon, Azure, Alibaba Cloud, openEuler.
    Rpm,
    /// pacman: Arch Linux.
    Alpm,
    /// Portage: Gentoo.
    Ebuild,
    /// opkg: OpenWrt, Yocto.
    Opkg,
    /// Python distributions.
    PyPi,
    /// npm packages.
    Npm,
    /// Go modules, and the standard library as module `stdlib`.
    #[serde(rename = "golang")]
    Go,
    /// Rust crates.
    Cargo,
    /// Java artifacts, named `group:artifact`.
    Maven,
    /// Ruby gems.
    Gem,
    /// PHP packages, named `vendor/package`.
    Composer,
    /// .NET packages.
    NuGet,
    /// Dart packages.
    Pub,
    /// Elixir and Erlang packages.
    Hex,
    /// Swift packages, named by their repository: `github.com/apple/swift-nio`.
    Swift,
    /// Haskell packages.
    Hackage,
    /// R packages.
    Cran,
    /// Lua rocks.
    LuaRocks,
    /// C and C++ packages of Conan.
    Conan,
    /// conda packages.
    Conda,
    /// Programs that no package manager installed, named by their project: `node`, `nginx`.
    Generic,
}

/// What is the same for all packages of an ecosystem.
struct EcosystemLine {
    ecosystem: Ecosystem,
    /// The package URL type.
    name: &'static str,
    namespace: Namespace,
    is_caseless: bool,
}

/// Where the namespace of a package URL comes from (purl-spec, "Known types").
#[derive(Clone, Copy)]
enum Namespace {
    /// The id of the distribution.
    Distribution,
    /// The name, up to the last one of this character.
    UpTo(char),
    /// Nowhere.
    Never,
}

const fn line(ecosystem: Ecosystem, name: &'static str, namespace: Namespace) -> EcosystemLine {
    EcosystemLine { ecosystem, name, namespace, is_caseless: false }
}

const fn caseless(line: EcosystemLine) -> EcosystemLine {
    EcosystemLine { is_caseless: true, ..line }
}

/// One line for each ecosystem, in the order of the variants.
const ECOSYSTEMS: [EcosystemLine; Ecosystem::ALL.len()] = [
    line(Ecosystem::Deb, "deb", Namespace::Distribution),
    line(Ecosystem::Apk, "apk", Namespace::Distribution),
    line(Ecosystem::Rpm, "rpm", Namespace::Distribution),
    line(Ecosystem::Alpm, "alpm", Namespace::Distribution),
    line(Ecosystem::Ebuild, "ebuild", Namespace::UpTo('/')),
    line(Ecosystem::Opkg, "opkg", Namespace::Distribution),
    line(Ecosystem::PyPi, "pypi", Namespace::Never),
    line(Ecosystem::Npm, "npm", Namespace::UpTo('/')),
    line(Ecosystem::Go, "golang", Namespace::UpTo('/')),
    line(Ecosystem::Cargo, "cargo", Namespace::Never),
    line(Ecosystem::Maven, "maven", Namespace::UpTo(':')),
    line(Ecosystem::Gem, "gem", Namespace::Never),
    caseless(line(Ecosystem::Composer, "composer", Namespace::UpTo('/'))),
    caseless(line(Ecosystem::NuGet, "nuget", Namespace::Never)),
    line(Ecosystem::Pub, "pub", Namespace::Never),
    caseless(line(Ecosystem::Hex, "hex", Namespace::Never)),
    line(Ecosystem::Swift, "swift", Namespace::UpTo('/')),
    line(Ecosystem::Hackage, "hackage", Namespace::Never),
    line(Ecosystem::Cran, "cran", Namespace::Never),
    caseless(line(Ecosystem::LuaRocks, "luarocks", Namespace::Never)),
    line(Ecosystem::Conan, "conan", Namespace::Never),
    line(Ecosystem::Conda, "conda", Namespace::Never),
    line(Ecosystem::Generic, "generic", Namespace::Never),
];

impl Ecosystem {
    /// All ecosystems, in the order of the variants.
    pub const ALL: [Ecosystem; 23] = [
        Ecosystem::Deb,
        Ecosystem::Apk,
        Ecosystem::Rpm,
        Ecosystem::Alpm,
        Ecosystem::Ebuild,
        Ecosystem::Opkg,
        Ecosystem::PyPi,
        Ecosystem::Npm,
        Ecosystem::Go,
        Ecosystem::Cargo,
        Ecosystem::Maven,
        Ecosystem::Gem,
        Ecosystem::Composer,
        Ecosystem::NuGet,
        Ecosystem::Pub,
        Ecosystem::Hex,
        Ecosystem::Swift,
        Ecosystem::Hackage,
        Ecosystem::Cran,
        Ecosystem::LuaRocks,
        Ecosystem::Conan,
        Ecosystem::Conda,
        Ecosystem::Generic,
    ];

    fn line(self) -> &'static EcosystemLine {
        ECOSYSTEMS
            .iter()
            .find(|line| line.ecosystem == self)
            .expect("every ecosystem has a line in the list of ecosystems")
    }

    /// Returns the package URL type, which is also the name in the store and in reports.
    pub fn name(self) -> &'static str {
        self.line().name
    }

    /// Puts a name together again that [`PackageVersion::purl`] took apart.
    pub(crate) fn join_name(self, namespace: Option<&str>, name: &str) -> String {
        match (self.line().namespace, namespace) {
            (Namespace::UpTo(separator), Some(namespace)) => {
                format!("{namespace}{separator}{name}")
            }
            (Namespace::UpTo(_) | Namespace::Distribution | Namespace::Never, _) => name.to_owned(),
        }
    }

    /// Tells whether packages of this kind belong to a distribution, whose feed judges them.
    pub fn is_distribution(self) -> bool {
        match self {
            Ecosystem::Deb
            | Ecosystem::Apk
            | Ecosystem::Rpm
            | Ecosystem::Alpm
            | Ecosystem::Ebuild
            | Ecosystem::Opkg => true,
            Ecosystem::PyPi
            | Ecosystem::Npm
            | Ecosystem::Go
            | Ecosystem::Cargo
            | Ecosystem::Maven
            | Ecosystem::Gem
            | Ecosystem::Composer
            | Ecosystem::NuGet
            | Ecosystem::Pub
            | Ecosystem::Hex
            | Ecosystem::Swift
            | Ecosystem::Hackage
            | Ecosystem::Cran
            | Ecosystem::LuaRocks
            | Ecosystem::Conan
            | Ecosystem::Conda
            | Ecosystem::Generic => false,
        }
    }

    /// Brings a name into the form in which two spellings of one package are equal: PEP 503 for
    /// Python, lower case where the registry knows no case; all others are compared as they are.
    pub fn normalize_name(self, name: &str) -> String {
        match self {
            Ecosystem::PyPi => normalize_pep503(name),
            _ if self.line().is_caseless => name.to_lowercase(),
            _ => name.to_owned(),
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
    /// The module and stream that an RPM was built in, such as `nodejs:16`: each stream has
    /// versions and advisories of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub module: Option<String>,
}

impl Package {
    /// Makes a package of which no more is known than its name and version.
    pub fn new(ecosystem: Ecosystem, name: impl Into<String>, version: impl Into<String>) -> Self {
        Package {
            ecosystem,
            name: name.into(),
            version: version.into(),
            architecture: None,
            source: None,
            module: None,
        }
    }
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
    /// Returns the name under which advisories speak of the package: the source package where the
    /// distribution's advisories speak of these, else the normalised name.
    pub fn advisory_name(&self) -> String {
        match self.judged_source() {
            Some(source) => source.name.clone(),
            None => self.package.ecosystem.normalize_name(&self.package.name),
        }
    }

    /// Returns the version that advisories' ranges are compared with.
    pub fn advisory_version(&self) -> &str {
        self.judged_source().map_or(&self.package.version, |source| &source.version)
    }

    /// Returns the name and version of the source package; the package's own where none is named.
    pub fn source_name_and_version(&self) -> (String, &str) {
        match &self.package.source {
            Some(source) if self.package.ecosystem.is_distribution() => {
                (source.name.clone(), &source.version)
            }
            _ => (self.package.ecosystem.normalize_name(&self.package.name), &self.package.version),
        }
    }

    fn judged_source(&self) -> Option<&SourcePackage> {
        let names_binaries = || {
            self.package.ecosystem == Ecosystem::Rpm
                && self.release.as_ref().is_some_and(DistributionRelease::names_binary_packages)
        };
        let source = self.package.source.as_ref()?;
        (self.package.ecosystem.is_distribution() && !names_binaries()).then_some(source)
    }
}

#[cfg(test)]
mod tests;
