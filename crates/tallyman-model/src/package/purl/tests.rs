use proptest::option;
use proptest::prelude::*;

use super::super::{Ecosystem, Package, PackageVersion};
use crate::distribution::DistributionRelease;

fn text() -> impl Strategy<Value = String> {
    let words = prop_oneof![
        8 => "[a-z0-9]{1,4}",
        2 => "[-._~+@/:]",
        1 => "[A-Z]",
        1 => "[ %&,;=?#é]",
    ];
    prop::collection::vec(words, 0..5).prop_map(|words| words.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn a_plain_url_is_what_the_rules_make_of_it(
        ecosystem in prop::sample::select(Ecosystem::ALL.to_vec()),
        name in text(),
        version in text(),
        architecture in option::of(text()),
        release in option::of((text(), text())),
        module in option::of(text()),
    ) {
        let mut package = Package::new(ecosystem, name, version);
        package.architecture = architecture;
        package.module = module;
        let release = release.map(|(id, version)| DistributionRelease::new(&id, &version));
        let version = PackageVersion { package, release };
        if let Some(plain) = version.plain_purl() {
            prop_assert_eq!(plain, version.purl_by_the_rules());
        }
    }
}

#[test]
fn most_packages_have_a_plain_url() {
    for (ecosystem, name, version) in [
        (Ecosystem::Npm, "@babel/core", "7.1.0"),
        (Ecosystem::Deb, "libstdc++6", "12.2.0-14+deb12u1"),
        (Ecosystem::Go, "github.com/x/y", "v1.0.0"),
        (Ecosystem::Maven, "org.a:b", "1.0"),
        (Ecosystem::PyPi, "ruamel-yaml", "1.0"),
        (Ecosystem::Gem, "rack_x", "1.0"),
    ] {
        let package = Package::new(ecosystem, name, version);
        assert!(PackageVersion { package, release: None }.plain_purl().is_some(), "{name}");
    }
}
