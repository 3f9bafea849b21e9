//! OSV's names of ecosystems (schema, "affected[].package.ecosystem") as ours.

use tallyman_model::distribution::DistributionRelease;
use tallyman_model::package::Ecosystem;

use crate::feed::SkipReason;
use crate::release;

/// What an OSV ecosystem speaks of.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) ecosystem: Ecosystem,
    pub(super) release: Option<DistributionRelease>,
    /// The feed that its records belong to.
    pub(super) feed: String,
}

/// Reads an ecosystem such as `PyPI`, `Debian:12` or `Ubuntu:22.04:LTS`.
pub(super) fn target(ecosystem: &str) -> Result<Target, SkipReason> {
    let (base, suffix) = ecosystem.split_once(':').unwrap_or((ecosystem, ""));
    let (kind, release) = match base {
        "PyPI" => (Ecosystem::PyPi, None),
        "npm" => (Ecosystem::Npm, None),
        "Go" => (Ecosystem::Go, None),
        "crates.io" => (Ecosystem::Cargo, None),
        "Maven" => (Ecosystem::Maven, None),
        "RubyGems" => (Ecosystem::Gem, None),
        "Packagist" => (Ecosystem::Composer, None),
        "NuGet" => (Ecosystem::NuGet, None),
        "Pub" => (Ecosystem::Pub, None),
        "Hex" => (Ecosystem::Hex, None),
        "SwiftURL" => (Ecosystem::Swift, None),
        "Hackage" => (Ecosystem::Hackage, None),
        "CRAN" => (Ecosystem::Cran, None),
        "ConanCenter" => (Ecosystem::Conan, None),
        "Debian" => (Ecosystem::Deb, Some(debian(suffix)?)),
        "Ubuntu" => (Ecosystem::Deb, Some(ubuntu(suffix)?)),
        "Alpine" => (Ecosystem::Apk, Some(alpine(suffix)?)),
        _ => return Err(SkipReason::UnknownEcosystem),
    };
    Ok(Target { ecosystem: kind, release, feed: format!("osv/{base}") })
}

fn debian(suffix: &str) -> Result<DistributionRelease, SkipReason> {
    if suffix.is_empty() { Err(SkipReason::NoRelease) } else { Ok(release::debian(suffix)) }
}

/// `22.04:LTS`; `Pro:…` speaks of an archive that an image does not use by default.
fn ubuntu(suffix: &str) -> Result<DistributionRelease, SkipReason> {
    let number = suffix.split(':').next().unwrap_or(suffix);
    if number.starts_with(|c: char| c.is_ascii_digit()) {
        Ok(DistributionRelease::new("ubuntu", number))
    } else if suffix.is_empty() {
        Err(SkipReason::NoRelease)
    } else {
        Err(SkipReason::UnknownEcosystem)
    }
}

/// `v3.20` or `edge`. Others use the bare name for packages of their own, so it is nobody's.
fn alpine(suffix: &str) -> Result<DistributionRelease, SkipReason> {
    match suffix.strip_prefix('v').unwrap_or(suffix) {
        "" => Err(SkipReason::NoRelease),
        release => Ok(DistributionRelease::new("alpine", release)),
    }
}
