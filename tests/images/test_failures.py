"""Failed is never clean: what cannot be read whole is not called analysed."""

import gzip
import json

import pytest

from images.oci_builder import LayerTar, blob_path, write_docker_archive, write_layout
from images.scan_report import ScanReport
from support.fleet import python_distribution


@pytest.fixture
def image(builder, tmp_path):
    """An image whose layers no other test has: what is known of a digest is not read again."""
    layers = [
        python_distribution("iniconfig", "2.0.0").file("etc/first", str(tmp_path)),
        python_distribution("pluggy", "1.5.0").file("etc/second", str(tmp_path)),
    ]
    return builder.image([builder.layer(layer) for layer in layers])


@pytest.fixture
def layout(image, tmp_path):
    return write_layout(tmp_path / "layout", {"broken:1": image})


def _assert_failed(outcome, *words):
    """Exit code 3, and a report that says what failed."""
    report = ScanReport(outcome.expect(3).json())
    assert report.state == "failed"
    assert all(word in report.reason for word in words), report.reason


def test_an_undamaged_image_is_analysed(covered, layout):
    assert ScanReport(covered.scan(layout).expect(0).json()).state == "analyzed"


def test_a_truncated_layer_fails(covered, layout, image):
    path = blob_path(layout, image.layers[1].digest)
    path.write_bytes(path.read_bytes()[:-20])
    _assert_failed(covered.scan(layout), image.layers[1].digest)


def test_a_layer_with_another_digest_fails(covered, layout, image):
    path = blob_path(layout, image.layers[0].digest)
    other = gzip.compress(python_distribution("iniconfig", "9.9.9").bytes(), mtime=0)
    path.write_bytes(other.ljust(image.layers[0].size, b"\0")[: image.layers[0].size])
    _assert_failed(covered.scan(layout), image.layers[0].digest)


def test_a_layer_that_is_missing_fails(covered, layout, image):
    blob_path(layout, image.layers[0].digest).unlink()
    _assert_failed(covered.scan(layout), image.layers[0].digest)


@pytest.mark.parametrize(
    "content",
    [
        gzip.compress(python_distribution("iniconfig", "2.0.0").bytes(), mtime=0)[:-12],
        gzip.compress(b"this is no tar" * 100, mtime=0),
        gzip.compress(python_distribution("iniconfig", "2.0.0").bytes()[:700], mtime=0),
    ],
    ids=["gzip that ends early", "no tar", "tar that ends early"],
)
def test_a_layer_that_is_damaged_under_its_own_digest_fails(covered, builder, tmp_path, content):
    good = builder.layer(python_distribution("pluggy", "1.5.0"))
    plain = tmp_path / "damaged"
    plain.write_bytes(content)
    stored = builder.layer(plain, "none")
    damaged = type(stored)(stored.path, stored.digest, stored.size, good.media_type, stored.diff_id)
    layout = write_layout(tmp_path / "damaged-layout", {"x:1": builder.image([good, damaged])})
    _assert_failed(covered.scan(layout))


def test_a_package_database_that_cannot_be_read_fails(covered, builder, tmp_path):
    layer = (
        LayerTar()
        .file("etc/os-release", "ID=debian\nVERSION_ID=12\n")
        .file("var/lib/dpkg/status", b"\x00\xff\xfe not a database\x00\x01" * 50)
    )
    image = builder.image([builder.layer(layer), builder.layer(python_distribution("pluggy", "1"))])
    layout = write_layout(tmp_path / "corrupt", {"x:1": image})
    _assert_failed(covered.scan(layout), "var/lib/dpkg/status")


DPKG = "Package: one\nStatus: install ok installed\nArchitecture: all\nVersion: 1.0\n\n"
APK = "P:one\nV:1.0-r0\nA:x86_64\n\n"


@pytest.mark.parametrize(
    "distribution, path, content",
    [
        ("ID=debian\nVERSION_ID=12\n", "var/lib/dpkg/status", DPKG + DPKG[:-25]),
        ("ID=debian\nVERSION_ID=12\n", "var/lib/dpkg/status.d/one", DPKG[:-25]),
        ("ID=alpine\nVERSION_ID=3.19.1\n", "lib/apk/db/installed", APK + APK[:6]),
        ("ID=alpine\nVERSION_ID=3.19.1\n", "lib/apk/db/installed", b"\x00\xff\xfe" * 90),
    ],
    ids=["dpkg", "dpkg without a status file", "apk", "apk of other bytes"],
)
def test_a_package_database_that_is_cut_off_or_overwritten_fails(
    covered, builder, tmp_path, distribution, path, content
):
    layers = [
        builder.layer(LayerTar().file("etc/os-release", distribution)),
        builder.layer(LayerTar().file(path, content)),
    ]
    layout = write_layout(tmp_path / "cut", {"x:1": builder.image(layers)})
    outcome = covered.scan(layout)
    _assert_failed(outcome, path)
    (diagnostic,) = outcome.json()["diagnostics"]
    assert (diagnostic["layer"], diagnostic["path"]) == (1, path)
    assert diagnostic["reason"]
    table = covered.run("scan", layout, "--fail-on", "low").expect(3).stdout
    assert f"FAILED layer 1 /{path}: " in table


def test_one_bad_file_is_a_diagnostic_and_no_failure(covered, builder, tmp_path):
    layer = python_distribution("pluggy", "1.5.0")
    layer.file("usr/lib/node_modules/bad/package.json", "{ this is not JSON")
    layout = write_layout(tmp_path / "bad", {"x:1": builder.image([builder.layer(layer)])})
    report = ScanReport(covered.scan(layout).expect(0).json())
    assert report.state == "analyzed"
    (diagnostic,) = report.value["diagnostics"]
    assert diagnostic["path"] == "usr/lib/node_modules/bad/package.json"


@pytest.mark.parametrize("part", ["manifest", "config"])
def test_a_manifest_or_configuration_with_another_digest_is_refused(covered, layout, image, part):
    digest = getattr(image, part).digest
    path = blob_path(layout, digest)
    value = json.loads(path.read_text())
    value["annotations" if part == "manifest" else "author"] = {} if part == "manifest" else "x"
    path.write_text(json.dumps(value))
    outcome = covered.scan(layout).expect(3)
    assert digest in outcome.stderr + outcome.stdout


def test_an_unknown_distribution_is_unsupported(covered, builder, tmp_path):
    layer = (
        LayerTar()
        .file("etc/os-release", 'ID=nobodyslinux\nVERSION_ID=1\nPRETTY_NAME="Nobody\'s Linux"\n')
        .file(
            "var/lib/dpkg/status",
            "Package: thing\nStatus: install ok installed\nArchitecture: all\nVersion: 1.0\n\n",
        )
    )
    layout = write_layout(tmp_path / "unknown", {"x:1": builder.image([builder.layer(layer)])})
    outcome = covered.scan(layout)
    report = ScanReport(outcome.json())
    assert report.state == "unsupported"
    assert "nobodyslinux" in report.reason
    assert outcome.exit_code == 3
    # What was looked for and not found does not make it clean.
    covered.scan(layout, "--fail-on", "low").expect(3)
    table = covered.run("scan", layout).expect(3)
    assert "nobodyslinux" in table.stdout + table.stderr


def test_an_image_without_any_package_is_unsupported(covered, builder, tmp_path):
    layer = LayerTar().file("hello", "world")
    layout = write_layout(tmp_path / "empty", {"x:1": builder.image([builder.layer(layer)])})
    report = ScanReport(covered.scan(layout).json())
    assert report.state == "unsupported"


def test_a_damaged_docker_archive_fails(covered, image, tmp_path):
    archive = write_docker_archive(tmp_path / "a.tar", {"localhost/a:1": image})
    archive.write_bytes(archive.read_bytes()[:1500])
    outcome = covered.scan(archive).expect(3)
    assert "a.tar" in outcome.stderr
