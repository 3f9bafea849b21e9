"""Lays the records out in the folders that Trivy's database builder reads, and builds the database."""

import json
import shutil
import subprocess
from collections import defaultdict
from pathlib import Path

from differential.advisories import records as forms

HERE = Path(__file__).resolve().parent


def build(records: forms.Records, folder: Path, program: Path) -> Path:
    """Makes `folder/db`, a cache directory's part."""
    trees = folder / "trees"
    shutil.rmtree(trees, ignore_errors=True)
    for feed in ("pypa", "govulndb", "rustsec", "drupal"):
        lay_osv(records.osv[feed], trees / feed)
    lay_osv(records.osv["ghsa"], trees / "ghsa/advisories/github-reviewed")
    (trees / "cocoapods-specs/Specs").mkdir(parents=True)
    lay_debian(records.debian, trees / "vuln-list-debian/tracker")
    lay_alpine(records.alpine, trees / "vuln-list/alpine")
    lay_alma(records.osv["alma"], trees / "vuln-list/alma")
    lay_azure(records.azure, trees / "vuln-list")
    (trees / "ruby-advisory-db").symlink_to(records.folder.resolve() / "ruby")
    (trees / "nodejs-security-wg").symlink_to(records.folder.resolve() / "node")
    shutil.copytree(records.folder / "php", trees / "php-security-advisories")
    made = folder / "db"
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir(parents=True)
    with (folder / "build.log").open("w") as log:
        subprocess.run([program, trees, made], check=True, stdout=log, stderr=log)
    return folder


def write(path: Path, document) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document))


def lay_osv(records: list, folder: Path) -> None:
    for record in records:
        # The builder wants the field, and reads dates where there are any.
        write(folder / f"{record['id']}.json", {"database_specific": {}, **record})


def lay_debian(facts: list, folder: Path) -> None:
    """As the tracker's CVE list: an annotation for each package and release."""
    releases = {number: name for name, number in forms.DEBIAN_RELEASES.items()}
    write(
        folder / "distributions.json",
        {name: {"major-version": number} for number, name in releases.items()},
    )
    (folder / "source").mkdir()
    (folder / "updates-source").mkdir()
    for kind in ("DSA", "DLA"):
        (folder / kind).mkdir()
    by_vulnerability = defaultdict(list)
    for fact in facts:
        by_vulnerability[fact.vulnerability].append(
            {
                "Type": "package",
                "Release": releases[fact.release],
                "Package": fact.package,
                "Kind": "fixed",
                "Version": fact.fixed,
            }
        )
    for vulnerability, annotations in by_vulnerability.items():
        bug = {"Header": {"ID": vulnerability}, "Annotations": annotations}
        write(folder / f"CVE/{vulnerability}.json", bug)


def lay_alpine(facts: list, folder: Path) -> None:
    packages = defaultdict(lambda: defaultdict(list))
    for fact in facts:
        packages[fact.release, fact.record, fact.package][fact.fixed].append(fact.vulnerability)
    for (release, record, package), fixes in packages.items():
        document = {"name": package, "secfixes": fixes, "distroversion": f"v{release}"}
        write(folder / record / f"{package}.json", document)


def lay_alma(records: list, folder: Path) -> None:
    """As AlmaLinux's errata, of which the OSV records are made."""
    for record in records:
        by_release = defaultdict(list)
        for affected in record["affected"]:
            release = affected["package"]["ecosystem"].partition(":")[2]
            for version in fixed_versions(affected):
                epoch, _, rest = version.rpartition(":")
                version, _, revision = rest.partition("-")
                by_release[release].append(
                    {
                        "name": affected["package"]["name"],
                        "epoch": epoch or "0",
                        "version": version,
                        "release": revision,
                        "arch": "x86_64",
                    }
                )
        for release, packages in by_release.items():
            references = [{"type": "cve", "id": name} for name in record.get("related", [])]
            erratum = {"updateinfo_id": record["id"], "references": references}
            erratum["pkglist"] = {"packages": packages}
            year = record["id"].split("-")[1].split(":")[0]
            write(folder / release / year / f"{record['id']}.json", erratum)


def fixed_versions(affected: dict) -> list:
    events = [event for span in affected.get("ranges") or [] for event in span["events"]]
    return [event["fixed"] for event in events if "fixed" in event]


def lay_azure(definitions: list, folder: Path) -> None:
    parts = defaultdict(lambda: ([], [], []))
    for definition in definitions:
        place = folder / definition.family / definition.release
        tests, objects, states = parts[place]
        criteria = []
        for ref, package, operation, version in definition.tests:
            criteria.append({"TestRef": ref})
            objects.append({"ID": f"{ref}-o", "Name": package})
            evr = {"Text": version, "Datatype": "evr_string", "Operation": operation}
            states.append({"ID": f"{ref}-s", "Evr": evr})
            tests.append(
                {
                    "Check": "at least one",
                    "ID": ref,
                    "Object": {"ObjectRef": f"{ref}-o"},
                    "State": {"StateRef": f"{ref}-s"},
                }
            )
        metadata = {
            "Title": definition.title,
            "Reference": {"RefID": definition.cve},
            "Patchable": definition.patchable,
            "Severity": definition.severity,
        }
        document = {"ID": definition.id, "Metadata": metadata, "Criteria": {"Criterion": criteria}}
        write(place / f"definitions/x/{definition.id}.json", document)
    for place, (tests, objects, states) in parts.items():
        write(place / "tests/tests.json", {"RpminfoTests": tests})
        write(place / "objects/objects.json", {"RpminfoObjects": objects})
        write(place / "states/states.json", {"RpminfoState": states})
