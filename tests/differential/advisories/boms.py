"""Makes bills of materials: of all packages that the advisories name, in versions around the bounds
that they name. Random parts are drawn from a fixed seed, so that every run makes the same."""

import json
import random
import re
from collections import defaultdict
from pathlib import Path
from urllib.parse import quote

from differential.advisories import gem_ranges, records as forms

# At most so many versions of one package, and components of one bill.
VERSIONS = 14
COMPONENTS = 6000


def write_all(records: forms.Records, folder: Path) -> dict:
    """Writes a bill for each ecosystem; the paths by its name."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = {}
    for name, (system, components) in sorted(bills(records).items()):
        paths[name] = folder / f"{name}.cdx.json"
        paths[name].write_text(json.dumps(bill(system, components)))
    return paths


def bill(system, components: list) -> dict:
    head = []
    if system:
        family, version = system
        head = [{"bom-ref": "os", "type": "operating-system", "name": family, "version": version}]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": {"bom-ref": "image", "type": "container", "name": "synthetic"}},
        "components": head + components,
    }


def bills(records: forms.Records) -> dict:
    found = {}
    for ecosystem, bounds in language_bounds(records).items():
        name = PURL_TYPES[ecosystem]
        components = [
            language_component(ecosystem, package, version)
            for package in sorted(bounds)
            for version in around(ecosystem, bounds[package], f"{ecosystem} {package}")
        ]
        found[name] = (None, unique(components))
    for release in ("10", "11"):
        found[f"debian-{release}"] = system_bill("deb", "debian", release, records.debian)
    for release in ("3.9", "3.11"):
        found[f"alpine-{release}"] = system_bill("apk", "alpine", release, records.alpine)
    azure = defaultdict(list)
    for one in records.azure:
        family = "azurelinux" if one.family == "azure" else "cbl-mariner"
        for _, package, _, version in one.tests:
            azure[family, one.release].append(
                forms.Fact(one.release, package, one.cve, version, one.id)
            )
    for (family, release), facts in azure.items():
        found[f"{family}-{release}"] = system_bill("rpm", family, release, facts)
    alma = defaultdict(list)
    for record in records.osv["alma"]:
        for affected in record["affected"]:
            package = affected["package"]
            release = package["ecosystem"].partition(":")[2]
            for span in affected.get("ranges") or []:
                for event in span["events"]:
                    if "fixed" in event:
                        alma[release].append(
                            forms.Fact(release, package["name"], "", event["fixed"], record["id"])
                        )
    for release, facts in alma.items():
        found[f"almalinux-{release}"] = system_bill("rpm", "almalinux", release, facts)
    return found


# Package URL types by OSV's ecosystems.
PURL_TYPES = {
    "PyPI": "pypi",
    "npm": "npm",
    "Go": "golang",
    "Maven": "maven",
    "RubyGems": "gem",
    "NuGet": "nuget",
    "crates.io": "cargo",
    "Packagist": "composer",
}


def language_bounds(records: forms.Records) -> dict:
    """The versions that advisories name, by ecosystem and package."""
    found = defaultdict(lambda: defaultdict(set))
    for feed in ("pypa", "govulndb", "rustsec", "drupal", "ghsa"):
        for record in records.osv[feed]:
            for affected in record["affected"]:
                package = affected.get("package") or {}
                ecosystem = package.get("ecosystem", "").partition(":")[0]
                if ecosystem not in PURL_TYPES:
                    continue
                named = found[ecosystem][package["name"]]
                for span in affected.get("ranges") or []:
                    if span["type"] != "GIT":
                        named.update(version for event in span["events"] for version in event.values())
                named.update((affected.get("versions") or [])[:3])
    for _, record in records.ruby:
        for one in (record.get("patched_versions") or []) + (record.get("unaffected_versions") or []):
            named = [part.split(" ")[1] for part in gem_ranges.conditions(one)]
            found["RubyGems"][record["gem"]].update(named)
    for _, record in records.node:
        named = re.findall(r"\d+\.[^\s|<>=,]+", record.get("vulnerable_versions") or "")
        found["npm"][record["module_name"]].update(named)
    for _, record in records.php:
        package = record["reference"].removeprefix("composer://")
        for branch in record["branches"].values():
            named = [one.lstrip("<>=! ") for one in branch["versions"]]
            found["Packagist"][package].update(named)
    return found


# What is a version, where the records name others by mistake.
VERSION = {
    "apk": r"\d[^-]*-r\d+$",
    "npm": r"\d+\.\d+\.\d+(-[\w.-]+)?$",
    "RubyGems": r"\d[\w.-]*$",
}


def around(ecosystem: str, bounds: set, seed: str) -> list:
    """The bounds, and versions a little above, below and beside them."""
    found = []
    for bound in sorted(bounds):
        if bound != "0" and re.match(VERSION.get(ecosystem, r"v?\d"), bound):
            found += neighbours(ecosystem, bound)
    found = list(dict.fromkeys(found))
    if len(found) > VERSIONS:
        found = sorted(random.Random(seed).sample(found, VERSIONS))
    return found or ["1.0.0"]


def neighbours(ecosystem: str, bound: str) -> list:
    found = [bound]
    if last := re.search(r"^(.*?)(\d+)$", bound):
        head, number = last[1], int(last[2])
        found.append(f"{head}{number + 1}")
        if number:
            found.append(f"{head}{number - 1}")
    return found + [bound + suffix for suffix in beside(ecosystem, bound)]


def beside(ecosystem: str, bound: str) -> tuple:
    """Endings with which the ecosystem's own tools accept the version."""
    plain = re.fullmatch(r"\d+(\.\d+)*", bound) is not None
    whole = re.fullmatch(r"\d+\.\d+\.\d+", bound) is not None
    match ecosystem:
        case "PyPI":
            return ("rc1", "a2", ".dev1", ".post1") if plain else ()
        case "npm" | "crates.io":
            return ("-rc.1", "-alpha") if whole else ()
        case "Go":
            return ("-rc.1", "-0.20200101000000-0123456789ab") if whole else ()
        case "Maven":
            return ("-SNAPSHOT", "-rc1", ".Final") if plain else ()
        case "RubyGems":
            return (".rc1", ".1") if plain else ()
        case "NuGet":
            return ("-beta1",) if plain else ()
        case "Packagist":
            return ("-beta1", "-RC2") if plain else ()
        case "deb":
            return ("+b1", "~bpo1", "+deb0u1")
        case "apk":
            return ()
        case "rpm":
            return (".1", "~rc1")
        case _:
            raise ValueError(ecosystem)


def language_component(ecosystem: str, package: str, version: str) -> dict:
    kind = PURL_TYPES[ecosystem]
    name, group, spelled = package, None, version
    if ecosystem == "Go":
        # As Syft writes it: the standard library's version has no v.
        path = package
        spelled = version if package in ("stdlib", "toolchain") else f"v{version}"
        if package == "stdlib":
            version = f"go{version}"
        else:
            version = spelled
    elif ecosystem == "Maven":
        group, name = package.split(":", 1)
        path = f"{group}/{name}"
    elif ecosystem == "PyPI":
        path = package.lower().replace("_", "-")
    else:
        path = package
    purl = f"pkg:{kind}/{quote(path, safe='/')}@{quote(spelled, safe='')}"
    component = {"bom-ref": purl, "type": "library", "name": name, "version": version, "purl": purl}
    if group:
        component["group"] = group
    return component


def system_bill(kind: str, family: str, release: str, facts: list):
    bounds = defaultdict(set)
    for fact in facts:
        if fact.release == release:
            bounds[fact.package].add(fact.fixed)
    components = [
        system_component(kind, family, release, package, version)
        for package in sorted(bounds)
        for version in around(kind, bounds[package], f"{family} {package}")
    ]
    return (family, release), unique(components)


def system_component(kind: str, family: str, release: str, package: str, version: str) -> dict:
    """A package whose source package bears the same name and version."""
    namespace = {"cbl-mariner": "mariner"}.get(family, family)
    qualifiers = {"deb": "arch=amd64", "apk": "arch=x86_64", "rpm": "arch=x86_64"}[kind]
    spelled = version
    if kind == "rpm" and ":" in version:
        epoch, spelled = version.split(":", 1)
        qualifiers += f"&epoch={epoch}"
    purl = f"pkg:{kind}/{namespace}/{quote(package, safe='')}@{quote(spelled, safe='')}"
    purl += f"?{qualifiers}&distro={namespace}-{release}"
    return {"bom-ref": purl, "type": "library", "name": package, "version": version, "purl": purl}


def unique(components: list) -> list:
    kept = list({component["purl"]: component for component in components}.values())
    if len(kept) > COMPONENTS:
        kept = random.Random(len(kept)).sample(kept, COMPONENTS)
    return kept
