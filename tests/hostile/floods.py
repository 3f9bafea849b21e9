"""Images that are small when they are sent and large when they are read."""

import subprocess
from pathlib import Path

from hostile import layer_stream
from hostile.image import GZIP, Hostile, Workshop, analyzed, failed, witness
from hostile.layer_stream import FILE, SYMLINK, GzipFile
from images.oci_builder import OCI_LAYER

GIB = 1 << 30
MOST_ENTRIES = 5_000_000


def _zeros_in_gzip(workshop: Workshop) -> Path:
    path = workshop.path("zeros.gz")
    with GzipFile(path) as packed:
        packed.member([workshop.unique(), layer_stream.header(b"zeros", 10 * GIB)])
        packed.zeros(10 * GIB).member([witness()])
    return workshop.layout(workshop.packed(path, GZIP))


def _zeros_in_zstd(workshop: Workshop) -> Path:
    path = workshop.path("zeros.zst")
    frames = [_zstd(piece) for piece in (bytes(256 << 20), witness())]
    head = workshop.unique() + layer_stream.header(b"zeros", 10 * GIB)
    path.write_bytes(_zstd(head) + frames[0] * 40 + frames[1])
    return workshop.layout(workshop.packed(path, OCI_LAYER + "+zstd"))


def _zstd(content: bytes) -> bytes:
    command = ["zstd", "-q", "-3", "-c"]
    return subprocess.run(command, input=content, stdout=subprocess.PIPE, check=True).stdout


def _zeros_that_are_paid_for(workshop: Workshop) -> Path:
    path = workshop.path("paid.gz")
    noise = workshop.noise(1 << 20)
    with GzipFile(path) as packed:
        packed.member([workshop.unique()])
        for number in range(60):
            packed.member([layer_stream.header(b"noise", len(noise))]).incompressible(noise)
            packed.member([layer_stream.header(b"zeros%d" % number, 172 << 20)]).zeros(172 << 20)
        packed.member([witness()])
    return workshop.layout(workshop.packed(path))


def _entries(count: int, kind: bytes, prefix: str, suffix: str = "", link: str = ""):
    def make(workshop: Workshop) -> Path:
        entries = layer_stream.numbered_entries(prefix, count, kind, suffix, link)
        return workshop.layout(workshop.gzip(*entries, witness()))

    return make


def _size_of_a_sparse_file(workshop: Workshop) -> Path:
    records = {"GNU.sparse.major": b"1", "GNU.sparse.minor": b"0"}
    records |= {"GNU.sparse.name": b"huge", "GNU.sparse.realsize": str(2**62).encode()}
    sparse = layer_stream.extended(records) + layer_stream.header(b"huge", 512)
    return workshop.layout(workshop.gzip(sparse, b"0\n".ljust(512, b"\0"), witness()))


IMAGES = [
    Hostile(
        "zeros-gzip",
        "10 GiB of zeros in a gzip layer of 10 MiB",
        _zeros_in_gzip,
        failed("over the limit expansion-ratio of 200"),
    ),
    Hostile(
        "zeros-zstd",
        "10 GiB of zeros in a zstd layer of less than 1 MiB",
        _zeros_in_zstd,
        failed("over the limit expansion-ratio of 200"),
    ),
    Hostile(
        "zeros-paid",
        "10 GiB of zeros with just so much noise between them that the ratio is allowed",
        _zeros_that_are_paid_for,
        analyzed(),
        is_large=True,
    ),
    Hostile(
        "entries",
        "5 million entries, which is the limit",
        _entries(MOST_ENTRIES - 10_000, FILE, "srv/spool/"),
        analyzed(),
        is_large=True,
    ),
    Hostile(
        "entries-over",
        "more than 5 million entries",
        _entries(MOST_ENTRIES + 1, FILE, "srv/spool/"),
        failed("over the limit layer-entries of 5000000"),
        is_large=True,
    ),
    Hostile(
        "entries-links",
        "5 million symbolic links, each of which may hide a file of a layer below",
        _entries(MOST_ENTRIES - 10_000, SYMLINK, "srv/spool/", link="nowhere"),
        analyzed(),
        is_large=True,
    ),
    Hostile(
        "entries-whiteouts",
        "5 million whiteouts",
        _entries(MOST_ENTRIES - 10_000, FILE, "srv/spool/.wh."),
        analyzed(),
        is_large=True,
    ),
    Hostile(
        "entries-manifests",
        "5 million empty package.json, each of which is read",
        _entries(MOST_ENTRIES - 10_000, FILE, "srv/node_modules/", "/package.json"),
        analyzed("further diagnostics were dropped"),
        is_large=True,
    ),
    Hostile(
        "sparse-size",
        "a sparse file of 4 EiB",
        _size_of_a_sparse_file,
        analyzed(),
    ),
]
