//! The order of versions: a scheme is a file in `version/` and one line in [`SCHEMES`].
//!
//! [`compare`] compares by an ecosystem, [`compare_by`] by a scheme. Nothing here knows advisories.

mod alpm;
mod apk;
mod conan;
mod conda;
mod dart;
mod deb;
mod digits;
mod generic;
mod gentoo;
mod golang;
mod julia;
mod maven;
mod nuget;
mod number_list;
mod packagist;
mod pep440;
mod rpm;
mod rubygems;
mod segments;
mod semver;

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use tallyman_model::package::Ecosystem;

/// An order of versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// dpkg.
    Deb,
    /// apk-tools.
    Apk,
    /// Gentoo.
    Gentoo,
    /// RPM.
    Rpm,
    /// Arch Linux.
    Alpm,
    /// OCaml.
    Opam,
    /// Python, PEP 440.
    Pep440,
    /// Conda.
    Conda,
    /// Semantic Versioning, for npm, crates.io, Hex and Swift.
    Semver,
    /// Go modules and toolchains.
    Go,
    /// RubyGems.
    RubyGems,
    /// NuGet.
    NuGet,
    /// PHP.
    Packagist,
    /// Dart.
    Pub,
    /// Julia.
    Julia,
    /// Maven.
    Maven,
    /// Haskell.
    Hackage,
    /// R.
    Cran,
    /// Conan.
    Conan,
    /// Programs whose makers define no order.
    Generic,
}

/// Why a text has no place in an order.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{version}` is not a version by the order of {scheme}")]
pub struct InvalidVersion {
    /// The order.
    pub scheme: Scheme,
    /// The text.
    pub version: String,
}

/// Which of the two texts of a comparison is no version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Left,
    Right,
}

/// What is known of a scheme.
struct Line {
    scheme: Scheme,
    /// The names that stand for it, lower case, the scheme's own first: those of OSV's
    /// ecosystems, package URL types, tools and languages.
    names: &'static [&'static str],
    compare: fn(&str, &str) -> Result<Ordering, Side>,
    /// Whether a text takes part in ranges.
    is_rankable: fn(&str) -> bool,
}

/// All schemes. A new one is a line here and a file.
const SCHEMES: [Line; 20] = [
    Line {
        scheme: Scheme::Deb,
        names: &[
            "debian", "ubuntu", "deb", "dpkg", "apt", "opkg", "ipk", "echo", "raspbian", "kali",
        ],
        compare: deb::compare,
        is_rankable: deb::is_rankable,
    },
    Line {
        scheme: Scheme::Apk,
        names: &[
            "alpine",
            "wolfi",
            "chainguard",
            "minimos",
            "alpaquita",
            "bellsoft hardened containers",
            "bellsoft",
            "cleanstart",
            "postmarketos",
            "apk",
        ],
        compare: apk::compare,
        is_rankable: apk::is_rankable,
    },
    Line {
        scheme: Scheme::Gentoo,
        names: &["gentoo", "ebuild", "portage"],
        compare: gentoo::compare,
        is_rankable: gentoo::is_rankable,
    },
    Line {
        scheme: Scheme::Rpm,
        names: &[
            "rpm",
            "red hat",
            "rhel",
            "rocky linux",
            "rocky",
            "almalinux",
            "suse",
            "sles",
            "opensuse",
            "openeuler",
            "mageia",
            "photon os",
            "photon",
            "azure linux",
            "mariner",
            "cbl-mariner",
            "fedora",
            "amazon linux",
            "amazon",
            "oracle linux",
            "oracle",
            "alibaba cloud linux",
            "alinux",
            "anolis",
            "anolis os",
            "centos",
            "tencentos",
            "dnf",
            "yum",
            "zypper",
        ],
        compare: rpm::compare,
        is_rankable: rpm::is_rankable,
    },
    Line {
        scheme: Scheme::Alpm,
        names: &["arch linux", "arch", "alpm", "pacman"],
        compare: alpm::compare,
        is_rankable: alpm::is_rankable,
    },
    Line {
        scheme: Scheme::Opam,
        names: &["opam", "ocaml"],
        compare: deb::compare_opam,
        is_rankable: deb::is_rankable_by_opam,
    },
    Line {
        scheme: Scheme::Pep440,
        names: &["pypi", "pep440", "python", "pip"],
        compare: pep440::compare,
        is_rankable: pep440::is_rankable,
    },
    Line {
        scheme: Scheme::Conda,
        names: &["conda", "anaconda", "conda-forge"],
        compare: conda::compare,
        is_rankable: conda::is_rankable,
    },
    Line {
        scheme: Scheme::Semver,
        names: &[
            "semver",
            "npm",
            "node",
            "yarn",
            "pnpm",
            "crates.io",
            "crates",
            "cargo",
            "rust",
            "hex",
            "elixir",
            "erlang",
            "mix",
            "swift",
            "swifturl",
            "github actions",
            "github",
            "bitnami",
            "kubernetes",
            "vscode",
            "ghc",
        ],
        compare: semver::compare,
        is_rankable: semver::is_rankable,
    },
    Line {
        scheme: Scheme::Go,
        names: &["go", "golang", "go modules", "go pseudo-versions", "stdlib"],
        compare: golang::compare,
        is_rankable: golang::is_rankable,
    },
    Line {
        scheme: Scheme::RubyGems,
        names: &["rubygems", "gem", "ruby", "bundler"],
        compare: rubygems::compare,
        is_rankable: rubygems::is_rankable,
    },
    Line {
        scheme: Scheme::NuGet,
        names: &["nuget", "dotnet"],
        compare: nuget::compare,
        is_rankable: nuget::is_rankable,
    },
    Line {
        scheme: Scheme::Packagist,
        names: &["packagist", "composer", "php"],
        compare: packagist::compare,
        is_rankable: packagist::is_rankable,
    },
    Line {
        scheme: Scheme::Pub,
        names: &["pub", "dart", "flutter"],
        compare: dart::compare,
        is_rankable: dart::is_rankable,
    },
    Line {
        scheme: Scheme::Julia,
        names: &["julia"],
        compare: julia::compare,
        is_rankable: dart::is_rankable,
    },
    Line {
        scheme: Scheme::Maven,
        names: &["maven", "gradle", "java"],
        compare: maven::compare,
        is_rankable: maven::is_rankable,
    },
    Line {
        scheme: Scheme::Hackage,
        names: &["hackage", "haskell", "cabal"],
        compare: number_list::compare_hackage,
        is_rankable: number_list::is_rankable,
    },
    Line {
        scheme: Scheme::Cran,
        names: &["cran", "bioconductor", "r"],
        compare: number_list::compare_cran,
        is_rankable: number_list::is_rankable,
    },
    Line {
        scheme: Scheme::Conan,
        names: &["conan", "conancenter"],
        compare: conan::compare,
        is_rankable: conan::is_rankable,
    },
    Line {
        scheme: Scheme::Generic,
        names: &[
            "generic", "luarocks", "lua", "linux", "android", "oss-fuzz", "git", "root",
            "homebrew", "docker", "oci",
        ],
        compare: generic::compare,
        is_rankable: generic::is_rankable,
    },
];

/// Those who publish other ecosystems' packages mended: what stands behind the colon may be one
/// (`TuxCare:npm`, `Root:Alpine:3.18`, `Echo:PyPI`).
const REBUILDERS: [&str; 5] = ["tuxcare", "root", "echo", "docker hardened images", "seal"];

impl Scheme {
    /// Returns the order of an ecosystem's versions.
    pub fn of(ecosystem: Ecosystem) -> Self {
        match ecosystem {
            // opkg(1) compares versions as dpkg does.
            Ecosystem::Deb | Ecosystem::Opkg => Scheme::Deb,
            Ecosystem::Apk => Scheme::Apk,
            Ecosystem::Ebuild => Scheme::Gentoo,
            Ecosystem::Rpm => Scheme::Rpm,
            Ecosystem::Alpm => Scheme::Alpm,
            Ecosystem::PyPi => Scheme::Pep440,
            Ecosystem::Conda => Scheme::Conda,
            Ecosystem::Npm | Ecosystem::Cargo | Ecosystem::Swift | Ecosystem::Hex => Scheme::Semver,
            Ecosystem::Go => Scheme::Go,
            Ecosystem::Maven => Scheme::Maven,
            Ecosystem::Gem => Scheme::RubyGems,
            Ecosystem::Composer => Scheme::Packagist,
            Ecosystem::NuGet => Scheme::NuGet,
            Ecosystem::Pub => Scheme::Pub,
            Ecosystem::Hackage => Scheme::Hackage,
            Ecosystem::Cran => Scheme::Cran,
            Ecosystem::Conan => Scheme::Conan,
            // LuaRocks' `scm` aside, a rock's version is its program's and a revision.
            Ecosystem::LuaRocks | Ecosystem::Generic => Scheme::Generic,
        }
    }

    /// Returns every name that [`Scheme::from_str`] reads.
    pub fn names() -> impl Iterator<Item = &'static str> {
        SCHEMES.iter().flat_map(|line| line.names).copied()
    }

    fn line(self) -> &'static Line {
        SCHEMES
            .iter()
            .find(|line| line.scheme == self)
            .expect("every scheme has a line in the list of schemes")
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.line().names.first().copied().unwrap_or_default())
    }
}

/// Why a text names no scheme.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` names no order of versions; known are {}", known_names())]
pub struct UnknownScheme {
    name: String,
}

fn known_names() -> String {
    Scheme::names().collect::<Vec<_>>().join(", ")
}

impl FromStr for Scheme {
    type Err = UnknownScheme;

    /// Reads an OSV ecosystem with or without a release (`Debian:12`), a package URL's type, or the
    /// name of a tool; neither case nor spaces and signs between letters count.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unknown = || UnknownScheme { name: text.to_owned() };
        let text = text.strip_prefix("pkg:").unwrap_or(text);
        let (name, rest) = text.split_once([':', '/']).unwrap_or((text, ""));
        let is_name = |known: &str| letters(known).eq(letters(name));
        if let Some(scheme) = REBUILDERS.into_iter().find(|it| is_name(it)).and(find(rest)) {
            return Ok(scheme);
        }
        find(name).ok_or_else(unknown)
    }
}

/// Finds a scheme by the name before the first colon.
fn find(text: &str) -> Option<Scheme> {
    let name = text.split(':').next().unwrap_or_default();
    let is_name = |known: &&str| letters(known).eq(letters(name));
    let line = SCHEMES.iter().find(|line| line.names.iter().any(is_name));
    line.filter(|_| letters(name).next().is_some()).map(|line| line.scheme)
}

fn letters(name: &str) -> impl Iterator<Item = char> {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase)
}

/// Compares two versions as the ecosystem's own tool does.
///
/// # Errors
/// Names the text that the ecosystem's tool would refuse outright. Texts that the tool merely
/// warns of (dpkg, apk) or once accepted (Python before PEP 440) keep their historical place.
pub fn compare(ecosystem: Ecosystem, a: &str, b: &str) -> Result<Ordering, InvalidVersion> {
    compare_by(Scheme::of(ecosystem), a, b)
}

/// Compares two versions by a scheme.
///
/// # Errors
/// As [`compare`].
pub fn compare_by(scheme: Scheme, a: &str, b: &str) -> Result<Ordering, InvalidVersion> {
    (scheme.line().compare)(a, b).map_err(|side| {
        let version = match side {
            Side::Left => a,
            Side::Right => b,
        };
        InvalidVersion { scheme, version: version.to_owned() }
    })
}

/// Tells whether a version may be looked for in ranges. One that may not is only ever found
/// where an advisory lists it word for word.
pub fn is_rankable(ecosystem: Ecosystem, version: &str) -> bool {
    (Scheme::of(ecosystem).line().is_rankable)(version)
}

#[cfg(test)]
mod tests;
