"""Runs the scanners on OCI layouts, and keeps what the peers said: they say it again only if the
image or the program is another one."""

import hashlib
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from differential import inventories


@dataclass(frozen=True)
class Scanner:
    """A program that lists packages."""

    name: str
    program: Path
    version: str
    command: tuple
    read: object
    # Exit codes with which there is a result.
    accepted: tuple = (0,)
    # Makes what the program expects in its scratch directory.
    prepare: object = None

    def inventory(self, layout: Path, kept: Path | None) -> inventories.Inventory:
        return self.read(json.loads(self.output(layout, kept)))

    def output(self, layout: Path, kept: Path | None) -> bytes:
        if kept is None:
            return self.run(layout)
        identity = hashlib.sha256((layout / "index.json").read_bytes()).hexdigest()[:16]
        path = kept / f"{layout.name}-{identity}-{self.name}-{self.version}.json"
        if not path.exists():
            kept.mkdir(parents=True, exist_ok=True)
            made = path.with_suffix(".making")
            made.write_bytes(self.run(layout))
            made.rename(path)
        return path.read_bytes()

    def run(self, layout: Path) -> bytes:
        print(f"{self.name} {layout.name}", file=sys.stderr, flush=True)
        scratch = Path(tempfile.mkdtemp(prefix=f"differential-{self.name}-"))
        try:
            if self.prepare:
                self.prepare(scratch)
            words = {"layout": str(layout), "scratch": str(scratch)}
            command = [str(self.program), *(word.format(**words) for word in self.command)]
            # Peers keep layers in files: they go where everything of this run is removed.
            environment = {**os.environ, "TMPDIR": str(scratch), "SYFT_CHECK_FOR_APP_UPDATE": "false"}
            done = subprocess.run(command, capture_output=True, env=environment)
            if done.returncode not in self.accepted:
                told = done.stderr.decode(errors="replace")[-2000:]
                raise SystemExit(f"`{' '.join(command)}` ended with {done.returncode}:\n{told}")
            return done.stdout
        finally:
            shutil.rmtree(scratch, ignore_errors=True)


def tallyman(program: Path) -> Scanner:
    command = ("scan", "oci:{layout}", "--format", "json", "--data", "{scratch}/data")
    # 3: the packages are listed, but no advisories are loaded for the distribution.
    return Scanner(
        "tallyman", program, version_of(program), command, inventories.of_tallyman, (0, 3)
    )


def syft(program: Path) -> Scanner:
    command = ("scan", "oci-dir:{layout}", "--output", "json", "--quiet")
    return Scanner("syft", program, version_of(program), command, inventories.of_syft)


def trivy(program: Path) -> Scanner:
    command = ("image", "--input", "{layout}", "--format", "cyclonedx", "--quiet")
    command += ("--cache-dir", "{scratch}/cache", "--timeout", "60m", "--list-all-pkgs")
    command += ("--offline-scan", "--skip-db-update", "--skip-java-db-update", "--skip-version-check")
    return Scanner(
        "trivy",
        program,
        version_of(program),
        command,
        inventories.of_trivy,
        prepare=lambda scratch: make_index_of_jars(scratch / "cache"),
    )


def make_index_of_jars(cache: Path) -> None:
    """Makes an index of jars without any in a cache, which Trivy insists on before it reads one.

    Its own cannot be had everywhere. With it, Trivy would name some jars that do not say what they
    are; nothing else depends on it.
    """
    directory = cache / "java-db"
    directory.mkdir(parents=True)
    index = sqlite3.connect(directory / "trivy-java.db")
    index.executescript(
        """
        CREATE TABLE artifacts (id INTEGER PRIMARY KEY, group_id TEXT, artifact_id TEXT);
        CREATE TABLE indices (
            artifact_id INTEGER REFERENCES artifacts (id), version TEXT, sha1 BLOB, archive_type TEXT
        );
        """
    )
    index.close()
    dates = {key: "2100-01-01T00:00:00Z" for key in ("NextUpdate", "UpdatedAt", "DownloadedAt")}
    (directory / "metadata.json").write_text(json.dumps({"Version": 1, **dates}))


def version_of(program: Path) -> str:
    told = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    matched = re.search(r"\d+\.\d+\.\d+\S*", told)
    return matched[0] if matched else "unknown"
