"""Each ecosystem's order of versions and its requirements, asked of its own tools in batches.

A computation runs until it needs an answer that nobody has given yet; all that are open are then
asked at once, and it is run again.
"""

import functools
import json
import re
import subprocess

from versions import oracles

# What is before all versions in `introduced`, and after all of them in `limit`.
FIRST, LAST = "0", "*"


class Unanswered(Exception):
    """An answer is not known yet; it has been noted and will be asked for."""


def apk(pairs: list) -> list:
    """apk's order for what its releases bear: numbers, a letter, suffixes, a revision.

    apk-tools are not packaged for the distributions that the tests run on, so this is the one order
    that is written down here once more, after apk-package(5).
    """
    suffixes = ["alpha", "beta", "pre", "rc", "", "cvs", "svn", "git", "hg", "p"]
    form = re.compile(r"([0-9]+(?:\.[0-9]+)*)([a-z]?)((?:_[a-z]+[0-9]*)*)(?:-r([0-9]+))?")

    def key(version: str):
        match = form.fullmatch(version)
        if match is None:
            return None
        numbers, letter, tail, revision = match.groups()
        ranked = []
        for word, number in re.findall(r"_([a-z]+)([0-9]*)", tail):
            if word not in suffixes:
                return None
            ranked.append((suffixes.index(word) - suffixes.index(""), int(number or 0)))
        first, *others = numbers.split(".")
        # A later number with a leading zero is compared as digits after a point.
        parts = [(1, int(it), "") if not it.startswith("0") or it == "0" else (0, 0, it) for it in others]
        return (int(first), parts, letter, [*ranked, (0, 0)], int(revision or 0))

    return _by_key(pairs, key)


def nuget(pairs: list) -> list:
    """NuGet's order as documented: four numbers, then labels as in Semantic Versioning in any case.

    .NET is not installed for it.
    """
    form = re.compile(r"([0-9]+)(?:\.([0-9]+))?(?:\.([0-9]+))?(?:\.([0-9]+))?(?:-([0-9A-Za-z.-]+))?(\+.*)?")

    def key(version: str):
        match = form.fullmatch(version)
        if match is None:
            return None
        labels = (match[5] or "").lower().split(".") if match[5] else []
        ranked = [(0, int(it), "") if it.isdecimal() else (1, 0, it) for it in labels]
        return ([int(it or 0) for it in match.groups()[:4]], not labels, ranked)

    return _by_key(pairs, key)


def _by_key(pairs: list, key) -> list:
    key = functools.cache(key)
    answers = []
    for one, other in ((key(one), key(other)) for one, other in pairs):
        answers.append(None if None in (one, other) else (one > other) - (one < other))
    return answers


def go(pairs: list) -> list:
    """Modules and releases of Go: advisories leave out what each begins with."""

    def named(version: str) -> str:
        # `1.21rc2` of the toolchain is `1.21.0-rc.2` to Go's own vulnerability checks.
        release = re.fullmatch(r"(?:go)?([0-9]+\.[0-9]+)(rc|beta)([0-9]+)", version)
        version = f"{release[1]}.0-{release[2]}.{release[3]}" if release else version
        return "v" + version.removeprefix("v").removeprefix("go")

    return oracles.go_modules([(named(one), named(other)) for one, other in pairs])


ORDERS = {
    "apk": apk,
    "cargo": oracles.node_semver,
    "composer": oracles.php,
    "cran": oracles.number_lists,
    "deb": oracles.apt,
    "gem": oracles.gem,
    "golang": go,
    "hackage": oracles.number_lists,
    "hex": oracles.elixir,
    "maven": oracles.maven,
    "npm": oracles.node_semver,
    "nuget": nuget,
    "pub": oracles.node_semver,
    "pypi": oracles.packaging,
    "rpm": oracles.rpm,
    "swift": oracles.node_semver,
}

_RUBY = """
require "json"
STDIN.each_line do |line|
  requirement, version = JSON.parse(line)
  parts = requirement.split(",").map(&:strip)
  puts Gem::Requirement.new(parts).satisfied_by?(Gem::Version.new(version)) ? 1 : 0
end
"""
# Releases before a version are looked at like any other version: what is installed is installed.
_NODE = """
const root = require('child_process').execSync('npm root -g --loglevel=silent').toString().trim();
const semver = require(root + '/npm/node_modules/semver');
for (const line of require('fs').readFileSync(0, 'utf8').trimEnd().split('\\n')) {
    const [range, version] = JSON.parse(line);
    console.log(semver.satisfies(version, range, {includePrerelease: true}) ? 1 : 0);
}
"""
_COMPOSER = r"""
require "/usr/share/php/Composer/Semver/autoload.php";
while (($line = fgets(STDIN)) !== false) {
    [$constraint, $version] = json_decode($line);
    try {
        echo Composer\Semver\Semver::satisfies($version, $constraint) ? 1 : 0, "\n";
    } catch (UnexpectedValueException $e) {
        echo "invalid\n";
    }
}
"""
REQUIREMENTS = {
    "gem": ["ruby", "-e", _RUBY],
    "npm": ["node", "-e", _NODE],
    "composer": ["php", "-r", _COMPOSER],
}


class Undecided(Exception):
    """The tool has no one answer to what was asked."""


class Judge:
    """What one ecosystem's tools have said so far, and what they are to be asked next."""

    def __init__(self, ecosystem: str):
        self.ecosystem = ecosystem
        self._orders, self._open_orders = {}, set()
        self._met, self._open_requirements = {}, set()

    def asked(self) -> int:
        """How many answers its tools gave."""
        return len(self._orders) + len(self._met)

    def compare(self, one: str, other: str) -> int | None:
        """-1, 0 or 1, or nothing if the tool refuses one of the two."""
        if one == other:
            return 0
        return self._compare(one, other)

    def is_version(self, version: str) -> bool:
        """Tells whether its tool takes a text for a version."""
        return self._compare(version, version) is not None

    def _compare(self, one: str, other: str) -> int | None:
        if FIRST in (one, other):
            return (other == FIRST) - (one == FIRST)
        if LAST in (one, other):
            return 1 if one == LAST else -1
        if (one, other) in self._orders:
            answer = self._orders[one, other]
            # Every text is a version to Maven, and where its releases disagree nobody is right. The
            # order of apk's that is written down above knows no versions such as `1.0.4.-r0`.
            if answer is None and self.ecosystem in ("apk", "maven"):
                raise Undecided
            return answer
        self._open_orders.add((one, other))
        raise Unanswered

    def compare_all(self, pairs) -> None:
        """Notes all of the pairs before the first of them stops the computation."""
        for one, other in pairs:
            try:
                self.compare(one, other)
            except (Unanswered, Undecided):
                pass

    def meets(self, requirement: str, version: str) -> bool:
        """Tells whether a version meets a requirement in the ecosystem's own words."""
        if (requirement, version) in self._met:
            answer = self._met[requirement, version]
            if answer is None:
                raise Undecided
            return answer
        self._open_requirements.add((requirement, version))
        raise Unanswered

    def settle(self, computations: dict) -> dict:
        """Runs computations to their ends; each is called again until nothing is unknown to it.

        What cannot be decided has no result.
        """
        results = {}
        while computations:
            unfinished = {}
            for name, computation in computations.items():
                try:
                    results[name] = computation()
                except Unanswered:
                    unfinished[name] = computation
                except Undecided:
                    pass
            self._ask()
            computations = unfinished
        return results

    def _ask(self):
        if self._open_orders:
            pairs = sorted(self._open_orders)
            both = pairs + [(other, one) for one, other in pairs]
            answers = ORDERS[self.ecosystem](pairs)
            # Asked in one direction, known in both.
            turned = [None if answer is None else -answer for answer in answers]
            self._orders.update(zip(both, answers + turned))
            self._open_orders.clear()
        if self._open_requirements:
            asked = sorted(self._open_requirements)
            lines = "".join(json.dumps(it) + "\n" for it in asked)
            command = REQUIREMENTS[self.ecosystem]
            done = subprocess.run(command, input=lines, capture_output=True, text=True, check=True)
            known = {"0": False, "1": True}
            answers = [known.get(line) for line in done.stdout.splitlines()]
            if len(answers) != len(asked):
                raise RuntimeError(f"{command[0]} answered {len(answers)} of {len(asked)}:\n{done.stderr}")
            self._met.update(zip(asked, answers))
            self._open_requirements.clear()
