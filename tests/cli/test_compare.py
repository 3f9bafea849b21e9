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
