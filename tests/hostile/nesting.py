"""Images that are deep: paths, archives within archives, documents within documents."""

import io
import zipfile
from pathlib import Path

from hostile.image import Hostile, Workshop, analyzed, witness
from hostile.layer_stream import DIRECTORY, entry

DEEP = 100_000
MOST_PATH_BYTES = 4096


def _deep_path(workshop: Workshop) -> Path:
    site = "a/" * DEEP + "deep-1.dist-info/METADATA"
    metadata = "Metadata-Version: 2.1\nName: deep\nVersion: 1\n"
    return workshop.layout(workshop.gzip(entry(site, metadata), witness()))


def _many_deep_paths(workshop: Workshop) -> Path:
    """As deep as allowed, so often that work for each directory of each path would show."""
    up = "a/" * (MOST_PATH_BYTES // 2 - 30)
    entries = [
        entry(f"{up}{number:05d}-1.dist-info/METADATA", f"Name: n{number:05d}\nVersion: 1\n")
        for number in range(20_000)
    ]
    lower = workshop.gzip(*entries)
    upper = workshop.gzip(entry("a/.wh..wh..opq"), witness())
    return workshop.layout(lower, upper)


def _deep_directories(workshop: Workshop) -> Path:
    """A directory in a directory and so on, each with an entry of its own."""
    entries = [entry("d/" * depth, kind=DIRECTORY) for depth in range(1, MOST_PATH_BYTES // 2)]
    return workshop.layout(workshop.gzip(*entries, witness()))


def _zip_of(files: dict, compression=zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content, compression)
    return buffer.getvalue()


def _nested_jars(workshop: Workshop) -> Path:
    jar = _zip_of({"META-INF/maven/g/deep/pom.properties": "groupId=g\nartifactId=deep\nversion=1\n"})
    for depth in range(1000):
        jar = _zip_of({f"{depth}.jar": jar}, zipfile.ZIP_STORED)
    return workshop.layout(workshop.gzip(entry("opt/app.jar", jar), witness()))


def _jars_in_breadth(workshop: Workshop) -> Path:
    """Eight levels of ten equal archives each: small, and a hundred million in the end."""
    jar = _zip_of({"a.txt": "x"})
    for _ in range(8):
        jar = _zip_of({f"{number}.jar": jar for number in range(10)})
    return workshop.layout(workshop.gzip(entry("opt/app.jar", jar), witness()))


def _zip_bomb(workshop: Workshop) -> Path:
    zeros = _zip_of({"META-INF/MANIFEST.MF": bytes(64 << 20)})
    return workshop.layout(workshop.gzip(entry("opt/bomb.jar", _zip_of({"a.jar": zeros})), witness()))


def _overlapping_zip(workshop: Workshop) -> Path:
    """Ten thousand names in the directory for one content of 8 MiB, which would be 80 GiB."""
    kernel = _zip_of({"lib/0.jar": bytes(8 << 20)})
    end = kernel.rindex(b"PK\5\6")
    start = kernel.rindex(b"PK\1\2", 0, end)
    listed = kernel[start:end]
    directory = listed * 10_000
    tail = bytearray(kernel[end:])
    tail[8:12] = (10_000).to_bytes(2, "little") * 2
    tail[12:16] = len(directory).to_bytes(4, "little")
    jar = kernel[:start] + directory + bytes(tail)
    return workshop.layout(workshop.gzip(entry("opt/app.jar", jar), witness()))


def _lying_zip(workshop: Workshop) -> Path:
    """An entry that is said to have 4 GiB and is cut off at once."""
    jar = bytearray(_zip_of({"lib/a.jar": b"PK"}, zipfile.ZIP_STORED))
    jar[18:26] = b"\xf0\xff\xff\xff" * 2
    return workshop.layout(workshop.gzip(entry("opt/app.jar", bytes(jar)), witness()))


def _deep_documents(workshop: Workshop) -> Path:
    depth = 200_000
    return workshop.layout(
        workshop.gzip(
            entry("srv/node_modules/a/package.json", '{"name":' * depth),
            entry("srv/a/package-lock.json", '{"dependencies":{"a":' * depth),
            entry("srv/b/composer.lock", '{"packages":' + "[" * depth),
            entry("srv/c/Cargo.lock", "x = " + "[" * depth),
            entry("srv/d/poetry.lock", "x = " + "{a=" * depth),
            entry("srv/e/pnpm-lock.yaml", "a: " + "[" * depth),
            entry("srv/f/bun.lock", "{" + '"a":[' * depth),
            entry("srv/g/mix.lock", "%{" * depth),
            entry("srv/h/rebar.lock", "{[" * depth),
            entry("srv/i/Package.resolved", '{"pins":[' * depth),
            entry("srv/j/conan.lock", '{"requires":[' * depth),
            entry("srv/k/app.deps.json", '{"targets":' * depth),
            entry("srv/l/packages.config", "<a>" * depth),
            witness(),
        )
    )


IMAGES = [
    Hostile("path-deep", "a path of 100,000 directories", _deep_path, analyzed("a/a/a/a")),
    Hostile(
        "paths-deep",
        "20,000 packages, each beneath the same 2,000 directories, below a layer that hides them",
        _many_deep_paths,
        analyzed(),
        is_large=True,
        peak_mib_max=160,
    ),
    Hostile("directories-deep", "2,000 directories within each other", _deep_directories, analyzed()),
    Hostile(
        "jars-deep",
        "1,000 jars within each other",
        _nested_jars,
        analyzed("over the limit archive-depth of 8"),
    ),
    Hostile(
        "jars-broad",
        "ten equal jars in each of ten and so on: a hundred million at the eighth level",
        _jars_in_breadth,
        analyzed("opt/app.jar"),
    ),
    Hostile(
        "jar-bomb",
        "a jar in a jar that holds a manifest of 64 MiB of zeros",
        _zip_bomb,
        analyzed("opt/bomb.jar"),
    ),
    Hostile(
        "jar-overlapping",
        "a jar whose directory lists one content ten thousand times",
        _overlapping_zip,
        analyzed("opt/app.jar"),
    ),
    Hostile("jar-size", "a jar with an entry of 4 GiB that is not there", _lying_zip, analyzed("opt/app.jar")),
    Hostile(
        "documents-deep",
        "JSON, TOML, YAML, XML and Erlang terms 200,000 levels deep",
        _deep_documents,
        analyzed("srv/node_modules/a/package.json", "srv/l/packages.config"),
    ),
]
