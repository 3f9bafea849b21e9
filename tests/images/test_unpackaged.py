"""Programs that were copied into an image without their package."""

import pytest

from images import real_packages
from images.oci_builder import LayerTar, write_layout
from images.scan_report import ScanReport

PROGRAMS = {"/usr/bin/bash": "bash", "/usr/bin/gzip": "gzip", "/usr/bin/perl": "perl"}


@pytest.fixture(scope="module")
def programs():
    """The content and the version of each program."""
    return {path: real_packages.unpackaged_program(path) for path in PROGRAMS}


def scan(builder, installation, directory, layers):
    image = builder.image([builder.layer(layer) for layer in layers])
    reference = write_layout(directory / "layout", {"programs:1": image})
    return ScanReport(installation.scan(reference).json())


def test_programs_are_known_by_their_own_versions(builder, installation, tmp_path, programs):
    layer = LayerTar()
    for path, (content, _) in programs.items():
        layer.file(f"opt{path}", content, 0o755)
    report = scan(builder, installation, tmp_path, [layer])
    expected = {(PROGRAMS[path], version) for path, (_, version) in programs.items()}
    assert report.versions("generic") == expected


def test_a_program_that_replaces_another_takes_its_place(
    builder, installation, tmp_path, programs
):
    (bash, _), (gzip, _) = programs["/usr/bin/bash"], programs["/usr/bin/gzip"]
    lower = LayerTar().file("opt/bash", bash, 0o755).file("opt/gzip", gzip, 0o755)
    upper = LayerTar().file("opt/bash", "#!/bin/sh\n", 0o755).remove("opt/gzip")
    report = scan(builder, installation, tmp_path, [lower, upper])
    assert report.versions("generic") == set()
