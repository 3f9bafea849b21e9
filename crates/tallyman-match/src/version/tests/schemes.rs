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
}
