"""The rules that decide which advisories count for which package, on whole images."""

import json

import pytest

from images.oci_builder import LayerTar, write_layout
from images.scan_report import ScanReport
from support import advisories
from support.fleet import python_distribution
from support.installation import Installation

DEBIAN = "ID=debian\nVERSION_ID=12\n"
TRACKER = {
    "probe": {
        "CVE-2026-1": {"status": "open"},
        "CVE-2026-2": {"status": "open", "nodsa": "Minor issue", "nodsa_reason": ""},
        "CVE-2026-3": {"status": "open", "nodsa": "x", "nodsa_reason": "ignored"},
        "CVE-2026-4": {"status": "undetermined"},
        "CVE-2026-5": {"status": "open", "urgency": "end-of-life"},
        "CVE-2026-6": {"status": "resolved", "fixed_version": "0"},
        "CVE-2026-7": {"status": "resolved", "fixed_version": "1:2.0-1"},
        "CVE-2026-8": {"status": "resolved", "fixed_version": "9.0-1"},
    }
}
SECDB = {
    "distroversion": "v3.20", "reponame": "main", "urlprefix": "x", "apkurl": "x",
    "packages": [{"pkg": {"name": "probe", "secfixes": {
        "0": ["CVE-2026-1"], "2.0-r1": ["CVE-2026-2"], "1.0-r0": ["CVE-2026-3"],
    }}}],
}


def dpkg(name: str, version: str, source: str | None = None) -> str:
    lines = [f"Package: {name}", "Status: install ok installed", f"Version: {version}",
             "Architecture: amd64", "Maintainer: A <a@example.org>", "Description: a"]
    lines += [f"Source: {source}"] if source else []
    return "\n".join(lines) + "\n\n"


def apk(name: str, version: str, origin: str) -> str:
    return f"C:Q1abcdefghijklmnopqrstuvwxyzA=\nP:{name}\nV:{version}\nA:x86_64\no:{origin}\n\n"


@pytest.fixture(scope="module")
def judging(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rules")
    made = Installation(folder / "data")
    tracker = {
        source: {cve: {"releases": {"bookworm": state}} for cve, state in said.items()}
        for source, said in TRACKER.items()
    }
    (folder / "tracker.json").write_text(json.dumps(tracker))
    (folder / "secdb.json").write_text(json.dumps(SECDB))
    records = [
        advisories.record("TALLY-PY", "PyPI", "owned-probe", fixed="2"),
        # What Debian says of its own package stands above what others say of it.
        advisories.record("OTHER-6", "Debian:12", "probe", fixed="9", aliases=("CVE-2026-6",)),
        advisories.record("OTHER-3", "Alpine:v3.20", "probe", aliases=("CVE-2026-1",)),
        advisories.record("GHSA-aaaa-bbbb-cccc", "Maven", "org.example:probe", fixed="2.0"),
        advisories.record("TALLY-GO", "Go", "stdlib", fixed="1.20.3"),
        advisories.record("TALLY-NPM", "npm", "@probe/a", fixed="2.0.0"),
        *advisories.coverage(),
    ]
    for number, made_record in enumerate(records):
        (folder / f"record-{number}.json").write_text(json.dumps(made_record))
    made.do("db", "import", *sorted(folder.glob("*.json")))
    return made


def scan(judging, builder, tmp_path, *layers: LayerTar) -> ScanReport:
    image = builder.image([builder.layer(layer) for layer in layers])
    layout = write_layout(tmp_path / "layout", {"rules:1": image})
    return ScanReport(judging.scan(layout).expect(0).json())


def findings(report: ScanReport, name: str) -> dict:
    (package,) = [p for p in report.value["packages"] if p["name"] == name]
    return {finding["id"]: finding for finding in package["findings"]}


def test_debians_words_are_the_states_of_the_findings(judging, builder, tmp_path):
    status = dpkg("libprobe1", "1:1.0-1", source="probe")
    layer = LayerTar().file("etc/os-release", DEBIAN).file("var/lib/dpkg/status", status)
    found = findings(scan(judging, builder, tmp_path, layer), "libprobe1")
    # An epoch stands above every version, so 9.0-1 is behind 1:1.0-1; version 0 and a record that
    # Debian's own denial overrules find nothing.
    assert {cve: finding["fix_state"] for cve, finding in found.items()} == {
        "CVE-2026-1": "open",
        "CVE-2026-2": "will_not_fix",
        "CVE-2026-3": "will_not_fix",
        "CVE-2026-4": "undetermined",
        "CVE-2026-5": "end_of_life",
        "CVE-2026-7": "open",
    }
    assert found["CVE-2026-7"]["fixed_version"] == "1:2.0-1"


def test_version_0_of_alpine_was_never_affected_and_the_origin_is_judged(
    judging, builder, tmp_path
):
    layer = LayerTar().file("etc/os-release", "ID=alpine\nVERSION_ID=3.20.3\n")
    layer.file("lib/apk/db/installed", apk("probe-libs", "1.5-r0", "probe"))
    found = findings(scan(judging, builder, tmp_path, layer), "probe-libs")
    assert list(found) == ["CVE-2026-2"]
    assert found["CVE-2026-2"]["fixed_version"] == "2.0-r1"


def test_what_a_distributions_package_holds_is_judged_by_the_distribution(
    judging, builder, tmp_path
):
    def distribution(folder: str) -> tuple:
        path = f"{folder}/owned_probe-1.0.dist-info/METADATA"
        return path, "Metadata-Version: 2.1\nName: owned-probe\nVersion: 1.0\n"

    owned, metadata = distribution("usr/lib/python3/dist-packages")
    loose, _ = distribution("opt/venv/lib/python3.11/site-packages")
    layer = LayerTar().file("etc/os-release", DEBIAN)
    layer.file("var/lib/dpkg/status", dpkg("python3-owned-probe", "1.0-1"))
    layer.file("var/lib/dpkg/info/python3-owned-probe.list", f"/.\n/{owned}\n")
    layer.file(owned, metadata).file(loose, metadata)
    report = scan(judging, builder, tmp_path, layer).value
    found = {p["path"]: [f["id"] for f in p["findings"]] for p in report["packages"]}
    assert found[owned] == [] and found[loose] == ["TALLY-PY"]


def test_a_finding_says_where_it_comes_from_and_why(judging, builder, tmp_path):
    below = LayerTar().file("etc/os-release", DEBIAN)
    above = python_distribution("Owned.Probe", "1.0")
    image = builder.image([builder.layer(below), builder.layer(above)])
    layout = write_layout(tmp_path / "layout", {"rules:1": image})
    text = judging.do("scan", layout, "--explain", "TALLY-PY").stdout
    digest = image.layers[1].digest
    for words in [
        "TALLY-PY (critical) in pkg:pypi/owned-probe@1.0",
        "record     TALLY-PY of osv/PyPI",
        "range      < 2 (here: 1.0)",
        "fixed in   2",
        "dist-info/METADATA",
        digest,
        "state      open",
        "since",
    ]:
        assert words in text, text


def test_coordinates_of_libraries_are_the_names_in_records(judging, tmp_path):
    def component(purl: str) -> dict:
        name, version = purl.rsplit("/", 1)[-1].split("@")
        return {"type": "library", "name": name, "version": version, "purl": purl, "bom-ref": purl}

    affected = {
        "pkg:maven/org.example/probe@1.9": "GHSA-aaaa-bbbb-cccc",
        "pkg:golang/stdlib@1.20.2": "TALLY-GO",
        "pkg:npm/%40probe/a@1.9.9": "TALLY-NPM",
        "pkg:pypi/owned-probe@1.9": "TALLY-PY",
    }
    others = [
        "pkg:maven/org.elsewhere/probe@1.9",
        "pkg:maven/org.example/probe@2.0",
        "pkg:golang/stdlib@1.20.3",
        "pkg:npm/a@1.9.9",
        "pkg:pypi/ownedprobe@1.9",
    ]
    bill = {
        "bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1,
        "components": [component(purl) for purl in [*affected, *others]],
    }
    path = tmp_path / "bill.cdx.json"
    path.write_text(json.dumps(bill))
    report = judging.scan(f"sbom:{path}").expect(0).json()
    pairs = [(p["purl"], f["id"]) for p in report["packages"] for f in p["findings"]]
    # The advisories that come with the program know vulnerabilities of Go as well.
    assert {pair for pair in pairs if pair[1] in affected.values()} == set(affected.items())
