"""`tallyman scan sbom:FILE`: what was found by ourselves and by Syft is judged like the image."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from images.oci_builder import write_layout
from images.scan_report import ScanReport
from support import advisories, program
from support.installation import Installation
from support.paths import TEST_ENV

NAME = "registry.example.com/shop/everything:7"
USAGE, NOT_ANALYSED = 2, 3
SYFT = TEST_ENV / "venv" / "bin" / "syft"


@pytest.fixture(scope="module")
def rich_layout(rich, tmp_path_factory):
    return write_layout(tmp_path_factory.mktemp("sbom") / "layout", {NAME: rich.image})


@pytest.fixture(scope="module")
def judging(tmp_path_factory) -> Installation:
    """An installation that knows a vulnerability of a Python and of a Debian source package."""
    directory = tmp_path_factory.mktemp("judging")
    made = Installation(directory / "data")
    records = [
        advisories.record("TALLY-1", "PyPI", "urllib3", fixed="99", aliases=("CVE-2026-1",)),
        advisories.record("TALLY-2", "Debian:12", "glibc", fixed="99", aliases=("CVE-2026-2",)),
        *advisories.coverage(),
    ]
    made.import_advisories(advisories.write(directory / "advisories", records))
    return made


@pytest.fixture(scope="module")
def of_image(judging, rich_layout) -> dict:
    return judging.scan(rich_layout).expect(0).json()


def _written(path: Path, document: dict) -> str:
    path.write_text(json.dumps(document))
    return f"sbom:{path}"


def _libraries(*purls: str) -> dict:
    components = [{"type": "library", "name": purl, "purl": purl} for purl in purls]
    return {"bomFormat": "CycloneDX", "specVersion": "1.6", "components": components}


@pytest.mark.parametrize("form", ["cyclonedx", "spdx", "spdx3"])
def test_a_document_of_our_own_gives_the_report_of_its_image(
    judging, rich_layout, of_image, tmp_path, form
):
    document = judging.run("scan", rich_layout, "--format", form).expect(0).stdout
    path = tmp_path / "sbom.json"
    path.write_text(document)
    report = judging.scan(f"sbom:{path}").expect(0).json()
    assert report["packages"] == of_image["packages"]
    assert report["summary"] == of_image["summary"]
    assert report["distribution"] == of_image["distribution"]
    assert report["state"] == of_image["state"]
    assert report["image"] == of_image["image"]
    assert report["sbom"]["origin"] == str(path)


@pytest.mark.parametrize("form", ["cyclonedx-json", "spdx-json"])
def test_what_syft_found_gives_the_findings_of_the_image(
    judging, rich_layout, of_image, tmp_path, form
):
    path = tmp_path / "sbom.json"
    command = [SYFT, "scan", f"oci-dir:{rich_layout}", "--quiet", "--output", form]
    quiet = {**os.environ, "SYFT_CHECK_FOR_APP_UPDATE": "false"}
    path.write_bytes(subprocess.run(command, check=True, capture_output=True, env=quiet).stdout)
    report = judging.scan(f"sbom:{path}").expect(0).json()
    assert _findings(report) == _findings(of_image)
    assert {"CVE-2026-1", "CVE-2026-2"} <= {identifier for *_, identifier in _findings(report)}
    # Syft leaves out programs that a distribution's package brought.
    assert _versions(of_image, judged=True) <= _versions(report) <= _versions(of_image)


def _versions(report: dict, judged: bool = False) -> set:
    # Syft writes the names of Python packages in lower case.
    packages = [p for p in report["packages"] if not (judged and p.get("is_owned"))]
    return {(p["ecosystem"], p["name"].lower(), p["version"]) for p in packages}


def _findings(report: dict) -> set:
    return {
        (package["ecosystem"], package["name"].lower(), package["version"], finding["id"])
        for package in report["packages"]
        for finding in package["findings"]
    }


def test_a_document_comes_through_a_pipe(judging):
    text = json.dumps(_libraries("pkg:pypi/urllib3@1.24"))
    report = judging.scan("sbom:/dev/stdin", stdin=text).expect(0).json()
    assert ScanReport(report).versions("pypi") == {("urllib3", "1.24")}
    assert report["packages"][0]["findings"][0]["id"] == "CVE-2026-1"


def test_fail_on_holds_for_documents(judging, tmp_path):
    document = _written(tmp_path / "sbom.json", _libraries("pkg:pypi/urllib3@1.24"))
    judging.scan(document, "--fail-on", "critical").expect(1)


def test_what_nobody_here_knows_is_unsupported(judging, tmp_path):
    document = _libraries("pkg:pypi/urllib3@1.24", "pkg:github/actions/checkout@4")
    outcome = judging.scan(_written(tmp_path / "sbom.json", document)).expect(NOT_ANALYSED)
    report = ScanReport(outcome.json())
    assert report.state == "unsupported" and "github" in report.reason
    assert report.findings("CVE-2026-1"), "what can be judged is judged all the same"


def test_an_empty_document_is_not_clean(judging, tmp_path):
    outcome = judging.scan(_written(tmp_path / "sbom.json", _libraries())).expect(NOT_ANALYSED)
    assert ScanReport(outcome.json()).state == "unsupported"


@pytest.mark.parametrize("text", ["", "{", "{}", "<bom/>", '{"bomFormat":"CycloneDX"'])
def test_what_cannot_be_read_is_failed(judging, tmp_path, text):
    path = tmp_path / "sbom.json"
    path.write_text(text)
    outcome = judging.scan(f"sbom:{path}").expect(NOT_ANALYSED)
    assert ScanReport(outcome.json()).state == "failed"
    assert str(path) in outcome.stderr


def test_a_file_that_is_not_there_is_named(judging, tmp_path):
    outcome = judging.scan(f"sbom:{tmp_path}/missing.json").expect(NOT_ANALYSED)
    assert "missing.json" in outcome.stderr


def test_json_without_the_prefix_is_told_of_it(judging, tmp_path):
    path = tmp_path / "sbom.json"
    path.write_text(json.dumps(_libraries()))
    assert "sbom:FILE" in judging.scan(path).expect(NOT_ANALYSED).stderr


@pytest.mark.parametrize("option", [("--queue",), ("--platform", "linux/arm64"), ("--cross-mounts",)])
def test_options_of_images_are_refused(judging, tmp_path, option):
    document = _written(tmp_path / "sbom.json", _libraries("pkg:pypi/urllib3@1.24"))
    assert option[0] in judging.run("scan", document, *option).expect(USAGE).stderr


def test_the_table_says_what_it_rests_on(judging, tmp_path):
    document = _libraries("pkg:pypi/urllib3@1.24")
    document["metadata"] = {"tools": [{"name": "hand", "version": "1"}]}
    shown = judging.run("scan", _written(tmp_path / "sbom.json", document)).expect(0).stdout
    assert "CycloneDX 1.6 by hand 1" in shown
    assert "CVE-2026-1" in shown


def test_a_program_without_an_installation_judges_by_the_shipped_advisories(tmp_path):
    document = _written(tmp_path / "sbom.json", _libraries("pkg:pypi/jinja2@2.10"))
    outcome = program.run("scan", document, "--format", "json", env={"HOME": str(tmp_path)})
    names = {n for f in outcome.json()["packages"][0]["findings"] for n in (f["id"], *f["aliases"])}
    assert "CVE-2019-10906" in names
