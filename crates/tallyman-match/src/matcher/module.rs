//! Modular RPMs (Fedora's Modularity, in RHEL 8 and 9 and what descends from them).
//!
//! A module has several streams, each with versions of its own, of packages that may exist outside
//! of modules as well: a fix in `nodejs:20` says nothing of a package from `nodejs:18` or of one
//! that belongs to no module, however their versions compare.

use tallyman_model::advisory::{Affected, RangeEvent};
use tallyman_model::package::{Ecosystem, Package};

/// What the release of every RPM from a module contains (`16.20.2-4.module_el8.9.0+3735+b6b5b2f4`).
const MARK: &str = ".module";

/// Tells whether an advisory's word on a package speaks of packages from modules.
pub(crate) fn is_modular(affected: &Affected) -> bool {
    !affected.modules.is_empty() || fixed_versions(affected).any(|version| version.contains(MARK))
}

/// Tells whether an advisory speaks of packages of this module or, if the package has none, of
/// packages outside of modules.
pub(super) fn speaks_of(affected: &Affected, package: &Package) -> bool {
    if package.ecosystem != Ecosystem::Rpm {
        return true;
    }
    // What no version fixes may mean both.
    if affected.modules.is_empty() && fixed_versions(affected).next().is_none() {
        return true;
    }
    let is_package_modular = package.module.is_some() || package.version.contains(MARK);
    if is_modular(affected) != is_package_modular {
        return false;
    }
    match &package.module {
        // Where a title names no stream, nothing is left out.
        Some(module) => affected.modules.is_empty() || affected.modules.contains(module),
        None => true,
    }
}

fn fixed_versions(affected: &Affected) -> impl Iterator<Item = &str> {
    affected.ranges.iter().flatten().filter_map(|event| match event {
        RangeEvent::Fixed(version) => Some(version.as_str()),
        RangeEvent::Introduced(_) | RangeEvent::LastAffected(_) | RangeEvent::Limit(_) => None,
    })
}

#[cfg(test)]
mod tests {
    use tallyman_model::advisory::{Affected, FixState, Naming, PackageKey, RangeEvent};
    use tallyman_model::package::{Ecosystem, Package};

    use super::speaks_of;

    fn affected(fixed: Option<&str>, modules: &[&str]) -> Affected {
        let mut events = vec![RangeEvent::Introduced("0".to_owned())];
        events.extend(fixed.map(|version| RangeEvent::Fixed(version.to_owned())));
        Affected {
            key: PackageKey { ecosystem: Ecosystem::Rpm, release: None, name: "npm".to_owned() },
            ranges: vec![events],
            versions: Vec::new(),
            cvss: Vec::new(),
            urgency: None,
            fix_state: FixState::Open,
            modules: modules.iter().map(|module| (*module).to_owned()).collect(),
            architectures: Vec::new(),
            naming: Naming::Usual,
        }
    }

    fn package(version: &str, module: Option<&str>) -> Package {
        let module = module.map(str::to_owned);
        Package { module, ..Package::new(Ecosystem::Rpm, "npm", version) }
    }

    #[test]
    fn a_stream_is_judged_by_its_own_advisories() {
        let in_16 = package("1:8-1.16.module_el8.7.0+1+a", Some("nodejs:16"));
        let unlabelled = package("1:8-1.16.module_el8.7.0+1+a", None);
        let outside = package("1:8-1.el8", None);
        let cases: [(&str, Affected, [bool; 3]); 5] = [
            ("the stream", affected(Some("9-1.module_el8"), &["nodejs:16"]), [true, true, false]),
            ("another", affected(Some("9-1.module_el8"), &["nodejs:18"]), [false, true, false]),
            ("an unnamed one", affected(Some("9-1.module_el8"), &[]), [true, true, false]),
            ("no module", affected(Some("9-1.el8"), &[]), [false, false, true]),
            ("no fix", affected(None, &[]), [true, true, true]),
        ];
        for (what, affected, expected) in cases {
            let judged = [&in_16, &unlabelled, &outside].map(|it| speaks_of(&affected, it));
            assert_eq!(judged, expected, "an advisory of {what}");
        }
    }

    #[test]
    fn only_rpms_have_modules() {
        let deb = Package::new(Ecosystem::Deb, "npm", "1");
        assert!(speaks_of(&affected(Some("9-1.module_el8"), &["nodejs:16"]), &deb));
    }
}
