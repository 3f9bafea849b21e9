"""The differences that have an explanation, from `known.tsv`."""

from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from support import known_table

COLUMNS = ("found by", "bill", "package", "version", "vulnerability", "record", "reason")


@dataclass(frozen=True)
class Explanation:
    """Why scanners differ; the first five columns are patterns as of a shell."""

    found_by: str
    bill: str
    package: str
    version: str
    vulnerability: str
    # A record that shows it.
    record: str
    reason: str

    def covers(self, difference) -> bool:
        _, package, version = difference.package
        told = (difference.shape(), difference.bill, package, version, difference.vulnerability)
        patterns = (self.found_by, self.bill, self.package, self.version, self.vulnerability)
        return all(
            any(fnmatchcase(one, part) for part in pattern.split("|"))
            for one, pattern in zip(told, patterns)
        )


def explain(difference, explanations: list):
    return next((one for one in explanations if one.covers(difference)), None)


def read(path: Path) -> list:
    return [Explanation(*fields) for fields in known_table.read(path, COLUMNS)]
