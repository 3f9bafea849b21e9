#!/usr/bin/env python3
"""Holds the findings on a Cargo.lock against those of cargo-audit with the same advisories.

    cargo install cargo-audit --locked
    tests/groundtruth/cargo_audit.py --cargo-audit ~/.cargo/bin/cargo-audit [Cargo.lock...]

Without a lock the one of the tests' own old crates is taken. The RustSec database is written from its
OSV records into the form that cargo-audit reads. Exits with 1 if the two differ.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from groundtruth import archives, installed  # noqa: E402 (needs the line above)
from support.installation import Installation  # noqa: E402

ARCHIVE = "osv/rustsec.tar.zst"


def main() -> int:
    given = arguments()
    locks = given.locks or [installed.crates() / "Cargo.lock"]
    differing = 0
    with tempfile.TemporaryDirectory() as scratch:
        database = Path(scratch, "advisory-db")
        written = write_database(database)
        installation = Installation(Path(scratch, "data"))
        installation.run("db", "import", archives.DATA / ARCHIVE)
        print(f"{written} advisories")
        for lock in locks:
            theirs = audited(given.cargo_audit, database, lock)
            ours = scanned(installation, Path(scratch, "layout"), lock)
            for kind, its in (("only cargo-audit", theirs - ours), ("only tallyman", ours - theirs)):
                for row in sorted(its):
                    print(f"{lock}: {kind}: {' '.join(row)}")
            differing += len(theirs ^ ours)
            print(f"{lock}: {len(theirs & ours)} findings agree, {len(theirs ^ ours)} differ")
    return 1 if differing else 0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("locks", nargs="*", type=Path, metavar="Cargo.lock")
    parser.add_argument("--cargo-audit", type=Path, required=True)
    return parser.parse_args()


def write_database(directory: Path) -> int:
    """Writes the records as RustSec's repository has them, committed as cargo-audit wants it."""
    written = 0
    for record in archives.osv_records(ARCHIVE):
        for affected in record["affected"]:
            name = affected["package"]["name"]
            path = directory / "crates" / name / f"{record['id']}.md"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(advisory(record, affected))
            written += 1
    git = ["git", "-C", directory, "-c", "user.name=x", "-c", "user.email=x@example.com"]
    for command in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "--message=x"]):
        subprocess.run([*git, *command], check=True)
    return written


def advisory(record: dict, affected: dict) -> str:
    """One advisory: a table of TOML within Markdown."""
    patched, unaffected = bounds(affected)
    about = affected.get("database_specific") or {}
    lines = ["```toml", "[advisory]", f"id = {json.dumps(record['id'])}"]
    lines += [f"package = {json.dumps(affected['package']['name'])}"]
    lines += [f"date = {json.dumps(record['published'][:10])}"]
    if record.get("withdrawn"):
        lines.append(f"withdrawn = {json.dumps(record['withdrawn'][:10])}")
    if about.get("informational"):
        lines.append(f"informational = {json.dumps(about['informational'])}")
    lines += ["", "[versions]", f"patched = {json.dumps(patched)}"]
    lines += [f"unaffected = {json.dumps(unaffected)}", "```", ""]
    return "\n".join([*lines, f"# {record.get('summary') or 'x'}", "", "x", ""])


def bounds(affected: dict) -> tuple:
    """What is patched and what was never affected, as requirements of Cargo's."""
    patched, unaffected = [], []
    events = [
        (name, version)
        for one in affected.get("ranges") or []
        if one["type"] == "SEMVER"
        for event in one["events"]
        for name, version in event.items()
    ]
    # Pairs of a begin and, mostly, an end, in the order of the versions.
    for place, (name, version) in enumerate(events):
        following = events[place + 1][1] if place + 1 < len(events) else None
        if name == "introduced" and place == 0 and version not in ("0", "0.0.0-0"):
            unaffected.append(f"< {version}")
        if name == "fixed":
            until = f", < {following}" if following else ""
            patched.append(f">= {version}{until}")
    return patched, unaffected


def audited(program: Path, database: Path, lock: Path) -> set:
    """(crate, version, advisory) by cargo-audit, with those that it only warns of."""
    program = [program, "audit", "--stale"]
    command = [*program, "--db", database, "--no-fetch", "--no-yanked", "--json", "--file", lock]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "NO_COLOR": "1"})
    if done.returncode not in (0, 1) or not done.stdout:
        raise SystemExit(f"cargo-audit ended with {done.returncode}:\n{done.stderr}")
    report = json.loads(done.stdout)
    listed = list(report["vulnerabilities"]["list"])
    for warnings in report["warnings"].values():
        listed += [it for it in warnings if it.get("advisory")]
    return {(it["package"]["name"], it["package"]["version"], it["advisory"]["id"]) for it in listed}


def scanned(installation: Installation, directory: Path, lock: Path) -> set:
    """The same by the program."""
    directory.mkdir(exist_ok=True)
    (directory / "Cargo.lock").write_bytes(lock.read_bytes())
    report = installation.scan(f"dir:{directory}").json()
    return {
        (package["name"], package["version"], name)
        for package in report["packages"]
        for finding in package["findings"]
        for name in (finding["id"], *finding["aliases"])
        if re.match("RUSTSEC-", name)
    }


if __name__ == "__main__":
    sys.exit(main())
