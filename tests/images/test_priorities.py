"""What a scan says of vulnerabilities equals a plain reading of what CISA, FIRST and the CVE Program
publish, one by one, for a real image and for a Debian of which nothing is mended."""

import json
import re

import pytest

from images import known_vulnerabilities as published
from images import sbom_schemas
from images.oci_builder import LayerTar, write_layout
from support.installation import Installation
from support.paths import REPOSITORY

_FACTS = REPOSITORY.parent / "shared" / "data" / "debian" / "changelog-fixed-bookworm.jsonl"
_MISSING = [path for path in (*published.ARCHIVES, _FACTS) if not path.is_file()]

pytestmark = pytest.mark.skipif(bool(_MISSING), reason=f"not there: {_MISSING}")

_FOUND = 1
_CVE = re.compile(r"CVE-\d{4}-\d{4,}")


@pytest.fixture(scope="module")
def known():
    return published.read()


@pytest.fixture(scope="module")
def informed(tmp_path_factory):
    """An installation that knows the shipped advisories and all that is published."""
    installation = Installation(tmp_path_factory.mktemp("informed") / "data")
    for archive in published.ARCHIVES:
        installation.do("db", "import", archive, timeout=900)
    return installation


def _unmended_debian() -> LayerTar:
    """A Debian 12 that has every source package that its changelogs know a mended flaw of, none
    mended."""
    sources = sorted({json.loads(line)["source"] for line in _FACTS.read_text().splitlines()})
    paragraphs = [
        f"Package: {source}\nStatus: install ok installed\nArchitecture: amd64\nVersion: 0~0\n\n"
        for source in sources
    ]
    release = 'ID=debian\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\n'
    return (
        LayerTar()
        .file("etc/os-release", release.encode())
        .file("var/lib/dpkg/status", "".join(paragraphs).encode())
    )


@pytest.fixture(scope="module")
def debian(builder, tmp_path_factory):
    image = builder.image([builder.layer(_unmended_debian())])
    return write_layout(tmp_path_factory.mktemp("debian") / "layout", {"debian:unmended": image})


@pytest.fixture(scope="module")
def debian_report(informed, debian) -> dict:
    """Its report; the scan ends as it must where something is known to be exploited."""
    return informed.scan(debian, "--fail-on", "kev", timeout=600).expect(_FOUND).json()


@pytest.fixture(scope="module")
def real(rich, tmp_path_factory):
    return write_layout(tmp_path_factory.mktemp("real") / "layout", {"rich:1": rich.image})


@pytest.fixture(scope="module", params=("rich", "debian"))
def findings(request, informed, real, debian_report) -> list:
    """The findings of an image, one list a package."""
    report = debian_report
    if request.param == "rich":
        report = informed.scan(real, timeout=600).expect(0).json()
    lists = [package["findings"] for package in report["packages"] if package["findings"]]
    assert sum(map(len, lists)) > (40 if request.param == "rich" else 5_000)
    return lists


def _cves(finding: dict) -> list:
    return [name for name in (finding["id"], *finding["aliases"]) if _CVE.fullmatch(name)]


def _single(findings: list):
    """The findings that have one CVE, with it."""
    for finding in (finding for of_package in findings for finding in of_package):
        cves = _cves(finding)
        if len(cves) == 1:
            yield cves[0], finding


def test_epss_is_that_of_the_table(known, findings):
    different, compared = {}, 0
    for cve, finding in _single(findings):
        told = finding.get("epss")
        told = told and (told["probability"], told["percentile"])
        compared += told is not None
        if told != known.epss.get(cve):
            different[cve] = (told, known.epss.get(cve))
    assert different == {}
    assert compared > 30


def test_cisas_entries_are_those_of_the_catalogue(known, findings):
    different = {}
    for cve, finding in _single(findings):
        if finding.get("kev") != known.kev.get(cve):
            different[cve] = (finding.get("kev"), known.kev.get(cve))
    assert different == {}


def test_exploitation_and_weaknesses_are_those_of_the_records(known, findings):
    different = {}
    for cve, finding in _single(findings):
        told = (finding.get("exploitation"), finding.get("cwes", []))
        expected = (known.exploitation.get(cve), sorted(known.cwes.get(cve, ())))
        if told != expected:
            different[cve] = (told, expected)
    assert different == {}


def test_what_no_advisory_rates_has_the_rating_of_its_record(request, known, findings):
    different, rated = {}, 0
    for cve, finding in _single(findings):
        # The facts of changelogs never rate, so nothing stands before the record.
        if finding["feed"] != "debian-changelog":
            continue
        expected = published.rating(known, cve)
        told = (finding["severity"], finding.get("score"))
        rated += told[0] != "unknown"
        if told != expected:
            different[cve] = (told, expected)
    assert different == {}
    assert rated > 150 or request.node.callspec.params["findings"] == "rich"


def test_priorities_follow_the_documented_table(known, findings):
    different, classes = {}, set()
    for cve, finding in _single(findings):
        threat = published.threat(known, cve)
        expected = published.priority(
            threat, finding["severity"], finding["fix_state"], finding.get("fixed_version")
        )
        told = finding["priority"]
        classes.add(told["class"])
        if (told["threat"], told["class"]) != (threat, expected):
            different[cve] = (told, threat, expected)
    assert different == {}
    assert len(classes) >= 2


def test_what_is_to_be_mended_first_comes_first(findings):
    order = ["asap", "later", "nntf"]
    for of_package in findings:
        classes = [order.index(finding["priority"]["class"]) for finding in of_package]
        assert classes == sorted(classes)


def _ids(report: dict) -> set:
    return {finding["id"] for package in report["packages"] for finding in package["findings"]}


def test_the_table_starts_with_what_is_exploited(informed, debian, debian_report, known):
    summary, found = debian_report["summary"], _ids(debian_report)
    exploited = found & set(known.kev)
    assert summary["known_exploited"] == len(exploited) > 5
    assert sum(summary["by_priority"].values()) == summary["vulnerabilities"] == len(found)
    table = informed.run("scan", debian, timeout=600).expect(0).stdout
    rows = [line for line in table.splitlines() if _CVE.search(line)]
    marked = [bool(re.search(r"asap KEV", line)) for line in rows]
    assert marked == sorted(marked, reverse=True)
    assert {_CVE.search(line)[0] for line, kev in zip(rows, marked) if kev} == exploited
    assert f"{len(exploited)} known to be exploited" in table


def test_a_vulnerability_is_explained_with_what_is_published(
    informed, debian, debian_report, known
):
    cve = min(_ids(debian_report) & set(known.kev))
    text = informed.run("scan", debian, "--explain", cve, timeout=600).expect(0).stdout
    assert f"in CISA's catalogue since {known.kev[cve]['added']}" in text
    assert f"{known.epss[cve][0] * 100:.1f} % within 30 days" in text
    assert re.search(r"priority +asap: known to be exploited", text)


def test_the_bill_of_materials_with_it_is_valid(informed, real):
    outcome = informed.run("scan", real, "--format", "cyclonedx", timeout=600).expect(0)
    assert sbom_schemas.cyclonedx_errors(outcome.stdout) == []
    ratings = [r for it in outcome.json()["vulnerabilities"] for r in it["ratings"]]
    assert any(rating["source"]["name"] == "epss" for rating in ratings)


def test_the_bill_of_materials_tells_it_too(informed, debian, known):
    outcome = informed.run("scan", debian, "--format", "cyclonedx", timeout=600).expect(0)
    told = 0
    for vulnerability in outcome.json()["vulnerabilities"]:
        cve = vulnerability["id"]
        properties = {it["name"]: it["value"] for it in vulnerability["properties"]}
        assert properties["tallyman:priority"] in ("asap", "later", "nntf")
        assert ("tallyman:kev:added" in properties) == (cve in known.kev)
        epss = [it for it in vulnerability["ratings"] if it["source"]["name"] == "epss"]
        expected = [known.epss[cve][0]] if cve in known.epss else []
        assert [it["score"] for it in epss] == expected
        assert vulnerability.get("cwes", []) == sorted(known.cwes.get(cve, ()))
        told += len(epss)
    assert told > 3_000
