"""The parts of the comparison that no scanner is needed for."""

import pytest

from differential.advisories import boms, gem_ranges, images, known
from differential.advisories.compare import Difference
from differential.advisories.grype_workspaces import spans
from differential.advisories.identity import Aliases, package_of
from differential.advisories.records import Records


@pytest.mark.parametrize(
    "patched, unaffected, expected",
    [
        ([], [], [">= 0"]),
        ([">= 1.2"], [], ["< 1.2"]),
        (["~> 1.2.3", ">= 2.0"], ["< 1.0"], [">= 1.0, < 1.2.3", ">= 1.3.A, < 2.0"]),
        (["= 2.2.10", ">= 2.2.18"], [], ["< 2.2.10", "> 2.2.10, < 2.2.18"]),
        (["~> 3.0.16", ">= 3.2.7"], [">= 2.3.5, <= 2.3.14"], ["< 2.3.5", "> 2.3.14, < 3.0.16", ">= 3.1.A, < 3.2.7"]),
    ],
)
def test_what_requirements_leave_open_is_affected(patched, unaffected, expected):
    assert gem_ranges.affected(patched, unaffected) == expected


@pytest.mark.parametrize(
    "a, b",
    [("1.0.rc1", "1.0"), ("1.0", "1.0.1"), ("2.0.0.beta1", "2.0.0-alpha"), ("1.9", "1.10")],
)
def test_gem_versions_are_ordered_as_rubygems_orders_them(a, b):
    assert gem_ranges.compare(a, b) < 0 < gem_ranges.compare(b, a)
    assert gem_ranges.compare(a, f"{a}.0") == 0 or not a[-1].isdigit() or "rc" in a or "beta" in a


def test_events_become_ranges_as_github_writes_them():
    events = [{"introduced": "0"}, {"fixed": "1.2"}, {"introduced": "2"}, {"last_affected": "2.5"}]
    affected = {"ranges": [{"type": "ECOSYSTEM", "events": events}], "versions": ["1.1", "9.9"]}
    assert spans(affected, "python") == [("< 1.2", "1.2"), (">= 2, <= 2.5", ""), ("= 9.9", "")]
    still_open = {"ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "4.01"}]}]}
    assert spans(still_open, "java") == [(">= 4.01", "")]
    still_open["database_specific"] = {"last_known_affected_version_range": "<= 4.01"}
    assert spans(still_open, "java") == [(">= 4.01, <= 4.01", "")]


def test_events_are_played_in_the_order_of_their_versions():
    events = [{"introduced": "0"}, {"introduced": "4.0.1"}, {"fixed": "4.0.5"}, {"fixed": "3.0.21"}]
    affected = {"ranges": [{"type": "ECOSYSTEM", "events": events}]}
    assert spans(affected, "gem") == [("< 3.0.21", "3.0.21"), (">= 4.0.1, < 4.0.5", "4.0.5")]


@pytest.mark.parametrize(
    "purl, expected",
    [
        ("pkg:pypi/Zope.Interface@5.0", ("pypi", "zope-interface", "5.0")),
        ("pkg:golang/github.com/A/b@v1.0.0%2Bincompatible", ("golang", "github.com/a/b", "1.0.0+incompatible")),
        ("pkg:deb/debian/libc6@2.36-9%2Bdeb12u14?arch=amd64", ("deb", "libc6", "2.36-9+deb12u14")),
        ("pkg:rpm/almalinux/bash@5.1-2.el9?epoch=1&arch=x86_64", ("rpm", "bash", "1:5.1-2.el9")),
        ("pkg:npm/%40babel/core@7.1.0", ("npm", "@babel/core", "7.1.0")),
    ],
)
def test_two_spellings_of_one_package_become_one(purl, expected):
    assert package_of(purl) == expected


def test_names_that_records_join_are_one_vulnerability_under_the_cve(tmp_path):
    records = Records(tmp_path)
    records.osv["ghsa"] = [{"id": "GHSA-1", "aliases": ["CVE-2024-1"]}]
    records.osv["pypa"] = [{"id": "PYSEC-1", "aliases": ["GHSA-1"]}, {"id": "PYSEC-2"}]
    records.osv["alma"] = [{"id": "ALSA-1", "related": ["CVE-2024-3", "CVE-2024-2"]}]
    aliases = Aliases(records)
    assert aliases.of("PYSEC-1") == aliases.of("GHSA-1") == ["CVE-2024-1"]
    assert aliases.of("PYSEC-2") == ["PYSEC-2"]
    assert aliases.of("ALSA-1") == ["CVE-2024-2", "CVE-2024-3"]
    assert aliases.of("unheard-of") == ["unheard-of"]


def test_bills_have_versions_on_both_sides_of_each_bound():
    versions = boms.around("PyPI", {"1.10", "0"}, "seed")
    assert {"1.9", "1.10", "1.11", "1.10rc1"} <= set(versions)
    many = {f"{major}.{minor}" for major in range(9) for minor in range(9)}
    drawn = boms.around("PyPI", many, "seed")
    assert len(drawn) == boms.VERSIONS and drawn == boms.around("PyPI", many, "seed")


def test_the_source_that_a_package_url_names_is_told_to_trivy():
    purl = "pkg:deb/debian/libssl3@3.0.11-1?arch=amd64&upstream=openssl%401:3.0.11-1%2Bb2"
    bill = images.with_sources({"components": [{"purl": purl, "version": "3.0.11-1"}]})
    told = {one["name"].rpartition(":")[2]: one["value"] for one in bill["components"][0]["properties"]}
    assert told == {
        "SrcName": "openssl", "SrcEpoch": "1", "SrcVersion": "3.0.11", "SrcRelease": "1+b2"
    }


def test_an_explanation_covers_only_what_it_names(tmp_path):
    table = tmp_path / "known.tsv"
    table.write_text("# a remark\ntallyman|grype\tnpm\tleft-*\t*\t*\tGHSA-1\twhy\n")
    (explanation,) = known.read(table)
    difference = Difference("npm", ("npm", "left-pad", "1"), "CVE-1", {"grype": ""}, ("tallyman",))
    assert known.explain(difference, [explanation]) is explanation
    for other in (
        Difference("gem", ("gem", "left-pad", "1"), "CVE-1", {"grype": ""}, ("tallyman",)),
        Difference("npm", ("npm", "right-pad", "1"), "CVE-1", {"grype": ""}, ("tallyman",)),
        Difference("npm", ("npm", "left-pad", "1"), "CVE-1", {"trivy": ""}, ("tallyman",)),
    ):
        assert known.explain(other, [explanation]) is None
    table.write_text("tallyman\tnpm\tx\t*\t*\tGHSA-1\t \n")
    with pytest.raises(SystemExit, match="known.tsv:1"):
        known.read(table)
