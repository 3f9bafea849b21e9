"""A plain reading of what is published about vulnerabilities: CISA's catalogue, EPSS, and CVE records
with CISA's additions. It shares no code with the product, and CVSS is computed by a library of others.
"""

import json
import re
import subprocess
import tarfile
from dataclasses import dataclass, field
from pathlib import Path

from cvss import CVSS2, CVSS3, CVSS4
from cvss.exceptions import CVSSError

from support.paths import REPOSITORY

_DATA = REPOSITORY.parent / "shared" / "data" / "other"
KEV = _DATA / "kev.tar.zst"
EPSS = _DATA / "epss-2026-08-16.tar.zst"
RECORDS = _DATA / "vulnrichment-2024-10.tar.zst"
ARCHIVES = (KEV, EPSS, RECORDS)

_EXPLOITATION = ("none", "poc", "active")
# The newest version first.
_VERSIONS = (
    ("cvssV4_0", CVSS4),
    ("cvssV3_1", CVSS3),
    ("cvssV3_0", CVSS3),
    ("cvssV2_0", CVSS2),
)
# By which numbering authorities rate in place of CVSS.
_WORDS = {
    "critical": "critical",
    "important": "high",
    "high": "high",
    "moderate": "medium",
    "medium": "medium",
    "low": "low",
}
_SEVERITIES = ((9.0, "critical"), (7.0, "high"), (4.0, "medium"), (0.1, "low"), (0.0, "negligible"))


def members(archive: Path, ending: str):
    """Yields (name, bytes) of the files in an archive."""
    process = subprocess.Popen(["zstd", "-dcq", str(archive)], stdout=subprocess.PIPE)
    with tarfile.open(fileobj=process.stdout, mode="r|") as tar:
        for entry in tar:
            if entry.isfile() and entry.name.endswith(ending):
                yield entry.name, tar.extractfile(entry).read()
    assert process.wait() == 0


@dataclass
class Known:
    """What is published, by CVE."""

    kev: dict = field(default_factory=dict)
    epss: dict = field(default_factory=dict)
    exploitation: dict = field(default_factory=dict)
    cwes: dict = field(default_factory=dict)
    scores: dict = field(default_factory=dict)
    words: dict = field(default_factory=dict)


def read() -> Known:
    """Reads all three."""
    known = Known()
    for _, text in members(KEV, "known_exploited_vulnerabilities.json"):
        for entry in json.loads(text)["vulnerabilities"]:
            cve = entry["cveID"]
            known.kev[cve] = {
                "added": entry["dateAdded"],
                "due": entry["dueDate"],
                "ransomware": entry["knownRansomwareCampaignUse"] == "Known",
            }
            known.cwes.setdefault(cve, set()).update(_numbers(entry.get("cwes", [])))
    for _, text in members(EPSS, ".csv"):
        for line in text.decode().splitlines():
            cve, probability, percentile = re.split("[,;]", line)[:3]
            if cve.startswith("CVE-"):
                known.epss[cve] = (round(float(probability), 5), round(float(percentile), 5))
    for _, text in members(RECORDS, ".json"):
        record = json.loads(text)
        if record.get("cveMetadata", {}).get("state") == "PUBLISHED":
            _read_record(record, known)
    return known


def _read_record(record: dict, known: Known):
    cve = record["cveMetadata"]["cveId"]
    own, others = record["containers"]["cna"], record["containers"].get("adp", [])
    for container in [own, *others]:
        for problem in container.get("problemTypes", []):
            for text in problem["descriptions"]:
                words = [text.get("cweId", ""), text.get("description", "")]
                known.cwes.setdefault(cve, set()).update(_numbers(words))
        for metric in container.get("metrics", []):
            word = _exploitation(metric.get("other", {}))
            if word is not None:
                before = known.exploitation.get(cve, "none")
                known.exploitation[cve] = max(before, word, key=_EXPLOITATION.index)
    score = _score([own])
    score = _score(others) if score is None else score
    if score is not None:
        known.scores[cve] = score
    for metric in own.get("metrics", []):
        content = metric.get("other", {}).get("content", {})
        word = str(content.get("text") or content.get("value") or "").lower()
        if word in _WORDS:
            known.words.setdefault(cve, _WORDS[word])


def _exploitation(other: dict) -> str | None:
    if other.get("type") == "kev":
        return "active"
    if other.get("type") != "ssvc":
        return None
    options = other["content"]["options"]
    return next((it["Exploitation"].lower() for it in options if "Exploitation" in it), None)


def _numbers(texts) -> set:
    return {int(found[1]) for text in texts if (found := re.match(r"CWE-(\d+)", text or ""))}


def _score(containers: list) -> float | None:
    """The highest base score of the newest version."""
    metrics = [metric for container in containers for metric in container.get("metrics", [])]
    for key, version in _VERSIONS:
        scores = [_base_score(version, m[key].get("vectorString")) for m in metrics if key in m]
        scores = [score for score in scores if score is not None]
        if scores:
            return max(scores)
    return None


def _base_score(version, vector: str | None) -> float | None:
    try:
        return float(version(vector or "").base_score)
    except CVSSError:
        return None


def rating(known: Known, cve: str) -> tuple:
    """Severity and score that the record of a CVE gives."""
    score = known.scores.get(cve)
    if score is None:
        return known.words.get(cve, "unknown"), None
    return next(word for least, word in _SEVERITIES if score >= least), score


def threat(known: Known, cve: str) -> str:
    """What docs/priority.md says of the likelihood of exploitation, row by row."""
    likelihood = known.epss.get(cve, (0.01, None))[0]
    exploitation = known.exploitation.get(cve)
    if cve in known.kev:
        return "ransomware" if known.kev[cve]["ransomware"] else "known_exploited"
    if exploitation == "active":
        return "exploited"
    if likelihood >= 0.1:
        return "likely"
    if exploitation == "poc":
        return "proof_of_concept"
    return "possible" if likelihood >= 0.01 else "unlikely"


_COLUMNS = ("critical", "high", "medium", "low", "negligible")
_CLASSES = {
    "ransomware": "asap asap asap asap later",
    "known_exploited": "asap asap asap asap later",
    "exploited": "asap asap asap asap later",
    "likely": "asap asap later later nntf",
    "proof_of_concept": "asap later later nntf nntf",
    "possible": "asap later later nntf nntf",
    "unlikely": "later later nntf nntf nntf",
}


def priority(threat: str, severity: str, fix_state: str, fixed_version: str | None) -> str:
    """The class that docs/priority.md has in its table."""
    column = _COLUMNS.index("medium" if severity == "unknown" else severity)
    found = _CLASSES[threat].split()[column]
    is_refused = fixed_version is None and fix_state == "will_not_fix"
    if is_refused and threat in ("proof_of_concept", "possible", "unlikely"):
        return {"asap": "later"}.get(found, "nntf")
    return found
