//! One name for a distribution's release, however it is spelt.
//!
//! The security tracker of Debian speaks of codenames, as do images that were read before their
//! codename was known, while advisories number the releases.

use tallyman_model::distribution::{DistributionRelease, debian_number};

/// Returns Debian's release of a codename or number.
pub(crate) fn debian(codename: &str) -> DistributionRelease {
    let number = debian_number(codename).unwrap_or(codename);
    // Until the sixth, most releases were numbered `6.0`, of which images say `6`.
    let short = number.strip_suffix(".0").filter(|number| ["3", "4", "5", "6"].contains(number));
    DistributionRelease::new("debian", short.unwrap_or(number))
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
        check("debian:6.0", "debian:6");
        check("debian:sid", "debian:sid");
        check("debian:unheard-of", "debian:unheard-of");
        check("alpine:edge", "alpine:edge");
        check("ubuntu:trixie", "ubuntu:trixie");
    }
}
