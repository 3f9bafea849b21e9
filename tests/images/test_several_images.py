"""Archives and layouts with several images: one is chosen, or all are scanned."""

import json
import subprocess
import tarfile

import pytest

from images.oci_builder import write_docker_archive, write_layout, write_layout_tar
from images.scan_report import ScanReport
from support.fleet import python_distribution

NAMES = {"registry.example.com/shop/one:1": "1.0.0", "registry.example.com/shop/two:2": "2.0.0"}
KINDS = {
    "layout": lambda path, images: write_layout(path / "layout", images),
    "layout tar": lambda path, images: write_layout_tar(path / "oci.tar", images, path / "scratch"),
    "docker archive": lambda path, images: write_docker_archive(path / "docker.tar", images),
}


@pytest.fixture(scope="module")
def images(builder):
    base = builder.layer(python_distribution("pluggy", "1.5.0"))
    return {
        name: builder.image([base, builder.layer(python_distribution("iniconfig", version))])
        for name, version in NAMES.items()
    }


@pytest.fixture(scope="module", params=KINDS)
def location(request, images, tmp_path_factory):
    return KINDS[request.param](tmp_path_factory.mktemp("several"), images)


def _version(report: dict) -> str:
    return dict(ScanReport(report).versions("pypi"))["iniconfig"]


def test_without_a_reference_the_names_are_shown(covered, location):
    outcome = covered.scan(location).expect(3)
    assert all(name in outcome.stderr for name in NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_reference_chooses(covered, location, name):
    report = covered.scan(f"{location}:{name}").expect(0).json()
    assert (report["image"]["name"], _version(report)) == (name, NAMES[name])


def test_a_reference_that_is_not_there_is_named_with_those_that_are(covered, location):
    outcome = covered.scan(f"{location}:registry.example.com/shop/three:3").expect(3)
    assert all(name in outcome.stderr for name in (*NAMES, "three:3"))


def test_all_images_have_a_report_each(covered, location):
    reports = covered.scan(location, "--all-images").expect(0).json()
    found = {report["image"]["name"]: _version(report) for report in reports}
    assert found == NAMES


def test_all_images_need_a_place_that_holds_several(covered, location):
    for image in (f"{location}:{next(iter(NAMES))}", "registry.invalid/a:1", "dir:/tmp"):
        assert "--all-images" in covered.run("scan", image, "--all-images").expect(2).stderr


def test_an_image_without_a_tag_is_chosen_by_its_place(covered, location, images, tmp_path):
    archive = write_docker_archive(tmp_path / "a.tar", images)
    with tarfile.open(archive) as tar:
        manifest = json.load(tar.extractfile("manifest.json"))
        tar.extractall(tmp_path / "unpacked", filter="data")
    manifest[1]["RepoTags"] = None
    (tmp_path / "unpacked/manifest.json").write_text(json.dumps(manifest))
    untagged = tmp_path / "untagged.tar"
    subprocess.run(["tar", "-cf", untagged, "-C", tmp_path / "unpacked", "."], check=True)
    assert "@1" in covered.scan(untagged).expect(3).stderr
    assert _version(covered.scan(f"{untagged}:@1").expect(0).json()) == "2.0.0"
    reports = covered.scan(untagged, "--all-images").expect(0).json()
    assert [_version(report) for report in reports] == ["1.0.0", "2.0.0"]


def test_all_images_can_be_queued(covered, location):
    note = covered.run("scan", location, "--all-images", "--queue").expect(0).stderr
    assert "2 images" in note
