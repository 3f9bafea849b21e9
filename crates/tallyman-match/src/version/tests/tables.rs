//! Small tables that state each scheme's rules.

use std::cmp::Ordering;

use tallyman_model::package::Ecosystem;

use crate::version::{compare, is_rankable};

/// Checks that the versions are in strictly rising order, every one against every other.
fn check_rising(ecosystem: Ecosystem, versions: &[&str]) {
    for (i, a) in versions.iter().enumerate() {
        for (j, b) in versions.iter().enumerate() {
            assert_eq!(compare(ecosystem, a, b), Ok(i.cmp(&j)), "{ecosystem}: {a} and {b}");
        }
    }
}

fn check_equal(ecosystem: Ecosystem, versions: &[&str]) {
    for a in versions {
        for b in versions {
            assert_eq!(compare(ecosystem, a, b), Ok(Ordering::Equal), "{ecosystem}: {a} and {b}");
        }
    }
}

#[test]
fn debian_versions_are_ordered_by_policy_5_6_12() {
    check_rising(
        Ecosystem::Deb,
        &["0~~", "0~~a", "0~", "0", "0a", "0b", "0+", "0.1", "1", "1-1", "1.0.9", "1.0.10", "1:0"],
    );
    check_rising(
        Ecosystem::Deb,
        &["3.0.11-1~deb12u2", "3.0.11-1", "3.0.11-1+deb12u1", "3.0.11-1.1", "3.0.20-1~deb12u1"],
    );
    check_equal(Ecosystem::Deb, &["1.0", "0:1.0", "1.0-0", "1.00", "00:1.0-00", " 1.0 "]);
    check_equal(Ecosystem::Deb, &["1.", "1.0"]);
}

#[test]
fn debian_versions_that_dpkg_refuses_are_invalid() {
    for version in ["", " ", "1.0-", "a:1", "1:", "-1", "1 0", "99999999999:1", "1:-1"] {
        assert!(compare(Ecosystem::Deb, version, "1").is_err(), "{version}");
    }
}

#[test]
fn apk_versions_are_ordered_as_apk_package_5_says() {
    check_rising(
        Ecosystem::Apk,
        &[
            "1.0_alpha",
            "1.0_alpha1",
            "1.0_beta",
            "1.0_pre",
            "1.0_rc",
            "1.0",
            "1.0-r1",
            "1.0_cvs",
            "1.0_svn",
            "1.0_git",
            "1.0_git20240101",
            "1.0_hg",
            "1.0_p",
            "1.0_p1",
            "1.0a",
            "1.0b",
            "1.0.1",
            "1.1",
            "1.10",
            "2",
        ],
    );
    check_rising(Ecosystem::Apk, &["1.01", "1.02", "1.1", "1.2", "1.10"]);
    check_rising(Ecosystem::Apk, &["1.0_rc1_git1", "1.0_rc2", "1.0", "1.0~0f", "1.0~1f"]);
    check_rising(
        Ecosystem::Apk,
        &["1.0-r0", "1.0-r99999999999999999999", "1.0-r100000000000000000000"],
    );
    // sudo's are of this form.
    check_rising(Ecosystem::Apk, &["1.9.5", "1.9.5p1-r3", "1.9.5p2-r9", "1.9.5p2-r10", "1.9.5p10"]);
    check_equal(Ecosystem::Apk, &["1.0-r1", "1.0-r01"]);
}

#[test]
fn apk_versions_outside_the_grammar_come_before_those_inside() {
    check_rising(Ecosystem::Apk, &["a", "0", "1.0A", "1.0", "1.0a"]);
    check_rising(Ecosystem::Apk, &["1.0_foo", "1.0-r", "1.0a"]);
    assert!(is_rankable(Ecosystem::Apk, "1.0A"));
    assert!(!is_rankable(Ecosystem::Apk, "edge"));
    assert!(compare(Ecosystem::Apk, "", "1").is_err());
}

#[test]
fn python_versions_are_ordered_by_pep_440() {
    check_rising(
        Ecosystem::PyPi,
        &[
            "1.dev0",
            "1.0.dev456",
            "1.0a1",
            "1.0a2.dev456",
            "1.0a12.dev456",
            "1.0a12",
            "1.0b1.dev456",
            "1.0b2",
            "1.0b2.post345.dev456",
            "1.0b2.post345",
            "1.0rc1.dev456",
            "1.0rc1",
            "1.0",
            "1.0+abc.5",
            "1.0+abc.7",
            "1.0+5",
            "1.0.post456.dev34",
            "1.0.post456",
            "1.1.dev1",
            "99999999999999999999",
            "100000000000000000000",
            "1!0.1",
        ],
    );
    check_equal(Ecosystem::PyPi, &["1.0.0", "1", "v1.0", " 1.0 ", "0!1.0", "1.0.0.0", "V01.0"]);
    check_equal(Ecosystem::PyPi, &["1.0a1", "1.0-ALPHA-1", "1.0_alpha.1", "1.0.a01"]);
    check_equal(Ecosystem::PyPi, &["1.0rc0", "1.0c", "1.0-pre", "1.0preview"]);
    check_equal(Ecosystem::PyPi, &["1.0.post1", "1.0-1", "1.0-r1", "1.0.rev1", "1.0_post-1"]);
    check_equal(Ecosystem::PyPi, &["1.0+ubuntu.1", "1.0+UBUNTU-01", "1.0+ubuntu_1"]);
}

#[test]
fn python_versions_of_older_times_come_before_all_others() {
    check_rising(Ecosystem::PyPi, &["2004d", "2004e", "0.dev0", "0.0.1"]);
    assert!(is_rankable(Ecosystem::PyPi, "2004d"));
    assert!(!is_rankable(Ecosystem::PyPi, "unknown"));
    assert!(compare(Ecosystem::PyPi, "", "1").is_err());
}

#[test]
fn semantic_versions_are_ordered_by_section_11() {
    for ecosystem in [Ecosystem::Npm, Ecosystem::Cargo, Ecosystem::Go] {
        check_rising(
            ecosystem,
            &[
                "0.0.0-0",
                "0.0.0",
                "1.0.0-0",
                "1.0.0-9",
                "1.0.0-10",
                "1.0.0-alpha",
                "1.0.0-alpha.1",
                "1.0.0-alpha.beta",
                "1.0.0-beta",
                "1.0.0-beta.2",
                "1.0.0-beta.11",
                "1.0.0-rc.1",
                "1.0.0",
                "1.2.0",
                "1.10.0",
                "1.99999999999999999999.0",
                "1.100000000000000000000.0",
            ],
        );
        check_equal(ecosystem, &["1.2.0", "v1.2.0", "1.2", "1.2.0+build", "01.2.0"]);
        for version in ["", "latest", "1.", "1..2", "1.2.3-", "1.2.3-a..b", "1.2.3-ä", "*"] {
            assert!(compare(ecosystem, version, "1.0.0").is_err(), "{version}");
        }
    }
}

#[test]
fn go_pseudo_versions_come_before_the_version_they_lead_to() {
    check_rising(
        Ecosystem::Go,
        &[
            "v0.0.0-20190101000000-abcdefabcdef",
            "v0.0.0-20200101000000-abcdefabcdef",
            "v0.0.0",
            "v1.2.3-pre",
            "v1.2.3-pre.0.20200101000000-abcdefabcdef",
            "v1.2.3",
            "v1.2.4-0.20200101000000-abcdefabcdef",
            "v1.2.4",
            "v2.0.0+incompatible",
        ],
    );
}

#[test]
fn go_releases_are_ordered_as_their_own_tools_write_them() {
    check_rising(
        Ecosystem::Go,
        &[
            "1.8",
            "go1.9",
            "go1.9.1",
            "go1.20rc1",
            "1.20",
            "1.20.5",
            "1.21.0-0",
            "go1.21rc2",
            "1.21.0-rc.3",
            "go1.21rc10",
            "1.21.0",
        ],
    );
    check_equal(Ecosystem::Go, &["go1.21rc2", "1.21.0-rc.2", "go1.21rc2 X:boringcrypto"]);
    check_equal(Ecosystem::Go, &["go1.20", "1.20.0", "1.20"]);
    assert!(!is_rankable(Ecosystem::Go, "(devel)"));
}
