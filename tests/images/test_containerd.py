"""Images in containerd's store, read from its files while it runs and after it has ended."""

import os
import shutil
import subprocess
import threading

import pytest

from images.containerd_daemon import Containerd
from images.oci_builder import write_layout_tar
from images.scan_report import ScanReport
from support.fleet import python_distribution

ONE, BOTH = "registry.example.com/shop/one:1", "registry.example.com/shop/both:2"

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="containerd needs root")


@pytest.fixture(scope="module")
def images(builder):
    """An image for one platform, and an index of two."""

    def image(version: str, architecture: str):
        layers = [python_distribution("pluggy", "1.5.0"), python_distribution("iniconfig", version)]
        packed = [builder.layer(layers[0]), builder.layer(layers[1], "zstd")]
        return builder.image(packed, architecture=architecture)

    both = builder.index([image("2.0.0", "amd64"), image("2.1.0", "arm64")])
    return {ONE: image("1.0.0", "amd64"), BOTH: both}


@pytest.fixture(scope="module")
def daemon(images, tmp_path_factory):
    directory = tmp_path_factory.mktemp("containerd")
    archive = write_layout_tar(directory / "images.tar", images, directory / "scratch")
    started = Containerd(directory / "c")
    try:
        started.run("images", "import", "--no-unpack", archive)
        started.run("images", "import", "--no-unpack", "--all-platforms", archive,
                    namespace="k8s.io")
        # What the CRI plugin calls an image besides its tag.
        one = images[ONE]
        started.run("images", "tag", ONE, one.config.digest, namespace="k8s.io")
        yield started
    finally:
        started.stop()


def _version(report: dict) -> str:
    return dict(ScanReport(report).versions("pypi"))["iniconfig"]


@pytest.mark.parametrize("reference", [ONE, f"default/{ONE}", f"k8s.io/{ONE}"])
def test_an_image_is_read_while_containerd_runs(covered, daemon, images, reference):
    report = covered.scan(daemon.location(reference)).expect(0).json()
    image = report["image"]
    assert image["name"] == ONE
    assert image["manifest_digest"] == images[ONE].manifest.digest
    assert image["config_digest"] == images[ONE].config.digest
    assert [layer["digest"] for layer in image["layers"]] == [
        layer.digest for layer in images[ONE].layers
    ]
    assert _version(report) == "1.0.0"


def test_an_image_is_found_by_the_id_that_kubernetes_shows(covered, daemon, images):
    report = covered.scan(daemon.location(images[ONE].config.digest)).expect(0).json()
    assert _version(report) == "1.0.0"


def test_all_images_of_all_namespaces_are_scanned_once(covered, daemon):
    outcome = covered.scan(daemon.location())
    assert f"default/{ONE}" in outcome.expect(3).stderr
    assert f"default/{BOTH}" in outcome.stderr
    reports = covered.scan(daemon.location(), "--all-images").expect(0).json()
    assert {report["image"]["name"]: _version(report) for report in reports} == {
        ONE: "1.0.0",
        BOTH: "2.0.0",
    }


def test_the_platforms_that_are_held_are_scanned(covered, daemon, images, tmp_path):
    location = daemon.location(f"k8s.io/{BOTH}")
    reports = covered.scan(location, "--platform", "all").expect(0).json()
    assert [(r["image"]["platform"], _version(r)) for r in reports] == [
        ("linux/amd64", "2.0.0"),
        ("linux/arm64", "2.1.0"),
    ]
    copy = tmp_path / "copy"
    subprocess.run(["cp", "-a", daemon.root, copy], check=True)
    missing = daemon.blob(images[BOTH].images[1].manifest.digest).relative_to(daemon.root)
    (copy / missing).unlink()
    partial = f"containerd:[{copy}]k8s.io/{BOTH}"
    (report,) = covered.scan(partial, "--platform", "all").expect(0).json()
    assert report["image"]["platform"] == "linux/amd64"
    outcome = covered.scan(partial, "--platform", "linux/arm64").expect(3)
    assert "another platform" in outcome.stderr


def test_a_layer_that_was_discarded_is_never_clean(installation, daemon, images, tmp_path):
    copy = tmp_path / "copy"
    subprocess.run(["cp", "-a", daemon.root, copy], check=True)
    layer = images[ONE].layers[0].digest
    (copy / daemon.blob(layer).relative_to(daemon.root)).unlink()
    report = ScanReport(installation.scan(f"containerd:[{copy}]{ONE}").expect(3).json())
    assert report.state == "failed"
    assert layer in report.reason and "discarded" in report.reason


def test_an_image_is_read_while_containerd_writes(covered, daemon):
    done = threading.Event()

    def write():
        number = 0
        while not done.is_set():
            number += 1
            daemon.run("images", "label", ONE, f"number={number}")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(10):
            assert _version(covered.scan(daemon.location(ONE)).expect(0).json()) == "1.0.0"
    finally:
        done.set()
        writer.join()


def test_an_image_is_read_after_containerd_has_ended(covered, daemon, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(daemon.root, copy, symlinks=True)
    report = covered.scan(f"containerd:[{copy}]{ONE}").expect(0).json()
    assert _version(report) == "1.0.0"


def test_a_place_without_a_store_is_named(covered, tmp_path):
    assert str(tmp_path) in covered.scan(f"containerd:[{tmp_path}]x:1").expect(3).stderr


def test_a_damaged_database_is_never_clean(covered, daemon, tmp_path):
    copy = tmp_path / "copy"
    subprocess.run(["cp", "-a", daemon.root, copy], check=True)
    database = copy / "io.containerd.metadata.v1.bolt/meta.db"
    whole = database.read_bytes()
    for broken in (b"", whole[:5000], bytes(len(whole)), b"no database" * 1000):
        database.write_bytes(broken)
        outcome = covered.scan(f"containerd:[{copy}]{ONE}").expect(3)
        assert "meta.db" in outcome.stderr
