"""Reads the advisories that every scanner is given, from the archives of their publishers.

Nothing here knows a scanner: records stay in their publisher's form where one of the scanners reads
that, and become plain facts (`Fact`) where none does.
"""

import json
import re
import subprocess
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field
from pathlib import Path

import yaml

# Records in the form of OSV, by the name of their feed: archive, folder in it.
OSV_ARCHIVES = {
    "pypa": ("osv/pypi", "vulns"),
    "govulndb": ("osv/go", "data/osv"),
    "rustsec": ("osv/rustsec", "crates"),
    "drupal": ("osv/drupal", "advisories"),
    "ghsa": ("osv/extracted-from-peer-testdata", "GHSA"),
    "alma": ("osv/almalinux", "advisories"),
}
# Records in forms of their own.
OTHER_ARCHIVES = {
    "ruby": "other/ruby-advisory-db",
    "node": "other/nodejs-security-wg",
    "php": "other/friendsofphp",
    "azure": "other/azurelinux-oval",
    "alpine": "alpine/alpine-secdb-2020",
    "debian": "debian/tracker-lists",
}
# Debian's releases of which the lists speak and that the scanners still know.
DEBIAN_RELEASES = {"stretch": "9", "buster": "10", "bullseye": "11"}


@dataclass(frozen=True)
class Fact:
    """A distribution's word on one vulnerability in one package of one release."""

    release: str
    package: str
    vulnerability: str
    # Empty: affected, and not fixed.
    fixed: str
    # The record that says so.
    record: str
    # More than one package's versions are affected only above this one.
    floor: str = ""


@dataclass
class Records:
    """All advisories."""

    folder: Path
    osv: dict = field(default_factory=dict)
    debian: list = field(default_factory=list)
    alpine: list = field(default_factory=list)
    azure: list = field(default_factory=list)
    ruby: list = field(default_factory=list)
    node: list = field(default_factory=list)
    php: list = field(default_factory=list)


def read(data: Path, folder: Path) -> Records:
    """Unpacks the archives into a folder and reads them."""
    records = Records(folder)
    for name, (archive, inside) in OSV_ARCHIVES.items():
        unpacked = unpack(data, archive, folder / name)
        records.osv[name] = read_osv(unpacked / inside)
    for name, archive in OTHER_ARCHIVES.items():
        unpack(data, archive, folder / name)
    records.debian = read_debian(folder / "debian/data")
    records.alpine = read_alpine(folder / "alpine")
    records.azure = read_azure(folder / "azure")
    records.ruby = read_yaml(folder / "ruby/gems")
    records.php = read_yaml(folder / "php")
    paths = sorted((folder / "node/vuln/npm").glob("*.json"))
    notes = [(path, json.loads(path.read_text())) for path in paths]
    records.node = [(path, note) for path, note in notes if "module_name" in note]
    return records


def unpack(data: Path, archive: str, folder: Path) -> Path:
    if not folder.is_dir():
        made = folder.with_name(folder.name + ".making")
        made.mkdir(parents=True)
        subprocess.run(
            ["tar", "--zstd", "-xf", data / f"{archive}.tar.zst", "-C", made], check=True
        )
        made.rename(folder)
    return folder


def read_osv(folder: Path) -> list:
    """Reads OSV records, JSON or YAML, as JSON would hold them."""
    found = []
    for path in sorted(folder.rglob("*")):
        if path.suffix == ".json":
            record = json.loads(path.read_text())
        elif path.suffix == ".yaml":
            record = as_json(yaml.load(path.read_text(), yaml.CSafeLoader))
        else:
            continue
        if "id" in record and record.get("affected"):
            found.append(record)
    return found


def as_json(value):
    """Turns YAML's dates into OSV's text."""
    if isinstance(value, dict):
        return {key: as_json(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [as_json(inner) for inner in value]
    if hasattr(value, "strftime"):
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")
    return value


def read_yaml(folder: Path) -> list:
    paths = sorted(path for path in folder.rglob("*.y*ml") if ".github" not in path.parts)
    return [(path, yaml.load(path.read_text(), yaml.CSafeLoader)) for path in paths]


def read_debian(folder: Path) -> list:
    """Reads the lists of Debian's security advisories; the highest version mends for good."""
    best = {}
    for name in ("DSA", "DLA"):
        for advisory, vulnerabilities, release, source, fixed in debian_entries(folder / name / "list"):
            for vulnerability in vulnerabilities or [advisory]:
                key = (release, source, vulnerability)
                if key not in best or debian_below(best[key][0], fixed):
                    best[key] = (fixed, advisory)
    return [
        Fact(DEBIAN_RELEASES[release], source, vulnerability, fixed, advisory)
        for (release, source, vulnerability), (fixed, advisory) in sorted(best.items())
        # The tracker's own file lists CVEs only.
        if vulnerability.startswith("CVE-")
    ]


def debian_entries(path: Path):
    advisory, vulnerabilities = "", []
    for line in path.read_text().splitlines():
        if head := re.match(r"\[.*?\] (D[SL]A-\S+)", line):
            advisory, vulnerabilities = head[1], []
        elif names := re.match(r"\s+\{(.*)\}", line):
            vulnerabilities = names[1].split()
        elif entry := re.match(r"\s+\[(\w+)\] - (\S+) (\d\S*)\s*$", line):
            if entry[1] in DEBIAN_RELEASES:
                yield advisory, vulnerabilities, entry[1], entry[2], entry[3]


def debian_below(a: str, b: str) -> bool:
    return subprocess.run(["dpkg", "--compare-versions", a, "lt", b]).returncode == 0


def read_alpine(folder: Path) -> list:
    found = []
    for path in sorted(folder.glob("v*/*.yaml")):
        document = yaml.load(path.read_text(), yaml.CSafeLoader)
        release = document["distroversion"].removeprefix("v")
        for package in document["packages"] or []:
            fixes = package["pkg"].get("secfixes") or {}
            for fixed, vulnerabilities in fixes.items():
                for words in vulnerabilities or []:
                    # "CVE-2017-2616 (+ regression fix)"; XSA numbers are no names of vulnerabilities.
                    named = [word for word in str(words).split() if word.startswith("CVE-")]
                    for vulnerability in named[:1]:
                        record = f"{release}/{document['reponame']}"
                        found.append(
                            Fact(release, package["pkg"]["name"], vulnerability, str(fixed), record)
                        )
    return found


OVAL = "{http://oval.mitre.org/XMLSchema/oval-definitions-5}"
LINUX = "{http://oval.mitre.org/XMLSchema/oval-definitions-5#linux}"


@dataclass(frozen=True)
class Definition:
    """One of Azure Linux's definitions, with the tests that it refers to."""

    family: str
    release: str
    id: str
    cve: str
    patchable: str
    severity: str
    title: str
    # (test, package, operation, version)
    tests: tuple


def read_azure(folder: Path) -> list:
    found = []
    for path in sorted(folder.glob("*.xml")):
        family, release = ("azure", "3.0") if path.name.startswith("azure") else ("mariner", "1.0")
        root = ElementTree.parse(path).getroot()
        objects = {
            node.get("id"): node.findtext(f"{LINUX}name")
            for node in root.iter(f"{LINUX}rpminfo_object")
        }
        states = {
            node.get("id"): (node.find(f"{LINUX}evr").get("operation"), node.findtext(f"{LINUX}evr"))
            for node in root.iter(f"{LINUX}rpminfo_state")
        }
        tests = {}
        for node in root.iter(f"{LINUX}rpminfo_test"):
            package = objects[node.find(f"{LINUX}object").get("object_ref")]
            tests[node.get("id")] = (package, *states[node.find(f"{LINUX}state").get("state_ref")])
        for node in root.iter(f"{OVAL}definition"):
            metadata = node.find(f"{OVAL}metadata")
            named = [c.get("test_ref") for c in node.iter(f"{OVAL}criterion")]
            found.append(
                Definition(
                    family,
                    release,
                    node.get("id").rsplit(":", 1)[1],
                    metadata.find(f"{OVAL}reference").get("ref_id"),
                    metadata.findtext(f"{OVAL}patchable", ""),
                    metadata.findtext(f"{OVAL}severity", ""),
                    metadata.findtext(f"{OVAL}title", ""),
                    tuple((ref, *tests[ref]) for ref in named if ref in tests),
                )
            )
    return found
