"""The rich image in every kind of packing, and its reports."""

from dataclasses import dataclass

import pytest

from images import rich_image
from images.oci_builder import write_docker_archive, write_layout, write_layout_tar
from images.registry import Pusher, Registry
from images.scan_report import ScanReport
from support import advisories
from support.installation import Installation

NAME = "registry.example.com/shop/everything:7"
KINDS = ("layout", "layout tar", "docker archive", "registry")


@dataclass(frozen=True)
class Scanned:
    """How one kind of image was read."""

    kind: str
    report: ScanReport


@pytest.fixture(scope="session")
def rich(builder, tmp_path_factory):
    return rich_image.build(builder, tmp_path_factory.mktemp("rich"))


@pytest.fixture(scope="session")
def anonymous_registry(tmp_path_factory):
    registry = Registry(tmp_path_factory.mktemp("registry"))
    yield registry
    registry.stop()


@pytest.fixture(scope="session", params=KINDS)
def scanned(request, rich, anonymous_registry, tmp_path_factory) -> Scanned:
    """The report on the rich image, read from each kind by an installation that knows nothing."""
    directory = tmp_path_factory.mktemp("scanned")
    if request.param == "layout":
        image = write_layout(directory / "layout", {NAME: rich.image})
    elif request.param == "layout tar":
        image = write_layout_tar(directory / "oci.tar", {NAME: rich.image}, directory / "scratch")
    elif request.param == "docker archive":
        image = write_docker_archive(directory / "docker.tar", {NAME: rich.image})
    else:
        image = Pusher(anonymous_registry.host).push("shop/everything", "7", rich.image)
    installation = Installation(directory / "data")
    installation.import_advisories(
        advisories.write(directory / "advisories", advisories.coverage())
    )
    outcome = installation.scan(image, timeout=300).expect(0)
    return Scanned(request.param, ScanReport(outcome.json()))
