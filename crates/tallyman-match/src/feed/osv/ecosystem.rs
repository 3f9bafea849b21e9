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

/// What the schema names beside these: systems that no image is of, programs without a package,
/// and packages that nothing in an image tells apart.
const WITHOUT_INVENTORY: [&str; 21] = [
    "Android",
    "Bioconductor",
    "Bitnami",
    "Docker Hardened Images",
    "FreeBSD",
    "GHC",
    "GIT",
    "GitHub Actions",
    "GSD",
    "JavaScript",
    "Julia",
    "Kubernetes",
    "Linux",
    "OSS-Fuzz",
    "Red Hat Lightwell",
    "Root",
    "Seal",
    "TuxCare",
    "VSCode",
    "opam",
    "SecureOS",
];

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
        _ => match distribution(base, suffix)? {
            Some((kind, release)) => (kind, Some(release)),
            None if WITHOUT_INVENTORY.contains(&base) => return Err(SkipReason::NoInventory),
            None => return Err(SkipReason::UnknownEcosystem),
        },
    };
    Ok(Target { ecosystem: kind, release, feed: format!("osv/{base}") })
}

/// Distributions whose suffix is the release, or which have none.
fn distribution(
    base: &str,
    suffix: &str,
) -> Result<Option<(Ecosystem, DistributionRelease)>, SkipReason> {
    let (kind, id) = match base {
        "Wolfi" => (Ecosystem::Apk, "wolfi"),
        "Chainguard" => (Ecosystem::Apk, "chainguard"),
        "MinimOS" => (Ecosystem::Apk, "minimos"),
        "CleanStart" => (Ecosystem::Apk, "cleanstart"),
        "Echo" => (Ecosystem::Deb, "echo"),
        "Alpaquita" => (Ecosystem::Apk, "alpaquita"),
        "BellSoft Hardened Containers" => (Ecosystem::Apk, "bellsoft-hardened-containers"),
        "AlmaLinux" => (Ecosystem::Rpm, "almalinux"),
        "Rocky Linux" => (Ecosystem::Rpm, "rocky"),
        "Mageia" => (Ecosystem::Rpm, "mageia"),
        "openEuler" => (Ecosystem::Rpm, "openeuler"),
        "Azure Linux" => (Ecosystem::Rpm, "azurelinux"),
        "Photon OS" => (Ecosystem::Rpm, "photon"),
        "Red Hat" => return red_hat(suffix).map(Some),
        "SUSE" | "openSUSE" => return suse(base, suffix).map(Some),
        _ => return Ok(None),
    };
    let is_rolling = matches!(id, "wolfi" | "chainguard" | "minimos" | "cleanstart" | "echo");
    if is_rolling || !suffix.is_empty() {
        let release = if is_rolling { "" } else { suffix };
        return Ok(Some((kind, DistributionRelease::new(id, release))));
    }
    Err(SkipReason::NoRelease)
}

/// `enterprise_linux:9::appstream`, a CPE without its beginning. Other products (`rhel_eus:9.2`,
/// `rhel_aus:8.6`, layered ones) are streams that an image does not get by default.
pub(in crate::feed) fn red_hat(
    suffix: &str,
) -> Result<(Ecosystem, DistributionRelease), SkipReason> {
    let mut parts = suffix.split(':');
    let (product, version) = (parts.next(), parts.next().unwrap_or(""));
    let major = version.split('.').next().unwrap_or("");
    match product {
        Some("enterprise_linux") if !major.is_empty() => {
            Ok((Ecosystem::Rpm, DistributionRelease::new("rhel", major)))
        }
        Some("") | None => Err(SkipReason::NoRelease),
        Some(_) => Err(SkipReason::OtherProduct),
    }
}

/// The names of SUSE's products end in the version of the system that they are for (`Linux
/// Enterprise Module for Basesystem 15 SP5`, `Linux Enterprise Server 15 SP3-LTSS`, `Leap 15.6`).
pub(in crate::feed) fn suse(
    base: &str,
    product: &str,
) -> Result<(Ecosystem, DistributionRelease), SkipReason> {
    let release =
        |id: &str, version: &str| Ok((Ecosystem::Rpm, DistributionRelease::new(id, version)));
    if product.is_empty() {
        return Err(SkipReason::NoRelease);
    }
    let mut words = product.split(' ').rev();
    let (last, before) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
    let is_number = |word: &str| word.starts_with(|c: char| c.is_ascii_digit());
    if base == "openSUSE" {
        return match (before, last) {
            (_, "Tumbleweed") => release("opensuse-tumbleweed", ""),
            ("Leap", number) if is_number(number) => release("opensuse-leap", number),
            ("Micro", number) if is_number(number) => release("opensuse-leap-micro", number),
            _ => Err(SkipReason::OtherProduct),
        };
    }
    let pack = last.strip_prefix("SP").map(|pack| pack.split('-').next().unwrap_or(pack));
    let version = match pack {
        Some(pack) if is_number(before) && is_number(pack) => format!("{before}.{pack}"),
        None if is_number(last) => last.split('-').next().unwrap_or(last).to_owned(),
        _ => return Err(SkipReason::OtherProduct),
    };
    if product.contains("Micro ") {
        release("sle-micro", &version)
    } else if product.starts_with("Linux Enterprise") {
        release("sles", &version)
    } else {
        Err(SkipReason::OtherProduct)
    }
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
        Err(SkipReason::OtherProduct)
    }
}

/// `v3.20` or `edge`. Others use the bare name for packages of their own, so it is nobody's.
fn alpine(suffix: &str) -> Result<DistributionRelease, SkipReason> {
    match suffix.strip_prefix('v').unwrap_or(suffix) {
        "" => Err(SkipReason::NoRelease),
        release => Ok(DistributionRelease::new("alpine", release)),
    }
}

#[cfg(test)]
mod tests {
    use super::target;
    use crate::feed::SkipReason;

    fn check(ecosystem: &str, expected: Option<&str>) {
        let release = target(ecosystem).ok().and_then(|target| target.release);
        assert_eq!(release.as_ref().map(|release| release.as_str()), expected, "{ecosystem}");
    }

    #[test]
    fn ecosystems_of_rpm_distributions_are_releases() {
        check("AlmaLinux:9", Some("almalinux:9"));
        check("Rocky Linux:8", Some("rocky:8"));
        check("openEuler:22.03-LTS-SP3", Some("openeuler:22.03-lts-sp3"));
        check("Mageia:9", Some("mageia:9"));
        check("Azure Linux:3", Some("azurelinux:3"));
        check("Photon OS:3.0", Some("photon:3.0"));
        check("AlmaLinux", None);
    }

    #[test]
    fn red_hats_products_are_releases_if_every_image_gets_them() {
        check("Red Hat:enterprise_linux:9::appstream", Some("rhel:9"));
        check("Red Hat:enterprise_linux:10.0", Some("rhel:10"));
        check("Red Hat:rhel_eus:9.2::appstream", None);
        check("Red Hat:ocp_tools:4.15::el9", None);
        check("Red Hat", None);
    }

    #[test]
    fn suses_products_are_for_a_version_of_the_system() {
        check("SUSE:Linux Enterprise Module for Basesystem 15 SP5", Some("sles:15.5"));
        check("SUSE:Linux Enterprise Server 15 SP3-LTSS", Some("sles:15.3"));
        check("SUSE:Linux Enterprise Server 12 SP1", Some("sles:12.1"));
        check("SUSE:Linux Enterprise Desktop 12", Some("sles:12"));
        check("SUSE:Linux Enterprise Server 16.0", Some("sles:16.0"));
        check("SUSE:Linux Enterprise Micro 5.3", Some("sle-micro:5.3"));
        check("SUSE:Linux Micro 6.0", Some("sle-micro:6.0"));
        check("SUSE:Manager Server 4.3", None);
        check("SUSE:Package Hub 12", None);
        check("SUSE:", None);
        check("openSUSE:Leap 15.6", Some("opensuse-leap:15.6"));
        check("openSUSE:Leap Micro 5.5", Some("opensuse-leap-micro:5.5"));
        check("openSUSE:Tumbleweed", Some("opensuse-tumbleweed"));
    }

    #[test]
    fn every_ecosystem_that_osv_publishes_is_read_or_known_not_to_be_in_images() {
        // The list of osv.dev in November 2026, and what the schema names beside it.
        let read = [
            "AlmaLinux:9",
            "Alpaquita:23",
            "Alpine:v3.20",
            "Azure Linux:3",
            "BellSoft Hardened Containers:25",
            "CRAN",
            "Chainguard",
            "CleanStart",
            "ConanCenter",
            "Debian:12",
            "Echo",
            "Go",
            "Hackage",
            "Hex",
            "Mageia:9",
            "Maven",
            "Maven:https://maven.google.com",
            "MinimOS",
            "NuGet",
            "Packagist",
            "Photon OS:5.0",
            "Pub",
            "PyPI",
            "Red Hat:enterprise_linux:9::baseos",
            "Rocky Linux:9",
            "RubyGems",
            "SUSE:Linux Enterprise Server 15 SP5",
            "SwiftURL",
            "Ubuntu:24.04:LTS",
            "Wolfi",
            "crates.io",
            "npm",
            "openEuler:24.03-LTS",
            "openSUSE:Leap 15.6",
        ];
        for name in read {
            let target = target(name).unwrap_or_else(|reason| panic!("{name}: {reason:?}"));
            let base = name.split(':').next().unwrap();
            assert_eq!(target.feed, format!("osv/{base}"));
        }
        let elsewhere = [
            "Android",
            "Bioconductor",
            "Bitnami",
            "Docker Hardened Images:Debian:13",
            "FreeBSD:kernel",
            "GHC",
            "GIT",
            "GitHub Actions",
            "Julia",
            "Kubernetes",
            "Linux",
            "OSS-Fuzz",
            "Red Hat Lightwell",
            "Root:Debian:12",
            "Seal",
            "TuxCare:Debian:10",
            "VSCode",
            "opam",
        ];
        for name in elsewhere {
            assert_eq!(target(name), Err(SkipReason::NoInventory), "{name}");
        }
        // Extended support is another archive than the one that an image has by default.
        assert_eq!(target("Ubuntu:Pro:18.04:LTS"), Err(SkipReason::OtherProduct));
    }

    #[test]
    fn ecosystems_of_apk_distributions_are_releases() {
        check("Alpine:v3.20", Some("alpine:3.20"));
        check("Wolfi", Some("wolfi"));
        check("Chainguard", Some("chainguard"));
        check("MinimOS", Some("minimos"));
        check("Alpaquita:stream", Some("alpaquita:stream"));
        check("Alpine", None);
        check("CleanStart", Some("cleanstart"));
        check("Echo", Some("echo"));
        check("BellSoft Hardened Containers:25", Some("bellsoft-hardened-containers:25"));
        assert_eq!(target("Android:").unwrap_err(), SkipReason::NoInventory);
        assert_eq!(target("unheard of").unwrap_err(), SkipReason::UnknownEcosystem);
    }
}
