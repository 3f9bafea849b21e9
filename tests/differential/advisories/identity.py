"""One name for what has several: vulnerabilities by their aliases, packages by their package URLs."""

import re
from urllib.parse import unquote

from differential.advisories import records as forms
from differential.advisories.grype_workspaces import php_name, ruby_names


class Aliases:
    """Groups of names of one vulnerability, as the records tell them."""

    def __init__(self, records: forms.Records):
        self.parents = {}
        # Advisories that are no vulnerability: their names stand for those that they mend.
        self.mended = {}
        for feed, found in records.osv.items():
            for record in found:
                if feed == "alma":
                    self.mended[record["id"]] = sorted(record.get("related") or [])
                else:
                    self.join([record["id"], *(record.get("aliases") or [])])
        for path, record in records.ruby:
            self.join(ruby_names(path, record))
        for path, record in records.node:
            self.join([f"NSWG-ECO-{path.stem}", *(record.get("cves") or [])])
        for path, record in records.php:
            self.join([php_name(path), *([record["cve"]] if record.get("cve") else [])])
        groups = {}
        for name in self.parents:
            groups.setdefault(self.root(name), []).append(name)
        self.names = {
            member: min(group, key=lambda name: (not name.startswith("CVE-"), name))
            for group in groups.values()
            for member in group
        }

    def root(self, name: str) -> str:
        while self.parents.setdefault(name, name) != name:
            self.parents[name] = self.parents[self.parents[name]]
            name = self.parents[name]
        return name

    def join(self, names: list) -> None:
        # Some of Drupal's records have spaces around a name.
        first = self.root(names[0].strip())
        for name in names[1:]:
            self.parents[self.root(name.strip())] = first

    def of(self, name: str) -> list:
        """The vulnerabilities that a name stands for."""
        named = self.mended.get(name.strip(), [name.strip()])
        return sorted({self.names.get(one, one) for one in named})


def package_of(purl: str) -> tuple:
    """(type, name, version) of a package URL, spelled in one way."""
    body = purl.removeprefix("pkg:")
    body, _, query = body.partition("?")
    body = body.partition("#")[0]
    kind, _, rest = body.partition("/")
    path, _, version = rest.rpartition("@")
    name, version = unquote(path).lower(), unquote(version)
    if kind == "pypi":
        name = re.sub(r"[-_.]+", "-", name)
    if kind in ("deb", "rpm", "apk"):
        name = name.rpartition("/")[2]
        if (epoch := re.search(r"(?:^|&)epoch=(\d+)", query)) and ":" not in version:
            version = f"{epoch[1]}:{version}"
        version = version.removeprefix("0:")
    if kind == "golang":
        version = re.sub(r"^(v|go)(?=\d)", "", version)
    return kind, name, version
