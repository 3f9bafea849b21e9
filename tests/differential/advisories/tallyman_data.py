"""Imports the records into a data directory of Tallyman's."""

import json
import subprocess
from pathlib import Path

from differential.advisories import records as forms


def build(records: forms.Records, given, folder: Path) -> Path:
    """Makes the data directory once; its path."""
    data = folder / "data"
    if (folder / "made").is_file():
        return data
    folder.mkdir(parents=True, exist_ok=True)
    tracker = folder / "tracker.json"
    tracker.write_text(json.dumps(tracker_of(records.debian)))
    unpacked = records.folder
    paths = [unpacked / feed / inside for feed, (_, inside) in forms.OSV_ARCHIVES.items()]
    paths += [unpacked / name for name in ("ruby", "php", "azure", "alpine")]
    paths += [unpacked / "node/vuln", tracker]
    command = [given.tallyman, "db", "import", "--data", data, *paths]
    done = subprocess.run(command, capture_output=True, text=True)
    print(done.stdout, done.stderr)
    if done.returncode not in (0, 3):
        raise SystemExit(f"the import ended with {done.returncode}")
    (folder / "made").touch()
    return data


def tracker_of(facts: list) -> dict:
    """The file of Debian's security tracker that says what the lists say."""
    releases = {number: name for name, number in forms.DEBIAN_RELEASES.items()}
    tracker = {}
    for fact in facts:
        release = {"status": "resolved", "fixed_version": fact.fixed, "urgency": "not yet assigned"}
        entry = tracker.setdefault(fact.package, {}).setdefault(fact.vulnerability, {"releases": {}})
        entry["releases"][releases[fact.release]] = release
    return tracker
