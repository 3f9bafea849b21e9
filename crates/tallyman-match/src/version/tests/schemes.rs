//! Small tables for the schemes of ecosystems whose packages are not read yet.

use std::cmp::Ordering;

use crate::version::{Scheme, compare_by};

/// Checks that the versions are in strictly rising order, every one against every other.
fn check_rising(scheme: Scheme, versions: &[&str]) {
    for (i, a) in versions.iter().enumerate() {
        for (j, b) in versions.iter().enumerate() {
            assert_eq!(compare_by(scheme, a, b), Ok(i.cmp(&j)), "{scheme}: {a} and {b}");
        }
    }
}

fn check_equal(scheme: Scheme, versions: &[&str]) {
    for a in versions {
        for b in versions {
            assert_eq!(compare_by(scheme, a, b), Ok(Ordering::Equal), "{scheme}: {a} and {b}");
        }
    }
}

#[test]
fn rpm_versions_know_tilde_caret_epoch_and_release() {
    check_rising(
        Scheme::Rpm,
        &["1.0~~", "1.0~rc1", "1.0", "1.0^20240101", "1.0a", "1.0.1", "1.0.10", "2", "1:0.1"],
    );
    check_rising(Scheme::Rpm, &["1.0", "1.0-1", "1.0-1.el9", "1.0-2", "1.0-10"]);
    check_rising(Scheme::Rpm, &["1.0-2", "1.0-1-", "1.0-1-1", "1.0-1-2"]);
    check_equal(Scheme::Rpm, &["1.0", "0:1.0", "1_0", "1.00", "1..0"]);
}

#[test]
fn maven_versions_know_qualifiers_and_trailing_nothing() {
    check_rising(
        Scheme::Maven,
        &[
            "1-alpha-1",
            "1-alpha2",
            "1-beta",
            "1-milestone",
            "1-rc",
            "1-SNAPSHOT",
            "1",
            "1-sp",
            "1-foo",
            "1-1",
            "1.1",
            "1.10",
            "2",
        ],
    );
    check_equal(Scheme::Maven, &["1", "1.0", "1.0.0", "1-ga", "1.final", "1-0.0", "1.0.RELEASE"]);
    check_equal(Scheme::Maven, &["1-a1", "1-alpha-1", "1a1", "1.0-ALPHA1"]);
}

#[test]
fn maven_qualifiers_behind_a_dot_come_before_those_behind_a_hyphen() {
    check_rising(Scheme::Maven, &["1.1.rc", "1.1-rc", "1.1", "1.1.1-rc", "1.1.1"]);
    check_rising(Scheme::Maven, &["2.9.0-1", "2.9.0.1"]);
    check_rising(Scheme::Maven, &["0-alpha", "0", "0-1", "0.1"]);
    // A list that holds nothing but a list comes before it, unless a release's word left it.
    check_rising(Scheme::Maven, &["1", "1-0-1", "1-1"]);
    check_equal(Scheme::Maven, &["1-1", "1-ga-1", "1-ga1"]);
}

#[test]
fn a_long_maven_version_takes_no_long_time() {
    let long = "1-0".repeat(100_000);
    assert_eq!(compare_by(Scheme::Maven, &long, &long), Ok(Ordering::Equal));
}

#[test]
fn gems_with_a_word_come_before_their_release() {
    check_rising(
        Scheme::RubyGems,
        &["1.0.a", "1.0.a.2", "1.0.b1", "1.0.pre", "1", "1.0.1", "1.10"],
    );
    check_equal(Scheme::RubyGems, &["1", "1.0", "1.0.0"]);
    check_equal(Scheme::RubyGems, &["1.0-x", "1.pre.x"]);
}

#[test]
fn nuget_has_four_numbers_and_no_case() {
    check_rising(
        Scheme::NuGet,
        &["1.0.0-alpha", "1.0.0-beta.2", "1.0.0-beta.11", "1.0", "1.0.0.1"],
    );
    check_equal(Scheme::NuGet, &["1.0-RC", "1.0.0-rc", "1.0.0.0-rc+build"]);
    // To .NET's parser -5 is a number, and 9999999999 is none.
    check_rising(Scheme::NuGet, &["1-a.-5", "1-a.4", "1-a.10000000000", "1-a.9999999999", "1-a.b"]);
    check_equal(Scheme::NuGet, &["1-a.5", "1-a.005"]);
}

#[test]
fn php_words_have_their_places() {
    check_rising(
        Scheme::Packagist,
        &["1.0-dev", "1.0a1", "1.0b1", "1.0RC1", "1.0", "1.0.0", "1.0pl1", "1.1", "1.10"],
    );
    check_rising(Scheme::Packagist, &["1.0-unknown", "1.0-dev"]);
    check_equal(Scheme::Packagist, &["v1.0", "1.0", "V1-0", "1_0"]);
}

#[test]
fn builds_count_for_dart_and_length_for_lists() {
    check_rising(Scheme::Pub, &["1.0.0-a", "1.0.0", "1.0.0+1", "1.0.0+2", "1.0.0+a", "1.0.1"]);
    // To Dart's parser -5 and 0xff are numbers.
    check_rising(
        Scheme::Pub,
        &["1.0.0-a.-5", "1.0.0-a.4", "1.0.0-a.0xff", "1.0.0-a.0x", "1.0.0-a.a"],
    );
    check_rising(Scheme::Pub, &["1.0.0+-5", "1.0.0+4", "1.0.0+99999999999999999999", "1.0.0+a"]);
    check_rising(Scheme::Hackage, &["0.9", "0.75", "1", "1.0", "1.0.0", "1.1"]);
    check_rising(Scheme::Cran, &["0.9", "0.75", "1.0", "1.0-0", "1.0-1", "1.0.2"]);
    assert!(compare_by(Scheme::Cran, "1.0", "one").is_err());
}

#[test]
fn schemes_are_read_by_the_names_that_osv_has() {
    for (name, scheme) in [
        ("Debian:12", Scheme::Deb),
        ("AlmaLinux:9", Scheme::Rpm),
        ("crates.io", Scheme::Semver),
        ("MAVEN", Scheme::Maven),
    ] {
        assert_eq!(name.parse(), Ok(scheme));
    }
    for (name, scheme) in [
        ("Echo", Scheme::Deb),
        ("Echo:PyPI", Scheme::Pep440),
        ("TuxCare:Red Hat:enterprise_linux:8", Scheme::Rpm),
        ("Root:Alpine:3.18", Scheme::Apk),
        ("Docker Hardened Images:Debian:trixie", Scheme::Deb),
        ("Maven:https://maven.google.com", Scheme::Maven),
        ("pkg:golang/example.com/module", Scheme::Go),
        ("redhat", Scheme::Rpm),
        ("rocky-linux", Scheme::Rpm),
        ("PEP 440", Scheme::Pep440),
        ("crates", Scheme::Semver),
        ("Go pseudo-versions", Scheme::Go),
        ("Arch Linux", Scheme::Alpm),
    ] {
        assert_eq!(name.parse(), Ok(scheme), "{name}");
    }
    for name in ["", ":", "TuxCare", "TuxCare:Fortran", "Docker Hardened Images", "-", "pkg:"] {
        assert!(name.parse::<Scheme>().is_err(), "{name}");
    }
    let error = "Fortran".parse::<Scheme>().expect_err("no scheme").to_string();
    assert!(error.contains("`Fortran`") && error.contains("rubygems"), "{error}");
}

#[test]
fn conan_versions_have_words_for_parts_and_builds_that_count() {
    check_rising(
        Scheme::Conan,
        &[
            "1-",
            "1.0-1",
            "1.0-a",
            "1.0-beta.2",
            "1.0-beta.10",
            "1.0",
            "1.0+1",
            "1.0+2",
            "1.0+10",
            "1.1.1",
            "1.1.9",
            "1.1.10",
            "1.1.a",
            "1.1.b",
            "cci.20200101",
        ],
    );
    check_equal(Scheme::Conan, &["1", "1.0", "01.0.0", "1.00"]);
    check_equal(Scheme::Conan, &["1.0-1", "1-1.0", "1.0.0-01"]);
    let long = "-+.".repeat(100_000);
    check_equal(Scheme::Conan, &[&long]);
}

#[test]
fn versions_of_programs_know_letters_patches_and_announcements() {
    check_rising(
        Scheme::Generic,
        &[
            "3.14.0.dev1",
            "3.14.0a4",
            "3.14.0-alpha5",
            "3.14.0b2",
            "3.14.0-BETA3",
            "3.14.0rc1",
            "3.14.0-pre2",
            "3.14",
            "3.14a",
            "3.14p1",
            "3.14z",
            "3.14.1",
            "3.14.10",
            "2024.1",
        ],
    );
    check_rising(Scheme::Generic, &["1.1.1", "1.1.1a", "1.1.1w", "3.0.0-beta1", "3.0.0"]);
    check_equal(Scheme::Generic, &["1", "v1", "1.0", "1.0.0", "V1-0", " 1_0 ", "01"]);
    check_equal(Scheme::Generic, &["1.0RC1", "1.0-rc.1", "1.0c1"]);
    check_equal(Scheme::Generic, &["", "0", "-", "0.0"]);
    check_equal(Scheme::Generic, &["1.20rc1", "1.20.0-rc.1", "1.20-RC1", "1.20.0.0rc01"]);
    check_rising(Scheme::Generic, &["1.0rc0", "1.0.0.rc0.1", "1.0.0rc1", "1", "1.0.0a", "1.0.1"]);
    check_rising(Scheme::Generic, &["8u392", "8u402", "11.0.2-ea", "11.0.2", "11.0.2+9", "17"]);
    check_rising(Scheme::Generic, &["15-alpine", "15.1-alpine", "15.1-bookworm", "16-alpine"]);
    let long = format!("1{}", ".0".repeat(200_000));
    check_equal(Scheme::Generic, &[&long, "1"]);
}

#[test]
fn gentoo_versions_are_ordered_as_the_specification_says() {
    check_rising(
        Scheme::Gentoo,
        &[
            "1.0_alpha",
            "1.0_alpha1_p",
            "1.0_alpha2",
            "1.0_beta",
            "1.0_pre",
            "1.0_rc",
            "1.0_rc_p1",
            "1.0",
            "1.0-r1",
            "1.0-r10",
            "1.0_p",
            "1.0_p1",
            "1.0a",
            "1.0b_rc1",
            "1.0b",
            "1.0.0",
            "1.01",
            "1.1",
            "1.10",
            "10",
        ],
    );
    check_rising(Scheme::Gentoo, &["1.02", "1.020.1", "1.021"]);
    check_equal(Scheme::Gentoo, &["1.0", "1.0-r0", "01.00", "1.0-r00"]);
    check_equal(Scheme::Gentoo, &["1.0_p", "1.0_p0", "1.00_p00"]);
    for version in ["", "1.", ".1", "a", "1.0-r", "1.0ab", "1_foo", "1.0A", "1.0-1", "1.0-r1_p"] {
        assert!(compare_by(Scheme::Gentoo, version, "1").is_err(), "{version}");
    }
}

#[test]
fn arch_versions_are_announced_by_letters_and_may_lack_a_release() {
    check_rising(
        Scheme::Alpm,
        &["1.0a", "1.0alpha", "1.0b", "1.0rc", "1.0", "1.0.a", "1.0.1", "1.1", "1..1", "1:0.1"],
    );
    check_rising(Scheme::Alpm, &["1.0-1", "1.0-1.1", "1.0-2", "1.0-10"]);
    for release in ["1.0-1", "1.0-2"] {
        check_equal(Scheme::Alpm, &["1.0", release]);
    }
    check_equal(Scheme::Alpm, &["1.0", "0:1.0", "1+0", ":1.0", "1.00", "1,0"]);
    let long = "1-.a".repeat(100_000);
    check_equal(Scheme::Alpm, &[&long]);
}

#[test]
fn conda_versions_know_dev_post_and_the_underscore_of_openssl() {
    check_rising(
        Scheme::Conda,
        &[
            "0.4",
            "0.4.1.rc",
            "0.4.1",
            "0.5a1",
            "0.5b3",
            "0.5",
            "1.1*",
            "1.1dev1",
            "1.1_",
            "1.1a1",
            "1.1.0dev1",
            "1.1.a1",
            "1.1.0rc1",
            "1.1+dev",
            "1.1.0",
            "1.1+0.1",
            "1.1.0post1",
            "1.1post1",
            "1996.07.12",
            "1!0.4.1",
        ],
    );
    check_rising(Scheme::Conda, &["1.1.1_", "1.1.1a", "1.1.1w", "3.0"]);
    check_equal(Scheme::Conda, &["1.1", "1.1.0", "1.01", " 1_1 ", "0!1.1", "1-1.0", "1.1+0"]);
    check_equal(Scheme::Conda, &["1.1.dev1", "1.1.0DEV1", "1.1-0dev1"]);
    for version in ["", "1..2", "1.0-a_b", "a!1", "1!2!3", "1+2+3", "+1", "1+", "1.0+a_", "é"] {
        assert!(compare_by(Scheme::Conda, version, "1").is_err(), "{version}");
    }
}

#[test]
fn opam_and_julia_have_orders_of_their_own() {
    check_rising(Scheme::Opam, &["5.0.0~alpha1", "5.0.0", "5.0.0-1", "5.0.0+options", "v0.1"]);
    check_rising(Scheme::Opam, &["1.0-a", "1.0+b", "1.0+b-a", "1:0"]);
    check_equal(Scheme::Opam, &["1.0", "1.00", " 01.0 ", "1.0-", "0:1.0-0"]);
    assert!(compare_by(Scheme::Opam, "1", " ").is_err());
    check_rising(
        Scheme::Julia,
        &["3.0.13-rc.4", "3.0.13-rc.-5", "3.0.13", "3.0.13+4", "3.0.13+-5"],
    );
    check_rising(Scheme::Julia, &["3.0.13-rc1", "3.0.13", "3.0.13+0", "3.0.13+10", "3.0.14+0"]);
}

#[test]
fn a_word_behind_three_numbers_and_a_dot_is_a_pre_release() {
    check_equal(Scheme::Semver, &["1.0.0.beta1", "1.0.0-beta1", "1.0.0beta1"]);
    check_rising(Scheme::Semver, &["1.0.0.alpha.1", "1.0.0.alpha.2", "1.0.0"]);
    for version in ["1.x", "1.0.x", "1.0.0.", "1.0.0.-a"] {
        assert!(compare_by(Scheme::Semver, version, "1.0.0").is_err(), "{version}");
    }
}
