"""The findings on real images equal those of a computation that shares nothing with the program.

Each image holds old packages that their ecosystem's own tool installed (`installed.py`), and that
tool's inventory. The published records are imported as they are and read once more
(`claims.py`); which of them hold is decided by the ecosystem's own tools (`orders.py`). Compared are the
packages, and of each finding all names of the vulnerability and the version that is rid of it.
"""

from collections import defaultdict
from dataclasses import dataclass
from typing import Callable

import pytest

from groundtruth import archives, claims, installed, known, verdicts
from groundtruth.orders import Judge
from images.oci_builder import LayerTar, write_layout
from support.installation import Installation

archives.require()

ARCHIVES = [
    "alpine/alpine-secdb-2020.tar.zst",
    "debian/changelog-fixed-bookworm.jsonl",
    "debian/changelog-fixed-bullseye.jsonl",
    "osv/almalinux.tar.zst",
    "osv/drupal.tar.zst",
    "osv/extracted-from-peer-testdata.tar.zst",
    "osv/go.tar.zst",
    "osv/pypi.tar.zst",
    "osv/rustsec.tar.zst",
    "other/friendsofphp.tar.zst",
    "other/nodejs-security-wg.tar.zst",
    "other/ruby-advisory-db.tar.zst",
]


@dataclass(frozen=True)
class Installed:
    """A package version: as it is listed, and as advisories speak of it."""

    name: str
    version: str
    source: str = ""
    source_version: str = ""
    module: str | None = None


@dataclass(frozen=True)
class Case:
    """An image with packages of one ecosystem, and how many findings it has at least."""

    ecosystem: str
    layer: Callable
    inventory: Callable
    least: int
    release: str = ""

    def __str__(self) -> str:
        return self.release.replace(":", " ") or self.ecosystem

    def packages(self) -> list:
        return sorted((Installed(*row) for row in self.inventory()), key=str)


def _tree(made: Callable, prefix: str) -> Callable:
    return lambda: LayerTar().tree(made(), prefix)


def _go_layer() -> LayerTar:
    return LayerTar().file("usr/local/bin/old", installed.go_program().read_bytes(), 0o755)


def _alma_layer() -> LayerTar:
    tar = LayerTar().file("etc/os-release", 'ID="almalinux"\nVERSION_ID="8.4"\n')
    return tar.file("var/lib/rpm/rpmdb.sqlite", installed.alma_database().read_bytes())


CASES = [
    Case("pypi", _tree(installed.python, "srv/site-packages"), installed.python_inventory, 600),
    Case("npm", _tree(installed.node, "usr"), installed.node_inventory, 30),
    Case("maven", _tree(installed.maven, "srv/lib"), installed.maven_inventory, 150),
    Case("gem", _tree(installed.gems, "srv/gems"), installed.gem_inventory, 200),
    Case("composer", _tree(installed.composer, "srv/shop"), installed.composer_inventory, 150),
    Case("golang", _go_layer, installed.go_inventory, 100),
    Case("cargo", _tree(installed.crates, "srv/old"), installed.crate_inventory, 50),
    Case("rpm", _alma_layer, installed.alma_inventory, 100, "almalinux:8"),
    *(
        Case(
            "deb",
            _tree(lambda release=release: installed.debian(release), ""),
            lambda release=release: installed.debian_inventory(release),
            least,
            f"debian:{release}",
        )
        for release, least in (("11", 100), ("12", 100))
    ),
]


@pytest.fixture(scope="module")
def told(tmp_path_factory) -> Installation:
    """An installation that knows the published records, as they are."""
    directory = tmp_path_factory.mktemp("told")
    made = Installation(directory / "data")
    # Some records are refused by name, for which the exit code is not 0.
    paths = [archives.DATA / archive for archive in ARCHIVES]
    made.run("db", "import", *paths, timeout=600)
    return made


@pytest.fixture(scope="module")
def claimed() -> dict:
    """What the same records claim, by package."""
    every = claims.of_ruby_advisories() + claims.of_node_security() + claims.of_friends_of_php()
    every += claims.of_debian_changelogs("11", "bullseye") + claims.of_debian_changelogs("12", "bookworm")
    every += claims.of_archives([archive for archive in ARCHIVES if archive.startswith("osv/")])
    return verdicts.by_package(every)


def expected(case: Case, claimed: dict) -> tuple:
    """The findings on each package by the ecosystem's own tools."""
    judge = Judge(case.ecosystem)
    computations = {}
    for package in case.packages():
        name = installed.normalized(case.ecosystem, package.source or package.name)
        about = claimed.get(claims.Package(case.ecosystem, case.release, name), [])
        version = package.source_version or package.version

        def compute(about=about, version=version, module=package.module):
            return verdicts.findings(about, version, judge, module)

        computations[package.name, package.version] = compute
    found = judge.settle(computations)
    undecided = set(computations) - set(found)
    assert not undecided, f"the tools disagree on {sorted(undecided)}"
    return found, judge


def reported(case: Case, report: dict) -> dict:
    """The findings on each package by the program."""
    found = defaultdict(set)
    for package in report["packages"]:
        if package["ecosystem"] != case.ecosystem:
            continue
        told = found[package["name"], package["version"]]
        for finding in package["findings"]:
            names = tuple(sorted({finding["id"], *finding["aliases"]}))
            assert verdicts.cve_of(names) in (None, finding["id"]), "the name is the lowest CVE"
            told.add(verdicts.Finding(names, finding.get("fixed_version") or ""))
    return found


@pytest.mark.parametrize("case", CASES, ids=str)
def test_findings_are_those_of_the_ecosystem_s_own_tools(case, told, claimed, builder, tmp_path):
    layers = [builder.layer(case.layer())]
    layout = write_layout(tmp_path / "layout", {"old:1": builder.image(layers)})
    found = _spelt(case, reported(case, told.scan(layout, timeout=300).json()))
    wanted, judge = expected(case, claimed)
    wanted = _spelt(case, wanted)
    agreed, differences, explained = 0, [], defaultdict(int)
    for package in sorted(set(wanted) | set(found)):
        kinds = {"only expected": wanted.get(package, set()) - found.get(package, set())}
        kinds["only found"] = found.get(package, set()) - wanted.get(package, set())
        agreed += len(wanted.get(package, set()) & found.get(package, set()))
        listed = [("", "package", "only expected")] if package not in found else []
        listed += [("", "package", "only found")] if package not in wanted else []
        listed += [(it, it.label(), kind) for kind, its in kinds.items() for it in sorted(its)]
        for finding, label, kind in listed:
            reason = known.reason("images", str(case), *package, kind, label)
            if reason:
                explained[reason] += 1
            else:
                differences.append(f"{kind}: {' '.join(package)} {label} {finding}")
    print(
        f"{case}: {len(wanted)} package versions, {agreed} findings agree, {len(differences)} differ, "
        f"{sum(explained.values())} differences explained, {judge.asked()} answers of the tool"
    )
    for reason, count in explained.items():
        print(f"    {count}: {reason}")
    shown = "\n".join(differences[:60])
    assert not differences, f"{len(differences)} differ:\n{shown}"
    assert agreed >= case.least, "too few to show anything"


def _spelt(case: Case, findings: dict) -> dict:
    """Findings by packages under their ecosystem's one spelling of names."""
    return {(installed.normalized(case.ecosystem, name), version): its for (name, version), its in findings.items()}
