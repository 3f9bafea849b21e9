"""How layers add up to the final filesystem."""

import pytest

from images import real_packages
from images.oci_builder import LayerTar, write_layout
from images.scan_report import ScanReport
from support.fleet import debian_layer, python_distribution

SITE = real_packages.SITE_PACKAGES


@pytest.fixture
def scan(covered, builder, tmp_path):
    """Scans an image of the layers given."""

    def run(*layers, compression="gzip") -> ScanReport:
        blobs = [builder.layer(layer, compression) for layer in layers]
        layout = write_layout(tmp_path / "layout", {"made:1": builder.image(blobs)})
        return ScanReport(covered.scan(layout).expect(0).json())

    return run


@pytest.mark.parametrize("compression", ["none", "gzip", "zstd"])
def test_every_compression_is_read(scan, compression):
    report = scan(python_distribution("iniconfig", "2.0.0"), compression=compression)
    assert report.versions("pypi") == {("iniconfig", "2.0.0")}


def test_a_whiteout_hides_a_file_of_the_layers_below(scan):
    upper = LayerTar().remove(f"{SITE}/iniconfig-2.0.0.dist-info/METADATA")
    upper.file("etc/note", "something else")
    base = python_distribution("iniconfig", "2.0.0")
    report = scan(base, python_distribution("pluggy", "1.5.0"), upper)
    assert report.versions("pypi") == {("pluggy", "1.5.0")}


def test_a_whiteout_of_a_directory_hides_all_beneath_it(scan):
    upper = LayerTar().remove("opt/app")
    node = LayerTar().file("usr/lib/node_modules/a/package.json", '{"name":"a","version":"1.0.0"}')
    report = scan(python_distribution("iniconfig", "2.0.0"), node, upper)
    assert report.versions("pypi") == set()
    assert report.versions("npm") == {("a", "1.0.0")}


def test_an_opaque_directory_hides_what_is_below_and_keeps_its_own(scan):
    upper = python_distribution("pluggy", "1.5.0").hide_below(SITE)
    report = scan(python_distribution("iniconfig", "2.0.0"), upper)
    assert report.versions("pypi") == {("pluggy", "1.5.0")}


def test_a_package_that_comes_back_belongs_to_the_layer_that_brought_it_back(scan):
    report = scan(
        python_distribution("iniconfig", "2.0.0"),
        LayerTar().remove("opt"),
        python_distribution("iniconfig", "2.0.0"),
    )
    assert [p["layer"] for p in report.packages("pypi")] == [2]


def test_a_directory_replaced_by_a_file_hides_what_was_beneath(scan):
    node = LayerTar().file("usr/lib/node_modules/a/package.json", '{"name":"a","version":"1.0.0"}')
    upper = LayerTar().file("opt/app", "not a directory any more")
    report = scan(python_distribution("iniconfig", "2.0.0"), node, upper)
    assert report.versions("pypi") == set()


def test_a_purged_debian_package_is_gone_and_the_others_keep_their_layer(scan):
    metadata = real_packages.debian_metadata()
    status = real_packages.dpkg_status_without(metadata, "tzdata")
    report = scan(debian_layer(), LayerTar().file("var/lib/dpkg/status", status))
    expected = {row[0] for row in real_packages.dpkg_packages(metadata)} - {"tzdata"}
    assert {name for name, _ in report.versions("deb")} == expected
    # The upper layer rewrites the database; the packages were still brought by the base.
    assert {package["layer"] for package in report.packages("deb")} == {0}


def test_a_layer_that_appears_twice_counts_once(scan):
    layer = python_distribution("iniconfig", "2.0.0").bytes()
    report = scan(layer, layer)
    assert [p["name"] for p in report.packages("pypi")] == ["iniconfig"]


def test_the_status_directory_of_distroless_images_is_read(scan):
    metadata = real_packages.debian_metadata()
    stanzas = (metadata / "var/lib/dpkg/status").read_text().split("\n\n")
    layer = LayerTar().file("etc/os-release", (metadata / "usr/lib/os-release").read_bytes())
    wanted = {}
    for stanza in stanzas:
        name = stanza.partition("\n")[0].removeprefix("Package: ")
        if name in ("libc6", "tzdata", "base-files"):
            kept = [line for line in stanza.splitlines() if not line.startswith("Status:")]
            layer.file(f"var/lib/dpkg/status.d/{name}", "\n".join(kept) + "\n")
            wanted[name] = next(
                line.removeprefix("Version: ") for line in kept if line.startswith("Version: ")
            )
    assert scan(layer).versions("deb") == set(wanted.items())
    assert len(wanted) == 3


def test_an_egg_info_directory_is_a_python_package(scan):
    information = "Metadata-Version: 1.1\nName: Legacy.Thing\nVersion: 0.9\n"
    layer = LayerTar().file(f"{SITE}/Legacy.Thing-0.9.egg-info/PKG-INFO", information)
    assert scan(layer).versions("pypi") == {("Legacy.Thing", "0.9")}


def test_every_package_json_counts_but_a_private_one_outside_node_modules(scan):
    layer = (
        LayerTar()
        .file("usr/lib/node_modules/a/package.json", '{"name":"a","version":"1.0.0","private":true}')
        .file("srv/bundle/b/package.json", '{"name":"b","version":"6.6.6"}')
        .file("srv/site/package.json", '{"name":"site","version":"0.0.1","private":true}')
        .file("srv/broken/package.json", "{")
    )
    assert scan(layer).versions("npm") == {("a", "1.0.0"), ("b", "6.6.6")}
