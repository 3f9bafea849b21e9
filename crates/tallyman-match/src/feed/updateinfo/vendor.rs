//! Who publishes an update, by its id, and for which release it is, by the tags of its packages.

use tallyman_model::distribution::DistributionRelease;

/// A distribution whose repositories carry lists of updates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Vendor {
    Amazon,
    AlmaLinux,
    Rocky,
    Oracle,
    RedHat,
    Fedora,
    OpenEuler,
    Anolis,
    AlibabaCloudLinux,
}

impl Vendor {
    /// Tells the vendor by an id such as `ALAS2KERNEL-5.15-2022-001` or `ALSA-2023:7549`.
    pub(super) fn of(id: &str) -> Option<Self> {
        let (prefix, _) = id.split_once('-')?;
        match prefix {
            "ALSA" | "ALBA" | "ALEA" => Some(Vendor::AlmaLinux),
            "RLSA" | "RLBA" | "RLEA" | "RXSA" => Some(Vendor::Rocky),
            "ELSA" | "ELBA" | "ELEA" => Some(Vendor::Oracle),
            "RHSA" | "RHBA" | "RHEA" => Some(Vendor::RedHat),
            "FEDORA" => Some(Vendor::Fedora),
            "openEuler" => Some(Vendor::OpenEuler),
            "ANSA" | "ANBA" | "ANEA" => Some(Vendor::Anolis),
            _ if prefix.starts_with("ALINUX") => Some(Vendor::AlibabaCloudLinux),
            _ if prefix.starts_with("ALAS") => Some(Vendor::Amazon),
            _ => None,
        }
    }

    pub(super) fn feed(self) -> &'static str {
        match self {
            Vendor::Amazon => "amazon",
            Vendor::AlmaLinux => "almalinux-updateinfo",
            Vendor::Rocky => "rocky-updateinfo",
            Vendor::Oracle => "oracle-updateinfo",
            Vendor::RedHat => "redhat-updateinfo",
            Vendor::Fedora => "fedora",
            Vendor::OpenEuler => "openeuler-updateinfo",
            Vendor::Anolis => "anolis-updateinfo",
            Vendor::AlibabaCloudLinux => "alibaba-updateinfo",
        }
    }

    /// Returns the release that a package is for.
    pub(super) fn release(
        self,
        id: &str,
        release_of_update: &str,
        release_of_package: &str,
    ) -> Option<DistributionRelease> {
        let tag = |prefix: &str| number_of_tag(release_of_package, prefix);
        let (id, release) = match self {
            Vendor::Amazon => ("amzn", amazon(id)?.to_owned()),
            Vendor::AlmaLinux => ("almalinux", tag("el")?.to_owned()),
            Vendor::Rocky => ("rocky", tag("el")?.to_owned()),
            Vendor::Oracle => ("ol", tag("el")?.to_owned()),
            Vendor::RedHat => ("rhel", tag("el")?.to_owned()),
            Vendor::Fedora if id.starts_with("FEDORA-EPEL-") => return None,
            Vendor::Fedora => {
                let number = digits(release_of_update.strip_prefix("Fedora ").unwrap_or(""));
                ("fedora", number.or_else(|| tag("fc"))?.to_owned())
            }
            Vendor::OpenEuler => ("openeuler", open_euler(release_of_package)?),
            Vendor::Anolis => ("anolis", tag("an")?.to_owned()),
            Vendor::AlibabaCloudLinux => {
                ("alinux", digits(id.strip_prefix("ALINUX").unwrap_or(""))?.to_owned())
            }
        };
        Some(DistributionRelease::new(id, &release))
    }

    /// Returns the version with which the line of an extra repository begins: `5.15` of
    /// `ALAS2KERNEL-5.15-2022-001`. Its updates say nothing of the other lines' packages, which
    /// have the same names.
    pub(super) fn first_version(self, id: &str) -> Option<String> {
        if self != Vendor::Amazon {
            return None;
        }
        let topic = id.strip_prefix("ALAS")?;
        let topic = topic.strip_prefix("2023").or_else(|| topic.strip_prefix('2'))?;
        let mut parts = topic.rsplitn(3, '-');
        let (_, _, topic) = (parts.next()?, parts.next()?, parts.next()?);
        let start = topic.rfind(|c: char| !c.is_ascii_digit() && c != '.')? + 1;
        topic.get(start..).filter(|number| !number.is_empty()).map(str::to_owned)
    }
}

/// `ALAS-2011-1`, `ALAS2-2018-939`, `ALAS2KERNEL-5.15-2022-001`, `ALAS2023-2023-001`.
fn amazon(id: &str) -> Option<&'static str> {
    let rest = id.strip_prefix("ALAS")?;
    if rest.starts_with('-') {
        Some("1")
    } else if rest.starts_with("2023") {
        Some("2023")
    } else if rest.starts_with("2022") {
        Some("2022")
    } else if rest.starts_with('2') {
        Some("2")
    } else {
        None
    }
}

/// `oe2203sp1` is the release `22.03-LTS-SP1`; `oe1` was the tag of the first one.
fn open_euler(release: &str) -> Option<String> {
    let tag = release.rsplit('.').find_map(|word| word.strip_prefix("oe"))?;
    let (number, pack) = tag.split_once("sp").unwrap_or((tag, ""));
    let pack = if pack.is_empty() { String::new() } else { format!("-SP{}", digits(pack)?) };
    match number {
        "1" => Some("20.03-LTS".to_owned()),
        _ if number.len() == 4 && number.bytes().all(|b| b.is_ascii_digit()) => {
            let (year, month) = number.split_at_checked(2)?;
            Some(format!("{year}.{month}-LTS{pack}"))
        }
        _ => None,
    }
}

/// Returns `9` of `1.el9_2` and of `1.module_el9.2.0`, with the prefix `el`.
fn number_of_tag<'a>(release: &'a str, prefix: &str) -> Option<&'a str> {
    release.split(['.', '_', '+']).find_map(|word| digits(word.strip_prefix(prefix)?))
}

fn digits(text: &str) -> Option<&str> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text.get(..end).filter(|digits| !digits.is_empty())
}

#[cfg(test)]
mod tests {
    use super::Vendor;

    #[test]
    fn updates_are_for_the_release_of_their_id_or_their_packages_tags() {
        let check = |id: &str, update: &str, package: &str, expected: Option<&str>| {
            let vendor = Vendor::of(id);
            let release = vendor.and_then(|vendor| vendor.release(id, update, package));
            assert_eq!(release.as_ref().map(|release| release.as_str()), expected, "{id}");
        };
        check("ALAS-2011-1", "", "1.18.amzn1", Some("amzn:1"));
        check("ALAS2-2018-939", "", "1.amzn2", Some("amzn:2"));
        check("ALAS2KERNEL-5.15-2022-001", "", "1.amzn2", Some("amzn:2"));
        check("ALAS2023NVIDIA-2025-001", "", "1.amzn2023", Some("amzn:2023"));
        check("ALSA-2023:7549", "0", "1.el9", Some("almalinux:9"));
        check("RLSA-2023:1", "0", "2.module+el8.9.0+1+a", Some("rocky:8"));
        check("ELSA-2023-1", "", "1.0.1.el7_9", Some("ol:7"));
        check("FEDORA-2024-1", "Fedora 38 Modular", "1.fc38", Some("fedora:38"));
        check("FEDORA-EPEL-2017-1", "Fedora EPEL 6", "1.el6", None);
        check("openEuler-SA-2021-1", "", "2.oe1", Some("openeuler:20.03-lts"));
        check("openEuler-SA-2023-1", "", "2.oe2203sp1", Some("openeuler:22.03-lts-sp1"));
        check("ANSA-2023:1", "", "2.0.1.an8", Some("anolis:8"));
        check("ALINUX3-SA-2023:1", "", "2.1.al8", Some("alinux:3"));
        check("SUSE-2023-1", "", "1.1", None);
    }

    #[test]
    fn extra_repositories_begin_with_their_line() {
        let first = |id: &str| Vendor::Amazon.first_version(id);
        assert_eq!(first("ALAS2KERNEL-5.15-2022-001").as_deref(), Some("5.15"));
        assert_eq!(first("ALAS2PHP8.0-2022-001").as_deref(), Some("8.0"));
        assert_eq!(first("ALAS2POSTGRESQL14-2023-001").as_deref(), Some("14"));
        assert_eq!(first("ALAS2DOCKER-2023-001"), None);
        assert_eq!(first("ALAS2-2018-939"), None);
        assert_eq!(first("ALAS2023-2023-001"), None);
    }
}
