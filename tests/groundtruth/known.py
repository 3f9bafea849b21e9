"""The differences that have an explanation, from `known.tsv`."""

from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from support import known_table

COLUMNS = ("check", "ecosystem", "package", "version", "kind", "id", "reason")


@dataclass(frozen=True)
class Explanation:
    """Why the two computations differ; each column but the last is a pattern as of a shell."""

    patterns: tuple
    reason: str


def read(path: Path) -> list:
    return [Explanation(tuple(fields[:-1]), fields[-1]) for fields in known_table.read(path, COLUMNS)]


_ALL = read(Path(__file__).with_name("known.tsv"))


def reason(check: str, ecosystem: str, package, version: str, kind: str, identifier: str) -> str:
    """Why a difference is right, or nothing."""
    told = (check, ecosystem, getattr(package, "name", package), version, kind, identifier)
    for explanation in _ALL:
        if all(map(fnmatchcase, told, explanation.patterns)):
            return explanation.reason
    return ""
