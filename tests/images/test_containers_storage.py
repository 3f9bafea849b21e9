"""Images in the store of podman and buildah, read without either of them."""

import subprocess

import pytest

from images.container_store import ContainerStore
from images.oci_builder import write_layout
from images.scan_report import ScanReport
from support.fleet import python_distribution

PULLED, BUILT = "registry.example.com/shop/pulled:1", "localhost/built:1"
_METADATA = "opt/app/lib/python3.11/site-packages/pluggy-1.5.0.dist-info/METADATA"


@pytest.fixture(scope="module", params=["overlay", "vfs"])
def store(request, builder, tmp_path_factory):
    """A store with an image that was pulled, and one that was built on it."""
    directory = tmp_path_factory.mktemp(request.param)
    base = (
        python_distribution("iniconfig", "2.0.0")
        .file("etc/removed", "x")
        .file("etc/hidden/x", "x")
        .file("etc/large", b"\0" * 3_000_000 + b"end")
        .hardlink("etc/linked", "etc/removed")
        .symlink("etc/link", "/opt")
    )
    upper = python_distribution("pluggy", "1.5.0").remove("etc/removed").hide_below("etc/hidden")
    image = builder.image([builder.layer(base, "gzip"), builder.layer(upper, "zstd")])
    layout = write_layout(directory / "layout", {"x:1": image})
    store = ContainerStore(directory, request.param)
    try:
        store.pull(layout, PULLED)
        added = directory / "added"
        added.mkdir()
        (added / "package.json").write_text('{"name": "left-pad", "version": "1.3.0"}')
        container = store.buildah("from", PULLED)
        store.buildah("copy", container, added, "/usr/lib/node_modules/left-pad")
        store.buildah("commit", container, BUILT)
        yield store
    finally:
        store.close()


@pytest.mark.parametrize("name", [PULLED, BUILT])
def test_an_image_is_what_podman_says_it_is(covered, store, name):
    report = covered.scan(store.location(name)).expect(0).json()
    said = store.inspect(name)
    image = report["image"]
    assert image["name"] == name
    assert image["config_digest"] == f"sha256:{said['Id']}"
    assert image["manifest_digest"] == said["Digest"]
    assert image["platform"] == f"{said['Os']}/{said['Architecture']}"
    assert [layer["digest"] for layer in image["layers"]] == said["RootFS"]["Layers"]


def test_an_image_holds_what_its_export_holds(covered, store, tmp_path):
    archive = tmp_path / "saved.tar"
    store.podman("save", "--quiet", "--format", "docker-archive", "-o", archive, BUILT)
    stored = ScanReport(covered.scan(store.location(BUILT)).expect(0).json())
    saved = ScanReport(covered.scan(archive).expect(0).json())
    assert stored.value["packages"] == saved.value["packages"]
    found = stored.versions("pypi") | stored.versions("npm")
    assert found == {("iniconfig", "2.0.0"), ("pluggy", "1.5.0"), ("left-pad", "1.3.0")}


def test_the_store_of_the_configuration_is_the_usual_one(covered, store):
    for reference in ("built:1", BUILT, store.inspect(BUILT)["Id"][:12]):
        outcome = covered.run(
            "scan", f"containers-storage:{reference}", "--format", "json", env=store.config
        )
        assert outcome.expect(0).json()["image"]["name"] == BUILT


def test_all_images_of_a_store_are_scanned(covered, store):
    reports = covered.scan(store.location(), "--all-images").expect(0).json()
    assert {PULLED, BUILT} <= {report["image"]["name"] for report in reports}
    names = covered.scan(store.location()).expect(3).stderr
    assert PULLED in names and BUILT in names


def test_an_image_that_is_not_there_is_named_with_those_that_are(covered, store):
    outcome = covered.scan(store.location("registry.example.com/shop/none:1")).expect(3)
    assert "shop/none:1" in outcome.stderr and PULLED in outcome.stderr


@pytest.mark.parametrize("damage", ["changed", "removed", "a link out of the store"])
def test_a_layer_whose_files_were_changed_is_never_clean(
    installation, store, tmp_path, damage
):
    copy = tmp_path / "copy"
    subprocess.run(["cp", "-a", store.root, copy], check=True)
    for unpacked in store.unpacked(_METADATA):
        path = copy / unpacked.relative_to(store.root)
        text = path.read_text()
        path.unlink()
        if damage == "changed":
            path.write_text(text.replace("pluggy", "plaggy"))
        elif damage == "a link out of the store":
            (tmp_path / "outside").write_text(text)
            path.symlink_to(tmp_path / "outside")
    outcome = installation.scan(f"containers-storage:[{store.driver}@{copy}]{PULLED}").expect(3)
    assert "pluggy" not in outcome.stdout
    if damage == "changed":
        report = ScanReport(outcome.json())
        assert report.state == "failed"
        assert store.inspect(PULLED)["RootFS"]["Layers"][1] in report.reason
    else:
        assert _METADATA in outcome.stderr


def test_a_place_without_a_store_is_named(covered, tmp_path):
    outcome = covered.scan(f"containers-storage:[{tmp_path}]x:1").expect(3)
    assert str(tmp_path) in outcome.stderr
    outcome = covered.scan(f"containers-storage:[btrfs@{tmp_path}]x:1").expect(3)
    assert "overlay and vfs" in outcome.stderr
