//! Which release's feed judges the packages of a distribution.
//!
//! A derivative is judged by the release of another distribution only where it uses that one's very
//! packages, or builds them again with their versions. All others keep their own name, and nobody
//! has advisories for it: unsupported is better than wrong.

use super::codename::{DEBIAN, DEVUAN, UBUNTU, number};
use super::{Distribution, DistributionRelease};

/// Those that use Ubuntu's archive and bring packages of their own beside it.
const ON_UBUNTU: [&str; 6] = ["linuxmint", "pop", "elementary", "zorin", "neon", "tuxedo"];

/// Those that have no releases.
const ROLLING: [&str; 8] = [
    "wolfi",
    "chainguard",
    "minimos",
    "cleanstart",
    "echo",
    "arch",
    "gentoo",
    "opensuse-tumbleweed",
];

pub(super) fn of(distribution: &Distribution) -> DistributionRelease {
    let version = distribution.version_id.as_deref().unwrap_or("");
    let codename = distribution.codename.as_deref().unwrap_or("");
    let as_release = DistributionRelease::new;
    match distribution.id.as_str() {
        // Raspbian builds Debian's packages again for an older processor.
        "debian" | "raspbian" => as_release("debian", &debian(version, codename)),
        "devuan" => match number(&DEVUAN, major(version)).or_else(|| number(&DEVUAN, codename)) {
            Some(debian) => as_release("debian", debian),
            None => as_release("devuan", version),
        },
        id if ON_UBUNTU.contains(&id) => {
            match (number(&UBUNTU, codename), number(&DEBIAN, codename)) {
                (Some(ubuntu), _) => as_release("ubuntu", ubuntu),
                // The edition of Linux Mint that is made from Debian.
                (None, Some(debian)) => as_release("debian", debian),
                (None, None) => as_release(id, version),
            }
        }
        "alpine" => as_release("alpine", &alpine(version)),
        // CentOS Linux built Red Hat's sources again; Stream is ahead of them.
        "centos" if !is_stream(distribution) => as_release("rhel", major(version)),
        "centos" => as_release("centos-stream", major(version)),
        id @ ("rhel" | "almalinux" | "rocky" | "ol" | "anolis" | "alinux") => {
            as_release(id, major(version))
        }
        "amzn" => match major(version) {
            // 2018.03 is one of many releases of the first Amazon Linux; 2023 has no point.
            year if version.contains('.') && year.starts_with("201") => as_release("amzn", "1"),
            major => as_release("amzn", major),
        },
        "sles" | "sled" | "sles_sap" | "sle_hpc" => as_release("sles", version),
        "sl-micro" | "sle-micro" | "suse-microos" => as_release("sle-micro", version),
        "opensuse-microos" => as_release("opensuse-tumbleweed", ""),
        "opensuse" => as_release("opensuse-leap", version),
        "openeuler" => as_release("openeuler", &open_euler(distribution, version)),
        // CBL-Mariner is the name that Azure Linux had until version 2.
        "azurelinux" | "mariner" => as_release("azurelinux", major(version)),
        id if ROLLING.contains(&id) => as_release(id, ""),
        id => as_release(id, version),
    }
}

/// Testing and unstable carry no `VERSION_ID`, only a codename.
fn debian(version: &str, codename: &str) -> String {
    match (major(version), codename) {
        ("", "") => "sid".to_owned(),
        ("", codename) => number(&DEBIAN, codename).unwrap_or(codename).to_owned(),
        (major, _) => major.to_owned(),
    }
}

/// `3.20.3` is a release of `3.20`; `3.21_alpha20240807` and `3.23.0_alpha20250612` are snapshots
/// of edge.
fn alpine(version: &str) -> String {
    let mut numbers = version.split(['.', '_']);
    match (numbers.next(), numbers.next()) {
        (Some(major), Some(minor)) if !version.contains("_alpha") => format!("{major}.{minor}"),
        _ => "edge".to_owned(),
    }
}

/// Only the name tells CentOS Linux and CentOS Stream apart.
fn is_stream(distribution: &Distribution) -> bool {
    distribution.pretty_name.as_deref().is_some_and(|name| name.contains("Stream"))
}

/// `openEuler 22.03 (LTS-SP3)` is the release `22.03-LTS-SP3`; `VERSION_ID` leaves the service pack
/// out.
fn open_euler(distribution: &Distribution, version: &str) -> String {
    let name = distribution.pretty_name.as_deref().unwrap_or("");
    let pack = name.split_once('(').and_then(|(_, rest)| rest.split_once(')'));
    match pack {
        Some((pack, _)) if pack.starts_with("LTS") => format!("{version}-{pack}"),
        _ => version.to_owned(),
    }
}

fn major(version: &str) -> &str {
    version.split('.').next().unwrap_or(version)
}

#[cfg(test)]
mod tests {
    use crate::distribution::Distribution;

    fn some(text: &str) -> Option<String> {
        Some(text.to_owned()).filter(|text| !text.is_empty())
    }

    fn check(id: &str, version: &str, codename: &str, pretty_name: &str, expected: &str) {
        let distribution = Distribution {
            id: id.to_owned(),
            version_id: some(version),
            codename: some(codename),
            pretty_name: some(pretty_name),
            ..Distribution::default()
        };
        assert_eq!(distribution.release().as_str(), expected, "{id} {version} {codename}");
    }

    #[test]
    fn debian_and_what_uses_its_packages_are_debian() {
        check("debian", "12", "bookworm", "", "debian:12");
        check("debian", "12.5", "", "", "debian:12");
        check("debian", "", "trixie", "", "debian:13");
        check("debian", "", "unheard-of", "", "debian:unheard-of");
        check("debian", "", "", "", "debian:sid");
        check("raspbian", "11", "bullseye", "", "debian:11");
        check("devuan", "5", "daedalus", "", "debian:12");
        check("devuan", "", "ceres", "", "debian:sid");
        check("linuxmint", "6", "bookworm", "LMDE 6 (faye)", "debian:12");
    }

    #[test]
    fn what_uses_ubuntus_archive_is_ubuntu() {
        check("ubuntu", "24.04", "noble", "", "ubuntu:24.04");
        check("linuxmint", "21.3", "jammy", "", "ubuntu:22.04");
        check("pop", "22.04", "jammy", "", "ubuntu:22.04");
        check("linuxmint", "30", "unheard-of", "", "linuxmint:30");
    }

    #[test]
    fn derivatives_with_packages_of_their_own_are_themselves() {
        check("kali", "2024.1", "kali-rolling", "", "kali:2024.1");
        check("parrot", "6.0", "lory", "", "parrot:6.0");
        check("fedora", "40", "", "", "fedora:40");
        check("postmarketos", "edge", "", "", "postmarketos:edge");
    }

    #[test]
    fn alpine_has_branches_and_edge() {
        check("alpine", "3.20.3", "", "", "alpine:3.20");
        check("alpine", "3.20.0_rc1", "", "", "alpine:3.20");
        check("alpine", "3.21_alpha20240807", "", "", "alpine:edge");
        check("alpine", "3.23.0_alpha20250612", "", "", "alpine:edge");
        check("alpine", "", "", "", "alpine:edge");
    }

    #[test]
    fn red_hats_family_goes_by_major_versions() {
        check("rhel", "9.4", "", "Red Hat Enterprise Linux 9.4 (Plow)", "rhel:9");
        check("centos", "7", "", "CentOS Linux 7 (Core)", "rhel:7");
        check("centos", "9", "", "CentOS Stream 9", "centos-stream:9");
        check("almalinux", "8.10", "", "", "almalinux:8");
        check("rocky", "9.3", "", "", "rocky:9");
        check("ol", "8.9", "", "", "ol:8");
        check("anolis", "7.9", "", "", "anolis:7");
        check("anolis", "23", "", "", "anolis:23");
        check("alinux", "2.1903", "", "Aliyun Linux 2.1903 LTS (Hunting Beagle)", "alinux:2");
        check("alinux", "3", "", "", "alinux:3");
        check("amzn", "2018.03", "", "Amazon Linux AMI 2018.03", "amzn:1");
        check("amzn", "2", "", "", "amzn:2");
        check("amzn", "2023", "", "", "amzn:2023");
        check("amzn", "2023.6", "", "", "amzn:2023");
    }

    #[test]
    fn open_euler_has_service_packs() {
        check("openeuler", "22.03", "", "openEuler 22.03 (LTS-SP3)", "openeuler:22.03-lts-sp3");
        check("openeuler", "20.03", "", "openEuler 20.03 (LTS)", "openeuler:20.03-lts");
        check("openeuler", "23.09", "", "openEuler 23.09", "openeuler:23.09");
    }

    #[test]
    fn suse_and_azure_have_one_name_for_all_editions() {
        check("sles", "15.5", "", "SUSE Linux Enterprise Server 15 SP5", "sles:15.5");
        check("sled", "15", "", "", "sles:15");
        check("sl-micro", "6.0", "", "", "sle-micro:6.0");
        check("opensuse-leap", "15.6", "", "", "opensuse-leap:15.6");
        check("opensuse-tumbleweed", "20240101", "", "", "opensuse-tumbleweed");
        check("opensuse-microos", "20240101", "", "", "opensuse-tumbleweed");
        check("mariner", "2.0", "", "", "azurelinux:2");
        check("azurelinux", "3.0", "", "", "azurelinux:3");
        check("photon", "5.0", "", "", "photon:5.0");
    }

    #[test]
    fn rolling_distributions_have_no_release() {
        check("wolfi", "20230201", "", "", "wolfi");
        check("chainguard", "20230214", "", "", "chainguard");
        check("arch", "", "", "", "arch");
        check("alpaquita", "stream", "", "", "alpaquita:stream");
    }
}
