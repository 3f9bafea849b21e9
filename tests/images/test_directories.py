"""A root filesystem: the packages of the image that it was unpacked from, and no step outside."""

import os
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from images import real_packages
from images.scan_report import ScanReport
from support.fleet import python_distribution

# Root may read everything unless it gives these up.
_OVERRIDES = "-dac_override,-dac_read_search"
WITHOUT_OVERRIDE = (
    ["setpriv", f"--bounding-set={_OVERRIDES}", f"--inh-caps={_OVERRIDES}"]
    if os.geteuid() == 0
    else []
)


@pytest.fixture(scope="module")
def root(rich, tmp_path_factory) -> Path:
    """The rich image as its container would see it."""
    path = tmp_path_factory.mktemp("directory") / "root"
    path.mkdir()
    subprocess.run(["tar", "-xf", real_packages.debian_rootfs(), "-C", path], check=True)
    for source, inside in (
        (rich.final_python, real_packages.SITE_PACKAGES),
        (rich.final_node, real_packages.NODE_PREFIX),
    ):
        shutil.copytree(source, path / inside, symlinks=True, dirs_exist_ok=True)
    greeter = path / real_packages.GO_BINARY
    greeter.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(real_packages.go_binary(), greeter)
    return path


@pytest.fixture
def small(tmp_path) -> Path:
    """A root with one Python package, and something beside it."""
    path = tmp_path / "small"
    path.mkdir()
    tar = tmp_path / "small.tar"
    tar.write_bytes(python_distribution("iniconfig", "2.0.0").bytes())
    subprocess.run(["tar", "-xf", tar, "-C", path], check=True)
    return path


def _diagnostics(outcome) -> dict:
    return {d["path"]: (d["kind"], d["reason"]) for d in outcome.json()["diagnostics"]}


def test_a_directory_shows_the_packages_of_the_image_it_came_from(covered, root, rich, scanned):
    report = ScanReport(covered.scan(f"dir:{root}", timeout=300).expect(0).json())
    for ecosystem in ("deb", "pypi", "npm", "golang"):
        assert report.versions(ecosystem) == scanned.report.versions(ecosystem), ecosystem
    assert report.value["distribution"] == scanned.report.value["distribution"]
    assert sorted(report.debian_packages()) == sorted(rich.debian_packages())


def test_a_directory_is_described_by_what_was_read(covered, root):
    image = covered.scan(f"dir:{root}", timeout=300).expect(0).json()["image"]
    assert image["name"] == f"dir:{root}"
    assert image["platform"] == "linux/amd64"
    assert (image["manifest_digest"], image["config_digest"], image["created"]) == (None,) * 3
    (layer,) = image["layers"]
    assert layer["digest"].startswith("sha256:")
    again = covered.scan(f"dir:{root}/", timeout=300).expect(0).json()["image"]
    assert again["layers"] == [layer]


def test_only_what_is_wanted_is_read(covered, small):
    with (small / "huge").open("wb") as huge:
        huge.truncate(1 << 40)
    image = covered.scan(f"dir:{small}").expect(0).json()["image"]
    assert image["size_bytes"] < 100_000


def test_links_and_special_files_lead_nowhere(covered, small, tmp_path):
    outside = tmp_path / "outside"
    tar = tmp_path / "outside.tar"
    tar.write_bytes(python_distribution("pluggy", "1.5.0").bytes())
    outside.mkdir()
    subprocess.run(["tar", "-xf", tar, "-C", outside], check=True)
    (small / "way-out").symlink_to(outside)
    (small / "loop").symlink_to(".")
    os.mkfifo(small / "pipe", 0o755)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(small / "socket"))
        report = ScanReport(covered.scan(f"dir:{small}").expect(0).json())
    assert report.versions("pypi") == {("iniconfig", "2.0.0")}


def test_a_directory_that_cannot_be_read_is_never_clean(covered, small):
    locked = small / "locked"
    locked.mkdir()
    locked.chmod(0o000)
    outcome = covered.run("scan", f"dir:{small}", "--format", "json", prefix=WITHOUT_OVERRIDE)
    outcome.expect(3)
    report = ScanReport(outcome.json())
    assert report.state == "failed"
    assert "locked" in report.reason
    assert report.versions("pypi") == {("iniconfig", "2.0.0")}
    kind, reason = _diagnostics(outcome)["locked"]
    assert kind == "failed" and "ermission" in reason


def test_a_package_database_behind_a_link_is_not_followed_and_not_clean(covered, small, tmp_path):
    status = tmp_path / "status"
    status.write_text("Package: a\nStatus: install ok installed\nVersion: 1\n\n")
    (small / "var/lib/dpkg").mkdir(parents=True)
    (small / "var/lib/dpkg/status").symlink_to(status)
    outcome = covered.scan(f"dir:{small}").expect(3)
    assert _diagnostics(outcome)["var/lib/dpkg/status"][0] == "failed"


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
def test_another_file_system_is_left_out_by_name_and_read_when_asked(covered, small, tmp_path):
    mounted = small / "mounted"
    mounted.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "tallyman-test", mounted], check=True)
    try:
        tar = tmp_path / "mounted.tar"
        tar.write_bytes(python_distribution("pluggy", "1.5.0").bytes())
        subprocess.run(["tar", "-xf", tar, "-C", mounted], check=True)
        stayed = covered.scan(f"dir:{small}").expect(0)
        crossed = covered.scan(f"dir:{small}", "--cross-mounts").expect(0)
    finally:
        subprocess.run(["umount", mounted], check=True)
    assert ScanReport(stayed.json()).versions("pypi") == {("iniconfig", "2.0.0")}
    kind, reason = _diagnostics(stayed)["mounted"]
    assert kind == "skipped" and "another file system" in reason
    found = ScanReport(crossed.json()).versions("pypi")
    assert found == {("iniconfig", "2.0.0"), ("pluggy", "1.5.0")}
    assert _diagnostics(crossed) == {}


def test_an_empty_directory_is_not_clean(covered, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    report = ScanReport(covered.scan(f"dir:{empty}").expect(3).json())
    assert report.state == "unsupported"


def test_a_platform_that_the_programs_are_not_for_is_refused(covered, root):
    outcome = covered.scan(f"dir:{root}", "--platform", "linux/arm64", timeout=300).expect(3)
    assert "linux/arm64" in outcome.stderr and "linux/amd64" in outcome.stderr


@pytest.mark.parametrize(
    "arguments, code, word",
    [
        (("dir:/does/not/exist",), 3, "/does/not/exist"),
        (("dir:/etc/passwd",), 3, "no directory"),
        (("dir:/proc",), 3, "procfs"),
        (("dir:/tmp", "--queue"), 2, "--queue"),
        (("registry.invalid/a:1", "--cross-mounts"), 2, "--cross-mounts"),
    ],
)
def test_what_cannot_be_scanned_is_said_to_be(covered, arguments, code, word):
    assert word in covered.run("scan", *arguments).expect(code).stderr


def test_a_directory_leaves_nothing_in_the_store(covered, small):
    database = covered.data / "tallyman.db"
    before = database.read_bytes() if database.exists() else None
    covered.scan(f"dir:{small}").expect(0)
    assert (database.read_bytes() if database.exists() else None) == before
