"""Scores and severities equal what another implementation of CVSS computes of the same vectors."""

import random

import pytest
from cvss import CVSS2, CVSS3, CVSS4
from cvss.constants2 import METRICS_MANDATORY as V2_MANDATORY
from cvss.constants2 import METRICS_VALUE_NAMES as V2_VALUES
from cvss.constants3 import METRICS_MANDATORY as V3_MANDATORY
from cvss.constants3 import METRICS_VALUE_NAMES as V3_VALUES
from cvss.constants4 import METRICS_MANDATORY as V4_MANDATORY
from cvss.constants4 import METRICS_VALUE_NAMES as V4_VALUES

from images import real_packages
from images.oci_builder import LayerTar, write_layout
from images.scan_report import ScanReport
from support import advisories
from support.installation import Installation

_VECTORS_OF_EACH = 750

# Severities by score: CVSS v3.1 section 5 and CVSS v4.0 section 6. A score of 0 is "none" there.
_SEVERITIES = ((9.0, "critical"), (7.0, "high"), (4.0, "medium"), (0.1, "low"), (0.0, "negligible"))


class _Version:
    """How vectors of one version are written, and what computes their scores."""

    def __init__(self, kind: str, prefix: str, mandatory, values, oracle):
        self.kind, self.prefix, self.oracle = kind, prefix, oracle
        self._mandatory, self._values = list(mandatory), values

    def vector(self, rng: random.Random) -> str:
        """A vector of all base metrics, now and then with further ones."""
        metrics = list(self._mandatory)
        others = [metric for metric in self._values if metric not in metrics]
        if rng.random() < 0.4:
            metrics += [metric for metric in others if rng.random() < 0.4]
        chosen = [f"{metric}:{rng.choice(list(self._values[metric]))}" for metric in metrics]
        return self.prefix + "/".join(chosen)

    def score(self, vector: str) -> float:
        """The base score; of version 4.0 the score, which knows no other name."""
        return float(self.oracle(vector).base_score)


_VERSIONS = {
    "2.0": _Version("CVSS_V2", "", V2_MANDATORY, V2_VALUES, CVSS2),
    "3.0": _Version("CVSS_V3", "CVSS:3.0/", V3_MANDATORY, V3_VALUES, CVSS3),
    "3.1": _Version("CVSS_V3", "CVSS:3.1/", V3_MANDATORY, V3_VALUES, CVSS3),
    "4.0": _Version("CVSS_V4", "CVSS:4.0/", V4_MANDATORY, V4_VALUES, CVSS4),
}


def _record(identifier: str, version: _Version, vector: str) -> dict:
    made = advisories.record(identifier, "PyPI", "jinja2", vector=None)
    return made | {"severity": [{"type": version.kind, "score": vector}]}


@pytest.fixture(scope="module")
def rated(builder, tmp_path_factory):
    """The vectors of each version by record, and the findings that they rate."""
    directory = tmp_path_factory.mktemp("rated")
    rng = random.Random(20261124)
    vectors, records = {}, []
    for name, version in _VERSIONS.items():
        vectors[name] = {
            f"TALLY-{name}-{number}": version.vector(rng) for number in range(_VECTORS_OF_EACH)
        }
        records += [_record(key, version, vector) for key, vector in vectors[name].items()]
    installation = Installation(directory / "data")
    installation.import_advisories(
        advisories.write(directory / "advisories", records + advisories.coverage())
    )
    tree = LayerTar().tree(real_packages.python_packages(), real_packages.SITE_PACKAGES)
    layout = write_layout(directory / "layout", {"rated:1": builder.image([builder.layer(tree)])})
    report = ScanReport(installation.scan(layout).expect(0).json())
    found = {
        finding["id"]: finding
        for package in report.packages("pypi")
        for finding in package["findings"]
    }
    return vectors, found


@pytest.mark.parametrize("name", list(_VERSIONS))
def test_scores_equal_those_of_another_implementation(rated, name):
    vectors, found = rated
    different = {}
    for key, vector in vectors[name].items():
        expected, told = _VERSIONS[name].score(vector), found[key].get("score")
        if told != expected:
            different[vector] = (told, expected)
    assert different == {}


@pytest.mark.parametrize("name", list(_VERSIONS))
def test_severities_follow_the_scores(rated, name):
    vectors, found = rated
    for key in vectors[name]:
        finding = found[key]
        expected = next(word for least, word in _SEVERITIES if finding["score"] >= least)
        assert finding["severity"] == expected, finding
