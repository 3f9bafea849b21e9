"""What the requirements of RubyGems leave open, as ranges; for Grype, which reads no requirements.

Safe is what any of the requirements allows; affected is everything else. Works on the numbers that
the requirements name, in the order of `packaging`'s numbers where that is enough and of a small one
for letters.
"""

import re
from functools import cmp_to_key

# The end of the order.
TOP = None


def conditions(requirement: str) -> list:
    """Splits `>=1.0 <2` or `>= 1.0, < 2` into conditions."""
    return [
        f"{sign or '='} {version}"
        for sign, version in re.findall(r"(~>|[<>=!]=?|=)?\s*(\d[^\s,]*)", requirement)
    ]


def affected(patched: list, unaffected: list) -> list:
    """The ranges outside of all requirements; one that names no end ends nowhere."""
    safe = sorted(
        (span for one in [*patched, *unaffected] if (span := allowed(one))),
        key=lambda span: (cmp_to_key(compare)(span[0][0] or "0"), not span[0][1]),
    )
    found, low = [], ("", True)
    for start, end in safe:
        if start[0] and below(low, start):
            found.append(written(low, (start[0], not start[1])))
        if end[0] is TOP:
            return found
        if not low[0] or not below(end, low):
            low = (end[0], not end[1])
    found.append(written(low, (TOP, False)))
    return found


def allowed(requirement: str):
    """((start, is start within), (end, is end within)), or nothing for what has none."""
    start, end = ("", True), (TOP, False)
    for sign, version in (one.split(" ", 1) for one in conditions(requirement)):
        if sign == "~>":
            start, end = (version, True), (bumped(version), False)
        elif sign == "=":
            start, end = (version, True), (version, True)
        elif sign.startswith(">"):
            start = (version, sign == ">=")
        elif sign.startswith("<"):
            end = (version, sign == "<=")
        else:
            return None
    return start, end


def bumped(version: str) -> str:
    """RubyGems' end of `~>`: the last number is dropped and the one before grows. Its pre-releases are
    beyond the end as well, and `A` comes before all letters of those."""
    numbers = [part for part in re.split(r"[.-]", version)]
    while any(not part.isdigit() for part in numbers):
        numbers.pop()
    if len(numbers) > 1:
        numbers.pop()
    numbers[-1] = str(int(numbers[-1]) + 1)
    return ".".join([*numbers, "A"])


def below(a: tuple, b: tuple) -> bool:
    """Whether there is something between a (as a start) and b (as a start that is excluded)."""
    order = compare(a[0] or "0", b[0])
    return order < 0 or order == 0 and a[1] and not b[1]


def written(low: tuple, high: tuple) -> str:
    parts = []
    if low[0]:
        parts.append(f">{'=' if low[1] else ''} {low[0]}")
    if high[0] is not TOP:
        parts.append(f"<{'=' if high[1] else ''} {high[0]}")
    return ", ".join(parts) or ">= 0"


def compare(a: str, b: str) -> int:
    """`Gem::Version#<=>`: words come before numbers, zeros at the end say nothing."""
    left, right = segments(a), segments(b)
    for index in range(max(len(left), len(right))):
        x = left[index] if index < len(left) else 0
        y = right[index] if index < len(right) else 0
        if x == y:
            continue
        if isinstance(x, str) != isinstance(y, str):
            return -1 if isinstance(x, str) else 1
        return -1 if x < y else 1
    return 0


def segments(version: str) -> list:
    words = re.findall(r"[0-9]+|[a-z]+", version.replace("-", ".pre."), re.IGNORECASE)
    return [int(word) if word.isdigit() else word for word in words]
