"""Writes the records as the workspaces of Vunnel's providers, from which Grype's database is made.

Where Grype reads a publisher's form (OSV of Go's and AlmaLinux's databases), it gets that; the other
languages take the form of GitHub's advisories, distributions that of Vunnel's `os` schema.
"""

import json
import re
import shutil
import subprocess
from collections import defaultdict
from pathlib import Path

from packaging.version import InvalidVersion, Version

from differential.advisories import gem_ranges, records as forms

SCHEMAS = "https://raw.githubusercontent.com/anchore/vunnel/main/schema/vulnerability"
GITHUB = f"{SCHEMAS}/github-security-advisory/schema-1.0.1.json"
OS = f"{SCHEMAS}/os/schema-1.1.0.json"
OSV = f"{SCHEMAS}/osv/schema-1.6.1.json"
WORKSPACE = (
    "https://raw.githubusercontent.com/anchore/vunnel/main/schema/provider-workspace-state/"
    "schema-1.0.3.json"
)
# Names of ecosystems in GitHub's advisories, by OSV's.
GITHUB_ECOSYSTEMS = {
    "PyPI": "python",
    "npm": "npm",
    "Maven": "java",
    "RubyGems": "gem",
    "NuGet": "dotnet",
    "crates.io": "rust",
    "Packagist": "composer",
    "Go": "go",
    "Hex": "hex",
    "Pub": "dart",
}


def build(records: forms.Records, folder: Path, program: Path) -> Path:
    """Makes `folder/6`, a database's folder in a cache directory."""
    root = folder / "workspaces"
    shutil.rmtree(root, ignore_errors=True)
    for feed in ("pypa", "rustsec", "drupal", "ghsa"):
        workspace(root, f"github-{feed}", GITHUB, map(advisory_of_osv, records.osv[feed]))
    workspace(root, "github-ruby", GITHUB, map(advisory_of_ruby, records.ruby))
    workspace(root, "github-node", GITHUB, map(advisory_of_node, records.node))
    workspace(root, "github-php", GITHUB, map(advisory_of_php, records.php))
    workspace(root, "govulndb", OSV, ((r["id"], dated(r)) for r in records.osv["govulndb"]))
    workspace(root, "alma", OSV, ((r["id"], dated(r)) for r in records.osv["alma"]))
    workspace(root, "debian", OS, of_facts("debian", "dpkg", records.debian))
    workspace(root, "alpine", OS, of_facts("alpine", "apk", records.alpine))
    workspace(root, "mariner", OS, of_azure(records.azure))
    made = folder / "6"
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir(parents=True)
    subprocess.run([program, root, made], check=True)
    return folder


def workspace(root: Path, provider: str, schema: str, items) -> None:
    folder = root / provider
    results = folder / "results"
    results.mkdir(parents=True)
    for number, item in enumerate(item for item in items if item is not None):
        identifier, document = item
        envelope = {"schema": schema, "identifier": identifier, "item": document}
        (results / f"{number:06}.json").write_text(json.dumps(envelope))
    state = {
        "provider": provider,
        "version": 1,
        "distribution_version": 1,
        "processor": "tests",
        "schema": {"version": "1.0.3", "url": WORKSPACE},
        "urls": [],
        "timestamp": "2026-01-01T00:00:00Z",
        "listing": {"path": "results/listing.xxh64", "digest": "", "algorithm": "xxh64"},
        "store": "flat-file",
        "stale": False,
    }
    (folder / "metadata.json").write_text(json.dumps(state))


def dated(record: dict) -> dict:
    """A record whose dates Go can read, without what the database has no use for."""
    dates = {"published": "2020-01-01T00:00:00Z", "modified": "2020-01-01T00:00:00Z"}
    kept = {key: value for key, value in record.items() if key not in ("details", "references")}
    return {**dates, **kept}


def advisory(identifier: str, aliases: list, fixes: list, withdrawn: str = ""):
    if not fixes:
        return None
    document = {
        "ghsaId": identifier,
        "CVE": sorted(aliases),
        "FixedIn": fixes,
        "Severity": "Medium",
        "Summary": "",
        "namespace": "github:any",
        "url": "",
        "published": "2020-01-01T00:00:00Z",
        "updated": "2020-01-01T00:00:00Z",
        "withdrawn": withdrawn,
    }
    return identifier, {"Advisory": document}


def fix(ecosystem: str, name: str, span: str, fixed: str = "") -> dict:
    return {"ecosystem": ecosystem, "name": name, "range": span, "identifier": fixed}


def advisory_of_osv(record: dict):
    fixes = []
    for affected in record["affected"]:
        package = affected.get("package", {})
        ecosystem = GITHUB_ECOSYSTEMS.get(package.get("ecosystem", "").partition(":")[0])
        if ecosystem:
            for span, fixed in spans(affected, ecosystem):
                fixes.append(fix(ecosystem, package["name"], span, fixed))
    return advisory(
        record["id"], record.get("aliases") or [], fixes, record.get("withdrawn") or ""
    )


def spans(affected: dict, ecosystem: str) -> list:
    """Turns OSV's events and versions into ranges as GitHub writes them, which end where GitHub's
    export to OSV has a field of its own instead."""
    found, bounds = [], []
    last_known = (affected.get("database_specific") or {}).get("last_known_affected_version_range", "")
    for one in affected.get("ranges") or []:
        if one["type"] == "GIT":
            continue
        start = None
        for event in played(one["events"]):
            if "introduced" in event:
                if start is not None:
                    found.append((f">= {start}", ""))
                    bounds.append((start, "", False))
                start = event["introduced"]
            elif start is not None and ("fixed" in event or "last_affected" in event):
                sign, end = ("<", event["fixed"]) if "fixed" in event else ("<=", event["last_affected"])
                whole = f"{sign} {end}" if start == "0" else f">= {start}, {sign} {end}"
                found.append((whole, event.get("fixed", "")))
                bounds.append((start, end, sign == "<="))
                start = None
        if start is not None:
            known_end = ", ".join(gem_ranges.conditions(last_known))
            found.append((", ".join(filter(None, (f">= {start}", known_end))), ""))
            bounds.append((start, "", False))
    for version in affected.get("versions") or []:
        if ecosystem != "python" or not any(within(version, *bound) for bound in bounds):
            found.append((f"= {version}", ""))
    return found


def played(events: list) -> list:
    """The events of a range in their order, which a record need not keep: by their numbers, which is
    enough for those that do not."""
    kinds = ["introduced" in event for event in events]
    if all(kind == (index % 2 == 0) for index, kind in enumerate(kinds)):
        return events
    numbers = [re.findall(r"\d+", version) for event in events for version in event.values()]
    order = sorted(range(len(events)), key=lambda index: [int(number) for number in numbers[index]])
    return [events[index] for index in order]


def within(version: str, start: str, end: str, inclusive: bool) -> bool:
    """PyPI's records list what their ranges say as well; such versions add nothing."""
    try:
        parsed = Version(version)
        if start != "0" and parsed < Version(start):
            return False
        return not end or parsed < Version(end) or inclusive and parsed == Version(end)
    except InvalidVersion:
        return False


def advisory_of_ruby(item):
    path, record = item
    names = ruby_names(path, record)
    fixes = [
        fix("gem", record["gem"], span)
        for span in gem_ranges.affected(
            record.get("patched_versions") or [], record.get("unaffected_versions") or []
        )
    ]
    return advisory(names[0], names[1:], fixes)


def ruby_names(path: Path, record: dict) -> list:
    names = []
    if record.get("cve"):
        names.append(f"CVE-{record['cve']}")
    if record.get("ghsa"):
        names.append(f"GHSA-{record['ghsa']}")
    return names or [f"{record['gem']}/{path.stem}"]


def advisory_of_node(item):
    path, record = item
    fixes = [
        fix("npm", record["module_name"], ", ".join(gem_ranges.conditions(part)))
        for part in (record.get("vulnerable_versions") or "").split("||")
        if part.strip()
    ]
    return advisory(f"NSWG-ECO-{path.stem}", record.get("cves") or [], fixes)


def advisory_of_php(item):
    path, record = item
    name = record["reference"].removeprefix("composer://")
    fixes = [
        fix("composer", name, ", ".join(versions))
        for branch in record["branches"].values()
        if (versions := branch["versions"])
    ]
    return advisory(php_name(path), [record["cve"]] if record.get("cve") else [], fixes)


def php_name(path: Path) -> str:
    return path.stem if path.stem.startswith("CVE-") else "/".join(("FriendsOfPHP", *path.parts[-3:-1], path.stem))


def of_facts(distribution: str, scheme: str, facts: list):
    grouped = defaultdict(list)
    for fact in facts:
        grouped[fact.release, fact.vulnerability].append(fact)
    for (release, vulnerability), group in grouped.items():
        namespace = f"{distribution}:{release}"
        fixes = [(fact.package, fact.fixed, "") for fact in group]
        yield os_record(namespace, vulnerability, scheme, fixes)


def os_record(namespace: str, vulnerability: str, scheme: str, fixes: list):
    document = {
        "Name": vulnerability,
        "NamespaceName": namespace,
        "Severity": "Medium",
        "Description": "",
        "Link": "",
        "Metadata": {},
        "FixedIn": [
            {
                "Name": package,
                "NamespaceName": namespace,
                "Version": fixed or "None",
                "VersionFormat": scheme,
                "VulnerableRange": span,
            }
            for package, fixed, span in fixes
        ],
    }
    return f"{namespace}/{vulnerability}", {"Vulnerability": document}


def of_azure(definitions: list):
    grouped = defaultdict(list)
    signs = {"less than": "<", "less than or equal": "<=", "greater than": ">"}
    for definition in definitions:
        if definition.patchable.lower() == "not applicable" or not definition.tests:
            continue
        namespace = f"{'azurelinux' if definition.family == 'azure' else 'mariner'}:{definition.release}"
        fixed = [test[3] for test in definition.tests if test[2] == "less than"]
        span = ", ".join(f"{signs[operation]} {version}" for _, _, operation, version in definition.tests)
        grouped[namespace, definition.cve].append(
            (definition.tests[0][1], fixed[0] if fixed and definition.patchable == "true" else "", span)
        )
    for (namespace, vulnerability), fixes in grouped.items():
        yield os_record(namespace, vulnerability, "rpm", fixes)
