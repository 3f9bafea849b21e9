"""An index of several platforms."""

import pytest

from images.oci_builder import blob_path, write_layout
from images.registry import Pusher
from images.scan_report import ScanReport
from support import advisories
from support.fleet import python_distribution
from support.installation import Installation

PLATFORMS = [("amd64", None), ("arm64", "v8"), ("arm", "v7"), ("s390x", None)]


@pytest.fixture(scope="module")
def index(builder):
    """An index whose images differ in the version of one package."""
    images = []
    for number, (architecture, variant) in enumerate(PLATFORMS):
        layer = builder.layer(python_distribution("iniconfig", f"{number}.0.0"))
        images.append(builder.image([layer], architecture=architecture, variant=variant))
    return builder.index(images)


@pytest.fixture(scope="module", params=["layout", "registry"])
def location(request, index, anonymous_registry, tmp_path_factory):
    if request.param == "registry":
        return Pusher(anonymous_registry.host).push("multi/app", "1", index)
    return write_layout(tmp_path_factory.mktemp("index") / "layout", {"multi:1": index})


def _version(outcome) -> str:
    ((_, version),) = ScanReport(outcome.expect(0).json()).versions("pypi")
    return version


@pytest.mark.parametrize(
    "platform, version",
    [
        ("linux/amd64", "0.0.0"),
        ("linux/arm64", "1.0.0"),
        ("linux/arm64/v8", "1.0.0"),
        ("linux/arm/v7", "2.0.0"),
        ("linux/s390x", "3.0.0"),
    ],
)
def test_the_platform_asked_for_is_scanned(covered, location, platform, version):
    outcome = covered.scan(location, "--platform", platform)
    assert _version(outcome) == version


def test_the_platform_of_this_machine_is_the_default(covered, location):
    assert _version(covered.scan(location)) == "0.0.0"


def test_a_platform_that_is_not_there_is_named_with_those_that_are(covered, location):
    outcome = covered.scan(location, "--platform", "linux/riscv64").expect(3)
    assert "linux/riscv64" in outcome.stderr
    assert "linux/amd64" in outcome.stderr


def test_all_platforms_have_a_report_each(covered, location):
    reports = covered.scan(location, "--platform", "all").expect(0).json()
    found = [
        (r["image"]["platform"], *(p["version"] for p in r["packages"])) for r in reports
    ]
    names = ("linux/amd64", "linux/arm64/v8", "linux/arm/v7", "linux/s390x")
    assert found == [(name, f"{number}.0.0") for number, name in enumerate(names)]
    assert {r["image"]["name"] for r in reports} == {reports[0]["image"]["name"]}


def test_one_platform_that_fails_is_reported_beside_the_others(covered, builder, tmp_path):
    images = [
        builder.image([builder.layer(python_distribution("pluggy", version))], architecture=name)
        for version, name in (("1.0.0", "amd64"), ("1.1.0", "arm64"), ("1.2.0", "s390x"))
    ]
    layout = write_layout(tmp_path / "layout", {"multi:2": builder.index(images)})
    blob_path(layout, images[0].layers[0].digest).unlink()
    blob_path(layout, images[1].manifest.digest).unlink()
    outcome = covered.scan(layout, "--platform", "all").expect(3)
    reports = outcome.json()
    states = [report["state"]["state"] for report in reports]
    assert states == ["failed", "failed", "analyzed"]
    lost = reports[1]["image"]
    assert lost["manifest_digest"] == images[1].manifest.digest
    assert (lost["platform"], lost["config_digest"]) == ("linux/arm64", None)
    assert images[1].manifest.digest.split(":")[1] in reports[1]["state"]["reason"]
    assert outcome.stderr.count("cannot be called clean") == 2


def test_the_worst_platform_decides_the_exit_code(tmp_path, builder):
    images = [
        builder.image([builder.layer(python_distribution("tallyman-probe", version))],
                      architecture=name)
        for version, name in (("2.0.0", "amd64"), ("1.0.0", "arm64"), ("2.0.0", "s390x"))
    ]
    layout = write_layout(tmp_path / "layout", {"multi:3": builder.index(images)})
    judging = Installation(tmp_path / "data")
    record = advisories.record("TALLY-1", "PyPI", "tallyman-probe", fixed="1.2.0")
    judging.import_advisories(advisories.write(tmp_path / "advisories", [record]))
    judging.scan(layout, "--platform", "all").expect(0)
    judging.scan(layout, "--platform", "linux/amd64", "--fail-on", "low").expect(0)
    judging.scan(layout, "--platform", "all", "--fail-on", "low").expect(1)
    shown = judging.do("scan", layout, "--platform", "all").stdout
    assert all(f"linux/{name}" in shown for name in ("amd64", "arm64", "s390x"))


def test_a_lone_manifest_has_one_platform(covered, builder, tmp_path):
    image = builder.image([builder.layer(python_distribution("pluggy", "1.5.0"))])
    layout = write_layout(tmp_path / "layout", {"one:1": image})
    (report,) = covered.scan(layout, "--platform", "all").expect(0).json()
    assert report["image"]["platform"] == "linux/amd64"


def test_a_bill_of_materials_of_several_images_is_refused(covered, location):
    outcome = covered.run("scan", location, "--platform", "all", "--format", "cyclonedx")
    assert "bill of materials" in outcome.expect(2).stderr
