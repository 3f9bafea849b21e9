"""Reads the JSON report of `tallyman scan`."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ScanReport:
    """A report with the views that the tests compare."""

    value: dict

    @property
    def state(self) -> str:
        return self.value["state"]["state"]

    @property
    def reason(self) -> str:
        return self.value["state"].get("reason") or ""

    def packages(self, ecosystem: str) -> list:
        """The packages of one ecosystem."""
        return [p for p in self.value["packages"] if p["ecosystem"] == ecosystem]

    def versions(self, ecosystem: str) -> set:
        """(name, version) of one ecosystem, as they are written."""
        return {(p["name"], p["version"]) for p in self.packages(ecosystem)}

    def debian_packages(self) -> list:
        """What dpkg-query shows of a package; an unnamed source is the package itself."""
        rows = []
        for package in self.packages("deb"):
            source = package.get("source") or {}
            rows.append(
                (
                    package["name"],
                    package["version"],
                    package["architecture"],
                    source.get("name", package["name"]),
                    source.get("version", package["version"]),
                )
            )
        return rows

    def layers_of(self, ecosystem: str) -> dict:
        """The layer of each package by its name."""
        return {p["name"]: (p["layer"], p["layer_digest"]) for p in self.packages(ecosystem)}

    def findings(self, prefix: str) -> dict:
        """The findings whose id or alias begins with a prefix: package name to set of ids."""
        found = {}
        for package in self.value["packages"]:
            for finding in package["findings"]:
                names = [finding["id"], *finding["aliases"]]
                ours = {name for name in names if name.startswith(prefix)}
                if ours:
                    found.setdefault(package["name"], set()).update(ours)
        return found

    def finding(self, package: str, identifier: str) -> dict:
        """One finding."""
        (found,) = [
            f
            for p in self.value["packages"]
            if p["name"] == package
            for f in p["findings"]
            if identifier in (f["id"], *f["aliases"])
        ]
        return found
