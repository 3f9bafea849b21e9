#!/usr/bin/env python3
"""Compares the packages that Tallyman, Syft and Trivy find in the same images.

    benches/images.sh IMAGES
    cargo build --release -p tallyman
    tests/differential/compare.py --images IMAGES --syft PATH --trivy PATH [--write] [NAME...]

A package that a peer finds and Tallyman does not is a fault, unless `known.tsv` explains it. With
`--write` the result becomes `docs/differential.md`. Exits with 1 if something is unexplained.
"""

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE.parent))

from differential import known, page, scanners  # noqa: E402 (needs the line above)


@dataclass(frozen=True)
class Difference:
    """A package that a peer lists and Tallyman does not."""

    tool: str
    package: object
    places: tuple
    reason: str


@dataclass(frozen=True)
class Comparison:
    """One ecosystem of one image."""

    image: str
    ecosystem: str
    counts: dict
    differences: tuple
    # What Tallyman lists and no peer does.
    only_tallyman: tuple

    def unexplained(self) -> list:
        return [difference for difference in self.differences if not difference.reason]


def main() -> int:
    given = arguments()
    ours = scanners.tallyman(given.tallyman)
    peers = [scanners.syft(given.syft), scanners.trivy(given.trivy)]
    explanations = known.read(HERE / "known.tsv")
    names = given.names or sorted(path.parent.name for path in given.images.glob("[!.]*/index.json"))
    used = set()
    comparisons = []
    for name in names:
        layout = given.images / name
        found = {ours.name: ours.inventory(layout, None)}
        for peer in peers:
            found[peer.name] = peer.inventory(layout, given.kept)
        comparisons += compare(name, found, explanations, used)
    for comparison in comparisons:
        print_comparison(comparison, given.show_ours)
    if not given.names:
        for explanation in explanations:
            if explanation not in used:
                print(f"explains nothing any more: {explanation}", file=sys.stderr)
    if given.write:
        page.write(ROOT / "docs/differential.md", [ours, *peers], comparisons)
    missing = sum(len(comparison.unexplained()) for comparison in comparisons)
    print(f"{missing} unexplained in {len(names)} images")
    return 1 if missing else 0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="images [default: all]")
    parser.add_argument("--images", type=Path, required=True, help="where benches/images.sh made them")
    parser.add_argument("--tallyman", type=Path, default=ROOT / "target/release/tallyman")
    parser.add_argument("--syft", type=Path, required=True)
    parser.add_argument("--trivy", type=Path, required=True)
    parser.add_argument("--kept", type=Path, default=ROOT / "target/differential",
                        help="where what the peers said is kept [default: %(default)s]")
    parser.add_argument("--show-ours", action="store_true",
                        help="list as well what only Tallyman finds")
    parser.add_argument("--write", action="store_true", help="write docs/differential.md")
    return parser.parse_args()


def compare(image: str, found: dict, explanations: list, used: set) -> list:
    """Compares one image, ecosystem by ecosystem."""
    ecosystems = sorted(set().union(*(inventory.ecosystems() for inventory in found.values())))
    comparisons = []
    for ecosystem in ecosystems:
        sets = {tool: inventory.of(ecosystem) for tool, inventory in found.items()}
        peers = [tool for tool in sets if tool != "tallyman"]
        differences = []
        for tool in peers:
            for package in sorted(sets[tool] - sets["tallyman"]):
                places = tuple(sorted(found[tool].places[package]))
                reason = explain(image, tool, package, places, explanations, used)
                differences.append(Difference(tool, package, places, reason))
        comparisons.append(
            Comparison(
                image,
                ecosystem,
                {tool: len(packages) for tool, packages in sets.items()},
                tuple(differences),
                tuple(
                    (package, tuple(sorted(found["tallyman"].places[package])))
                    for package in sorted(sets["tallyman"].difference(*(sets[t] for t in peers)))
                ),
            )
        )
    return comparisons


def explain(image, tool, package, places, explanations, used) -> str:
    for explanation in explanations:
        if explanation.covers(image, tool, package, places):
            used.add(explanation)
            return explanation.reason
    return ""


def print_comparison(comparison: Comparison, show_ours: bool):
    counts = ", ".join(f"{tool} {count}" for tool, count in comparison.counts.items())
    explained = len(comparison.differences) - len(comparison.unexplained())
    print(f"{comparison.image} {comparison.ecosystem}: {counts}; {explained} explained, "
          f"{len(comparison.unexplained())} not; {len(comparison.only_tallyman)} only tallyman")
    for difference in comparison.unexplained():
        shown = difference.package
        where = ", ".join(f"{place.path} [{place.layer[:19]}]" for place in difference.places[:3])
        print(f"  only {difference.tool}: {shown.name} {shown.version or '(no version)'}  {where}")
    if show_ours:
        for package, places in comparison.only_tallyman:
            print(f"  only tallyman: {package.name} {package.version}  {places[0].path}")


if __name__ == "__main__":
    sys.exit(main())
