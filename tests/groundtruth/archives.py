"""The published records that the comparison reads, where they lie beside the repository."""

import hashlib
import io
import json
import subprocess
import tarfile
from pathlib import Path

import pytest
import yaml

from images.package_tools import once
from support.paths import REPOSITORY

DATA = REPOSITORY.parent / "shared" / "data"


def require():
    """Skips the tests of a module where there are no records to compare by."""
    if not (DATA / "osv").is_dir():
        pytest.skip(f"no published records in {DATA}", allow_module_level=True)


def members(archive: str):
    """The files of a packed archive: (name, bytes)."""
    unpack = subprocess.run(["zstd", "-dc", DATA / archive], check=True, capture_output=True)
    with tarfile.open(fileobj=io.BytesIO(unpack.stdout)) as tar:
        for member in tar:
            if member.isfile():
                yield member.name, tar.extractfile(member).read()


def read_yaml(text: bytes):
    """YAML in which every word is text: `1.10` is a version and no number, `2024-01-01` no date."""
    return yaml.load(text, Loader=yaml.CBaseLoader)


def osv_records(archive: str) -> list:
    """The OSV records of an archive, in the order of their names."""

    def read(made: Path):
        records = []
        for name, content in sorted(members(archive)):
            if name.endswith(".json"):
                record = json.loads(content)
            elif name.endswith((".yaml", ".yml")):
                record = read_yaml(content)
            else:
                continue
            if isinstance(record, dict) and "id" in record and "affected" in record:
                records.append(record)
        made.write_text(json.dumps(records))

    # Reading thousands of files of YAML takes its time; the archive's content names what is kept.
    digest = hashlib.sha256((DATA / archive).read_bytes()).hexdigest()[:16]
    kept = once(f"groundtruth-records-{Path(archive).name.split('.')[0]}-{digest}.json", read)
    return json.loads(kept.read_text())
