"""Version orders of the ecosystems, by the programs and libraries that own them."""

import subprocess

from packaging.version import Version


def less_pypi(one: str, other: str) -> bool:
    """PEP 440, by the `packaging` library."""
    return Version(one) < Version(other)


def less_debian(one: str, other: str) -> bool:
    """deb-version(7), by dpkg itself."""
    return subprocess.run(["dpkg", "--compare-versions", one, "lt", other]).returncode == 0


def less_npm(one: str, other: str) -> bool:
    """semver.org, section 11, for versions with at most one numbered pre-release."""
    return _semver_key(one) < _semver_key(other)


def _semver_key(version: str) -> tuple:
    core, _, pre = version.partition("-")
    numbers = [int(part) for part in (core.split(".") + ["0", "0"])[:3]]
    # A pre-release comes before its release.
    return (*numbers, 0 if pre else 1, pre)


def is_affected(record: dict, version: str, less) -> bool:
    """Decides an OSV record with one range or a list of versions (OSV schema, "Evaluation")."""
    affected = record["affected"][0]
    if "withdrawn" in record:
        return False
    if "versions" in affected:
        return version in affected["versions"]
    events = {
        name: value for event in affected["ranges"][0]["events"] for name, value in event.items()
    }
    introduced = events["introduced"]
    if introduced != "0" and less(version, introduced):
        return False
    if "fixed" in events:
        return less(version, events["fixed"])
    if "last_affected" in events:
        return not less(events["last_affected"], version)
    return True
