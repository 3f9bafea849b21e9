//! Who is to be named for a feed's records, and under which licence they may be passed on.

use std::collections::BTreeSet;

/// Sources of OSV records by the prefix of their ids.
const OSV_SOURCES: [(&str, &str); 13] = [
    ("GHSA-", "GitHub Advisory Database (CC-BY-4.0)"),
    ("PYSEC-", "Python Packaging Advisory Database (CC-BY-4.0)"),
    ("GO-", "Go Vulnerability Database (CC-BY-4.0)"),
    ("RUSTSEC-", "RustSec Advisory Database (CC0-1.0)"),
    ("MAL-", "OpenSSF Malicious Packages (Apache-2.0)"),
    ("DSA-", "Debian security advisories"),
    ("DLA-", "Debian LTS advisories"),
    ("DTSA-", "Debian security advisories"),
    ("ELA-", "Freexian ELTS advisories"),
    ("DEBIAN-", "Debian security tracker"),
    ("ALPINE-", "Alpine Linux security database"),
    ("USN-", "Ubuntu security notices (CC-BY-SA-4.0)"),
    ("UBUNTU-", "Ubuntu CVE reports (CC-BY-SA-4.0)"),
];

/// Says who is to be named for the records with these ids.
pub(crate) fn attribution<'a>(feed: &str, ids: impl Iterator<Item = &'a str>) -> String {
    match feed {
        "debian" => "Debian security tracker".to_owned(),
        "debian-changelog" => {
            "facts from the changelogs of Debian's packages, by their maintainers".to_owned()
        }
        "cve" => "CVE Program (CVE Terms of Use); CISA Vulnrichment (CC0-1.0)".to_owned(),
        "epss" => "EPSS, by FIRST.org (free to use if named)".to_owned(),
        "kev" => "CISA Known Exploited Vulnerabilities Catalog (CC0-1.0)".to_owned(),
        "alpine" => "Alpine Linux security database".to_owned(),
        "wolfi" => "Wolfi security database".to_owned(),
        "chainguard" => "Chainguard security database".to_owned(),
        "minimos" => "MinimOS security database".to_owned(),
        "redhat-vex" | "redhat-csaf" => "Red Hat Product Security (CC-BY-4.0)".to_owned(),
        "suse-vex" | "suse-csaf" => "SUSE Product Security Team (CC-BY-4.0)".to_owned(),
        "openeuler-vex" | "openeuler-csaf" => "openEuler security committee".to_owned(),
        "oracle-oval" | "oracle-updateinfo" => "Oracle Linux errata".to_owned(),
        "suse-oval" => "SUSE Security Team, OVAL (CC-BY-4.0)".to_owned(),
        "azurelinux-oval" => "Microsoft Azure Linux Vulnerability Data (MIT)".to_owned(),
        "alibaba-oval" | "alibaba-updateinfo" => {
            "Alibaba Cloud Linux security advisories".to_owned()
        }
        "anolis-oval" | "anolis-updateinfo" => "OpenAnolis security advisories".to_owned(),
        "almalinux-oval" | "almalinux-updateinfo" => "AlmaLinux errata (MIT)".to_owned(),
        "photon-oval" => "VMware Photon OS security advisories".to_owned(),
        "amazon" => "Amazon Linux Security Center".to_owned(),
        "rocky-updateinfo" => "Rocky Linux errata".to_owned(),
        "redhat-updateinfo" => "Red Hat errata".to_owned(),
        "fedora" => "Fedora updates".to_owned(),
        "openeuler-updateinfo" => "openEuler security advisories".to_owned(),
        "friendsofphp" => "FriendsOfPHP security advisories (Unlicense)".to_owned(),
        "ruby-advisory-db" => "Ruby Advisory Database (public domain)".to_owned(),
        "nodejs-wg" => "Node.js Security Working Group (MIT)".to_owned(),
        _ => {
            let source_of = |id: &str| {
                OSV_SOURCES
                    .iter()
                    .find(|(prefix, _)| id.starts_with(prefix))
                    .map_or("other OSV records", |(_, source)| *source)
            };
            let sources: BTreeSet<&str> = ids.map(source_of).collect();
            sources.into_iter().collect::<Vec<_>>().join("; ")
        }
    }
}
