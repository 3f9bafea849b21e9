"""What published records say, each in its own database's words, read once more.

Nothing here is shared with the program: these are readers of their own of the same files, and the
evaluation of the OSV schema (<https://ossf.github.io/osv-schema/#evaluation>) as it is written there.
"""

import functools
import itertools
import json
import re
from dataclasses import dataclass, field

from groundtruth import archives
from groundtruth.installed import normalized
from groundtruth.orders import FIRST, Judge

# OSV's ecosystems as types of package URLs.
LANGUAGES = {
    "CRAN": "cran",
    "Go": "golang",
    "Hackage": "hackage",
    "Hex": "hex",
    "Maven": "maven",
    "NuGet": "nuget",
    "Packagist": "composer",
    "Pub": "pub",
    "PyPI": "pypi",
    "RubyGems": "gem",
    "SwiftURL": "swift",
    "crates.io": "cargo",
    "npm": "npm",
}


@dataclass(frozen=True, order=True)
class Package:
    """What a claim is about; distributions are given with their release: `debian:12`."""

    ecosystem: str
    release: str
    name: str


class Osv:
    """One `affected` of an OSV record."""

    def __init__(self, affected: dict):
        ranges = affected.get("ranges") or []
        # One record gives a single range in place of the list.
        ranges = [ranges] if isinstance(ranges, dict) else ranges
        self.ranges = [
            # PyPA writes `2.10.0-NA` for the release without an update.
            [(name, at.removesuffix("-NA")) for it in one.get("events") or [] for name, at in it.items()]
            for one in ranges
            if one.get("type") in ("SEMVER", "ECOSYSTEM")
        ]
        self._end_where_the_database_says(affected)
        self.versions = affected.get("versions") or []

    def _end_where_the_database_says(self, affected: dict):
        """What two databases say outside of the schema's own fields (docs/feeds.md, "OSV")."""
        last = (affected.get("database_specific") or {}).get("last_known_affected_version_range") or ""
        for events in self.ranges:
            if last and all(name == "introduced" for name, _ in events):
                kind = "last_affected" if last.startswith("<=") else "limit"
                events.append((kind, last.lstrip("<= ")))
        tagged = (affected.get("ecosystem_specific") or {}).get("custom_ranges") or []
        by_tags = [[next(iter(it.items())) for it in one["events"]] for one in tagged]
        opened = [events.pop()[1] for events in self.ranges if by_tags and events[-1][0] == "introduced"]
        self.ranges = [events for events in self.ranges if events]
        for events in by_tags:
            # What is ended is not opened again, under other names of the versions.
            while not opened and events and events[-1][0] == "introduced":
                events.pop()
        by_tags = [events for events in by_tags if events]
        for begin in opened[-1:]:
            if begin == FIRST and "0.0.0-" not in str(by_tags):
                # Versions without a tag.
                self.ranges.append([("introduced", FIRST), ("limit", "0.0.0")])
            for events in by_tags:
                events[0] = ("introduced", begin) if events[0] == ("introduced", FIRST) else events[0]
        self.ranges += by_tags

    def is_empty(self) -> bool:
        return not self.ranges and not self.versions

    def bounds(self) -> list:
        """The versions that its ranges name."""
        return [version for events in self.ranges for _, version in events]

    def fixes(self) -> list:
        return [version for events in self.ranges for name, version in events if name == "fixed"]

    def is_affected(self, version: str, judge: Judge) -> bool:
        if version in self.versions:
            return True
        judge.compare_all((version, bound) for events in self.ranges for _, bound in events)
        # What is equal has equal numbers; so the tool is not asked for all of a long list.
        alike = [listed for listed in self.versions if _numbers(listed) == _numbers(version)]
        judge.compare_all((version, listed) for listed in alike)
        if any(judge.compare(version, listed) == 0 for listed in alike):
            return True
        return any(self._is_in_range(version, events, judge) for events in self.ranges)

    @staticmethod
    def _is_in_range(version: str, events: list, judge: Judge) -> bool:
        limits = [at for name, at in events if name == "limit"]
        versions = [at for _, at in events]
        judge.compare_all((one, other) for one in versions for other in versions if one < other)
        orders = [judge.compare(version, at) for at in versions]
        orders += [judge.compare(one, other) for one in versions for other in versions if one < other]
        if None in orders:
            # The tool does not take one of them for a version, so the range says nothing.
            return False
        if limits and not any(judge.compare(version, at) < 0 for at in limits):
            return False
        is_vulnerable = False
        for name, at in sorted(events, key=functools.cmp_to_key(lambda a, b: judge.compare(a[1], b[1]))):
            if name == "introduced" and judge.compare(version, at) >= 0:
                is_vulnerable = True
            elif name == "fixed" and judge.compare(version, at) >= 0:
                is_vulnerable = False
            elif name == "last_affected" and judge.compare(version, at) > 0:
                is_vulnerable = False
        return is_vulnerable


@functools.cache
def _numbers(version: str) -> tuple:
    """The numbers of a version without zeros at either end, as far as every order looks at them."""
    numbers = [int(digits) for digits in re.findall("[0-9]+", version.partition("+")[0])]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(itertools.dropwhile(lambda number: number == 0, numbers))


class Required:
    """Requirements in the words of an ecosystem: affected is what meets one, or none of some."""

    def __init__(self, affected: list, unaffected: list | None = None, fixes: list = ()):
        self.affected, self.unaffected, self._fixes = affected, unaffected, list(fixes)
        self.versions = []

    def bounds(self) -> list:
        """The versions that its requirements name."""
        every = [*self.affected, *(self.unaffected or [])]
        return [version for one in every for version in re.findall(r"[0-9][\w.]*(?:-[\w.]+)?", one)]

    def fixes(self) -> list:
        return self._fixes

    def is_affected(self, version: str, judge: Judge) -> bool:
        if self.unaffected is not None:
            return not any([judge.meets(one, version) for one in self.unaffected])
        return any([judge.meets(one, version) for one in self.affected])


@dataclass(frozen=True)
class Claim:
    """One record's word on one package."""

    feed: str
    id: str
    package: Package
    test: object = field(compare=False)
    # Other names of the same vulnerability.
    aliases: tuple = ()
    # The vulnerabilities that an update mends, each of which it stands for.
    upstream: tuple = ()
    # The module that it speaks of; `None` where it speaks of what is in none.
    modules: tuple | None = None

    def names(self) -> list:
        """The sets of names it goes by: an update that mends several vulnerabilities has several."""
        if len(self.upstream) > 1:
            return [{name} for name in self.upstream]
        return [{self.id, *self.aliases, *self.upstream}]


def of_osv(record: dict, feed: str) -> list:
    """The claims of an OSV record, if it was not withdrawn."""
    if record.get("withdrawn") or _mends_nothing(record):
        return []
    aliases = [name.strip() for name in record.get("aliases") or []]
    bare = re.fullmatch(r"(?:DEBIAN|ALPINE|UBUNTU|ECHO)-(CVE-.*)", record["id"])
    aliases += [bare[1]] if bare else []
    upstream = list(record.get("upstream") or [])
    related = [name for name in record.get("related") or [] if name.startswith("CVE-")]
    titled = re.findall(r"(?<![^ ,])([\w.+-]+:[\w.+-]+)", record.get("summary") or "")
    claims = []
    for affected in record.get("affected") or []:
        about = affected.get("package") or {}
        ecosystem, release = of_ecosystem(about.get("ecosystem") or "")
        test = Osv(affected)
        if ecosystem is None or test.is_empty():
            continue
        # Distributions' older records name what they mend as related.
        mended = upstream if upstream or aliases or not release else related
        is_modular = ecosystem == "rpm" and any(".module" in bound for bound in test.bounds() + test.versions)
        claims.append(
            Claim(
                feed,
                record["id"],
                Package(ecosystem, release, normalized(ecosystem, about["name"])),
                test,
                tuple(aliases),
                tuple(mended),
                tuple(titled) if is_modular else None,
            )
        )
    return claims


def _mends_nothing(record: dict) -> bool:
    """Tells an update that mends bugs and names no vulnerability (docs/distributions.md)."""
    named = [*(record.get("upstream") or []), *(record.get("related") or [])]
    is_other = re.match("(AL|RH|RL)(BA|EA)-|SUSE-(RU|FU|OU)-", record["id"]) is not None
    return is_other and not record.get("aliases") and not any(it.startswith("CVE-") for it in named)


def of_ecosystem(ecosystem: str) -> tuple:
    """The type and release that an OSV ecosystem means, or nothing."""
    base, _, suffix = ecosystem.partition(":")
    if base in LANGUAGES:
        return LANGUAGES[base], ""
    if base in ("Debian", "AlmaLinux", "Rocky Linux") and suffix:
        kind = "deb" if base == "Debian" else "rpm"
        return kind, f"{base.split()[0].lower()}:{suffix}"
    if base == "Ubuntu" and re.fullmatch(r"[0-9.]+(:LTS)?", suffix):
        return "deb", "ubuntu:" + suffix.removesuffix(":LTS")
    if base == "Alpine" and suffix:
        return "apk", "alpine:" + suffix.removeprefix("v")
    if base in ("Wolfi", "Chainguard"):
        return "apk", base.lower()
    return None, ""


def of_archives(names: list) -> list:
    """The claims of all OSV records of archives.

    Of two records with one id the later one counts, and of equally old ones that which is read last.
    """
    latest = {}
    for archive in names:
        for record in archives.osv_records(archive):
            known = latest.get(record["id"])
            if known is None or (known.get("modified") or "") <= (record.get("modified") or ""):
                latest[record["id"]] = record
    return [claim for record in latest.values() for claim in of_osv(record, "osv")]


def of_ruby_advisories() -> list:
    """The Ruby Advisory Database: affected is what none of the requirements is met by."""
    claims = []
    for name, content in archives.members("other/ruby-advisory-db.tar.zst"):
        if not name.startswith("gems/") or not name.endswith(".yml"):
            continue
        record = archives.read_yaml(content)
        names = [f"CVE-{record['cve']}"] if record.get("cve") else []
        names += [f"GHSA-{record['ghsa']}"] if record.get("ghsa") else []
        names = names or [f"{record['gem']}/{name.rsplit('/', 1)[-1].removesuffix('.yml')}"]
        patched = list(record.get("patched_versions") or [])
        unaffected = patched + list(record.get("unaffected_versions") or [])
        first = [re.findall(r"(?:>=|~>|(?<![<>=~])=)\s*([\w.]+)", one) for one in patched]
        test = Required([], unaffected, [version for versions in first for version in versions])
        package = Package("gem", "", record["gem"])
        claims.append(Claim("ruby-advisory-db", names[0], package, test, tuple(names[1:])))
    return claims


def of_node_security() -> list:
    """The records of the Node.js Security Working Group, by npm's ranges."""
    claims = []
    for name, content in archives.members("other/nodejs-security-wg.tar.zst"):
        if not re.fullmatch(r"(?:\./)?vuln/npm/[0-9]+\.json", name):
            continue
        record = json.loads(content)
        fixes = re.findall(r">=\s*v?([0-9][\w.+-]*)", record.get("patched_versions") or "")
        test = Required([record.get("vulnerable_versions") or "*"], None, fixes)
        identifier, aliases = f"NSWG-ECO-{record['id']}", tuple(record.get("cves") or ())
        # npm allows no capitals any more; what had them has gone on without.
        for module in {record["module_name"], record["module_name"].lower()}:
            package = Package("npm", "", module)
            claims.append(Claim("nodejs-wg", identifier, package, test, aliases))
    return claims


def of_friends_of_php() -> list:
    """FriendsOfPHP's advisories: what meets all constraints of one branch is affected."""
    claims = []
    for name, content in archives.members("other/friendsofphp.tar.zst"):
        if not name.endswith(".yaml"):
            continue
        record = archives.read_yaml(content)
        if not str(record.get("reference", "")).startswith("composer://"):
            continue
        package = normalized("composer", record["reference"].removeprefix("composer://"))
        branches = record["branches"].values()
        affected = [",".join(branch["versions"]) for branch in branches]
        fixes = [
            constraint.strip().removeprefix("<").strip()
            for branch in branches
            for constraint in branch["versions"]
            # A branch without a date was never mended.
            if re.match(r"<[^=]", constraint.strip()) and branch.get("time") not in (None, "", "~", "null")
        ]
        cve = record.get("cve") or ""
        own = f"FriendsOfPHP/{package}/{name.rsplit('/', 1)[-1].removesuffix('.yaml')}"
        # A file that is named after a CVE is about it.
        cve = cve if cve.startswith("CVE-") else own.rsplit("/", 1)[-1]
        identifier = cve if re.fullmatch("CVE-[0-9]+-[0-9]+", cve) else own
        test = Required(affected, None, fixes)
        claims.append(Claim("friendsofphp", identifier, Package("composer", "", package), test))
    return claims


def of_debian_changelogs(release: str, suite: str) -> list:
    """Facts from changelogs: what is below the first version that names a vulnerability has it."""
    claims = []
    path = archives.DATA / f"debian/changelog-fixed-{suite}.jsonl"
    for line in path.read_text().splitlines():
        fact = json.loads(line)
        if not fact["cve"].startswith("CVE-"):
            continue
        events = [{"introduced": FIRST}, {"fixed": fact["first_version_naming_cve"]}]
        test = Osv({"ranges": [{"type": "ECOSYSTEM", "events": events}]})
        package = Package("deb", f"debian:{release}", fact["source"])
        claims.append(Claim("debian-changelog", fact["cve"], package, test))
    return claims


def of_alpine() -> list:
    """Alpine's secdb: below the version that fixed it a package is affected; 0 is never."""
    claims = []
    for _, content in archives.members("alpine/alpine-secdb-2020.tar.zst"):
        database = archives.read_yaml(content)
        if not isinstance(database, dict) or "packages" not in database:
            continue
        release = "alpine:" + database["distroversion"].removeprefix("v")
        for entry in database["packages"] or []:
            package = Package("apk", release, entry["pkg"]["name"])
            for fixed, lines in (entry["pkg"].get("secfixes") or {}).items():
                for line in lines or []:
                    claims += _of_secfix(package, fixed, line)
    return claims


def _of_secfix(package: Package, fixed: str, line: str) -> list:
    # A CVE is a vulnerability of its own; other identifiers are names of the only one.
    cves = re.findall(r"CVE-[0-9]{4}-[0-9]+(?:-[0-9]+)?", line)
    others = [it for it in re.findall(r"[\w.-]+", line) if re.match(r"(?!CVE)[A-Z]+-.*[0-9]", it)]
    if fixed == FIRST or not (cves or others):
        return []
    # `2.7.16-33` means `2.7.16-r33`.
    fixed = re.sub(r"^([^-]*)-([0-9]+)$", r"\1-r\2", fixed)
    events = [{"introduced": FIRST}, {"fixed": fixed}]
    test = Osv({"ranges": [{"type": "ECOSYSTEM", "events": events}]})
    if len(cves) > 1:
        return [Claim("alpine", cve, package, test) for cve in cves]
    first, *more = [*cves, *others]
    return [Claim("alpine", first, package, test, tuple(more))]
