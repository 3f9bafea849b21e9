"""Advisories of our own in the OSV format, written as files for `tallyman db import`."""

import json
from pathlib import Path

# Nothing is called analysed unless a loaded feed speaks of what it holds; these records give every
# ecosystem of the test images a feed without touching a package that exists.
COVERED_ECOSYSTEMS = ("Debian:12", "PyPI", "npm", "Go", "crates.io")
ABSENT_PACKAGE = "tallyman-package-that-nobody-installs"


def record(
    identifier: str,
    ecosystem: str,
    package: str,
    *,
    introduced: str = "0",
    fixed: str | None = None,
    last_affected: str | None = None,
    versions: list | None = None,
    aliases: tuple = (),
    vector: str | None = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
    withdrawn: str | None = None,
) -> dict:
    """One OSV record with one package and one range."""
    affected = {"package": {"ecosystem": ecosystem, "name": package}}
    if versions is not None:
        affected["versions"] = versions
    else:
        events = [{"introduced": introduced}]
        if fixed is not None:
            events.append({"fixed": fixed})
        if last_affected is not None:
            events.append({"last_affected": last_affected})
        kind = "SEMVER" if ecosystem in ("npm", "Go", "crates.io") else "ECOSYSTEM"
        affected["ranges"] = [{"type": kind, "events": events}]
    made = {
        "schema_version": "1.6.0",
        "id": identifier,
        "modified": "2026-11-01T00:00:00Z",
        "published": "2026-10-01T00:00:00Z",
        "aliases": list(aliases),
        "affected": [affected],
    }
    if vector is not None:
        made["severity"] = [{"type": "CVSS_V3", "score": vector}]
    if withdrawn is not None:
        made["withdrawn"] = withdrawn
    return made


def coverage() -> list:
    """A record for each ecosystem about a package that no image holds."""
    return [
        record(f"TALLY-COVER-{number}", ecosystem, ABSENT_PACKAGE, fixed="1.0.0")
        for number, ecosystem in enumerate(COVERED_ECOSYSTEMS)
    ]


def write(directory: Path, records: list) -> Path:
    """Writes one file for each record, as OSV's exports do."""
    directory.mkdir(parents=True, exist_ok=True)
    for made in records:
        (directory / f"{made['id']}.json").write_text(json.dumps(made))
    return directory
