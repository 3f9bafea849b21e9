"""What each scanner says is in an image, in one form.

A package is found under its ecosystem (the type of its package URL), its name and its version,
each in the spelling in which two programs that mean the same package write the same.
"""

import re
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote


@dataclass(frozen=True, order=True)
class Package:
    """A package as two scanners have to agree on it."""

    ecosystem: str
    name: str
    version: str


@dataclass
class Inventory:
    """The packages that a scanner found, each with the places where it did."""

    places: dict = field(default_factory=dict)
    # Groups of Maven's packages: they are guessed, so they are no part of the name.
    groups: dict = field(default_factory=dict)

    def add(self, purl: str, place: "Place"):
        package, group = from_purl(purl)
        if package is None:
            return
        self.places.setdefault(package, set()).add(place)
        if group:
            self.groups.setdefault(package, set()).add(group)

    def of(self, ecosystem: str) -> set:
        return {package for package in self.places if package.ecosystem == ecosystem}

    def ecosystems(self) -> set:
        return {package.ecosystem for package in self.places}


@dataclass(frozen=True, order=True)
class Place:
    """Where a package was found: a path in the image, and the layer by digest or index."""

    path: str
    layer: str = ""


def of_tallyman(report: dict) -> Inventory:
    if report["state"]["state"] not in ("analyzed", "unsupported"):
        raise ValueError(f"the image could not be read: {report['state']}")
    inventory = Inventory()
    for package in report["packages"]:
        inventory.add(package["purl"], Place(clean(package["path"]), str(package["layer"])))
    return inventory


def of_syft(report: dict) -> Inventory:
    inventory = Inventory()
    for artifact in report["artifacts"]:
        purl = artifact.get("purl") or purl_of_unnamed(artifact, artifact.get("foundBy", ""))
        locations = artifact.get("locations") or [{"path": ""}]
        # Others merely support what one file says: a copyright, a list of files.
        primary = [
            location
            for location in locations
            if (location.get("annotations") or {}).get("evidence", "primary") == "primary"
        ]
        inside = (artifact.get("metadata") or {}).get("virtualPath") or ""
        for location in primary or locations:
            path = inside if inside.startswith(location["path"] + ":") else location["path"]
            inventory.add(purl, Place(clean(path), location.get("layerID", "")))
    return inventory


def purl_of_unnamed(artifact: dict, found_by: str) -> str:
    """Something that Syft gives no package URL, which is no package to anybody else."""
    name = artifact.get("name") or "unnamed"
    return f"pkg:{artifact.get('type') or found_by}/{name}@{artifact.get('version') or ''}"


def of_trivy(bom: dict) -> Inventory:
    inventory = Inventory()
    for component in bom.get("components") or []:
        if "purl" not in component:
            continue
        told = {item["name"]: item["value"] for item in component.get("properties", [])}
        path = told.get("aquasecurity:trivy:FilePath", "")
        layer = told.get("aquasecurity:trivy:LayerDiffID", "")
        inventory.add(component["purl"], Place(clean(path), layer))
    return inventory


def clean(path: str) -> str:
    return path.lstrip("/")


def from_purl(purl: str) -> tuple:
    """Returns the package that a package URL names, and the group that is no part of it."""
    matched = re.fullmatch(
        r"pkg:(?P<type>[^/]+)/(?P<path>[^?#]*?)(@(?P<version>[^?#@]*))?"
        r"(\?(?P<qualifiers>[^#]*))?(#.*)?",
        purl,
    )
    if not matched:
        return None, ""
    ecosystem = matched["type"].lower()
    parts = [unquote(part) for part in matched["path"].strip("/").split("/")]
    version = unquote(matched["version"] or "")
    qualifiers = dict(parse_qsl(matched["qualifiers"] or ""))
    name = parts[-1]
    group = ""
    if ecosystem in ("npm", "golang", "composer", "github", "conan"):
        name = "/".join(parts)
    elif ecosystem == "maven":
        group = "/".join(parts[:-1])
    version = spell_version(ecosystem, version, qualifiers)
    return Package(ecosystem, spell_name(ecosystem, name), version), group


def spell_name(ecosystem: str, name: str) -> str:
    if ecosystem == "pypi":
        return re.sub(r"[-_.]+", "-", name).lower()
    if ecosystem in ("golang", "nuget", "composer"):
        return name.lower()
    return name


def spell_version(ecosystem: str, version: str, qualifiers: dict) -> str:
    if ecosystem == "golang":
        return re.sub(r"^(v|go)(?=\d)", "", version)
    if ecosystem == "composer":
        return re.sub(r"^v(?=\d)", "", version)
    if ecosystem in ("rpm", "deb"):
        # The epoch stands before the version or in a qualifier, and none is zero.
        epoch = qualifiers.get("epoch", "0")
        if ":" not in version and epoch != "0":
            return f"{epoch}:{version}"
        return re.sub(r"^0:", "", version)
    return version
