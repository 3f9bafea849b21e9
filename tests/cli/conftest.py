"""Small images and a running installation for the command line."""

import pytest

from images.oci_builder import write_layout
from support import advisories
from support.fleet import python_distribution
from support.installation import Installation

PROBE_ADVISORY = "TALLY-2026-0001"


@pytest.fixture(scope="session")
def clean_layout(builder, tmp_path_factory):
    image = builder.image([builder.layer(python_distribution("iniconfig", "2.0.0"))])
    path = tmp_path_factory.mktemp("clean") / "layout"
    return write_layout(path, {"registry.example.com/tools/clean:1": image})


@pytest.fixture(scope="session")
def flagged_layout(builder, tmp_path_factory):
    """An image with one vulnerability, of high severity."""
    image = builder.image([builder.layer(python_distribution("tallyman-probe", "1.0.0"))])
    path = tmp_path_factory.mktemp("flagged") / "layout"
    return write_layout(path, {"registry.example.com/tools/flagged:1": image})


@pytest.fixture(scope="session")
def judging(tmp_path_factory) -> Installation:
    """An installation that knows one vulnerability, with a CVSS score of 7.5."""
    directory = tmp_path_factory.mktemp("judging")
    made = Installation(directory / "data")
    record = advisories.record(
        PROBE_ADVISORY,
        "PyPI",
        "tallyman-probe",
        fixed="1.2.0",
        vector="CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N",
    )
    made.import_advisories(
        advisories.write(directory / "advisories", [record, *advisories.coverage()])
    )
    return made
