"""`tallyman db compare`: an order of versions, checked line by line."""

import pytest

from support import program

HOLDS = {
    "Debian:12": "1.0~rc1 < 1.0\n2:1.0 > 9.9\n1.0 = 1.0-0\n",
    "Alpine": "1.0_alpha1 < 1.0\n1.0-r1 > 1.0\n",
    "PyPI": "1.0.dev1 < 1.0a1\n1!0 > 99\n",
    "npm": "1.0.0-rc.1 < 1.0.0\n",
    "Go": "v1.0.0 > v0.0.0-20200101000000-abcdefabcdef\n",
    "AlmaLinux:9": "1.0~rc1 < 1.0\n1.0^git1 > 1.0\n1:1 > 2\n",
    "Maven": "1.0.0 = 1\n1.0-alpha-1 < 1.0\n1.0-sp > 1.0\n",
    "RubyGems": "1.0.a < 1.0\n1.0 = 1\n",
    "NuGet": "1.0.0-BETA = 1.0.0-beta\n1.0.0.1 > 1.0.0\n",
    "Packagist": "v1.0RC1 < 1.0\n",
    "Pub": "1.0.0 < 1.0.0+1\n",
    "Hackage": "1.0.0 > 1.0\n",
    "CRAN": "0.9 < 0.75\n",
    "Hex": "1.0.0-rc.1 < 1.0.0\n",
    "ConanCenter": "1.0 = 1\n1.0-beta < 1.0\n1.0+b > 1.0\n1.1.1w > 1.1.1v\n",
    "generic": "1.1.1w > 1.1.1\n17rc1 < 17\n9.6p1 > 9.6\n3.14.0b2 < 3.14\nv1 = 1.0\n",
}


@pytest.mark.parametrize("ecosystem", HOLDS)
def test_lines_that_hold_are_silent(ecosystem):
    outcome = program.run("db", "compare", ecosystem, stdin=HOLDS[ecosystem]).expect(0)
    assert outcome.stdout == ""


@pytest.mark.parametrize(
    "names, line",
    [
        ("Debian:12 deb dpkg debian Ubuntu:24.04:LTS Echo", "1.0~~ < 1.0~"),
        ("Alpine:v3.20 apk Wolfi Chainguard MinimOS Alpaquita:stream", "1.9.5p2-r9 < 1.9.5p2-r10"),
        ("Red_Hat:enterprise_linux:9 rpm Rocky_Linux:9 openSUSE:Leap_15.6 SUSE", "1.0~^1 < 1.0^1"),
        ("openEuler:24.03-LTS Mageia:9 Photon_OS:5.0 Azure_Linux:3 AlmaLinux:8", "1:0 > 9"),
        ("PyPI pypi pep440", "1.0.post1.dev2+ubuntu-1 > 1.0.post1.dev2"),
        ("npm crates.io cargo Hex SwiftURL swift Bitnami semver", "1.0.0-a.9 < 1.0.0-a.10"),
        ("Go golang", "v1.2.3-0.20200101000000-abcdef123456+incompatible < v1.2.3"),
        ("Go golang", "go1.21rc2 < go1.21.0"),
        ("Maven maven", "1-alpha-1 < 1.0-SNAPSHOT"),
        ("Packagist composer", "v1.0-patch2 > 1.0"),
        ("RubyGems gem", "1.0-rc1 < 1.0"),
        ("NuGet nuget", "1.0.0.1-RC+a = 1.0.0.1-rc+b"),
        ("Hackage", "1.2 < 1.2.0"),
        ("CRAN", "1.2-3 = 1.2.3"),
        ("Pub pub", "1.0.0+1 < 1.0.0+2"),
        ("ConanCenter conan", "1.0-pre+build < 1.0"),
    ],
)
def test_an_order_is_known_by_the_names_of_osv_and_of_package_managers(names, line):
    for name in names.split():
        outcome = program.run("db", "compare", name.replace("_", " ", 1), stdin=f"{line}\n")
        assert (outcome.exit_code, outcome.stdout) == (0, ""), outcome


def test_lines_that_do_not_hold_are_printed_and_counted():
    lines = "# a comment\n1.0 < 2.0\n\n1.0 > 2.0\n1.0\n"
    outcome = program.run("db", "compare", "Debian", stdin=lines).expect(1)
    printed = outcome.stdout.splitlines()
    assert [line.split("  ")[0] for line in printed] == ["1.0 > 2.0", "1.0"]
    assert "line 4" in printed[0] and "line 5" in printed[1]
    assert "3 lines" in outcome.stderr


def test_an_unknown_ecosystem_is_a_usage_error_that_names_the_known_ones():
    outcome = program.run("db", "compare", "Fortran", stdin="").expect(2)
    assert "maven" in outcome.stderr
