"""Alpine's package database."""

from images.oci_builder import LayerTar, write_layout
from images.scan_report import ScanReport

# The fields follow apk-tools' installed database; the packages are those of a small base image.
_INSTALLED = """C:Q1abcdefghijklmnopqrstuvwxyzA=
P:musl
V:1.2.5-r0
A:x86_64
S:383459
I:622592
T:the musl c library (libc) implementation
U:https://musl.libc.org/
L:MIT
o:musl
m:Somebody <somebody@example.org>
t:1709000000
c:0000000000000000000000000000000000000000
p:so:libc.musl-x86_64.so.1=1
F:lib
R:ld-musl-x86_64.so.1
a:0:0:755

C:Q1abcdefghijklmnopqrstuvwxyzB=
P:busybox-binsh
V:1.36.1-r29
A:x86_64
S:1485
I:8192
T:busybox ash /bin/sh
L:GPL-2.0-only
o:busybox
t:1709000001
D:busybox=1.36.1-r29
F:bin
R:sh

"""


def _scan(installation, builder, tmp_path, version: str) -> ScanReport:
    layer = (
        LayerTar()
        .file("etc/os-release", f'ID=alpine\nVERSION_ID={version}\nPRETTY_NAME="Alpine Linux"\n')
        .file("lib/apk/db/installed", _INSTALLED)
    )
    image = builder.image([builder.layer(layer)])
    outcome = installation.scan(write_layout(tmp_path / "layout", {"alpine:1": image}))
    assert outcome.exit_code in (0, 3), str(outcome)
    return ScanReport(outcome.json())


def test_packages_of_the_database_are_found_with_their_origin(covered, builder, tmp_path):
    report = _scan(covered, builder, tmp_path, "3.20.3")
    rows = {
        (p["name"], p["version"], p["architecture"], p["source"]["name"])
        for p in report.packages("apk")
    }
    assert rows == {
        ("musl", "1.2.5-r0", "x86_64", "musl"),
        ("busybox-binsh", "1.36.1-r29", "x86_64", "busybox"),
    }
    assert report.value["distribution"]["id"] == "alpine"


def test_a_release_without_a_feed_is_unsupported(covered, builder, tmp_path):
    report = _scan(covered, builder, tmp_path, "99.9.0")
    assert report.state == "unsupported"
    assert "alpine:99.9" in report.reason
