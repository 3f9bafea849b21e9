"""The OSV schema's evaluation, written plainly and with the ecosystems' own orders, says of every
record and of tens of thousands of package versions what the program says.

The records are the published ones, each under its own id alone: aliases are taken away, so that every
record's verdict shows. The versions are those that the records name, and what lies beside them.
"""

import json
import random
import re
from collections import Counter, defaultdict
from urllib.parse import quote, unquote

import pytest

from groundtruth import archives, claims, known, verdicts
from groundtruth.orders import FIRST, LAST, ORDERS, Judge
from support.installation import Installation

archives.require()

ARCHIVES = [
    "debian/elts-osv.tar.zst",
    "osv/almalinux.tar.zst",
    "osv/cpython-psf.tar.zst",
    "osv/drupal.tar.zst",
    "osv/extracted-from-peer-testdata.tar.zst",
    "osv/go.tar.zst",
    "osv/kubernetes.tar.zst",
    "osv/pypi.tar.zst",
    "osv/r.tar.zst",
    "osv/rustsec.tar.zst",
]
DATABASES = [
    "alpine/alpine-secdb-2020.tar.zst",
    "other/friendsofphp.tar.zst",
    "other/nodejs-security-wg.tar.zst",
    "other/ruby-advisory-db.tar.zst",
]
# Of each package at most so many versions are looked at, drawn by chance, the same in every run.
VERSIONS = {"deb": 7, "pypi": 8, "rpm": 2}
MORE_VERSIONS = 14
LEAST_PAIRS = 20_000

# What lies right beside a version, in the words of each ecosystem.
BESIDE = {
    "apk": ["{}_rc1", "{}.1", "{}-r9"],
    "cargo": ["{}-rc.1", "{}-0", "{}+build"],
    "composer": ["{}-beta1", "{}.1", "{}-RC1", "v{}"],
    "cran": ["{}.1", "{}-1"],
    "deb": ["{}~", "{}+b1", "{}.1", "9:{}"],
    "gem": ["{}.pre1", "{}.1", "{}.0"],
    "golang": ["{}-rc.1", "{}-0.20200101000000-abcdefabcdef", "{}+incompatible"],
    "hackage": ["{}.1", "{}.0"],
    "hex": ["{}-rc.1", "{}-0"],
    "maven": ["{}-SNAPSHOT", "{}.1", "{}-rc1", "{}-1", "{}.Final"],
    "npm": ["{}-rc.1", "{}-0"],
    "nuget": ["{}-preview.1", "{}.1"],
    "pub": ["{}-dev.1"],
    "pypi": ["{}rc1", "{}.dev0", "{}.post1", "{}.0", "{}+local.1", "1!{}"],
    "rpm": ["{}.1", "{}~1", "{}^1", "{}_2"],
    "swift": ["{}-rc.1"],
}


def neighbours(ecosystem: str, version: str) -> list:
    """The version, what is spelt a little longer, and the next lower and higher number."""
    near = [version, *(form.format(version) for form in BESIDE[ecosystem])]
    last = None
    for last in re.finditer(r"[0-9]{1,15}", version):
        pass
    if last is not None:
        for step in (-1, 1):
            number = int(last[0]) + step
            if number >= 0:
                near.append(f"{version[: last.start()]}{number}{version[last.end() :]}")
    return near


def to_be_asked(package: claims.Package, about: list) -> list:
    """(version, module) of a package that are worth asking for."""
    chance = random.Random(f"{package}")
    most = VERSIONS.get(package.ecosystem, MORE_VERSIONS)
    modules = {module for claim in about for module in claim.modules or [None]}
    listed = sorted({version for claim in about for version in claim.test.versions})
    bounds = sorted({at for claim in about for at in claim.test.bounds()})
    near = {it for at in bounds if at not in (FIRST, LAST) for it in neighbours(package.ecosystem, at)}
    near.update(chance.sample(listed, min(len(listed), most // 2)))
    near = sorted(near)
    pairs = [
        (version, module)
        for version in near
        for module in sorted(modules, key=str)
        # What comes from a module says so in its version.
        if (".module" in version) == (module is not None)
    ]
    return chance.sample(pairs, min(len(pairs), most))


def purl(package: claims.Package, version: str, module: str | None) -> str:
    """The package URL that means a package version."""
    name, qualifiers = package.name, {}
    if package.ecosystem == "maven":
        name = name.replace(":", "/")
    if package.release:
        namespace, _, number = package.release.partition(":")
        name = f"{namespace}/{name}"
        qualifiers["distro"] = f"{namespace}-{number}" if number else namespace
    if package.ecosystem == "rpm" and ":" in version:
        qualifiers["epoch"], version = version.split(":", 1)
    if module is not None:
        qualifiers["rpmmod"] = module
    told = "&".join(f"{key}={quote(value, safe='')}" for key, value in qualifiers.items())
    kind = package.ecosystem
    return f"pkg:{kind}/{quote(name, safe='/')}@{quote(version, safe='')}" + (f"?{told}" if told else "")


def meant(purl: str) -> tuple:
    """What a package URL means, however it is spelt."""
    path, _, qualifiers = purl.partition("?")
    told = dict(word.split("=", 1) for word in qualifiers.split("&") if word)
    path = unquote(path)
    # The names of Go's and npm's packages are written in lower case.
    path = path.lower() if path.startswith(("pkg:golang/", "pkg:npm/")) else path
    return path, told.get("epoch", "0"), unquote(told.get("rpmmod", ""))


def bill(purls: list, release: str) -> dict:
    """A bill of materials with one component for each package URL."""
    components = [{"type": "library", "name": it, "purl": it, "bom-ref": it} for it in purls]
    if release:
        name, _, number = release.partition(":")
        system = {"type": "operating-system", "name": name, "version": number}
        components.append({**system, "bom-ref": "os"})
    return {"bomFormat": "CycloneDX", "specVersion": "1.6", "components": components}


def bare(record: dict) -> dict:
    """A record that goes by no other name; distributions' updates keep what they mend, without
    which they would be left out."""
    kept = {key: value for key, value in record.items() if key != "aliases"}
    if not re.match("AL|RL", record["id"]):
        kept.pop("upstream", None)
        kept.pop("related", None)
    # What two databases say outside of the schema is no part of its evaluation.
    for affected in kept["affected"]:
        (affected.get("ecosystem_specific") or {}).pop("custom_ranges", None)
        (affected.get("database_specific") or {}).pop("last_known_affected_version_range", None)
    return kept


@pytest.fixture(scope="module")
def asked(tmp_path_factory) -> tuple:
    """All claims by package, and an installation that knows the records."""
    directory = tmp_path_factory.mktemp("evaluation")
    records = {}
    for archive in ARCHIVES:
        for record in archives.osv_records(archive):
            # Two carriers of one record are one record.
            records.setdefault(record["id"], bare(record))
    (directory / "records.jsonl").write_text("".join(json.dumps(it) + "\n" for it in records.values()))
    installation = Installation(directory / "data")
    installation.run("db", "import", directory / "records.jsonl", timeout=300)
    every = [claim for record in records.values() for claim in claims.of_osv(record, "osv")]
    return verdicts.by_package(every), installation


def expected(packages: dict, ecosystem: str) -> tuple:
    """The records that hold for each package URL, by the tools of an ecosystem."""
    judge = Judge(ecosystem)
    computations, named = {}, {}
    for package, about in packages.items():
        if package.ecosystem != ecosystem:
            continue
        for version, module in to_be_asked(package, about):
            if not is_version(ecosystem, version):
                continue
            told = purl(package, version, module)
            named[told] = (package, version)

            def hold(about=about, version=version, module=module):
                if not judge.is_version(version):
                    return None
                return frozenset(it.id for it in verdicts.holding(about, version, judge, module))

            computations[told] = hold
    held = judge.settle(computations)
    return {told: ids for told, ids in held.items() if ids is not None}, named, judge


def is_version(ecosystem: str, version: str) -> bool:
    """Leaves out what no package of the ecosystem bears."""
    form = {
        # Composer makes four numbers of every version, and the order here does not; see docs/matching.md.
        "composer": r"v?[0-9]+\.[0-9]+\.[0-9]+(-?[A-Za-z]+\.?[0-9]*)?",
        "deb": r"([0-9]:)?[0-9][A-Za-z0-9.+~-]*",
        "rpm": r"([0-9]+:)?[^-:]+-[^-:]+",
        "golang": r"v?[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?|[0-9.]+(rc|beta)[0-9]+",
    }.get(ecosystem)
    return form is None or re.fullmatch(form, version) is not None


@pytest.fixture(scope="module")
def required(tmp_path_factory) -> tuple:
    """The same of the databases that have words of their own, as they are."""
    directory = tmp_path_factory.mktemp("required")
    installation = Installation(directory / "data")
    paths = [archives.DATA / archive for archive in DATABASES]
    installation.run("db", "import", *paths, timeout=300)
    every = claims.of_ruby_advisories() + claims.of_node_security() + claims.of_friends_of_php()
    return verdicts.by_package(every + claims.of_alpine()), installation


@pytest.mark.parametrize("ecosystem", sorted(ORDERS))
def test_every_record_is_evaluated_as_the_schema_says(asked, ecosystem, tmp_path):
    compare("evaluation", *asked, ecosystem, tmp_path)


def test_the_package_versions_are_many(asked):
    packages, _ = asked
    pairs = sum(len(to_be_asked(package, about)) for package, about in packages.items())
    assert pairs >= LEAST_PAIRS


@pytest.mark.parametrize("ecosystem", ["apk", "composer", "gem", "npm"])
def test_requirements_mean_what_the_ecosystem_s_own_tool_takes_them_for(required, ecosystem, tmp_path):
    compare("requirements", *required, ecosystem, tmp_path)


def compare(check: str, packages: dict, installation: Installation, ecosystem: str, tmp_path):
    """Asks the program for all package versions of an ecosystem; every difference is a failure."""
    wanted, named, judge = expected(packages, ecosystem)
    by_release = defaultdict(list)
    for told in wanted:
        by_release[named[told][0].release].append(told)
    differences = []
    explained = Counter()
    for release, purls in by_release.items():
        path = tmp_path / "bom.json"
        path.write_text(json.dumps(bill(purls, release)))
        report = installation.scan(f"sbom:{path}", timeout=300).json()
        found = {
            meant(it["purl"]): {name for f in it["findings"] for name in (f["id"], *f["aliases"])}
            for it in report["packages"]
        }
        for told in purls:
            package, version = named[told]
            ids = found.get(meant(told), set()) & {claim.id for claim in packages[package]}
            for record in wanted[told] ^ ids:
                kind = "only expected" if record in wanted[told] else "only found"
                reason = known.reason(check, ecosystem, package, version, kind, record)
                explained.update([reason] if reason else [])
                differences += [] if reason else [f"{kind}: {record} of {told}"]
    held = sum(map(len, wanted.values()))
    print(f"{check} {ecosystem}: {len(wanted)} package versions, {held} verdicts, "
          f"{len(differences)} differ, {judge.asked()} comparisons by the tool; {dict(explained)}")
    shown = "\n".join(sorted(differences)[:50])
    assert not differences, f"{len(differences)} differ:\n{shown}"
