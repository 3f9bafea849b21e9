"""Java archives: real jars, alone and in applications that Python packs."""

import hashlib
import io
import zipfile

import pytest

from images import real_packages
from images.oci_builder import LayerTar, write_layout
from images.scan_report import ScanReport


def packed(entries: dict, compression=zipfile.ZIP_STORED, is_streamed=False) -> bytes:
    """A zip archive; a streamed one has the sizes behind each content, as the JDK writes it."""
    buffer = io.BytesIO()
    target = Unseekable(buffer) if is_streamed else buffer
    with zipfile.ZipFile(target, "w", compression) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return buffer.getvalue()


class Unseekable(io.RawIOBase):
    """A stream that zipfile cannot go back in to fill in the sizes."""

    def __init__(self, target):
        self._target = target

    def writable(self):
        return True

    def write(self, data):
        return self._target.write(data)


@pytest.fixture(scope="module")
def libraries():
    """Jars by their name."""
    return {jar.name: jar.read_bytes() for jar in real_packages.java_archives()}


@pytest.fixture(scope="module")
def coordinates(libraries):
    """What is in each of them."""
    found = {
        name: real_packages.maven_coordinates(io.BytesIO(jar)) for name, jar in libraries.items()
    }
    assert any("log4j-core" in artifact for jar in found.values() for artifact, _ in jar)
    return found


def scan(builder, installation, directory, layer):
    image = builder.image([builder.layer(layer)])
    reference = write_layout(directory / "layout", {"jars:1": image})
    # An image without a distribution that has advisories is not judged; its packages are listed.
    return ScanReport(installation.scan(reference).json())


def test_jars_are_the_packages_whose_coordinates_they_hold(
    builder, installation, tmp_path, libraries, coordinates
):
    layer = LayerTar()
    for name, jar in libraries.items():
        layer.file(f"opt/lib/{name}", jar)
    report = scan(builder, installation, tmp_path, layer)
    for name, expected in coordinates.items():
        found = {
            (package["name"], package["version"])
            for package in report.packages("maven")
            if package["path"] == f"opt/lib/{name}"
        }
        assert expected <= found, name


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("is_streamed", [False, True])
def test_libraries_are_found_in_applications(
    builder, installation, tmp_path, libraries, coordinates, compression, is_streamed
):
    entries = {f"WEB-INF/lib/{name}": jar for name, jar in libraries.items()}
    war = packed(entries, compression, is_streamed)
    ear = packed({"shop.war": war}, compression, is_streamed)
    report = scan(builder, installation, tmp_path, LayerTar().file("srv/shop.ear", ear))
    for name, expected in coordinates.items():
        path = f"srv/shop.ear!/shop.war!/WEB-INF/lib/{name}"
        found = {
            (package["name"], package["version"])
            for package in report.packages("maven")
            if package["path"] == path
        }
        assert expected <= found, name


def test_a_bare_jar_is_what_the_index_says(builder, installation, tmp_path, libraries):
    with zipfile.ZipFile(io.BytesIO(libraries[min(libraries, key=lambda it: len(libraries[it]))])) as jar:
        names = [name for name in jar.namelist() if name.endswith(".class")]
        bare = packed({name: jar.read(name) for name in names})
    layer = LayerTar().file("opt/app/renamed.jar", bare)
    assert scan(builder, installation, tmp_path / "before", layer).versions("maven") == set()
    index = tmp_path / "archives.tsv"
    index.write_text(f"{hashlib.sha1(bare).hexdigest()}\torg.example:library:2.5\n# no line\n")
    told = installation.run("db", "import-archives", index).expect(0).stdout
    assert "1 archives are new or another, 1 lines refused; 1 are known." in told
    # The layer is known: only the image is put together again.
    report = scan(builder, installation, tmp_path / "after", layer)
    assert report.versions("maven") == {("org.example:library", "2.5")}


def test_a_cut_archive_is_listed_with_its_path(builder, installation, tmp_path, libraries):
    name, jar = next(iter(libraries.items()))
    war = packed({f"WEB-INF/lib/{name}": jar[: len(jar) // 2]})
    report = scan(builder, installation, tmp_path, LayerTar().file("srv/shop.war", war))
    told = [item for item in report.value["diagnostics"] if item["path"] == "srv/shop.war"]
    assert any(f"WEB-INF/lib/{name}" in item["reason"] for item in told)
