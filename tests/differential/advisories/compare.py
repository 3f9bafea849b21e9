#!/usr/bin/env python3
"""Compares what Tallyman, Trivy and Grype find by the same advisories in the same bills of materials.

    benches/images.sh IMAGES
    cargo build --release -p tallyman
    tests/differential/advisories/compare.py --data ARCHIVES --images IMAGES \\
        --syft PATH --trivy PATH --grype PATH [--write] [NAME...]

The peers' databases are made of the records that Tallyman imports, by the database builders of the
peers' own projects (Go modules; the Go command must be there). `--write` puts the tables into
`docs/matching.md`. Exits with 1 if a difference has no explanation in `known.tsv`.
"""

import argparse
import json
import shutil
import subprocess
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent.parent
sys.path.insert(0, str(HERE.parent.parent))

from differential.advisories import (  # noqa: E402 (needs the line above)
    boms,
    grype_workspaces,
    identity,
    images,
    known,
    page,
    records as forms,
    scanners,
    tallyman_data,
    trivy_tree,
)

MODULES = {
    "trivydb": "github.com/aquasecurity/trivy-db@v0.0.0-20260813095258-0e0340a01b57",
    "grypedb": "github.com/anchore/grype@v0.121.2",
}


@dataclass(frozen=True)
class Difference:
    """A vulnerability in a package that some of the scanners find and others do not."""

    bill: str
    package: tuple
    vulnerability: str
    # What those say that find it, by scanner.
    told: dict
    # The scanners that do not find it.
    silent: tuple

    def shape(self) -> str:
        """Such as `trivy+grype`: who finds it."""
        return "+".join(self.told)


@dataclass(frozen=True)
class Comparison:
    """One bill of materials."""

    bill: str
    components: int
    counts: dict
    agreed: int
    differences: tuple


def main() -> int:
    given = arguments()
    work = given.work
    records = forms.read(given.data, work / "unpacked")
    aliases = identity.Aliases(records)
    tools = [
        scanners.tallyman(given.tallyman, tallyman_data.build(records, given, work / "tallyman")),
    ]
    if given.trivy:
        cache = kept(work / "trivy", lambda folder: trivy_tree.build(records, folder, builder(work, "trivydb")))
        tools.append(scanners.trivy(given.trivy, cache))
    if given.grype:
        cache = kept(work / "grype", lambda folder: grype_workspaces.build(records, folder, builder(work, "grypedb")))
        tools.append(scanners.grype(given.grype, cache))
    bills = boms.write_all(records, work / "boms")
    if given.images:
        bills |= images.write_all(given.images, given.syft, work / "images")
    explanations = known.read(HERE / "known.tsv")
    comparisons = []
    for name, path in bills.items():
        if given.names and name not in given.names:
            continue
        comparison = compare(name, path, tools, aliases)
        comparisons.append(comparison)
        report(comparison, explanations, given.show)
    if given.write:
        page.write(ROOT / "docs/matching.md", tools, comparisons, explanations)
    missing = sum(
        known.explain(one, explanations) is None for each in comparisons for one in each.differences
    )
    print(f"{missing} unexplained in {len(comparisons)} bills of materials")
    return 1 if missing else 0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="bills of materials [default: all]")
    parser.add_argument("--data", type=Path, required=True, help="the archives of records")
    parser.add_argument("--images", type=Path, help="where benches/images.sh made images")
    parser.add_argument("--tallyman", type=Path, default=ROOT / "target/release/tallyman")
    parser.add_argument("--syft", type=Path)
    parser.add_argument("--trivy", type=Path)
    parser.add_argument("--grype", type=Path)
    parser.add_argument("--work", type=Path, default=ROOT / "target/advisories",
                        help="where databases and bills are kept [default: %(default)s]")
    parser.add_argument("--show", type=int, default=10, help="differences to show of each kind")
    parser.add_argument("--write", action="store_true", help="write the tables into docs/matching.md")
    given = parser.parse_args()
    if given.write and given.names:
        parser.error("--write takes all bills of materials: the page has them all")
    return given


def kept(folder: Path, make) -> Path:
    """Makes a database once; removing the folder makes it be made again."""
    if not (folder / "made").is_file():
        make(folder)
        (folder / "made").touch()
    return folder


def builder(work: Path, name: str) -> Path:
    """Builds one of the two small programs around the peers' database builders."""
    folder = work / "builders" / name
    program = folder / name
    if not program.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(HERE / name / "main.go", folder)
        for command in (
            ["mod", "init", "advisories"],
            ["get", MODULES[name]],
            ["mod", "tidy"],
            ["build", "-o", program, "."],
        ):
            if command[0] == "mod" and command[1] == "init" and (folder / "go.mod").exists():
                continue
            subprocess.run(["go", *command], cwd=folder, check=True)
    return program


# Grype judges AlmaLinux by Red Hat's records, from which AlmaLinux's only take away.
WITHOUT = {"almalinux": "grype"}


def compare(name: str, bill: Path, tools: list, aliases: identity.Aliases) -> Comparison:
    tools = [tool for tool in tools if WITHOUT.get(name.partition("-")[0]) != tool.name]
    found = {tool.name: tool.findings(bill, aliases) for tool in tools}
    every = set().union(*found.values())
    differences = []
    for key in sorted(every):
        told = {tool: one[key] for tool, one in found.items() if key in one}
        silent = tuple(tool for tool, one in found.items() if key not in one)
        if silent:
            differences.append(Difference(name, *key, told, silent))
    return Comparison(
        name,
        len(json.loads(bill.read_text())["components"]),
        {tool: len(one) for tool, one in found.items()},
        len(every) - len(differences),
        tuple(differences),
    )


def report(comparison: Comparison, explanations: list, show: int) -> None:
    counts = ", ".join(f"{tool} {count}" for tool, count in comparison.counts.items())
    print(f"{comparison.bill} ({comparison.components} components): {counts}; "
          f"{comparison.agreed} the same, {len(comparison.differences)} not", flush=True)
    shapes = defaultdict(list)
    for difference in comparison.differences:
        if known.explain(difference, explanations) is None:
            shapes[difference.shape()].append(difference)
    for shape, found in sorted(shapes.items()):
        print(f"  only {shape}: {len(found)} unexplained")
        for one in found[:show]:
            told = "; ".join(f"{tool}: {detail}" for tool, detail in one.told.items())
            print(f"    {' '.join(one.package)} {one.vulnerability}  [{told}]")


if __name__ == "__main__":
    sys.exit(main())
