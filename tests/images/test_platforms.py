"""An index of several platforms."""

import pytest

from images.oci_builder import write_layout
from images.registry import Pusher
from images.scan_report import ScanReport
from support.fleet import python_distribution

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
