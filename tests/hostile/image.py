"""A hostile image, how it is made, and what a scan of it must say."""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from hostile import layer_stream
from hostile.layer_stream import GzipFile
from images.oci_builder import OCI_LAYER, Blob, Image, ImageBuilder, blob_path, write_layout
from images.scan_report import ScanReport
from support.fleet import python_distribution

GZIP = OCI_LAYER + "+gzip"
WITNESS = ("pluggy", "1.5.0")


def witness() -> bytes:
    """The end of a layer with a package in it, which shows that a scan came so far."""
    return python_distribution(*WITNESS).bytes()


@dataclass(frozen=True)
class Expected:
    """What a scan must say: the state, words of its reason, packages, and what it could not read.

    `packages` are those of Python, the only ones that these images hold. An image that is refused
    has no report: what is wrong is said on standard error.
    """

    state: str
    reason: tuple = ()
    packages: frozenset = frozenset()
    told: tuple = ()

    @property
    def exit_code(self) -> int:
        return 0 if self.state == "analyzed" else 3

    def complaints(self, exit_code: int, stdout: str, stderr: str) -> list:
        """What is different."""
        if self.state == "refused":
            said = [] if exit_code == 3 and not stdout else [f"exit code {exit_code}", stdout]
            return [*said, *(f"no '{word}': {stderr}" for word in self.reason if word not in stderr)]
        if exit_code not in (0, 3):
            return [f"exit code {exit_code}: {stderr}"]
        return self._complaints_of(exit_code, ScanReport(json.loads(stdout)))

    def _complaints_of(self, exit_code: int, report: ScanReport) -> list:
        diagnostics = json.dumps(report.value["diagnostics"])
        found = frozenset(report.versions("pypi"))
        state = f"{report.state} ({report.reason})"
        return [
            *([] if exit_code == self.exit_code else [f"exit code {exit_code}, {state}"]),
            *([] if report.state == self.state else [f"state {state}, not {self.state}"]),
            *(f"no '{word}' in the reason: {state}" for word in self.reason if word not in state),
            *([] if found == self.packages else [f"packages {sorted(found)}"]),
            *(f"'{word}' is not told: {diagnostics}" for word in self.told if word not in diagnostics),
        ]


def failed(*reason: str) -> Expected:
    """The image is not analysed, for a reason with these words in it."""
    return Expected("failed", reason)


def refused(*reason: str) -> Expected:
    """What it is cannot be found out, for a reason with these words in it."""
    return Expected("refused", reason)


def analyzed(*told: str, packages=frozenset({WITNESS})) -> Expected:
    """The trick does not work: all is read but what is told."""
    return Expected("analyzed", (), frozenset(packages), told)


@dataclass
class Workshop:
    """Where one image is made. What lies in the directory is removed with it."""

    directory: Path

    def __post_init__(self):
        self.directory.mkdir(parents=True, exist_ok=True)
        self.builder = ImageBuilder(self.directory / "blobs")
        # Layers of equal bytes are known after the first scan: each workshop has its own.
        self.salt = str(self.directory)

    def path(self, name: str) -> Path:
        return self.directory / name

    def packed(self, path: Path, media_type: str = GZIP) -> Blob:
        """A layer of a file that is already packed. Its diff id is a claim that nobody checks."""
        stored = self.builder.layer(path, "none")
        path.unlink()
        return replace(stored, media_type=media_type, diff_id=stored.digest)

    def gzip(self, *pieces: bytes) -> Blob:
        """A layer of pieces of a tar."""
        path = self.path("packed.gz")
        with GzipFile(path) as packed:
            packed.member([self.unique(), *pieces])
        return self.packed(path)

    def unique(self) -> bytes:
        """An entry that no other layer has."""
        return layer_stream.entry("etc/salt", self.salt)

    def noise(self, count: int) -> bytes:
        """Bytes that cannot be packed, the same each time."""
        return random.Random(self.directory.name).randbytes(count)

    def layout(self, *layers: Blob) -> Path:
        """An image of layers."""
        return self.layout_of(self.builder.image(list(layers)))

    def layout_of(self, image: Image, name: str = "layout") -> Path:
        return write_layout(self.path(name), {"hostile:1": image})

    def blob(self, layout: Path, blob: Blob) -> Path:
        return blob_path(layout, blob.digest)


@dataclass(frozen=True)
class Hostile:
    """One image of the set."""

    name: str
    title: str
    make: Callable[[Workshop], Path]
    expected: Expected
    is_large: bool = False
    # What a scan of it may take at its peak.
    peak_mib_max: int = 64
