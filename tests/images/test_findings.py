"""Findings equal what other implementations of the version orders say of the same records."""

import random

import pytest
from packaging.utils import canonicalize_name
from packaging.version import Version

from images import real_packages
from images.oci_builder import LayerTar, write_layout
from images.scan_report import ScanReport
from images.version_oracles import is_affected, less_debian, less_npm, less_pypi
from support import advisories
from support.fleet import debian_layer
from support.installation import Installation

_PREFIX = "TALLY-"


def _pypi_bounds(version: str) -> list:
    # A package may be installed in a version that has suffixes already, such as `.post1`.
    release = Version(version).base_version
    return [
        version,
        f"{release}.0",
        f"{release}rc1",
        f"{release}.dev0",
        f"{release}a2",
        f"{release}.post1",
        f"{release}+local",
        f"1!{release.split('!')[-1]}",
        "0.0.1",
        "9999",
    ]


def _debian_bounds(version: str) -> list:
    return [
        version,
        f"{version}~",
        f"{version}+b1",
        f"{version}.1",
        f"{version}~rc1",
        f"{version}a",
        f"9:{version}" if ":" not in version else version + "z",
        "0.1",
    ]


def _npm_bounds(version: str) -> list:
    major, minor, patch = version.split("-")[0].split(".")
    return [
        version,
        f"{version}-rc.1",
        f"{major}.{minor}.{int(patch) + 1}",
        f"{major}.{int(minor) + 1}.0",
        f"{int(major) + 1}.0.0",
        "0.0.1",
        "999.0.0",
    ]


def _records(ecosystem: str, packages: list, bounds, less, rng: random.Random) -> list:
    """Random ranges around the versions that are really installed."""
    records = []
    for name, version in packages:
        for _ in range(6):
            low, high = rng.choice(bounds(version)), rng.choice(bounds(version))
            if less(high, low):
                low, high = high, low
            shape = rng.randrange(4)
            identifier = f"{_PREFIX}{ecosystem.split(':')[0].upper()}-{len(records):04}"
            ranges = [
                {"introduced": low, "fixed": high},
                {"introduced": "0", "fixed": high},
                {"introduced": low, "last_affected": high},
                {"introduced": low},
            ][shape]
            records.append(advisories.record(identifier, ecosystem, name, **ranges))
    return records


class _Case:
    """One ecosystem: its packages as records name them, and its order."""

    def __init__(self, ecosystem, kind, packages, bounds, less):
        self.ecosystem, self.kind, self.less = ecosystem, kind, less
        self.packages = sorted(packages)
        self.records = _records(ecosystem, self.packages, bounds, less, random.Random(20261124))

    def expected(self) -> dict:
        versions = {}
        for name, version in self.packages:
            versions.setdefault(name, set()).add(version)
        found = {}
        for record in self.records:
            name = record["affected"][0]["package"]["name"]
            if any(is_affected(record, version, self.less) for version in versions[name]):
                found.setdefault(name, set()).add(record["id"])
        return found


def _python_case() -> _Case:
    packages = real_packages.pip_packages(real_packages.python_packages())
    return _Case("PyPI", "pypi", packages, _pypi_bounds, less_pypi)


def _debian_case() -> _Case:
    rows = real_packages.dpkg_packages(real_packages.debian_metadata())
    sources = sorted({(row[3], row[4]) for row in rows})[::6]
    return _Case("Debian:12", "deb", sources, _debian_bounds, less_debian)


def _node_case() -> _Case:
    packages = sorted(real_packages.npm_packages(real_packages.node_packages()))
    return _Case("npm", "npm", packages[::4], _npm_bounds, less_npm)


@pytest.fixture(scope="module")
def judged(builder, tmp_path_factory):
    """The three cases, and the report on an image with all their packages."""
    directory = tmp_path_factory.mktemp("judged")
    cases = {"pypi": _python_case(), "deb": _debian_case(), "npm": _node_case()}
    records = [record for case in cases.values() for record in case.records]
    installation = Installation(directory / "data")
    installation.import_advisories(
        advisories.write(directory / "advisories", records + advisories.coverage())
    )
    layers = [
        debian_layer(),
        LayerTar().tree(real_packages.python_packages(), real_packages.SITE_PACKAGES),
        LayerTar().tree(real_packages.node_packages(), real_packages.NODE_PREFIX),
    ]
    image = builder.image([builder.layer(layer) for layer in layers])
    layout = write_layout(directory / "layout", {"judged:1": image})
    return cases, ScanReport(installation.scan(layout).expect(0).json())


def _found(report: ScanReport, case: _Case) -> dict:
    """What the report says of one ecosystem, by the names that the records use."""
    found = {}
    for package in report.packages(case.kind):
        name = package["name"]
        if case.kind == "deb":
            name = (package.get("source") or {"name": name})["name"]
        if case.kind == "pypi":
            name = canonicalize_name(name)
        ids = {f["id"] for f in package["findings"] if f["id"].startswith(_PREFIX)}
        if ids:
            found.setdefault(name, set()).update(ids)
    return found


@pytest.mark.parametrize("kind", ["pypi", "deb", "npm"])
def test_findings_equal_an_independent_computation(judged, kind):
    cases, report = judged
    expected = cases[kind].expected()
    assert _found(report, cases[kind]) == expected
    assert expected, "no record fits: the case shows nothing"


@pytest.fixture
def findings_of(installation, builder, tmp_path):
    """Scans a real jinja2 2.10 with records about it; returns the report."""

    def scan(*records) -> ScanReport:
        installation.import_advisories(
            advisories.write(tmp_path / "records", [*records, *advisories.coverage()])
        )
        tree = LayerTar().tree(real_packages.python_packages(), real_packages.SITE_PACKAGES)
        layout = write_layout(tmp_path / "layout", {"x:1": builder.image([builder.layer(tree)])})
        return ScanReport(installation.scan(layout).expect(0).json())

    return scan


def test_a_finding_tells_severity_score_and_the_fixed_version(findings_of):
    made = advisories.record("TALLY-2026-1", "PyPI", "jinja2", fixed="2.10.1")
    finding = findings_of(made).finding("Jinja2", "TALLY-2026-1")
    told = (finding["severity"], finding["score"], finding["fixed_version"])
    assert told == ("critical", 9.8, "2.10.1")


def test_a_name_is_matched_in_any_spelling(findings_of):
    made = advisories.record("TALLY-2026-1", "PyPI", "JINJA2", fixed="2.10.1")
    assert findings_of(made).findings("TALLY-2026-1") == {"Jinja2": {"TALLY-2026-1"}}


def test_records_of_one_vulnerability_make_one_finding_named_by_its_cve(findings_of):
    one = advisories.record("TALLY-2026-1", "PyPI", "jinja2", fixed="3", aliases=("CVE-2099-0001",))
    two = advisories.record("TALLY-2026-2", "PyPI", "jinja2", fixed="3", aliases=("CVE-2099-0001",))
    report = findings_of(one, two)
    finding = report.finding("Jinja2", "CVE-2099-0001")
    assert finding["id"] == "CVE-2099-0001"
    assert {"TALLY-2026-1", "TALLY-2026-2"} <= set(finding["aliases"])


def test_a_withdrawn_record_finds_nothing(findings_of):
    made = advisories.record(
        "TALLY-2026-1", "PyPI", "jinja2", fixed="3", withdrawn="2026-10-02T00:00:00Z"
    )
    assert findings_of(made).findings("TALLY-2026-1") == {}


def test_listed_versions_are_affected_and_no_others(findings_of):
    listed = advisories.record("TALLY-2026-1", "PyPI", "jinja2", versions=["2.9", "2.10"])
    others = advisories.record("TALLY-2026-2", "PyPI", "jinja2", versions=["2.9", "2.10.1"])
    assert findings_of(listed, others).findings("TALLY-2026") == {"Jinja2": {"TALLY-2026-1"}}


def test_a_record_without_a_rating_is_a_finding_of_unknown_severity(findings_of):
    made = advisories.record("TALLY-2026-1", "PyPI", "jinja2", fixed="3", vector=None)
    finding = findings_of(made).finding("Jinja2", "TALLY-2026-1")
    assert (finding["severity"], finding.get("score")) == ("unknown", None)


def test_a_record_of_another_ecosystem_finds_nothing(findings_of):
    made = advisories.record("TALLY-2026-1", "npm", "jinja2", fixed="3.0.0")
    assert findings_of(made).findings("TALLY-2026-1") == {}
