"""Fixtures that all suites share."""

import pytest

from images.oci_builder import ImageBuilder
from support import advisories, fleet
from support.installation import Installation
from support.server import Server


@pytest.fixture(scope="session")
def running_fleet(tmp_path_factory):
    """A server with two hosts that have real images; see support/fleet.py."""
    started = fleet.start_fleet(tmp_path_factory.mktemp("fleet"))
    yield started
    started.server.stop()


@pytest.fixture(scope="session")
def builder(tmp_path_factory):
    """Builds images; equal layers are packed once in a run."""
    return ImageBuilder(tmp_path_factory.mktemp("blobs"))


@pytest.fixture
def installation(tmp_path):
    """An empty data directory."""
    return Installation(tmp_path / "data")


@pytest.fixture
def start_server(tmp_path):
    """Starts servers; those that still run at the end of the test are killed."""
    started = []

    def start(installation: Installation, env: dict | None = None) -> Server:
        started.append(Server(installation.data, tmp_path / "server.log", env))
        return started[-1]

    yield start
    for server in started:
        server.kill()


@pytest.fixture(scope="session")
def covered(tmp_path_factory):
    """A data directory in which every ecosystem of the test images has a feed."""
    directory = tmp_path_factory.mktemp("covered")
    made = Installation(directory / "data")
    made.import_advisories(advisories.write(directory / "advisories", advisories.coverage()))
    return made
