//! One name for a distribution's release, however it is spelt.
//!
//! Testing images of Debian know only their codename and the security tracker speaks of codenames,
//! while advisories number the releases.

use tallyman_model::distribution::DistributionRelease;

const DEBIAN_CODENAMES: [(&str, &str); 10] = [
    ("wheezy", "7"),
    ("jessie", "8"),
    ("stretch", "9"),
    ("buster", "10"),
    ("bullseye", "11"),
    ("bookworm", "12"),
    ("trixie", "13"),
    ("forky", "14"),
    ("duke", "15"),
    ("unstable", "sid"),
];

/// Returns Debian's release number (or `sid`) of a codename, if it has one.
pub(crate) fn debian_number(codename: &str) -> Option<&'static str> {
    DEBIAN_CODENAMES
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(codename))
        .map(|(_, number)| *number)
}

/// Returns Debian's release of a codename or number.
pub(crate) fn debian(codename: &str) -> DistributionRelease {
    DistributionRelease::new("debian", debian_number(codename).unwrap_or(codename))
}

/// Returns the spelling under which the index knows a release.
pub(crate) fn canonical(release: &DistributionRelease) -> DistributionRelease {
    match release.id() {
        "debian" => debian(release.release()),
        _ => release.clone(),
    }
}

#[cfg(test)]
mod tests {
    use tallyman_model::distribution::DistributionRelease;

    use super::canonical;

    #[test]
    fn codenames_and_numbers_of_debian_are_one_release() {
        let check = |release: &str, expected: &str| {
            let canonical = canonical(&DistributionRelease::from_stored(release));
            assert_eq!(canonical.as_str(), expected);
        };
        check("debian:trixie", "debian:13");
        check("debian:12", "debian:12");
        check("debian:sid", "debian:sid");
        check("debian:unheard-of", "debian:unheard-of");
        check("alpine:edge", "alpine:edge");
        check("ubuntu:trixie", "ubuntu:trixie");
    }
}
