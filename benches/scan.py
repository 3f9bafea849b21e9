"""Runs the commands of benches/scan.sh in turns and prints the medians."""

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from differential.scanners import make_index_of_jars  # noqa: E402 (needs the line above)


@dataclass
class Figure:
    """What one run of a command took."""

    wall: float
    cpu: float
    peak_mib: float


@dataclass
class Command:
    """A command that is measured, and what has to be done before each run."""

    name: str
    arguments: list[str]
    prepare: Callable[[], None] = lambda: None
    environment: dict[str, str] = field(default_factory=dict)
    accepted: tuple[int, ...] = (0,)
    figures: list[Figure] = field(default_factory=list)

    def run(self) -> None:
        self.prepare()
        self.figures.append(measure(self))

    def median(self, what: str) -> float:
        return statistics.median(getattr(figure, what) for figure in self.figures)


def measure(command: Command) -> Figure:
    """Runs a command in a process of its own.

    Its peak memory comes from GNU time: a process starts with the peak of the one that it is forked
    from, and that of Python is larger than what is measured here.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        peak = tempfile.NamedTemporaryFile()
        begun = time.monotonic()
        done = subprocess.run(
            ["/usr/bin/time", "--quiet", "--format=%M", f"--output={peak.name}", *command.arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=os.environ | command.environment,
        )
        wall = time.monotonic() - begun
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = used.ru_utime + used.ru_stime
        report = {"wall": wall, "cpu": cpu, "peak_mib": int(peak.read()) / 1024}
        if done.returncode not in command.accepted:
            report = {"failed": done.stderr.decode(errors="replace")[-2000:]}
        os.write(writing, json.dumps(report).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        report = json.loads(pipe.read() or '{"failed": "it ended without a report"}')
    os.waitpid(child, 0)
    if "failed" in report:
        sys.exit(f"{' '.join(command.arguments)}: {report['failed']}")
    return Figure(**report)


def shell_pipeline(layout: Path, inflate: str) -> list[str]:
    """The floor with programs that every machine has: one process for each step, two at once."""
    blobs = " ".join(str(path) for path in gzip_layers(layout))
    step = f'tee >(sha256sum >/dev/null) < "$0" | {inflate} -dc >/dev/null'
    return ["bash", "-c", f"printf '%s\\n' {blobs} | xargs -P2 -I@ bash -c '{step}' @"]


def gzip_layers(layout: Path) -> list[Path]:
    def blob(digest: str) -> Path:
        return layout / "blobs" / digest.replace(":", "/")

    index = json.loads((layout / "index.json").read_text())
    manifest = json.loads(blob(index["manifests"][0]["digest"]).read_text())
    return [blob(layer["digest"]) for layer in manifest["layers"]]


def commands(arguments: argparse.Namespace, layout: Path, scratch: Path) -> list[Command]:
    data = scratch / "data"
    # State 3: an image that holds something no shipped feed speaks of.
    scan = [arguments.tallyman, "scan", "--data", str(data), f"oci:{layout}", "--format", "json"]
    found = [
        Command("floor", [arguments.floor, str(layout)]),
        Command("tallyman_cold", scan, lambda: forget(scan, data), accepted=(0, 3)),
        Command("tallyman_warm", scan, accepted=(0, 3)),
    ]
    for program in ("igzip", "gzip"):
        if shutil.which(program):
            found.append(Command(f"shell_{program}", shell_pipeline(layout, program)))
    if arguments.trivy:
        cache = scratch / "trivy"
        quiet = ["--quiet", "--cache-dir", str(cache), "--offline-scan", "--skip-db-update"]
        trivy = [arguments.trivy, "image", "--input", str(layout), "--format", "cyclonedx"]
        trivy += quiet + ["--skip-java-db-update"]
        found.append(Command("trivy_cold", trivy, lambda: start_afresh(scratch / "trivy")))
        found.append(Command("trivy_warm", trivy))
    if arguments.syft:
        temporary = {"TMPDIR": str(scratch), "SYFT_CHECK_FOR_APP_UPDATE": "false"}
        syft = [arguments.syft, "scan", "--quiet", f"oci-dir:{layout}", "-o", "json"]
        found.append(Command("syft", syft, environment=temporary))
    return found


def start_afresh(cache: Path) -> None:
    """Empties the cache of Trivy, except for the index of jars without which it reads none."""
    shutil.rmtree(cache, True)
    make_index_of_jars(cache)


def forget(scan: list[str], data: Path) -> None:
    """Forgets all layers, and keeps what an installation has: advisories and an empty store."""
    shutil.rmtree(data, True)
    empty = [part if not part.startswith("oci:") else "oci:/nonexistent" for part in scan]
    subprocess.run(empty, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)


def print_image(name: str, measured: list[Command]) -> None:
    by_name = {command.name: command for command in measured}
    for command in measured:
        print(f"{name}.{command.name}.wall={command.median('wall'):.3f} s")
        print(f"{name}.{command.name}.cpu={command.median('cpu'):.3f} s")
        print(f"{name}.{command.name}.peak={command.median('peak_mib'):.0f} MiB")
    cold = by_name["tallyman_cold"]
    for what in ("wall", "cpu"):
        ratio = cold.median(what) / by_name["floor"].median(what)
        print(f"{name}.tallyman_cold_to_floor.{what}={ratio:.2f} times")
    for other in ("trivy_cold", "syft", "shell_igzip", "shell_gzip"):
        if other in by_name:
            ratio = by_name[other].median("wall") / cold.median("wall")
            print(f"{name}.{other}_to_tallyman.wall={ratio:.1f} times")
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tallyman", required=True)
    parser.add_argument("--floor", required=True)
    parser.add_argument("directory", type=Path)
    parser.add_argument("images", nargs="*")
    arguments = parser.parse_args()
    arguments.trivy = os.environ.get("TRIVY") or shutil.which("trivy")
    arguments.syft = os.environ.get("SYFT") or shutil.which("syft")
    runs = int(os.environ.get("RUNS", "3"))
    images = arguments.images or sorted(path.parent.name for path in arguments.directory.glob("*/index.json"))
    for name in images:
        layout = arguments.directory / name
        for path in gzip_layers(layout):
            path.read_bytes()
        with tempfile.TemporaryDirectory() as scratch:
            measured = commands(arguments, layout, Path(scratch))
            for _ in range(runs):
                for command in measured:
                    command.run()
            print_image(name, measured)


if __name__ == "__main__":
    main()
