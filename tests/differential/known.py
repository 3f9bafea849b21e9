"""The differences that have an explanation, from `known.tsv`."""

from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from support import known_table

COLUMNS = ("image", "ecosystem", "tool", "name", "version", "path", "reason")


@dataclass(frozen=True)
class Explanation:
    """Why a peer lists something that Tallyman does not; each column but the last is a pattern."""

    image: str
    ecosystem: str
    tool: str
    name: str
    version: str
    path: str
    reason: str

    def covers(self, image: str, tool: str, package, places) -> bool:
        """Tells whether it speaks of the package, in each of the places where the peer saw it."""
        told = (image, package.ecosystem, tool, package.name, package.version)
        patterns = (self.image, self.ecosystem, self.tool, self.name, self.version)
        return all(map(fnmatchcase, told, patterns)) and all(
            fnmatchcase(place.path, self.path) for place in places
        )


def read(path: Path) -> list:
    return [Explanation(*fields) for fields in known_table.read(path, COLUMNS)]
