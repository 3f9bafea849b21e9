//! Oracle Linux ships some packages in several flavours under one name: those that Ksplice can mend
//! while they run (`2.17-317.0.1.ksplice1.el7`) and those that are validated for FIPS
//! (`10:3.6.16-4.0.1.el8_fips`). Each has updates of its own, and their versions do not compare.

use tallyman_model::advisory::{Affected, RangeEvent};
use tallyman_model::distribution::DistributionRelease;

/// Tells whether what is fixed is of a version's flavour.
pub(super) fn speaks_of(affected: &Affected, version: &str) -> bool {
    if affected.key.release.as_ref().map(DistributionRelease::id) != Some("ol") {
        return true;
    }
    let mut fixed = affected.ranges.iter().flatten().filter_map(|event| match event {
        RangeEvent::Fixed(fixed) => Some(fixed.as_str()),
        RangeEvent::Introduced(_) | RangeEvent::LastAffected(_) | RangeEvent::Limit(_) => None,
    });
    fixed.all(|fixed| flavour(fixed) == flavour(version))
}

fn flavour(version: &str) -> Option<&'static str> {
    ["ksplice", "fips"].into_iter().find(|word| version.contains(word))
}

#[cfg(test)]
mod tests {
    use tallyman_model::advisory::{Affected, PackageKey, RangeEvent};
    use tallyman_model::distribution::DistributionRelease;
    use tallyman_model::package::Ecosystem;

    use super::speaks_of;

    #[test]
    fn an_update_speaks_of_packages_of_its_own_flavour() {
        let check = |release: &str, fixed: &str, version: &str, expected: bool| {
            let key = PackageKey {
                ecosystem: Ecosystem::Rpm,
                release: Some(DistributionRelease::from_stored(release)),
                name: "glibc".to_owned(),
            };
            let ranges = vec![vec![RangeEvent::Fixed(fixed.to_owned())]];
            let affected = Affected { ranges, ..Affected::new(key) };
            assert_eq!(speaks_of(&affected, version), expected, "{fixed} {version}");
        };
        check("ol:7", "2:2.17-317.0.1.ksplice1.el7", "2.17-307.el7", false);
        check("ol:7", "2:2.17-317.0.1.ksplice1.el7", "2:2.17-260.0.9.ksplice1.el7", true);
        check("ol:8", "10:3.6.16-4.0.1.el8_fips", "3.6.16-4.el8", false);
        check("ol:8", "3.6.16-5.el8", "3.6.16-4.el8", true);
        check("almalinux:8", "10:3.6.16-4.0.1.el8_fips", "3.6.16-4.el8", true);
    }
}
