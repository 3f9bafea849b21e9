"""Runs the scanners on a bill of materials: each gives a set of (package, vulnerability)."""

import hashlib
import json
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from differential.advisories.identity import Aliases, package_of


@dataclass(frozen=True)
class Scanner:
    """A program and its advisories."""

    name: str
    command: tuple
    environment: dict
    accepted: tuple
    read: object
    # Where it is kept what a peer said, which says the same again.
    kept: Path | None = None
    # What is spelled in another way for it.
    spelled: tuple = ()

    def findings(self, bill: Path, aliases: Aliases) -> dict:
        """What the scanner says, by (package, vulnerability)."""
        found = {}
        for purl, name, detail in self.said(bill):
            for vulnerability in aliases.of(name):
                found.setdefault((package_of(purl), vulnerability), detail)
        return found

    def said(self, bill: Path) -> list:
        if self.kept is None:
            return self.run(bill)
        identity = hashlib.sha256(bill.read_bytes()).hexdigest()[:16]
        path = self.kept / f"said/{bill.stem}-{identity}.json"
        if not path.is_file():
            path.parent.mkdir(exist_ok=True)
            path.write_text(json.dumps(self.run(bill)))
        return json.loads(path.read_text())

    def run(self, bill: Path) -> list:
        given = bill
        if any(word in bill.read_text() for word, _ in self.spelled):
            given = self.kept / "bill.cdx.json"
            text = bill.read_text()
            for word, other in self.spelled:
                text = text.replace(word, other)
            given.write_text(text)
        done = subprocess.run(
            [word.format(bill=given) for word in self.command],
            capture_output=True,
            env={**os.environ, **self.environment},
        )
        if done.returncode not in self.accepted:
            told = done.stderr.decode(errors="replace")[-2000:]
            raise SystemExit(f"{self.name} ended with {done.returncode} on {bill}:\n{told}")
        return list(self.read(json.loads(done.stdout)))

    def version(self) -> str:
        """The version that the program says, or that of its module if Go built it from that."""
        for command in ([self.command[0], "--version"], ["go", "version", "-m", self.command[0]]):
            told = subprocess.run(command, capture_output=True, text=True).stdout
            line = next((line for line in told.splitlines() if "\tmod\t" in line), told)
            if matched := re.search(r"\d+\.\d+\.\d+\S*", line):
                return matched[0]
        return "unknown"


def tallyman(program: Path, data: Path) -> Scanner:
    command = (str(program), "scan", "sbom:{bill}", "--format", "json", "--data", str(data))
    return Scanner("tallyman", command, {}, (0, 3), of_tallyman)


def of_tallyman(report: dict):
    for package in report.get("packages") or []:
        for finding in package["findings"]:
            detail = f"{finding['advisory']} {finding.get('matched', '')}"
            yield package["purl"], finding["id"], detail


def trivy(program: Path, cache: Path) -> Scanner:
    command = (str(program), "sbom", "{bill}", "--format", "json", "--cache-dir", str(cache))
    command += ("--skip-db-update", "--skip-java-db-update", "--offline-scan", "--timeout", "60m")
    command += ("--skip-version-check", "--scanners", "vuln")
    # Trivy takes packages of a distribution only if they bear its own name of it.
    spelled = (
        ("pkg:rpm/almalinux/", "pkg:rpm/alma/"),
        ('"name": "almalinux"', '"name": "alma"'),
        ("pkg:rpm/mariner/", "pkg:rpm/cbl-mariner/"),
    )
    return Scanner("trivy", command, {}, (0,), of_trivy, cache, spelled)


def of_trivy(report: dict):
    for result in report.get("Results") or []:
        for one in result.get("Vulnerabilities") or []:
            purl = one["PkgIdentifier"].get("BOMRef") or one["PkgIdentifier"]["PURL"]
            detail = f"{one.get('DataSource', {}).get('ID', '')} fixed {one.get('FixedVersion', '')}"
            yield purl, one["VulnerabilityID"], detail


def grype(program: Path, cache: Path) -> Scanner:
    environment = {
        "GRYPE_DB_CACHE_DIR": str(cache),
        "GRYPE_DB_AUTO_UPDATE": "false",
        "GRYPE_DB_VALIDATE_AGE": "false",
        "GRYPE_CHECK_FOR_APP_UPDATE": "false",
    }
    command = (str(program), "sbom:{bill}", "--output", "json", "--quiet")
    return Scanner("grype", command, environment, (0,), of_grype, cache)


def of_grype(report: dict):
    for match in report["matches"]:
        vulnerability, artifact = match["vulnerability"], match["artifact"]
        detail = f"{vulnerability['id']} {vulnerability['namespace']}"
        yield artifact["purl"], vulnerability["id"], detail
