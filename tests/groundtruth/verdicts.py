"""From claims to findings: which claims hold for a package version, and which of them are one."""

from collections import defaultdict
from dataclasses import dataclass

from groundtruth.orders import Judge, Unanswered, Undecided


@dataclass(frozen=True, order=True)
class Finding:
    """One vulnerability of one package version: all its names, and the version that is rid of it."""

    names: tuple
    fixed: str

    def label(self) -> str:
        return cve_of(self.names) or self.names[0]


def cve_of(names) -> str | None:
    """The CVE with the lowest number, which a vulnerability is called by."""
    cves = [name for name in names if name.startswith("CVE-")]
    return min(cves, key=lambda name: [int(part) for part in name.split("-")[1:]], default=None)


def holding(claims: list, version: str, judge: Judge, module: str | None = None) -> list:
    """The claims that hold for a version."""
    spoken_of = [claim for claim in claims if _speaks_of(claim, module)]
    # Not a generator: every question is to be noted before the first that is open stops it.
    asked = [_attempt(claim.test.is_affected, version, judge) for claim in spoken_of]
    return [claim for claim, answer in zip(spoken_of, _all(asked)) if answer]


def _speaks_of(claim, module: str | None) -> bool:
    if module is None or claim.modules is None:
        return (module is None) == (claim.modules is None)
    return not claim.modules or module in claim.modules


def findings(claims: list, version: str, judge: Judge, module: str | None = None) -> set:
    """The findings of a version: claims that share a name are on one vulnerability."""
    groups = []
    for claim in holding(claims, version, judge, module):
        for names in claim.names():
            joined, others = (names, [claim]), []
            for group in groups:
                if group[0] & joined[0]:
                    joined = (joined[0] | group[0], joined[1] + group[1])
                else:
                    others.append(group)
            groups = [*others, joined]
    made = [_attempt(_finding, names, hits, version, judge) for names, hits in groups]
    return set(_all(made))


def _finding(names: set, hits: list, version: str, judge: Judge) -> Finding:
    every = names | {claim.id for claim in hits}
    return Finding(tuple(sorted(every)), _fixed(hits, version, judge))


def _fixed(hits: list, version: str, judge: Judge) -> str:
    """The lowest version above that is a fix to one record and affected to none."""
    candidates = sorted({fixed for claim in hits for fixed in claim.test.fixes()})
    judge.compare_all((version, fixed) for fixed in candidates)
    above = [fixed for fixed in candidates if judge.compare(version, fixed) == -1]
    asked = [
        _attempt(lambda fixed=fixed: any([c.test.is_affected(fixed, judge) for c in hits]))
        for fixed in above
    ]
    clean = [fixed for fixed, is_affected in zip(above, _all(asked)) if not is_affected]
    judge.compare_all((one, other) for one in clean for other in clean if one < other)
    lowest = ""
    for fixed in clean:
        if not lowest or judge.compare(fixed, lowest) == -1:
            lowest = fixed
    return lowest


def _attempt(computation, *arguments):
    """The result, or the exception that stopped it, so that others can go on before it is raised."""
    try:
        return computation(*arguments)
    except (Unanswered, Undecided) as stopped:
        return stopped


def _all(results: list) -> list:
    # What is not known yet may turn out not to matter; what cannot be known will not.
    for kind in (Undecided, Unanswered):
        for result in results:
            if isinstance(result, kind):
                raise result
    return results


def by_package(claims: list) -> dict:
    """The claims on each package."""
    sorted_out = defaultdict(list)
    for claim in claims:
        sorted_out[claim.package].append(claim)
    return sorted_out
