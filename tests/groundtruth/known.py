"""The differences that have an explanation, from `known.tsv`."""

from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

COLUMNS = ("check", "ecosystem", "package", "version", "kind", "id", "reason")


@dataclass(frozen=True)
class Explanation:
    """Why the two computations differ; each column but the last is a pattern as of a shell."""

    patterns: tuple
    reason: str


def read(path: Path) -> list:
    """Reads the table; lines that begin with `#` say something about those below."""
    explanations = []
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        fields = line.split("\t")
        if len(fields) != len(COLUMNS) or not fields[-1].strip():
            raise SystemExit(f"{path}:{number}: give {len(COLUMNS)} fields: {', '.join(COLUMNS)}")
        explanations.append(Explanation(tuple(fields[:-1]), fields[-1]))
    return explanations


_ALL = read(Path(__file__).with_name("known.tsv"))


def reason(check: str, ecosystem: str, package, version: str, kind: str, identifier: str) -> str:
    """Why a difference is right, or nothing."""
    told = (check, ecosystem, getattr(package, "name", package), version, kind, identifier)
    for explanation in _ALL:
        if all(map(fnmatchcase, told, explanation.patterns)):
            return explanation.reason
    return ""
