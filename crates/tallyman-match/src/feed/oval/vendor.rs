//! What differs between the distributions that publish OVAL.

use tallyman_model::advisory::{Affected, Naming};
use tallyman_model::distribution::DistributionRelease;

use crate::feed::nevra;
use crate::feed::osv::ecosystem::suse;

/// A distribution, told by the namespace of its ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Vendor {
    Oracle,
    Suse,
    AzureLinux,
    AlibabaCloudLinux,
    Anolis,
    AlmaLinux,
    Photon,
}

impl Vendor {
    /// Tells the vendor by an id such as `oval:com.oracle.elsa:def:20070057`.
    pub(super) fn of(id: &str) -> Option<Self> {
        match id.split(':').nth(1)? {
            "com.oracle.elsa" => Some(Vendor::Oracle),
            "org.opensuse.security" => Some(Vendor::Suse),
            "com.microsoft.azurelinux" | "com.microsoft.cbl-mariner" => Some(Vendor::AzureLinux),
            "com.aliyun" => Some(Vendor::AlibabaCloudLinux),
            "cn.openanolis" => Some(Vendor::Anolis),
            "org.almalinux.alsa" | "org.almalinux.alba" | "org.almalinux.alea" => {
                Some(Vendor::AlmaLinux)
            }
            "com.vmware.phsa" => Some(Vendor::Photon),
            _ => None,
        }
    }

    pub(super) fn feed(self) -> &'static str {
        match self {
            Vendor::Oracle => "oracle-oval",
            Vendor::Suse => "suse-oval",
            Vendor::AzureLinux => "azurelinux-oval",
            Vendor::AlibabaCloudLinux => "alibaba-oval",
            Vendor::Anolis => "anolis-oval",
            Vendor::AlmaLinux => "almalinux-oval",
            Vendor::Photon => "photon-oval",
        }
    }

    /// Azure Linux names source packages (`nodejs18` for all that is built from it).
    pub(super) fn naming(self) -> Naming {
        match self {
            Vendor::AzureLinux => Naming::Source,
            Vendor::Oracle
            | Vendor::Suse
            | Vendor::AlibabaCloudLinux
            | Vendor::Anolis
            | Vendor::AlmaLinux
            | Vendor::Photon => Naming::Binary,
        }
    }

    /// SUSE refers to all updates on a vulnerability, and names none of its own.
    pub(super) fn names_updates_by_reference(self) -> bool {
        self != Vendor::Suse
    }

    /// `PHSA:00001:5.0:184` is `PHSA-5.0-184` everywhere else.
    pub(super) fn name_of_update(self, reference: &str) -> String {
        let mut parts = reference.split(':').skip(2);
        match (self, parts.next(), parts.next()) {
            (Vendor::Photon, Some(release), Some(number)) => format!("PHSA-{release}-{number}"),
            _ => reference.to_owned(),
        }
    }

    /// What makes a definition one of a kind among those on one vulnerability.
    pub(super) fn scope(self, id: &str, affected: &[Affected]) -> String {
        if self != Vendor::Suse {
            return id.to_owned();
        }
        // SUSE gives a vulnerability the same id in the file of each product.
        let last = affected.iter().filter_map(|affected| affected.key.release.as_ref()).max();
        last.map_or_else(String::new, |release| {
            let major = release.as_str().split('.').next().unwrap_or("");
            major.to_owned()
        })
    }

    /// Returns the release that is meant, by the words in which a platform is named, or by the
    /// version of a package where these do not say it.
    pub(super) fn release(self, platform: &str, version: &str) -> Option<DistributionRelease> {
        let after = |prefix: &str| number(platform.strip_prefix(prefix)?.trim_start());
        let major = |number: &str| number.split('.').next().unwrap_or("").to_owned();
        let (id, release) = match self {
            Vendor::Oracle => ("ol", major(after("Oracle Linux")?)),
            Vendor::AlmaLinux => ("almalinux", major(after("AlmaLinux")?)),
            Vendor::Anolis => ("anolis", major(after("Anolis OS")?)),
            Vendor::AlibabaCloudLinux => ("alinux", major(after("Alibaba Cloud Linux")?)),
            Vendor::Photon => {
                let number = after("Photon OS").or_else(|| after("Photon"))?;
                ("photon", format!("{}.0", major(number)))
            }
            Vendor::AzureLinux => {
                let tags = version
                    .rsplit('.')
                    .map(|tag| number(tag.strip_prefix("azl").or_else(|| tag.strip_prefix("cm"))?));
                let tag = tags.flatten().next().or_else(|| after("Azure Linux"))?;
                ("azurelinux", major(tag))
            }
            Vendor::Suse => {
                let (base, product) = platform.split_once(' ')?;
                let product = product.strip_suffix(" LTSS").unwrap_or(product);
                return suse(base, product).ok().map(|(_, release)| release);
            }
        };
        Some(DistributionRelease::new(id, &release))
    }

    /// Brings a version into the form of the packages' own. The generator that Alibaba Cloud Linux
    /// and Anolis OS share puts parts of the package's name before the version
    /// (`32:dnssec-utils-9.18.34-1.an23`), which can be told since neither a version nor a release
    /// has a hyphen.
    pub(super) fn repair(self, evr: &str) -> String {
        let (epoch, body) = match evr.split_once(':') {
            Some((epoch, body)) => (Some(epoch), body),
            None => (None, evr),
        };
        let body = match self {
            Vendor::AlibabaCloudLinux | Vendor::Anolis => {
                let start = body.rmatch_indices('-').nth(1).map_or(0, |(at, _)| at + 1);
                body.get(start..).unwrap_or(body)
            }
            // `1.17.13-2,1.18.8-2,1.21.6-1.azl3`: only the last one is for the release.
            Vendor::AzureLinux => body.rsplit(',').next().unwrap_or(body),
            Vendor::Oracle | Vendor::Suse | Vendor::AlmaLinux | Vendor::Photon => body,
        };
        // Azure Linux has blanks around some versions.
        nevra::evr(epoch.map(str::trim), body.trim(), None)
    }
}

/// Returns the number that a text begins with.
fn number(text: &str) -> Option<&str> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    text.get(..end).filter(|number| number.starts_with(|c: char| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::Vendor;

    #[test]
    fn platforms_are_releases() {
        let check = |vendor: Vendor, platform: &str, version: &str, expected: Option<&str>| {
            let release = vendor.release(platform, version);
            assert_eq!(release.as_ref().map(|release| release.as_str()), expected, "{platform}");
        };
        check(Vendor::Oracle, "Oracle Linux 8", "", Some("ol:8"));
        check(Vendor::AlibabaCloudLinux, "Alibaba Cloud Linux 2.1903", "", Some("alinux:2"));
        check(Vendor::Anolis, "Anolis OS 23", "", Some("anolis:23"));
        check(Vendor::AlmaLinux, "AlmaLinux must be", "", None);
        check(Vendor::Photon, "Photon OS 5", "", Some("photon:5.0"));
        check(Vendor::AzureLinux, "Azure Linux", "0:2.6.7-3.azl3", Some("azurelinux:3"));
        check(Vendor::AzureLinux, "CBL-Mariner", "0:6.04-9.cm1", Some("azurelinux:1"));
        check(Vendor::AzureLinux, "CBL-Mariner", "0:6.04-9", None);
        check(Vendor::Suse, "SUSE Linux Enterprise Server 15 SP1", "", Some("sles:15.1"));
        check(Vendor::Suse, "openSUSE Leap 15.2", "", Some("opensuse-leap:15.2"));
        check(Vendor::Suse, "Open Enterprise Server 23.4", "", None);
    }

    #[test]
    fn versions_with_parts_of_names_are_repaired() {
        let repair = |evr: &str| Vendor::Anolis.repair(evr);
        assert_eq!(repair("32:dnssec-utils-9.18.34-1.an23"), "32:9.18.34-1.an23");
        assert_eq!(repair("0:9.18.34-1.an23"), "9.18.34-1.an23");
        assert_eq!(repair("0:3.0"), "3.0");
        assert_eq!(Vendor::Oracle.repair("2:1-2.el8"), "2:1-2.el8");
        let several = "0:1.17.13-2,1.18.8-2,1.21.6-1.azl3";
        assert_eq!(Vendor::AzureLinux.repair(several), "1.21.6-1.azl3");
        assert_eq!(Vendor::AzureLinux.repair("0: 1.20.10-1.azl3 "), "1.20.10-1.azl3");
    }
}
