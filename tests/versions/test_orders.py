"""`tallyman db compare` agrees with the ecosystems' own tools on generated pairs of versions.

Each ecosystem has its generator of odd versions (`generate.py`) and its judge (`oracles.py`).
"""

import re
from dataclasses import dataclass
from typing import Callable

import pytest

from support import program
from versions import generate, oracles


@dataclass(frozen=True)
class Case:
    """An ecosystem, the versions that it is tried with and the tool that knows."""

    ecosystem: str
    grammar: generate.Grammar
    oracle: Callable
    pairs: int = 20_000
    # How many of the pairs the tool has to take for versions.
    least: int = 8_000

    def __str__(self) -> str:
        return f"{self.ecosystem} {self.oracle.__name__}"


CASES = [
    Case("Debian:12", generate.DEBIAN, oracles.apt),
    Case("Ubuntu:24.04:LTS", generate.DEBIAN, oracles.dpkg, pairs=600, least=300),
    Case("Red Hat:enterprise_linux:9::baseos", generate.RPM, oracles.rpm),
    Case("Alpine:v3.22", generate.APK_PROPER, oracles.go_apk, pairs=60_000),
    Case("Gentoo", generate.GENTOO, oracles.portage, pairs=60_000),
    Case("alpm", generate.ARCH, oracles.alpm),
    Case("conda", generate.CONDA, oracles.conda),
    Case("PyPI", generate.PYTHON, oracles.packaging, pairs=40_000),
    Case("npm", generate.SEMVER, oracles.node_semver),
    Case("crates.io", generate.SEMVER, oracles.node_semver),
    Case("crates.io", generate.CRATES, oracles.rust_semver),
    Case("SwiftURL", generate.SEMVER, oracles.node_semver),
    Case("NuGet", generate.NUGET, oracles.go_nuget),
    Case("RubyGems", generate.GEMS, oracles.gem),
    Case("Maven", generate.MAVEN, oracles.maven, pairs=10_000),
    Case("Packagist", generate.COMPOSER, oracles.php),
    Case("Packagist", generate.COMPOSER_FULL, oracles.composer),
    Case("Go", generate.GO, oracles.go_modules),
    Case("Go", generate.GO_TOOLCHAIN, oracles.go_releases, least=1_200),
    Case("Hex", generate.HEX, oracles.elixir, pairs=10_000, least=4_000),
    Case("ConanCenter", generate.CONAN, oracles.conan),
    Case("CRAN", generate.CRAN, oracles.number_lists),
    Case("Hackage", generate.LISTS, oracles.number_lists),
    Case("Hackage", generate.LISTS, oracles.haskell, pairs=10_000, least=4_000),
]


def ours(ecosystem: str, pairs: list) -> list:
    """What the program says of each pair: it prints those that are not equal, and why."""
    lines = "".join(f"{one} = {other}\n" for one, other in pairs)
    outcome = program.run("db", "compare", ecosystem, stdin=lines)
    answers = [0] * len(pairs)
    for line in outcome.stdout.splitlines():
        number, reason = re.search(r"\(line (\d+): (.*)\)$", line).groups()
        found = re.match(r"found \S+ ([<>]) ", reason)
        answers[int(number) - 1] = {"<": -1, ">": 1}[found[1]] if found else reason
    return answers


@pytest.mark.parametrize("case", CASES, ids=str)
def test_an_order_is_that_of_the_ecosystem_s_own_tool(case):
    pairs = case.grammar.pairs(case.pairs)
    expected = case.oracle(pairs)
    judged = [
        (pair, answer, wanted)
        for pair, answer, wanted in zip(pairs, ours(case.ecosystem, pairs), expected)
        if wanted is not None
    ]
    assert len(judged) >= case.least, f"the tool took only {len(judged)} pairs for versions"
    wrong = [f"{pair}: {answer}, not {wanted}" for pair, answer, wanted in judged if answer != wanted]
    assert wrong == [], f"{len(wrong)} of {len(judged)}"
