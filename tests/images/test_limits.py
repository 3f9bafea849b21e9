"""Each limit: what is over it is named with the limit, and is never taken for clean."""

import gzip
import io
import tarfile
import zipfile

import pytest

from images.oci_builder import LayerTar, write_layout
from images.scan_report import ScanReport
from recovery.stored_images import image_states
from support import advisories, program
from support.installation import Installation
from support.polling import wait_until

STATUS = "".join(
    f"Package: {name}\nStatus: install ok installed\nArchitecture: all\nVersion: 1.0\n\n"
    for name in ("first", "second")
)
METADATA = "Metadata-Version: 2.1\nName: iniconfig\nVersion: 2.0.0\nSummary: " + "x" * 200 + "\n"
PYTHON = "usr/lib/python3/dist-packages/iniconfig-2.0.0.dist-info/METADATA"
PROGRAM = "usr/bin/program"
JAR = "srv/outer.jar"
DATABASE = "var/lib/dpkg/status"
LONG = "srv/" + "long/" * 20 + "package.json"


def _jar(entries: dict) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def _image(builder, marker: str):
    """Two layers with a file of each kind; those with a marker that is new are not known yet."""
    base = (
        LayerTar()
        .file("srv/marker", marker)
        .file("etc/os-release", "ID=debian\nVERSION_ID=12\n")
        .file(DATABASE, STATUS)
        .file(LONG, '{"name": "long", "version": "1.0.0"}')
    )
    nested = _jar({"inner.jar": _jar({"a.txt": "a", "b.txt": "b"})})
    upper = (
        LayerTar()
        .file("srv/marker", marker)
        .file(PYTHON, METADATA)
        .file(PROGRAM, b"\x7fELF\x02\x01\x01" + bytes(200), 0o755)
        .file(JAR, nested)
    )
    return builder.image([builder.layer(base), builder.layer(upper)])


@pytest.fixture(scope="module")
def layout(builder, tmp_path_factory):
    directory = tmp_path_factory.mktemp("limits")
    return write_layout(directory / "layout", {"limited:1": _image(builder, "")})


@pytest.fixture
def new_layout(builder, tmp_path):
    """The same with layers that no other test has."""
    return write_layout(tmp_path / "layout", {"limited:1": _image(builder, str(tmp_path))})


@pytest.fixture(scope="module")
def judging(tmp_path_factory):
    """An installation of which only this file's tests have scanned anything."""
    directory = tmp_path_factory.mktemp("judging")
    made = Installation(directory / "data")
    made.import_advisories(advisories.write(directory / "advisories", advisories.coverage()))
    return made


def _within(installation, layout, *settings, **options):
    words = [word for setting in settings for word in ("--limit", setting)]
    return installation.scan(layout, *words, **options)


def test_within_all_limits_the_image_is_analysed_without_a_diagnostic(judging, layout):
    report = ScanReport(judging.scan(layout).expect(0).json())
    assert report.state == "analyzed"
    assert report.value["diagnostics"] == []


@pytest.mark.parametrize("setting", ["manifest-bytes=10", "config-bytes=10", "layers=1"])
def test_over_a_limit_on_what_describes_an_image_there_is_no_report(judging, layout, setting):
    outcome = _within(judging, layout, setting).expect(3)
    name, value = setting.split("=")
    assert f"over the limit {name} of {value}" in outcome.stderr
    assert f"--limit {name}=" in outcome.stderr


@pytest.mark.parametrize(
    "setting",
    [
        "image-bytes=300",
        "image-uncompressed-bytes=4KiB",
        "image-entries=4",
        "image-packages=2",
        "image-time=0",
        "layer-bytes=200",
        "layer-uncompressed-bytes=4KiB",
        "layer-entries=2",
        "layer-packages=1",
        "database-bytes=40",
        "held-bytes=40",
    ],
)
def test_over_a_limit_on_an_image_or_a_layer_the_image_is_failed(judging, new_layout, setting):
    outcome = _within(judging, new_layout, setting).expect(3)
    report = ScanReport(outcome.json())
    name = setting.split("=")[0]
    assert report.state == "failed"
    assert f"over the limit {name} of" in report.reason
    assert f"--limit {name}=" in report.reason
    table = judging.run("scan", new_layout, "--limit", setting).expect(3)
    assert f"over the limit {name} of" in table.stdout + table.stderr
    assert "could not be analysed" in table.stdout


@pytest.mark.parametrize("setting", ["image-time=0", "image-entries=1", "image-packages=0"])
def test_a_directory_has_the_limits_of_an_image(judging, tmp_path, setting):
    metadata = tmp_path / "root" / PYTHON
    metadata.parent.mkdir(parents=True)
    metadata.write_text(METADATA)
    outcome = _within(judging, f"dir:{tmp_path / 'root'}", setting).expect(3)
    report = ScanReport(outcome.json())
    assert report.state == "failed"
    assert f"over the limit {setting.split('=')[0]} of" in report.reason


def test_a_layer_that_grows_too_much_is_failed(judging, builder, tmp_path):
    layer = builder.layer(LayerTar().file("zeros", bytes(65 << 20)))
    bomb = write_layout(tmp_path / "bomb", {"bomb:1": builder.image([layer])})
    report = ScanReport(_within(judging, bomb, "expansion-ratio=10").expect(3).json())
    assert report.state == "failed"
    assert layer.digest in report.reason
    assert "over the limit expansion-ratio of 10" in report.reason


@pytest.mark.parametrize(
    "setting, layer, path",
    [
        ("metadata-bytes=100", 1, PYTHON),
        ("executable-bytes=100", 1, PROGRAM),
        ("archive-bytes=100", 1, JAR),
        ("archive-depth=0", 1, JAR),
        ("archive-entries=2", 1, JAR),
        ("path-bytes=100", 0, LONG),
    ],
)
def test_a_file_over_a_limit_is_listed_with_layer_path_and_reason(
    judging, layout, setting, layer, path
):
    name = setting.split("=")[0]
    outcome = _within(judging, layout, setting)
    report = ScanReport(outcome.json())
    found = [
        item
        for item in report.value["diagnostics"]
        if (item["layer"], item["path"]) == (layer, path) and name in item["reason"]
    ]
    assert found, report.value["diagnostics"]
    table = judging.run("scan", layout, "--limit", setting).stdout
    assert any(f"layer {layer} /{path}: " in line and name in line for line in table.splitlines())


def test_diagnostics_over_their_limit_are_counted(judging, layout):
    settings = ("metadata-bytes=30", "executable-bytes=30", "diagnostics=1")
    report = ScanReport(_within(judging, layout, *settings).json())
    reasons = [item["reason"] for item in report.value["diagnostics"]]
    assert any("further diagnostics were dropped" in reason for reason in reasons), reasons


@pytest.mark.parametrize("setting", ["sbom-bytes=100", "sbom-packages=1"])
def test_a_bill_of_materials_over_a_limit_is_failed(judging, layout, tmp_path, setting):
    written = judging.do("scan", layout, "--format", "cyclonedx").stdout
    path = tmp_path / "bom.json"
    path.write_text(written)
    outcome = _within(judging, f"sbom:{path}", setting).expect(3)
    assert setting.split("=")[0] in outcome.stdout + outcome.stderr


@pytest.mark.parametrize("setting", ["advisory-record-bytes=100", "advisory-records=1"])
def test_advisories_over_a_limit_are_told(installation, tmp_path, setting):
    records = advisories.write(tmp_path / "advisories", advisories.coverage())
    outcome = installation.run("db", "import", "--limit", setting, records).expect(3)
    assert setting.split("=")[0] in outcome.stdout + outcome.stderr, str(outcome)


def test_what_was_over_a_limit_is_analysed_when_the_limit_is_raised(judging, new_layout):
    for setting in ("image-time=0", "image-entries=2", "layer-entries=2", "database-bytes=40"):
        failed = ScanReport(_within(judging, new_layout, setting).expect(3).json())
        assert failed.state == "failed", setting
        again = ScanReport(judging.scan(new_layout).expect(0).json())
        assert again.state == "analyzed", setting
        assert {p["name"] for p in again.packages("deb")} == {"first", "second"}


@pytest.mark.parametrize("are_known", [False, True], ids=["new layers", "known layers"])
def test_the_layers_of_an_image_share_its_limits(judging, builder, tmp_path, are_known):
    image = _image(builder, str(tmp_path))
    layout = write_layout(tmp_path / "layout", {"limited:1": image})
    tars = [gzip.decompress(layer.path.read_bytes()) for layer in image.layers]
    sizes = [len(tar) for tar in tars]
    entries = [len(tarfile.open(fileobj=io.BytesIO(tar)).getmembers()) for tar in tars]
    if are_known:
        judging.scan(layout).expect(0)
    for name, of_layers in (("image-uncompressed-bytes", sizes), ("image-entries", entries)):
        value = sum(of_layers) - 1
        assert value > max(of_layers)
        report = ScanReport(_within(judging, layout, f"{name}={value}").expect(3).json())
        assert f"over the limit {name} of {value}" in report.reason
    settings = (f"image-uncompressed-bytes={sum(sizes)}", f"image-entries={sum(entries)}")
    _within(judging, layout, *settings).expect(0)


def test_an_option_goes_before_the_environment_and_that_before_the_default(judging, layout):
    env = {"TALLYMAN_LIMITS": "layers=1, image-packages=1"}
    assert "layers of 1" in judging.scan(layout, env=env).expect(3).stderr
    told = _within(judging, layout, "layers=2", env=env).expect(3).json()["state"]["reason"]
    assert "over the limit image-packages of 1 " in told
    _within(judging, layout, "layers=2", "image-packages=100", env=env).expect(0)


@pytest.mark.parametrize(
    "setting, words",
    [
        ("layer-byte=1", "did you mean `layer-bytes`?"),
        ("memory=1", "the limits are manifest-bytes, config-bytes"),
        ("layer-bytes=1GB", "a number of bytes, or of KiB, MiB, GiB or TiB"),
        ("layer-bytes", "NAME=VALUE"),
    ],
)
def test_what_sets_no_limit_is_wrong_usage(judging, layout, setting, words):
    assert words in _within(judging, layout, setting).expect(2).stderr
    outcome = judging.scan(layout, env={"TALLYMAN_LIMITS": setting}).expect(2)
    assert "TALLYMAN_LIMITS" in outcome.stderr and words in outcome.stderr


def test_a_limit_does_not_reach_a_server_by_a_queued_scan(judging, layout):
    outcome = judging.run("scan", layout, "--queue", "--limit", "layers=1").expect(2)
    assert "tallyman serve" in outcome.stderr


def test_a_server_stores_such_an_image_as_failed_and_goes_on(
    builder, installation, start_server, layout, tmp_path
):
    small = builder.image([builder.layer(LayerTar().file("etc/os-release", "ID=debian\n"))])
    other = write_layout(tmp_path / "other", {"small:1": small})
    server = start_server(installation, {"TALLYMAN_LIMITS": "layer-entries=3"})
    for image in (layout, other):
        installation.do("scan", image, "--queue")
    wait_until(lambda: installation.jobs() == [], "both images are done", 60)
    server.stop()
    states = image_states(installation.data)
    assert states.pop(small.manifest.digest) == "unsupported"
    assert list(states.values()) == ["failed"]


def test_help_says_where_the_limits_are():
    shown = program.run("scan", "--help").expect(0).stdout
    assert "--limit" in shown and "docs/limits.md" in shown and "TALLYMAN_LIMITS" in shown
