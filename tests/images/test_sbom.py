"""`tallyman scan --format cyclonedx|spdx|spdx3`: valid by the official schemas, and true."""

import json

import pytest
from packageurl import PackageURL

from images import sbom_schemas
from images.oci_builder import LayerTar, blob_path, write_layout
from images.scan_report import ScanReport
from support import advisories
from support.fleet import python_distribution
from support.installation import Installation

NAME = "registry.example.com/shop/everything:7"
NOT_ANALYSED = 3
ERRORS = {
    "cyclonedx": sbom_schemas.cyclonedx_errors,
    "spdx": sbom_schemas.spdx_errors,
    "spdx3": sbom_schemas.spdx3_errors,
}


@pytest.fixture(scope="module")
def rich_layout(rich, tmp_path_factory):
    return write_layout(tmp_path_factory.mktemp("sbom") / "layout", {NAME: rich.image})


@pytest.fixture(scope="module")
def small_layout(builder, tmp_path_factory):
    """One package of each kind that documents tell apart: the schemas take their time."""
    dpkg = (
        LayerTar()
        .file("etc/os-release", 'ID=debian\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\n')
        .file(
            "var/lib/dpkg/status",
            "Package: libc6\nStatus: install ok installed\nArchitecture: amd64\n"
            "Source: glibc (2.36-9+deb12u10)\nVersion: 2.36-9+deb12u10+b1\n\n",
        )
    )
    python = python_distribution("urllib3", "1.24")
    npm = LayerTar().file(
        "usr/lib/node_modules/@scope/name/package.json", '{"name":"@scope/name","version":"1.0.0"}'
    )
    image = builder.image([builder.layer(layer) for layer in (dpkg, python, npm)])
    return write_layout(tmp_path_factory.mktemp("small") / "layout", {NAME: image})


@pytest.fixture(scope="module")
def judging(tmp_path_factory) -> Installation:
    """An installation that knows a vulnerability of a Python and of a Debian package."""
    directory = tmp_path_factory.mktemp("judging")
    made = Installation(directory / "data")
    records = [
        advisories.record("TALLY-1", "PyPI", "urllib3", fixed="99", aliases=("CVE-2026-1",)),
        advisories.record("TALLY-2", "Debian:12", "glibc", fixed=None, aliases=("CVE-2026-2",)),
        *advisories.coverage(),
    ]
    made.import_advisories(advisories.write(directory / "advisories", records))
    return made


@pytest.fixture(scope="module")
def report(judging, rich_layout) -> ScanReport:
    return ScanReport(judging.scan(rich_layout).expect(0).json())


@pytest.fixture(scope="module", params=list(ERRORS))
def written(request, judging, rich_layout) -> tuple:
    """A format and the document on the rich image."""
    outcome = judging.run("scan", rich_layout, "--format", request.param).expect(0)
    return request.param, outcome.stdout


def _purls(form: str, document: dict) -> list:
    if form == "cyclonedx":
        return [c["purl"] for c in document["components"] if c["type"] == "library"]
    if form == "spdx":
        libraries = [p for p in document["packages"] if p["primaryPackagePurpose"] == "LIBRARY"]
        return [r["referenceLocator"] for p in libraries for r in p["externalRefs"]]
    libraries = [e for e in document["@graph"] if e.get("software_primaryPurpose") == "library"]
    return [library["software_packageUrl"] for library in libraries]


@pytest.mark.parametrize("form", ERRORS)
def test_a_document_is_valid_by_the_official_schema(judging, small_layout, form):
    document = judging.run("scan", small_layout, "--format", form).expect(0)
    assert len(_purls(form, document.json())) == 3
    assert ERRORS[form](document.stdout) == []


@pytest.mark.parametrize("form", ERRORS)
def test_the_validators_can_say_no(judging, small_layout, form):
    document = judging.run("scan", small_layout, "--format", form).expect(0).json()
    if form == "cyclonedx":
        document["components"][0]["typo"] = 1
    elif form == "spdx":
        document["relationships"][0]["relatedSpdxElement"] = "SPDXRef-nothing"
    else:
        relationship = next(e for e in document["@graph"] if e["type"] == "Relationship")
        del relationship["from"]
    try:
        assert ERRORS[form](json.dumps(document)) != []
    except ValueError:
        pass  # The library of SPDX 3 raises for what the schema has found before.


def test_a_document_names_every_package_of_the_report(written, report):
    form, text = written
    found = {_without_upstream(purl) for purl in _purls(form, json.loads(text))}
    assert found == {_without_upstream(p["purl"]) for p in report.value["packages"]}


def _without_upstream(text: str) -> str:
    purl = PackageURL.from_string(text)
    qualifiers = {k: v for k, v in purl.qualifiers.items() if k != "upstream"}
    return purl._replace(qualifiers=qualifiers).to_string()


def test_package_urls_name_source_packages_as_dpkg_does(written, rich):
    form, text = written
    purls = [PackageURL.from_string(purl) for purl in _purls(form, json.loads(text))]
    found = {}
    for purl in purls:
        if purl.type == "deb":
            upstream = purl.qualifiers.get("upstream", purl.name)
            name, _, version = upstream.partition("@")
            found[purl.name, purl.version] = (name, version or purl.version)
    expected = {(name, version): source for name, version, _, *source in rich.debian_packages()}
    assert found == {key: tuple(source) for key, source in expected.items()}


def test_the_same_image_gives_the_same_bytes(written, judging, rich_layout):
    form, text = written
    again = judging.run("scan", rich_layout, "--format", form).expect(0)
    assert again.stdout == text


def test_the_date_can_be_set(written, judging, rich_layout):
    form, text = written
    dated = judging.run(
        "scan", rich_layout, "--format", form, env={"SOURCE_DATE_EPOCH": "1700000000"}
    ).expect(0)
    assert "2023-11-14T22:13:20Z" in dated.stdout
    assert "2023-11-14T22:13:20Z" not in text


def test_cyclonedx_carries_the_findings(judging, rich_layout, report):
    document = judging.run("scan", rich_layout, "--format", "cyclonedx").expect(0).json()
    components = {c["bom-ref"]: c for c in document["components"]}
    found = {
        (v["id"], components[a["ref"]]["name"])
        for v in document["vulnerabilities"]
        for a in v["affects"]
    }
    expected = {(f["id"], p["name"]) for p in report.value["packages"] for f in p["findings"]}
    assert found == expected
    assert ("CVE-2026-1", "urllib3") in found and ("CVE-2026-2", "libc6") in found


def test_an_image_that_failed_has_no_document_that_looks_complete(covered, builder, tmp_path):
    layer = builder.layer(python_distribution("iniconfig", "1.9.9"))
    layout = write_layout(tmp_path / "layout", {NAME: builder.image([layer])})
    path = blob_path(layout, layer.digest)
    path.write_bytes(path.read_bytes()[:-20])
    for form, errors in ERRORS.items():
        outcome = covered.run("scan", layout, "--format", form).expect(NOT_ANALYSED)
        assert errors(outcome.stdout) == []
        assert "incomplete" in outcome.stdout
        assert _purls(form, outcome.json()) == []
