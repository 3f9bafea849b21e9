"""RPM databases in each format are read as rpm itself reads them."""

import pytest

from images import real_rpm
from images.oci_builder import LayerTar, write_layout
from images.scan_report import ScanReport

PLACES = {
    "sqlite": "usr/lib/sysimage/rpm/rpmdb.sqlite",
    "ndb": "usr/lib/sysimage/rpm/Packages.db",
    "bdb": "var/lib/rpm/Packages",
}
OS_RELEASE = 'ID="almalinux"\nVERSION_ID="8.10"\nPRETTY_NAME="AlmaLinux 8.10"\n'


@pytest.fixture
def scan(builder, tmp_path, installation):
    """Scans an image of one layer and returns its report."""

    def run(exit_code: int, files: dict) -> ScanReport:
        tar = LayerTar().file("etc/os-release", OS_RELEASE)
        for path, content in files.items():
            tar.file(path, content)
        layout = write_layout(tmp_path / "layout", {"rpm:1": builder.image([builder.layer(tar)])})
        outcome = installation.scan(layout)
        return ScanReport(outcome.expect(exit_code).json())

    return run


@pytest.mark.parametrize("kind", real_rpm.FORMATS)
def test_packages_are_those_of_rpm(kind, scan):
    report = scan(3, {PLACES[kind]: real_rpm.file_of(kind).read_bytes()})
    assert report.state == "unsupported", report.reason
    found = set()
    for package in report.packages("rpm"):
        source = package["source"]
        version = source["version"].split(":")[-1]
        is_modular = "rpmmod=nodejs:16" in package["purl"]
        found.add(
            (
                package["name"],
                package["version"],
                package["architecture"],
                f"{source['name']}-{version}.src.rpm",
                "nodejs:16:8070020221212:bd1311ed" if is_modular else "(none)",
            )
        )
    assert found == real_rpm.packages_of(kind)


@pytest.mark.parametrize("kind", real_rpm.FORMATS)
def test_a_database_that_is_cut_short_fails_the_image(kind, scan):
    content = real_rpm.file_of(kind).read_bytes()
    report = scan(3, {PLACES[kind]: content[: len(content) // 2]})
    assert report.state == "failed"
    assert PLACES[kind] in report.reason
