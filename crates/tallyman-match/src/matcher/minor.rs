//! Minor releases of RHEL and its relatives, which keep streams of their own: `2-1.el9_2.4` has the
//! fix that `2-7.el9_4` has, although it is less.
//!
//! An advisory that names the fixed version of several minor releases is judged by the one that
//! the package was built for. Where none is named, the package must be as new as the newest.

use tallyman_model::advisory::{Affected, RangeEvent};
use tallyman_model::package::Ecosystem;

use crate::version::compare;

/// Tells whether a version has the fix of its own minor release.
pub(super) fn is_fixed_for(affected: &Affected, version: &str) -> bool {
    if affected.key.ecosystem != Ecosystem::Rpm || affected.ranges.len() < 2 {
        return false;
    }
    let Some(minor) = minor(version) else { return false };
    let fixed = affected.ranges.iter().flatten().filter_map(|event| match event {
        RangeEvent::Fixed(fixed) => Some(fixed.as_str()),
        RangeEvent::Introduced(_) | RangeEvent::LastAffected(_) | RangeEvent::Limit(_) => None,
    });
    let mut own = fixed.filter(|fixed| self::minor(fixed) == Some(minor)).peekable();
    // Of several fixes of one minor release the last one counts.
    own.peek().is_some()
        && own.all(|fixed| {
            compare(Ecosystem::Rpm, fixed, version).is_ok_and(std::cmp::Ordering::is_le)
        })
}

/// Returns `9_2` of `2-1.el9_2.4` and of `2-1.module+el9.2.0+1+a`; `2-1.el9` was built for the
/// first minor release that has it, which it does not say.
fn minor(version: &str) -> Option<(&str, &str)> {
    let (_, rest) = version.split_once(".el").or_else(|| version.split_once("+el"))?;
    let major = digits(rest);
    let rest = rest.get(major.len()..)?;
    let minor = digits(rest.strip_prefix('_').or_else(|| rest.strip_prefix('.'))?);
    (!major.is_empty() && !minor.is_empty()).then_some((major, minor))
}

fn digits(text: &str) -> &str {
    text.split(|c: char| !c.is_ascii_digit()).next().unwrap_or("")
}

#[cfg(test)]
mod tests {
    use tallyman_model::advisory::{Affected, PackageKey, RangeEvent};
    use tallyman_model::package::Ecosystem;

    use super::{is_fixed_for, minor};

    #[test]
    fn the_fix_of_the_own_minor_release_is_enough() {
        let key = PackageKey { ecosystem: Ecosystem::Rpm, release: None, name: "curl".to_owned() };
        let range = |fixed: &str| {
            vec![RangeEvent::Introduced("0".to_owned()), RangeEvent::Fixed(fixed.to_owned())]
        };
        let fixed = ["7.76.1-23.el9_2.4", "7.76.1-23.el9_2.2", "7.76.1-26.el9_3.2"];
        let affected = Affected { ranges: fixed.map(range).to_vec(), ..Affected::new(key) };
        let check = |version: &str, expected: bool| {
            assert_eq!(is_fixed_for(&affected, version), expected, "{version}");
        };
        check("7.76.1-23.el9_2.4", true);
        check("7.76.1-23.el9_2.10", true);
        check("7.76.1-23.el9_2.3", false);
        check("7.76.1-26.el9", false);
        check("7.76.1-26.el9_3.3", true);
        check("7.76.1-19.el9_1.9", false);
    }

    #[test]
    fn minor_releases_are_named_in_two_ways() {
        assert_eq!(minor("2-1.el9_2.4"), Some(("9", "2")));
        assert_eq!(minor("2-1.module+el8.10.0+1+a"), Some(("8", "10")));
        assert_eq!(minor("2-1.el9"), None);
        assert_eq!(minor("2-1.elephant"), None);
        assert_eq!(minor("2-1.amzn2"), None);
    }
}
